"""Commands on one connection: any number at once, answered in their order."""
from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
from collections.abc import Callable

from .errors import ConnectionLost
from .stream import LineStream

MAX_REPLY_BYTES = 1 << 23  # of one command; 1000 lines of NEAR take at most 400 kB
GRACE = 0.1  # seconds; see Connection._check

IsWhole = Callable[
    [list[bytes]], bool
]  # whether these lines are the whole reply; called after each line


def one_line(lines: list[bytes]) -> bool:
    return True


def to_end(lines: list[bytes]) -> bool:
    """A refusal, or lines up to END."""
    return lines[0].startswith(b"? ") or lines[-1].startswith(b"END ")


def to_mark(word: bytes) -> IsWhole:
    """Lines up to the answer to `PING <word>`, which follows the command: the node may drop the
    command in silence."""
    ends = (
        b"PONG " + word,
        b"? PING " + word,
    )  # with `commands = "seed"` the node does not know PING
    return lambda lines: lines[-1] in ends


@dataclasses.dataclass
class _Pending:
    is_whole: IsWhole
    future: asyncio.Future[list[bytes]]
    sent: float  # by the clock of the event loop
    lines: list[bytes] = dataclasses.field(default_factory=list)
    size: int = 0


class Connection:
    """The commands that are under way on one stream. If no line comes for `timeout` seconds while a
    command waits, the connection is lost, and all its commands fail."""

    def __init__(self, stream: LineStream, timeout: float):
        self.stream = stream
        self._timeout = timeout
        self._pending: collections.deque[_Pending] = collections.deque()
        self._loop = asyncio.get_running_loop()
        self._last_line = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_late = False
        self._trouble: ConnectionLost | None = None
        self._reader = self._loop.create_task(self._read())

    @property
    def is_quiet(self) -> bool:
        """Whether no command waits for its reply."""
        return not self._pending

    async def ask(self, command: bytes, is_whole: IsWhole) -> list[bytes]:
        """Sends the command, and returns the lines of its reply. ConnectionLost if the connection
        fails first."""
        if self._trouble:
            raise self._trouble
        future: asyncio.Future[list[bytes]] = self._loop.create_future()
        self._pending.append(_Pending(is_whole, future, self._loop.time()))
        self.stream.write(command + b"\n")
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout, self._check)
        return await future

    async def close(self) -> None:
        self._fail(ConnectionLost("the connection was closed"))
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader

    async def _read(self) -> None:
        try:
            while True:
                for line in await self.stream.read():
                    self._take(line)
                self._last_line = self._loop.time()
        except ConnectionLost as trouble:
            self._fail(trouble)

    def _take(self, line: bytes) -> None:
        if not self._pending:
            raise ConnectionLost(
                f"{self.stream.address} sends a line that answers no command: {line[:100]!r}"
            )
        first = self._pending[0]
        first.lines.append(line)
        first.size += len(line)
        if first.size > MAX_REPLY_BYTES:
            raise ConnectionLost(
                f"{self.stream.address} sends an answer of more than {MAX_REPLY_BYTES} bytes"
            )
        if first.is_whole(first.lines):
            self._pending.popleft()
            if not first.future.done():  # else its caller was cancelled
                first.future.set_result(first.lines)

    def _check(self) -> None:
        """Runs when an answer may be late."""
        self._timer = None
        if not self._pending or self._trouble:
            return
        late = self._timeout - (self._loop.time() - max(self._last_line, self._pending[0].sent))
        if late <= 0 and not self._is_late:
            # If this program itself was busy for so long, the reply may be there already.
            self._is_late = True
            self._timer = self._loop.call_later(GRACE, self._check)
        elif late <= 0:
            self._fail(
                ConnectionLost(f"{self.stream.address} does not answer within {self._timeout:g} s")
            )
        else:
            self._is_late = False
            self._timer = self._loop.call_later(late, self._check)

    def _fail(self, trouble: ConnectionLost) -> None:
        if self._trouble:
            return
        self._trouble = trouble
        self.stream.close()
        if self._timer:
            self._timer.cancel()
        for pending in self._pending:
            if not pending.future.done():
                # A copy for each: an exception that is raised in two tasks mixes their tracebacks.
                pending.future.set_exception(ConnectionLost(str(trouble)))
        self._pending.clear()
