"""prove: load, kills, freezes and a failing network on a private herd. At the end it checks that no acknowledged update
is lost.

An update is lost if a node acknowledged it as durable, and at the end some node has only an older record of its client.
"""
from __future__ import annotations

import dataclasses
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import Any, TextIO

from herd_ctl.graphs import Graph
from herd_ctl.herd import Herd
from herd_ctl.trouble import BAD_USAGE, Trouble

from . import network as net
from .clocks import Clocks
from .faults import BLACKOUT, CLOCK, FREEZE, KILL, RESTORE, Breaker, schedule
from .hosts import Hosts
from .load import BASE, LoadProcess, report
from .plan import Outcome, Plan, make_plan
from .ports import Ports
from .private_herd import PrivateHerd, PrivateNode
from .watch import Bystander, Usage, p99_ms

WARM_UP = 1.0        # seconds of load before the first fault
READY_SECONDS = 30
CONVERGE_SECONDS = 60
STEP = 0.01          # seconds between looks at the schedule
ASKED_AT_ONCE = 500  # clients that one connection asks for
MOST_NAMED = 20      # lost updates that are printed

Clients = dict[bytes, tuple[int, int]]  # {client: (number of its newest acknowledged report, of its newest report)}


class Trial:
    """One run of a plan on a private herd of `graph`. The directory of the herd remains only if there was a problem.
    `progress` is called often, with the seconds since the first fault was possible."""

    def __init__(self, plan: Plan, herd: PrivateHerd, network: net.Network | None, clocks: Clocks | None,
                 hosts: Hosts | None, progress: Callable[[float, Trial], None]):
        self.plan = plan
        self.herd = herd
        self.network = network
        self.hosts = hosts
        self.clocks = clocks
        self.progress = progress
        self.outcome = Outcome(plan)
        faults = schedule(list(herd.graph), plan.counts, plan.seconds, plan.seed, net.lanes_of(herd.graph))
        self.breaker = Breaker(herd, faults, plan.wipe, hosts or network, clocks)
        self.usage = Usage(herd.graph)
        self.load: LoadProcess | None = None
        self.bystander: Bystander | None = None

    @classmethod
    def prepare(cls, binary: str | Path, graph: Graph, plan: Plan,
                progress: Callable[[float, Trial], None] = lambda elapsed, trial: None) -> Trial:
        """Makes the herd, and the hosts, the network and the clocks that the plan needs. run() starts them."""
        settings: dict[str, dict[str, Any]] = {"updates": {"ack": plan.ack, "replicas": plan.replicas}}
        if plan.wipe or plan.restores:
            settings["http"] = {"ready_timeout": "60s"}  # "ready" must mean that the peers gave back everything
        ports = Ports.claim()
        hosts = Hosts.connect(list(graph), seed=plan.seed) if plan.hosts else None
        wants_network = not hosts and any(plan.more.get(kind) for kind in net.FAULTS)
        network = net.Network.of(graph, ports, plan.seed) if wants_network else None
        herd = PrivateHerd.create(binary, graph, settings, network.bus_public if network else None, ports,
                                  curve=plan.hosts, hosts=hosts)
        clocks = Clocks.install(herd) if plan.more.get(CLOCK) else None
        return cls(plan, herd, network, clocks, hosts, progress)

    def run(self) -> Outcome:
        try:
            self._start()
            self._break()
            clients = self._settle()
            if self._all_live():
                self._judge(clients)
                self._count_comparisons()
        finally:
            self._end()
        return self.outcome

    def _start(self) -> None:
        if self.network:
            self.network.start({node.name: node.bus_port for node in self.herd})
        for node in self.herd:
            node.launch()
        deadline = time.monotonic() + READY_SECONDS
        while not all(node.is_ready() for node in self.herd):
            if not self._all_live() or time.monotonic() > deadline:
                raise Trouble(f"the private herd does not become ready: see the logs in {self._keep()}")
            time.sleep(STEP)
        endpoints = [(node.name, node.endpoint) for node in self.herd]
        plan = self.plan
        self.load = LoadProcess.start(endpoints, connections=plan.connections, clients=plan.clients, depth=plan.depth,
                                      seed=plan.seed, population=plan.population)
        self.bystander = Bystander.start([node.endpoint for node in self.herd])

    def _break(self) -> None:
        """Returns when every fault of the plan has begun and ended, and the time is over."""
        begun = time.monotonic() + WARM_UP  # before that, elapsed is negative
        while True:
            elapsed = time.monotonic() - begun
            self.breaker.step(elapsed)
            self._count()
            if elapsed >= 0:
                self.usage.sample(self.herd, elapsed)
            self.progress(elapsed, self)
            if not self._all_live(self.breaker.down) or (self.breaker.is_done and elapsed >= self.plan.seconds):
                break
            time.sleep(STEP)

    def _settle(self) -> Clients:
        """Ends the load and waits until all nodes have the same records. Returns the clients of the load."""
        assert self.load is not None and self.bystander is not None
        began = time.monotonic()
        self.outcome.p99_ms = p99_ms(self.bystander.waits())
        self.outcome.growth_mib = self.usage.growth_mib()
        self.outcome.peak_mib, self.outcome.peak_descriptors = self.usage.peaks()
        if self.plan.population:  # without a bound, new clients need more and more memory
            self.outcome.problems += self.usage.not_flat(self.plan.seconds)
        self.load.stop()
        clients, wrong = self.load.outcome()
        self.outcome.clients = len(clients)
        self._count()
        self.outcome.problems += [f"a wrong reply: {text}" for text in wrong]
        digests = {}
        while self._all_live() and time.monotonic() - began < CONVERGE_SECONDS:
            digests = {node.name: self._digest(node) for node in self.herd}
            if None not in digests.values() and len(set(digests.values())) == 1:
                self.outcome.converged_s = round(time.monotonic() - began, 2)
                self._compare_answers(clients)
                return clients
            time.sleep(STEP)
        if self._all_live():
            self.outcome.problems.append(f"the nodes' digests differ: {digests}")
        return clients

    @staticmethod
    def _digest(node: PrivateNode) -> str | None:
        status = node.read_status()
        return status["digest"] if status else None

    def _judge(self, clients: Clients) -> None:
        lost = []
        for node in self.herd.running:
            try:
                records = ask_all(node, list(clients))
            except OSError as error:
                self.outcome.problems.append(f"{node.name} does not answer its clients ({error.strerror or error}):"
                                             " what it has is not known")
                continue
            for client, (acknowledged, sent) in clients.items():
                record = records.get(client)
                number = 0 if record is None else number_of(record)
                if number < acknowledged:
                    known = record.decode() if record else "nothing"
                    lost.append(f"lost at {node.name}: {report(client, acknowledged)[1:].decode()} was acknowledged,"
                                f" the node has {known}")
                elif number > sent or (number and record != report(client, number)[1:]):
                    self.outcome.problems.append(f"{node.name} has a record that {client.decode()} never sent:"
                                                 f" {record!r}")
        self.outcome.lost = len(lost)
        self.outcome.problems += lost[:MOST_NAMED]

    def _compare_answers(self, clients: Clients) -> None:
        """Nodes with equal stores must answer all queries with the same bytes."""
        lines = queries(list(clients))
        answers = {}
        for node in self.herd.running:
            try:
                answers[node.name] = ask_lines(node, lines)
            except OSError as error:
                self.outcome.problems.append(f"{node.name} does not answer queries ({error.strerror or error})")
        first, *others = answers
        for name in others:
            if answers[name] != answers[first]:
                self.outcome.problems.append(f"{name} and {first} have equal digests, and answer queries differently")

    def _count_comparisons(self) -> None:
        """The counters are of the nodes' last runs; the logs are of all runs."""
        logged = 0
        for node in self.herd:
            status = node.read_status()
            if status is None:
                raise Trouble(f"{node.name} does not answer a query for its status: see the logs in {self._keep()}")
            counters = status["counters"]
            self.outcome.compared += counters["bus_digest_rounds"]
            self.outcome.healed += counters["bus_divergences_healed"]
            logged += node.log().count("event=divergence_healed ")
            self.outcome.renewed += node.log().count("event=feed_renewed ")
        if self.outcome.healed or logged:
            self.outcome.problems.append("reconciliation repaired records that the links had lost: see"
                                         " event=divergence_healed in the logs")

    def _count(self) -> None:
        assert self.load is not None
        outcome, load = self.outcome, self.load
        outcome.acknowledged, outcome.wrong_replies = load.acknowledged, load.wrong
        outcome.broken_connections = load.broken
        done = self.breaker.done
        outcome.kills, outcome.freezes, outcome.blackouts = done[KILL], done[FREEZE], done[BLACKOUT]
        outcome.restores = done[RESTORE]
        outcome.more = {kind: done[kind] for kind in self.plan.more}

    def _all_live(self, down: Container[str] = ()) -> bool:
        """False, and a problem for each, if nodes have ended by themselves. Those of `down` were killed."""
        dead = [node for node in self.herd if node.name not in down and not node.is_running]
        for node in dead:
            problem = f"{node.name} ended by itself with status {node.process.poll()}"
            if problem not in self.outcome.problems:
                self.outcome.problems.append(problem)
        return not dead

    def _keep(self) -> str:
        """The directory of the herd, which remains."""
        self.outcome.kept_in = str(self.herd.directory)
        return self.outcome.kept_in

    def _end(self) -> None:
        for process in (self.load, self.bystander, self.network, self.hosts):
            if process:
                process.end()
        for node in self.herd.running:
            node.kill()
        if self.clocks:
            self.clocks.end()
        if self.outcome.is_good or sys.exc_info()[0] is KeyboardInterrupt:
            self.herd.remove()
        else:
            self._keep()
            self.herd.ports.close()


def number_of(record: bytes) -> int:
    """The number of the report that made this record; 0 if no report of the load did."""
    seconds, _, fraction = record.rsplit(b" ", 1)[-1].partition(b".")
    return int(fraction) if seconds == b"%d" % BASE and len(fraction) == 9 else 0


def ask_lines(node: PrivateNode, lines: Sequence[bytes]) -> bytes:
    with node.endpoint.connect(30) as connection:
        connection.sendall(b"".join(lines))
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(262_144), b""))


def queries(clients: Sequence[bytes]) -> list[bytes]:
    """Some about the whole world, some about parts of it, and some round clients."""
    areas = [b"NEAR +0+0 20016", b"NEAR +90+0 10007.5", b"WITHIN -90-180 +90+180", b"WITHIN -45+90 +45-90"]
    lines = [b"%b 1000\n" % area for area in areas] + [b"COUNT %b\n" % area for area in areas]
    for client in clients[::max(1, len(clients) // 10)]:
        prefix = client[:-1] + b"*"
        lines += [b"NEAR %b 5000 100\n" % client, b"COUNT NEAR %b 20016 match=%b\n" % (client, prefix),
                  b"WHEREIS %b\n" % client]
    return lines


def ask_all(node: PrivateNode, clients: Sequence[bytes]) -> dict[bytes, bytes]:
    """{client: b"CLIENT COORDINATES TIME"} of the clients that the node knows."""
    records: dict[bytes, bytes] = {}
    for first in range(0, len(clients), ASKED_AT_ONCE):
        asked = clients[first:first + ASKED_AT_ONCE]
        reply = ask_lines(node, [b"WHATSAT %b 1 0\n" % client for client in asked])
        for line in reply.split(b"\n"):
            if line.startswith(b"AT "):
                fields = line.split(b" ", 3)
                records[fields[3].split(b" ", 1)[0]] = fields[3]
    return records


# The command.

class Progress:
    """On a terminal one line that is overwritten, elsewhere a line every few seconds."""

    def __init__(self, stream: TextIO):
        self.stream = stream
        self.is_terminal = stream.isatty()
        self.next = 0.0

    def __call__(self, elapsed: float, trial: Trial) -> None:
        if elapsed < self.next:
            return
        self.next = elapsed + (0.2 if self.is_terminal else 5)
        outcome, breaker = trial.outcome, trial.breaker
        text = (f"{max(0, elapsed):5.0f} s  {outcome.acknowledged:,} acknowledged, {outcome.kills} kills,"
                f" {outcome.freezes} freezes")
        now = [f"{name} down" for name in breaker.down] + [f"{name} frozen" for name in breaker.frozen]
        now += [f"{len(breaker.broken)} lanes broken"] if breaker.broken else []
        text += f"; {', '.join(now)}" if now else ""
        if self.is_terminal:
            self.stream.write(f"\r\x1b[K{text}")
        else:
            self.stream.write(f"{text}\n")
        self.stream.flush()

    def end(self) -> None:
        if self.is_terminal:
            self.stream.write("\r\x1b[K")
            self.stream.flush()


def prove(herd: Herd, given: Any) -> int:
    """Exit status 0 only if no update is lost, every reply was right and all nodes have the same records."""
    plan = make_plan(**{field.name: getattr(given, field.name) for field in dataclasses.fields(Plan)
                        if field.name in given})
    if plan.wipe and plan.replicas == 0:
        raise Trouble("--wipe needs --replicas 1 or more: an update on one node alone is lost with its disk", BAD_USAGE)
    if plan.restores and plan.replicas == 0:
        raise Trouble("--restores needs --replicas 1 or more: a backup lacks the updates that were acknowledged after"
                      " it", BAD_USAGE)
    if plan.wipe and plan.blackouts:
        raise Trouble("--wipe and --blackouts together lose all records of all nodes: use one of them", BAD_USAGE)
    loneliest = min(herd.nodes, key=lambda node: len(node.peers))
    if plan.replicas > len(loneliest.peers):
        raise Trouble(f"--replicas {plan.replicas}: {loneliest.name} has {len(loneliest.peers)} peers", BAD_USAGE)
    graph = {node.name: node.peers for node in herd.nodes}
    progress = Progress(sys.stderr if given.json else sys.stdout)
    trial = Trial.prepare(herd.binary, graph, plan, progress)
    print(f"{len(graph)} nodes of their own, {plan.line()}", file=progress.stream, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    try:
        outcome = trial.run()
    finally:
        progress.end()
    for problem in outcome.problems:
        print(problem, file=sys.stderr)
    if outcome.kept_in:
        print(f"Logs, journals and the configuration are in {outcome.kept_in}", file=sys.stderr)
    print(outcome.as_json() if given.json else outcome.line())
    return 0 if outcome.is_good else 1
