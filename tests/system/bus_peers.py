"""Programs that connect to the bus of a node without being nodes, for tests."""
from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgpack
import pytest
import xxhash
import zmq

from herd_fixture import Herd, Node
from herd_lab.keys import KeyPair

HELLO, WELCOME, BATCH, ACK = 1, 2, 3, 4  # docs/PROTOCOL.md


def use_key(client: zmq.Socket[bytes], pair: KeyPair, server: str) -> None:
    """The socket proves this pair, and expects that the node has the public key `server`."""
    client.curve_serverkey = server.encode()
    client.curve_publickey = pair.public.encode()
    client.curve_secretkey = pair.secret.encode()


class Stranger:
    """A DEALER that connects to the bus of a node."""

    def __init__(self, node: Node, pair: KeyPair, server: str):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.immediate = True
        use_key(self.socket, pair, server)
        self.socket.connect(f"tcp://127.0.0.1:{node.bus_port}")

    def is_accepted(self, seconds: float = 0.5) -> bool:
        """ZeroMQ takes a message only after a handshake."""
        return bool(self.socket.poll(int(seconds * 1000), zmq.POLLOUT))

    def close(self) -> None:
        self.context.destroy(linger=0)


class Impostor:
    """Plays a peer of n0: a ROUTER receives, a DEALER sends. Each object has an incarnation and a feed of its own. On
    an encrypted bus it has the key of that peer."""

    incarnations = itertools.count(1)

    def __init__(self, name: str, receiver: zmq.Socket[bytes], speaks: zmq.Socket[bytes]):
        self.name = name
        self.incarnation = next(self.incarnations)
        self.feed = 1000 + self.incarnation
        self.receiver = receiver
        self.speaks = speaks

    @classmethod
    @contextlib.contextmanager
    def start(cls, herd: Herd, name: str = "n1", port: int | None = None) -> Iterator[Impostor]:
        """Within the context it has the bus port of that node, or another one, and a connection to n0."""
        context = zmq.Context()
        context.linger = 0
        try:
            receiver = context.socket(zmq.ROUTER)
            speaks = context.socket(zmq.DEALER)
            if herd.keys:
                pair = herd.keys.pairs[name][0]
                receiver.curve_server = True
                receiver.curve_secretkey = pair.secret.encode()
                use_key(speaks, pair, herd.keys.pairs["n0"][0].public)
            receiver.bind(f"tcp://127.0.0.1:{port or herd[name].bus_port}")
            speaks.connect(f"tcp://127.0.0.1:{herd['n0'].bus_port}")
            yield cls(name, receiver, speaks)
        finally:
            context.destroy()

    def send(self, *frames: bytes) -> None:
        """The message of these frames, as a node sends it: with the checksum last."""
        check = 0
        for frame in frames:
            check = xxhash.xxh3_64_intdigest(frame, seed=check)
        self.send_raw(*frames, check.to_bytes(8, "little"))

    def send_raw(self, *frames: bytes) -> None:
        self.speaks.send_multipart(frames)

    def say(self, *header: object, body: object = None) -> None:
        self.send(*(msgpack.packb(part) for part in (header, body) if part is not None))

    def hello(self, versions: tuple[int, int] = (2, 2), herd: str = "local", node: str | None = None,
              incarnation: int | None = None, more: Sequence[str] = ()) -> None:
        incarnation = self.incarnation if incarnation is None else incarnation
        self.say(HELLO, *versions, herd, node or self.name, incarnation, self.feed, 1, time.time_ns(), False, 0, *more)

    def batch(self, incarnation: int, span: tuple[int, int], *updates: object) -> None:
        self.say(BATCH, self.incarnation, incarnation, 1, *span, 0, 0, body=[[[self.name, self.incarnation]], updates])

    def receive(self, kind: int, seconds: float = 10) -> list[Any]:
        """The fields of the next message of this type."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self.receiver.poll(int(left * 1000)):
                header = msgpack.unpackb(self.receiver.recv_multipart()[1])
                if header[0] == kind:
                    return header
        return pytest.fail(f"no message {kind} within {seconds} s")

    def meet(self) -> int:
        """Sends HELLO; returns the incarnation in the WELCOME of the node."""
        self.hello()
        while (welcome := self.receive(WELCOME))[2:4] != [self.incarnation, self.feed]:
            pass
        return welcome[1]
