"""Lines over TCP or TLS to one node."""
from __future__ import annotations

import asyncio
import contextlib
import os
import re
import ssl

from .errors import ConnectionLost

READ_BYTES = 1 << 16  # most bytes that one read returns; asyncio stops reading at twice as many
MAX_LINE_BYTES = 1 << 20  # of one answer; a longer line comes from another program


def split_address(address: str) -> tuple[str, int]:
    """`host:port`, or `[IPv6]:port`; ValueError for another text."""
    host, colon, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host = ""
    if not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
        raise ValueError(f"{address!r} is no address: write host:port, or [IPv6 address]:port")
    return host, int(port)


class LineStream:
    """One connection. If the program does not read, asyncio stops reading from the socket after 128
    KiB, and the node waits: nothing grows."""

    def __init__(self, address: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.address = address
        self._reader = reader
        self._writer = writer
        self._rest = b""  # the beginning of a line
        self._unsent: list[bytes] = []

    @classmethod
    async def open(cls, address: str, tls: ssl.SSLContext | None, timeout: float) -> LineStream:
        """ConnectionLost if the node does not accept a connection within `timeout` seconds."""
        host, port = split_address(address)
        try:
            async with asyncio.timeout(timeout):
                reader, writer = await asyncio.open_connection(
                    host, port, ssl=tls, limit=READ_BYTES
                )
        except TimeoutError:
            raise ConnectionLost(
                f"{address} does not accept a connection within {timeout:g} s"
            ) from None
        except OSError as error:
            raise ConnectionLost(f"{address} cannot be reached: {_text_of(error)}") from None
        return cls(address, reader, writer)

    async def read(self) -> list[bytes]:
        """The next lines, at least one, without their ends. ConnectionLost at the end of the
        connection."""
        while True:
            try:
                piece = await self._reader.read(READ_BYTES)
            except OSError as error:
                raise ConnectionLost(
                    f"{self.address} has closed the connection: {_text_of(error)}"
                ) from None
            if not piece:
                raise ConnectionLost(f"{self.address} has closed the connection")
            *lines, self._rest = (self._rest + piece).split(b"\n")
            if lines:
                return lines
            if len(self._rest) > MAX_LINE_BYTES:
                raise ConnectionLost(
                    f"{self.address} sends a line of more than {MAX_LINE_BYTES} bytes: does a herd"
                    " listen there?"
                )

    async def read_line(self, unread: list[bytes]) -> bytes:
        """The next line; those after it are added to `unread`."""
        if not unread:
            unread += await self.read()
        return unread.pop(0)

    def write(self, lines: bytes) -> None:
        """Sends whole lines. All that are written in one round of the event loop are sent at once.
        The caller bounds how much is under way."""
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._send)
        self._unsent.append(lines)

    def _send(self) -> None:
        self._writer.write(b"".join(self._unsent))
        self._unsent.clear()

    def close(self) -> None:
        """Ends the connection at once. Replies that are due are lost."""
        with contextlib.suppress(OSError):
            self._writer.transport.abort()


def _text_of(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    # asyncio has a text of its own for each address of a name, which has the address again.
    if codes := re.findall(r"\[Errno (\d+)\] Connect call failed", str(error)):
        return ", ".join(dict.fromkeys(os.strerror(int(code)) for code in codes))
    return error.strerror or str(error) or type(error).__name__
