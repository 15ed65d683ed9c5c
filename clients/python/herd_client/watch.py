"""A watch: the events of an area, across lost connections and nodes."""
from __future__ import annotations

import asyncio
import collections
import contextlib
import logging

from .areas import Watchable
from .errors import ConnectionLost, Refused, WatchEnded
from .events import Cursor, Event, Kind, parse
from .nodes import Nodes
from .stream import LineStream
from .texts import decode, encode

TAG = b"w"

log = logging.getLogger("herd_client")


class Watch:
    """Gives the events of one WATCH. Each watch has a connection of its own: a program that reads
    one slowly delays no other one. When the connection or the node is lost, the watch resumes at
    the next node that answers. At the same node it goes on without a gap and without a repeat
    (RESUMED); at another one it begins anew (NEW).

    Memory: at most one read of 64 KiB as events, and 128 KiB of asyncio. Then this program reads no
    further, and the node conflates: it sends the newest state when there is room again."""

    def __init__(
        self, nodes: Nodes, what: Watchable, options: str, beat: float, cursor: Cursor | None
    ):
        """`options` are those of WATCH, each with a space before it. `beat` seconds after the last
        line comes a TICK. The watch resumes after `cursor` if there is one."""
        self.cursor = cursor  # where to resume after the last event that was taken
        self._nodes = nodes
        self._command = b"WATCH " + TAG + encode(f" {what.text}{options} beat={beat:g}")
        self._quiet = beat + nodes.timeout  # seconds without a line after which the node is lost
        self._read_cursor = cursor  # the same of the last event that was read
        self._resumed = False
        self._is_ready = False
        self._was_accepted = False
        self._stream: LineStream | None = None
        self._events: collections.deque[Event] = collections.deque()
        self._feed = ""
        self._ended: WatchEnded | None = None
        self._filling: asyncio.Task[None] | None = None

    async def take(self, most: int, seconds: float | None = None) -> list[Event]:
        """Waits for an event, and returns it with those that have come, at most `most`. Returns an
        empty list if none comes within `seconds`; without them it waits. Refused if no node accepts
        the watch, WatchEnded if the node ends it, NotAllowed if the node refuses the token. A call
        that is cancelled loses no event."""
        if not self._events:
            if self._filling is None:
                self._filling = asyncio.get_running_loop().create_task(self._fill())
            await asyncio.wait({self._filling}, timeout=seconds)
            if self._filling.done():
                done, self._filling = self._filling, None
                done.result()
        if not self._events and self._ended:
            raise self._ended
        taken = [self._events.popleft() for _ in range(min(most, len(self._events)))]
        if taken:
            self.cursor = taken[-1].cursor
        return taken

    @property
    def sees_all(self) -> bool:
        """Whether the token shows all clients. Right after the first event."""
        return self._nodes.sees_all

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> Event:
        while not (taken := await self.take(1)):
            pass
        return taken[0]

    async def close(self) -> None:
        """Ends the watch."""
        if self._filling:
            self._filling.cancel()
            with contextlib.suppress(
                asyncio.CancelledError, Exception
            ):  # of an event that is not taken any more
                await self._filling
            self._filling = None
        self._drop_stream()

    async def __aenter__(self) -> Watch:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def _fill(self) -> None:
        """Returns when there are events, or the node has ended the watch."""
        while not self._events and not self._ended:
            try:
                if self._stream is None:
                    await self._begin()
                else:
                    await self._read(self._stream)
            except ConnectionLost as trouble:
                self._drop_stream()
                self._nodes.failed(trouble)

    def _drop_stream(self) -> None:
        if self._stream:
            self._stream.close()
            self._stream = None

    async def _begin(self) -> None:
        stream = await self._nodes.open()
        try:
            async with asyncio.timeout(
                self._quiet
            ):  # a node that was just started builds its index first
                await self._send(stream)
        except TimeoutError:
            stream.close()
            raise ConnectionLost(
                f"{stream.address} does not answer WATCH within {self._quiet:g} s"
            ) from None
        except BaseException:
            stream.close()
            raise
        self._stream = stream

    async def _send(self, stream: LineStream) -> None:
        """Sends WATCH, and reads its answer and the lines that came with it."""
        place = f" from={self._read_cursor}" if self._read_cursor else ""
        stream.write(self._command + encode(place) + b"\n")
        unread: list[bytes] = []
        answer = await stream.read_line(unread)
        if answer.startswith(b"? "):
            stream.write(b"WHY\n")
            reason = decode((await stream.read_line(unread)).removeprefix(b"WHY "))
            if not self._was_accepted:
                raise Refused(decode(self._command), reason)
            # Another node may not know the client in the centre yet, or have its most watches.
            raise ConnectionLost(f"{stream.address} refuses the watch: {reason}")
        word, _, rest = answer.partition(b" " + TAG + b" ")
        feed, _, state = decode(rest).partition(" ")
        if word != b"WATCHING" or state not in ("new", "resumed"):
            raise ConnectionLost(f"{stream.address} answers WATCH by {decode(answer[:100])!r}")
        self._was_accepted = True
        self._is_ready = False
        self._resumed = state == "resumed"
        if not self._resumed:
            self._read_cursor = None
        self._feed = feed
        self._events.append(
            Event(
                Kind.RESUMED if self._resumed else Kind.NEW,
                cursor=self._read_cursor,
                text=stream.address,
            )
        )
        log.debug("watching at %s: %s", stream.address, state)
        self._parse(stream, unread)

    async def _read(self, stream: LineStream) -> None:
        try:
            async with asyncio.timeout(self._quiet):
                lines = await stream.read()
        except TimeoutError:
            raise ConnectionLost(
                f"{stream.address} sends nothing within {self._quiet:g} s"
            ) from None
        self._parse(stream, lines)

    def _parse(self, stream: LineStream, lines: list[bytes]) -> None:
        for line in lines:
            try:
                mark, _, number, word, rest = line.split(b" ", 4)
                change = int(number)
            except ValueError:
                mark = b""
            if mark != b"!":
                raise ConnectionLost(
                    f"{stream.address} sends {line[:100]!r} to a watch: is it of another release?"
                )
            if word == b"END":
                if rest == b"stopping":
                    raise ConnectionLost(f"{stream.address} stops")
                if rest == b"not allowed":  # the token may have other rights: the watch begins again
                    raise ConnectionLost(f"{stream.address} no longer permits the watch")
                self._ended = WatchEnded(decode(rest))  # after the events before it
                return
            if word == b"READY":
                self._is_ready = True
                self._nodes.works()
            if self._is_ready:
                # Lines before READY bear no number. A resumed watch that is lost there resumes from
                # the same place again.
                self._read_cursor = Cursor(self._feed, change) if change else None
            self._events.append(parse(change, word, rest, self._read_cursor))
