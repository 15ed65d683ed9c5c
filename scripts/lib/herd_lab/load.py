"""Clients that tell all nodes where they are, as fast as they are answered, and remember every reply.

Each connection speaks for several clients at a time. A client falls silent after some reports and a new one takes its
place, because what was acknowledged last is what could be lost unseen: nothing newer covers it. The connection keeps a
number of reports in flight, goes to another node now and then, loses patience with a node that is silent, and tells
what was not answered again wherever it goes next. It also says what a node must not store: the same report twice, and
an older one. Every reply is checked, byte for byte.

The number of a report is its time: report n of a client is n nanoseconds after BASE, and its coordinates follow from n.
So whoever sees a record knows which report it is, and whether it is the right one.
"""
import collections
import ctypes
import multiprocessing
import random
import re
import selectors
import signal
import socket
import time

from .private_herd import PR_SET_PDEATHSIG

BASE = 1_700_000_000  # seconds; any past time
COORDINATES = [b"%+03d.%06d%+04d.%06d" % (i % 179 - 89, i * 7919 % 10**6, i % 359 - 179, i * 6007 % 10**6)
               for i in range(1009)]
DIFFERENCE = re.compile(rb"[+-]\d+\.\d{9}")

TICK = 0.05  # seconds between looks at who has waited too long
PATIENCE = (0.3, 6.0)  # seconds, drawn anew for each connection
STAY = (500, 20_000)  # replies after which a connection goes elsewhere
RETRY = 0.02  # seconds after a connection was refused
DRAIN = 10.0  # seconds for the last replies
MOST_REPORTS = 1500  # of a client, before it falls silent
MOST_NAMED = 20  # wrong replies that are kept for the report

FRESH, AGAIN, TWICE, OLDER = range(4)  # what a report is


def report(client, number):
    """What stands behind IAMAT and the client's first blank: ` CLIENT COORDINATES TIME`."""
    return b" %b %b %d.%09d" % (client, COORDINATES[number % len(COORDINATES)], BASE, number)


class Teller:
    """One connection at a time, and the clients that it speaks for."""

    def __init__(self, load, name, clients):
        self.load = load
        self.name = name
        self.clients = []       # of all times
        self.told = []          # by client: number of the newest report sent
        self.acknowledged = []  # ... answered
        self.last = []          # ... after which it falls silent
        self.silent = collections.deque()  # those that have, the longest first
        self.speaking = [self.new_client() for _ in range(clients)]
        self.turn = 0
        self.again = collections.deque()        # (client, number) sent and not answered before the connection was gone
        self.pending = collections.deque()      # (client, number, report, what it is), in the order of the replies
        self.socket = None
        self.retry_at = 0.0

    def new_client(self):
        """One that has never spoken, or where there are enough of them the one that has been silent the longest."""
        last = int(MOST_REPORTS ** self.load.random.random())  # few for most, many for some
        if self.load.population and len(self.clients) >= self.load.population and self.silent:
            client = self.silent.popleft()
            self.last[client] += last
            return client
        self.clients.append(b"%b-%d" % (self.name, len(self.clients)))
        self.told.append(0)
        self.acknowledged.append(0)
        self.last.append(last if self.load.fall_silent else None)
        return len(self.clients) - 1

    # Its connections.

    def connect(self, now):
        name, port = self.load.random.choice(self.load.nodes)
        self.prefix = b"AT " + name.encode() + b" "
        self.rest = b""
        self.out = b""
        self.stay = self.load.random.randint(*STAY)
        self.patience = self.load.random.uniform(*PATIENCE)
        self.heard_at = now
        self.socket = socket.socket()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.socket.connect_ex(("127.0.0.1", port))
        self.load.selector.register(self.socket, selectors.EVENT_WRITE, self)
        self.is_connected = False

    def leave(self, now):
        self.load.selector.unregister(self.socket)
        self.socket.close()
        self.socket = None
        self.retry_at = now + RETRY
        kept = [(client, number) for client, number, _, kind in self.pending if kind in (FRESH, AGAIN)]
        self.again.extendleft(reversed(kept))  # older ones first, as they were told
        self.pending.clear()

    def on_event(self, events, now):
        try:
            if not self.is_connected:
                error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if error:
                    return self.leave(now)
                self.is_connected = True
                self.heard_at = now
                self.load.selector.modify(self.socket, selectors.EVENT_READ, self)
                self.send(self.next_reports(self.load.depth))
                return None
            if events & selectors.EVENT_WRITE:
                self.send(b"")
            if events & selectors.EVENT_READ:
                data = self.socket.recv(262_144)
                if not data:
                    self.load.count_broken()
                    return self.leave(now)
                self.heard_at = now
                self.hear(data, now)
        except BlockingIOError:
            pass
        except OSError:
            self.load.count_broken()
            self.leave(now)
        return None

    def on_tick(self, now):
        if self.socket is None:
            if now >= self.retry_at and not self.load.is_stopping:
                self.connect(now)
        elif now - self.heard_at > self.patience and (self.pending or not self.is_connected):
            self.load.count_broken()
            self.leave(now)

    # What it says.

    def next_reports(self, count):
        lines = []
        while count > 0 and not self.load.is_stopping and self.stay > 0:
            count -= 1
            if self.again:
                client, number = self.again.popleft()
                self.append(lines, client, number, AGAIN)
                continue
            self.turn = (self.turn + 1) % len(self.speaking)
            client = self.speaking[self.turn]
            if self.told[client] == self.last[client]:
                self.silent.append(client)
                client = self.speaking[self.turn] = self.new_client()
            self.told[client] += 1
            number = self.told[client]
            self.append(lines, client, number, FRESH)
            if number % 64 == 0:
                self.append(lines, client, number, TWICE)
            elif number % 64 == 32:
                self.append(lines, client, number - 5, OLDER)
        return b"".join(lines)

    def append(self, lines, client, number, kind):
        text = report(self.clients[client], number)
        lines.append(b"IAMAT" + text + b"\n")
        self.pending.append((client, number, text, kind))

    def send(self, data):
        self.out += data
        if self.out:
            self.out = self.out[self.socket.send(self.out):]
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.out else 0)
            self.load.selector.modify(self.socket, wanted, self)

    def hear(self, data, now):
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            if not self.pending:
                self.load.count_wrong(line, b"nothing was asked")
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

    def is_right(self, line, text, kind):
        if line == b"IGNORE":
            return kind in (AGAIN, TWICE)
        return (kind != TWICE and line.startswith(self.prefix) and line.endswith(text)
                and DIFFERENCE.fullmatch(line, len(self.prefix), len(line) - len(text)) is not None)


class Load:
    """The clients, in the process that runs them. `nodes`: [(name, client port)]; `board`: numbers that whoever watches
    sees too; `clients`: that speak at a time, a connection; `depth`: reports in flight, a connection; `population`: clients of
    all times, a connection, where there is a bound to them."""

    def __init__(self, nodes, board, connections=50, clients=20, depth=16, seed=0, fall_silent=True, population=None):
        self.nodes = nodes
        self.depth = depth
        self.fall_silent = fall_silent
        self.population = population
        self.random = random.Random(seed)
        self.board = board
        self.selector = selectors.DefaultSelector()
        self.wrong = []
        self.tellers = [Teller(self, b"c%d" % i, clients) for i in range(connections)]

    @property
    def is_stopping(self):
        return self.board[STOP] != 0

    def count_acknowledged(self, count):
        self.board[ACKNOWLEDGED] += count

    def count_broken(self):
        self.board[BROKEN] += 1

    def count_wrong(self, line, expected):
        self.board[WRONG] += 1
        if len(self.wrong) < MOST_NAMED:
            self.wrong.append(f"{line!r} instead of{expected!r}")

    def run(self):
        tick_at = 0.0
        stop_by = None
        while True:
            now = time.monotonic()
            if now >= tick_at:
                tick_at = now + TICK
                for teller in self.tellers:
                    teller.on_tick(now)
                if self.is_stopping:
                    stop_by = stop_by or now + DRAIN
                    if now > stop_by or not any(teller.socket and teller.pending for teller in self.tellers):
                        return self.outcome()
            for key, events in self.selector.select(TICK):
                key.data.on_event(events, time.monotonic())

    def outcome(self):
        """({client: (number acknowledged, number told)}, wrong replies)"""
        clients = {client: (teller.acknowledged[i], teller.told[i])
                   for teller in self.tellers for i, client in enumerate(teller.clients)}
        return clients, self.wrong


ACKNOWLEDGED, WRONG, BROKEN, STOP = range(4)  # places on the board that both processes see


class LoadProcess:
    """A Load in a process of its own, so that whoever watches and breaks nodes does not slow it down. It takes the
    arguments of a Load but for the board."""

    def __init__(self, nodes, **arguments):
        context = multiprocessing.get_context("fork")
        self._board = context.RawArray("Q", 4)
        self._outcome, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=_run, args=(theirs, nodes, self._board, arguments), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def acknowledged(self):
        return self._board[ACKNOWLEDGED]

    @property
    def broken(self):
        return self._board[BROKEN]

    @property
    def wrong(self):
        return self._board[WRONG]

    def stop(self):
        """No more reports; those under way are waited for."""
        self._board[STOP] = 1

    def outcome(self, seconds=DRAIN + 5):
        """After stop(): as Load.outcome()."""
        if not self._outcome.poll(seconds):
            raise RuntimeError("the clients have not ended")
        outcome = self._outcome.recv()
        self._process.join()
        return outcome

    def end(self):
        """At once, whatever it does."""
        if self._process.is_alive():
            self._process.kill()
        self._process.join()


def _run(outcome, nodes, board, arguments):
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who started this
    outcome.send(Load(nodes, board, **arguments).run())
