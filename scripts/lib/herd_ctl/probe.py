"""Queries to a node from outside: over HTTP and its client port, and whether its ports are free. Every query has a
deadline for the whole answer: a node may be frozen, and another program may listen on its port."""
from __future__ import annotations

import io
import json
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from .herd import ROLES, Node, reachable

TIMEOUT = 2.0  # seconds; a working node answers within milliseconds
ALL_SECONDS = 3.0  # above TIMEOUT
MAX_ANSWER_BYTES = 4 << 20  # /status.json of 64 nodes has about 100 kB; a longer answer comes from another program
HEAD_END = b"\r\n\r\n"
REFUSED = b"? AUTH"  # the answer to a wrong token
TOKEN_VARIABLE = "HERD_TOKEN"  # the token for the pages of nodes with `auth = "token"` under [http]

Answer = TypeVar("Answer")


class Named(Protocol):
    """A node of any kind."""

    name: str


Asked = TypeVar("Asked", bound=Named)


def tls_context() -> ssl.SSLContext:
    """For clients that do not check the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def connect(address: tuple[str, int], seconds: float, tls: bool = False) -> socket.socket:
    """A connection, with TLS if `tls`; the caller closes it. The certificate is not checked: what comes is only shown
    to the operator, and the certificate may not have this address."""
    connection = socket.create_connection(address, max(0.01, seconds))
    if not tls:
        return connection
    try:
        return tls_context().wrap_socket(connection)
    except OSError:
        connection.close()
        raise


def exchange(address: tuple[str, int], request: bytes, complete: Callable[[bytes], bool], deadline: float,
             half_close: bool = False, tls: bool = False) -> bytes:
    """Sends the request; returns the answer when it is complete or the other side closes. OSError after the deadline or
    if the answer is too long. A connection with TLS is not half-closed."""
    with connect(address, deadline - time.monotonic(), tls) as connection:
        connection.sendall(request)
        if half_close and not tls:
            connection.shutdown(socket.SHUT_WR)
        answer = io.BytesIO()
        while not complete(answer.getvalue()):
            left = deadline - time.monotonic()
            if left <= 0 or answer.tell() > MAX_ANSWER_BYTES:
                raise TimeoutError(f"no complete answer from {address[0]} port {address[1]}")
            connection.settimeout(left)
            piece = connection.recv(65536)
            if not piece:
                break
            answer.write(piece)
        return answer.getvalue()


def _is_complete(answer: bytes) -> bool:
    """Whether an HTTP answer with a Content-Length is complete. Without it the answer ends with the connection."""
    head, end, body = answer.partition(HEAD_END)
    length = re.search(rb"(?im)^content-length:[ \t]*(\d{1,9})[ \t]*\r?$", head)
    return bool(end and length and len(body) >= int(length[1]))


def page(node: Node, path: str, deadline: float) -> tuple[int, bytes]:
    """(status, body) of a page of the node; OSError without an answer before the deadline."""
    if node.http is None:
        raise OSError(f"{node.name} has no HTTP")
    host = f"[{node.http[0]}]" if ":" in node.http[0] else node.http[0]
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{authorization}Connection: close\r\n\r\n".encode()
    head, _, body = exchange(reachable(node.http), request, _is_complete, deadline,
                             tls=node.pages_speak_tls).partition(HEAD_END)
    status = re.match(rb"HTTP/1\.\d (\d{3})\b", head)
    if not status:
        raise OSError(f"no HTTP answer from {node.name}")
    return int(status[1]), body


def is_ready(node: Node, deadline: float | None = None) -> bool:
    """Whether /readyz answers 200; for a node without HTTP, whether it accepts clients."""
    deadline = deadline or time.monotonic() + TIMEOUT
    try:
        if node.http:
            return page(node, "/readyz", deadline)[0] == 200
        socket.create_connection(reachable(node.clients), max(0.01, deadline - time.monotonic())).close()
        return True
    except OSError:
        return False


def read_status(node: Node, deadline: float | None = None) -> dict[str, Any] | None:
    """/status.json as a dictionary, None if there is no answer."""
    try:
        status, body = page(node, "/status.json", deadline or time.monotonic() + TIMEOUT)
        return json.loads(body) if status == 200 else None
    except (OSError, ValueError):
        return None


def peers_up(status: dict[str, Any]) -> int:
    return sum(1 for link in status["links"].values() if link["state"] == "up")


def updates(status: dict[str, Any]) -> int:
    """Changes of the store so far, from clients and peers."""
    counters = status["counters"]
    return counters.get("iamat_stored", 0) + counters.get("bus_updates_merged", 0)


def ask(node: Node, line: bytes, token: bytes = b"") -> bytes | None:
    """Sends a line as a client, with this token if it is not empty; returns the first line of the reply without its
    end, None if there is no reply. REFUSED if the token is wrong."""
    lines = [b"AUTH " + token, line] if token else [line]
    try:
        reply = exchange(reachable(node.clients), b"\n".join(lines) + b"\n",
                         lambda answer: answer.count(b"\n") >= len(lines) or answer.startswith(REFUSED),
                         time.monotonic() + TIMEOUT, half_close=True, tls=node.speaks_tls)
    except OSError:
        return None
    replies = reply.split(b"\n")
    return replies[0] if replies[0] == REFUSED else replies[len(lines) - 1] or None


def taken_port(node: Node) -> tuple[str, int] | None:
    """(role, port) of the first port of the node that a program uses already, else None."""
    for role in ROLES:
        address = getattr(node, role)
        if address and not _is_free(address):
            return role, address[1]
    return None


def _is_free(address: tuple[str, int]) -> bool:
    for family, kind, protocol, _, where in socket.getaddrinfo(*address, type=socket.SOCK_STREAM):
        with socket.socket(family, kind, protocol) as attempt:
            # As the node does: a port with only closed connections is free.
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind(where)
                attempt.listen(1)
            except OSError:
                return False
    return True


def of_all(question: Callable[[Asked], Answer], nodes: Sequence[Asked]) -> dict[str, Answer | None]:
    """{name: question(node)}, with all questions at once. None for a node without an answer within ALL_SECONDS, for
    example because a name server hangs."""
    answers: dict[str, Answer | None] = {}

    def put(node: Asked) -> None:
        answers[node.name] = question(node)

    threads = [threading.Thread(target=put, args=(node,), daemon=True) for node in nodes]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + ALL_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    known = dict(answers)  # a copy: late answers are ignored
    return {node.name: known.get(node.name) for node in nodes}
