"""The rows of a benchmark that show what encryption costs, and what strangers cost others."""
from __future__ import annotations

import collections
import importlib
import pathlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from herd_ctl.graphs import FIVE
from herd_ctl.probe import tls_context
from herd_ctl.trouble import Trouble

from .bench_herd_rows import ends, flood, hop
from .bench_rows import (ALONE, CLIENTS, OF_CPU, OF_KERNEL, OF_LATENCY, Figures, MakeMeasure, Row, Side, connections,
                         herd, load, load_places, redis, silent_report)
from .bench_servers import HerdServer, Redis, Server
from .certificate import write_certificate
from .processes import cpu_seconds

IDLE_CONNECTIONS = 2_000
STRANGERS = "127.0.0.9"  # their address
STRANGERS_PER_SECOND = 1_000
OPEN_STRANGERS = 100  # at a time: fewer than one address may have under way, so none of them is refused early
STEP_SECONDS = 0.01   # between two groups of strangers
GREETING_BYTES = 64   # of ZMTP 3
HELLO_BYTES = 202     # of CURVE: the frame's two bytes and its body
HELLO_SECONDS = 20    # until the ZeroMQ client has sent its HELLO
CONNECT_SECONDS = 1   # that a stranger waits for its connection


def certificate_in(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Writes a certificate into the folder: {"cert": file, "key": file}."""
    write_certificate(folder)
    return {"cert": folder / "node.pem", "key": folder / "node.key"}


def herd_with_tls(folder: pathlib.Path) -> HerdServer:
    """A node that speaks TLS to its clients."""
    files = certificate_in(folder)
    tls = {"tls": "on", "tls_cert": str(files["cert"]), "tls_key": str(files["key"])}
    server = HerdServer(folder, ALONE, settings={"clients": tls}).start()
    load_places(server)
    return server


def redis_with_tls(folder: pathlib.Path) -> Redis:
    return Redis(folder, tls=certificate_in(folder)).start()


def herd_with_curve(folder: pathlib.Path) -> HerdServer:
    """Five nodes with an encrypted bus."""
    server = HerdServer(folder, FIVE, curve=True).start()
    load_places(server)
    return server


def served(connection: socket.socket, number: int) -> bytes:
    """The reply to a report."""
    connection.sendall(silent_report(number))
    reply = connection.recv(200)
    if not reply:
        raise Trouble(f"connection {number + 1} was closed")
    return reply


def handshakes(server: Server, seconds: float, resumes: bool) -> Figures:
    """Handshakes per second of the node's processor time, with one report each, one after another. If `resumes`, each
    but the first continues the session of the one before."""
    context, session, resumed = tls_context(), None, 0
    count, cpu, began = 0, cpu_seconds(server.pids), time.monotonic()
    while time.monotonic() - began < seconds:
        with socket.create_connection(("127.0.0.1", server.ports[0]), 10) as plain:
            with context.wrap_socket(plain, session=session) as connection:
                served(connection, count)
                if resumes:
                    session, resumed = connection.session, resumed + bool(connection.session_reused)
        count += 1
    if resumes and resumed < count - 1:
        raise Trouble(f"only {resumed} of {count} handshakes resumed a session")
    used = cpu_seconds(server.pids) - cpu
    return {"value": count / used, "server_us": 1e6 * used / count, "a_second": count / (time.monotonic() - began)}


def tls_hello() -> bytes:
    """The first bytes of a TLS client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        tls_context().wrap_bio(incoming, outgoing).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def curve_hello(server_key: bytes) -> bytes:
    """The first bytes of a ZeroMQ client with a key that no node knows, to the node with this key (in Z85)."""
    try:
        zmq: Any = importlib.import_module("zmq")
    except ImportError:
        raise Trouble("python3-zmq is not installed: run scripts/deps") from None
    with socket.create_server(("127.0.0.1", 0)) as listener, zmq.Context() as context:
        with context.socket(zmq.DEALER) as dealer:
            dealer.linger = 0
            dealer.curve_publickey, dealer.curve_secretkey = zmq.curve_keypair()
            dealer.curve_serverkey = server_key
            dealer.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
            listener.settimeout(HELLO_SECONDS)
            connection, _ = listener.accept()
            connection.settimeout(HELLO_SECONDS)
            with connection:
                connection.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"CURVE".ljust(20, b"\0") + b"\1" + bytes(31))
                hello = b""
                while len(hello) < GREETING_BYTES + HELLO_BYTES:
                    piece = connection.recv(1000)
                    if not piece:
                        raise Trouble("the ZeroMQ client sent no HELLO")
                    hello += piece
                return hello


@contextmanager
def strangers(port: int, hello: bytes) -> Iterator[list[int]]:
    """While it is open, STRANGERS_PER_SECOND connections a second begin a handshake and go no further, or as many as
    this machine can open. The list has their number."""
    count, done = [0], threading.Event()

    def knock() -> None:
        opened: collections.deque[socket.socket] = collections.deque()
        began = time.monotonic()
        while not done.wait(STEP_SECONDS):
            while count[0] < (time.monotonic() - began) * STRANGERS_PER_SECOND and not done.is_set():
                try:
                    opened.append(socket.create_connection(("127.0.0.1", port), CONNECT_SECONDS,
                                                           source_address=(STRANGERS, 0)))
                    opened[-1].sendall(hello)
                except OSError:
                    pass  # refused: it counts, too
                count[0] += 1
                if len(opened) > OPEN_STRANGERS:
                    opened.popleft().close()
        for connection in opened:
            connection.close()

    thread = threading.Thread(target=knock)
    thread.start()
    try:
        yield count
    finally:
        done.set()
        thread.join()


def client_latency(server: Server, seconds: float) -> Figures:
    figures = load(server, "iamat", server.ports[:1], connections=1, depth=1, clients=CLIENTS, seconds=max(1, seconds),
                   **({"tls": True} if server.speaks_tls else {}))
    return figures | {"value": figures["p99_us"]}


def beside_tls_strangers(server: Server, seconds: float) -> Figures:
    with strangers(server.ports[0], tls_hello()) as count:
        began = time.monotonic()
        figures = client_latency(server, seconds)
        return figures | {"strangers": count[0] / (time.monotonic() - began)}


def peers_and_clients(server: HerdServer, seconds: float) -> Figures:
    """p99 of hops from Hill to Campbell; `client_p99_us` is that of a client at Hill."""
    client = client_latency(server, seconds)["p99_us"]
    figures = hop(ends)(server, max(1, seconds))
    return figures | {"value": figures["p99_us"], "client_p99_us": client}


def beside_bus_strangers(server: HerdServer, seconds: float) -> Figures:
    keys = server.herd.keys
    assert keys is not None, "herd_with_curve() made it"
    hello = curve_hello(keys.public.nodes["Hill"][0].encode())
    with strangers(server.herd["Hill"].bus_port, hello) as count:
        began = time.monotonic()
        figures = peers_and_clients(server, seconds)
        return figures | {"strangers": count[0] / (time.monotonic() - began)}


def stranger_rows() -> list[Row]:
    extras = {"strangers": "strangers a second"}
    return [
        Row("strangers-tls", f"p99 of a client's IAMAT over TLS, while {STRANGERS_PER_SECOND:,} strangers a second of"
            " another address begin a TLS handshake at the same port, and without them", "us", [
                Side("beside strangers", herd_with_tls, beside_tls_strangers, "openssl"),
                Side("quiet", herd_with_tls, client_latency, "openssl")], compared=OF_CPU | {"p50_us": "p50"},
            extras=extras),
        Row("strangers-bus", f"p99 of the way from Hill to Campbell, while {STRANGERS_PER_SECOND:,} strangers a second"
            " begin a CURVE handshake at Hill's bus, and without them", "us", [
                Side("beside strangers", herd_with_curve, beside_bus_strangers),
                Side("quiet", herd_with_curve, peers_and_clients)],
            compared={"p50_us": "p50", "client_p99_us": "p99 of a client at Hill"}, extras=extras),
    ]


def secure_rows(of: MakeMeasure) -> list[Row]:
    """`of` makes the measure of a rate (bench_rows.shape)."""
    return [
        Row("alone-tls", "one node alone, 50 connections of 16 in flight, memory, with TLS and in plain text",
            "replies/s", [
                Side("herd memory, TLS", herd_with_tls, of("iamat", tls=True), "openssl"),
                Side("herd memory, plain text", herd(ALONE), of("iamat")),
                Side("redis SET, TLS", redis_with_tls, of("set", tls=True), "redis-server"),
                Side("redis SET, plain text", redis(), of("set"), "redis-server")], extras=OF_KERNEL),
        Row("handshakes", "TLS 1.3 handshakes with one report each, by processor time of the node", "per CPU second", [
            Side("resumed", herd_with_tls, lambda server, seconds: handshakes(server, seconds, True), "openssl"),
            Side("full, P-256", herd_with_tls, lambda server, seconds: handshakes(server, seconds, False), "openssl")],
            extras={"a_second": "by the clock, one after another"}),
        Row("connections-tls", f"resident memory for each of {IDLE_CONNECTIONS:,} silent connections", "bytes", [
            Side("herd, TLS", herd_with_tls, connections(silent_report, IDLE_CONNECTIONS), "openssl"),
            Side("herd, plain text", herd(ALONE), connections(silent_report, IDLE_CONNECTIONS))], once=True, most=2),
        Row("five-curve", "merged at all five, all load on one node, 50 x 16, memory, bus encrypted and not",
            "updates/s", [
                Side("herd of five, CURVE", herd_with_curve, flood(1)),
                Side("herd of five, curve = false", herd(FIVE), flood(1))]),
        Row("hop-curve", "the age of a report at Hill when a query at Campbell first returns it, CURVE or not",
            "us", [
                Side("herd of five, CURVE", herd_with_curve, hop(ends)),
                Side("herd of five, curve = false", herd(FIVE), hop(ends))],
            compared=OF_CPU | {"p99_us": OF_LATENCY["p99_us"]}),
        *stranger_rows(),
    ]
