"""The order in which the events of a batch must be written to tables, with as few statements as
possible."""
from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from herd_client import ABSENT, PRESENT, Cursor, Event, Kind, Record


@dataclasses.dataclass
class Begin:
    """The watch begins anew: clients that its snapshot does not name are gone."""


@dataclasses.dataclass
class Ready:
    """The snapshot, or what had changed before the watch was resumed, is complete."""

    cursor: Cursor | None


@dataclasses.dataclass
class Reports:
    """In the order of the events."""

    records: list[Record]


@dataclasses.dataclass
class Removals:
    """Clients that are not there any more, all for one reason."""

    event: str  # "reset", or "gone"
    clients: list[str]


Step = Begin | Ready | Reports | Removals


def steps_of(events: Sequence[Event]) -> list[Step]:
    """Events of one kind that follow each other are one step."""
    steps: list[Step] = []
    for event in events:
        last = steps[-1] if steps else None
        if event.kind is Kind.NEW:
            steps.append(Begin())
        elif event.kind is Kind.READY:
            steps.append(Ready(event.cursor))
        elif event.kind in PRESENT and event.record:
            if isinstance(last, Reports):
                last.records.append(event.record)
            else:
                steps.append(Reports([event.record]))
        elif event.kind in ABSENT:
            reason = "reset" if event.kind is Kind.GONE else "gone"
            if isinstance(last, Removals) and last.event == reason:
                last.clients.append(event.client)
            else:
                steps.append(Removals(reason, [event.client]))
    return steps
