"""Attacks on a node, for test_attack_table.py. Each function runs one attack on a Target and returns what happened; an
AssertionError means that the attack had an effect which it must not have."""
from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import random
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator

import msgpack
import zmq

import certificates
import zmtp
from bus_peers import WELCOME, Impostor, Stranger
from herd_fixture import BINARY, LONG, Herd, Node, wait_for
from herd_lab.bench_secure_rows import tls_hello
from herd_lab.certificate import write_certificate
from herd_lab.keys import new_key_pair

FLOOD_SECONDS = 20.0 if LONG else 0.6
CROWD = 1000    # slow clients
SILENT = 300    # connections that begin a handshake and do not go on
PIECE = 65_536
GARBAGE = random.Random(1).randbytes(PIECE)
# A HELLO of CURVE with a box that no key made; the node finds that out only after a key agreement.
CURVE_HELLO = zmtp.frame(b"\x05HELLO\x01\x00" + bytes(72) + GARBAGE[:32] + bytes(8) + GARBAGE[32:112], flags=4)
BOMBS = [b"\x91" * 100_000, b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff",
         b"\xc6\xff\xff\xff\xff", b"\xc9\xff\xff\xff\xff\x01", b"\x9f" + b"\x9f" * 50_000, b"\xc1", b""]
UPDATE = (0, 1, 0, "evil", "+1+1", "5", 0)  # no node may ever know this client


@dataclasses.dataclass
class Target:
    """`herd` is encrypted and speaks plain text to clients; its node n2 does not run. `tls` has one node that speaks
    TLS. An attack is on their nodes n0."""

    herd: Herd
    tls: Herd

    @property
    def node(self) -> Node:
        return self.herd["n0"]

    def public_key(self, name: str) -> str:
        assert self.herd.keys is not None
        return self.herd.keys.pairs[name][0].public


def flood(act: Callable[[], object], threads: int = 2) -> int:
    """Calls act() again and again in each of the threads, for FLOOD_SECONDS. Returns the number of calls."""
    counts = [0] * threads
    end = time.monotonic() + FLOOD_SECONDS

    def run(number: int) -> None:
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                act()
            counts[number] += 1
    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return sum(counts)


@contextlib.contextmanager
def many(connect: Callable[[], socket.socket], count: int) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(connect()) for _ in range(count)]


def reads_end(connection: socket.socket) -> bool:
    """Whether the node ends the connection before its timeout."""
    try:
        while connection.recv(PIECE):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass  # a reset
    return True


def counted(node: Node, name: str, act: Callable[[], object], least: int = 1) -> int:
    """Acts, and waits until this counter has risen by `least`. Returns by how much it has risen."""
    before = node.counter(name)
    act()
    wait_for(lambda: node.counter(name) >= before + least, f"{name} has risen by {least}")
    return node.counter(name) - before


# The bus, without a valid key.

def refused(target: Target, make: Callable[[], Stranger]) -> str:
    strangers: list[Stranger] = []
    try:
        counted(target.node, "bus_refused", lambda: strangers.append(make()))
        assert not strangers[0].is_accepted(0.2)
    finally:
        for stranger in strangers:
            stranger.close()
    return "refused, counted"


def no_encryption(target: Target) -> str:
    """A greeting without CURVE. A ZeroMQ socket may notice the difference first and leave, which is not counted."""
    with bus_connection(target) as stranger:
        counted(target.node, "bus_refused", lambda: stranger.sendall(zmtp.greeting()))
        assert reads_end(stranger)
    return "refused, counted"


def random_key(target: Target) -> str:
    pair = new_key_pair(pathlib.Path(BINARY))
    return refused(target, lambda: Stranger(target.node, pair, target.public_key("n0")))


def wrong_server_key(target: Target) -> str:
    pair = new_key_pair(pathlib.Path(BINARY))
    return refused(target, lambda: Stranger(target.node, pair, pair.public))


def bus_connection(target: Target, seconds: float = 10) -> socket.socket:
    return socket.create_connection(("127.0.0.1", target.node.bus_port), seconds)


def half_curve_handshakes(target: Target) -> str:
    with many(lambda: bus_connection(target), SILENT) as silent:
        for number, connection in enumerate(silent):
            with contextlib.suppress(OSError):  # the node has closed it already
                connection.sendall(zmtp.greeting(mechanism=b"CURVE")[:64 if number % 2 else 20])
        assert all(reads_end(connection) for connection in silent)
    return f"{SILENT} connections closed"


def curve_handshake_flood(target: Target) -> str:
    def begin() -> None:
        with bus_connection(target, 2) as stranger:
            stranger.sendall(zmtp.greeting(mechanism=b"CURVE") + CURVE_HELLO)
            reads_end(stranger)
    return f"{flood(begin, threads=4):,} refused"


def bus_garbage(target: Target) -> str:
    def send() -> None:
        with bus_connection(target, 2) as stranger:
            stranger.sendall(GARBAGE)
            reads_end(stranger)
    return f"{flood(send):,} connections closed"


def endless_frame(target: Target) -> str:
    with bus_connection(target) as stranger:
        stranger.sendall(zmtp.greeting(mechanism=b"CURVE") + b"\x06" + b"\x3f" + b"\xff" * 7)  # a command of 2^62 bytes
        sent = zmtp.flood(stranger, GARBAGE, 64 << 20)
    assert sent < 32 << 20, sent
    return "connection closed"


# The bus, with the valid key of a node. It may act as that node alone.

def name_of_another_node(target: Target) -> str:
    with Impostor.start(target.herd, "n2") as peer:
        peer.hello(node="n1")
        peer.batch(1, (0, 1), UPDATE)
        target.node.wait_log("event=peer_refused peer=n1", "it uses the key of node 'n2'")
    return "refused, both named"


def wrong_herd(target: Target) -> str:
    with Impostor.start(target.herd, "n2") as peer:
        peer.hello(herd="other")
        peer.batch(1, (0, 1), UPDATE)
        target.node.wait_log("event=peer_refused", "it belongs to herd 'other'")
    return "refused, named"


def second_process(target: Target) -> str:
    """A copy of n1, with its key and name."""
    port = target.herd.ports.take()
    with Impostor.start(target.herd, "n1", port) as peer:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            peer.hello(more=(f"tcp://127.0.0.1:{port}",))
            peer.batch(1, (0, 1), UPDATE)
            time.sleep(0.05)
        for node in (target.node, target.herd["n1"]):
            node.wait_log(f"warning {node.name} event=name_conflict", f"tcp://127.0.0.1:{port} (connected from ")
        target.node.wait_log(f"tcp://127.0.0.1:{target.herd['n1'].bus_port} (connected from ")
    return "refused, both named"


def replayed_incarnation(target: Target) -> str:
    with Impostor.start(target.herd, "n2") as peer:
        incarnation = peer.meet()
        peer.batch(incarnation - 1, (0, 1), UPDATE)
        assert peer.receive(WELCOME)[1] == incarnation
        peer.incarnation -= 1  # the messages of a former run
        peer.batch(incarnation, (0, 1), UPDATE)
    return "not used, WELCOME"


def msgpack_bombs(target: Target) -> str:
    with Impostor.start(target.herd, "n2") as peer:
        peer.meet()

        def send() -> None:
            for bomb in BOMBS:
                peer.send(bomb)
                peer.send(msgpack.packb([3, peer.incarnation, 1, 1, 0, 1, 0, 0]), bomb)
        number = counted(target.node, "bus_messages_refused", send, len(BOMBS))
        peer.meet()
    return f"{number} refused, link stays"


def oversize_frame(target: Target) -> str:
    with Impostor.start(target.herd, "n2") as peer:
        events = peer.speaks.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        peer.meet()
        peer.send(b"x" * 10_000_000)
        assert events.poll(10_000), "the connection ends"
        peer.meet()  # on a new connection
    return "connection closed"


def loose_secret_file(target: Target) -> str:
    assert target.herd.keys is not None
    secret, log = target.herd.keys.path / "n0.secret", target.node.log
    before = log().count("event=keys_refused")
    secret.chmod(0o644)
    target.node.signal(signal.SIGHUP)
    wait_for(lambda: log().count("event=keys_refused") > before, "the reload is refused")
    secret.chmod(0o600)
    return "reload refused, keys stay"


# Clients in plain text.

def tls_to_plain_text(target: Target) -> str:
    hello = tls_hello()

    def send() -> None:
        with target.node.connect() as client:
            client.sendall(hello)
            assert certificates.read_answer(client).startswith(b"This port does not speak TLS")
    return f"{counted(target.node, 'tls_not_spoken', lambda: flood(send)):,} got a hint"


def slow_clients(target: Target) -> str:
    text, end = b"IAMAT slow +34.06-118.44 5" + b"0" * 200, time.monotonic() + FLOOD_SECONDS
    with many(target.node.connect, CROWD) as slow:
        for at in range(len(text)):
            if time.monotonic() > end:
                break
            for client in slow:
                client.sendall(text[at:at + 1])
        wait_for(lambda: target.node.status()["connections"] >= CROWD, "all are connected")
        assert slow[0].send(b" ") == slow[-1].send(b" ") == 1
    return f"{CROWD:,} held, a byte at a time"


def garbage_lines(target: Target) -> str:
    def send() -> None:
        with target.node.connect(2) as client:
            client.sendall(GARBAGE)
            client.shutdown(socket.SHUT_WR)
            reads_end(client)
    return f"{flood(send):,} connections, no reply but ?"


def endless_line(target: Target) -> str:
    def send() -> None:
        with target.node.connect(2) as client:
            assert zmtp.flood(client, b"x" * PIECE, 64 << 20) < 32 << 20
    return f"{flood(send):,} disconnected"


def connection_flood(target: Target) -> str:
    return f"{flood(lambda: zmtp.reset(target.node.connect(2))):,} resets"


# Clients that speak TLS.

def plain_text_to_tls(target: Target) -> str:
    node = target.tls["n0"]

    def send() -> None:
        assert node.say("IAMAT evil +1+1 5").startswith("This port speaks TLS")
    return f"{counted(node, 'tls_plain_text', lambda: flood(send)):,} got a hint"


def half_tls_handshakes(target: Target) -> str:
    node, hello = target.tls["n0"], tls_hello()
    with many(node.connect, SILENT) as half:
        for number, client in enumerate(half):
            with contextlib.suppress(OSError):  # refused: too many are under way
                client.sendall(hello[:len(hello) if number % 2 else 5])
        wait_for(lambda: node.status()["tls_handshakes_under_way"] > 0, "they have begun")
        time.sleep(FLOOD_SECONDS)
        under_way = node.status()["tls_handshakes_under_way"]
    wait_for(lambda: node.status()["tls_handshakes_under_way"] == 0, "all are ended")
    return f"{under_way} under way, ended"


def tls_handshake_flood(target: Target) -> str:
    node, context = target.tls["n0"], certificates.context_for(target.tls)
    number = counted(node, "tls_handshakes", lambda: flood(lambda: certificates.connect(node, context, 2).close()))
    return f"{number:,} handshakes"


def tls_garbage(target: Target) -> str:
    node = target.tls["n0"]

    def send() -> None:
        with node.connect(2) as client:
            client.sendall(b"\x16\x03\x01\x02\x00" + GARBAGE)
            reads_end(client)
    return f"{counted(node, 'tls_handshakes_failed', lambda: flood(send)):,} refused"


def bad_certificates(target: Target) -> str:
    """A certificate that has expired, half a certificate, and a key file that others may read, each at a reload."""
    node, directory = target.tls["n0"], target.tls.directory
    context = certificates.context_for(target.tls)
    files = [directory / "node.pem", directory / "node.key"]
    good = [path.read_bytes() for path in files]

    def is_refused() -> None:
        before = node.log().count("event=reload_refused")
        node.signal(signal.SIGHUP)
        wait_for(lambda: node.log().count("event=reload_refused") == before + 1, "the reload is refused")
        certificates.connect(node, context).close()
    write_certificate(directory, "expired", expired=True)
    for path in files:
        shutil.copyfile(directory / f"expired{path.suffix}", path)
    is_refused()
    for path, content in zip(files, good):
        path.write_bytes(content)
    files[0].write_bytes(good[0][:len(good[0]) // 2])
    is_refused()
    files[0].write_bytes(good[0])
    os.chmod(files[1], 0o644)
    is_refused()
    os.chmod(files[1], 0o600)
    return "3 reloads refused"
