"""The plan of a trial and its outcome: what `prove` is to do, and what it found."""
from __future__ import annotations

import dataclasses
import json
import random
from typing import Any

from . import hosts as of_hosts
from . import network as net
from .clocks import PACKAGE, faketime
from .faults import BLACKOUT, CLOCK, DESCRIPTORS, FREEZE, KILL, RESTORE

SECONDS = 60
KILL_EVERY, FREEZE_EVERY = 1.6, 5.5  # seconds, if the plan gives no number of faults
CHAOS_EVERY = 10.0   # seconds between two faults of one kind, in mixed chaos
CHAOS = (KILL, FREEZE, DESCRIPTORS, CLOCK, *net.FAULTS)
HOSTS_CHAOS = (KILL, FREEZE, *of_hosts.FAULTS)
POPULATION = 200     # clients of a connection in chaos: without a bound, their memory would hide a leak


@dataclasses.dataclass
class Plan:
    """A trial: its load and its faults. make_plan() fills in what is not given."""

    ack: str
    replicas: int
    seconds: float
    kills: int
    freezes: int
    blackouts: int
    restores: int          # of an older journal, to a killed node
    seed: int
    wipe: bool             # killed nodes come back with an empty disk
    connections: int
    clients: int           # active ones of each connection
    depth: int             # reports in flight on each connection
    hosts: bool            # each node is on a host of its own (hosts.py); chaos of hosts
    chaos: bool            # every kind of fault, also of the network, each every CHAOS_EVERY seconds
    more: dict[str, int]   # numbers of the faults of other kinds: of the network, descriptors, clocks
    population: int | None
    clocks_stay: bool      # wrong clocks are part of the trial, but libfaketime is not installed

    @property
    def counts(self) -> dict[str, int]:
        return {KILL: self.kills, FREEZE: self.freezes, BLACKOUT: self.blackouts, RESTORE: self.restores, **self.more}

    def line(self) -> str:
        kills = f"{self.kills} kills{' with an empty disk' if self.wipe else ''}"
        more = f", {self.blackouts} blackouts" if self.blackouts else ""
        more += f", {self.restores} restored backups" if self.restores else ""
        more += "".join(f", {count} {kind}" for kind, count in self.more.items())
        if self.clocks_stay:
            more += f", no wrong clocks (they need the package {PACKAGE})"
        return (f"ack = {self.ack}, replicas = {self.replicas}: {kills}, {self.freezes} freezes{more} in"
                f" {self.seconds:.0f} s, seed {self.seed}{', each node on a host of its own' if self.hosts else ''}")


def make_plan(*, ack: str = "write", replicas: int = 0, seconds: float | None = None, kills: int | None = None,
              freezes: int | None = None, blackouts: int = 0, restores: int = 0, seed: int | None = None,
              wipe: bool = False, connections: int = 50, clients: int = 20, depth: int = 16, hosts: bool = False,
              chaos: bool = False, more: dict[str, int] | None = None, population: int | None = None) -> Plan:
    """The arguments are those of a Plan. Without a seed it is random; numbers of faults that are not given follow from
    the duration, and the duration from them."""
    if seconds is None:
        wanted = max((kills or 0) * KILL_EVERY, (freezes or 0) * FREEZE_EVERY)
        seconds = SECONDS if chaos or hosts else wanted or SECONDS
    more = dict(more or {})
    if chaos or hosts:
        more = dict.fromkeys(HOSTS_CHAOS if hosts else CHAOS, max(1, round(seconds / CHAOS_EVERY)))
        chaos_kills, chaos_freezes = more.pop(KILL), more.pop(FREEZE)
        kills = chaos_kills if kills is None and ack != "memory" else kills
        freezes = chaos_freezes if freezes is None else freezes
        population = POPULATION
    clocks_stay = bool(more.get(CLOCK)) and faketime() is None
    if clocks_stay:
        del more[CLOCK]
    if kills is None:
        # With "memory" a kill may lose updates that were just acknowledged: that is the meaning of "memory".
        kills = 0 if ack == "memory" else round(seconds / KILL_EVERY)
    if freezes is None:
        freezes = round(seconds / FREEZE_EVERY)
    if seed is None:
        seed = random.SystemRandom().randrange(10**6)
    return Plan(ack=ack, replicas=replicas, seconds=seconds, kills=kills, freezes=freezes, blackouts=blackouts,
                restores=restores, seed=seed, wipe=wipe, connections=connections, clients=clients, depth=depth,
                hosts=hosts, chaos=chaos, more=more, population=population, clocks_stay=clocks_stay)


@dataclasses.dataclass
class Outcome:
    plan: Plan
    clients: int = 0
    acknowledged: int = 0
    kills: int = 0
    freezes: int = 0
    blackouts: int = 0  # all nodes at once
    restores: int = 0   # of an older journal
    renewed: int = 0    # feeds, after a restore
    more: dict[str, int] = dataclasses.field(default_factory=dict)  # faults of each other kind
    p99_ms: float | None = None  # that a well-behaved client waits for a reply, tries at other nodes included
    growth_mib: float = 0        # of the memory of the node that grew most
    peak_mib: float = 0
    peak_descriptors: int = 0
    broken_connections: int = 0
    wrong_replies: int = 0
    compared: int = 0  # reconciliations begun, by the nodes' last runs
    healed: int = 0    # records that reconciliation repaired although the links had sent everything
    lost: int | None = None  # None: a node ended by itself, so there was nothing to compare
    converged_s: float | None = None  # since the last killed node was started, or the last frozen one continued
    problems: list[str] = dataclasses.field(default_factory=list)  # sentences, the first of each kind
    kept_in: str | None = None  # the directory of logs and journals, if there was a problem

    @property
    def is_good(self) -> bool:
        return not self.problems and self.lost == 0 and self.wrong_replies == 0 and self.converged_s is not None

    def line(self) -> str:
        words = [f"{self.acknowledged:,} acknowledged", f"{self.kills} kills", f"{self.freezes} freezes"]
        if self.plan.blackouts:
            words.append(f"{self.blackouts} blackouts")
        if self.plan.restores:
            words.append(f"{self.restores} restored backups, {self.renewed} feeds renewed")
        words += [f"{count} {kind}" for kind, count in self.more.items()]
        if self.wrong_replies:
            words.append(f"{self.wrong_replies} wrong replies")
        converged = "NOT converged" if self.converged_s is None else f"converged {self.converged_s:.1f} s"
        lost = "a node died by itself" if self.lost is None else f"{self.lost} lost"
        text = f"{', '.join(words)}, {lost}; {converged} after the last fault"
        if self.compared:
            text += f"; {self.compared} comparisons of stores, {self.healed} records healed"
        if self.more:
            text += (f"; p99 {self.p99_ms} ms; memory +{self.growth_mib} MiB to {self.peak_mib} MiB,"
                     f" {self.peak_descriptors} descriptors at most")
        return text

    def as_json(self) -> str:
        result: dict[str, Any] = dataclasses.asdict(self) | {"good": self.is_good}
        del result["plan"]["clocks_stay"]
        return json.dumps(result)
