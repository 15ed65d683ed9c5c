"""The way of one update through the herd, from the events of the monitors. Pure."""
from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from .monitors import Event, microseconds
from .show import safe, table


def number_of(time_text: str) -> tuple[int, int]:
    """A sort key of a client's time: whole seconds, then nanoseconds."""
    seconds, _, fraction = time_text.partition(".")
    return int(seconds), int(fraction[:9].ljust(9, "0") or 0)


@dataclasses.dataclass
class Visit:
    """Of the update at one node; times in microseconds since 1970 by that node's clock."""

    merged: int | None = None
    change: int | None = None  # its change number in the node's feed; None: the node is of an older release
    durable: int | None = None
    is_superseded: bool = False  # the node published a newer update of the client instead


class Trace:
    """Takes events until the update is durable at all nodes."""

    def __init__(self, client: str, nodes: Collection[str]):
        self.client = client
        self.visits = {node: Visit() for node in nodes}
        self.first: Event | None = None  # the first event of the update; it has its coordinates, time and origin

    def take(self, event: Event) -> None:
        visit = self.visits.get(event.node)
        if visit is None:
            return
        if event.name == "location" and event.fields.get("client") == self.client:
            self._take_location(event, visit)
        elif event.name == "durable" and visit.change is not None and visit.durable is None:
            if event.fields["change"] >= visit.change:
                visit.durable = microseconds(event)

    def _take_location(self, event: Event, visit: Visit) -> None:
        if self.first is None:
            self.first = event
        mine, its = (number_of(str(one.fields["time"])) for one in (self.first, event))
        if its == mine and visit.merged is None:
            visit.merged, visit.change = microseconds(event), event.fields.get("change")
        elif its > mine and visit.merged is None:
            visit.is_superseded = True

    @property
    def is_complete(self) -> bool:
        return self.first is not None and all(
            visit.is_superseded or visit.merged is not None and (visit.durable is not None or visit.change is None)
            for visit in self.visits.values())

    def result(self, offsets: Mapping[str, float]) -> dict[str, Any]:
        """As JSON; `offsets` of clocks.offsets(). Times of other nodes are corrected by them, and are relative to the
        merge at the origin; if the origin is not seen, to the first merge."""
        assert self.first is not None
        origin = str(self.first.fields["origin"])
        corrected = {node: visit.merged - 1e6 * offsets.get(node, 0.0)
                     for node, visit in self.visits.items() if visit.merged is not None}
        base_node = origin if origin in corrected else min(corrected, key=lambda node: corrected[node])
        base = corrected[base_node]

        def after(node: str, moment: int | None) -> float | None:
            return None if moment is None else round((moment - 1e6 * offsets.get(node, 0.0) - base) / 1000, 3)

        rows = [{"node": node, "merged_ms": after(node, visit.merged), "durable_ms": after(node, visit.durable),
                 "superseded": visit.is_superseded, "clock_ahead_ms": round(1000 * (
                     offsets.get(node, 0.0) - offsets.get(base_node, 0.0)), 3)}
                for node, visit in self.visits.items()]
        rows.sort(key=lambda row: (row["merged_ms"] is None, row["merged_ms"] or 0.0))
        at = self.visits[base_node].merged
        return {"client": safe(self.client), "coordinates": safe(str(self.first.fields["coordinates"])),
                "time": safe(str(self.first.fields["time"])), "origin": safe(origin), "base": base_node,
                "merged_at_us": at, "nodes": rows}


def as_text(result: dict[str, Any], clock: str) -> str:
    """One line, then a table. `clock` is the time of the merge at the base, as a text."""
    def shown(value: float | None, row: dict[str, Any]) -> str:
        if value is None:
            return "superseded" if row["superseded"] else "-"
        return f"{value:+.1f} ms"

    rows = result["nodes"]
    parts: list[str] = []
    for row in rows:
        if row["node"] == result["base"]:
            durable = f", durable {row['durable_ms']:+.1f} ms" if row["durable_ms"] is not None else ""
            parts.insert(0, f"reported to {row['node']} {clock}{durable}")
        elif row["merged_ms"] is not None:
            parts.append(f"{row['node']} {row['merged_ms']:+.1f} ms")
    lines = [f"{result['client']} {result['coordinates']}: " + ", ".join(parts),
             table(["NODE", "MERGED", "DURABLE", "CLOCK AHEAD"],
                   [[row["node"], shown(row["merged_ms"], row), shown(row["durable_ms"], row),
                     f"{row['clock_ahead_ms']:+.1f} ms"] for row in rows], right=("MERGED", "DURABLE", "CLOCK AHEAD"))]
    return "\n".join(lines)
