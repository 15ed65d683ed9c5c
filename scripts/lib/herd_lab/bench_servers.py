"""Servers that a bench starts for itself and stops again: herds, Redis and others. Each has a folder of its own."""
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

from herd_ctl import probe
from herd_ctl.herd import REPOSITORY, Node, find_binary
from herd_ctl.trouble import Trouble

FIRST_PORT, LAST_PORT = 13_000, 32_000  # below the range from which the kernel takes ports for outgoing connections
START_SECONDS = 30
FIVE = {"Hill": ["Jaquez", "Smith"], "Jaquez": ["Singleton"], "Smith": ["Campbell", "Singleton"],
        "Campbell": ["Singleton"], "Singleton": []}


given_ports = set()


def free_port():
    """A port that nobody has, and that was not given before: it is bound only some time later."""
    for _ in range(1000):
        port = random.randrange(FIRST_PORT, LAST_PORT)
        if port in given_ports:
            continue
        given_ports.add(port)
        with socket.socket() as attempt, contextlib.suppress(OSError):
            attempt.bind(("127.0.0.1", port))
            return port
    raise Trouble("no free port found")


def wait_for(condition, what, seconds=START_SECONDS):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Trouble(f"not within {seconds} s: {what}")
        time.sleep(0.002)


def cpu_seconds(pids):
    """User and system time of the processes, all threads, in steps of far less than a microsecond."""
    # As clock_getcpuclockid(3) makes it of a process; /proc/PID/stat counts in steps of 10 ms.
    return sum(time.clock_gettime(~pid << 3 | 2) for pid in pids)


def kernel_ticks(pids):
    """(ticks in the kernel, ticks in all) of the processes so far."""
    kernel, whole = 0, 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rpartition(")")[2].split()
        kernel += int(fields[12])
        whole += int(fields[11]) + int(fields[12])
    return kernel, whole


def find_program(name):
    """Its path, None if it is missing. Debian's servers lie where only root's $PATH looks."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def answers(port):
    """Whether somebody listens there."""
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


class Server:
    """Processes, their client ports and a folder. Ends with stop(), which may be called twice."""

    every = []  # also those that failed while they were started

    def __init__(self, folder):
        Server.every.append(self)
        self.folder = folder
        self.processes = []
        self.ports = []

    @property
    def pids(self):
        return [process.pid for process in self.processes]

    def spawn(self, words, name):
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes.append(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                   cwd=self.folder))

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []
        shutil.rmtree(self.folder, ignore_errors=True)

    def died(self):
        return any(process.poll() is not None for process in self.processes)


class PrivateHerd(Server):
    """Nodes of a graph {name: [peers]} at one acknowledgement level, ready."""

    binary: pathlib.Path | None = None  # another program than the one that was built

    @classmethod
    @contextlib.contextmanager
    def of_program(cls, binary: pathlib.Path) -> Iterator[None]:
        """Nodes that are started within this context run `binary`."""
        cls.binary = binary
        try:
            yield
        finally:
            cls.binary = None

    def __init__(self, folder, graph, ack="memory", replicas=0, under=None, more=""):
        """`under`: {name: words to run a node's command line under}. `more`: text of the configuration."""
        super().__init__(folder)
        under = under or {}
        self.nodes = [Node(name=name, clients=("127.0.0.1", free_port()), bus=("127.0.0.1", free_port()), monitor=None,
                           http=("127.0.0.1", free_port()), peers=peers, local=True, settings={}, live_settings={},
                           entry={}) for name, peers in graph.items()]
        self.ports = [node.clients[1] for node in self.nodes]
        self.config = folder / "herd.toml"
        self.config.write_text(self._text(ack, replicas) + more, encoding="utf-8")
        began = time.monotonic()
        for node in self.nodes:
            words = [self.binary or find_binary(), "--config", self.config, node.name]
            self.spawn([*under.get(node.name, []), *words], node.name)
        patience = START_SECONDS * (4 if under or len(self.nodes) > 16 else 1)
        wait_for(lambda: self.died() or all(probe.is_ready(node) for node in self.nodes), "the nodes are ready",
                 patience)
        self.start_seconds = time.monotonic() - began
        if self.died():
            raise Trouble(f"a node ended at once: {self._last_words()}")
        wait_for(self.is_linked, "the nodes are linked", patience)

    def _text(self, ack, replicas):
        lines = ["[herd]", 'name = "bench"', f"state_dir = {json.dumps(str(self.folder))}",
                 "[updates]", f'ack = "{ack}"', f"replicas = {replicas}"]
        for node in self.nodes:
            lines += ["[[node]]", f'name = "{node.name}"', f'clients = "127.0.0.1:{node.clients[1]}"',
                      f'bus = "tcp://127.0.0.1:{node.bus[1]}"', f'http = "127.0.0.1:{node.http[1]}"',
                      f"peers = {json.dumps(node.peers)}"]
        return "\n".join(lines) + "\n"

    def _last_words(self):
        return " / ".join((self.folder / f"{node.name}.log").read_text(errors="replace")[-200:] for node in self.nodes)

    def statuses(self):
        return list(probe.of_all(probe.read_status, self.nodes).values())

    def is_linked(self):
        statuses = self.statuses()
        return all(status and all(link["state"] == "up" for link in status["links"].values()) for status in statuses)

    def is_converged(self):
        statuses = self.statuses()
        return all(statuses) and len({(status["digest"], status["clients"]) for status in statuses}) == 1

    def merged(self):
        """Updates that changed the store, by node."""
        return [probe.updates(status) for status in self.statuses()]

    def total(self, counter):
        """A counter, all nodes together."""
        return sum(status["counters"][counter] for status in self.statuses())


class Redis(Server):
    """redis-server with one way of keeping, "no", "everysec" or "always", and replicas."""

    def __init__(self, folder, keep="no", replicas=0):
        super().__init__(folder)
        self._start(keep, "primary", [])
        for i in range(replicas):
            self._start(keep, f"replica{i}", ["--replicaof", "127.0.0.1", str(self.ports[0])])
        if replicas:
            wait_for(lambda: self.say("WAIT", str(replicas), "100") == b":%d" % replicas, "the replica follows")

    def _start(self, keep, name, more):
        port = free_port()
        (self.folder / name).mkdir()
        self.spawn([find_program("redis-server"), "--maxclients", "20000", "--port", str(port), "--bind", "127.0.0.1",
                    "--save", "", "--dir", str(self.folder / name), "--appendonly", "no" if keep == "no" else "yes",
                    *([] if keep == "no" else ["--appendfsync", keep]), *more], name)
        self.ports.append(port)
        wait_for(lambda: self.died() or self.say("PING", port=port) == b"+PONG", "redis-server answers")
        if self.died():
            raise Trouble(f"redis-server ended at once: {(self.folder / f'{name}.log').read_text()[-200:]}")

    def say(self, *words, port=None):
        """The first line of the reply, None if there is no server."""
        try:
            with socket.create_connection(("127.0.0.1", port or self.ports[0]), 5) as connection:
                connection.sendall(" ".join(words).encode() + b"\r\n")
                with connection.makefile("rb") as reply:
                    return reply.readline().rstrip()
        except OSError:
            return None

    def add_points(self, points):
        """The places a WHATSAT chooses from, as members of one key."""
        with socket.create_connection(("127.0.0.1", self.ports[0]), 60) as connection, \
                connection.makefile("rb") as replies:
            for begin in range(0, len(points), 1000):
                part = points[begin:begin + 1000]
                connection.sendall(b"".join(b"GEOADD places %s %s place%d\r\n" % (longitude.encode(), latitude.encode(),
                                                                                  begin + i)
                                            for i, (latitude, longitude) in enumerate(part)))
                for _ in part:
                    # Redis refuses what lies nearer to a pole than its grid reaches.
                    if not replies.readline().startswith((b":", b"-ERR invalid longitude,latitude")):
                        raise Trouble("redis-server refused GEOADD")


class AsyncioHerd(Server):
    """Servers of the classic design, in Python, or of another program that takes the same words."""

    def __init__(self, folder, graph=None, program=(sys.executable, REPOSITORY / "tests/bench/asyncio_herd.py")):
        super().__init__(folder)
        graph = graph or FIVE
        pairs = {name: (free_port(), free_port()) for name in graph}
        self.ports = [clients for clients, _ in pairs.values()]
        words = [f"{name}={clients},{peers}" for name, (clients, peers) in pairs.items()]
        words += [f"{name}-{peer}" for name, peers in graph.items() for peer in peers]
        for name in graph:
            self.spawn([*program, name, *words], name)
        self._floods = 0
        self._at_start = [0] * len(graph)  # updates merged before all links stood: not all reached all
        wait_for(self._is_linked, "the servers are linked")
        self._at_start = self.merged()

    def _say(self, port, text):
        """The first line of the reply, empty if there is none."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 60) as connection:
            connection.sendall(text)
            with connection.makefile("rb") as reply:
                return reply.readline()
        return b""

    def _is_linked(self):
        """Whether what each is told reaches all."""
        before = self.merged()
        for port in self.ports:
            self._floods += 1
            self._say(port, b"IAMAT link%d +1+1 1.0\n" % self._floods)
        time.sleep(0.1)
        return [after - then for after, then in zip(self.merged(), before)] == [len(self.ports)] * len(self.ports)

    def is_converged(self):
        """No digests here: all have merged as many updates as were told them."""
        return len(set(self.merged())) == 1

    def merged(self):
        """Updates that were new, by server."""
        return [int(self._say(port, b"COUNT\n") or 0) - at_start for port, at_start in zip(self.ports, self._at_start)]


class Bare(Server):
    """The server that only turns lines into AT lines."""

    def __init__(self, folder):
        super().__init__(folder)
        self.ports = [free_port()]
        self.spawn([sibling("bare-at-server"), str(self.ports[0])], "bare")
        wait_for(lambda: answers(self.ports[0]), "the bare server answers")


class ZmqRelay(Server):
    """Three processes that pass lines on over ZeroMQ, the two hops of Hill, Smith and Campbell."""

    def __init__(self, folder):
        super().__init__(folder)
        first, last, middle, end = (free_port() for _ in range(4))
        self.ports = [first, last]
        relay = sibling("zmq-relay")
        for words in (["last", end, last], ["middle", middle, end], ["first", first, middle]):
            self.spawn([relay, *map(str, words)], words[0])
        wait_for(lambda: all(map(answers, self.ports)), "the relay answers")


class Nats(Server):
    """Five nats-servers, each linked to each: what one is told goes to the four others in one hop."""

    def __init__(self, folder):
        super().__init__(folder)
        self.ports = [free_port() for _ in FIVE]
        links = [free_port() for _ in FIVE]
        for i, name in enumerate(FIVE):
            config = folder / f"{name}.conf"
            routes = ", ".join(f"nats-route://127.0.0.1:{link}" for link in links if link != links[i])
            # Patient with silent clients, as the generator answers no PING.
            config.write_text(f"server_name: {name}\nlisten: 127.0.0.1:{self.ports[i]}\nping_interval: \"10m\"\n"
                              f"cluster {{ name: bench, listen: 127.0.0.1:{links[i]}, routes: [{routes}] }}\n",
                              encoding="utf-8")
            self.spawn([find_program("nats-server"), "-c", config], name)
        wait_for(lambda: self.died() or all(map(answers, self.ports)), "the nats-servers answer")
        if self.died():
            raise Trouble("a nats-server ended at once")


def sibling(name):
    """A program that is built beside herd-node."""
    path = find_binary().parent / name
    if not os.access(path, os.X_OK):
        raise Trouble(f"{path} is not built: run scripts/herd bench without $HERD_BIN, or build the target {name}")
    return path


def places():
    """(latitude, longitude), as text, of every place of the embedded table."""
    table = REPOSITORY / "node/places/data/places.tsv.zst"
    if not shutil.which("zstd"):
        raise Trouble("zstd is missing: run scripts/deps --bench")
    text = subprocess.run(["zstd", "-dc", table], capture_output=True, check=True).stdout.decode()
    return [tuple(line.split("\t")[2:4]) for line in text.splitlines()[1:]]
