"""Tests what a client may cost a node: idle connections, clients that do not read, never end a line or never stop to
ask. The memory of the node stays bounded, and other clients are served in the same time."""
import concurrent.futures
import contextlib
import resource
import socket
import threading
import time

import pytest

import herd_fixture
from herd_fixture import MakeHerd, Node, alone, line, wait_for
from talk import fresh, memory_peak, place_reply, read_all, settled_memory

MIB = 1 << 20


def ask(connection: socket.socket, text: bytes = b"hello") -> bytes | None:
    """Sends one command on an open connection; returns the reply, None if the node ended the connection."""
    try:
        connection.sendall(text + b"\n")
        reply = connection.recv(1 << 16)
    except OSError:
        return None
    return reply or None


def connect_with_small_buffer(node: Node) -> socket.socket:
    """A client with a small receive buffer, so that few unread replies fit."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(60)
    connection.connect(("127.0.0.1", node.clients_port))
    return connection


def test_connections_beyond_the_limit_are_closed_at_once_counted_and_logged(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1), settings={"clients": {"max_connections": 3}})["n0"]
    served = [node.connect() for _ in range(3)]
    assert all(ask(connection) == b"? hello\n" for connection in served)
    with node.connect() as refused:
        assert ask(refused) is None
    assert fresh(node)["counters"]["connections_refused"] == 1
    node.wait_log("event=connection_refused", "max_connections is reached")
    assert all(ask(connection) == b"? hello\n" for connection in served)
    served.pop().close()

    def served_again() -> bool:
        with node.connect() as connection:
            return ask(connection) == b"? hello\n"
    wait_for(served_again, "there is room again")
    for connection in served:
        connection.close()


def test_the_limit_of_open_files_is_raised_as_far_as_it_goes(make_herd: MakeHerd) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))  # a node that starts now inherits it
    try:
        node = make_herd(alone(1))["n0"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(node.connect()) for _ in range(200)]
        assert all(ask(client) == b"? hello\n" for client in clients)


def test_clients_never_take_the_descriptors_of_peers_and_viewers(make_herd: MakeHerd,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    herd = make_herd(line(2), start=False, log_level="info")
    limited = herd.directory / "limited"
    limited.write_text(f'#!/bin/sh\nulimit -n 160\nexec "{herd_fixture.BINARY}" "$@"\n')
    limited.chmod(0o755)
    herd["n1"].start(wait=False)
    monkeypatch.setattr(herd, "binary", str(limited))
    herd["n0"].start()
    monkeypatch.undo()
    herd.wait_linked()
    herd["n0"].wait_log("event=connections_limited most=40 max_connections=10000")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(herd["n0"].connect()) for _ in range(300)]
        assert sum(ask(client) is not None for client in clients) == 40
        herd["n0"].wait_log('reason="the limit of open files is reached"')
        herd["n1"].kill()
        herd["n1"].start()
        herd.wait_linked()
        assert (ask(clients[0], b"IAMAT a +1+1 5") or b"").startswith(b"AT n0 ")
        herd.wait_converged(1)
    assert "accept_failed" not in herd["n0"].log()


def test_an_idle_connection_is_closed_and_an_active_one_is_not(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1), settings={"clients": {"idle_timeout": "500ms"}})["n0"]
    with node.connect() as idle, node.connect() as talks:
        begin = time.monotonic()
        idle.setblocking(False)

        def ended() -> bool:
            assert ask(talks) == b"? hello\n"
            try:
                return idle.recv(1) == b""
            except BlockingIOError:
                return False
        wait_for(ended, "the idle one is closed")
        assert time.monotonic() - begin >= 0.45
        assert ask(talks) == b"? hello\n"
    node.wait_log('reason="idle"')


def test_a_client_that_does_not_read_is_also_closed_after_the_idle_timeout(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1), settings={"clients": {"idle_timeout": "500ms"}}, log_level="info")["n0"]
    node.say("IAMAT a +34.06-118.44 5")
    with connect_with_small_buffer(node) as slow:
        slow.sendall(b"WHATSAT a 50 20\n" * 5000)
        wait_for(lambda: node.status()["connections"] == 1, "it is served")
        wait_for(lambda: node.status()["connections"] == 0, "it is closed")


def test_a_slow_reader_costs_little_memory_and_gets_every_reply_in_the_end(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1), log_level="info")["n0"]
    before = settled_memory(node)
    count = 5000  # about 30 MiB of replies
    with connect_with_small_buffer(node) as slow:
        slow.sendall(b"WHATSAT a 50 20\nWHATSAT b 50 20\n" * (count // 2))
        slow.shutdown(socket.SHUT_WR)
        with node.connect() as other:
            for _ in range(200):
                assert len(place_reply(ask(other, b"WHATSAT a 50 20") or b"")[2]["results"]) == 20
        assert fresh(node)["counters"]["whatsat"] < count  # the node waits for the reader
        replies = read_all(slow).split(b"\n\n")
    assert replies.pop() == b"" and len(replies) == count
    assert all(reply.split(b" ", 4)[3] == b"ab"[i % 2:i % 2 + 1] for i, reply in enumerate(replies))
    assert sum(map(len, replies)) > 20 * MIB
    assert memory_peak(node) - before < 8 * MIB


def test_many_clients_that_never_read_do_not_delay_others(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1), log_level="info")["n0"]
    before = settled_memory(node)
    slow = [connect_with_small_buffer(node) for _ in range(30)]
    for connection in slow:
        connection.sendall(b"WHATSAT a 50 20\n" * 1000)
    with node.connect() as other:
        for _ in range(100):
            assert ask(other) == b"? hello\n"
    assert memory_peak(node) - before < 30 * 3 * MIB
    for connection in slow:
        connection.close()
    wait_for(lambda: node.status()["connections"] == 0, "all are forgotten")
    assert node.say("still there") == "? still there\n"


def test_a_line_without_end_costs_no_memory(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1))["n0"]
    before = settled_memory(node)
    endless = [node.connect() for _ in range(8)]

    def send(connection: socket.socket) -> None:
        try:
            for _ in range(64):
                connection.sendall(b"x" * MIB)
        except OSError:
            pass  # the node has closed
    senders = [threading.Thread(target=send, args=(connection,)) for connection in endless]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    for connection in endless:
        connection.close()
    assert fresh(node)["counters"]["lines_too_long"] == 8
    assert fresh(node)["counters"]["bytes_in"] < 8 * 2 * MIB
    assert memory_peak(node) - before < 8 * MIB


def test_many_short_lines_without_a_pause_cost_no_memory(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1), log_level="info")["n0"]
    before = settled_memory(node)
    with node.connect(60) as connection:
        for _ in range(16):
            connection.sendall(b"\n" * MIB)  # there is no reply
        connection.sendall(b"end\n")
        assert connection.recv(100) == b"? end\n"
    assert memory_peak(node) - before < 4 * MIB


def test_the_configuration_sets_the_longest_line(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1), settings={"clients": {"max_line_bytes": 2000}})["n0"]
    assert node.say("x" * 2000) == f"? {'x' * 2000}\n"
    assert node.say("x" * 2001) == f"? {'x' * 64}\n"


def test_a_clean_stop_answers_pending_commands_and_closes(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1), log_level="info")["n0"]
    with node.connect() as idle, node.connect() as busy:
        assert ask(idle) == b"? hello\n"
        busy.sendall(b"IAMAT a +34.06-118.44 5\n" + b"WHATSAT a 50 20\n" * 50)
        wait_for(lambda: node.counter("whatsat") == 50, "it has read them")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            replies = pool.submit(read_all, busy)
            node.stop()
        assert replies.result().count(b"\n\n") == 50
        assert idle.recv(1) == b""
