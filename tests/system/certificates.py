"""TLS connections for tests."""
from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Any, TypeVar

from herd_fixture import Herd, MakeHerd, Node, alone
from herd_lab.certificate import write_certificate

T = TypeVar("T")

SETTINGS = {"tls": "on", "tls_cert": "node.pem", "tls_key": "node.key"}  # of [clients]; the files are beside herd.toml


def herd_with_tls(make_herd: MakeHerd, expired: bool = False, **clients: object) -> Herd:
    """One node, n0, that speaks TLS to clients, with more keys of [clients]."""
    herd = make_herd(alone(1), start=False, settings={"clients": SETTINGS | clients})
    write_certificate(herd.directory, expired=expired)
    herd.start()
    return herd


def context_for(herd: Herd, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """A client's context that trusts the certificate beside the configuration, and speaks only `version` if given."""
    context = ssl.create_default_context(cafile=str(herd.directory / "node.pem"))
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def connect(node: Node, context: ssl.SSLContext, seconds: float = 10) -> ssl.SSLSocket:
    """A connection with a complete handshake. The caller closes it."""
    plain = node.connect(seconds)
    try:
        return context.wrap_socket(plain, server_hostname="127.0.0.1")
    except BaseException:
        plain.close()
        raise


def say(node: Node, context: ssl.SSLContext, text: str) -> str:
    """Sends the text over TLS and half-closes; returns everything that the node sent until it ended the connection."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with node.connect() as connection:
        def step(call: Callable[[], T]) -> T:
            while True:
                try:
                    return call()
                except ssl.SSLWantReadError:
                    connection.sendall(outgoing.read())
                    if received := connection.recv(1 << 16):
                        incoming.write(received)
                    else:
                        incoming.write_eof()
        step(tls.do_handshake)
        tls.write(text.encode())
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.unwrap()  # close_notify
        replies = []
        with contextlib.suppress(ssl.SSLZeroReturnError):  # the node's close_notify
            while True:
                replies.append(step(lambda: tls.read(1 << 16)))
    return b"".join(replies).decode()


def certificate_name(connection: ssl.SSLSocket) -> str:
    """The common name of the node's certificate, which the context must have verified."""
    certificate: Any = connection.getpeercert()
    return dict(entry[0] for entry in certificate["subject"])["commonName"]


def read_answer(connection: socket.socket) -> bytes:
    """Everything until the node closes, in plain text."""
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))
