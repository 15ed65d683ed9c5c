"""Figures of a trial: how long a well-behaved client waits for replies, and how much memory and how many descriptors
the nodes use."""
from __future__ import annotations

import dataclasses
import multiprocessing
import socket
import statistics
import time
from collections.abc import Iterable, Sequence
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkProcess
from multiprocessing.synchronize import Event
from typing import Any

from .endpoint import Endpoint
from .private_herd import PrivateHerd
from .processes import become_helper, open_descriptors, resident_bytes

PAUSE = 0.01             # seconds between a reply to the bystander and its next report
PATIENCE = 1.0           # seconds after which it goes to another node
SAMPLE_EVERY = 0.5       # seconds
MIB = 1 << 20
# Usage is flat if the median of the last quarter of a trial is not above that of the second quarter, with this
# tolerance. The peak does not count: a node that starts uses 20 MiB more for a moment, while it reads the places.
TOLERATED_BYTES, TOLERATED_SHARE, TOLERATED_DESCRIPTORS = 8 * MIB, 0.10, 16
FLAT_FROM = 120          # seconds: the quarters of a shorter trial are too short


class Bystander:
    """A client that reports and waits for the reply, over and over, in a process of its own. If a node is silent or
    gone, it goes to the next one. The time of a report ends with the reply of any node."""

    def __init__(self, process: ForkProcess, waits: Pipe, stop: Event, replies: Any):
        self._process = process
        self._waits = waits
        self._stop = stop
        self._replies = replies

    @classmethod
    def start(cls, endpoints: Sequence[Endpoint]) -> Bystander:
        """`endpoints` are the client ports of the nodes."""
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe(duplex=False)
        stop = context.Event()
        replies: Any = context.Value("Q", 0)
        process = context.Process(target=_report, args=(endpoints, theirs, stop, replies), daemon=True)
        process.start()
        theirs.close()
        return cls(process, ours, stop, replies)

    def replies(self) -> int:
        """The number of replies so far."""
        return int(self._replies.value)

    def waits(self) -> list[float]:
        """Ends the client and returns the time of each report, in seconds."""
        self._stop.set()
        waits: list[float] = self._waits.recv() if self._waits.poll(PATIENCE * 20) else []
        self.end()
        return waits

    def end(self) -> None:
        if self._process.is_alive():
            self._process.kill()
        self._process.join()


def _report(endpoints: Sequence[Endpoint], outcome: Pipe, stop: Event, replies: Any) -> None:
    become_helper()
    waits: list[float] = []
    number, at = 0, 0
    connection: socket.socket | None = None
    while not stop.wait(PAUSE):
        number += 1
        begun = time.monotonic()
        line = b"IAMAT bystander +1+1 %d\n" % number
        while not stop.is_set():
            try:
                if connection is None:
                    connection = endpoints[at % len(endpoints)].connect(PATIENCE)
                connection.sendall(line)
                if connection.recv(1000):
                    waits.append(time.monotonic() - begun)
                    replies.value = len(waits)
                    break
            except OSError:
                pass
            if connection is not None:
                connection.close()
            connection, at = None, at + 1
            stop.wait(PAUSE)
    outcome.send(waits)


def p99_ms(waits: Sequence[float]) -> float | None:
    """The 99th percentile in milliseconds; None if there are too few."""
    return round(statistics.quantiles(waits, n=100)[98] * 1000, 1) if len(waits) >= 2 else None


@dataclasses.dataclass
class Sample:
    at: float  # seconds since the start
    memory: int  # bytes
    descriptors: int


class Usage:
    """Samples of the resident memory and the descriptors of each node. Call sample() often."""

    def __init__(self, names: Iterable[str]):
        self.samples: dict[str, list[Sample]] = {name: [] for name in names}
        self.next = 0.0

    def sample(self, herd: PrivateHerd, elapsed: float) -> None:
        if elapsed < self.next:
            return
        self.next = elapsed + SAMPLE_EVERY
        for node in herd.running:
            try:
                pid = node.process.pid
                sample = Sample(elapsed, resident_bytes(pid), len(open_descriptors(pid)))
            except (OSError, IndexError):
                continue  # the process has just ended
            self.samples[node.name].append(sample)

    def growth_mib(self) -> float:
        """From the first sample to the peak, of the node that grew most."""
        grown = [max(sample.memory for sample in samples) - samples[0].memory
                 for samples in self.samples.values() if samples]
        return round(max(grown, default=0) / MIB, 1)

    def peaks(self) -> tuple[float, int]:
        """(MiB, descriptors): the highest values of any node."""
        every = [sample for samples in self.samples.values() for sample in samples]
        return (round(max((sample.memory for sample in every), default=0) / MIB, 1),
                max((sample.descriptors for sample in every), default=0))

    def not_flat(self, seconds: float) -> list[str]:
        """A sentence for each node with usage that keeps growing. `seconds` is the length of the trial."""
        if seconds < FLAT_FROM:
            return []
        problems = []
        for name, samples in self.samples.items():
            second = [sample for sample in samples if seconds / 4 <= sample.at < seconds / 2]
            last = [sample for sample in samples if seconds * 3 / 4 <= sample.at < seconds]
            if not second or not last:
                continue
            memory = (_median(sample.memory for sample in second), _median(sample.memory for sample in last))
            descriptors = (_median(sample.descriptors for sample in second),
                           _median(sample.descriptors for sample in last))
            for what, (before, after), tolerated in (
                    ("memory", memory, max(TOLERATED_BYTES, memory[0] * TOLERATED_SHARE)),
                    ("descriptors", descriptors, TOLERATED_DESCRIPTORS)):
                if after > before + tolerated:
                    problems.append(f"{name} takes more and more {what}: {before:.0f} in the second quarter of the"
                                    f" time, {after:.0f} in the last (medians)")
        return problems


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)
