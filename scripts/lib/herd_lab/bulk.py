"""Very many clients told to one node at once: what a test or a measurement begins with."""
import socket
import threading

from .load import report

LINES_AT_ONCE = 5_000


def tell_many(port, count, prefix=b"many-", number=1):
    """Report `number` of each client `prefix`0, `prefix`1, ...; returns when every one is acknowledged."""
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


def _send(connection, count, prefix, number):
    for first in range(0, count, LINES_AT_ONCE):
        clients = range(first, min(first + LINES_AT_ONCE, count))
        connection.sendall(b"".join(b"IAMAT%b\n" % report(b"%b%d" % (prefix, client), number) for client in clients))
