"""What nodes answer about clients: the newest report of each, and its direction from a centre."""
from __future__ import annotations

import re
from typing import NamedTuple

from .errors import ConnectionLost
from .texts import decode

_COORDINATES = re.compile(r"([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)/?")


class Record(NamedTuple):
    """The newest report of a client. Texts are as the client and its node wrote them."""

    client: str
    coordinates: str  # such as +34.068930-118.445127
    time: str  # the client's, in seconds since 1970
    node: str  # that the client reported to
    difference: str  # that node's clock minus the client's time, in seconds

    @property
    def point(self) -> tuple[float, float]:
        """Latitude and longitude in degrees."""
        found = _COORDINATES.fullmatch(self.coordinates)
        if not found:
            raise ConnectionLost(
                f"the node sends {self.coordinates!r} as coordinates: does a herd listen there?"
            )
        return float(found[1]), float(found[2])

    @property
    def time_ns(self) -> int:
        """The time in nanoseconds since 1970."""
        seconds, _, fraction = self.time.partition(".")
        return int(seconds) * 10**9 + int(fraction.ljust(9, "0"))


class Sighting(NamedTuple):
    """A client inside a circle."""

    record: Record
    km: float  # from the centre
    bearing: int  # from the centre, in degrees: 0 is north, 90 east


def at_record(words: list[bytes]) -> Record:
    """From the words of an AT line: AT, node, difference, client, coordinates, time."""
    if len(words) != 6 or words[0] != b"AT":
        raise ConnectionLost(
            f"the node sends {b' '.join(words[:6])!r} as an AT line: does a herd listen there?"
        )
    return Record(
        decode(words[3]),
        words[4].decode("latin-1"),
        words[5].decode("latin-1"),
        decode(words[1]),
        words[2].decode("latin-1"),
    )


def record_of(line: bytes) -> Record:
    return at_record(line.split(b" "))


def sighting_of(line: bytes) -> Sighting:
    """From `IS <km> <bearing> <AT line>`."""
    words = line.split(b" ")
    try:
        return Sighting(at_record(words[3:]), float(words[1]), int(words[2]))
    except (ValueError, IndexError):
        raise ConnectionLost(
            f"the node sends {line!r} as a line of NEAR: does a herd listen there?"
        ) from None
