"""Certificates and TLS connections for tests. openssl makes the certificates when a test needs them."""
from __future__ import annotations

import contextlib
import pathlib
import socket
import ssl
import subprocess
from collections.abc import Callable
from typing import Any, TypeVar

from herd_fixture import Herd, MakeHerd, Node, alone

T = TypeVar("T")

SETTINGS = {"tls": "on", "tls_cert": "node.pem", "tls_key": "node.key"}  # of [clients]; the files are beside herd.toml
LONG_AGO = "2020-01-01 00:00:00"


def write_certificate(directory: pathlib.Path, name: str = "node", subject: str = "localhost",
                      expired: bool = False) -> None:
    """Writes NAME.pem and NAME.key: a self-signed certificate for 127.0.0.1, valid for a day from now or from 2020."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
               "-days", "1", "-subj", f"/CN={subject}", "-addext", "subjectAltName=IP:127.0.0.1",
               "-keyout", str(directory / f"{name}.key"), "-out", str(directory / f"{name}.pem")]
    subprocess.run((["faketime", LONG_AGO] if expired else []) + command, check=True, capture_output=True)
    (directory / f"{name}.key").chmod(0o600)


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
