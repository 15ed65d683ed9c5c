"""Faults of a trial: of its nodes and of the network between them. Their times, targets and durations follow from a
seed alone."""
from __future__ import annotations

import contextlib
import dataclasses
import random
import resource
import signal
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from . import hosts
from . import network as net
from .clocks import Clocks
from .private_herd import PrivateHerd, PrivateNode
from .processes import open_descriptors

KILL, FREEZE, BLACKOUT, DESCRIPTORS, CLOCK = "kill", "freeze", "blackout", "descriptors", "clock"
RESTORE, BACKUP = "restore", "backup"  # each restore comes after a backup of its own, of all running nodes
DOWN = (0.0, 1.2)        # seconds until a killed node is started again
SHORT = (0.05, 0.5)      # seconds of a freeze that may pass unnoticed ...
LONG = (1.0, 4.0)        # ... and of one in which links are lost
BROKEN = (0.5, 4.0)      # seconds of a fault of the network, and of a node without descriptors
WRONG = (2.0, 6.0)       # seconds of a wrong clock; the node may not see it in the first second
MOST_WRONG = 86_400      # seconds that a clock is fast or slow, at most
ONE_WAY, BOTH_WAYS = 0.4, 0.7  # shares of the network's faults: of one lane; up to here of one link; else of a node

NETWORK = {*net.FAULTS, *hosts.FAULTS}  # faults of lanes

Key = TypeVar("Key")


class Lanes(Protocol):
    """The directions of the links between the nodes: of proxies (network.py), or of hosts (hosts.py)."""

    def set(self, lane: net.LaneName, mode: str) -> None: ...


@dataclasses.dataclass
class Fault:
    at: float         # seconds from the start
    kind: str
    order: list[str]  # of nodes: the first one that is up gets the fault
    seconds: float
    lanes: list[net.LaneName] = dataclasses.field(default_factory=list)  # for a fault of the network
    ahead: int = 0    # seconds, for a wrong clock
    backup: int = 0   # its number, for a backup and for its restore


def schedule(names: Sequence[str], counts: Mapping[str, int], seconds: float, seed: int,
             lanes: Sequence[net.LaneName] = ()) -> list[Fault]:
    """Faults of each kind in the numbers of `counts`, at random times within `seconds`, sorted by time. `lanes` are
    those of the network; faults of the network need them."""
    source = random.Random(seed)
    faults = []
    for kind, count in counts.items():
        for number in range(count):
            length = source.uniform(*_length(kind, source))
            fault = Fault(source.uniform(0, seconds), kind, source.sample(names, len(names)), length)
            if kind in NETWORK:
                fault.lanes = _draw_lanes(lanes, source)
            if kind == CLOCK:
                fault.ahead = source.randint(-MOST_WRONG, MOST_WRONG)
            if kind == RESTORE:
                fault.backup = number
                faults.append(Fault(source.uniform(0, fault.at), BACKUP, [], 0, backup=number))
            faults.append(fault)
    return sorted(faults, key=lambda fault: fault.at)


def _length(kind: str, source: random.Random) -> tuple[float, float]:
    if kind == FREEZE:
        return source.choice((SHORT, LONG))
    if kind == CLOCK:
        return WRONG
    return DOWN if kind in (KILL, BLACKOUT, RESTORE) else BROKEN


def _draw_lanes(lanes: Sequence[net.LaneName], source: random.Random) -> list[net.LaneName]:
    lane = source.choice(lanes)
    way = source.random()
    if way < ONE_WAY:
        return [lane]
    if way < BOTH_WAYS:
        return [lane, (lane[1], lane[0])]
    return [other for other in lanes if lane[0] in other]


class Breaker:
    """Applies the faults of a schedule to a herd, and ends each in time. Call step() often.

    `wipe`: a killed node comes back with an empty state directory. `network` and `clocks` are needed for their faults.
    """

    def __init__(self, herd: PrivateHerd, faults: Sequence[Fault], wipe: bool = False,
                 network: Lanes | None = None, clocks: Clocks | None = None):
        self.herd = herd
        self.waiting = list(faults)
        self.wipe = wipe
        self.network = network
        self.clocks = clocks
        # The faults that last, with the time when each ends:
        self.down: dict[str, float] = {}       # a killed node starts again
        self.frozen: dict[str, float] = {}     # a node is continued
        self.exhausted: dict[str, float] = {}  # a node may open files again
        self.wrong: dict[str, float] = {}      # the clock of a node is set right
        self.broken: dict[net.LaneName, float] = {}
        self.done = dict.fromkeys((KILL, FREEZE, BLACKOUT, DESCRIPTORS, CLOCK, RESTORE, BACKUP, *NETWORK), 0)

    @property
    def is_done(self) -> bool:
        return not (self.waiting or self.down or self.frozen or self.exhausted or self.wrong or self.broken)

    def step(self, elapsed: float) -> None:
        """`elapsed`: seconds since the start of the schedule."""
        for name in _take_due(self.down, elapsed):
            self.herd[name].launch()
        for name in _take_due(self.frozen, elapsed):
            self.herd[name].signal(signal.SIGCONT)
        for name in _take_due(self.exhausted, elapsed):
            _limit_descriptors(self.herd[name], None)
        for name in _take_due(self.wrong, elapsed):
            self._set_clock(name, 0)
        for lane in _take_due(self.broken, elapsed):
            self._set_lane(lane, net.PASS)
        while self.waiting and elapsed >= self.waiting[0].at and self._break(self.waiting[0], elapsed):
            self.waiting.pop(0)

    def _set_clock(self, name: str, seconds: int) -> None:
        assert self.clocks is not None
        self.clocks.set(name, seconds)

    def _set_lane(self, lane: net.LaneName, mode: str) -> None:
        assert self.network is not None
        self.network.set(lane, mode)

    def _break(self, fault: Fault, elapsed: float) -> bool:
        """False if no target can have the fault now: it is tried again in the next step."""
        if fault.kind in NETWORK:
            broken = self._break_lanes(fault, elapsed)
        elif fault.kind == CLOCK:
            broken = self._break_clock(fault, elapsed)
        elif fault.kind == BACKUP:
            broken = self._back_up(fault)
        else:
            broken = self._break_node(fault, elapsed)
        self.done[fault.kind] += 1 if broken else 0
        return broken

    def _break_lanes(self, fault: Fault, elapsed: float) -> bool:
        lanes = [lane for lane in fault.lanes if lane not in self.broken]
        for lane in lanes:
            self._set_lane(lane, fault.kind)
            self.broken[lane] = elapsed + fault.seconds
        return bool(lanes)

    def _break_clock(self, fault: Fault, elapsed: float) -> bool:
        """Of any node, up or down: a node that is down then starts with the wrong time."""
        right = [name for name in fault.order if name not in self.wrong]
        for name in right[:1]:
            self._set_clock(name, fault.ahead)
            self.wrong[name] = elapsed + fault.seconds
        return bool(right)

    def _break_node(self, fault: Fault, elapsed: float) -> bool:
        up = [name for name in fault.order if name not in self.down and name not in self.frozen]
        # After a restore, too, the peers must have given back what the node lost before the next one loses anything.
        if not up or ((self.wipe or fault.kind == RESTORE) and not self._is_complete()):
            return False
        if fault.kind == RESTORE:
            up = [name for name in up if self.herd[name].backup(fault.backup).exists()]
            if not up:
                return True  # every node was down when the backup was made
        if fault.kind == DESCRIPTORS:  # a node that starts without descriptors reports that and ends
            up = [name for name in up if name not in self.exhausted and self.herd[name].is_ready()]
            if not up:
                return False
        until = elapsed + fault.seconds
        if fault.kind == FREEZE:
            self.herd[up[0]].signal(signal.SIGSTOP)
            self.frozen[up[0]] = until
        elif fault.kind == DESCRIPTORS:
            _limit_descriptors(self.herd[up[0]], 0)
            self.exhausted[up[0]] = until
        else:
            alive = [name for name in fault.order if name not in self.down]  # also those that are frozen
            for name in alive if fault.kind == BLACKOUT else up[:1]:
                self._kill(self.herd[name], until)
            if fault.kind == RESTORE:
                self.herd[up[0]].restore(fault.backup)
        return True

    def _back_up(self, fault: Fault) -> bool:
        for node in self.herd.running:
            node.back_up(fault.backup)
        return True

    def _kill(self, node: PrivateNode, until: float) -> None:
        node.kill()
        self.frozen.pop(node.name, None)
        self.exhausted.pop(node.name, None)
        if self.wipe:
            node.forget()
        self.down[node.name] = until

    def _is_complete(self) -> bool:
        """Whether the peers have given back all that a node lost with its disk."""
        return not self.down and not self.frozen and all(node.is_ready() for node in self.herd)


def _take_due(times: dict[Key, float], elapsed: float) -> list[Key]:
    due = [key for key, until in times.items() if elapsed >= until]
    for key in due:
        del times[key]
    return due


def _limit_descriptors(node: PrivateNode, more: int | None) -> None:
    """Lets the node open `more` files and sockets than it has now. None removes the limit."""
    with contextlib.suppress(OSError):  # the process has just ended
        pid = node.process.pid
        hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
        soft = hard if more is None else max(open_descriptors(pid)) + 1 + more
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
