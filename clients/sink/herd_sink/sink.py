"""Reads a watch, and writes its events in batches to a target, for as long as it runs."""
from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from herd_client import All, Cursor, Event, Herd, Kind, Watch

from .batch import Batch, Bounds
from .trouble import Away

FIRST_PAUSE = 0.2  # seconds between two attempts to open the target; doubled for each further one
LONGEST_PAUSE = 15.0
MOST_AT_ONCE = 500  # events between two looks at the size of a batch
REPORT_SECONDS = 60.0  # between two lines of the log about the progress

log = logging.getLogger("herd-sink")


class Target(Protocol):
    """Where the events go. It has the cursor, so that no event is lost or written twice."""

    @property
    def cursor(self) -> Cursor | None:
        ...

    @property
    def address(self) -> str | None:
        """Of the node with the feed of the cursor; None if it is not known."""

    @property
    def conflated(self) -> int | None:
        ...

    def count_no_more(self) -> None:
        """The watch does not give all changes: those that were conflated cannot be counted."""

    async def write(self, events: list[Event]) -> None:
        ...

    async def close(self) -> None:
        ...


MakeWatch = Callable[[Cursor | None, str | None], Watch]


class Sink:
    """While the target is away, the sink has no watch and keeps no events: the herd is the only
    copy. When the target is back, the watch resumes where the target is, and brings the newest
    state of each client that has changed."""

    def __init__(
        self, make_watch: MakeWatch, open_target: Callable[[], Awaitable[Target]], bounds: Bounds
    ):
        self._make_watch = make_watch
        self._open_target = open_target
        self._bounds = bounds
        self._stop = asyncio.Event()
        self._reopen = False
        self._failures = 0
        self.rows = 0

    def stop(self) -> None:
        """Ends run() after the batch that is being written."""
        self._stop.set()

    def reopen(self) -> None:
        """Opens the target again, after the batch that is being written: its file was renamed."""
        self._reopen = True

    async def run(self) -> None:
        """Until stop(). Trouble if a person has to change something, HerdError if the herd refuses
        the watch."""
        while not self._stop.is_set():
            try:
                await self._run_once()
            except Away as away:
                pause = min(FIRST_PAUSE * 2**self._failures, LONGEST_PAUSE) * random.uniform(
                    0.5, 1
                )
                self._failures = min(self._failures + 1, 16)
                log.warning("%s: trying again in %.1f s", away, pause)
                await self._sleep(pause)

    async def _run_once(self) -> None:
        self._reopen = False
        target = await self._open_target()
        watch = self._make_watch(target.cursor, target.address)
        try:
            await self._pump(watch, target)
        finally:
            await watch.close()
            await target.close()

    async def _pump(self, watch: Watch, target: Target) -> None:
        reported = time.monotonic()
        while not self._stop.is_set() and not self._reopen:
            batch = await self._read(watch)
            if batch.events:
                if not watch.sees_all:
                    target.count_no_more()
                before = target.conflated or 0
                await target.write(batch.events)
                self._failures = 0
                self.rows += len(batch.events)
                self._log_changes(batch.events, (target.conflated or 0) - before)
            if time.monotonic() - reported >= REPORT_SECONDS:
                reported = time.monotonic()
                log.info("%d events written, %s conflated", self.rows, target.conflated)

    async def _read(self, watch: Watch) -> Batch:
        """The next events, up to the bounds of a batch; or none within a second, so that stop() is
        noticed."""
        batch = Batch(self._bounds)
        end = time.monotonic() + 1.0
        while batch.room and not self._stop.is_set():
            left = end - time.monotonic()
            if left <= 0:
                break
            taken = await watch.take(min(batch.room, MOST_AT_ONCE), left)
            if taken and not batch.events:
                end = time.monotonic() + self._bounds.seconds
            for event in taken:
                batch.add(event)
        return batch

    def _log_changes(self, events: list[Event], conflated: int) -> None:
        for event in events:
            if event.kind in (Kind.NEW, Kind.RESUMED):
                state = "a new snapshot" if event.kind is Kind.NEW else "resumed"
                log.info("watching at %s: %s", event.text, state)
            elif event.kind is Kind.READY:
                log.info("complete: %d changes were conflated", conflated)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            pass


def watch_text(match: str | None, every: float | None) -> str:
    """Names a watch, to notice that a target belongs to another one."""
    return "ALL" + (f" match={match}" if match else "") + (f" every={every:g}" if every else "")


def watch_maker(herd: Herd, match: str | None, every: float | None) -> MakeWatch:
    return lambda cursor, address: herd.watch(
        All(), match=match, every=every, resume=cursor, first=address
    )
