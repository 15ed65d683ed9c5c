"""Talking to a node as one of its clients: commands and replies over its client port. Every wait has a bound, because a
node may be frozen."""
from __future__ import annotations

import collections
import contextlib
import os
import time
from collections.abc import Sequence
from types import TracebackType

from . import order, probe, processes
from .herd import Herd, Node, is_loopback, reachable
from .probe import TOKEN_VARIABLE
from .show import safe
from .trouble import BAD_USAGE, NONE_RUNNING, Trouble

ANSWER_SECONDS = 10.0  # the first question after a start waits until all clients are in the node's index
MAX_LINE_BYTES = 1 << 20  # of an answer; a longer line comes from another program


class Lost(Exception):
    """The connection has ended, or the node does not answer. The text continues the node's name."""


def token(herd: Herd) -> bytes:
    """The token with which a command asks; empty if the nodes need none."""
    if not any(node.needs_token for node in herd.nodes):
        return b""
    text = os.environ.get(TOKEN_VARIABLE, "")
    if not text or any(char.isspace() for char in text):
        raise Trouble(f"the nodes need a token (`auth` under [clients]): set ${TOKEN_VARIABLE} to one that may do this"
                      " (scripts/herd token new makes one)", BAD_USAGE)
    return os.fsencode(text)


def wrong_token() -> Trouble:
    return Trouble(f"the nodes refuse the token in ${TOKEN_VARIABLE}: scripts/herd token list shows the valid ones",
                   BAD_USAGE)


def no_answer(herd: Herd, name: str | None = None) -> Trouble:
    """The error if no node answers, or that of --node does not; names the frozen nodes of this host."""
    if name is not None:
        frozen = order.frozen_nodes(herd.state_dir, [name])
        pid = next((node.pid for node in frozen if node.name == name), None)
        if pid:
            return Trouble(f"{name} (process {pid}) is frozen: kill -CONT {pid} continues it; or leave out --node",
                           NONE_RUNNING)
        return Trouble(f"{name} does not answer: see scripts/herd status, or leave out --node", NONE_RUNNING)
    order.warn_of_frozen(herd)
    running = processes.running_nodes(herd.state_dir, [node.name for node in herd.local]).values()
    remedy = "start them with scripts/herd up"
    if running:
        are_frozen = all(node.process.is_frozen() for node in running)
        remedy = "continue those that are frozen" if are_frozen else "see scripts/herd logs"
    return Trouble(f"no node answers: {remedy}", NONE_RUNNING)


def is_away(node: Node) -> bool:
    """Whether the node's client port cannot be reached from here: the loopback address of another host is not its
    address here."""
    return not node.local and is_loopback(node.clients[0])


class Conversation:
    """A connection to the client port of a node that answers. The caller closes it (it is a context manager)."""

    def __init__(self, node: Node, text: bytes):
        """Connects, and shows the token `text` if it is not empty. Lost if the node does not answer within
        probe.TIMEOUT; Trouble if it refuses the token, or knows only the commands of the seed."""
        self.node = node
        self._lines: collections.deque[bytes] = collections.deque()
        self._rest = b""
        deadline = time.monotonic() + probe.TIMEOUT
        try:
            self._socket = probe.connect(reachable(node.clients), probe.TIMEOUT, node.speaks_tls)
        except OSError as error:
            raise Lost(f"does not accept a connection ({error.strerror or error})") from None
        try:
            self._greet(text, deadline)
        except BaseException:
            self.close()
            raise

    def _greet(self, text: bytes, deadline: float) -> None:
        if text:
            self.send(b"AUTH " + text)
        self.send(b"PING")
        if text and self.line(deadline - time.monotonic()).startswith(probe.REFUSED):
            raise wrong_token()
        if self.line(deadline - time.monotonic()) != b"PONG":
            raise Trouble(f"{self.node.name} answers only IAMAT and WHATSAT: set `commands` under [clients] to \"all\";"
                          " a node of an older release needs scripts/herd restart")

    def send(self, line: bytes) -> None:
        try:
            self._socket.settimeout(probe.TIMEOUT)
            self._socket.sendall(line + b"\n")
        except OSError as error:
            raise Lost(f"has closed the connection ({error.strerror or error})") from None

    def lines(self, seconds: float) -> list[bytes]:
        """All lines that have come, without their ends; waits for the first one. Empty after `seconds`."""
        if not self._lines:
            self._receive(seconds)
        came = list(self._lines)
        self._lines.clear()
        return came

    def line(self, seconds: float) -> bytes:
        """The next line, without its end; Lost if it does not come within `seconds`."""
        if not self._lines:
            self._receive(seconds)
        if not self._lines:
            raise Lost("does not answer")
        return self._lines.popleft()

    def why(self) -> str:
        """Why the node refused the last command."""
        self.send(b"WHY")
        reason = self.line(ANSWER_SECONDS)
        return safe(reason.removeprefix(b"WHY "))

    def _receive(self, seconds: float) -> None:
        """Waits until there is a line, for at most `seconds`."""
        deadline = time.monotonic() + seconds
        while not self._lines and (left := deadline - time.monotonic()) > 0:
            try:
                self._socket.settimeout(left)
                piece = self._socket.recv(1 << 16)
            except TimeoutError:
                return
            except OSError as error:
                raise Lost(f"has closed the connection ({error.strerror or error})") from None
            if not piece:
                raise Lost("has closed the connection")
            *whole, self._rest = (self._rest + piece).split(b"\n")
            self._lines.extend(whole)
            if len(self._rest) > MAX_LINE_BYTES:
                raise Lost(f"sends a line of more than {MAX_LINE_BYTES} bytes: is another program at its port?")

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def candidates(herd: Herd, name: str | None) -> list[Node]:
    """The nodes that can be asked, those of this host first; with `name` only that one."""
    if name is not None:
        node = herd.find(name)
        if is_away(node):
            raise Trouble(f"{name} runs on another host, and its client port is a loopback address: run this command"
                          " there", BAD_USAGE)
        return [node]
    nodes = [node for node in herd.nodes if not is_away(node)]
    frozen = {node.name for node in order.frozen_nodes(herd.state_dir, [node.name for node in herd.local])}
    return sorted(nodes, key=lambda node: (node.name in frozen, not node.local))


def _attempt(node: Node, text: bytes) -> Conversation | Trouble | None:
    """None if the node does not answer."""
    try:
        return Conversation(node, text)
    except Lost:
        return None
    except Trouble as trouble:
        return trouble


def open_first(nodes: Sequence[Node], text: bytes) -> Conversation | None:
    """A conversation with the first of the nodes that answers, None if none does. If the first one does not, the others
    are tried at the same time, so that frozen ones cost seconds only once. Trouble if all that answer refuse."""
    found = [_attempt(nodes[0], text)] if nodes else []
    if nodes and not isinstance(found[0], Conversation):
        found += probe.of_all(lambda node: _attempt(node, text), nodes[1:]).values()
    opened = [one for one in found if isinstance(one, Conversation)]
    for spare in opened[1:]:
        spare.close()
    if opened:
        return opened[0]
    for one in found:
        if isinstance(one, Trouble):
            raise one
    return None
