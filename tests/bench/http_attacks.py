#!/usr/bin/env python3
"""Measures what hostile HTTP clients cost a node: growth of its memory, and the time of /healthz and of an IAMAT during
the attack. Prints one row for each attack; docs/MONITORING.md shows a run. It measures the release build, or $HERD_BIN.

  nothing          for comparison
  endless line     request lines without an end, as fast as the node takes them
  endless headers  header lines without an end
  endless body     chunked bodies without an end
  3 slow           three clients that send a byte every 0.2 s
  1,000 slow       a thousand of them, from one address

Viewers of streams are measured by a unit test: build/release/bin/node_tests "a thousand viewers*".
"""
from __future__ import annotations

import argparse
import contextlib
import http.client
import multiprocessing
import pathlib
import signal
import socket
import statistics
import sys
import time
from typing import Any, Optional

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts/lib"))

from herd_ctl.herd import find_binary  # noqa: E402
from herd_ctl.waiting import TimedOut, wait_for  # noqa: E402
from herd_lab.private_herd import PrivateHerd, PrivateNode  # noqa: E402
from herd_lab.processes import resident_bytes  # noqa: E402
from herd_lab.watch import Bystander  # noqa: E402

PAUSE = 0.02       # seconds between two requests for /healthz
PATIENCE = 20.0    # seconds that a request may take
BYTE_EVERY = 0.2   # seconds between two bytes of a slow client
START = 30.0       # seconds that a node may take to be ready
MEGABYTE = b"a" * (1 << 20)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 10)


def flood(port: int, head: bytes, piece: bytes) -> None:
    """Sends without an end, on one connection after another."""
    while True:
        with contextlib.suppress(OSError), connect(port) as connection:
            connection.sendall(head)
            while True:
                connection.sendall(piece)


def trickle(port: int, count: int) -> None:
    """Runs `count` slow clients; a client that the node closes is replaced."""
    clients: list[socket.socket] = []
    while True:
        for client in list(clients):
            try:
                client.send(b"x")
            except OSError:
                clients.remove(client)
                client.close()
        with contextlib.suppress(OSError):
            while len(clients) < count:
                clients.append(connect(port))
                clients[-1].sendall(b"GET /healthz HTTP/1.1\r\nX: ")
                clients[-1].setblocking(False)
        time.sleep(BYTE_EVERY)


HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
CHUNKS = b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
Attack = Optional[tuple[Any, ...]]  # a function, and its arguments after the port
ATTACKS: dict[str, Attack] = {
    "nothing": None,
    "endless line": (flood, b"GET /", MEGABYTE),
    "endless headers": (flood, HEAD, b"X: y\r\n" * 20_000),
    "endless body": (flood, CHUNKS, b"100000\r\n" + MEGABYTE + b"\r\n"),
    "3 slow": (trickle, 3),
    "1,000 slow": (trickle, 1000),
}


def health_seconds(port: int) -> float:
    """The time of one request for /healthz on a new connection; PATIENCE if it failed."""
    begun = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", "/healthz")
        if connection.getresponse().status != 200:
            return PATIENCE
    except (OSError, http.client.HTTPException):
        return PATIENCE
    finally:
        connection.close()
    return time.monotonic() - begun


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure(node: PrivateNode, attack: Attack, seconds: float) -> tuple[int, list[float], list[float]]:
    """(highest growth of memory in bytes, seconds of each /healthz, seconds of each IAMAT)"""
    attacker = None
    if attack:
        attacker = multiprocessing.get_context("fork").Process(
            target=attack[0], args=(node.http_port, *attack[1:]), daemon=True)
    pid = node.process.pid
    before, most = resident_bytes(pid), 0
    waits: list[float] = []
    bystander = Bystander.start([node.endpoint])
    try:
        if attacker:
            attacker.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end or not waits:
            waits.append(health_seconds(node.http_port))
            most = max(most, resident_bytes(pid) - before)
            time.sleep(PAUSE)
    finally:
        if attacker:
            attacker.kill()
            attacker.join()
        iamats = bystander.waits()
    return most, waits, iamats


def wait_ready(node: PrivateNode) -> None:
    with contextlib.suppress(TimedOut):
        wait_for(lambda: node.is_ready() or not node.is_running, "the node is ready", START)
    if not node.is_running or not node.is_ready():
        sys.exit(f"the node is not ready:\n{node.log()[-2000:]}")


def settle(node: PrivateNode) -> None:
    """Returns when the node has read its places, which takes 20 MiB of memory."""
    with socket.create_connection(("127.0.0.1", node.clients_port), START) as connection:
        connection.sendall(b"IAMAT a +34.06-118.44 5\nWHATSAT a 50 20\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    node.get("/metrics")


def row(name: str, most: int, waits: list[float], iamats: list[float]) -> str:
    def milliseconds(value: float) -> str:
        return f"{value * 1000:.1f} ms"
    figures = [f"{most / 1e6:+.1f} MB", milliseconds(statistics.median(waits)), milliseconds(percentile(waits, 0.99)),
               milliseconds(percentile(iamats, 0.99)) if iamats else "none"]
    return f"| {name} | " + " | ".join(figures) + " |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15, help="how long each attack lasts (default: 15)")
    parser.add_argument("--attacks", nargs="+", choices=list(ATTACKS), default=list(ATTACKS), help="only these")
    chosen = parser.parse_args()
    print("| attack | memory | /healthz p50 | p99 | IAMAT p99 |\n|---|---|---|---|---|", flush=True)
    for name in chosen.attacks:
        herd = PrivateHerd.create(find_binary(), {"Hill": []})
        node = herd["Hill"]
        try:
            node.launch()
            wait_ready(node)
            settle(node)
            print(row(name, *measure(node, ATTACKS[name], chosen.seconds)), flush=True)
            if not node.is_running:
                sys.exit(f"{name} ended the node:\n{node.log()[-2000:]}")
        finally:
            if node.is_running:
                node.process.send_signal(signal.SIGKILL)
                node.process.wait()
            herd.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
