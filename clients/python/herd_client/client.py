"""The commands of a herd, executed by the first of its nodes that answers."""
from __future__ import annotations

import asyncio
import json
import math
import ssl
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from . import texts
from .areas import Countable, Near, Watchable, Within
from .connection import Connection, IsWhole, one_line, to_end, to_mark
from .errors import ConnectionLost, HerdError, Refused, Unavailable
from .events import Cursor
from .nodes import Nodes
from .records import Record, Sighting, record_of, sighting_of
from .slots import Slots
from .stream import LineStream, split_address
from .texts import Centre, decode, encode
from .watch import Watch

MAX_IN_FLIGHT = 1024  # commands; each has at most 1 KiB, so at most 1 MiB waits for a node
MAX_LINES = 1000  # of one answer
MAX_PLACES = 20


class Found(NamedTuple):
    """One page of the answer to `near`."""

    centre: Record | None  # if the centre is a client
    clients: list[Sighting]
    after: str | None  # where the next page begins; None after the last one


class Page(NamedTuple):
    """One page of the answer to `within`."""

    clients: list[Record]
    after: str | None


class Places(NamedTuple):
    """The places near a client."""

    record: Record
    document: dict[
        str, Any
    ]  # as a Google Places nearby search: look at `status`, then at `results`


class Herd:
    """A herd, by the addresses of some or all of its nodes. Commands go to one node over one
    connection, in the order of the calls, and need not wait for each other. When that node is lost,
    they are sent again to the next one; all of them may be repeated. Use it as a context manager,
    in one event loop.

    Each command raises Refused if the node refuses it, NotAllowed if the node refuses the token,
    Unavailable if no node answers within `deadline` seconds, and ValueError for a value that no
    node would accept. A command that is cancelled may still be executed."""

    def __init__(
        self,
        addresses: Sequence[str],
        *,
        token: str | None = None,
        tls: ssl.SSLContext | None = None,
        timeout: float = 6.0,
        deadline: float = 30.0,
    ):
        """Connects with the first command, or with connect(). `timeout`: seconds after which a
        node that does not answer is lost; longer than its `ack_timeout`."""
        if not addresses:
            raise ValueError("no addresses: name at least one node as host:port")
        for address in addresses:
            split_address(address)
        if token is not None and (not token or any(char.isspace() for char in token)):
            raise ValueError(
                "the token is empty or has white space: it is one word that begins with herd_"
            )
        self.deadline = deadline
        self._nodes = Nodes(addresses, token, tls, timeout)
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._slots = Slots(MAX_IN_FLIGHT)
        self._marks = 0
        self._is_closed = False

    async def __aenter__(self) -> Herd:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def connect(self) -> None:
        """Connects before the first command. Raises Unavailable after one attempt at each node if
        none answers, with the failure of each. An address where nothing listens fails at once; one
        that does not answer, after `timeout` seconds."""
        self._check_open()
        async with self._connecting:
            if self._connection is None:
                self._use(await self._nodes.open_soon())

    async def close(self) -> None:
        """Ends the connection. Commands that wait for their replies raise HerdError, and so do
        later ones."""
        self._is_closed = True
        if self._connection:
            await self._connection.close()

    # Reports.

    async def report(
        self,
        client: str,
        latitude: float,
        longitude: float,
        *,
        time_ns: int | None = None,
        deadline: float | None = None,
    ) -> Record | None:
        """Reports where a client is, at `time_ns` nanoseconds since 1970, or now. Returns when a
        node has acknowledged the report, or knows a newer one of that client: then the herd keeps
        it as docs/RELIABILITY.md promises. Until then it is sent again, with the same time, for at
        most `deadline` seconds (math.inf: without a limit). Returns None if the node had exactly
        this report already."""
        when = texts.time(time.time_ns() if time_ns is None else time_ns)
        command = f"IAMAT {texts.client(client)} {texts.coordinates((latitude, longitude))} {when}"
        lines = await self._ask_marked(command, deadline)
        return None if lines[0] == b"IGNORE" else record_of(lines[0])

    # Queries.

    async def whereis(self, client: str) -> Record | None:
        """The newest report of the client; None if the herd knows none."""
        lines = await self._ask(f"WHEREIS {texts.client(client)}", one_line)
        if lines[0].startswith(b"? "):
            await self._check_offered("WHEREIS")
            return None
        return record_of(lines[0])

    async def near(
        self,
        centre: Centre,
        km: float,
        most: int = MAX_LINES,
        *,
        match: str | None = None,
        newer: float | None = None,
        after: str | None = None,
    ) -> Found:
        """The clients inside a circle round a client or a point, nearest first. `match`: only ids
        that begin with it (`truck-*`); `newer`: only reports of the last seconds; `after`: the page
        after the one that had it."""
        lines = await self._query(
            f"{Near(centre, km).text} {texts.count(most, MAX_LINES)}"
            f"{_filter(match, newer)}{_after(after)}",
            to_end,
        )
        first = record_of(lines.pop(0)) if lines[0].startswith(b"AT ") else None
        return Found(first, [sighting_of(line) for line in lines[:-1]], _cursor_of(lines[-1]))

    async def within(
        self,
        south_west: texts.Point,
        north_east: texts.Point,
        most: int = MAX_LINES,
        *,
        match: str | None = None,
        newer: float | None = None,
        after: str | None = None,
    ) -> Page:
        """The clients inside a box."""
        lines = await self._query(
            f"{Within(south_west, north_east).text} {texts.count(most, MAX_LINES)}"
            f"{_filter(match, newer)}{_after(after)}",
            to_end,
        )
        return Page([record_of(line) for line in lines[:-1]], _cursor_of(lines[-1]))

    async def count(
        self, area: Countable, *, match: str | None = None, newer: float | None = None
    ) -> int:
        """How many clients are inside."""
        lines = await self._query(f"COUNT {area.text}{_filter(match, newer)}", one_line)
        return int(lines[0].removeprefix(b"COUNT "))

    async def places(self, client: str, km: float, most: int = MAX_PLACES) -> Places | None:
        """The places near the last location of the client; None if the herd does not know the
        client."""
        command = (
            f"WHATSAT {texts.client(client)} {texts.kilometres(km, texts.MAX_PLACES_KM)}"
            f" {texts.count(most, MAX_PLACES)}"
        )
        try:
            lines = await self._ask_marked(command, None)
        except Refused:
            await self._check_offered("WHATSAT")
            return None
        return Places(record_of(lines[0]), json.loads(b"\n".join(lines[1:])))

    async def ping(self) -> float:
        """The round trip to the node in seconds."""
        began = time.monotonic()
        await self._query("PING", one_line)
        return time.monotonic() - began

    async def info(self) -> dict[str, str]:
        """What the node says about itself: herd, node, version, auth, tls, time, max_line,
        commands."""
        words = decode((await self._query("INFO", one_line))[0]).split(" ")[1:]
        return dict(word.split("=", 1) for word in words)

    # Watches.

    def watch(
        self,
        what: Watchable,
        *,
        match: str | None = None,
        slack: float | None = None,
        dwell: float | None = None,
        every: float | None = None,
        beat: int = 15,
        resume: Cursor | None = None,
        first: str | None = None,
    ) -> Watch:
        """The events of an area, see Watch. docs/ASKING.md explains the options. `resume`: where an
        earlier watch of the same area and options was; `first`: the address of the node with that
        feed, to try it first. The watch has no deadline: while no node answers, it waits and tries
        again."""
        if not 5 <= beat <= 3600:
            raise ValueError(f"beat is {beat} s: write 5 to 3600")
        options = "" if match is None else f" {texts.match(match)}"
        if slack is not None:
            options += f" slack={texts.kilometres(slack)}"
        for name, value in (("dwell", dwell), ("every", every)):
            if value is not None:
                options += f" {name}={texts.seconds(value)}"
        return Watch(self._nodes.copy(first), what, options, beat, resume)

    # The rest.

    async def _query(self, command: str, is_whole: IsWhole) -> list[bytes]:
        lines = await self._ask(command, is_whole)
        if lines[0].startswith(b"? "):
            raise Refused(command, await self._reason())
        return lines

    async def _ask_marked(self, command: str, deadline: float | None) -> list[bytes]:
        """For a command that the node may drop without a reply: the reply without the mark."""
        self._marks += 1
        word = b"mark-%d" % self._marks
        lines = await self._ask(f"{command}\nPING {word.decode()}", to_mark(word), deadline)
        if len(lines) == 1 or lines[0].startswith(b"? "):
            raise Refused(command, await self._reason())
        return lines[:-1]

    async def _reason(self) -> str:
        """Why the last command was refused; empty if others are under way, which may be refused
        too."""
        connection = self._connection
        if connection is None or not connection.is_quiet:
            return ""
        try:
            return decode((await connection.ask(b"WHY", one_line))[0].removeprefix(b"WHY "))
        except ConnectionLost:
            return ""

    async def _check_offered(self, word: str) -> None:
        """Raises Refused if the node does not offer the command at all: a refusal has the same form
        as that of an unknown client."""
        offered = (
            decode((await self._ask("INFO", one_line))[0]).partition(" commands=")[2].split(",")
        )
        if word not in (
            offered if offered != [""] else ("IAMAT", "WHATSAT")
        ):  # `commands = "seed"` has no INFO
            raise Refused(
                word, "this command does not work on this connection: INFO names those that do"
            )

    async def _ask(
        self, command: str, is_whole: IsWhole, deadline: float | None = None
    ) -> list[bytes]:
        """Sends the command until it is answered."""
        seconds = self.deadline if deadline is None else deadline
        try:
            async with asyncio.timeout(None if seconds == math.inf else seconds), self._slots:
                while True:
                    connection = await self._connected()
                    try:
                        return await connection.ask(encode(command), is_whole)
                    except ConnectionLost as lost:
                        self._lose(connection, lost)
        except TimeoutError:
            trouble = self._nodes.last_trouble
            raise Unavailable(
                f"no node answered within {seconds:g} s{f': {trouble}' if trouble else ''}"
            ) from None

    def _lose(self, connection: Connection, lost: ConnectionLost) -> None:
        """Goes to the next node. Of many commands that fail at once, the first one does it."""
        if connection is self._connection:
            self._connection = None
            if not self._is_closed:
                self._nodes.failed(lost)

    async def _connected(self) -> Connection:
        # Commands wait for the lock in the order of their calls, and send in it.
        while self._connection is None:
            self._check_open()
            async with self._connecting:
                if self._connection is None:
                    self._use(await self._nodes.open())
        return self._connection

    def _check_open(self) -> None:
        if self._is_closed:
            raise HerdError("this herd was closed: make another one")

    def _use(self, stream: LineStream) -> None:
        if self._is_closed:  # by close() during the attempt, which had no connection to end yet
            stream.close()
            self._check_open()
        self._nodes.works()
        self._connection = Connection(stream, self._nodes.timeout)


def _filter(match: str | None, newer: float | None) -> str:
    return ("" if match is None else f" {texts.match(match)}") + (
        "" if newer is None else f" newer={texts.seconds(newer)}"
    )


def _after(cursor: str | None) -> str:
    return "" if cursor is None else f" after={cursor}"


def _cursor_of(end: bytes) -> str | None:
    """From `END <count> [<cursor>]`."""
    words = decode(end).split(" ")
    return words[2] if len(words) == 3 else None
