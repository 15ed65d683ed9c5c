"""What is done to the nodes of a trial and to the network between them: when, to whom and for how long follows from a
seed alone."""
import contextlib
import dataclasses
import os
import random
import resource
import signal

from . import network as net

KILL, FREEZE, BLACKOUT, DESCRIPTORS, CLOCK = "kill", "freeze", "blackout", "descriptors", "clock"
RESTORE, BACKUP = "restore", "backup"  # each restore comes after a backup of its own, of all running nodes
DOWN = (0.0, 1.2)        # seconds until a killed node is started again
SHORT = (0.05, 0.5)      # seconds of a freeze that nobody may notice ...
LONG = (1.0, 4.0)        # ... and of one in which links are lost
BROKEN = (0.5, 4.0)      # seconds of a fault of the network, and of a node that can open nothing
WRONG = (2.0, 6.0)       # seconds of a clock that is wrong, of which a node may overlook the first
MOST_WRONG = 86_400      # seconds that a clock is ahead or behind, at most
ONE_WAY, BOTH_WAYS = 0.4, 0.7  # of a fault of the network: a lane, a link, or all links of a node


@dataclasses.dataclass
class Fault:
    at: float      # seconds from the start
    kind: str
    order: list    # of names: the first that is up has it
    seconds: float
    lanes: list = dataclasses.field(default_factory=list)  # that break, for a fault of the network
    ahead: int = 0  # seconds, for a clock that is wrong
    backup: int = 0  # its number, for a backup and for the restore of it


def schedule(names, counts, seconds, seed, lanes=()):
    """So many faults of each kind as `counts` says, at random moments of `seconds`, in their order. `lanes`: of the
    network, where faults of it are wanted."""
    source = random.Random(seed)
    faults = []
    for kind, count in counts.items():
        for number in range(count):
            length = source.uniform(*_length(kind, source))
            fault = Fault(source.uniform(0, seconds), kind, source.sample(names, len(names)), length)
            if kind in net.FAULTS:
                fault.lanes = _draw_lanes(lanes, source)
            if kind == CLOCK:
                fault.ahead = source.randint(-MOST_WRONG, MOST_WRONG)
            if kind == RESTORE:
                fault.backup = number
                faults.append(Fault(source.uniform(0, fault.at), BACKUP, [], 0, backup=number))
            faults.append(fault)
    return sorted(faults, key=lambda fault: fault.at)


def _length(kind, source):
    if kind == FREEZE:
        return source.choice((SHORT, LONG))
    if kind == CLOCK:
        return WRONG
    return DOWN if kind in (KILL, BLACKOUT, RESTORE) else BROKEN


def _draw_lanes(lanes, source):
    lane = source.choice(lanes)
    way = source.random()
    if way < ONE_WAY:
        return [lane]
    if way < BOTH_WAYS:
        return [lane, lane[::-1]]
    return [other for other in lanes if lane[0] in other]


class Breaker:
    """Does to a herd what a schedule says, and undoes it when its time has come. Call step() often."""

    def __init__(self, herd, faults, wipe=False, network=None, clocks=None):
        self.herd = herd
        self.waiting = list(faults)
        self.wipe = wipe      # a killed node comes back with an empty state directory
        self.network = network
        self.clocks = clocks
        self.down = {}        # name: when it is started again
        self.frozen = {}      # name: when it goes on
        self.exhausted = {}   # name: when it may open files again
        self.wrong = {}       # name: when its clock is put right
        self.broken = {}      # lane: when it passes again
        self.done = dict.fromkeys((KILL, FREEZE, BLACKOUT, DESCRIPTORS, CLOCK, RESTORE, BACKUP, *net.FAULTS), 0)

    @property
    def is_done(self):
        return not (self.waiting or self.down or self.frozen or self.exhausted or self.wrong or self.broken)

    def step(self, elapsed):
        for name in _take_due(self.down, elapsed):
            self.herd[name].launch()
        for name in _take_due(self.frozen, elapsed):
            self.herd[name].signal(signal.SIGCONT)
        for name in _take_due(self.exhausted, elapsed):
            _limit_descriptors(self.herd[name], None)
        for name in _take_due(self.wrong, elapsed):
            self.clocks.set(name, 0)
        for lane in _take_due(self.broken, elapsed):
            self.network.set(lane, net.PASS)
        while self.waiting and elapsed >= self.waiting[0].at and self._break(self.waiting[0], elapsed):
            self.waiting.pop(0)

    def _break(self, fault, elapsed):
        if fault.kind in net.FAULTS:
            broken = self._break_lanes(fault, elapsed)
        elif fault.kind == CLOCK:
            broken = self._break_clock(fault, elapsed)
        elif fault.kind == BACKUP:
            broken = self._back_up(fault)
        else:
            broken = self._break_node(fault, elapsed)
        self.done[fault.kind] += 1 if broken else 0
        return broken

    def _break_lanes(self, fault, elapsed):
        lanes = [lane for lane in fault.lanes if lane not in self.broken]
        for lane in lanes:
            self.network.set(lane, fault.kind)
            self.broken[lane] = elapsed + fault.seconds
        return bool(lanes)

    def _break_clock(self, fault, elapsed):
        """Of any node, up or down: a killed one then starts at another time."""
        right = [name for name in fault.order if name not in self.wrong]
        for name in right[:1]:
            self.clocks.set(name, fault.ahead)
            self.wrong[name] = elapsed + fault.seconds
        return bool(right)

    def _break_node(self, fault, elapsed):
        up = [name for name in fault.order if name not in self.down and name not in self.frozen]
        # Of a restored node too the others must have given back what it lost before the next one loses anything.
        if not up or ((self.wipe or fault.kind == RESTORE) and not self._is_whole()):
            return False
        if fault.kind == RESTORE:
            up = [name for name in up if self.herd[name].backup(fault.backup).exists()]
            if not up:
                return True  # every node was down when the backup was taken
        if fault.kind == DESCRIPTORS:  # without any a node cannot start, and says so and ends
            up = [name for name in up if name not in self.exhausted and self.herd[name].get("/readyz")[0] == 200]
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
            alive = [name for name in fault.order if name not in self.down]  # the frozen as well
            for name in alive if fault.kind == BLACKOUT else up[:1]:
                self._kill(self.herd[name], until)
            if fault.kind == RESTORE:
                self.herd[up[0]].restore(fault.backup)
        return True

    def _back_up(self, fault):
        for node in self.herd.running:
            node.back_up(fault.backup)
        return True

    def _kill(self, node, until):
        node.kill()
        self.frozen.pop(node.name, None)
        self.exhausted.pop(node.name, None)
        if self.wipe:
            node.forget()
        self.down[node.name] = until

    def _is_whole(self):
        """What one node has lost for good the others must have given back before the next one loses it, too."""
        return not self.down and not self.frozen and all(node.get("/readyz")[0] == 200 for node in self.herd)


def _take_due(times, elapsed):
    due = [what for what, until in times.items() if elapsed >= until]
    for what in due:
        del times[what]
    return due


def _limit_descriptors(node, more):
    """The node may have only so many files and sockets more than it has; None: as many as ever."""
    with contextlib.suppress(OSError):  # it has just ended
        pid = node.process.pid
        hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
        most = hard if more is None else max(map(int, os.listdir(f"/proc/{pid}/fd"))) + 1 + more
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, hard))
