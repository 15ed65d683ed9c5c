"""Clients and viewers of nodes that query a stand-in for Google. The fixtures `google` and `make_node` (conftest.py)
start the stand-in and such nodes."""
from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import zmq

from google_answers import KEY, Position, shifted
from herd_fixture import Node, wait_for

HOME = (34.06893, -118.445127)
TIMEOUT = 1.5  # seconds; the timeout of [places] in these tests
LATEST = TIMEOUT + 0.2  # on a busy machine this process may read late
VARIABLE = "GOOGLE_PLACES_API_KEY"


def coordinates(latitude: float, longitude: float) -> str:
    return f"{latitude:+.6f}{longitude:+.6f}"


class Clients:
    """Clients at different positions, so that no lookup finds the cached answer of another."""

    def __init__(self, node: Node):
        self.node = node
        self.count = 0

    def new(self, at: Position | None = None) -> str:
        self.count += 1
        position = at or shifted(*HOME, 1000 * self.count, 0)
        name = f"client{self.count}"
        assert self.node.say(f"IAMAT {name} {coordinates(*position)} 5").startswith("AT ")
        return name


def whatsat(node: Node, client: str, radius: int = 1, maximum: int = 20) -> tuple[dict[str, Any], float]:
    """Returns (document, seconds). Also checks the end of the document."""
    with node.connect() as connection:
        begin = time.monotonic()
        connection.sendall(f"WHATSAT {client} {radius} {maximum}\n".encode())
        reply = b""
        while not reply.endswith(b"\n\n"):
            more = connection.recv(1 << 20)
            assert more, reply
            reply += more
        took = time.monotonic() - begin
    at, _, document = reply.decode().partition("\n")
    assert at.startswith("AT ") and f" {client} " in at
    assert "\n\n" not in document[:-2]
    return json.loads(document), took


class Monitored:
    """Collects the events of a node's monitor."""

    def __init__(self, viewer: zmq.Socket[bytes]):
        self._socket = viewer
        self.texts: list[str] = []

    @classmethod
    @contextlib.contextmanager
    def open(cls, node: Node) -> Iterator[Monitored]:
        """Within the context it is subscribed to all events of the node."""
        context = zmq.Context()
        viewer = context.socket(zmq.SUB)
        viewer.linger = 0
        viewer.subscribe("herd.")
        viewer.connect(f"tcp://127.0.0.1:{node.monitor_port}")
        try:
            assert viewer.poll(10_000), "the stats come at once"
            yield cls(viewer)
        finally:
            viewer.close()
            context.term()

    def wait_for(self, event: str, topic: str) -> None:
        def found() -> bool:
            while self._socket.poll(0):
                got, text = self._socket.recv_multipart()
                self.texts.append(text.decode())
                if got.decode() == topic and json.loads(text)["event"] == event:
                    return True
            return False
        wait_for(found, f"{event} on {topic}")

    def drain(self) -> str:
        while self._socket.poll(0):
            self.texts.append(self._socket.recv_multipart()[1].decode())
        return "".join(self.texts)


def percentile(values: Sequence[float], part: float) -> float:
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


class MakeNode(Protocol):
    """The type of the fixture make_node."""

    def __call__(self, providers: Sequence[str] = ("google",), key: str | None = KEY, log_level: str = "debug",
                 **places: str) -> Node: ...
