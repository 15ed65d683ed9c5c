"""What tests say to a node as its clients, byte by byte, and how they read its replies."""
import json
import os
import re
import threading
import time

from herd_fixture import wait_for

AT = re.compile(rb"AT ([A-Za-z0-9_-]+) ([+-]\d+\.\d{9}) (\S+) (\S+) (\S+)\n")


def read_all(connection):
    """Until the node closes."""
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def pipeline(node, data, seconds=60):
    """Sends any amount while the replies are read, then half-closes: all that the node replied."""
    with node.connect(seconds) as connection:
        def send():
            connection.sendall(data)
            connection.shutdown(1)
        sender = threading.Thread(target=send)
        sender.start()
        try:
            return read_all(connection)
        finally:
            sender.join()


def in_segments(node, *segments):
    """Sends each segment when the node has read the one before, then half-closes: all that the node replied."""
    with node.connect() as connection:
        heard = fresh(node)["counters"]["bytes_in"]
        for segment in segments:
            connection.sendall(segment)
            heard += len(segment)
            wait_for(lambda: node.counter("bytes_in") >= heard, "the node has read the segment")
        connection.shutdown(1)
        return read_all(connection)


def fresh(node):
    """The status as it is after this call; a node may show one that is some milliseconds old."""
    shown = node.status()["uptime_s"]
    return wait_for(lambda: (status := node.status())["uptime_s"] != shown and status, "a new status")


def now():
    """POSIX seconds with nine fraction digits, as a client writes them."""
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    return f"{seconds}.{nanoseconds:09}"


def place_reply(reply):
    """(AT line, document as bytes, document) of the one reply to a WHATSAT."""
    at, rest = reply.split(b"\n", 1)
    assert rest.endswith(b"\n\n"), rest[-20:]
    document = rest[:-2]
    assert not document.endswith(b"\n") and b"\n\n" not in document
    return at + b"\n", document, json.loads(document)


def memory_peak(node):
    """Bytes of memory that the node's process has held at most; 0 under a sanitizer, whose bookkeeping is not the node's."""
    if os.environ.get("HERD_SANITIZED"):
        return 0
    with open(f"/proc/{node.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1]) * 1024


def settled_memory(node):
    """Bytes that the node has needed at most, once the places are read, which costs the most."""
    assert '"status":"OK"' in node.say("IAMAT a +34.06-118.44 5\nIAMAT b +34.06-118.44 5\nWHATSAT a 50 20")
    return memory_peak(node)
