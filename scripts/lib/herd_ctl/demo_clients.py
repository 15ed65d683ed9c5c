"""The clients of demo: each moves along a closed path through a city. Pure: where a client is follows from the seed,
its number and the time since the start."""
from __future__ import annotations

import dataclasses
import functools
import math
import random

EARTH_KM = 6371.0088
CORNERS = 8           # of a path
REACH_KM = 6.0        # of a path from the centre of its city
# Name, speed in metres per second, and how many of ten clients move so.
KINDS = (("walker", 1.4, 3), ("bicycle", 5.0, 2), ("car", 13.0, 4), ("train", 25.0, 1))

# Name, latitude and longitude in degrees; rounded to about a kilometre.
CITIES = (
    ("accra", 5.56, -0.20), ("amsterdam", 52.37, 4.90), ("athens", 37.98, 23.73), ("auckland", -36.85, 174.76),
    ("bangkok", 13.75, 100.50), ("beijing", 39.90, 116.40), ("berlin", 52.52, 13.40), ("bogota", 4.71, -74.07),
    ("brussels", 50.85, 4.35), ("buenos-aires", -34.60, -58.38), ("cairo", 30.04, 31.24),
    ("cape-town", -33.93, 18.46), ("chicago", 41.88, -87.65), ("copenhagen", 55.68, 12.55), ("delhi", 28.64, 77.22),
    ("dublin", 53.35, -6.26), ("hanoi", 21.03, 105.85), ("helsinki", 60.19, 24.94), ("istanbul", 41.03, 28.95),
    ("jakarta", -6.21, 106.85), ("johannesburg", -26.20, 28.05), ("lagos", 6.52, 3.38), ("lima", -12.06, -77.03),
    ("lisbon", 38.73, -9.14), ("london", 51.51, -0.13), ("los-angeles", 34.05, -118.24), ("madrid", 40.42, -3.70),
    ("manila", 14.60, 121.00), ("melbourne", -37.80, 144.96), ("mexico-city", 19.43, -99.13),
    ("montreal", 45.51, -73.57), ("mumbai", 19.08, 72.88), ("nairobi", -1.29, 36.82), ("new-york", 40.73, -73.99),
    ("oslo", 59.92, 10.75), ("paris", 48.86, 2.35), ("prague", 50.08, 14.43), ("rome", 41.90, 12.50),
    ("san-francisco", 37.76, -122.44), ("santiago", -33.45, -70.66), ("sao-paulo", -23.55, -46.64),
    ("seoul", 37.56, 126.99), ("singapore", 1.32, 103.85), ("stockholm", 59.33, 18.06), ("sydney", -33.88, 151.18),
    ("tokyo", 35.69, 139.73), ("toronto", 43.67, -79.39), ("vienna", 48.21, 16.37), ("warsaw", 52.23, 21.01),
    ("zurich", 47.38, 8.53))


@dataclasses.dataclass(frozen=True)
class Traveller:
    """A client of the demo. `corners` are kilometres to the north and east of the city's centre."""

    client: str
    latitude: float
    longitude: float
    speed: float  # km/s
    offset: float  # km along the path at the start
    corners: tuple[tuple[float, float], ...]

    @staticmethod
    def of(seed: int, number: int) -> Traveller:
        name, latitude, longitude = CITIES[number % len(CITIES)]
        chance = random.Random(f"{seed} {number}")
        kind, speed, _ = chance.choices(KINDS, [weight for _, _, weight in KINDS])[0]
        corners = tuple((REACH_KM * chance.uniform(-1, 1), REACH_KM * chance.uniform(-1, 1)) for _ in range(CORNERS))
        return Traveller(f"demo-{name}-{kind}-{number}", latitude, longitude,
                         speed / 1000 * chance.uniform(0.7, 1.3), chance.uniform(0, 50), corners)

    @functools.cached_property
    def lengths(self) -> tuple[float, ...]:
        """Kilometres from each corner to the next."""
        return tuple(math.dist(here, self.corners[(number + 1) % CORNERS]) for number, here in enumerate(self.corners))

    def position(self, seconds: float) -> tuple[float, float]:
        """Latitude and longitude in degrees, so long after the start."""
        left = (self.offset + self.speed * seconds) % sum(self.lengths)
        corner = 0
        while left > self.lengths[corner] and corner < CORNERS - 1:
            left -= self.lengths[corner]
            corner += 1
        begin, end = self.corners[corner], self.corners[(corner + 1) % CORNERS]
        part = min(1.0, left / self.lengths[corner]) if self.lengths[corner] else 0.0
        north, east = (from_ + (to - from_) * part for from_, to in zip(begin, end))
        latitude = self.latitude + math.degrees(north / EARTH_KM)
        return latitude, self.longitude + math.degrees(east / EARTH_KM / math.cos(math.radians(self.latitude)))

    def coordinates(self, seconds: float) -> str:
        """As ISO 6709, with about a decimetre of resolution."""
        latitude, longitude = self.position(seconds)
        return f"{latitude:+.6f}{longitude:+.6f}"
