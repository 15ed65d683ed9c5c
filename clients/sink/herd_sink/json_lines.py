"""Lines of JSON as the target: one event each, in a file, or through a pipe to another program."""
from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import select
import stat
import sys
from typing import Any

from herd_client import ABSENT, Cursor, Event, Kind

from .batch import WITHOUT_ROW, last_address
from .cursor_file import CursorFile, Place
from .tally import Tally
from .texts import readable
from .trouble import Away, Trouble

# Of the end of a file, which contain its last line: a line has less than 4 KiB.
TAIL_BYTES = 1 << 16
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


class JsonLines:
    """The output of one run. A file is appended to, and its last line has the cursor. A pipe or a
    terminal cannot be read again: it needs a cursor file to go on where it was, and gets the lines
    of the last batch again after a kill."""

    def __init__(
        self,
        descriptor: int,
        watch: str,
        place: Place,
        cursor_file: CursorFile | None,
        counts: bool,
        is_standard_output: bool = False,
    ):
        self._is_standard_output = is_standard_output  # which cannot be opened again
        self._descriptor = descriptor
        # Standard output may be a file that the shell has opened for writing only: it is written as
        # a pipe is, and cannot be read again either.
        self._is_file = not is_standard_output and _is_file(descriptor)
        self._watch = watch
        self._cursor_file = cursor_file
        self.place = place  # after the last line that was written
        self._tally = Tally(place.cursor, place.conflated if counts else None)

    @classmethod
    async def open(
        cls, path: str, watch: str, cursor_path: str | None, counts: bool, previous: Place | None
    ) -> JsonLines:
        """`path` is `-` for standard output. `previous` is where an earlier output of this process
        was: for a file that was renamed. Away if the output cannot be opened now, Trouble if it is
        of no use."""
        descriptor = _standard_output() if path == "-" else _open(path)
        try:
            cursor_file = CursorFile(cursor_path) if cursor_path else None
            if path != "-" and _is_file(descriptor):
                if cursor_file:
                    raise Trouble(
                        "--cursor-file is for pipes: the last line of a file has the cursor", 2
                    )
                place = _recover(descriptor, path, watch) or previous
                if place and previous:
                    place = place._replace(address=previous.address)
            else:
                place = cursor_file.read(watch) if cursor_file else previous
            return cls(descriptor, watch, place or Place(None, 0), cursor_file, counts, path == "-")
        except BaseException:
            os.close(descriptor)
            raise

    @property
    def cursor(self) -> Cursor | None:
        return self.place.cursor

    @property
    def address(self) -> str | None:
        return self.place.address

    @property
    def conflated(self) -> int | None:
        return self.place.conflated

    def count_no_more(self) -> None:
        self._tally.conflated = None

    async def close(self) -> None:
        os.close(self._descriptor)

    async def write(self, events: list[Event]) -> None:
        """Away if not all of it could be written. A file then ends with a whole line of the former
        batch."""
        lines = []
        address = last_address(events) or self.address
        for event in events:
            self._tally.take(event)
            if event.kind not in WITHOUT_ROW:
                lines.append(json.dumps(self._as_json(event)) + "\n")
        if not lines:
            return
        data = "".join(lines).encode()
        if self._is_file:
            await asyncio.to_thread(self._append, data)
        else:
            await self._send(data)
        self.place = Place(self._tally.cursor, self._tally.conflated, address)
        if self._cursor_file:
            await asyncio.to_thread(self._cursor_file.write, self._watch, self.place)

    def _as_json(self, event: Event) -> dict[str, Any]:
        shown: dict[str, Any] = {"event": event.kind.value.lower()}
        if event.kind in (Kind.NEW, Kind.RESUMED):
            shown |= {"watch": self._watch, "address": event.text}
        elif event.kind in ABSENT:
            shown["client"] = readable(event.client)
        elif event.record:
            record = event.record
            latitude, longitude = record.point
            shown |= {
                "client": readable(record.client),
                "time_ns": record.time_ns,
                "latitude": latitude,
                "longitude": longitude,
                "coordinates": record.coordinates,
                "node": record.node,
                "difference": record.difference,
            }
        cursor = str(event.cursor) if event.cursor else None
        return shown | {"cursor": cursor, "conflated": self._tally.conflated}

    def _append(self, data: bytes) -> None:
        end = os.fstat(self._descriptor).st_size
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            with contextlib.suppress(OSError):  # else the next start removes the part of a line
                os.ftruncate(self._descriptor, end)
            if error.errno in _FULL:
                raise Away(f"the output cannot be written: {error.strerror}") from None
            raise Trouble(f"the output cannot be written: {error.strerror}") from None

    async def _send(self, data: bytes) -> None:
        """At most PIPE_BUF bytes at once, when there is room for them: so no write blocks, although
        the descriptor of standard output belongs to other processes too, and must stay a blocking
        one."""
        rest = memoryview(data)
        while rest:
            await _wait_writable(self._descriptor)
            try:
                rest = rest[os.write(self._descriptor, rest[: select.PIPE_BUF]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                text = "the reader of the output is gone"
                raise (Trouble if self._is_standard_output else Away)(text) from None
            except OSError as error:
                raise Trouble(f"the output cannot be written: {error.strerror}") from None


def _is_file(descriptor: int) -> bool:
    return stat.S_ISREG(os.fstat(descriptor).st_mode)


def _standard_output() -> int:
    if sys.__stdout__ is None:  # another file may have got its descriptor since
        raise Trouble("standard output is closed: use --output FILE, or redirect it")
    return os.dup(sys.__stdout__.fileno())


def _open(path: str) -> int:
    """A FIFO without a reader is Away."""
    try:
        # Without O_NONBLOCK, a FIFO would wait for its reader, and the sink could not be stopped.
        flags = os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
        is_fifo = os.path.exists(path) and stat.S_ISFIFO(os.stat(path).st_mode)
        descriptor = os.open(path, flags | (os.O_WRONLY if is_fifo else os.O_RDWR), 0o640)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise Away(f"{path} has no reader") from None
        if error.errno in _FULL:
            raise Away(f"{path} cannot be opened: {error.strerror}") from None
        raise Trouble(
            f"{path} cannot be opened: {error.strerror}: correct --output, or its rights"
        ) from None
    try:
        if not is_fifo:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise Trouble(f"another process writes {path}: stop it, or use another --output") from None
    return descriptor


def _recover(descriptor: int, path: str, watch: str) -> Place | None:
    """Where the file ends; None if it is empty. Removes a line that a kill or a full disk has cut
    off."""
    found = _ends(descriptor, path)
    size = os.fstat(descriptor).st_size
    torn = os.pread(descriptor, TAIL_BYTES, max(0, size - TAIL_BYTES)).rpartition(b"\n")[2]
    if torn:
        os.ftruncate(descriptor, size - len(torn))
    if found is None:
        return None
    was, place = found
    if was != watch:
        raise Trouble(
            f"{path} has the lines of the watch {was!r}, not of {watch!r}: use another --output"
        )
    return place


def _ends(descriptor: int, path: str) -> tuple[str, Place] | None:
    """The watch of the first line of a file, and the place of its last whole line; None without a
    whole line."""
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, TAIL_BYTES, max(0, size - TAIL_BYTES))
    whole, newline, torn = tail.rpartition(b"\n")
    first = os.pread(descriptor, TAIL_BYTES, 0).partition(b"\n")[0]
    try:
        if not newline:
            if torn and not torn.startswith(b'{"event": '):
                raise ValueError("another file")
            return None
        begun, last = json.loads(first), json.loads(whole.rpartition(b"\n")[2])
        cursor = Cursor.of(last["cursor"]) if last["cursor"] else None
        return str(begun["watch"]), Place(cursor, last["conflated"])
    except (ValueError, KeyError, TypeError):
        raise Trouble(
            f"{path} has other lines than those of herd-sink: use another --output"
        ) from None


def read_place(path: str, cursor_path: str | None) -> dict[str, Any]:
    """For --status: what the output or its cursor file says; Trouble if it says nothing."""
    watch, place = CursorFile(cursor_path).content() if cursor_path else _last_line(path)
    cursor = str(place.cursor) if place.cursor else None
    return {"watch": watch, "cursor": cursor, "conflated": place.conflated}


def _last_line(path: str) -> tuple[str, Place]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Trouble(f"{path} cannot be read: {error.strerror}") from None
    try:
        if not _is_file(descriptor):
            raise Trouble(f"{path} is no file: --status needs its --cursor-file", 2)
        found = _ends(descriptor, path)
    finally:
        os.close(descriptor)
    if found is None:
        raise Trouble(f"{path} is empty: no herd-sink has written to it")
    return found


async def _wait_writable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    try:
        loop.add_writer(descriptor, lambda: None if ready.done() else ready.set_result(None))
    except (
        PermissionError,
        OSError,
    ):  # epoll does not take every kind of descriptor: those never wait
        return
    try:
        await ready
    finally:
        loop.remove_writer(descriptor)
