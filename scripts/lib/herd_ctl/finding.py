"""What doctor finds: one sentence, what to do, and the evidence."""
from __future__ import annotations

import dataclasses
from collections.abc import Iterable


@dataclasses.dataclass(frozen=True)
class Finding:
    is_fault: bool
    text: str    # what is wrong
    remedy: str  # what to do
    evidence: tuple[str, ...] = ()
    rule: str = ""  # that found it


def fault(text: str, remedy: str, evidence: Iterable[str] = ()) -> Finding:
    """Something that clients notice, or that will lose updates."""
    return Finding(True, text, remedy, tuple(evidence))


def warning(text: str, remedy: str, evidence: Iterable[str] = ()) -> Finding:
    """Something to look at before it becomes a fault."""
    return Finding(False, text, remedy, tuple(evidence))
