"""Records of clients as nodes show them: AT lines, distances and bearings, read into values that are safe to print."""
from __future__ import annotations

import dataclasses
import re
from typing import Any

from .show import duration, safe

COORDINATES = re.compile(r"([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)/?")
COMPASS = ("N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW")


@dataclasses.dataclass(frozen=True)
class Record:
    """The newest report of a client; texts as the client and the node wrote them, with control bytes escaped."""

    client: str
    coordinates: str
    time: str        # seconds since 1970
    node: str        # that the client reported to
    difference: str  # seconds

    @staticmethod
    def of(line: bytes) -> Record:
        """From `AT <node> <difference> <client> <coordinates> <time>`; ValueError for another line."""
        word, node, difference, client, coordinates, time_text = line.split(b" ")
        if word != b"AT":
            raise ValueError("no AT line")
        record = Record(*map(safe, (client, coordinates, time_text, node, difference)))
        if not COORDINATES.fullmatch(record.coordinates):
            raise ValueError("no coordinates")
        float(record.time)
        return record

    def age(self, now: float) -> str:
        """By the clock of this host; negative if the client's clock is ahead."""
        seconds = now - float(self.time)
        return f"-{duration(-seconds)}" if seconds <= -1 else duration(max(0.0, seconds))

    def as_json(self) -> dict[str, Any]:
        found = COORDINATES.fullmatch(self.coordinates)
        assert found is not None, "of() checked it"
        return {"client": self.client, "coordinates": self.coordinates, "latitude": float(found[1]),
                "longitude": float(found[2]), "time": self.time, "node": self.node, "difference": self.difference}


@dataclasses.dataclass(frozen=True)
class Sighting:
    """A record with its direction from the centre of a circle."""

    record: Record
    km: str | None = None       # with three decimals; None without a circle
    bearing: str | None = None  # three digits, in degrees

    @staticmethod
    def of(line: bytes) -> Sighting:
        """From an AT line, with or without `<km> <bearing> ` in front; ValueError for another line."""
        if line.startswith(b"AT "):
            return Sighting(Record.of(line))
        km, bearing, rest = line.split(b" ", 2)
        if not re.fullmatch(rb"\d+\.\d{3}", km) or not re.fullmatch(rb"[0-3]\d\d", bearing):
            raise ValueError("no distance and bearing")
        return Sighting(Record.of(rest), km.decode(), bearing.decode())

    @property
    def direction(self) -> str:
        """As degrees and compass point; empty without a circle."""
        return f"{self.bearing}° {compass(int(self.bearing))}" if self.bearing is not None else ""

    def as_json(self) -> dict[str, Any]:
        if self.km is None or self.bearing is None:
            return self.record.as_json()
        return self.record.as_json() | {"km": float(self.km), "bearing": int(self.bearing),
                                        "compass": compass(int(self.bearing))}


def compass(degrees: int) -> str:
    """The nearest of 16 points of the compass."""
    return COMPASS[int(degrees / 22.5 + 0.5) % len(COMPASS)]
