"""Which process listens on a TCP port of this host, according to /proc. Also finds which program occupies a port of a
stopped node."""
from __future__ import annotations

import contextlib
import os
import pathlib

from . import probe, processes
from .herd import Node

LISTENING = "0A"  # the state in /proc/net/tcp


def _sockets(port: int) -> set[str]:
    """The inodes of the sockets that listen on the port."""
    found = set()
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in pathlib.Path("/proc/net", name).read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(fields[9])
    return found


def is_used(port: int) -> bool:
    """Whether a process of any user listens on the port."""
    return bool(_sockets(port))


def taken(node: Node) -> str:
    """Which port of the node another program uses, and which program that is; empty if all ports are free."""
    found = probe.taken_port(node)
    if found is None:
        return ""
    role, port = found
    process = holder(port)
    by = f"{process[1]} (process {process[0]})" if process else "another program"
    return f"port {port} of its `{role}` is used by {by}"


def holder(port: int) -> tuple[int, str] | None:
    """(pid, name of its program) of a process that listens on the port; None if there is none, or if it belongs to
    another user."""
    wanted = {f"socket:[{inode}]" for inode in _sockets(port)}
    for pid in processes.every_pid() if wanted else ():
        with contextlib.suppress(OSError):
            for number in os.listdir(f"/proc/{pid}/fd"):
                if os.readlink(f"/proc/{pid}/fd/{number}") in wanted:
                    return pid, pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    return None
