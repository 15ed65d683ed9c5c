"""prove: load, kills, freezes and failing networks on a herd of its own, and then the question whether anything acknowledged is lost.

Lost is what a client was told is kept and some node, at the end, knows only an older record of that client.
"""
import dataclasses
import json
import os
import random
import signal
import socket
import sys
import time

from herd_ctl.trouble import BAD_USAGE, Trouble

from . import network as net
from .clocks import PACKAGE, Clocks, faketime
from .faults import BLACKOUT, CLOCK, DESCRIPTORS, FREEZE, KILL, RESTORE, Breaker, schedule
from .load import BASE, LoadProcess, report
from .private_herd import Ports, PrivateHerd
from .watch import Bystander, Usage, p99_ms

SECONDS = 60
KILL_EVERY, FREEZE_EVERY = 1.6, 5.5  # seconds, where nobody says how many
CHAOS_EVERY = 10.0   # seconds between two faults of one kind, in mixed chaos
CHAOS = (KILL, FREEZE, DESCRIPTORS, CLOCK, *net.FAULTS)
POPULATION = 200     # clients of all times, a connection, in chaos: what they take must not hide what grows
WARM_UP = 1.0        # seconds of load before the first fault may come
READY_SECONDS = 30
CONVERGE_SECONDS = 60
STEP = 0.01          # seconds between looks at the schedule
ASKED_AT_ONCE = 500  # clients a connection
MOST_NAMED = 20      # losses that are printed


@dataclasses.dataclass
class Plan:
    ack: str = "write"
    replicas: int = 0
    seconds: float | None = None
    kills: int | None = None
    freezes: int | None = None
    blackouts: int = 0
    restores: int = 0  # of an older journal, to a killed node
    seed: int | None = None
    wipe: bool = False
    connections: int = 50
    clients: int = 20   # that speak at a time, a connection
    depth: int = 16     # reports in flight, a connection
    chaos: bool = False  # every kind of fault, the network's too, so often that each comes every CHAOS_EVERY
    more: dict = dataclasses.field(default_factory=dict)  # how many faults of each other kind: of the network, ...
    population: int | None = None

    def __post_init__(self):
        if self.seed is None:
            self.seed = random.SystemRandom().randrange(10**6)
        if self.seconds is None:
            self.seconds = SECONDS if self.chaos else max((self.kills or 0) * KILL_EVERY, (self.freezes or 0) * FREEZE_EVERY) or SECONDS
        if self.chaos:
            counts = dict.fromkeys(CHAOS, max(1, round(self.seconds / CHAOS_EVERY)))
            kills, freezes = counts.pop(KILL), counts.pop(FREEZE)
            self.kills = kills if self.kills is None and self.ack != "memory" else self.kills
            self.freezes = freezes if self.freezes is None else self.freezes
            self.more = counts
            self.population = POPULATION
        self.clocks_stay = bool(self.more.get(CLOCK)) and faketime() is None
        if self.clocks_stay:
            self.more = {kind: count for kind, count in self.more.items() if kind != CLOCK}
        if self.kills is None:
            # At "memory" a kill may take what was just acknowledged with it: that is what "memory" means.
            self.kills = 0 if self.ack == "memory" else round(self.seconds / KILL_EVERY)
        if self.freezes is None:
            self.freezes = round(self.seconds / FREEZE_EVERY)

    @property
    def counts(self):
        return {KILL: self.kills, FREEZE: self.freezes, BLACKOUT: self.blackouts, RESTORE: self.restores, **self.more}

    def line(self):
        kills = f"{self.kills} kills{' with an empty disk' if self.wipe else ''}"
        more = f", {self.blackouts} blackouts" if self.blackouts else ""
        more += f", {self.restores} restored backups" if self.restores else ""
        more += "".join(f", {count} {kind}" for kind, count in self.more.items())
        if self.clocks_stay:
            more += f", no wrong clocks (they want the package {PACKAGE})"
        return (f"ack = {self.ack}, replicas = {self.replicas}: {kills}, {self.freezes} freezes{more} in"
                f" {self.seconds:.0f} s, seed {self.seed}")


@dataclasses.dataclass
class Outcome:
    plan: Plan
    clients: int = 0
    acknowledged: int = 0
    kills: int = 0
    freezes: int = 0
    blackouts: int = 0  # all nodes at once
    restores: int = 0   # of an older journal
    renewed: int = 0    # feeds, because of that
    more: dict = dataclasses.field(default_factory=dict)  # faults of each other kind
    p99_ms: float | None = None  # that a client which behaves has waited for an answer, other nodes asked included
    growth_mib: float = 0        # of the memory of the node that grew most
    peak_mib: float = 0
    peak_descriptors: int = 0
    broken_connections: int = 0
    wrong_replies: int = 0
    compared: int = 0  # of the nodes' last lives: comparisons of two stores begun, ...
    healed: int = 0    # ... and records that a node lacked though the links had told it everything
    lost: int | None = None  # None: a node died, so that there was nothing to compare
    converged_s: float | None = None  # after the last killed node was started, or the last frozen one woken
    problems: list = dataclasses.field(default_factory=list)  # sentences, the first of each kind
    kept_in: str | None = None  # logs and journals, where something was wrong

    @property
    def is_good(self):
        return not self.problems and self.lost == 0 and self.wrong_replies == 0 and self.converged_s is not None

    def line(self):
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

    def as_json(self):
        return json.dumps(dataclasses.asdict(self) | {"good": self.is_good})


class Trial:
    """One run of a plan on a herd of `graph`. The herd is gone afterwards, and its directory too if all was well."""

    def __init__(self, binary, graph, plan, say=lambda elapsed, trial: None):
        settings = {"updates": {"ack": plan.ack, "replicas": plan.replicas}}
        if plan.wipe or plan.restores:
            settings["http"] = {"ready_timeout": "60s"}  # "ready" must mean that all was given back
        ports = Ports()
        wants_network = any(plan.more.get(kind) for kind in net.FAULTS)
        self.network = net.Network(graph, ports, plan.seed) if wants_network else None
        self.herd = PrivateHerd(binary, graph, settings, self.network.bus_public if self.network else None, ports)
        self.clocks = Clocks(self.herd) if plan.more.get(CLOCK) else None
        self.plan = plan
        self.say = say
        self.outcome = Outcome(plan)
        faults = schedule(list(graph), plan.counts, plan.seconds, plan.seed, self.network.lanes if self.network else ())
        self.breaker = Breaker(self.herd, faults, plan.wipe, self.network, self.clocks)
        self.usage = Usage(self.herd)
        self.load = self.bystander = None

    def run(self):
        try:
            self._start()
            self._break()
            self._settle()
            if self._all_live():
                self._judge()
                self._count_comparisons()
        finally:
            self._end()
        return self.outcome

    def _start(self):
        if self.network:
            self.network.start({node.name: node.bus_port for node in self.herd})
        for node in self.herd:
            node.launch()
        deadline = time.monotonic() + READY_SECONDS
        while not all(node.get("/readyz")[0] == 200 for node in self.herd):
            if not self._all_live() or time.monotonic() > deadline:
                raise Trouble(f"the private herd does not become ready: see the logs in {self._keep()}")
            time.sleep(STEP)
        ports = [(node.name, node.clients_port) for node in self.herd]
        plan = self.plan
        self.load = LoadProcess(ports, connections=plan.connections, clients=plan.clients, depth=plan.depth,
                                seed=plan.seed, population=plan.population)
        self.bystander = Bystander([node.clients_port for node in self.herd])

    def _break(self):
        """Until every fault of the plan was done and undone."""
        begun = time.monotonic() + WARM_UP  # before that, elapsed is negative
        while True:
            elapsed = time.monotonic() - begun
            self.breaker.step(elapsed)
            self._count()
            if elapsed >= 0:
                self.usage.sample(elapsed)
            self.say(elapsed, self)
            if not self._all_live(self.breaker.down) or (self.breaker.is_done and elapsed >= self.plan.seconds):
                break
            time.sleep(STEP)

    def _settle(self):
        """The load ends; waits until all nodes know the same."""
        healed = time.monotonic()
        self.outcome.p99_ms = p99_ms(self.bystander.waits())
        self.outcome.growth_mib = self.usage.growth_mib()
        self.outcome.peak_mib, self.outcome.peak_descriptors = self.usage.peaks()
        if self.plan.population:  # more and more clients want more and more memory
            self.outcome.problems += self.usage.not_flat(self.plan.seconds)
        self.load.stop()
        self.clients, wrong = self.load.outcome()
        self.outcome.clients = len(self.clients)
        self._count()
        self.outcome.problems += [f"a wrong reply: {text}" for text in wrong]
        digests = {}
        while self._all_live() and time.monotonic() - healed < CONVERGE_SECONDS:
            digests = {node.name: self._digest(node) for node in self.herd}
            if None not in digests.values() and len(set(digests.values())) == 1:
                self.outcome.converged_s = round(time.monotonic() - healed, 2)
                return
            time.sleep(STEP)
        if self._all_live():
            self.outcome.problems.append(f"the nodes' digests differ: {digests}")

    @staticmethod
    def _digest(node):
        code, body = node.get("/status.json")
        return json.loads(body)["digest"] if code == 200 else None

    def _judge(self):
        self.outcome.lost = 0
        for node in self.herd.running:
            records = ask_all(node, list(self.clients))
            for client, (acknowledged, told) in self.clients.items():
                self._judge_record(node, client, records.get(client), acknowledged, told)

    def _judge_record(self, node, client, record, acknowledged, told):
        number = 0 if record is None else number_of(record)
        if number >= acknowledged:
            if number > told or (number and record != report(client, number)[1:]):
                self.outcome.problems.append(f"{node.name} knows what {client.decode()} never said: {record!r}")
            return
        self.outcome.lost += 1
        if self.outcome.lost <= MOST_NAMED:
            known = record.decode() if record else "nothing"
            self.outcome.problems.append(f"lost at {node.name}: {report(client, acknowledged)[1:].decode()} was"
                                         f" acknowledged, it knows {known}")

    def _count_comparisons(self):
        """Counters are of the nodes' last lives; the logs are of all."""
        logged = 0
        for node in self.herd:
            counters = json.loads(node.get("/status.json")[1])["counters"]
            self.outcome.compared += counters["bus_digest_rounds"]
            self.outcome.healed += counters["bus_divergences_healed"]
            logged += node.log().count("event=divergence_healed ")
            self.outcome.renewed += node.log().count("event=feed_renewed ")
        if self.outcome.healed or logged:
            self.outcome.problems.append("comparing stores has healed records that the links had lost: see"
                                         " event=divergence_healed in the logs")

    def _count(self):
        outcome, load = self.outcome, self.load
        outcome.acknowledged, outcome.wrong_replies = load.acknowledged, load.wrong
        outcome.broken_connections = load.broken
        done = self.breaker.done
        outcome.kills, outcome.freezes, outcome.blackouts = done[KILL], done[FREEZE], done[BLACKOUT]
        outcome.restores = done[RESTORE]
        outcome.more = {kind: done[kind] for kind in self.plan.more}

    def _all_live(self, but=()):
        """False, and a problem each, where nodes have ended that nobody has killed."""
        dead = [node for node in self.herd if node.name not in but and not node.is_running]
        for node in dead:
            problem = f"{node.name} ended by itself with status {node.process.poll()}"
            if problem not in self.outcome.problems:
                self.outcome.problems.append(problem)
        return not dead

    def _keep(self):
        self.outcome.kept_in = str(self.herd.directory)
        return self.outcome.kept_in

    def _end(self):
        for process in (self.load, self.bystander, self.network):
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


def number_of(record):
    """Which report a record is; 0 for none of ours."""
    seconds, _, fraction = record.rsplit(b" ", 1)[-1].partition(b".")
    return int(fraction) if seconds == b"%d" % BASE and len(fraction) == 9 else 0


def ask_all(node, clients):
    """{client: b"CLIENT COORDINATES TIME"} of the clients that the node knows."""
    records = {}
    for first in range(0, len(clients), ASKED_AT_ONCE):
        asked = clients[first:first + ASKED_AT_ONCE]
        with socket.create_connection(("127.0.0.1", node.clients_port), timeout=30) as connection:
            connection.sendall(b"".join(b"WHATSAT %b 1 0\n" % client for client in asked))
            connection.shutdown(socket.SHUT_WR)
            reply = b"".join(iter(lambda: connection.recv(262_144), b""))
        for line in reply.split(b"\n"):
            if line.startswith(b"AT "):
                fields = line.split(b" ", 3)
                records[fields[3].split(b" ", 1)[0]] = fields[3]
    return records


# The command.

class Progress:
    """A line that is written over on a terminal, and one every few seconds elsewhere."""

    def __init__(self, stream):
        self.stream = stream
        self.is_terminal = stream.isatty()
        self.next = 0.0

    def __call__(self, elapsed, trial):
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

    def end(self):
        if self.is_terminal:
            self.stream.write("\r\x1b[K")
            self.stream.flush()


def prove(herd, given):
    """Exit status 0 only if nothing is lost, no reply was wrong and all nodes agree."""
    plan = Plan(**{field.name: getattr(given, field.name) for field in dataclasses.fields(Plan) if field.name in given})
    if plan.wipe and plan.replicas == 0:
        raise Trouble("--wipe wants --replicas 1 or more: what only one node keeps is lost with its disk", BAD_USAGE)
    if plan.restores and plan.replicas == 0:
        raise Trouble("--restores wants --replicas 1 or more: a backup does not hold what was acknowledged after it", BAD_USAGE)
    if plan.wipe and plan.blackouts:
        raise Trouble("--wipe and --blackouts together leave nobody who could know anything", BAD_USAGE)
    loneliest = min(herd.nodes, key=lambda node: len(node.peers))
    if plan.replicas > len(loneliest.peers):
        raise Trouble(f"--replicas {plan.replicas}: {loneliest.name} has {len(loneliest.peers)} peers", BAD_USAGE)
    graph = {node.name: node.peers for node in herd.nodes}
    progress = Progress(sys.stderr if given.json else sys.stdout)
    print(f"{len(graph)} nodes of their own, {plan.line()}", file=progress.stream, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    try:
        outcome = Trial(herd.binary, graph, plan, progress).run()
    finally:
        progress.end()
    for problem in outcome.problems:
        print(problem, file=sys.stderr)
    if outcome.kept_in:
        print(f"Logs, journals and the configuration are kept in {outcome.kept_in}", file=sys.stderr)
    print(outcome.as_json() if given.json else outcome.line())
    return 0 if outcome.is_good else 1
