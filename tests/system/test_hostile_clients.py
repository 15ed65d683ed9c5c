"""Tests hostile clients: thousands of half lines and slow writers, floods of connections, ever new ids, ids that
control terminals. The memory of the node stays bounded, other clients are answered in the same time, and peers have the
same records."""
from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
import zmq

from herd_fixture import MakeHerd, Node, alone, line, wait_for
from herd_lab import watch
from talk import fresh, memory_peak, pipeline, read_all, settled_memory

MIB = 1 << 20
MANY = 1000
STEERING = b"evil\xc2\x9b31m\x9b2J\xe2\x80\xae"  # ESC [ as a letter of UTF-8 and as a byte; right-to-left override


class Bystander:
    """A well-behaved client in a process of its own, beside the hostile ones. It must not wait long."""

    def __init__(self, client: watch.Bystander):
        self.client = client
        self.waits: list[float] = []  # seconds, when the context has ended

    @classmethod
    @contextlib.contextmanager
    def start(cls, node: Node) -> Iterator[Bystander]:
        """Within the context the client runs."""
        bystander = cls(watch.Bystander.start([node.endpoint]))
        try:
            bystander.wait_served()
            yield bystander
            bystander.wait_served(times=5)  # a p99 of fewer samples has no meaning
        finally:
            bystander.waits = bystander.client.waits()

    def wait_served(self, times: int = 1) -> None:
        before = self.client.replies()
        wait_for(lambda: self.client.replies() >= before + times, "the bystander is served")

    def assert_served(self, p99: float) -> None:
        slowest = watch.p99_ms(self.waits)
        assert slowest is not None and slowest < p99 * 1000, sorted(self.waits)[-5:]


Crowd = Callable[[Node], list[socket.socket]]


@pytest.fixture(name="crowd")
def connect_a_crowd() -> Iterator[Crowd]:
    sockets: list[socket.socket] = []

    def connect(node: Node) -> list[socket.socket]:
        sockets.extend(node.connect(30) for _ in range(MANY))
        return sockets

    yield connect
    for connection in sockets:
        connection.close()


def test_a_thousand_half_lines_cost_little_and_end_when_they_are_idle(make_herd: MakeHerd, crowd: Crowd) -> None:
    settings = {"clients": {"idle_timeout": "2s"}}
    node = make_herd(alone(1), settings=settings, log_level="info")["n0"]
    before = settled_memory(node)
    with Bystander.start(node) as bystander:
        for connection in crowd(node):
            connection.sendall(b"IAMAT " + b"h" * 500)
        wait_for(lambda: node.status()["connections"] == MANY + 1, "all are there")
        wait_for(lambda: node.status()["connections"] == 1, "all are ended")
    bystander.assert_served(p99=0.5)
    assert memory_peak(node) - before < 8 * MIB
    assert fresh(node)["counters"]["unknown_commands"] == 0  # a half line is not a command


def test_a_thousand_slow_writers_are_answered_and_delay_no_other_client(make_herd: MakeHerd, crowd: Crowd) -> None:
    node = make_herd(alone(1), log_level="info")["n0"]
    before = settled_memory(node)
    writers = crowd(node)
    with Bystander.start(node) as bystander:
        text = b"IAMAT slow +34.06-118.44 5\r\n"
        for at in range(0, len(text), 3):  # a few bytes of each, one after another
            for number, connection in enumerate(writers):
                connection.sendall((text.replace(b"slow", b"slow%03d" % number) + b" " * 3)[at:at + 3])
            bystander.wait_served()
        for number, connection in enumerate(writers):
            connection.sendall((text.replace(b"slow", b"slow%03d" % number))[at + 3:])
            connection.shutdown(socket.SHUT_WR)
        assert all(read_all(connection).startswith(b"AT n0 ") for connection in writers)
    bystander.assert_served(p99=0.5)
    assert fresh(node)["clients"] == MANY + 3
    assert memory_peak(node) - before < 8 * MIB


def test_a_flood_of_connections_leaves_no_trace(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1), settings={"clients": {"max_connections": 50}}, log_level="info")["n0"]
    begin = fresh(node)
    with Bystander.start(node) as bystander:
        def flood() -> None:
            for number in range(MANY):
                try:
                    connection = node.connect()
                    if number % 2:  # a reset instead of an end
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    connection.close()
                except OSError:
                    pass
        floods = [threading.Thread(target=flood) for _ in range(4)]
        for thread in floods:
            thread.start()
        for thread in floods:
            thread.join()
        wait_for(lambda: node.status()["connections"] == 1, "all are forgotten")
    bystander.assert_served(p99=0.5)
    end = fresh(node)["counters"]
    seen = end["connections_accepted"] + end["connections_refused"]
    assert seen - begin["counters"]["connections_accepted"] > MANY
    assert node.log().count("event=connection_refused") < 200  # the log has a limit, too


def test_ever_new_ids_are_refused_at_the_limit_and_nodes_have_the_same_records(make_herd: MakeHerd) -> None:
    settings = {"clients": {"max_clients": 1000, "invalid_arguments": "reply"}}
    herd = make_herd(line(2), settings=settings, log_level="info")
    herd.wait_linked()
    node, peer = herd
    replies = pipeline(node, b"".join(b"IAMAT n0-%d +1+1 5\n" % i for i in range(3000))).splitlines()
    assert all(reply.startswith(b"AT n0 ") for reply in replies[:1000])
    assert replies[1000:] == [b"? IAMAT n0-%d +1+1 5" % i for i in range(1000, 3000)]
    assert fresh(node)["counters"]["clients_refused"] == 2000
    assert node.wait_log("max_clients is reached").count("event=client_refused") < 200
    herd.wait_converged(clients=1000)
    assert peer.say("IAMAT n1-0 +1+1 5") == "? IAMAT n1-0 +1+1 5\n"  # clients from peers count, too
    assert peer.say("IAMAT n0-7 +1+1 6").startswith("AT n1 ")  # known clients may report at any node
    wait_for(lambda: (node.knows("n0-7") or "").endswith(" 6"), "the peers agree")
    # Updates of a peer are merged beyond the limit.
    node.kill()
    settings["clients"]["max_clients"] = 2000
    herd.write_config()
    node.start()
    herd.wait_linked()
    assert pipeline(node, b"".join(b"IAMAT late-%d +1+1 5\n" % i for i in range(1000))).count(b"AT n0 ") == 1000
    herd.wait_converged(clients=2000)
    assert fresh(peer)["counters"]["clients_refused"] == 1
    assert peer.say("WHATSAT late-999 1 0").startswith("AT n0 ")


def test_ids_that_control_a_terminal_are_escaped_in_log_and_monitor(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1), log_level="trace")["n0"]
    context = zmq.Context()
    watcher = context.socket(zmq.SUB)
    watcher.rcvtimeo = 10_000
    watcher.subscribe("herd.")
    watcher.connect(f"tcp://127.0.0.1:{node.monitor_port}")
    try:
        watcher.recv_multipart()  # the report counts
        reply = node.say(b"IAMAT " + STEERING + b" +1+1 5\n")
        assert reply.startswith(b"AT n0 ") and reply.split(b" ")[3] == STEERING  # the client gets its own bytes back
        assert node.say(b"IAMAT " + STEERING + b" +99+1 5\n") == b""
        assert node.say(b"IAMAT \x1b[31m +1+1 5\n") == b"? IAMAT \\x1b[31m +1+1 5\n"
        while (event := watcher.recv_multipart()) and b".client." not in event[0]:
            pass
        text = event[1].decode()
        assert json.loads(text)["client"] == "evil\x9b31m\ufffd2J\u202e"
        assert not any("\x7f" <= char <= "\x9f" or char < " " for char in text)
    finally:
        context.destroy(linger=0)
    log = node.log_path.read_bytes()
    assert b"evil\\xc2\\x9b31m\\x9b2J\\xe2\\x80\\xae" in log
    assert all(byte == 0x0a or 0x20 <= byte <= 0x7e for byte in log)
