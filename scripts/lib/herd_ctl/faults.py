"""What is done to the nodes of a trial: when, to whom and for how long follows from a seed alone."""
import dataclasses
import random
import signal

KILL, FREEZE, BLACKOUT = "kill", "freeze", "blackout"
DOWN = (0.0, 1.2)       # seconds until a killed node is started again
SHORT = (0.05, 0.5)     # seconds of a freeze that nobody may notice ...
LONG = (1.0, 4.0)       # ... and of one in which links are lost


@dataclasses.dataclass
class Fault:
    at: float      # seconds from the start
    kind: str
    order: list    # of names: the first that is up has it
    seconds: float


def schedule(names, counts, seconds, seed):
    """So many faults of each kind as `counts` says, at random moments of `seconds`, in their order."""
    source = random.Random(seed)
    faults = []
    for kind, count in counts.items():
        for _ in range(count):
            length = source.uniform(*(source.choice((SHORT, LONG)) if kind == FREEZE else DOWN))
            faults.append(Fault(source.uniform(0, seconds), kind, source.sample(names, len(names)), length))
    return sorted(faults, key=lambda fault: fault.at)


class Breaker:
    """Does to a herd what a schedule says, and undoes it when its time has come. Call step() often."""

    def __init__(self, herd, faults, wipe=False):
        self.herd = herd
        self.waiting = list(faults)
        self.wipe = wipe  # a killed node comes back with an empty state directory
        self.down = {}    # name: when it is started again
        self.frozen = {}  # name: when it goes on
        self.done = {KILL: 0, FREEZE: 0, BLACKOUT: 0}

    @property
    def is_done(self):
        return not (self.waiting or self.down or self.frozen)

    def step(self, elapsed):
        for name in [name for name, until in self.down.items() if elapsed >= until]:
            del self.down[name]
            self.herd[name].launch()
        for name in [name for name, until in self.frozen.items() if elapsed >= until]:
            del self.frozen[name]
            self.herd[name].signal(signal.SIGCONT)
        while self.waiting and elapsed >= self.waiting[0].at and self._break(self.waiting[0], elapsed):
            self.waiting.pop(0)

    def _break(self, fault, elapsed):
        up = [name for name in fault.order if name not in self.down and name not in self.frozen]
        if not up or (self.wipe and not self._is_whole()):
            return False
        until = elapsed + fault.seconds
        if fault.kind == FREEZE:
            self.herd[up[0]].signal(signal.SIGSTOP)
            self.frozen[up[0]] = until
        else:
            alive = [name for name in fault.order if name not in self.down]  # the frozen as well
            for name in up[:1] if fault.kind == KILL else alive:
                self._kill(self.herd[name], until)
        self.done[fault.kind] += 1
        return True

    def _kill(self, node, until):
        node.kill()
        self.frozen.pop(node.name, None)
        if self.wipe:
            node.forget()
        self.down[node.name] = until

    def _is_whole(self):
        """What one node has lost for good the others must have given back before the next one loses it, too."""
        return not self.down and not self.frozen and all(node.get("/readyz")[0] == 200 for node in self.herd)
