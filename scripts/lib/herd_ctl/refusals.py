"""Peers that a node refuses, by the lines of its log."""
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .doctor_facts import LogLine

REPEATED_SECONDS = 660.0  # a node repeats the line of a refusal that goes on within ten minutes
REFUSAL = re.compile(r'peer=(\S+) reason="?(.*?)"? suppressed=')


def refusals(node: str, links: Mapping[str, Any], log: Iterable[LogLine]) -> list[str]:
    """A sentence for each peer that the node refuses now. `links`: as in its status. The reason is the node's own, and
    says what to do."""
    latest = {match[1]: match[2] for line in log if line.event == "peer_refused"
              and line.age_s < REPEATED_SECONDS and (match := REFUSAL.search(line.rest))}
    return [f"{node} refuses {peer}: {reason}" for peer, reason in latest.items()
            if peer != "?" and links.get(peer, {}).get("state") != "up"]
