"""Recordings of released nodes, and their replay against the node that is tested. tests/compat/README.md describes the
files; record_compat.py writes them, and test_compat.py replays them.

A session of a client is a text: `> ` before what the client sends, `< ` before what the node answers. What differs from
one run to the next is masked.

A session of the bus is a file of JSON lines, one for each message between the nodes n0 and n1, in the order in which a
relay between them has seen them: {"from": "n1", "frames": ["9a01…", …]}, each frame in hexadecimal.
"""
from __future__ import annotations

import json
import pathlib
import re
import threading
from typing import Any

import msgpack
import xxhash
import zmq

from bus_peers import ACK, BATCH, HELLO, WELCOME
from herd_fixture import Herd, Node, alone, wait_for

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "compat"
LIGHT = {"places": {"providers": ["google"]}}  # without a key: the nodes read no places
SECONDS = 10.0
CHECKSUM_BYTES = 8
DIGEST, PULL, ANSWER, PING, PONG, BYE = range(5, 11)  # docs/PROTOCOL.md
RUN, FEED = 5, 6  # the fields of HELLO with the sender's incarnation and feed id
MASKS = [
    (re.compile(r"\bAT (\S+) [+-]\d+\.\d{9} "), r"AT \1 <difference> "),
    (re.compile(r"^WATCHING (\S+) [0-9a-f]{16} "), r"WATCHING \1 <feed> "),
    (re.compile(r"^! (\S+) \d+ "), r"! \1 <number> "),
    (re.compile(r"\bversion=\S+"), "version=<version>"),
    (re.compile(r"\btime=\S+"), "time=<time>"),
    (re.compile(r"\bcommands=\S+"), "commands=<names>"),
]
# What a client sends, and the pattern of the last line of the answer; None: no answer.
CLIENT_LINES = [
    ("IAMAT kiwi.example +34.068930-118.445127 1700000000.123456789", "AT "),
    ("IAMAT kiwi.example +34.068930-118.445127 1700000000.123456789", "IGNORE"),
    ("IAMAT kiwi.example +35-118 1600000000", "AT "),
    ("IAMAT \tplum\t +90.000000000000000000000000000000-180/ 1700000001", "AT "),
    ("IAMAT d'\u00e9t\u00e9 -33.8600+151.2100 0.5", "AT "),
    ("WHATSAT kiwi.example 0 0", "$"),
    ("WHATSAT unknown 1 1", r"\?"),
    ("WHEREIS plum", "AT "),
    ("NEAR +34-118 100 10", "END"),
    ("WITHIN +33-119 +35-117 10 match=kiwi*", "END"),
    ("COUNT NEAR kiwi.example 20016", "COUNT "),
    ("PING word", "PONG "),
    ("INFO", "INFO "),
    ("nonsense", r"\?"),
    ("IAMAT kiwi.example +91+0 1700000002", None),  # dropped
    ("WHY", "WHY "),
    ("WATCH t CLIENT kiwi.example", r"! t \d+ READY"),
    ("IAMAT kiwi.example +34.1-118.4 1700000003", r"! t \d+ MOVE"),
    ("UNWATCH t", r"! t \d+ END"),
]


def masked(line: str) -> str:
    for pattern, mask in MASKS:
        line = pattern.sub(mask, line)
    return line


def reasonless(line: str) -> str:
    """Reasons are for people and may change (docs/PROTOCOL.md, WHY)."""
    return "WHY <reason>" if line.startswith("WHY ") else line


class ClientSession:
    """A client that sends a line and then reads its answer."""

    def __init__(self, node: Node):
        self.connection = node.connect(SECONDS)
        self.stream = self.connection.makefile("r", encoding="utf-8", newline="\n")

    def send(self, line: str) -> None:
        self.connection.sendall(line.encode() + b"\n")

    def read(self) -> str:
        line = self.stream.readline()
        assert line.endswith("\n"), f"the node has closed after {line!r}"
        return line.removesuffix("\n")

    def close(self) -> None:
        self.stream.close()
        self.connection.close()


def record_client(node: Node) -> str:
    session = ClientSession(node)
    lines = []
    for sent, last in CLIENT_LINES:
        session.send(sent)
        lines.append(f"> {sent}")
        while last is not None:
            answer = session.read()
            lines.append(f"< {masked(answer)}")
            if re.match(last, answer):
                break
    session.close()
    return "\n".join(lines) + "\n"


def replay_client(node: Node, recorded: str) -> None:
    """Sends the recorded lines, and requires the recorded answers."""
    session = ClientSession(node)
    for line in recorded.splitlines():
        if line.startswith("> "):
            session.send(line[2:])
        else:
            assert reasonless(masked(session.read())) == reasonless(line[2:])
    session.close()


class Relay:
    """Forwards the messages between two nodes, in both directions, and writes down every message."""

    def __init__(self, herd: Herd, ports: dict[str, int]):
        """`ports`: where the relay takes the messages for a node."""
        self.context = zmq.Context()
        self.context.linger = 0
        self.messages: list[tuple[str, list[bytes]]] = []
        self.ways = []
        for name, port in ports.items():
            takes, gives = self.context.socket(zmq.ROUTER), self.context.socket(zmq.DEALER)
            takes.bind(f"tcp://127.0.0.1:{port}")
            gives.connect(f"tcp://127.0.0.1:{herd[name].bus_port}")
            self.ways.append((name, takes, gives))
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        poller = zmq.Poller()
        for _, takes, _ in self.ways:
            poller.register(takes, zmq.POLLIN)
        while not self.ends.is_set():
            ready = dict(poller.poll(50))
            for name, takes, gives in self.ways:
                if takes in ready:
                    _, *frames = takes.recv_multipart()
                    self.messages.append((name, frames))
                    gives.send_multipart(frames)

    def seen(self, to: str) -> set[int]:
        """The types of the messages to that node so far."""
        return {msgpack.unpackb(frames[0])[0] for name, frames in list(self.messages) if name == to}

    def close(self) -> str:
        """Returns the session of the bus."""
        self.ends.set()
        self.thread.join()
        self.context.destroy()
        sender = {"n0": "n1", "n1": "n0"}
        return "".join(json.dumps({"from": sender[to], "frames": [frame.hex() for frame in frames]}) + "\n"
                       for to, frames in self.messages)


class BusSession:
    """A recorded session of n0 and n1."""

    def __init__(self, text: str):
        messages = [json.loads(line) for line in text.splitlines()]
        self.messages = [(message["from"], [bytes.fromhex(frame) for frame in message["frames"]])
                         for message in messages]
        self.hello = {name: next(header for header in self.headers(name) if header[0] == HELLO)
                      for name in ("n0", "n1")}

    def headers(self, sender: str) -> list[list[Any]]:
        return [msgpack.unpackb(frames[0]) for name, frames in self.messages if name == sender]

    def types(self, sender: str) -> set[int]:
        return {header[0] for header in self.headers(sender)}

    def merged(self, sender: str) -> int:
        """How much of the other's feed it has acknowledged in the end."""
        return max(header[4] for header in self.headers(sender) if header[0] == ACK)

    def of(self, sender: str, kind: int, answer: bool | None = None) -> list[list[bytes]]:
        """Header and body of its messages of this type; of DIGEST those that are an answer, or are none."""
        return [frames[:-1] for name, frames in self.messages if name == sender
                for header in [msgpack.unpackb(frames[0])]
                if header[0] == kind and (kind != DIGEST or header[4] is answer)]


class Player:
    """Plays n1 of a recording to a node n0. Its messages have the recorded bytes, except for the numbers that differ
    from run to run: the incarnation and the feed id of n0, and in answers the numbers of what they answer."""

    def __init__(self, herd: Herd, recorded: BusSession):
        self.recorded = recorded
        self.context = zmq.Context()
        self.context.linger = 0
        self.takes, self.gives = self.context.socket(zmq.ROUTER), self.context.socket(zmq.DEALER)
        self.takes.bind(f"tcp://127.0.0.1:{herd['n1'].bus_port}")
        self.gives.connect(f"tcp://127.0.0.1:{herd['n0'].bus_port}")
        self.received: list[list[Any]] = []
        self.hello: list[Any] | None = None  # of n0

    def send(self, frames: list[bytes], numbers: dict[int, Any] | None = None) -> None:
        """`numbers`: fields of the header that get another value."""
        assert self.hello is not None
        header, *body = frames
        for field in (RUN, FEED):
            header = header.replace(msgpack.packb(self.recorded.hello["n0"][field]), msgpack.packb(self.hello[field]))
        if numbers:
            fields = msgpack.unpackb(header)
            header = msgpack.packb([numbers.get(number, value) for number, value in enumerate(fields)])
        check = 0
        for frame in (header, *body):
            check = xxhash.xxh3_64_intdigest(frame, seed=check)
        self.gives.send_multipart([header, *body, check.to_bytes(CHECKSUM_BYTES, "little")])

    def pump(self) -> None:
        """Receives what has come, and answers it as n1 did."""
        first = {kind: self.recorded.of("n1", kind, True)[0] for kind in (WELCOME, ACK, PONG, DIGEST)}
        while self.takes.poll(10):
            header = msgpack.unpackb(self.takes.recv_multipart()[1])
            self.received.append(header)
            if header[0] == HELLO:
                self.hello = header
                self.send(first[WELCOME], {5: header[7]})
            elif header[0] == BATCH:
                self.send(first[ACK], {3: header[3], 4: header[5], 5: header[5]})
            elif header[0] == PING:
                self.send(first[PONG], {1: header[1]})
            elif header[0] == DIGEST and not header[4]:
                self.send(first[DIGEST], {3: header[3]})

    def await_types(self, wanted: set[int]) -> None:
        def missing() -> set[int]:
            self.pump()
            return wanted - {header[0] for header in self.received}
        wait_for(lambda: not missing(), lambda: f"messages of the types {missing()}", SECONDS)

    def await_ack(self, merged: int) -> None:
        def acknowledged() -> list[int]:
            self.pump()
            return [header[4] for header in self.received if header[0] == ACK]
        wait_for(lambda: merged in acknowledged(), lambda: f"ACK of {merged}: {acknowledged()}", SECONDS)

    def close(self) -> None:
        self.context.destroy()


def replay_bus(herd: Herd, recorded: BusSession) -> None:
    """Plays n1 of the recording to the node n0 of this herd, which has accepted the same reports as the recorded n0.
    Requires every type of message that n0 had sent, and the acknowledgement of all of the recorded updates."""
    player = Player(herd, recorded)
    try:
        player.await_types({HELLO})
        player.send(recorded.of("n1", HELLO)[0])
        player.await_types({WELCOME})
        welcome = next(header for header in player.received if header[0] == WELCOME)
        assert welcome[2:4] == [recorded.hello["n1"][RUN], recorded.hello["n1"][FEED]]
        for kind in (BATCH, DIGEST, PING):
            for frames in recorded.of("n1", kind, False):
                player.send(frames)
        player.await_types(recorded.types("n0") - {PULL, ANSWER, BYE})
        player.await_ack(recorded.merged("n0"))
        player.send(recorded.of("n1", BYE)[0])
        wait_for(lambda: herd["n0"].status()["links"]["n1"]["state"] == "down", "the link is down", SECONDS)
    finally:
        player.close()


def one_node() -> Herd:
    return Herd.for_test(alone(1), settings=LIGHT)
