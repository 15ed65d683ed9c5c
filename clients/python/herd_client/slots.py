"""A bound on how many tasks do something at once."""
from __future__ import annotations

import asyncio
import collections


class Slots:
    """Tasks get a slot in the order in which they ask. asyncio.Semaphore of Python 3.11 takes time
    for each waiting task whenever one ends, and tasks can overtake."""

    def __init__(self, count: int):
        self._free = count
        self._waiting: collections.deque[asyncio.Future[None]] = collections.deque()

    async def __aenter__(self) -> None:
        if self._free > 0:
            self._free -= 1
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._release()  # the slot came at the same moment
            raise

    async def __aexit__(self, *_error: object) -> None:
        self._release()

    def _release(self) -> None:
        """Passes the slot to the next task that still waits."""
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                return
        self._free += 1
