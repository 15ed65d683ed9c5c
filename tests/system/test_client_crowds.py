"""Tests that one address cannot keep others out: the limit of an address, the rule when all places are taken, and the
time for a first line."""
import contextlib
import signal
import socket

from herd_fixture import MakeHerd, Node, alone, wait_for
from talk import fresh


def connect(node: Node, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", node.clients_port), 10, source_address=(source, 0))


def is_served(connection: socket.socket) -> bool:
    try:
        connection.sendall(b"hello\n")
        return connection.recv(100) == b"? hello\n"
    except OSError:
        return False


def test_an_address_that_fills_the_node_does_not_keep_another_out(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1), settings={"clients": {"max_connections": 50}}, log_level="info")["n0"]
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(connect(node)) for _ in range(80)]
        served = [client for client in crowd if is_served(client)]
        assert len(served) == 50
        others = [stack.enter_context(connect(node, f"127.0.0.{i}")) for i in range(2, 12)]
        assert all(is_served(client) for client in others)
        node.wait_log("event=connection_displaced from=127.0.0.1:", "by=127.0.0.2:")
        counters = fresh(node)["counters"]
        assert counters["connections_displaced"] == 10 and counters["connections_refused"] == 30
        again = [stack.enter_context(connect(node)) for _ in range(20)]
        assert not any(is_served(client) for client in again)
        assert all(is_served(client) for client in others)
        assert sum(is_served(client) for client in served) == 40


def test_an_address_has_at_most_its_share_of_connections(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1), settings={"clients": {"max_connections_per_address": 3}})["n0"]
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(node)) for _ in range(5)]
        assert sum(is_served(client) for client in clients) == 3
        assert is_served(stack.enter_context(connect(node, "127.0.0.2")))
        node.wait_log('reason="max_connections_per_address is reached"')
        assert fresh(node)["counters"]["connections_refused_by_address"] == 2


def test_a_reload_changes_the_limit_of_an_address(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1))
    node = herd["n0"]
    with connect(node) as first:
        assert is_served(first)
        herd.settings = {"clients": {"max_connections_per_address": 1}}
        herd.write_config()
        node.signal(signal.SIGHUP)
        node.wait_log("event=reloaded key=clients.max_connections_per_address")
        with connect(node) as second:
            assert not is_served(second)
        assert is_served(first)


def test_a_connection_that_sends_no_whole_line_is_closed(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1), settings={"clients": {"first_line_timeout": "500ms"}})["n0"]
    with connect(node) as silent, connect(node) as half, connect(node) as talks:
        half.sendall(b"IAMAT kiwi")
        assert is_served(talks)
        assert silent.recv(1) == b"" and half.recv(1) == b""
        assert is_served(talks)
    node.wait_log("no line within first_line_timeout")
    wait_for(lambda: node.counter("connections_without_line") == 2, "both are counted")
