"""Events on their way to a target, within bounds."""
from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from herd_client import PRESENT, Event, Kind

from .trouble import Trouble

_EVENT_BYTES = 150  # of an event without its texts, about; as JSON


@dataclasses.dataclass(frozen=True)
class Bounds:
    """When a batch is written. It may exceed `size` by 500 events, of less than 1 KiB each."""

    rows: int = 5000
    size: int = 1 << 20  # bytes, about
    seconds: float = 0.2  # after its first event


class Batch:
    """The events since the last write, in their order."""

    def __init__(self, bounds: Bounds):
        self._bounds = bounds
        self._size = 0
        self.events: list[Event] = []

    @property
    def room(self) -> int:
        """How many events may be added now; 0 if it must be written."""
        return 0 if self._size >= self._bounds.size else self._bounds.rows - len(self.events)

    def add(self, event: Event) -> None:
        """Trouble for an event without its record: a sink needs positions."""
        if event.record is None and event.kind in PRESENT:
            raise Trouble(
                "the token has level=events, so nodes send no positions: use a token with"
                " level=latest or level=all"
            )
        self.events.append(event)
        record = event.record
        self._size += _EVENT_BYTES + len(event.client)
        self._size += len(record.coordinates) + len(record.node) if record else 0


def last_address(events: Sequence[Event]) -> str | None:
    """The node that the last of the events came from; None if it has not changed."""
    begun = [event.text for event in events if event.kind in (Kind.NEW, Kind.RESUMED)]
    return begun[-1] if begun else None


# What gives no row: the centre is no member, and a tick changes nothing.
WITHOUT_ROW = frozenset({Kind.CENTRE, Kind.TICK})
