"""Two ways to fill the disk of a node. One needs root, the other does not."""
from __future__ import annotations

import os
import pathlib
import resource
import subprocess

import pytest

from herd_fixture import Node


class FullTmpfs:
    """A small file system, for the state of a node for example, and a file that fills it."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory

    @classmethod
    def mount(cls, directory: pathlib.Path) -> FullTmpfs:
        """Creates the directory. Skips the test if a tmpfs cannot be mounted."""
        if os.geteuid() != 0:
            pytest.skip("mounting a small tmpfs needs root")
        directory.mkdir(parents=True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", directory], check=False)
        if mounted.returncode != 0:
            pytest.skip("a tmpfs cannot be mounted here")
        return cls(directory)

    def fill(self) -> None:
        with open(self.directory / "ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"x" * 4096)
            except OSError:
                pass

    def free(self) -> None:
        (self.directory / "ballast").unlink()

    def close(self) -> None:
        subprocess.run(["umount", "-l", self.directory], check=True)


class FileLimit:
    """A limit of the size of the node's files, which has the effect of a quota and needs no root."""

    def __init__(self, node: Node):
        self.node = node

    def fill(self) -> None:
        journal = (self.node.state_dir / "journal").stat().st_size
        assert journal > self.node.log_path.stat().st_size + 4096, "the log must be able to grow"
        self._limit(journal + 100)

    def free(self) -> None:
        if self.node.is_running:
            self._limit(resource.RLIM_INFINITY)

    def close(self) -> None:
        pass

    def _limit(self, soft: int) -> None:
        resource.prlimit(self.node.process.pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))
