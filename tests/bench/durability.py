#!/usr/bin/env python3
"""The figures of docs/RELIABILITY.md: `tests/bench/durability.py NAME`, several times, on a machine that does nothing
else. Each prints one line. It measures the release, or $HERD_BIN.

  restart       seconds until a killed node with 1,000,000 clients is ready again
  refill        seconds until a node that lost its state has 1,000,000 clients from its peers
  stopped-peer  memory that a peer which is stopped for a minute under load costs its neighbours
  journal       what the journal writes, and how large it is, in a minute of load
  replies       replies a second at each level: 50 connections with 16 reports in flight each
"""
import json
import os
import pathlib
import signal
import sys
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "scripts/lib"))

from herd_lab.bulk import tell_many  # noqa: E402
from herd_lab.load import LoadProcess  # noqa: E402
from herd_lab.private_herd import PrivateHerd  # noqa: E402

BINARY = os.environ.get("HERD_BIN", str(REPOSITORY / "build/release/bin/herd-node"))
FIVE = {"Hill": ["Jaquez", "Smith"], "Jaquez": ["Singleton"], "Smith": ["Campbell", "Singleton"],
        "Campbell": ["Singleton"], "Singleton": []}
MANY = 1_000_000
SECONDS = 60
LEVELS = {"memory": {"ack": "memory"}, "write": {}, "fsync": {"ack": "fsync"}, "replicas = 1": {"replicas": 1}}


def until(condition, seconds=120):
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > seconds:
            raise TimeoutError
        time.sleep(0.005)
    return time.monotonic() - begun


def status(node):
    code, body = node.get("/status.json")
    return json.loads(body) if code == 200 else None


def is_ready(node):
    return node.get("/readyz")[0] == 200


def agree(nodes):
    seen = [status(node) for node in nodes]
    return None not in seen and len({one["digest"] for one in seen}) == 1


def memory(node):
    return int(pathlib.Path(f"/proc/{node.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def cpu_seconds(node):
    fields = pathlib.Path(f"/proc/{node.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Run:
    """A herd of five that is ready; ended at the end."""

    def __init__(self, settings=None):
        self.herd = PrivateHerd(BINARY, FIVE, {"updates": settings or {}, "http": {"ready_timeout": "60s"}})
        self.load = None

    def __enter__(self):
        for node in self.herd:
            node.launch()
        until(lambda: all(is_ready(node) for node in self.herd))
        return self

    def begin_load(self):
        ports = [(node.name, node.clients_port) for node in self.herd]
        self.load = LoadProcess(ports, fall_silent=False)

    def know_many(self):
        begun = time.monotonic()
        tell_many(self.herd["Hill"].clients_port, MANY)
        told = time.monotonic() - begun
        print(f"  ({MANY:,} clients told in {told:.1f} s, at every node after"
              f" {told + until(lambda: agree(self.herd)):.1f} s)", file=sys.stderr)

    def __exit__(self, *_):
        if self.load:
            self.load.end()
        for node in self.herd.running:
            node.kill()
        self.herd.remove()


def restart():
    with Run() as run:
        run.know_many()
        node = run.herd["Hill"]
        node.kill()
        size = (node.state_dir / "journal").stat().st_size
        node.launch()
        seconds = until(lambda: is_ready(node))
        used = cpu_seconds(node)
        assert status(node)["clients"] == MANY
        print(f"restart with {MANY:,} clients, a journal of {size / 1e6:.0f} MB: ready after {seconds:.2f} s,"
              f" {used:.2f} s of CPU")


def refill():
    with Run() as run:
        run.know_many()
        node = run.herd["Hill"]
        node.kill()
        node.forget()
        node.launch()
        seconds = until(lambda: agree(run.herd))
        print(f"empty node: {MANY:,} clients from its peers after {seconds:.2f} s")


def stopped_peer():
    with Run() as run:
        run.begin_load()
        time.sleep(SECONDS / 2)
        neighbours = [run.herd["Hill"], run.herd["Singleton"]]
        before = [memory(node) for node in neighbours]
        acknowledged = run.load.acknowledged
        run.herd["Jaquez"].signal(signal.SIGSTOP)
        time.sleep(SECONDS)
        growth = [(memory(node) - old) / 2**20 for node, old in zip(neighbours, before)]
        rate = (run.load.acknowledged - acknowledged) / SECONDS
        run.herd["Jaquez"].signal(signal.SIGCONT)
        run.load.stop()
        seconds = until(lambda: agree(run.herd))
        print(f"peer stopped for {SECONDS} s at {rate:,.0f} replies/s: neighbours grew by"
              f" {growth[0]:.1f} and {growth[1]:.1f} MiB; all agree {seconds:.1f} s after it went on")


def journal():
    with Run() as run:
        run.begin_load()
        time.sleep(SECONDS)
        run.load.stop()
        until(lambda: agree(run.herd))
        seen = status(run.herd["Hill"])
        counters = seen["counters"]
        stored = counters["iamat_stored"] + counters["bus_updates_merged"]
        print(f"journal of Hill in {SECONDS} s: {stored:,} changes, {counters['journal_bytes'] / 1e6:.0f} MB written in"
              f" {counters['journal_passes']:,} passes ({counters['journal_bytes'] / stored:.0f} bytes a change),"
              f" {counters['journal_copies']} copies; {seen['journal']['bytes'] / 1e6:.1f} MB on disk for"
              f" {seen['clients']:,} clients")


def replies():
    rates = []
    for name, settings in LEVELS.items():
        with Run(settings) as run:
            run.begin_load()
            time.sleep(2)
            before = run.load.acknowledged
            time.sleep(10)
            rates.append(f"{name} {(run.load.acknowledged - before) / 10:,.0f}")
    print(f"replies/s of five nodes at 50x16: {', '.join(rates)}")


FIGURES = {"restart": restart, "refill": refill, "stopped-peer": stopped_peer, "journal": journal, "replies": replies}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in FIGURES:
        sys.exit(__doc__)
    FIGURES[sys.argv[1]]()
