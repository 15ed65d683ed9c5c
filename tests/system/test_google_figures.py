"""Measures the cost of Google: the latency of other commands while lookups hang, the requests for a town, a cache hit.
Prints the figures of docs/PLACES.md (pytest -s)."""
import contextlib
import os
import pathlib
import random
import socket
import threading
import time

import pytest

from google_answers import shifted
from google_herd import HOME, Clients, MakeNode, coordinates, percentile, whatsat
from google_server import GoogleServer
from herd_fixture import Node, wait_for


def iamat_latencies(connection: socket.socket, name: str, count: int) -> list[float]:
    """Seconds from an IAMAT to its AT line, one at a time on this connection."""
    seconds = []
    for i in range(count):
        line = f"IAMAT {name} +1+2 {1000 + i}\n".encode()
        begin = time.perf_counter()
        connection.sendall(line)
        reply = connection.recv(4096)
        seconds.append(time.perf_counter() - begin)
        assert reply.startswith(b"AT ")
    return seconds


def cpu_of_a_quiet_second(node: Node) -> float:
    """The share of a core that the node uses without any command."""
    def seconds() -> float:
        fields = pathlib.Path(f"/proc/{node.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    before, begin = seconds(), time.monotonic()
    with pytest.raises(TimeoutError), node.connect(1) as connection:
        connection.recv(1)
    return (seconds() - before) / (time.monotonic() - begin)


def test_the_latency_of_iamat_does_not_rise_while_200_lookups_hang(make_node: MakeNode, google: GoogleServer) -> None:
    """On other connections the time from IAMAT to AT counts. On the same connections the AT must wait for the
    lookup before it, because replies are in order; there the time until another connection sees the report counts."""
    node = make_node(timeout="20s", log_level="info")
    clients = Clients(node)
    names = [clients.new() for _ in range(200)]
    count = 2000

    def measure(name: str) -> list[float]:
        with node.connect() as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return iamat_latencies(connection, name, count)
    before = measure("before")
    google.play("silence")
    with contextlib.ExitStack() as stack:
        hanging = [stack.enter_context(node.connect()) for _ in names]
        for connection, name in zip(hanging, names):
            connection.sendall(f"WHATSAT {name} 1 20\n".encode())
        wait_for(lambda: node.counter("places_asked") == 200, "200 lookups hang")
        during = measure("during")
        effective = []
        with node.connect() as other:
            for i, connection in enumerate(hanging):
                begin = time.perf_counter()
                connection.sendall(f"IAMAT same{i} +1+2 5\n".encode())
                while True:
                    other.sendall(f"WHATSAT same{i} 1 0\n".encode())
                    if other.recv(4096).startswith(b"AT "):
                        break
                effective.append(time.perf_counter() - begin)
        used = cpu_of_a_quiet_second(node)
        status = node.status()["counters"]
        assert status["places_answered"] + status["places_timed_out"] == 0, "they were to hang all the time"
    p99 = [percentile(seconds, 0.99) * 1e6 for seconds in (before, during, effective)]
    print(f"\np99 of IAMAT: alone {p99[0]:.0f} us, while 200 lookups hang {p99[1]:.0f} us; "
          f"effective after a hanging lookup {p99[2]:.0f} us; CPU {used * 100:.0f} % of a core")
    assert used < 0.05
    assert p99[1] < max(3 * p99[0], 20_000) and p99[2] < 20_000


def test_requests_for_a_town(make_node: MakeNode, google: GoogleServer) -> None:
    """1,000 clients within 2 km ask 10 times each, with a radius of 10 km."""
    node = make_node(log_level="info")
    rng = random.Random(7)
    with node.connect(60) as connection:
        lines = []
        for i in range(1000):
            position = shifted(*HOME, rng.uniform(-1000, 1000), rng.uniform(-1000, 1000))
            lines.append(f"IAMAT town{i} {coordinates(*position)} 5\n")
        connection.sendall("".join(lines).encode())
        reply = b""
        while reply.count(b"\n") < 1000:
            reply += connection.recv(1 << 20)
    begin = time.monotonic()
    seconds = []

    def ask(first: int) -> None:
        with node.connect(60) as connection:
            for _ in range(10):
                for i in range(first, first + 100):
                    sent = time.perf_counter()
                    connection.sendall(f"WHATSAT town{i} 10 20\n".encode())
                    reply = b""
                    while not reply.endswith(b"\n\n"):
                        reply += connection.recv(1 << 20)
                    seconds.append(time.perf_counter() - sent)
                    assert b'"status":"OK"' in reply and b"info_messages" not in reply
    threads = [threading.Thread(target=ask, args=(first,)) for first in range(0, 1000, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seconds) == 10_000
    counters = node.status()["counters"]
    requests = len(google.requests)
    print(f"\n10,000 WHATSATs of 1,000 clients in a town of 2 km: {requests} requests, "
          f"{counters['places_cache_hits']} hits, {counters['places_shared']} shared, "
          f"{time.monotonic() - begin:.1f} s")
    assert requests <= 441, "a square of 2 km has at most 21 x 21 cells of 100 m"


def test_a_cache_hit_is_fast_and_an_idle_node_uses_no_processor(make_node: MakeNode, google: GoogleServer) -> None:
    node = make_node(log_level="info")
    client = Clients(node).new(HOME)
    whatsat(node, client, 10)
    seconds = []
    with node.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2000):
            begin = time.perf_counter()
            connection.sendall(f"WHATSAT {client} 10 20\n".encode())
            reply = b""
            while not reply.endswith(b"\n\n"):
                reply += connection.recv(1 << 20)
            seconds.append(time.perf_counter() - begin)
    print(f"\na hit of 20 places: p50 {percentile(seconds, 0.5) * 1e6:.0f} us, "
          f"p99 {percentile(seconds, 0.99) * 1e6:.0f} us")
    assert len(google.requests) == 1
    assert percentile(seconds, 0.5) < 0.005

    used = cpu_of_a_quiet_second(node)
    print(f"idle: {used * 100:.0f} % of a core")
    assert used < 0.05
