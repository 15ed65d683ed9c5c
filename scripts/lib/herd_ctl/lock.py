"""herd.lock in the state directory: one command at a time may change a herd. The kernel releases the lock when the
command ends, however it ends."""
from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import sys
import time
from collections.abc import Iterator

from . import processes
from .trouble import Trouble, writing

WAIT_SECONDS = 20.0    # most commands end sooner; `up` may take longer on a slow machine, and the message names it
NOTICE_SECONDS = 0.3
FROZEN_SECONDS = 1.0   # a holder that is stopped for this time does not continue by itself


@contextlib.contextmanager
def herd_lock(directory: pathlib.Path) -> Iterator[None]:
    """Holds the lock. Trouble, with the holder's process id, if another command has it for too long or is frozen."""
    path = directory / "herd.lock"
    with writing(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(descriptor)
        with contextlib.suppress(OSError):  # only for messages: a full disk must not prevent `down`
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> None:
    began = time.monotonic()
    noticed, frozen_since = False, None
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            pass
        holder, now = _holder(descriptor), time.monotonic()
        if not noticed and now - began >= NOTICE_SECONDS:
            print(f"Waiting for another scripts/herd{_named(holder)} to end", file=sys.stderr)
            noticed = True
        frozen_since = (frozen_since or now) if processes.state(holder) == processes.FROZEN else None
        if frozen_since and now - frozen_since >= FROZEN_SECONDS:
            raise Trouble(f"another scripts/herd{_named(holder)} changes this herd and is frozen: kill -CONT {holder}"
                          f" continues it, kill -KILL {holder} ends it")
        if now - began >= WAIT_SECONDS:
            raise Trouble(f"another scripts/herd{_named(holder)} still changes this herd after {WAIT_SECONDS:.0f} s:"
                          " wait for it, or end it")
        time.sleep(0.05)


def _holder(descriptor: int) -> int:
    """The process id of the holder, 0 if it is unknown."""
    with contextlib.suppress(OSError, ValueError):
        return int(os.pread(descriptor, 32, 0))
    return 0


def _named(holder: int) -> str:
    return f" (process {holder})" if holder else ""
