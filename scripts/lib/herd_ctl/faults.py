"""What is done to the nodes of a trial: when, to whom and for how long follows from a seed alone."""
import dataclasses
import random
import signal

KILL, FREEZE = "kill", "freeze"
DOWN = (0.0, 1.2)       # seconds until a killed node is started again
SHORT = (0.05, 0.5)     # seconds of a freeze that nobody may notice ...
LONG = (1.0, 4.0)       # ... and of one in which links are lost


@dataclasses.dataclass
class Fault:
    at: float      # seconds from the start
    kind: str
    order: list    # of names: the first that is up has it
    seconds: float


def schedule(names, kills, freezes, seconds, seed):
    """Faults at random moments of `seconds`, in their order."""
    source = random.Random(seed)
    faults = []
    for kind, count in ((KILL, kills), (FREEZE, freezes)):
        for _ in range(count):
            length = source.uniform(*(DOWN if kind == KILL else source.choice((SHORT, LONG))))
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
        self.kills = 0
        self.freezes = 0

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
        node = self.herd[up[0]]
        if fault.kind == KILL:
            node.kill()
            if self.wipe:
                node.forget()
            self.down[node.name] = elapsed + fault.seconds
            self.kills += 1
        else:
            node.signal(signal.SIGSTOP)
            self.frozen[node.name] = elapsed + fault.seconds
            self.freezes += 1
        return True

    def _is_whole(self):
        """What one node has lost for good the others must have given back before the next one loses it, too."""
        return not self.down and not self.frozen and all(node.get("/readyz")[0] == 200 for node in self.herd)
