"""Clients and viewers of nodes that query a stand-in for Google. The fixtures `google` and `make_node` (conftest.py)
start the stand-in and such nodes."""
import json
import time

import zmq

from google_answers import shifted
from herd_fixture import wait_for

HOME = (34.06893, -118.445127)
TIMEOUT = 1.5  # seconds; the timeout of [places] in these tests
LATEST = TIMEOUT + 0.2  # on a busy machine this process may read late
VARIABLE = "GOOGLE_PLACES_API_KEY"


def coordinates(latitude, longitude):
    return f"{latitude:+.6f}{longitude:+.6f}"


class Clients:
    """Clients at different positions, so that no lookup finds the cached answer of another."""

    def __init__(self, node):
        self.node = node
        self.count = 0

    def new(self, at=None):
        self.count += 1
        position = at or shifted(*HOME, 1000 * self.count, 0)
        name = f"client{self.count}"
        assert self.node.say(f"IAMAT {name} {coordinates(*position)} 5").startswith("AT ")
        return name


def whatsat(node, client, radius=1, maximum=20):
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

    def __init__(self, node):
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.linger = 0
        self._socket.subscribe("herd.")
        self._socket.connect(f"tcp://127.0.0.1:{node.monitor_port}")
        assert self._socket.poll(10_000), "the stats come at once"
        self.texts = []

    def wait_for(self, event, topic):
        def found():
            while self._socket.poll(0):
                got, text = self._socket.recv_multipart()
                self.texts.append(text.decode())
                if got.decode() == topic and json.loads(text)["event"] == event:
                    return True
            return False
        wait_for(found, f"{event} on {topic}")

    def drain(self):
        while self._socket.poll(0):
            self.texts.append(self._socket.recv_multipart()[1].decode())
        return "".join(self.texts)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
        self._context.term()


def percentile(values, part):
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]
