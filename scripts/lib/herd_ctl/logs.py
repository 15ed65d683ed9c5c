"""logs: the last lines of each node's log, and those that follow."""
import os
import time

from .show import safe
from .trouble import Trouble

POLL_SECONDS = 0.2


class Tail:
    """One log, read on across its rotation."""

    def __init__(self, name, path):
        self.name = name
        self.path = path
        self.file = None
        self.rest = b""

    def last(self, count):
        """The last `count` lines; following begins behind them."""
        lines = self.more()
        return lines[-count:] if count else []

    def more(self):
        """The whole lines that have come since."""
        lines = self._read()
        if self._was_rotated():
            self.file.close()
            self.file = None
            lines += self._read()
        return lines

    def _read(self):
        if self.file is None:
            try:
                self.file = open(self.path, "rb")
            except FileNotFoundError:
                return []
        *lines, self.rest = (self.rest + self.file.read()).split(b"\n")
        return lines

    def _was_rotated(self):
        if self.file is None:
            return False
        try:
            return os.fstat(self.file.fileno()).st_ino != os.stat(self.path).st_ino
        except FileNotFoundError:
            return False


def logs(herd, daemon, names, follow, count):
    chosen = herd.choose(names)
    tails = [Tail(node.name, daemon.log_path(node.name)) for node in chosen]
    if not follow and not any(tail.path.exists() for tail in tails):
        raise Trouble(f"no logs in {daemon.directory / 'logs'} yet: start the herd with scripts/herd up")
    width = max(len(tail.name) for tail in tails) if len(tails) > 1 else 0

    def show(tail, lines):
        for line in lines:
            print(f"{tail.name.ljust(width)} | {safe(line)}" if width else safe(line), flush=follow)

    for tail in tails:
        show(tail, tail.last(count))
    while follow:
        time.sleep(POLL_SECONDS)
        for tail in tails:
            show(tail, tail.more())
    return 0
