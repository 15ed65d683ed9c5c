"""prove --table: a trial for each kind of fault, and a table of their outcomes."""
from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from herd_ctl.graphs import Graph, ring
from herd_ctl.show import table

from . import network as net
from .faults import CLOCK, DESCRIPTORS
from .plan import POPULATION, make_plan
from .prove import Trial

SECONDS = 15
TIMES = 6  # of each fault
# A load that leaves processor time for a proxy in each direction of each link.
LOAD: dict[str, Any] = {"connections": 8, "depth": 8, "population": POPULATION}
ROWS: dict[str, dict[str, Any]] = {
    "none": {},
    "SIGKILL": {"kills": TIMES},
    "storm of restarts": {"kills": 60},
    "all nodes killed at once": {"blackouts": 3},
    "an older journal put back": {"restores": TIMES, "replicas": 1},
    "frozen": {"freezes": TIMES},
    "no descriptors left": {"more": {DESCRIPTORS: TIMES}},
    "a clock up to a day wrong": {"more": {CLOCK: TIMES}},
    "cut": {"more": {net.CUT: TIMES}},
    "silent": {"more": {net.SILENT: TIMES}},
    "half-open": {"more": {net.HALF_OPEN: TIMES}},
    "delay of 200 ms": {"more": {net.DELAY: TIMES}},
    "trickle of bytes": {"more": {net.TRICKLE: TIMES}},
    "bits turned over": {"more": {net.CORRUPT: TIMES}},
    "reset in a message": {"more": {net.RESET: TIMES}},
    "all of these, mixed": {"chaos": True},
}
RING = 16


def rows(graph: Graph) -> Iterator[tuple[str, Graph, dict[str, Any]]]:
    """(title, graph, plan without seed and seconds)"""
    yield from ((title, graph, row) for title, row in ROWS.items())
    yield f"mixed, {RING} nodes on a ring", ring(RING), {"chaos": True}


def prove_table(binary: Path, graph: Graph, given: Any) -> int:
    """Prints the table; returns 0 if every row is good."""
    cells, problems = [], []
    for title, nodes, row in rows(graph):
        usual = {"kills": None if row.get("chaos") else 0, "freezes": None if row.get("chaos") else 0,
                 "replicas": given.replicas}
        plan = make_plan(**(usual | LOAD | row), seconds=given.seconds or SECONDS, seed=given.seed, ack=given.ack)
        print(f"{title}: {plan.line()}", file=sys.stderr, flush=True)
        outcome = Trial.prepare(binary, nodes, plan).run()
        problems += [f"{title}: {problem}" for problem in outcome.problems]
        done = outcome.kills + outcome.freezes + outcome.blackouts + outcome.restores + sum(outcome.more.values())
        cells.append([title, done, f"{outcome.acknowledged:,}", "-" if outcome.lost is None else outcome.lost,
                      "never" if outcome.converged_s is None else f"{outcome.converged_s:.1f} s",
                      "-" if outcome.p99_ms is None else f"{outcome.p99_ms:.0f} ms", f"+{outcome.growth_mib:.1f} MiB"])
    print(table(["FAULT", "TIMES", "ACKNOWLEDGED", "LOST", "CONVERGED", "P99", "MEMORY"], cells,
                right=("TIMES", "ACKNOWLEDGED", "LOST", "CONVERGED", "P99", "MEMORY")))
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0
