"""Very many clients that report to one node at once, as the start of a test or a measurement."""
from __future__ import annotations

import socket
import threading

from .load import report

LINES_AT_ONCE = 5_000


def tell_many(port: int, count: int, prefix: bytes = b"many-", number: int = 1) -> None:
    """Sends report `number` of the clients `prefix`0 to `prefix`(count - 1). Returns when all are acknowledged."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        sender = threading.Thread(target=_send, args=(connection, count, prefix, number), daemon=True)
        sender.start()
        replies = 0
        while replies < count:
            data = connection.recv(1 << 20)
            if not data:
                raise ConnectionError(f"the node closed after {replies} replies")
            replies += data.count(b"\n")
        sender.join()


def _send(connection: socket.socket, count: int, prefix: bytes, number: int) -> None:
    for first in range(0, count, LINES_AT_ONCE):
        clients = range(first, min(first + LINES_AT_ONCE, count))
        connection.sendall(b"".join(b"IAMAT%b\n" % report(b"%b%d" % (prefix, client), number) for client in clients))
