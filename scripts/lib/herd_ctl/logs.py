"""logs: the last lines of each node's log, and new lines as they come.

A log continues in another file when it is renamed (Hill.log becomes Hill.log.1, as supervisord does) or when it is
copied and truncated (as logrotate's copytruncate does). A Tail reads such a log as one sequence of lines."""
from __future__ import annotations

import contextlib
import os
import pathlib
import time
from typing import BinaryIO

from .daemon import LOG_BACKUPS, Daemon
from .herd import Herd
from .show import safe
from .trouble import Trouble

POLL_SECONDS = 0.2
BLOCK_BYTES = 1 << 16
STEP_BYTES = 1 << 20   # bytes of one log that are read at once while it is followed
CHECK_BYTES = 256      # before the position: if they differ, the file was truncated and written again
SEARCHED_BACKUPS = 16  # other programs than supervisord may have more than LOG_BACKUPS


class Tail:
    """One log, which must have one writer."""

    def __init__(self, name: str, path: pathlib.Path):
        self.name = name
        self.path = path
        self.file: BinaryIO | None = None
        self.position = 0
        self.before = b""  # the last bytes before the position
        self.rest = b""    # of a line that has not ended

    def __del__(self) -> None:
        if self.file:
            self.file.close()

    def exists(self) -> bool:
        return self.path.exists() or self._backup(1).exists()

    def last(self, count: int) -> list[bytes]:
        """The last `count` complete lines, of older files too if needed; more() continues after them."""
        blocks: list[bytes] = []
        lines = 0
        seen: list[os.stat_result] = []
        for path in [self.path, *(self._backup(number) for number in range(1, LOG_BACKUPS + 1))]:
            with contextlib.suppress(OSError):
                file = open(path, "rb")
                status = os.fstat(file.fileno())
                if any(os.path.samestat(status, other) for other in seen):
                    file.close()  # renamed since the first one was opened
                    continue
                seen.append(status)
                position = status.st_size
                while position and lines <= count:
                    size = min(BLOCK_BYTES, position)
                    position -= size
                    blocks.append(os.pread(file.fileno(), size, position))
                    lines += blocks[-1].count(b"\n")
                if path == self.path:
                    self._open(file, status.st_size)
                else:
                    file.close()
            if lines > count:
                break
        *complete, self.rest = b"".join(reversed(blocks)).split(b"\n")
        return complete[-count:] if count else []

    def unfinished(self) -> list[bytes]:
        """The line at the end that has no line end yet, if there is one."""
        return [self.rest] if self.rest else []

    def more(self) -> list[bytes]:
        """The complete lines that are new since the last call."""
        data = self._next()
        *lines, self.rest = (self.rest + data).split(b"\n")
        return lines

    def _next(self) -> bytes:
        if self.file is None:
            with contextlib.suppress(FileNotFoundError):
                self._open(open(self.path, "rb"), 0)
            if self.file is None:
                return b""
        data = self._read_on()
        if data is None:
            return self._after_truncation()
        return data if len(data) >= STEP_BYTES else data + self._after_rename()

    # One file.

    def _backup(self, number: int) -> pathlib.Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _open(self, file: BinaryIO, position: int) -> None:
        if self.file:
            self.file.close()
        self.file, self.position = file, position
        size = min(CHECK_BYTES, position)
        self.before = os.pread(file.fileno(), size, position - size)

    def _read_on(self) -> bytes | None:
        """The bytes after the position; None if the file was truncated, which is checked after reading."""
        assert self.file is not None
        data = os.pread(self.file.fileno(), STEP_BYTES, self.position)
        if os.pread(self.file.fileno(), len(self.before), self.position - len(self.before)) != self.before:
            return None
        self.position += len(data)
        self.before = (self.before + data)[-CHECK_BYTES:]
        return data

    # Where the log continues.

    def _after_truncation(self) -> bytes:
        """The rest of the old content, if a copy of it exists, and the new content."""
        data = b""
        for number in range(1, SEARCHED_BACKUPS + 1):
            with contextlib.suppress(OSError), open(self._backup(number), "rb") as copy:
                start = self.position - len(self.before)
                if os.pread(copy.fileno(), len(self.before), start) == self.before:
                    copy.seek(self.position)
                    data = copy.read()
                    break
        else:
            if self.rest:  # the end of this line is lost; the new content begins another one
                data = b"\n"
        self.position, self.before = 0, b""
        return data + (self._read_on() or b"")

    def _after_rename(self) -> bytes:
        """If another file with content has the name, the writer uses it now. Reads all files from ours to that one."""
        assert self.file is not None
        try:
            newest = open(self.path, "rb")
        except OSError:
            return b""  # renamed or deleted, and the writer still has the old file open
        status = os.fstat(newest.fileno())
        if os.path.samestat(status, os.fstat(self.file.fileno())) or not status.st_size:
            newest.close()
            return b""
        data = self._read_on() or b""  # the last bytes of the writer in our file
        for path in self._files_between():
            with contextlib.suppress(OSError):
                data += path.read_bytes()
        self._open(newest, 0)
        return data + (self._read_on() or b"")

    def _files_between(self) -> list[pathlib.Path]:
        """The backups that are newer than our file, the oldest first: there may have been several rotations since."""
        assert self.file is not None
        ours = os.fstat(self.file.fileno())
        newer: list[pathlib.Path] = []
        for number in range(1, SEARCHED_BACKUPS + 1):
            path = self._backup(number)
            try:
                status = os.stat(path)
            except OSError:
                break
            # Our file may be deleted: then the times of the last writes tell which ones are newer.
            if os.path.samestat(status, ours) or status.st_mtime_ns < ours.st_mtime_ns:
                break
            newer.insert(0, path)
        return newer


def logs(herd: Herd, daemon: Daemon, names: list[str], follow: bool, count: int) -> int:
    chosen = herd.choose(names)
    tails = [Tail(node.name, daemon.log_path(node.name)) for node in chosen]
    if not follow and not any(tail.exists() for tail in tails):
        raise Trouble(f"no logs in {daemon.directory / 'logs'} yet: start the herd with scripts/herd up")
    width = max(len(tail.name) for tail in tails) if len(tails) > 1 else 0

    def show(tail: Tail, lines: list[bytes]) -> None:
        for line in lines:
            print(f"{tail.name.ljust(width)} | {safe(line)}" if width else safe(line), flush=follow)

    for tail in tails:
        show(tail, tail.last(count))
        if not follow and count:
            show(tail, tail.unfinished())
    while follow:
        time.sleep(POLL_SECONDS)
        for tail in tails:
            show(tail, tail.more())
    return 0
