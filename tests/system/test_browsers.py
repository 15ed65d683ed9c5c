"""Tests web pages and browsers at the clients' port: the node reads nothing after the first line of HTTP."""
import http.client
import socket
from collections.abc import Iterator

import pytest

from herd_fixture import Herd, Node, alone
from talk import fresh, in_segments, now, read_all

STORES = b"IAMAT victim +0+0 5\n"


@pytest.fixture(scope="module", name="node")
def one_node() -> Iterator[Node]:
    herd = Herd.for_test(alone(1))
    herd.start()
    yield herd["n0"]
    herd.close()


@pytest.fixture(autouse=True)
def nothing_is_stored(node: Node) -> Iterator[None]:
    yield
    assert node.knows("victim") is None


def is_refusal(node: Node, answer: bytes) -> bool:
    head, body = answer.split(b"\r\n\r\n", 1)
    lines = head.split(b"\r\n")
    return (lines[0] == b"HTTP/1.1 400 Bad Request" and f"Content-Length: {len(body)}".encode() in lines
            and f"127.0.0.1:{node.http_port}".encode() in body and body.count(b"\n") == 1)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE", "QUERY",
                                    "WHATSAT"])
def test_every_method_ends_the_connection(node: Node, method: str) -> None:
    before = fresh(node)["counters"]["http_lines"]
    page = f"{method} /a?b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n".encode() + STORES
    assert is_refusal(node, node.say(page))
    assert fresh(node)["counters"]["http_lines"] == before + 1
    assert "event=http_line" in node.log()


@pytest.mark.parametrize("page", [
    b"GET / HTTP/1.0\n", b"CONNECT a:1 HTTP/1.1\r\n", b"Host: a\r\n", b"host:a\n", b"\r\n\r\nHOST: \n",
    b"G\xff\xf1ET / HTTP/1.1\r\n"])
def test_other_lines_of_http_also_end_the_connection(node: Node, page: bytes) -> None:
    assert is_refusal(node, node.say(page + STORES))


def test_a_request_in_pieces_or_without_its_line_end_is_recognised(node: Node) -> None:
    assert is_refusal(node, in_segments(node, b"GET / HT", b"TP/1.1"))
    assert is_refusal(node, in_segments(node, b"x: y\r\nHos", b"t: a\r", b"\n" + STORES).split(b"\n", 1)[1])


def test_an_http_client_gets_the_right_port(node: Node) -> None:
    client = http.client.HTTPConnection("127.0.0.1", node.clients_port, timeout=20)
    client.request("POST", "/", body=b"\n" + STORES, headers={"Content-Type": "text/plain"})
    answer = client.getresponse()
    assert answer.status == 400
    assert f"127.0.0.1:{node.http_port}" in answer.read().decode()
    client.close()


def test_earlier_commands_are_answered_and_the_connection_ends_with_a_half_close(node: Node) -> None:
    client = f"browser-{now()}"
    with node.connect() as connection:
        connection.sendall(f"IAMAT {client} +34.06-118.44 5\nWHATSAT {client} 50 20\nfoo\n".encode())
        connection.sendall(b"GET / HTTP/1.1\r\n" + STORES)
        received = read_all(connection)
        for _ in range(8):
            connection.sendall(STORES * 1000)  # later bytes are discarded
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    replies, rest = received.split(b"\n\n? foo\n", 1)
    assert replies.count(b"AT n0 ") == 2 and b'"status":"OK"' in replies
    assert is_refusal(node, rest)


def test_a_request_line_that_is_too_long_is_treated_as_a_line_too_long(node: Node) -> None:
    assert node.say(b"GET /" + b"x" * 1024 + b" HTTP/1.1\r\nHost: a\r\n" + STORES) == b"? GET /" + b"x" * 59 + b"\n"


@pytest.mark.parametrize("text", [
    "GET / HTTP/2.0", "get / HTTP/1.1", "GET  / HTTP/1.1", "GET /", "Hosts: a", " Host: a"])
def test_lines_that_only_look_like_http_are_unknown_commands(node: Node, text: str) -> None:
    assert node.say(f"{text}\nfoo") == f"? {text}\n? foo\n"
