"""Processes of tests and benchmarks: what they use, and how they end with the process that started them."""
from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Iterable

PR_SET_PDEATHSIG = 1
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def end_with_parent() -> None:
    """The kernel kills the calling process when the thread that started it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def become_helper() -> None:
    """For a forked process of this program: it ends with its parent, and leaves Ctrl-C to the parent."""
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of the processes, all threads, with a resolution far below a microsecond."""
    # The clock id is made as clock_getcpuclockid(3) makes it; /proc/PID/stat counts in steps of 10 ms.
    return sum(time.clock_gettime(~pid << 3 | 2) for pid in pids)


def kernel_ticks(pids: Iterable[int]) -> tuple[int, int]:
    """(ticks in the kernel, all ticks) of the processes since they started."""
    kernel, total = 0, 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rpartition(")")[2].split()
        kernel += int(fields[12])
        total += int(fields[11]) + int(fields[12])
    return kernel, total


def resident_bytes(pid: int) -> int:
    """Memory of the process in RAM; OSError if there is no such process."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * PAGE_BYTES


def open_descriptors(pid: int) -> list[int]:
    """OSError if there is no such process."""
    return sorted(map(int, os.listdir(f"/proc/{pid}/fd")))
