"""The clients inside an area, kept up to date by a watch."""
from __future__ import annotations

from .events import ABSENT, PRESENT, Event, Kind
from .records import Record


class Members(dict[str, Record | None]):
    """{client: newest report}. Right after each READY, and after each event that follows it."""

    def apply(self, event: Event) -> None:
        if event.kind is Kind.NEW:
            self.clear()
        elif event.kind in PRESENT:
            self[event.client] = event.record
        elif event.kind in ABSENT:
            self.pop(event.client, None)
