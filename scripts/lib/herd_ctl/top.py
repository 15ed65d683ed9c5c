"""top: all nodes at a glance, in a terminal that is drawn again each second, or once as text."""
from __future__ import annotations

import contextlib
import curses
import json
import locale
import os
import shutil
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

from . import order, probe, samples
from .daemon import Daemon
from .herd import Herd, Node
from .top_rows import SORTS, View, view_of
from .top_screen import Line, as_text, help_line, lines_of, window
from .trouble import BAD_USAGE, Trouble

PERIOD_SECONDS = 1.0   # between two samples of a node
TURN_SECONDS = 0.1     # how soon a key and a new window size have an effect
FIRST_SECONDS = 3.0    # for the first samples of all nodes
PLAIN_COLUMNS = 120    # of the text of --once, if its output is no terminal


class Ended(Exception):
    """SIGTERM or SIGHUP. The status of the command is that of a shell."""

    def __init__(self, number: int):
        super().__init__()
        self.status = 128 + number


class Sampler:
    """Samples each node in a thread of its own, so that a frozen node delays no other. The threads end with the
    process."""

    def __init__(self, herd: Herd, daemon: Daemon):
        self.herd = herd
        self.daemon = daemon
        self._lock = threading.Lock()
        self._pairs: dict[str, samples.Pair | None] = {}       # with _lock
        self._processes: dict[str, dict[str, Any]] = {}        # with _lock
        self._notices: list[str] = []                          # with _lock

    def start(self) -> None:
        """Returns when each node has been sampled, or after FIRST_SECONDS."""
        threads = [threading.Thread(target=self._repeat, args=(self._sample, node), daemon=True)
                   for node in samples.asked_nodes(self.herd)]
        threads.append(threading.Thread(target=self._repeat, args=(self._look_at_processes,), daemon=True))
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + FIRST_SECONDS
        while len(self._pairs) < len(threads) - 1 and time.monotonic() < deadline:
            time.sleep(0.02)

    def view(self) -> View:
        with self._lock:
            return view_of(self.herd, dict(self._processes), dict(self._pairs), time.time(), self._notices)

    def _repeat(self, step: Any, *arguments: Any) -> None:
        while True:
            began = time.monotonic()
            with contextlib.suppress(OSError, Trouble):  # what it knows stays as it was
                step(*arguments)
            time.sleep(max(0.1, began + PERIOD_SECONDS - time.monotonic()))

    def _sample(self, node: Node) -> None:
        sample = samples.take(node)
        with self._lock:
            last = self._pairs.get(node.name)
            self._pairs[node.name] = samples.Pair(last.newest if last else None, sample)

    def _look_at_processes(self) -> None:
        condition = self.daemon.condition()
        seen = samples.process_states(self.herd, self.daemon, condition)
        notices = supervisor_notices(self.daemon, condition)
        with self._lock:
            self._processes, self._notices = seen, notices


def supervisor_notices(daemon: Daemon, condition: Any) -> list[str]:
    """A sentence about a supervisor that does not work."""
    return [str(daemon.trouble(condition))] if order.is_missed(daemon, condition) else []


def look(herd: Herd, daemon: Daemon) -> View:
    """One view, with rates."""
    condition = daemon.condition()
    processes = samples.process_states(herd, daemon, condition)
    pairs = probe.of_all(samples.take_pair, samples.asked_nodes(herd))
    return view_of(herd, processes, pairs, time.time(), supervisor_notices(daemon, condition))


class Screen:
    """The terminal. Only inside of curses.wrapper()."""

    def __init__(self, window_: curses.window, sampler: Sampler):
        self._window = window_
        self._sampler = sampler
        self._sort = "node"
        self._first = 0  # the first line that is shown, below the title
        self._styles = {"title": curses.A_BOLD, "head": curses.A_BOLD, "bad": curses.A_REVERSE, "": curses.A_NORMAL}
        with contextlib.suppress(curses.error):  # a terminal that cannot hide its cursor
            curses.curs_set(0)
        window_.timeout(round(TURN_SECONDS * 1000))

    def run(self) -> None:
        """Returns when q is pressed."""
        drawn_at = 0.0
        while True:
            if time.monotonic() - drawn_at >= PERIOD_SECONDS / 2:
                self._draw()
                drawn_at = time.monotonic()
            key = self._window.getch()
            if key in (ord("q"), ord("Q")):
                return
            if key != curses.ERR:
                self._take(key)
                drawn_at = 0.0

    def _take(self, key: int) -> None:
        page = max(1, self._window.getmaxyx()[0] - 4)
        moves = {curses.KEY_DOWN: 1, curses.KEY_UP: -1, curses.KEY_NPAGE: page, curses.KEY_PPAGE: -page}
        self._first = max(0, self._first + moves.get(key, 0))
        if 0 < key < 128:
            self._sort = SORTS.get(chr(key), self._sort)

    def _draw(self) -> None:
        height, width = self._window.getmaxyx()
        lines = lines_of(self._sampler.view(), width - 1, self._sort)
        shown, self._first = window(lines, height - 1, self._first)
        self._window.erase()
        for number, line in enumerate(shown[:height - 1]):
            self._put(number, line, width)
        self._put(height - 1, Line(help_line(self._sort, SORTS)), width)
        self._window.refresh()

    def _put(self, row: int, line: Line, width: int) -> None:
        encoding = self._window.encoding
        text = line.text.encode(encoding, "replace").decode(encoding)
        with contextlib.suppress(curses.error):  # the window was made smaller a moment ago
            self._window.addnstr(row, 0, text, max(0, width - 1), self._styles[line.style])


def _end(number: int, _: FrameType | None) -> None:
    raise Ended(number)


def _follow(herd: Herd, daemon: Daemon) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Trouble("top needs a terminal: add --once for one table, or --json", BAD_USAGE)
    locale.setlocale(locale.LC_ALL, "")
    os.environ.setdefault("ESCDELAY", "25")
    sampler = Sampler(herd, daemon)
    sampler.start()
    try:
        curses.wrapper(lambda window_: Screen(window_, sampler).run())
    except curses.error as error:
        raise Trouble(f"this terminal cannot be drawn on ({error}): set TERM to its type, or add --once") from None
    return 0


def _print_lines(herd: Herd, daemon: Daemon) -> int:
    """--json without --once: a line each second."""
    sampler = Sampler(herd, daemon)
    sampler.start()
    while True:
        print(json.dumps(sampler.view().as_json()), flush=True)
        time.sleep(PERIOD_SECONDS)


def top(herd: Herd, daemon: Daemon, once: bool, as_json: bool) -> int:
    """Ctrl-C is a usual end. SIGTERM and SIGHUP leave the terminal as it was, too."""
    if once:
        view = look(herd, daemon)
        width = shutil.get_terminal_size((PLAIN_COLUMNS, 24)).columns
        print(json.dumps(view.as_json(), indent=2) if as_json else as_text(view, width))
        return 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        return _print_lines(herd, daemon) if as_json else _follow(herd, daemon)
    except KeyboardInterrupt:
        return 0
    except Ended as ended:
        return ended.status
