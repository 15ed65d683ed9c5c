"""ZMTP 3.0 byte by byte, for data that no ZeroMQ socket sends: greetings, frames, and connections that break."""
import contextlib
import socket
import struct


def greeting(version: bytes = b"\x03\x00", mechanism: bytes = b"NULL") -> bytes:
    return b"\xff" + bytes(8) + b"\x7f" + version + mechanism.ljust(20, b"\0") + bytes(32)


def frame(body: bytes, flags: int = 0) -> bytes:
    if len(body) < 256:
        return bytes([flags, len(body)]) + body
    return bytes([flags | 2]) + struct.pack(">Q", len(body)) + body


def ready(kind: bytes) -> bytes:
    return frame(b"\x05READY\x0bSocket-Type" + struct.pack(">I", len(kind)) + kind, flags=4)


def connect(port: int, kind: bytes, seconds: float = 20) -> socket.socket:
    """A connection after the handshake, as a socket of this kind (b"SUB"). The caller closes it."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=seconds)
    connection.sendall(greeting())
    got = b""
    while len(got) < 64:
        piece = connection.recv(64 - len(got))
        assert piece, "the other side sends a greeting"
        got += piece
    connection.sendall(ready(kind))
    assert b"READY" in connection.recv(1000)
    return connection


def reset(connection: socket.socket) -> None:
    """Ends the connection with a reset, as a host does that was switched off and on."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def flood(connection: socket.socket, piece: bytes, most: int) -> int:
    """Sends the piece again and again until the other side ends the connection, or `most` bytes are sent. Returns the
    number of bytes."""
    sent = 0
    with contextlib.suppress(ConnectionError, TimeoutError):
        while sent < most:
            connection.sendall(piece)
            sent += len(piece)
    return sent
