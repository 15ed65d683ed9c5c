#!/usr/bin/env python3
"""Measures the figures of docs/RELIABILITY.md: `tests/bench/durability.py NAME`, several times, on an idle machine.
Each run prints one line. It measures the release build, or $HERD_BIN.

  restart       seconds until a killed node with 1,000,000 clients is ready again
  refill        seconds until a node that lost its state has 1,000,000 clients from its peers
  stopped-peer  memory that the neighbours of a peer need while it is stopped for a minute under load
  journal       bytes that the journal writes in a minute of load, and its size
  replies       replies a second at each level: 50 connections with 16 reports in flight each
"""
from __future__ import annotations

import contextlib
import pathlib
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts/lib"))

from herd_ctl.graphs import FIVE  # noqa: E402
from herd_ctl.herd import find_binary  # noqa: E402
from herd_ctl.waiting import wait_for  # noqa: E402
from herd_lab.bulk import tell_many  # noqa: E402
from herd_lab.load import LoadProcess  # noqa: E402
from herd_lab.private_herd import PrivateHerd, PrivateNode  # noqa: E402
from herd_lab.processes import cpu_seconds, resident_bytes  # noqa: E402

MANY = 1_000_000
SECONDS = 60
LEVELS: dict[str, dict[str, Any]] = {
    "memory": {"ack": "memory"}, "write": {}, "fsync": {"ack": "fsync"}, "replicas = 1": {"replicas": 1}}


def seconds_until(condition: Callable[[], bool], what: str) -> float:
    """Waits for the condition; returns the seconds that this took."""
    begun = time.monotonic()
    wait_for(condition, what, 120, 0.005)
    return time.monotonic() - begun


def status(node: PrivateNode) -> dict[str, Any]:
    found = node.read_status()
    assert found is not None, f"{node.name} does not answer /status.json"
    return found


def agree(nodes: Iterable[PrivateNode]) -> bool:
    """Whether all nodes have the same records."""
    seen = [node.read_status() for node in nodes]
    return None not in seen and len({one["digest"] for one in seen if one}) == 1


def memory(node: PrivateNode) -> int:
    return resident_bytes(node.process.pid)


class Run:
    """A herd of five, and the load on it."""

    def __init__(self, herd: PrivateHerd):
        self.herd = herd
        self.load: LoadProcess | None = None

    @classmethod
    @contextlib.contextmanager
    def start(cls, settings: dict[str, Any] | None = None) -> Iterator[Run]:
        """Within the context the herd runs; all nodes are ready when it begins."""
        herd = PrivateHerd.create(find_binary(), FIVE, {"updates": settings or {}, "http": {"ready_timeout": "60s"}})
        run = cls(herd)
        try:
            for node in herd:
                node.launch()
            wait_for(lambda: all(node.is_ready() for node in herd), "all nodes are ready", 120)
            yield run
        finally:
            if run.load:
                run.load.end()
            for node in herd.running:
                node.kill()
            herd.remove()

    def begin_load(self) -> LoadProcess:
        endpoints = [(node.name, node.endpoint) for node in self.herd]
        self.load = LoadProcess.start(endpoints, fall_silent=False)
        return self.load

    def report_many(self) -> None:
        begun = time.monotonic()
        tell_many(self.herd["Hill"].clients_port, MANY)
        took = time.monotonic() - begun
        everywhere = took + seconds_until(lambda: agree(self.herd), "all nodes have all clients")
        print(f"  ({MANY:,} clients reported in {took:.1f} s, at every node after {everywhere:.1f} s)", file=sys.stderr)


def restart() -> None:
    with Run.start() as run:
        run.report_many()
        node = run.herd["Hill"]
        node.kill()
        size = (node.state_dir / "journal").stat().st_size
        node.launch()
        seconds = seconds_until(node.is_ready, f"{node.name} is ready")
        used = cpu_seconds([node.process.pid])
        assert status(node)["clients"] == MANY
        print(f"restart with {MANY:,} clients, a journal of {size / 1e6:.0f} MB: ready after {seconds:.2f} s,"
              f" {used:.2f} s of CPU")


def refill() -> None:
    with Run.start() as run:
        run.report_many()
        node = run.herd["Hill"]
        node.kill()
        node.forget()
        node.launch()
        seconds = seconds_until(lambda: agree(run.herd), "all nodes have the same records")
        print(f"empty node: {MANY:,} clients from its peers after {seconds:.2f} s")


def stopped_peer() -> None:
    with Run.start() as run:
        load = run.begin_load()
        time.sleep(SECONDS / 2)
        neighbours = [run.herd["Hill"], run.herd["Singleton"]]
        before = [memory(node) for node in neighbours]
        acknowledged = load.acknowledged
        run.herd["Jaquez"].signal(signal.SIGSTOP)
        time.sleep(SECONDS)
        growth = [(memory(node) - old) / 2**20 for node, old in zip(neighbours, before)]
        rate = (load.acknowledged - acknowledged) / SECONDS
        run.herd["Jaquez"].signal(signal.SIGCONT)
        load.stop()
        seconds = seconds_until(lambda: agree(run.herd), "all nodes have the same records")
        print(f"peer stopped for {SECONDS} s at {rate:,.0f} replies/s: neighbours grew by"
              f" {growth[0]:.1f} and {growth[1]:.1f} MiB; all agree {seconds:.1f} s after it went on")


def journal() -> None:
    with Run.start() as run:
        load = run.begin_load()
        time.sleep(SECONDS)
        load.stop()
        seconds_until(lambda: agree(run.herd), "all nodes have the same records")
        seen = status(run.herd["Hill"])
        counters = seen["counters"]
        stored = counters["iamat_stored"] + counters["bus_updates_merged"]
        print(f"journal of Hill in {SECONDS} s: {stored:,} changes, {counters['journal_bytes'] / 1e6:.0f} MB written in"
              f" {counters['journal_passes']:,} passes ({counters['journal_bytes'] / stored:.0f} bytes a change),"
              f" {counters['journal_copies']} copies; {seen['journal']['bytes'] / 1e6:.1f} MB on disk for"
              f" {seen['clients']:,} clients")


def replies() -> None:
    rates = []
    for name, settings in LEVELS.items():
        with Run.start(settings) as run:
            load = run.begin_load()
            time.sleep(2)
            before = load.acknowledged
            time.sleep(10)
            rates.append(f"{name} {(load.acknowledged - before) / 10:,.0f}")
    print(f"replies/s of five nodes at 50x16: {', '.join(rates)}")


FIGURES = {"restart": restart, "refill": refill, "stopped-peer": stopped_peer, "journal": journal, "replies": replies}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in FIGURES:
        sys.exit(__doc__)
    FIGURES[sys.argv[1]]()
