"""Tests viewers and strangers at the monitor's port that send too much, read nothing, or break. None of them ends,
fills or slows the node, and none is counted after it has left."""
import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator

import pytest
import zmq

import zmtp
from herd_fixture import MakeHerd, Node, alone, wait_for
from talk import memory_peak, now, read_all, settled_memory

Context = zmq.Context["zmq.Socket[bytes]"]
MEBIBYTE = 1 << 20
SUBSCRIBE = zmtp.frame(b"\x01herd.")


@pytest.fixture(name="node")
def one_node(make_herd: MakeHerd) -> Node:
    return make_herd(alone(1), log_level="info")["n0"]


@pytest.fixture(name="context")
def context_of_viewers() -> Iterator[Context]:
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


def works(node: Node) -> None:
    assert node.say(f"IAMAT kiwi +1+1 {now()}").startswith("AT n0 ")
    assert node.get("/healthz")[0] == 200


def watch(node: Node, context: Context, *prefixes: str) -> zmq.Socket[bytes]:
    viewer = context.socket(zmq.SUB)
    viewer.rcvhwm = viewer.sndhwm = 0
    for prefix in prefixes or ("herd.",):
        viewer.subscribe(prefix)
    viewer.connect(f"tcp://127.0.0.1:{node.monitor_port}")
    return viewer


def is_silent(node: Node) -> bool:
    """Whether the node builds no event: none in the time in which the stats would come twice."""
    before = node.counter("monitor_published")
    deadline = time.monotonic() + 2.5
    while time.monotonic() < deadline:
        node.say(f"IAMAT kiwi +1+1 {now()}")
        if node.counter("monitor_published") != before:
            return False
    return True


def test_a_viewer_with_very_many_subscriptions_costs_no_memory(node: Node,
                                                               context: Context) -> None:
    before = settled_memory(node)
    viewer = watch(node, context)
    for count in range(50_000):
        viewer.subscribe(os.urandom(240))
        if count % 5000 == 0:
            works(node)
    wait_for(lambda: node.counter("monitor_viewers_cut") > 0, "it is disconnected")
    node.wait_log("sends more subscriptions than a viewer needs")
    viewer.close(0)
    works(node)
    assert memory_peak(node) - before < 8 * MEBIBYTE


@pytest.mark.parametrize("piece", [SUBSCRIBE, zmtp.frame(b"\x01herd.INFO.") + zmtp.frame(b"\x00herd.INFO."), b"\0\0",
                                   zmtp.frame(b"xyz"), zmtp.frame(b"\x04PING\0\0", flags=4), b"\x01\x00"])
def test_a_viewer_that_sends_without_an_end_is_disconnected(node: Node, context: Context,
                                                            piece: bytes) -> None:
    before = settled_memory(node)
    undisturbed = watch(node, context)
    assert undisturbed.poll(10_000)
    with zmtp.connect(node.monitor_port, b"SUB") as stranger:
        taken = zmtp.flood(stranger, piece * (65536 // len(piece)), 64 * MEBIBYTE)
    assert taken < 16 * MEBIBYTE  # bytes in the buffers of the kernel
    wait_for(lambda: node.counter("monitor_viewers_cut") == 1, "it is cut")
    works(node)
    undisturbed.recv_multipart()
    assert undisturbed.poll(10_000)
    assert memory_peak(node) - before < 8 * MEBIBYTE


def test_strangers_at_the_monitors_port_are_disconnected(node: Node) -> None:
    sent = {"zmtp 2": b"\xff" + bytes(7) + b"\x01\x7f\x01\x02\x00\x00", "curve": zmtp.greeting(mechanism=b"CURVE"),
            "http": b"GET / HTTP/1.1\r\nHost: herd\r\n\r\n", "dealer": zmtp.greeting() + zmtp.ready(b"DEALER"),
            "no ready": zmtp.greeting() + SUBSCRIBE, "silence": b"", "half": zmtp.greeting()[:30]}
    for data in sent.values():
        with contextlib.suppress(ConnectionError):  # a reset also ends the connection
            with socket.create_connection(("127.0.0.1", node.monitor_port), timeout=20) as stranger:
                stranger.sendall(data)
                read_all(stranger)
    wait_for(lambda: node.counter("monitor_viewers_cut") == len(sent), "each is counted")
    node.wait_log("speaks ZMTP 2: libzmq 4.0 and later speak ZMTP 3")
    works(node)


def test_a_viewer_is_no_longer_counted_however_it_leaves(node: Node, context: Context) -> None:
    for viewer in (watch(node, context, "herd.", "herd.", "herd.INFO."), watch(node, context, "")):
        assert viewer.poll(10_000)
        viewer.close(0)
    for _ in range(20):
        stranger = zmtp.connect(node.monitor_port, b"SUB")
        stranger.sendall(SUBSCRIBE * 20 + zmtp.frame(b"\x09SUBSCRIBEherd.INFO.", flags=4) + b"\x00")
        assert stranger.recv(100)
        zmtp.reset(stranger)
    wait_for(lambda: is_silent(node), "nothing is published for anyone")


def test_viewers_that_break_while_the_node_is_stopped_do_not_end_it(node: Node) -> None:
    for _ in range(3):
        node.signal(signal.SIGSTOP)
        strangers = [socket.create_connection(("127.0.0.1", node.monitor_port), timeout=20) for _ in range(20)]
        for number, stranger in enumerate(strangers):
            stranger.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                stranger.sendall(zmtp.greeting() + zmtp.ready(b"SUB") + SUBSCRIBE * 5000 +
                                 zmtp.frame(b"\x04PING\0\1", flags=4) * 1000)
            if number % 2:
                zmtp.reset(stranger)
        node.signal(signal.SIGCONT)
        works(node)
        for stranger in strangers[::2]:
            zmtp.reset(stranger)
    works(node)
    wait_for(lambda: is_silent(node), "nothing is published for anyone")


def test_viewers_that_never_read_slow_neither_the_node_nor_others(node: Node,
                                                                  context: Context) -> None:
    before = settled_memory(node)
    stopped = [zmtp.connect(node.monitor_port, b"SUB") for _ in range(50)]
    for viewer in stopped:
        viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        viewer.sendall(SUBSCRIBE)
    readers = [watch(node, context, "herd.INFO.client.") for _ in range(50)]

    def all_hear() -> bool:
        node.say(f"IAMAT first +1+1 {now()}")
        return all(reader.poll(100) for reader in readers)
    wait_for(all_hear, "all are there")
    for _ in range(20):
        node.say("".join(f"IAMAT c{number} +1+1 {now()}\n" for number in range(500)))
        assert all(reader.poll(10_000) for reader in readers)
        for reader in readers:
            while reader.poll(0):
                reader.recv_multipart()
    works(node)
    wait_for(lambda: node.counter("monitor_overflows") >= len(stopped), "their queues are full")
    assert node.counter("monitor_viewers_cut") == 0
    assert memory_peak(node) - before < 32 * MEBIBYTE
    for viewer in stopped:
        zmtp.reset(viewer)


def test_silent_connections_take_no_descriptors_of_clients(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1), log_level="info")["n0"]
    with contextlib.ExitStack() as stack:
        for _ in range(1200):
            stack.enter_context(socket.create_connection(("127.0.0.1", node.monitor_port), timeout=20))
        works(node)
        # Two seconds for each, independent of their number.
        wait_for(lambda: node.counter("monitor_viewers_cut") + node.counter("monitor_viewers_refused") >= 1200,
                 "all are thrown out", 30)
