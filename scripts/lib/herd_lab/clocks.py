"""Wrong clocks. The nodes of a private herd run under libfaketime, which changes the time of day that the C library
returns. Durations are measured with the monotonic clock, which stays right, as on a real machine.

    clocks = Clocks.install(herd)        # before any node is started
    clocks.set("n0", -3600)              # within a second the clock of n0 is an hour slow
    clocks.end()
"""
from __future__ import annotations

import glob
import os
import pathlib

from .private_herd import PrivateHerd

LIBRARIES = "/usr/lib/*/faketime/libfaketimeMT.so.1"
PACKAGE = "faketime"
SEEN_WITHIN = 1  # seconds until a node reads its new clock


def faketime() -> str | None:
    """The path of libfaketime, None if it is not installed."""
    return next(iter(glob.glob(LIBRARIES)), None)


class Clocks:
    """The clocks of all nodes of a herd. libfaketime must be installed."""

    def __init__(self, herd: PrivateHerd):
        self.herd = herd

    @classmethod
    def install(cls, herd: PrivateHerd) -> Clocks:
        """Gives every node of the herd a clock that is right. No node may run."""
        clocks = cls(herd)
        for node in herd:
            clocks.set(node.name, 0)
            node.environment |= {
                "LD_PRELOAD": faketime() or "", "FAKETIME_TIMESTAMP_FILE": str(clocks._file(node.name)),
                "FAKETIME_CACHE_DURATION": str(SEEN_WITHIN), "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "FAKETIME_DONT_RESET": "1"}
        return clocks

    def set(self, name: str, seconds: int) -> None:
        """Sets the node's clock `seconds` ahead of the right time."""
        new = self._file(name).with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        os.replace(new, self._file(name))  # the node never reads half a number

    def end(self) -> None:
        """Call it when all nodes have ended: a killed process does not remove its shared memory."""
        for node in self.herd:
            for pid in node.pids:
                for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
                    pathlib.Path("/dev/shm", name).unlink(missing_ok=True)

    def _file(self, name: str) -> pathlib.Path:
        return self.herd.directory / f"{name}.clock"
