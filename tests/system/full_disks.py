"""Two ways to fill the disk of a node. One needs root, the other does not."""
import os
import resource
import subprocess

import pytest


class FullTmpfs:
    """A small file system for the state of a node, and a file that fills it."""

    def __init__(self, node):
        if os.geteuid() != 0:
            pytest.skip("mounting a small tmpfs needs root")
        self.directory = node.state_dir
        self.directory.mkdir(parents=True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", self.directory], check=False)
        if mounted.returncode != 0:
            pytest.skip("a tmpfs cannot be mounted here")

    def fill(self):
        with open(self.directory / "ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"x" * 4096)
            except OSError:
                pass

    def free(self):
        (self.directory / "ballast").unlink()

    def close(self):
        subprocess.run(["umount", "-l", self.directory], check=True)


class FileLimit:
    """A limit of the size of the node's files, which has the effect of a quota and needs no root."""

    def __init__(self, node):
        self.node = node

    def fill(self):
        journal = (self.node.state_dir / "journal").stat().st_size
        assert journal > self.node.log_path.stat().st_size + 4096, "the log must be able to grow"
        self._limit(journal + 100)

    def free(self):
        if self.node.is_running:
            self._limit(resource.RLIM_INFINITY)

    def close(self):
        pass

    def _limit(self, soft):
        resource.prlimit(self.node.process.pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))
