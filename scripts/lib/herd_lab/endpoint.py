"""Client and HTTP ports of private herds: ports of 127.0.0.1, on this host or in the network namespace of another one
(hosts.py)."""
from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import os
import socket
from collections.abc import Iterator

CLONE_NEWNET = 0x40000000


def call_kernel(name: str, *arguments: int) -> None:
    """A function of the C library that Python does not have; OSError if it fails."""
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


@contextlib.contextmanager
def inside(namespace: str | None) -> Iterator[None]:
    """The calling thread is in this network namespace, a file, until the end of the context. What it makes there stays
    there. None: it stays where it is."""
    if namespace is None:
        yield
        return
    with contextlib.ExitStack() as stack:
        own, other = [os.open(path, os.O_RDONLY) for path in ("/proc/thread-self/ns/net", namespace)]
        stack.callback(os.close, own)
        stack.callback(os.close, other)
        call_kernel("setns", other, CLONE_NEWNET)
        stack.callback(call_kernel, "setns", own, CLONE_NEWNET)  # the last callback is the first that runs
        yield


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """A TCP port of 127.0.0.1 of a host."""

    port: int
    namespace: str | None = None  # a file; None: the namespace of this process

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def open(self) -> socket.socket:
        """A socket that can connect to `address`."""
        with inside(self.namespace):
            return socket.socket()

    def connect(self, seconds: float) -> socket.socket:
        """A connection; the caller closes it. `seconds` is its timeout."""
        made = self.open()
        try:
            made.settimeout(seconds)
            made.connect(self.address)
        except BaseException:
            made.close()
            raise
        return made
