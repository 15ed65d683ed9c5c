"""Tests hostile HTTP clients at a real node: lines, headers and bodies without an end, thousands of slow clients. The
memory of the node stays flat, /healthz and clients are answered in the same time, and every refusal has a reason."""
import contextlib
import gzip
import signal
import socket
import time

import pytest

import herd_fixture
from herd_fixture import MakeHerd, Node, alone, wait_for
from herd_lab import watch
from talk import memory_peak, settled_memory

MIB = 1 << 20
SENT = 64 * MIB      # bytes of each flood, if the node took them all
REQUEST_TIME = 3.0   # seconds, node/http/limits.hpp
PATIENCE = 30        # seconds: the limit of any step on a loaded machine


@pytest.fixture(name="node")
def start_one_node(make_herd: MakeHerd) -> Node:
    return make_herd(alone(1), log_level="info")["n0"]


def connect(node: Node) -> socket.socket:
    return socket.create_connection(("127.0.0.1", node.http_port), PATIENCE)


def read_all(connection: socket.socket) -> bytes:
    """Returns the bytes that arrive until the node ends the connection, in any way."""
    got = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            got += piece
    return got


def ask(node: Node, request: bytes) -> bytes:
    with connect(node) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(request)
        return read_all(connection)


def status_of(answer: bytes) -> int | None:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else None


def flood(node: Node, head: bytes, piece: bytes) -> int:
    """Sends up to SENT bytes; returns the number that the node took before it ended the connection."""
    taken = 0
    with connect(node) as connection, contextlib.suppress(OSError):
        connection.sendall(head)
        while taken < SENT:
            connection.sendall(piece)
            taken += len(piece)
    return taken


POST = b"POST /metrics HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
FLOODS = {
    "no request line": (b"", b"a" * MIB),
    "request line": (b"GET /", b"a" * MIB),
    "header line": (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ", b"a" * MIB),
    "header lines": (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n", b"X: y\r\n" * 100_000),
    "chunks": (CHUNKED, b"100000\r\n" + b"a" * MIB + b"\r\n"),
    "chunk extension": (CHUNKED + b"5;", b"a" * MIB),
    "one large chunk": (CHUNKED + b"fffffffffffffff\r\n", b"a" * MIB),
    "no length": (POST + b"\r\n", b"a" * MIB),
    "length": (POST + b"Content-Length: 9999999999\r\n\r\n", b"a" * MIB),
    "requests": (b"", b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000),
}


def test_endless_requests_are_cut_off_and_cost_no_memory(node: Node) -> None:
    before = settled_memory(node)
    bystander = watch.Bystander.start([node.endpoint])
    try:
        for name, (head, piece) in FLOODS.items():
            flood(node, head, piece)
            assert node.get("/healthz") == (200, "ok\n"), name
            assert memory_peak(node) - before < 8 * MIB, name
        asked = bystander.replies()
        wait_for(lambda: bystander.replies() > asked, "the bystander is served")
    finally:
        waits = bystander.waits()
    slowest = watch.p99_ms(waits)
    assert slowest is not None and slowest < 1000


def test_every_refusal_has_a_status_and_a_reason(node: Node) -> None:
    body = gzip.compress(bytes(10 * MIB))
    for request, status in ((b"GET /" + b"a" * 5000, 414), (b"GET / HTTP/1.1\r\nX: " + b"a" * 5000, 431),
                            (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 64, 431),
                            (POST + b"Content-Length: 2000\r\n\r\n" + b"a" * 2000, 413), (CHUNKED, 501),
                            (POST + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body)
                             + body, 415),
                            (POST + b"\r\n", 405), (b"get /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
                            (b"\x16\x03\x01\x02\x00", 400), (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
                            (b"GET /healthz HTTP/1.1\nHost: localhost\n\n", 400),
                            (b"GET /healthz%00 HTTP/1.1\r\n", 400)):
        answer = ask(node, request)
        assert status_of(answer) == status, (request[:60], answer[:200])
        head, _, text = answer.partition(b"\r\n\r\n")
        assert text.count(b"\n") == 1 and len(text) > 10, answer
        assert (b"\r\nAllow: GET, HEAD" in head) == (status == 405)


def test_slow_clients_are_cut_off_and_delay_no_other_client(node: Node) -> None:
    clients = [connect(node) for _ in range(3)]
    begun = time.monotonic()
    longest = 0.0
    for client in clients:
        client.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        client.settimeout(0.05)
    open_clients = list(clients)
    while open_clients:
        asked = time.monotonic()
        assert node.get("/healthz")[0] == 200
        longest = max(longest, time.monotonic() - asked)
        for client in list(open_clients):
            with contextlib.suppress(TimeoutError):
                with contextlib.suppress(ConnectionError):
                    client.sendall(b"x")
                if not client.recv(65536).startswith(b"HTTP/1.1 408 "):
                    pytest.fail("a slow client was ended without 408")
                open_clients.remove(client)
        assert time.monotonic() - begun < PATIENCE
    assert time.monotonic() - begun >= REQUEST_TIME * 0.9
    assert longest < 2
    for client in clients:
        client.close()


@pytest.mark.parametrize("files", [None, 1024])
def test_a_thousand_slow_clients_take_no_descriptors_that_others_need(
        make_herd: MakeHerd, monkeypatch: pytest.MonkeyPatch, files: int | None) -> None:
    herd = make_herd(alone(1), start=False, log_level="info")
    if files:
        limited = herd.directory / "limited"
        limited.write_text(f'#!/bin/sh\nulimit -n {files}\nexec "{herd_fixture.BINARY}" "$@"\n')
        limited.chmod(0o755)
        monkeypatch.setattr(herd, "binary", str(limited))
    herd.start()
    node = herd["n0"]
    before = settled_memory(node)
    clients = []
    longest = 0.0
    for number in range(1000):
        clients.append(connect(node))
        clients[-1].sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        if number % 25 == 0:
            asked = time.monotonic()
            assert node.get("/healthz")[0] == 200
            longest = max(longest, time.monotonic() - asked)
    code, metrics = node.get("/metrics")
    assert code == 200
    figures = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if not line.startswith("#"))
    room = max(4, min(1200, int(figures["process_max_fds"]) // 16))
    assert int(figures["herd_http_connections"]) <= room
    assert longest < 2
    with contextlib.ExitStack() as stack:  # fewer than a node with 1,024 descriptors can hold
        served = [stack.enter_context(node.connect()) for _ in range(700)]
        for number, client in enumerate(served):
            client.sendall(b"IAMAT kiwi%03d +1+1 5\n" % number)
        assert all(client.recv(100).startswith(b"AT n0 ") for client in served)
    assert memory_peak(node) - before < 8 * MIB
    for client in clients:
        client.close()


def test_a_stuck_process_answers_its_clients_again_and_loses_no_request(node: Node) -> None:
    with connect(node) as connection:
        node.signal(signal.SIGSTOP)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        node.signal(signal.SIGCONT)
        assert status_of(read_all(connection)) == 200


def test_requests_that_are_sent_at_once_are_answered_in_order(node: Node) -> None:
    paths = [b"/healthz", b"/nowhere", b"/readyz", b"/status.json"] * 25
    requests = b"".join(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n" for path in paths[:-1])
    last = b"HEAD http://hill/status.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answers = ask(node, requests + last)
    parts = answers.split(b"HTTP/1.1 ")[1:]
    assert [int(part[:3]) for part in parts] == [404 if path == b"/nowhere" else 200 for path in paths]
    assert parts[-1].endswith(b"\r\n\r\n")  # HEAD
    assert b"Content-Type: application/json\r\n" in parts[-1]


def test_metrics_have_the_start_time_and_the_limit_of_open_files(node: Node) -> None:
    figures = dict(line.rsplit(" ", 1) for line in node.get("/metrics")[1].splitlines() if not line.startswith("#"))
    assert time.time() - 3600 < float(figures["process_start_time_seconds"]) < time.time() + 2
    assert int(figures["process_max_fds"]) >= int(figures["process_open_fds"]) > 10
    assert int(float(figures["process_virtual_memory_bytes"])) > int(float(figures["process_resident_memory_bytes"]))
