"""A client of CurveZMQ (ZeroMQ RFC 26) byte by byte, for what no ZeroMQ socket sends: messages before the server has
admitted the client, and connections that break at a chosen byte. It uses libsodium, as libzmq does."""
from __future__ import annotations

import ctypes
import ctypes.util
import os
import socket
from collections.abc import Callable

import zmq.utils.z85

import zmtp

KEY_BYTES = 32
MAC_BYTES = 16
COOKIE_BYTES = 96
GREETING = zmtp.greeting(mechanism=b"CURVE")
METADATA = b"\x0bSocket-Type\0\0\0\x06DEALER"

_sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")


def _new_pair() -> tuple[bytes, bytes]:
    """(public, secret)."""
    public, secret = ctypes.create_string_buffer(KEY_BYTES), ctypes.create_string_buffer(KEY_BYTES)
    assert _sodium.crypto_box_keypair(public, secret) == 0
    return public.raw, secret.raw


def _box(text: bytes, nonce: bytes, public: bytes, secret: bytes) -> bytes:
    sealed = ctypes.create_string_buffer(len(text) + MAC_BYTES)
    assert _sodium.crypto_box_easy(sealed, text, ctypes.c_ulonglong(len(text)), nonce, public, secret) == 0
    return sealed.raw


def _open(sealed: bytes, nonce: bytes, public: bytes, secret: bytes) -> bytes:
    text = ctypes.create_string_buffer(len(sealed) - MAC_BYTES)
    assert _sodium.crypto_box_open_easy(text, sealed, ctypes.c_ulonglong(len(sealed)), nonce, public, secret) == 0
    return text.raw


def _read(connection: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        piece = connection.recv(count - len(got))
        if not piece:
            raise ConnectionError("the server closed the connection")
        got += piece
    return got


class CurveClient:
    """A connection that has got the server's WELCOME. `keys` are (public, secret) in Z85; without them it makes a pair
    that no server knows. The next step is send(initiate(), …)."""

    def __init__(self, port: int, server_key: str, keys: tuple[str, str] | None = None):
        decode: Callable[[str], bytes] = zmq.utils.z85.decode
        self._server = decode(server_key)
        self._public, self._secret = (decode(keys[0]), decode(keys[1])) if keys else _new_pair()
        self._short_public, self._short_secret = _new_pair()
        self._count = 0
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.connection.sendall(GREETING + self._hello())
        _read(self.connection, len(GREETING))
        welcome = _read(self.connection, 2 + 168)[2:]
        opened = _open(welcome[24:], b"WELCOME-" + welcome[8:24], self._server, self._short_secret)
        self._short_server, self._cookie = opened[:KEY_BYTES], opened[KEY_BYTES:]
        assert len(self._cookie) == COOKIE_BYTES

    def _nonce(self) -> bytes:
        self._count += 1
        return self._count.to_bytes(8, "big")

    def _hello(self) -> bytes:
        nonce = self._nonce()
        proof = _box(bytes(64), b"CurveZMQHELLO---" + nonce, self._server, self._short_secret)
        return zmtp.frame(b"\x05HELLO\x01\0" + bytes(72) + self._short_public + nonce + proof, flags=4)

    def initiate(self) -> bytes:
        """The command with which the client asks to be admitted."""
        vouch_nonce = os.urandom(16)
        vouch = _box(self._short_public + self._server, b"VOUCH---" + vouch_nonce, self._short_server, self._secret)
        nonce = self._nonce()
        sealed = _box(self._public + vouch_nonce + vouch + METADATA, b"CurveZMQINITIATE" + nonce, self._short_server,
                      self._short_secret)
        return zmtp.frame(b"\x08INITIATE" + self._cookie + nonce + sealed, flags=4)

    def message(self, body: bytes, is_command: bool = False) -> bytes:
        """An encrypted message, or a command such as PING."""
        nonce = self._nonce()
        sealed = _box(bytes([2 if is_command else 0]) + body, b"CurveZMQMESSAGEC" + nonce, self._short_server,
                      self._short_secret)
        return zmtp.frame(b"\x07MESSAGE" + nonce + sealed)

    def is_admitted(self) -> bool:
        """Sends INITIATE and reads what the server says: READY, or an error or the end."""
        try:
            self.connection.sendall(self.initiate())
            return b"READY" in self.connection.recv(1000)
        except OSError:
            return False

    def close(self) -> None:
        self.connection.close()
