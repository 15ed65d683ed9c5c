"""A relay between a client and a node that can cut all of its connections, as a network does that fails for a while."""
from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType


class TcpRelay:
    """Forwards the connections to `port` of the loopback address to `target`. A context manager."""

    def __init__(self, port: int, target: int):
        self.port, self.target = port, target
        self.lock = threading.Lock()
        self.is_cut = False                      # guarded by lock
        self.sockets: list[socket.socket] = []   # of open connections, both sides; guarded by lock
        self.server = socket.create_server(("127.0.0.1", port))
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def cut(self) -> None:
        """Ends all connections. New ones end at once until mend()."""
        with self.lock:
            self.is_cut = True
            for each in self.sockets:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        with self.lock:
            self.is_cut = False

    def __enter__(self) -> TcpRelay:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.cut()
        self.server.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(10)
        for each in (self.server, *self.sockets):
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the end of the relay
            while True:
                client, _ = self.server.accept()
                node = socket.create_connection(("127.0.0.1", self.target))
                with self.lock:
                    self.sockets += [client, node]
                    if self.is_cut:
                        client.shutdown(socket.SHUT_RDWR)
                        node.shutdown(socket.SHUT_RDWR)
                for one, other in ((client, node), (node, client)):
                    self.threads.append(threading.Thread(target=_pump, args=(one, other), daemon=True))
                    self.threads[-1].start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while received := source.recv(1 << 16):
            sink.sendall(received)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
