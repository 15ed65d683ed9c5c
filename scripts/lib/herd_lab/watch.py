"""What a trial looks at while it breaks things: how long a client that behaves is kept waiting, and what the nodes take
of memory and descriptors."""
import ctypes
import dataclasses
import multiprocessing
import os
import signal
import socket
import statistics
import time

from .private_herd import PR_SET_PDEATHSIG

PAUSE = 0.01             # seconds between two questions of the bystander
PATIENCE = 1.0           # seconds after which it asks another node
SAMPLE_EVERY = 0.5       # seconds
PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 1 << 20
# What counts as flat: the median of the last quarter of a trial, compared with that of the second one. Not the peak: a node
# that has just been started takes 20 MiB more for a moment, while it reads the places.
ROOM_BYTES, ROOM_SHARE, ROOM_DESCRIPTORS = 8 * MIB, 0.10, 16
FLAT_FROM = 120          # seconds: of a shorter trial the quarters say nothing


class Bystander:
    """A client that tells where it is and waits for the answer, over and over, in a process of its own. A node that is
    silent or gone it leaves for the next one; the time until somebody has answered is what it has waited."""

    def __init__(self, ports):
        context = multiprocessing.get_context("fork")
        self._waits, theirs = context.Pipe(duplex=False)
        self._stop = context.Event()
        self._answers = context.Value("Q", 0)
        self._process = context.Process(target=_ask, args=(ports, theirs, self._stop, self._answers), daemon=True)
        self._process.start()
        theirs.close()

    def answers(self):
        """How many it has got."""
        return self._answers.value

    def waits(self):
        """Ends it: seconds, of each question."""
        self._stop.set()
        waits = self._waits.recv() if self._waits.poll(PATIENCE * 20) else []
        self.end()
        return waits

    def end(self):
        if self._process.is_alive():
            self._process.kill()
        self._process.join()


def _ask(ports, outcome, stop, answers):
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    waits, number, at, connection = [], 0, 0, None
    while not stop.wait(PAUSE):
        number += 1
        begun = time.monotonic()
        line = b"IAMAT bystander +1+1 %d\n" % number
        while not stop.is_set():
            try:
                if connection is None:
                    connection = socket.create_connection(("127.0.0.1", ports[at % len(ports)]), PATIENCE)
                connection.sendall(line)
                if connection.recv(1000):
                    waits.append(time.monotonic() - begun)
                    answers.value = len(waits)
                    break
            except OSError:
                pass
            if connection is not None:
                connection.close()
            connection, at = None, at + 1
            stop.wait(PAUSE)
    outcome.send(waits)


def p99_ms(waits):
    """None of too few."""
    return round(statistics.quantiles(waits, n=100)[98] * 1000, 1) if len(waits) >= 2 else None


@dataclasses.dataclass
class Sample:
    at: float
    memory: int
    descriptors: int


class Usage:
    """Memory in RAM and descriptors of each node, sampled. Call sample() often."""

    def __init__(self, herd):
        self.herd = herd
        self.samples = {node.name: [] for node in herd}
        self.next = 0.0

    def sample(self, elapsed):
        if elapsed < self.next:
            return
        self.next = elapsed + SAMPLE_EVERY
        for node in self.herd.running:
            try:
                with open(f"/proc/{node.process.pid}/statm", encoding="ascii") as statm:
                    memory = int(statm.read().split()[1]) * PAGE
                count = len(os.listdir(f"/proc/{node.process.pid}/fd"))
            except (OSError, IndexError):
                continue  # it has just ended
            self.samples[node.name].append(Sample(elapsed, memory, count))

    def growth_mib(self):
        """Of the node that grew most: from its first sample to its peak."""
        grown = [max(sample.memory for sample in samples) - samples[0].memory
                 for samples in self.samples.values() if samples]
        return round(max(grown, default=0) / MIB, 1)

    def peaks(self):
        """(MiB, descriptors) at most, of any node."""
        every = [sample for samples in self.samples.values() for sample in samples]
        return (round(max((sample.memory for sample in every), default=0) / MIB, 1),
                max((sample.descriptors for sample in every), default=0))

    def not_flat(self, seconds):
        """A sentence for each node that needs more and more."""
        if seconds < FLAT_FROM:
            return []
        problems = []
        for name, samples in self.samples.items():
            second = [sample for sample in samples if seconds / 4 <= sample.at < seconds / 2]
            last = [sample for sample in samples if seconds * 3 / 4 <= sample.at < seconds]
            if not second or not last:
                continue
            for what, room in (("memory", lambda most: max(ROOM_BYTES, most * ROOM_SHARE)),
                               ("descriptors", lambda most: ROOM_DESCRIPTORS)):
                before, after = (statistics.median(getattr(sample, what) for sample in part) for part in (second, last))
                if after > before + room(before):
                    problems.append(f"{name} takes more and more {what}: {before:.0f} in the second quarter of the"
                                    f" time, {after:.0f} in the last (medians)")
        return problems
