"""Free ports of 127.0.0.1 for tests and benchmarks."""
from __future__ import annotations

import contextlib
import random
import socket


class Ports:
    """A block of ports that no other process of this project uses. An abstract unix socket named after the block claims
    it; the kernel releases that socket when its process ends, however it ends."""

    # Above those of conf/herd.toml, and below those of the unit tests (tests/node/free_port.hpp), which end below
    # 32768: from there on the kernel takes ports for outgoing connections.
    FIRST, LAST, BLOCK = 13_000, 20_000, 500

    def __init__(self, claim: socket.socket, block: range):
        self._claim = claim
        self._next = iter(block)

    @classmethod
    def claim(cls) -> Ports:
        """Claims a block that is free. RuntimeError if there is none."""
        firsts = list(range(cls.FIRST, cls.LAST, cls.BLOCK))
        random.SystemRandom().shuffle(firsts)
        for first in firsts:
            claim = socket.socket(socket.AF_UNIX)
            try:
                claim.bind(f"\0herd-test-ports-{first}")
            except OSError:
                claim.close()
                continue
            return cls(claim, range(first, first + cls.BLOCK))
        raise RuntimeError("all blocks of ports are in use by other tests or benchmarks")

    def take(self) -> int:
        """The next port of the block that no program is bound to. No port is returned twice."""
        for port in self._next:
            with socket.socket() as attempt:
                attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                with contextlib.suppress(OSError):
                    attempt.bind(("127.0.0.1", port))
                    return port
        raise RuntimeError("no free port is left in this block")

    def close(self) -> None:
        """Gives the block back; may be called twice."""
        self._claim.close()
