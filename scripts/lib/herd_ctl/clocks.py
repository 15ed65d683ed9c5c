"""How far the clocks of nodes are apart, from the skews that the nodes measure along their links. Pure."""
from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any


def offsets(statuses: Mapping[str, dict[str, Any]], same_clock: Collection[str] = ()) -> dict[str, float]:
    """{node: seconds by which its clock is ahead of that of the first node of its part}, along links that are up.
    `statuses` has /status.json by node. Nodes of `same_clock` are on one host: between them a measured skew is only the
    error of the measurement."""
    skews = {(node, peer): 0.0 if node in same_clock and peer in same_clock else link["skew_us"] / 1e6
             for node, status in statuses.items() for peer, link in status["links"].items() if link["state"] == "up"}
    found: dict[str, float] = {}
    for first in statuses:
        waiting = [first] if first not in found else []
        found.setdefault(first, 0.0)
        while waiting:
            here = waiting.pop()
            for (one, other), skew in skews.items():
                for near, far, change in ((one, other, skew), (other, one, -skew)):
                    if near == here and far not in found:
                        found[far] = found[here] + change
                        waiting.append(far)
    return found
