"""Forwards IP packets between hosts, and delays or drops some of them: what a network does to TCP, without a reset of a
connection. hosts.py runs it. Not thread-safe; the caller has the clock."""
from __future__ import annotations

import dataclasses
import heapq
import random
from collections.abc import Iterator

Lane = tuple[int, int]  # (number of the sender, number of the receiver)

MOST_DELAYED = 10_000   # packets of all lanes together: 15 MB. Further ones are dropped, as by a router


@dataclasses.dataclass(frozen=True)
class Condition:
    """Of a lane, which is one direction between two hosts."""

    delay: float = 0.0  # seconds
    loss: float = 0.0   # share of the packets that are dropped, 0 to 1

    def __post_init__(self) -> None:
        assert self.delay >= 0 and 0 <= self.loss <= 1, self


def receiver(packet: bytes) -> int | None:
    """The number of the host that a packet is for: n in 10.77.n.x and in fd77::n:x. None: it is for no host, such as a
    multicast packet."""
    if len(packet) >= 20 and packet[0] >> 4 == 4:
        return packet[18] if packet[16:18] == b"\x0a\x4d" else None
    if len(packet) >= 40 and packet[0] >> 4 == 6:
        return packet[37] if packet[24:37] == b"\xfd\x77" + bytes(11) else None
    return None


class PacketRelay:
    """The state between all hosts. The same seed and the same packets give the same losses."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.conditions: dict[Lane, Condition] = {}  # a lane that is not here has no fault
        self.delayed: list[tuple[float, int, int, bytes]] = []  # a heap: (due, order, receiver, packet)
        self.count = 0    # packets that were delayed
        self.dropped = 0

    def accept(self, sender: int, packet: bytes, now: float) -> tuple[int, bytes] | None:
        """(receiver, packet) if it is to be delivered at once; None if it was dropped or delayed."""
        to = receiver(packet)
        if to is None:
            return None
        condition = self.conditions.get((sender, to))
        if condition is None:
            return to, packet
        if self.random.random() < condition.loss or len(self.delayed) >= MOST_DELAYED:
            self.dropped += 1
            return None
        if condition.delay == 0:
            return to, packet
        self.count += 1
        heapq.heappush(self.delayed, (now + condition.delay, self.count, to, packet))
        return None

    def due(self, now: float) -> Iterator[tuple[int, bytes]]:
        """(receiver, packet) of the delayed packets that are due, in their order. They are no longer in the relay."""
        while self.delayed and self.delayed[0][0] <= now:
            _, _, to, packet = heapq.heappop(self.delayed)
            yield to, packet

    def wait(self, now: float) -> float | None:
        """Seconds until a delayed packet is due; None if there is none."""
        return max(0.0, self.delayed[0][0] - now) if self.delayed else None
