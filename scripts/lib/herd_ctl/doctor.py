"""doctor: says in plain words what is wrong with the herd, and what to do."""
from __future__ import annotations

import json
from typing import Any

from . import doctor_facts
from .daemon import Daemon
from .doctor_facts import HerdFacts
from .doctor_rules import RULES, judge
from .finding import Finding
from .herd import Herd
from .show import safe

WELL, WARNINGS, FAULTS = 0, 1, 2  # the exit status


def status_of(findings: list[Finding]) -> int:
    if any(one.is_fault for one in findings):
        return FAULTS
    return WARNINGS if findings else WELL


def doctor(herd: Herd, daemon: Daemon, as_json: bool) -> int:
    return show(doctor_facts.gather(herd, daemon), as_json)


def show(facts: HerdFacts, as_json: bool) -> int:
    """Prints the findings; returns the exit status."""
    findings = judge(facts)
    status = status_of(findings)
    if as_json:
        print(json.dumps({"herd": facts.herd, "status": ("well", "warnings", "faults")[status],
                          "rules": list(RULES), "findings": [_as_json(one) for one in findings]}, indent=2))
        return status
    for one in findings:
        print(f"{'FAULT' if one.is_fault else 'WARNING'}: {safe(one.text)}")
        for line in one.evidence:
            print(f"  seen: {safe(line)}")
        print(f"  do: {safe(one.remedy)}")
    print(_summary(facts, findings))
    return status


def _as_json(one: Finding) -> dict[str, Any]:
    return {"severity": "fault" if one.is_fault else "warning", "rule": one.rule, "text": one.text,
            "remedy": one.remedy, "evidence": list(one.evidence)}


def _summary(facts: HerdFacts, findings: list[Finding]) -> str:
    examined = f"{len(facts.running)} of {len(facts.nodes)} nodes examined"
    if not findings:
        return f"The herd {safe(facts.herd)} is well: {examined}, {len(RULES)} rules"
    faults = sum(one.is_fault for one in findings)
    return f"{_count(faults, 'fault')}, {_count(len(findings) - faults, 'warning')}: {examined}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
