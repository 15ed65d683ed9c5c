"""Tests hundreds of clients that ask and do not read. The memory for all of them together is bounded, a client that
reads is served as usual, and each of them gets every reply when it reads in the end."""
import selectors
import socket
from collections.abc import Sequence

from herd_fixture import MakeHerd, Node, alone, wait_for
from talk import fresh, memory_peak, settled_memory
from test_hostile_clients import Bystander

MIB = 1 << 20
CLIENTS = 300
LOOKUPS = 250  # queries of each client: about 1.5 MiB of replies
IN_ALL = 128 * MIB  # docs/PROTOCOL.md
A_STEP = 64 << 10  # more for each client: waiting input, and the replies of one step
SLACK = 48 * MIB  # overhead of the allocator


def connect_with_small_buffer(node: Node) -> socket.socket:
    """A client with a small receive buffer, so that few unread replies fit."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(60)
    connection.connect(("127.0.0.1", node.clients_port))
    return connection


def wait_until_held(node: Node) -> None:
    """Waits until the node accepts no more queries; clients that read can still report."""
    seen = [-1]

    def same() -> bool:
        seen.append(fresh(node)["counters"]["whatsat"])
        return len(seen) > 5 and len(set(seen[-5:])) == 1
    wait_for(same, "the node accepts no more queries", seconds=120)


def documents_of(connections: Sequence[socket.socket]) -> list[int]:
    """The number of documents that each client reads until the node closes."""
    ends = dict.fromkeys(connections, 0)
    last = dict.fromkeys(connections, b"")
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ, connection)
        while selector.get_map():
            ready = selector.select(60)
            assert ready, "replies are missing"
            for key, _ in ready:
                connection = key.data
                data = connection.recv(1 << 18)
                if not data:
                    selector.unregister(connection)
                tail = last[connection] + data
                ends[connection] += tail.count(b"\n\n")
                last[connection] = b"\n" if tail.endswith(b"\n") and not tail.endswith(b"\n\n") else b""
    return [ends[connection] for connection in connections]


def test_their_memory_is_bounded_others_are_served_and_every_reply_comes_in_the_end(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1), log_level="info")["n0"]
    before = settled_memory(node)
    asked = b"WHATSAT a 50 20\n" * LOOKUPS
    with Bystander.start(node) as bystander:
        slow = [connect_with_small_buffer(node) for _ in range(CLIENTS)]
        for connection in slow:
            connection.sendall(asked)
            connection.shutdown(socket.SHUT_WR)
        wait_until_held(node)
        bystander.wait_served(times=50)
        assert memory_peak(node) - before < IN_ALL + CLIENTS * A_STEP + SLACK
        assert node.counter("clients_output_held") > 0
        assert "event=clients_output_held" in node.log()
        assert node.counter("whatsat") < CLIENTS * LOOKUPS / 2  # the replies wait for their readers
    bystander.assert_served(p99=0.5)
    try:
        assert documents_of(slow) == [LOOKUPS] * CLIENTS
    finally:
        for connection in slow:
            connection.close()
    assert memory_peak(node) - before < IN_ALL + CLIENTS * A_STEP + SLACK
    wait_for(lambda: node.status()["connections"] == 0, "all are forgotten")
    with node.connect() as other:  # all of it is freed
        other.sendall(b"WHATSAT a 50 20\n" * 64)
        other.shutdown(socket.SHUT_WR)
        assert documents_of([other]) == [64]


def test_clients_that_never_read_are_closed_after_the_idle_timeout(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1), log_level="info", settings={"clients": {"idle_timeout": "2s"}})["n0"]
    settled_memory(node)
    slow = [connect_with_small_buffer(node) for _ in range(CLIENTS)]
    for connection in slow:
        connection.sendall(b"WHATSAT a 50 20\n" * LOOKUPS)
    wait_for(lambda: node.counter("clients_output_held") > 0, "they hold too much", seconds=60)
    wait_for(lambda: node.status()["connections"] == 0, "all are closed", seconds=120)
    assert node.say("still there") == "? still there\n"
    for connection in slow:
        connection.close()
