"""A server for tests of clients: it answers the lines of a client as a node would, or as no node should."""
from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType

Answer = Callable[[str], bytes | None]


class ScriptedLines:
    """Sends answer(line) for each line that a client sends; None closes the connection. A context manager."""

    def __init__(self, port: int, answer: Answer):
        self.port, self.answer = port, answer
        self.connections = 0
        self.sockets: list[socket.socket] = []
        self.server = socket.create_server(("127.0.0.1", port))
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def __enter__(self) -> ScriptedLines:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        for each in (self.server, *self.sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(10)
        for each in (self.server, *self.sockets):
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the end of the server
            while True:
                client, _ = self.server.accept()
                self.connections += 1
                self.sockets.append(client)
                self.threads.append(threading.Thread(target=self._serve, args=(client,), daemon=True))
                self.threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client.makefile("rb") as stream:
            for line in stream:
                reply = self.answer(line.decode(errors="replace").rstrip("\n"))
                if reply is None:
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(reply)
