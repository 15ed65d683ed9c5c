"""Counts the changes of a feed that were conflated: replaced before the sink read them."""
from __future__ import annotations

from herd_client import ABSENT, PRESENT, Cursor, Event, Kind


class Tally:
    """Follows the events of one watch. Each change of a feed has the next number, and of a watch of
    all clients each change that is not conflated is one event."""

    def __init__(self, cursor: Cursor | None, conflated: int | None):
        """`conflated` so far; None if it cannot be counted, because other changes are left out
        too."""
        self.cursor = cursor
        self.conflated = conflated
        self._is_snapshot = cursor is None
        self._read = 0  # events since `cursor`: those of a resumed watch bear no number

    def take(self, event: Event) -> None:
        if event.kind is Kind.NEW:
            self.cursor, self._is_snapshot, self._read = None, True, 0
            return
        if event.kind is Kind.RESUMED:
            self._read = 0  # what comes now had come before, if the former attempt was lost
            return
        if event.kind in PRESENT or event.kind in ABSENT:
            self._read += 1
        if event.cursor is None or (self.cursor and event.cursor.number <= self.cursor.number):
            return
        if self.cursor and not self._is_snapshot and self.conflated is not None:
            missed = event.cursor.number - self.cursor.number - self._read
            self.conflated += max(0, missed)
        self.cursor, self._is_snapshot, self._read = event.cursor, False, 0
