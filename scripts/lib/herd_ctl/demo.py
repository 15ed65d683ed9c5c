"""demo: thousands of clients that move through cities and report to all nodes that answer, at a bounded rate."""
from __future__ import annotations

import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

from . import client_port, probe, samples
from .client_port import Conversation, Lost
from .demo_clients import CITIES, Traveller
from .herd import Herd, Node, reachable
from .trouble import Trouble
from .waiting import poll

MOST_CLIENTS = 100_000
MOST_RATE = 20_000       # reports per second, of all clients together
USUAL_RATE = 1_000       # unless --rate is given, and at most one report per client and second
TURN_SECONDS = 0.05
MOST_AWAITED = 2_000     # reports without a reply, for one node: beyond it the node gets no more
REPLY_SECONDS = 3.0      # a node without a reply for so long is left
RETRY_SECONDS = 2.0
SHOW_SECONDS = 5.0


class Reporter:
    """A connection to one node. It is opened by a thread, because a frozen node takes seconds."""

    def __init__(self, node: Node, token: bytes):
        self.node = node
        self._token = token
        self._conversation: Conversation | None = None
        self._awaited = 0
        self._heard_at = 0.0
        self._retry_at = 0.0
        self._attempt: threading.Thread | None = None
        self._trouble: Trouble | None = None  # why no attempt can succeed
        self.is_noted = False  # that the node does not answer
        self._is_quiet = True  # until speak()
        self._reason = ""      # what was not noted, because it is quiet

    @property
    def is_open(self) -> bool:
        return self._conversation is not None

    @property
    def room(self) -> int:
        """The number of reports that it takes now."""
        return MOST_AWAITED - self._awaited if self.is_open else 0

    def open(self) -> None:
        """Begins to connect, if the last attempt is long enough ago. Trouble if the node refuses its clients."""
        if self._trouble:
            raise self._trouble
        if self.is_open or self.is_opening or time.monotonic() < self._retry_at:
            return
        self._attempt = threading.Thread(target=self._connect, daemon=True)
        self._attempt.start()

    @property
    def is_opening(self) -> bool:
        return self._attempt is not None and self._attempt.is_alive()

    def _connect(self) -> None:
        try:
            fresh = Conversation(self.node, self._token)
        except Lost as lost:
            self._retry_at = time.monotonic() + RETRY_SECONDS
            self._note(str(lost))
            return
        except Trouble as trouble:
            self._trouble = trouble
            return
        self._awaited, self._heard_at = 0, time.monotonic()
        self._conversation = fresh  # last: from here on it belongs to the main thread
        if self.is_noted:
            print(f"{self.node.name} answers again", flush=True)
        self.is_noted = False

    def report(self, lines: list[str]) -> None:
        if self._conversation and lines:
            try:
                self._conversation.send("\n".join(lines).encode())
                self._awaited += len(lines)
            except Lost as lost:
                self._leave(str(lost))

    def take_replies(self) -> int:
        """The number of replies that have come."""
        if self._conversation is None or self._awaited == 0:
            self._heard_at = time.monotonic()
            return 0
        try:
            replies = self._conversation.lines(0.001)
        except Lost as lost:
            self._leave(str(lost))
            return 0
        refused = next((reply for reply in replies if reply.startswith(b"? ")), None)
        if refused is not None:
            raise Trouble(f"{self.node.name} refuses a report: {self._conversation.why()}")
        if replies:
            self._heard_at = time.monotonic()
        elif time.monotonic() - self._heard_at > REPLY_SECONDS:
            self._leave("does not answer")
        self._awaited -= len(replies)
        return len(replies)

    def _leave(self, reason: str) -> None:
        self.close()
        self._retry_at = time.monotonic() + RETRY_SECONDS
        self._note(reason)

    def speak(self) -> None:
        """Notes from now on when the node does not answer. Until then, that may be the error of the whole command."""
        self._is_quiet = False
        if self._reason:
            self._note(self._reason)

    def _note(self, reason: str) -> None:
        if self._is_quiet:
            self._reason = reason
        elif not self.is_noted:
            # One write: each node has a thread.
            sys.stderr.write(f"scripts/herd: {self.node.name} {reason}: its clients report to other nodes\n")
            self.is_noted = True

    def close(self) -> None:
        if self._conversation:
            self._conversation.close()
        self._conversation = None


class Demo:
    """All clients, in a loop that never sends more than `rate` reports per second."""

    def __init__(self, herd: Herd, given: Any):
        """`given` is the command line: clients, rate, seconds, seed."""
        self.herd = herd
        self.rate = min(given.rate or min(USUAL_RATE, given.clients), MOST_RATE)
        self.seconds = given.seconds
        self.travellers = [Traveller.of(given.seed, number) for number in range(given.clients)]
        token = client_port.token(herd)
        self.reporters = [Reporter(node, token) for node in client_port.candidates(herd, None)]
        self.acknowledged = 0
        self._next = 0  # the client that reports next
        self._began = time.monotonic()

    def run(self) -> None:
        """Returns after the time that was asked for. Trouble if no node answers at the start."""
        self._open_all()
        self._introduce()
        self._began = shown_at = time.monotonic()
        shown, sent = 0, 0
        while (now := time.monotonic()) - self._began < self.seconds:
            due = int((now - self._began) * self.rate) - sent
            if due > self.rate:  # the nodes or this program were late: it does not catch up
                sent += due - self.rate
                due = self.rate
            sent += self._report(due, now - self._began)
            self.acknowledged += sum(reporter.take_replies() for reporter in self.reporters)
            if now - shown_at >= SHOW_SECONDS:
                print(f"{self.acknowledged} reports, {(self.acknowledged - shown) / (now - shown_at):.0f} per second",
                      flush=True)
                shown_at, shown = now, self.acknowledged
            for reporter in self.reporters:
                reporter.open()
            time.sleep(max(0.0, now + TURN_SECONDS - time.monotonic()))

    def _open_all(self) -> None:
        for reporter in self.reporters:
            reporter.open()
        poll(lambda: not any(reporter.is_opening for reporter in self.reporters), probe.ALL_SECONDS)
        for reporter in self.reporters:
            reporter.open()  # raises if the node refuses its clients
        if not any(reporter.is_open for reporter in self.reporters):
            raise client_port.no_answer(self.herd)
        for reporter in self.reporters:
            reporter.speak()

    def _report(self, due: int, seconds: float) -> int:
        """Sends the next `due` reports, less if the nodes have no room. Returns how many."""
        lines: dict[int, list[str]] = {number: [] for number, one in enumerate(self.reporters) if one.is_open}
        chosen = list(lines)
        sent = 0
        for _ in range(due if chosen else 0):
            number = self._next % len(self.travellers)
            home = number % len(self.reporters)  # a client stays at one node while that answers
            home = home if home in lines else chosen[number % len(chosen)]
            if len(lines[home]) >= self.reporters[home].room:
                break
            traveller, now = self.travellers[number], time.time_ns()
            lines[home].append(f"IAMAT {traveller.client} {traveller.coordinates(seconds)}"
                               f" {now // 10**9}.{now % 10**9:09}")
            self._next += 1
            sent += 1
        for home, texts in lines.items():
            self.reporters[home].report(texts)
        return sent

    def _introduce(self) -> None:
        open_ = [reporter.node for reporter in self.reporters if reporter.is_open]
        cities = min(len(CITIES), len(self.travellers))
        print(f"{len(self.travellers)} clients move through {cities} cities and report to"
              f" {', '.join(node.name for node in open_)}: {self.rate} reports per second. Ctrl-C ends it.")
        first = self.travellers[0]
        print(f"Look at it with: scripts/herd top; scripts/herd near {first.client} 5;"
              f" scripts/herd watch near {first.latitude:+}{first.longitude:+} 5; scripts/herd tap client")
        page = next((node for node in open_ if samples.answers_here(node) and _has_page(node)), None)
        if page and page.http:
            host, port = reachable(page.http)
            scheme = "https" if page.pages_speak_tls else "http"
            print(f"In a browser: {scheme}://{f'[{host}]' if ':' in host else host}:{port}/")
        sys.stdout.flush()

    def close(self) -> None:
        for reporter in self.reporters:
            reporter.close()


def _has_page(node: Node) -> bool:
    try:
        return probe.page(node, "/", time.monotonic() + probe.TIMEOUT)[0] == 200
    except OSError:
        return False


def _end(number: int, _: FrameType | None) -> None:
    raise KeyboardInterrupt


def demo(herd: Herd, given: Any) -> int:
    """Ctrl-C and SIGTERM are usual ends."""
    signal.signal(signal.SIGTERM, _end)
    shown = Demo(herd, given)
    try:
        shown.run()
    except KeyboardInterrupt:
        pass
    finally:
        shown.close()
    print(f"{chr(10) if sys.stdout.isatty() else ''}Ended after {shown.acknowledged} reports. The records of the"
          " clients stay: their ids begin with demo-")
    return 0
