"""Clocks that are wrong: the nodes of a private herd run under libfaketime, which replaces what the C library says of the
time of day. Durations are measured with another clock, which stays right, as it does on a real machine.

    clocks = Clocks(herd)                # before any node is started
    clocks.set("n0", -3600)              # n0's clock is an hour slow, from within a second
    clocks.end()
"""
import glob
import os
import pathlib

LIBRARIES = "/usr/lib/*/faketime/libfaketimeMT.so.1"
PACKAGE = "faketime"
SEEN_WITHIN = 1  # seconds until a node sees its new clock


def faketime():
    """The path of libfaketime, None where it is not installed."""
    return next(iter(glob.glob(LIBRARIES)), None)


class Clocks:
    def __init__(self, herd):
        self.herd = herd
        for node in herd:
            self.set(node.name, 0)
            node.environment |= {
                "LD_PRELOAD": faketime(), "FAKETIME_TIMESTAMP_FILE": str(self._file(node.name)),
                "FAKETIME_CACHE_DURATION": str(SEEN_WITHIN), "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "FAKETIME_DONT_RESET": "1"}

    def set(self, name, seconds):
        """The node's clock is so far ahead of the right one."""
        fresh = self._file(name).with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        os.replace(fresh, self._file(name))  # never half a number

    def end(self):
        """Once all have ended: a process that was killed leaves its shared memory behind."""
        for node in self.herd:
            for pid in node.pids:
                for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
                    pathlib.Path("/dev/shm", name).unlink(missing_ok=True)

    def _file(self, name):
        return self.herd.directory / f"{name}.clock"
