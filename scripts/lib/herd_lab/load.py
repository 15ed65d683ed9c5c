"""Clients that report to all nodes as fast as the nodes reply, and remember every reply.

Each connection reports for several clients at a time. A client stops after some reports and a new client takes its
place. Otherwise the loss of an acknowledged report would be covered by a newer report. A connection has a number of
reports in flight, goes to another node now and then, and leaves a node that is silent for too long. At the next node it
repeats the reports without a reply. It also sends reports that a node must not store: one twice, and an older one.
Every reply is checked, byte for byte.

The number of a report is its time: report n of a client is n nanoseconds after BASE, and its coordinates follow from n.
So a record alone shows which report it is, and whether it is correct.
"""
from __future__ import annotations

import collections
import multiprocessing
import random
import re
import selectors
import socket
import time
from collections.abc import MutableSequence, Sequence
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkProcess
from typing import Any

from .endpoint import Endpoint
from .processes import become_helper

Nodes = Sequence[tuple[str, Endpoint]]                 # (name, client port)
Outcome = tuple[dict[bytes, tuple[int, int]], list[str]]  # see Load.outcome()

BASE = 1_700_000_000  # seconds; any past time
COORDINATES = [b"%+03d.%06d%+04d.%06d" % (i % 179 - 89, i * 7919 % 10**6, i % 359 - 179, i * 6007 % 10**6)
               for i in range(1009)]
DIFFERENCE = re.compile(rb"[+-]\d+\.\d{9}")

TICK = 0.05  # seconds between checks for connections that have waited too long
PATIENCE = (0.3, 6.0)  # seconds, drawn anew for each connection
STAY = (500, 20_000)  # replies after which a connection goes elsewhere
RETRY = 0.02  # seconds after a connection was refused
DRAIN = 10.0  # seconds for the last replies
MOST_REPORTS = 1500  # of a client, before it stops
MOST_NAMED = 20  # wrong replies that are shown

FRESH, AGAIN, TWICE, OLDER = range(4)  # kinds of report: new, repeated after a loss, sent twice, an older one


def report(client: bytes, number: int) -> bytes:
    """The rest of an IAMAT line after its first word: ` CLIENT COORDINATES TIME`."""
    return b" %b %b %d.%09d" % (client, COORDINATES[number % len(COORDINATES)], BASE, number)


class Reporter:
    """One connection at a time, and the clients that it reports for. Clients are numbered from 0."""

    def __init__(self, load: Load, name: bytes, clients: int):
        self.load = load
        self.name = name
        self.clients: list[bytes] = []        # ids of all clients so far
        self.sent: list[int] = []             # by client: number of the newest report that was sent
        self.acknowledged: list[int] = []     # ... that was acknowledged
        self.last: list[int | None] = []      # ... after which the client stops; None: never
        self.silent: collections.deque[int] = collections.deque()  # clients that have stopped, the first one first
        self.active = [self.new_client() for _ in range(clients)]
        self.turn = 0                         # index of the client in `active` that reported last
        # (client, number) of reports without a reply on a connection that ended
        self.again: collections.deque[tuple[int, int]] = collections.deque()
        # (client, number, report, kind) without a reply on this connection, in the order of the replies
        self.pending: collections.deque[tuple[int, int, bytes, int]] = collections.deque()
        self.socket: socket.socket | None = None
        self.retry_at = 0.0

    def new_client(self) -> int:
        """A new client; if the population is complete, the client that has been silent for the longest time."""
        last = int(MOST_REPORTS ** self.load.random.random())  # few for most, many for some
        if self.load.population and len(self.clients) >= self.load.population and self.silent:
            client = self.silent.popleft()
            self.last[client] = (self.last[client] or 0) + last
            return client
        self.clients.append(b"%b-%d" % (self.name, len(self.clients)))
        self.sent.append(0)
        self.acknowledged.append(0)
        self.last.append(last if self.load.fall_silent else None)
        return len(self.clients) - 1

    # Its connection.

    def connect(self, now: float) -> None:
        name, endpoint = self.load.random.choice(self.load.nodes)
        self.prefix = b"AT " + name.encode() + b" "
        self.rest = b""
        self.out = b""
        self.stay = self.load.random.randint(*STAY)
        self.patience = self.load.random.uniform(*PATIENCE)
        self.heard_at = now  # when the node last sent something
        self.socket = endpoint.open()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.socket.connect_ex(endpoint.address)
        self.load.selector.register(self.socket, selectors.EVENT_WRITE, self)
        self.is_connected = False

    def leave(self, now: float) -> None:
        """Closes the connection; its reports without a reply are repeated on the next one."""
        if self.socket is not None:
            self.load.selector.unregister(self.socket)
            self.socket.close()
            self.socket = None
        self.retry_at = now + RETRY
        unanswered = [(client, number) for client, number, _, kind in self.pending if kind in (FRESH, AGAIN)]
        self.again.extendleft(reversed(unanswered))  # before the others, in their old order
        self.pending.clear()

    def on_event(self, events: int, now: float) -> None:
        if self.socket is None:
            return
        try:
            if not self.is_connected:
                self._on_connected(self.socket, now)
                return
            if events & selectors.EVENT_WRITE:
                self.send(b"")
            if events & selectors.EVENT_READ:
                data = self.socket.recv(262_144)
                if not data:
                    self.load.count_broken()
                    self.leave(now)
                    return
                self.heard_at = now
                self.receive(data, now)
        except BlockingIOError:
            pass
        except OSError:
            self.load.count_broken()
            self.leave(now)

    def _on_connected(self, connection: socket.socket, now: float) -> None:
        if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.leave(now)
            return
        self.is_connected = True
        self.heard_at = now
        self.load.selector.modify(connection, selectors.EVENT_READ, self)
        self.send(self.next_reports(self.load.depth))

    def on_tick(self, now: float) -> None:
        if self.socket is None:
            if now >= self.retry_at and not self.load.is_stopping:
                self.connect(now)
        elif now - self.heard_at > self.patience and (self.pending or not self.is_connected):
            self.load.count_broken()
            self.leave(now)

    # Its reports.

    def next_reports(self, count: int) -> bytes:
        """The lines of the next `count` reports."""
        lines: list[bytes] = []
        while count > 0 and not self.load.is_stopping and self.stay > 0:
            count -= 1
            if self.again:
                client, number = self.again.popleft()
                self.append(lines, client, number, AGAIN)
                continue
            self.turn = (self.turn + 1) % len(self.active)
            client = self.active[self.turn]
            if self.sent[client] == self.last[client]:
                self.silent.append(client)
                client = self.active[self.turn] = self.new_client()
            self.sent[client] += 1
            number = self.sent[client]
            self.append(lines, client, number, FRESH)
            if number % 64 == 0:
                self.append(lines, client, number, TWICE)
            elif number % 64 == 32:
                self.append(lines, client, number - 5, OLDER)
        return b"".join(lines)

    def append(self, lines: list[bytes], client: int, number: int, kind: int) -> None:
        text = report(self.clients[client], number)
        lines.append(b"IAMAT" + text + b"\n")
        self.pending.append((client, number, text, kind))

    def send(self, data: bytes) -> None:
        """Sends as much as the socket takes; the rest follows when it takes more."""
        self.out += data
        if self.out and self.socket is not None:
            self.out = self.out[self.socket.send(self.out):]
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.out else 0)
            self.load.selector.modify(self.socket, wanted, self)

    def receive(self, data: bytes, now: float) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            if not self.pending:
                self.load.count_wrong(line, b"no reply")
                continue
            client, number, text, kind = self.pending.popleft()
            if not self.is_right(line, text, kind):
                self.load.count_wrong(line, text)
            elif number > self.acknowledged[client]:
                self.acknowledged[client] = number
        self.load.count_acknowledged(len(lines))
        self.stay -= len(lines)
        if self.stay > 0:
            self.send(self.next_reports(self.load.depth - len(self.pending)))
        elif not self.pending:
            self.leave(now)

    def is_right(self, line: bytes, text: bytes, kind: int) -> bool:
        if line == b"IGNORE":
            return kind in (AGAIN, TWICE)
        return (kind != TWICE and line.startswith(self.prefix) and line.endswith(text)
                and DIFFERENCE.fullmatch(line, len(self.prefix), len(line) - len(text)) is not None)


class Load:
    """The clients, in the process that runs them.

    `selector` is empty; the caller closes it. `board` holds the counters that the process which started this one sees.
    For each connection, `clients` is the number of active clients, `depth` the number of reports in flight, and
    `population` bounds the number of all its clients. Without `fall_silent` no client stops.
    """

    def __init__(self, nodes: Nodes, board: MutableSequence[int], selector: selectors.BaseSelector,
                 connections: int = 50, clients: int = 20, depth: int = 16, seed: int = 0, fall_silent: bool = True,
                 population: int | None = None):
        self.nodes = nodes
        self.depth = depth
        self.fall_silent = fall_silent
        self.population = population
        self.random = random.Random(seed)
        self.board = board
        self.selector = selector
        self.wrong: list[str] = []
        self.reporters = [Reporter(self, b"c%d" % i, clients) for i in range(connections)]

    @property
    def is_stopping(self) -> bool:
        return self.board[STOP] != 0

    def count_acknowledged(self, count: int) -> None:
        self.board[ACKNOWLEDGED] += count

    def count_broken(self) -> None:
        self.board[BROKEN] += 1

    def count_wrong(self, line: bytes, expected: bytes) -> None:
        self.board[WRONG] += 1
        if len(self.wrong) < MOST_NAMED:
            self.wrong.append(f"{line!r} instead of {expected!r}")

    def run(self) -> Outcome:
        tick_at = 0.0
        stop_by: float | None = None
        while True:
            now = time.monotonic()
            if now >= tick_at:
                tick_at = now + TICK
                for reporter in self.reporters:
                    reporter.on_tick(now)
                if self.is_stopping:
                    stop_by = stop_by or now + DRAIN
                    if now > stop_by or not self._is_waiting():
                        return self.outcome()
            for key, events in self.selector.select(TICK):
                key.data.on_event(events, time.monotonic())

    def _is_waiting(self) -> bool:
        return any(reporter.socket and reporter.pending for reporter in self.reporters)

    def outcome(self) -> Outcome:
        """({client: (number of its newest acknowledged report, of its newest report)}, wrong replies)"""
        clients = {client: (reporter.acknowledged[i], reporter.sent[i])
                   for reporter in self.reporters for i, client in enumerate(reporter.clients)}
        return clients, self.wrong


ACKNOWLEDGED, WRONG, BROKEN, STOP = range(4)  # indices of the board that both processes see


class LoadProcess:
    """A Load in a process of its own, so that the process which breaks nodes does not slow it down."""

    def __init__(self, process: ForkProcess, board: MutableSequence[int], outcome: Pipe):
        self._process = process
        self._board = board
        self._outcome = outcome

    @classmethod
    def start(cls, nodes: Nodes, **arguments: Any) -> LoadProcess:
        """`arguments` are those of a Load, without board and selector."""
        context = multiprocessing.get_context("fork")
        board = context.RawArray("Q", 4)
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(theirs, nodes, board, arguments), daemon=True)
        process.start()
        theirs.close()
        return cls(process, board, ours)

    @property
    def acknowledged(self) -> int:
        return self._board[ACKNOWLEDGED]

    @property
    def broken(self) -> int:
        """Connections that ended or were silent for too long."""
        return self._board[BROKEN]

    @property
    def wrong(self) -> int:
        return self._board[WRONG]

    def stop(self) -> None:
        """Ends the reports; the load still waits for the replies in flight."""
        self._board[STOP] = 1

    def outcome(self, seconds: float = DRAIN + 5) -> Outcome:
        """Call it after stop(); see Load.outcome()."""
        if not self._outcome.poll(seconds):
            raise RuntimeError("the clients have not ended")
        outcome: Outcome = self._outcome.recv()
        self._process.join()
        return outcome

    def end(self) -> None:
        """Kills the process, whatever it does."""
        if self._process.is_alive():
            self._process.kill()
        self._process.join()


def _run(outcome: Pipe, nodes: Nodes, board: MutableSequence[int], arguments: dict[str, Any]) -> None:
    become_helper()
    with selectors.DefaultSelector() as selector:
        outcome.send(Load(nodes, board, selector, **arguments).run())
