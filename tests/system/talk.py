"""Helpers for tests as clients of a node: they send bytes and read replies."""
import json
import os
import re
import socket
import threading
import time
from typing import IO, Any, AnyStr

from herd_fixture import Node, wait_for

AT = re.compile(rb"AT ([A-Za-z0-9_-]+) ([+-]\d+\.\d{9}) (\S+) (\S+) (\S+)\n")


def read_all(connection: socket.socket) -> bytes:
    """Reads until the node closes."""
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def pipeline(node: Node, data: bytes, seconds: float = 60) -> bytes:
    """Sends any amount of data while it reads the replies, then half-closes. Returns all replies."""
    with node.connect(seconds) as connection:
        def send() -> None:
            connection.sendall(data)
            connection.shutdown(1)
        sender = threading.Thread(target=send)
        sender.start()
        try:
            return read_all(connection)
        finally:
            sender.join()


def in_segments(node: Node, *segments: bytes) -> bytes:
    """Sends each segment after the node has read the previous one, then half-closes. Returns all replies."""
    with node.connect() as connection:
        read = fresh(node)["counters"]["bytes_in"]
        for segment in segments:
            connection.sendall(segment)
            read += len(segment)
            wait_for(lambda: node.counter("bytes_in") >= read, "the node has read the segment")
        connection.shutdown(1)
        return read_all(connection)


def piped(stream: IO[AnyStr] | None) -> IO[AnyStr]:
    """A standard stream of a process that was started with a pipe for it."""
    assert stream is not None
    return stream


def fresh(node: Node) -> dict[str, Any]:
    """The status of a time after this call; a status may be some milliseconds old when it is read."""
    shown = node.status()["uptime_s"]
    return wait_for(lambda: (status := node.status())["uptime_s"] != shown and status, "a new status")


def now() -> str:
    """The time in POSIX seconds with nine fraction digits, as a client writes it."""
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    return f"{seconds}.{nanoseconds:09}"


def place_reply(reply: bytes) -> tuple[bytes, bytes, dict[str, Any]]:
    """(AT line, document as bytes, parsed document) of the reply to one WHATSAT."""
    at, rest = reply.split(b"\n", 1)
    assert rest.endswith(b"\n\n"), rest[-20:]
    document = rest[:-2]
    assert not document.endswith(b"\n") and b"\n\n" not in document
    return at + b"\n", document, json.loads(document)


def memory_peak(node: Node) -> int:
    """The peak of the process's memory in bytes; 0 under a sanitizer, because that uses memory of its own."""
    if os.environ.get("HERD_SANITIZED"):
        return 0
    with open(f"/proc/{node.process.pid}/status", encoding="ascii") as status:
        peak = re.search(r"VmHWM:\s+(\d+) kB", status.read())
    assert peak, "the kernel reports no peak"
    return int(peak[1]) * 1024


def resident_memory(node: Node) -> int:
    """The memory of the process in bytes; 0 under a sanitizer."""
    if os.environ.get("HERD_SANITIZED"):
        return 0
    with open(f"/proc/{node.process.pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def settled_memory(node: Node) -> int:
    """The peak of the memory in bytes after the node has read the places, which needs the most."""
    node.say("IAMAT a +34.06-118.44 5\nIAMAT b +34.06-118.44 5")
    wait_for(lambda: '"status":"OK"' in node.say("WHATSAT a 50 20"), "a lookup succeeds", seconds=60)
    return memory_peak(node)
