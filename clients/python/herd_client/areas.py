"""What can be counted and watched: clients inside a circle or a box, named ones, or all."""
from __future__ import annotations

import dataclasses

from . import texts
from .texts import Centre, Point


@dataclasses.dataclass(frozen=True)
class Near:
    """Clients inside a circle of `km` kilometres round a point or a client."""

    centre: Centre
    km: float

    @property
    def text(self) -> str:
        return f"NEAR {texts.centre(self.centre)} {texts.kilometres(self.km)}"


@dataclasses.dataclass(frozen=True)
class Within:
    """Clients inside a box. A west that is greater than the east crosses the 180th meridian."""

    south_west: Point
    north_east: Point

    @property
    def text(self) -> str:
        return f"WITHIN {texts.coordinates(self.south_west)} {texts.coordinates(self.north_east)}"


@dataclasses.dataclass(frozen=True)
class Client:
    """One client, or with `*` at the end all with ids that begin so. Only for watches."""

    name: str

    @property
    def text(self) -> str:
        return f"CLIENT {texts.client(self.name)}"


@dataclasses.dataclass(frozen=True)
class All:
    """Every client. Only for watches."""

    @property
    def text(self) -> str:
        return "ALL"


Countable = Near | Within
Watchable = Near | Within | Client | All
