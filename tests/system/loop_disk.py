"""A small ext4 file system for a node's state, on a loop device, that can fail as disks do. It needs root."""
import os
import shutil
import subprocess

import pytest


def _run(*words, check=True):
    return subprocess.run(list(map(str, words)), check=check, capture_output=True, text=True)


class LoopDisk:
    """Mounted at `directory`, which it creates. Skips the test if that is impossible."""

    def __init__(self, directory, image, mebibytes=16):
        if os.geteuid() != 0 or not all(map(shutil.which, ("mkfs.ext4", "e2fsck", "fsfreeze"))):
            pytest.skip("a file system of its own needs root and e2fsprogs")
        self.directory, self.image = directory, image
        directory.mkdir(parents=True, exist_ok=True)
        with open(image, "wb") as file:
            file.truncate(mebibytes * 1024 * 1024)
        _run("mkfs.ext4", "-q", "-F", image)
        self.mounts = 0
        if _run("mount", "-o", "loop", image, directory, check=False).returncode != 0:
            pytest.skip("a loop device cannot be mounted here")
        self.mounts = 1
        self.frozen = False

    def fail(self):
        """The effect of a disk error: all later writes fail, also to files that are open for writing."""
        _run("mount", "-o", "remount,abort", self.directory)

    def freeze(self):
        """All writes wait, as for a disk or a file server that does not answer."""
        _run("fsfreeze", "--freeze", self.directory)
        self.frozen = True

    def thaw(self):
        if self.frozen:
            _run("fsfreeze", "--unfreeze", self.directory)
        self.frozen = False

    def cover(self):
        """Mounts another, empty file system over it."""
        _run("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", self.directory)
        self.mounts += 1

    def repair(self):
        """Checks it and mounts it again, as an operator does. No process may use it."""
        while self.mounts > 0:
            _run("umount", self.directory)
            self.mounts -= 1
        _run("e2fsck", "-fy", self.image, check=False)
        _run("mount", "-o", "loop", self.image, self.directory)
        self.mounts = 1

    def close(self):
        self.thaw()
        for _ in range(self.mounts):
            _run("umount", "-l", self.directory, check=False)
