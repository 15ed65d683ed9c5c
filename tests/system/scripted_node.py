"""A node that a test writes: a server on a free port that answers each line as the test says. For tests of programs
that are clients of a node."""
from __future__ import annotations

import contextlib
import pathlib
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from herd_ctl.herd import Herd, Node

Answers = Callable[[str], "str | None"]  # line -> what to send; None: close the connection


class ScriptedNode:
    """Answers PING and WHY itself. `lines` are all other lines that came, and `answered` the number of those that are
    answered. While `is_frozen`, it accepts connections and is silent."""

    def __init__(self, name: str, answer: Answers, why: str = "-"):
        self.name = name
        self.answer = answer
        self.why = why
        self.lines: list[str] = []
        self.answered = 0
        self.is_frozen = False
        self._server = socket.create_server(("127.0.0.1", 0))
        self._address = self._server.getsockname()
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def node(self, **settings: Any) -> Node:
        return Node(self.name, clients=self._address, bus=self._address, monitor=None, http=None, peers=[], local=True,
                    settings={}, live_settings=settings, entry={})

    def push(self, text: str) -> None:
        """Sends the text on the newest connection."""
        self._connections[-1].sendall(text.encode())

    def drop(self) -> None:
        """Closes all connections."""
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """From now on connections are refused."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.drop()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines, contextlib.suppress(OSError):
            for line in lines:
                reply = self._reply(line.decode().rstrip("\n"))
                while self.is_frozen:
                    time.sleep(0.05)
                if reply is None:
                    return
                connection.sendall(reply.encode())
                if line not in (b"PING\n", b"WHY\n"):
                    self.answered += 1

    def _reply(self, line: str) -> str | None:
        if line == "PING":
            return "PONG\n"
        if line == "WHY":
            return f"WHY {self.why}\n"
        self.lines.append(line)
        return self.answer(line)


def herd_of(nodes: Sequence[Node], directory: pathlib.Path) -> Herd:
    return Herd("scripted", directory / "herd.toml", directory, 10, list(nodes), directory / "herd-node")
