"""Processes of this host according to /proc: which of them belong to one state directory, and how to end them.

A pid alone proves nothing, because the kernel uses it again. A process belongs to a herd only if its command line and
its environment name the state directory, or if it has the lock file of a node open and that file contains its pid.
Signals go through a pidfd, so they reach this process or none."""
from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import select
import signal
import time
from collections.abc import Iterable, Iterator

from .trouble import Trouble

PATIENCE_SECONDS = 10.0  # after SIGTERM; the same as stopwaitsecs of supervisord
KILL_SECONDS = 3.0       # after SIGKILL: only a process that waits for a disk needs more
FROZEN = "T"             # state in /proc/PID/stat of a process stopped by a signal
DEAD = ("", "Z", "X")
MARK = b"HERD_FINGERPRINT"  # in the environment of each node that a supervisor of scripts/herd started


class Process:
    """One process. Its pidfd is closed with the object. If the kernel or a container has no pidfds, the start time
    distinguishes it from a later process with the same pid, except for a moment between the check and the signal."""

    def __init__(self, pid: int, descriptor: int | None, start_ticks: int):
        """For open(). The object owns the pidfd `descriptor`."""
        self.pid = pid
        self._descriptor = descriptor
        self._started = start_ticks

    @staticmethod
    def open(pid: int) -> Process | None:
        """None if there is no such process."""
        try:
            return Process(pid, os.pidfd_open(pid), started(pid))
        except (ProcessLookupError, ValueError, OverflowError):
            return None
        except OSError:
            return Process(pid, None, started(pid)) if state(pid) else None

    def __del__(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def has_ended(self) -> bool:
        if self._descriptor is not None:
            return bool(select.select([self._descriptor], [], [], 0)[0])
        return state(self.pid) in DEAD or started(self.pid) != self._started

    def is_frozen(self) -> bool:
        return state(self.pid) == FROZEN and not self.has_ended()

    def signal(self, number: signal.Signals) -> None:
        """It is no error if the process has ended. Trouble if it belongs to another user."""
        try:
            if self._descriptor is not None:
                signal.pidfd_send_signal(self._descriptor, number)
            elif not self.has_ended():
                os.kill(self.pid, number)
        except ProcessLookupError:
            pass
        except PermissionError:
            raise Trouble(f"process {self.pid} belongs to another user: run this as the user that runs the"
                          " herd") from None


@dataclasses.dataclass
class RunningNode:
    name: str
    process: Process
    supervised: bool  # started by a supervisor of scripts/herd, which may be gone

    @property
    def pid(self) -> int:
        return self.process.pid


def _read(pid: int, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def _fields(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat from the state on; the name before it may contain any character."""
    return _read(pid, "stat").rpartition(b") ")[2].split()


def state(pid: int) -> str:
    """One letter, see proc(5); empty if there is no such process."""
    fields = _fields(pid)
    return fields[0].decode() if fields else ""


def parent(pid: int) -> int:
    fields = _fields(pid)
    return int(fields[1]) if len(fields) > 1 else 0


def started(pid: int) -> int:
    """When the process started, in clock ticks since boot; 0 if it is gone."""
    fields = _fields(pid)
    return int(fields[19]) if len(fields) > 19 else 0


def age(pid: int) -> float:
    """Seconds since the process started; 0 if it is gone."""
    since_boot = time.clock_gettime(time.CLOCK_BOOTTIME)
    ticks = started(pid)
    return max(0.0, since_boot - ticks / os.sysconf("SC_CLK_TCK")) if ticks else 0.0


def command_line(pid: int) -> list[bytes]:
    return _read(pid, "cmdline").split(b"\0")[:-1]


def environment(pid: int) -> dict[bytes, bytes]:
    """Empty for a process of another user."""
    pairs = (entry.partition(b"=") for entry in _read(pid, "environ").split(b"\0"))
    return {key: value for key, _, value in pairs}


def unit_of(pid: int) -> str:
    """The instance of herd@.service that the process belongs to, according to its control group; empty if to none."""
    for line in _read(pid, "cgroup").splitlines():
        unit = line.rpartition(b"/")[2]
        if unit.startswith(b"herd@") and unit.endswith(b".service"):
            return os.fsdecode(unit)
    return ""


def every_pid() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdecimal())


def _means(pid: int, path: pathlib.Path, directory: pathlib.Path) -> bool:
    """Whether the path, in the view of that process, is this directory. A container may use the same path for another
    directory, and a symbolic link may be another path of the same directory."""
    try:
        here = os.stat(directory)
    except OSError:
        return path == directory  # it was removed
    try:
        return os.path.samestat(os.stat(f"/proc/{pid}/root{path}"), here)
    except OSError:
        return False


# Supervisors.

def configuration_of(pid: int) -> pathlib.Path | None:
    """The configuration of a supervisord of scripts/herd, None if the process is none."""
    words = command_line(pid)
    if not any(word.rpartition(b"/")[2].endswith(b"supervisord") for word in words[:-2]) or words[-2] != b"-c":
        return None
    path = pathlib.Path(os.fsdecode(words[-1]))
    return path if path.name == "supervisord.conf" else None


def _is_supervisor(pid: int, directory: pathlib.Path) -> bool:
    path = configuration_of(pid)
    return path is not None and _means(pid, path.parent, directory)


def supervisor_of(directory: pathlib.Path) -> Process | None:
    """The supervisord of this state directory: according to its pid file, else according to /proc."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((directory / "supervisord.pid").read_text(encoding="ascii"))
        process = Process.open(pid)
        if process and _is_supervisor(pid, directory):
            return process
    for pid in every_pid():
        # A child that supervisord forks for a node has the command line of supervisord for a moment.
        if _is_supervisor(pid, directory) and not _is_supervisor(parent(pid), directory):
            process = Process.open(pid)
            if process and _is_supervisor(pid, directory):
                return process
    return None


# Nodes.

def node_of(pid: int) -> tuple[str, pathlib.Path, pathlib.Path] | None:
    """(name, configuration, state directory) of a node that a supervisor of scripts/herd started, else None."""
    words = command_line(pid)
    if len(words) != 5 or words[1] != b"--config" or words[3] != b"--":
        return None
    variables = environment(pid)
    if MARK not in variables or b"HERD_STATE_DIR" not in variables:
        return None
    return (os.fsdecode(words[4]), pathlib.Path(os.fsdecode(words[2])),
            pathlib.Path(os.fsdecode(variables[b"HERD_STATE_DIR"])))


def _is_supervised(pid: int, directory: pathlib.Path) -> str | None:
    """The node's name if the process is a node of this directory that a supervisor started."""
    found = node_of(pid)
    return found[0] if found and _means(pid, found[2], directory) else None


def lock_holder(lock: pathlib.Path) -> Process | None:
    """The process with the pid in a node's lock file, if it has that file open. Only a node that took the lock does."""
    try:
        pid = int(lock.read_text(encoding="ascii"))
        wanted = os.stat(lock)
        process = Process.open(pid)
        for number in sorted(os.listdir(f"/proc/{pid}/fd"), key=int) if process else []:
            with contextlib.suppress(OSError):
                if os.path.samestat(os.stat(f"/proc/{pid}/fd/{number}"), wanted):
                    return process
    except (OSError, ValueError):
        pass
    return None


def supervised_nodes(directory: pathlib.Path) -> list[RunningNode]:
    """The running nodes of this directory that a supervisor of scripts/herd started; that supervisor may be gone."""
    found = []
    for pid in every_pid():
        name = _is_supervised(pid, directory)
        process = Process.open(pid) if name else None
        if name and process and state(pid) not in DEAD and _is_supervised(pid, directory):
            found.append(RunningNode(name, process, True))
    return sorted(found, key=lambda node: node.name)


def running_nodes(directory: pathlib.Path, names: Iterable[str]) -> dict[str, RunningNode]:
    """By name: the nodes that a supervisor started, and those of `names` that a user started by hand."""
    found = {node.name: node for node in supervised_nodes(directory)}
    for name in names:
        process = lock_holder(directory / "nodes" / name / "lock") if name not in found else None
        if process:
            found[name] = RunningNode(name, process, False)
    return found


# Ending processes.

def wait_ended(ending: list[Process], seconds: float) -> list[Process]:
    """Waits; returns the processes that have not ended after `seconds`."""
    deadline = time.monotonic() + seconds
    left = [process for process in ending if not process.has_ended()]
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = [process for process in left if not process.has_ended()]
    return left


def ask_to_end(ending: Iterable[Process]) -> None:
    """SIGTERM, then SIGCONT: a frozen process can end cleanly only when it is continued."""
    for process in ending:
        process.signal(signal.SIGTERM)
        process.signal(signal.SIGCONT)


def kill(ending: list[Process]) -> None:
    """SIGKILL; Trouble if a process does not end even then."""
    for process in ending:
        process.signal(signal.SIGKILL)
    left = wait_ended(ending, KILL_SECONDS)
    if left:
        pids = ", ".join(str(process.pid) for process in left)
        raise Trouble(f"process {pids} does not end after SIGKILL: it waits for a disk or a network file system. Check"
                      " those, then try again")
