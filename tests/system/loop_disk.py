"""A small ext4 file system for a node's state, on a loop device, that can fail as disks do. It needs root."""
from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

import pytest


def _run(*words: str | pathlib.Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, words)), check=check, capture_output=True, text=True)


class LoopDisk:
    """The file system in the file `image`, mounted at `directory`."""

    def __init__(self, directory: pathlib.Path, image: pathlib.Path):
        self.directory = directory
        self.image = image
        self.mounts = 1
        self.frozen = False

    @classmethod
    def mount(cls, directory: pathlib.Path, image: pathlib.Path, mebibytes: int = 16) -> LoopDisk:
        """Creates both. Skips the test if that is impossible."""
        if os.geteuid() != 0 or not all(map(shutil.which, ("mkfs.ext4", "e2fsck", "fsfreeze"))):
            pytest.skip("a file system of its own needs root and e2fsprogs")
        directory.mkdir(parents=True, exist_ok=True)
        with open(image, "wb") as file:
            file.truncate(mebibytes * 1024 * 1024)
        _run("mkfs.ext4", "-q", "-F", image)
        if _run("mount", "-o", "loop", image, directory, check=False).returncode != 0:
            pytest.skip("a loop device cannot be mounted here")
        return cls(directory, image)

    def fail(self) -> None:
        """The effect of a disk error: all later writes fail, also to files that are open for writing."""
        _run("mount", "-o", "remount,abort", self.directory)

    def freeze(self) -> None:
        """All writes wait, as for a disk or a file server that does not answer."""
        _run("fsfreeze", "--freeze", self.directory)
        self.frozen = True

    def thaw(self) -> None:
        if self.frozen:
            _run("fsfreeze", "--unfreeze", self.directory)
        self.frozen = False

    def cover(self) -> None:
        """Mounts another, empty file system over it."""
        _run("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", self.directory)
        self.mounts += 1

    def repair(self) -> None:
        """Checks it and mounts it again, as an operator does. No process may use it."""
        while self.mounts > 0:
            _run("umount", self.directory)
            self.mounts -= 1
        _run("e2fsck", "-fy", self.image, check=False)
        _run("mount", "-o", "loop", self.image, self.directory)
        self.mounts = 1

    def close(self) -> None:
        self.thaw()
        for _ in range(self.mounts):
            _run("umount", "-l", self.directory, check=False)
