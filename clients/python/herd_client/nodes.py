"""Finds a node that answers: the addresses in turn, with growing and random pauses."""
from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Sequence

from .errors import ConnectionLost, NotAllowed, Unavailable
from .stream import LineStream
from .texts import decode, encode

FIRST_PAUSE = (
    0.1  # seconds; the longest pause before the second attempt, doubled for each further one
)
LONGEST_PAUSE = 5.0

log = logging.getLogger("herd_client")


class Nodes:
    """The nodes of a herd, in the order in which they are tried. All nodes answer the same."""

    def __init__(
        self,
        addresses: Sequence[str],
        token: str | None,
        tls: ssl.SSLContext | None,
        timeout: float,
    ):
        self.addresses = list(addresses)
        self.token = token
        self.tls = tls
        self.timeout = timeout
        self.last_trouble: ConnectionLost | None = None
        self.sees_all = True  # whether the token shows all clients; known once a node has answered
        self._failures = 0  # since the last success
        self._pause_until = 0.0  # by the clock of the event loop

    def copy(self, first: str | None = None) -> Nodes:
        """For another connection: begins at the same node, or at `first` if that is one of the
        nodes, and rotates by itself."""
        made = Nodes(self.addresses, self.token, self.tls, self.timeout)
        if first in made.addresses:
            made.addresses.remove(first)
            made.addresses.insert(0, first)
        return made

    def failed(self, trouble: ConnectionLost) -> None:
        """The first node fails: the next one takes its place, after a pause. The random part keeps
        thousands of clients of a lost node from coming to the next one at the same moment."""
        log.info("%s", trouble)
        self.last_trouble = trouble
        self.addresses.append(self.addresses.pop(0))
        pause = random.uniform(0, min(FIRST_PAUSE * 2 ** min(self._failures, 16), LONGEST_PAUSE))
        self._failures += 1
        self._pause_until = asyncio.get_running_loop().time() + pause

    def works(self) -> None:
        """The first node does what is asked of it: after its next failure the pauses begin anew."""
        self._failures = 0

    async def open(self) -> LineStream:
        """A connection to the first node that answers. It returns only then: the caller sets a
        deadline. NotAllowed if a node refuses the token."""
        while True:
            try:
                return await self._open_first()
            except ConnectionLost as trouble:
                self.failed(trouble)

    async def open_soon(self) -> LineStream:
        """As open(), but Unavailable after one attempt at each node."""
        troubles = []
        for _ in range(len(self.addresses)):
            try:
                return await self._open_first()
            except ConnectionLost as trouble:
                self.failed(trouble)
                troubles.append(str(trouble))
        raise Unavailable(
            f"no node answers: {'; '.join(troubles)}: start a node, or correct the addresses"
        )

    async def _open_first(self) -> LineStream:
        """A connection to the first node, after the pause."""
        await asyncio.sleep(max(0.0, self._pause_until - asyncio.get_running_loop().time()))
        stream = await LineStream.open(self.addresses[0], self.tls, self.timeout)
        try:
            async with asyncio.timeout(self.timeout):
                await self._greet(stream)
            return stream
        except TimeoutError:
            stream.close()
            raise ConnectionLost(
                f"{stream.address} does not answer within {self.timeout:g} s"
            ) from None
        except BaseException:
            stream.close()
            raise

    async def _greet(self, stream: LineStream) -> None:
        """Shows the token, and asks whether the node is there: a frozen one accepts connections
        too. A node with `commands = "seed"` does not know PING, which answers the question as
        well."""
        unread: list[bytes] = []
        if self.token is not None:
            stream.write(b"AUTH " + encode(self.token) + b"\nWHY\n")
            answer = await stream.read_line(unread)
            why = await stream.read_line(unread)
            if answer == b"? AUTH":
                raise NotAllowed(
                    f"{stream.address} refuses the token: {decode(why.removeprefix(b'WHY '))}"
                )
            # `? AUTH` and the token: the node needs none.
            self.sees_all = answer.startswith(b"? ") or b" see=* " in answer
            if not answer.startswith((b"OK ", b"? AUTH ")):
                raise ConnectionLost(
                    f"{stream.address} does not speak herd's protocol: {decode(answer[:200])!r}:"
                    " is it a node's port for clients?"
                )
        stream.write(b"PING herd-client\n")
        answer = await stream.read_line(unread)
        if answer not in (b"PONG herd-client", b"? PING herd-client") or unread:
            raise ConnectionLost(
                f"{stream.address} does not speak herd's protocol: {decode(answer[:200])!r}:"
                " is it a node's port for clients?"
            )
