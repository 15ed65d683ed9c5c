"""Servers that a benchmark starts and stops: herds, Redis and others. Each has a folder and ports of its own."""
from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, TypeVar

from herd_ctl import probe
from herd_ctl.graphs import FIVE, Graph
from herd_ctl.herd import REPOSITORY, find_binary
from herd_ctl.trouble import Trouble
from herd_ctl.waiting import wait_for

from .ports import Ports
from .private_herd import PrivateHerd, PrivateNode, Settings

START_SECONDS = 30
POLL_SECONDS = 0.002  # the resolution of start times
Words = Sequence[str | pathlib.Path]
Self = TypeVar("Self", bound="Server")


def find_program(name: str) -> str | None:
    """The path of an installed program, None if it is missing. Debian installs servers outside of users' $PATH."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def installed(name: str) -> str:
    """The path of a program that must be installed."""
    path = find_program(name)
    if path is None:
        raise Trouble(f"{name} is not installed: run scripts/deps --bench")
    return path


def sibling(name: str) -> pathlib.Path:
    """The path of a program that is built into the folder of herd-node."""
    path = find_binary().parent / name
    if not os.access(path, os.X_OK):
        raise Trouble(f"{path} is not built: run scripts/herd bench without $HERD_BIN, or build the target {name}")
    return path


def answers(port: int) -> bool:
    """Whether a program listens on the port."""
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


class Server:
    """Processes, their client ports and a folder. start() returns when they are ready; stop() may be called twice."""

    every: ClassVar[list[Server]] = []  # all that were started, also those that failed
    speaks_tls = False  # whether clients connect with TLS

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.ports: list[int] = []  # of clients

    def start(self: Self) -> Self:
        self._free_ports = Ports.claim()
        Server.every.append(self)
        self._launch()
        return self

    def stop(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []
        self._free_ports.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self.processes]

    def has_died(self) -> bool:
        return any(process.poll() is not None for process in self.processes)

    def is_converged(self) -> bool:
        """Whether all processes have the same records."""
        raise NotImplementedError

    def merged(self) -> list[int]:
        """By process: updates that changed its store."""
        raise NotImplementedError

    def _launch(self) -> None:
        """Starts the processes and waits until they are ready."""
        raise NotImplementedError

    def _free_port(self) -> int:
        return self._free_ports.take()

    def _spawn(self, words: Words, name: str) -> None:
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes.append(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                   cwd=self.folder))


class HerdServer(Server):
    """Nodes of a graph with one acknowledgement level; ready and linked after start()."""

    other_binary: ClassVar[pathlib.Path | None] = None  # instead of the program that was built
    has_monitor: ClassVar[bool] = False

    def __init__(self, folder: pathlib.Path, graph: Graph, ack: str = "memory", replicas: int = 0,
                 wrappers: dict[str, list[str]] | None = None, settings: Settings | None = None, curve: bool = False):
        """`wrappers`: {node: words before its command line}. `settings`: more sections of the configuration. With
        `curve` the bus is encrypted."""
        super().__init__(folder)
        self.graph = graph
        self.curve = curve
        self.wrappers = wrappers or {}
        self.settings: Settings = {"herd": {"name": "bench"}, "updates": {"ack": ack, "replicas": replicas},
                                   **(settings or {})}
        self.speaks_tls = self.settings.get("clients", {}).get("tls") == "on"
        self.start_seconds = 0.0  # from the first launch until all nodes are ready

    @classmethod
    @contextlib.contextmanager
    def of_program(cls, binary: pathlib.Path) -> Iterator[None]:
        """Nodes that are started within this context run `binary`."""
        cls.other_binary = binary
        try:
            yield
        finally:
            cls.other_binary = None

    def statuses(self) -> list[dict[str, Any] | None]:
        return list(probe.of_all(PrivateNode.read_status, list(self.herd)).values())

    def is_linked(self) -> bool:
        return all(status and all(link["state"] == "up" for link in status["links"].values())
                   for status in self.statuses())

    def is_converged(self) -> bool:
        statuses = self.statuses()
        return None not in statuses and len({(status["digest"], status["clients"])
                                             for status in statuses if status}) == 1

    def merged(self) -> list[int]:
        return [probe.updates(status) for status in self._all_statuses()]

    def total(self, counter: str) -> int:
        """The sum of a counter over all nodes."""
        return sum(status["counters"][counter] for status in self._all_statuses())

    def _all_statuses(self) -> list[dict[str, Any]]:
        statuses = [status for status in self.statuses() if status]
        if len(statuses) != len(self.graph):
            raise Trouble("a node does not answer a question for its status")
        return statuses

    def _launch(self) -> None:
        self.herd = PrivateHerd.create(self.other_binary or find_binary(), self.graph, self.settings,
                                       ports=self._free_ports, log_level=None, directory=self.folder,
                                       monitor=self.has_monitor, curve=self.curve)
        self.ports = [node.clients_port for node in self.herd]
        began = time.monotonic()
        for node in self.herd:
            node.wrapper = self.wrappers.get(node.name, [])
            node.launch()
            self.processes.append(node.process)
        patience = START_SECONDS * (4 if self.wrappers or len(self.graph) > 16 else 1)
        wait_for(lambda: self.has_died() or all(node.is_ready() for node in self.herd), "the nodes are ready",
                 patience, POLL_SECONDS)
        self.start_seconds = time.monotonic() - began
        if self.has_died():
            last_words = " / ".join(node.log()[-200:] for node in self.herd)
            raise Trouble(f"a node ended right after its start: {last_words}")
        wait_for(self.is_linked, "the nodes are linked", patience)


class LongestTurn(Server):
    """No server: the program longest-turn in the folder of the herd-node that is measured."""

    def _launch(self) -> None:
        self.program = (HerdServer.other_binary or find_binary()).parent / "longest-turn"
        if not os.access(self.program, os.X_OK):
            raise Trouble(f"{self.program} is not built: build the target longest-turn")


class Redis(Server):
    """redis-server with replicas. `persistence` is "no", or its appendfsync: "everysec" or "always". With `tls`, a
    certificate and its key, clients of the primary speak TLS."""

    def __init__(self, folder: pathlib.Path, persistence: str = "no", replicas: int = 0,
                 tls: dict[str, pathlib.Path] | None = None):
        super().__init__(folder)
        self.persistence = persistence
        self.replicas = replicas
        self.tls = tls
        self.speaks_tls = tls is not None

    def _launch(self) -> None:
        tls_words: list[str] = []
        if self.tls:
            tls_port = self._free_port()
            tls_words = ["--tls-port", str(tls_port), "--tls-cert-file", str(self.tls["cert"]), "--tls-key-file",
                         str(self.tls["key"]), "--tls-auth-clients", "no"]
        self._start_one("primary", tls_words)
        if self.tls:
            self.ports = [tls_port]
        for i in range(self.replicas):
            self._start_one(f"replica{i}", ["--replicaof", "127.0.0.1", str(self.ports[0])])
        if self.replicas:
            wait_for(lambda: self.ask("WAIT", str(self.replicas), "100") == b":%d" % self.replicas,
                     "the replicas follow", START_SECONDS)

    def _start_one(self, name: str, more: list[str]) -> None:
        port = self._free_port()
        (self.folder / name).mkdir()
        persistent = self.persistence != "no"
        self._spawn([installed("redis-server"), "--maxclients", "20000", "--port", str(port), "--bind", "127.0.0.1",
                     "--save", "", "--dir", str(self.folder / name), "--appendonly", "yes" if persistent else "no",
                     *(["--appendfsync", self.persistence] if persistent else []), *more], name)
        self.ports.append(port)
        wait_for(lambda: self.has_died() or self.ask("PING", port=port) == b"+PONG", "redis-server answers",
                 START_SECONDS, POLL_SECONDS)
        if self.has_died():
            last_words = (self.folder / f"{name}.log").read_text()[-200:]
            raise Trouble(f"redis-server ended right after its start: {last_words}")

    def ask(self, *words: str, port: int | None = None) -> bytes | None:
        """The first line of the reply, None if no server answers."""
        try:
            with socket.create_connection(("127.0.0.1", port or self.ports[0]), 5) as connection:
                connection.sendall(" ".join(words).encode() + b"\r\n")
                with connection.makefile("rb") as reply:
                    return reply.readline().rstrip()
        except OSError:
            return None

    def add_points(self, points: Sequence[tuple[str, str]]) -> None:
        """Adds places as members of one key: those that a WHATSAT chooses from, as (latitude, longitude)."""
        with socket.create_connection(("127.0.0.1", self.ports[0]), 60) as connection, \
                connection.makefile("rb") as replies:
            for begin in range(0, len(points), 1000):
                part = points[begin:begin + 1000]
                connection.sendall(b"".join(b"GEOADD places %s %s place%d\r\n" % (longitude.encode(), latitude.encode(),
                                                                                  begin + i)
                                            for i, (latitude, longitude) in enumerate(part)))
                for _ in part:
                    # Redis refuses points that are nearer to a pole than its grid reaches.
                    if not replies.readline().startswith((b":", b"-ERR invalid longitude,latitude")):
                        raise Trouble("redis-server refused GEOADD")


class AsyncioHerd(Server):
    """Servers of the classic design, in Python, or of another program with the same command line."""

    def __init__(self, folder: pathlib.Path, graph: Graph | None = None,
                 program: Words = (sys.executable, REPOSITORY / "tests/bench/asyncio_herd.py")):
        super().__init__(folder)
        self.graph = graph or FIVE
        self.program = program
        self._floods = 0
        # Updates that each server merged before all links were up: not all of them reached all servers.
        self._merged_before = [0] * len(self.graph)

    def _launch(self) -> None:
        pairs = {name: (self._free_port(), self._free_port()) for name in self.graph}
        self.ports = [clients for clients, _ in pairs.values()]
        words = [f"{name}={clients},{peers}" for name, (clients, peers) in pairs.items()]
        words += [f"{name}-{peer}" for name, peers in self.graph.items() for peer in peers]
        for name in self.graph:
            self._spawn([*self.program, name, *words], name)
        wait_for(self._is_linked, "the servers are linked", START_SECONDS)
        self._merged_before = self.merged()

    def _ask(self, port: int, text: bytes) -> bytes:
        """The first line of the reply, empty if there is none."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 60) as connection:
            connection.sendall(text)
            with connection.makefile("rb") as reply:
                return reply.readline()
        return b""

    def _is_linked(self) -> bool:
        """Whether an update of each server reaches all servers."""
        before = self.merged()
        for port in self.ports:
            self._floods += 1
            self._ask(port, b"IAMAT link%d +1+1 1.0\n" % self._floods)
        time.sleep(0.1)
        return [after - then for after, then in zip(self.merged(), before)] == [len(self.ports)] * len(self.ports)

    def is_converged(self) -> bool:
        """Without digests: all servers have merged the same number of updates."""
        return len(set(self.merged())) == 1

    def merged(self) -> list[int]:
        return [int(self._ask(port, b"COUNT\n") or 0) - before
                for port, before in zip(self.ports, self._merged_before)]


class Bare(Server):
    """The server that only turns lines into AT lines."""

    def _launch(self) -> None:
        self.ports = [self._free_port()]
        self._spawn([sibling("bare-at-server"), str(self.ports[0])], "bare")
        wait_for(lambda: answers(self.ports[0]), "the bare server answers", START_SECONDS, POLL_SECONDS)


class ZmqRelay(Server):
    """Three processes that forward lines over ZeroMQ: two hops, as from Hill over Smith to Campbell."""

    def _launch(self) -> None:
        first, last, middle, end = (self._free_port() for _ in range(4))
        self.ports = [first, last]
        relay = sibling("zmq-relay")
        for words in (["last", end, last], ["middle", middle, end], ["first", first, middle]):
            self._spawn([relay, *map(str, words)], str(words[0]))
        wait_for(lambda: all(map(answers, self.ports)), "the relay answers", START_SECONDS, POLL_SECONDS)


class Nats(Server):
    """Five nats-servers, each linked with each: a message of one reaches the four others in one hop."""

    def _launch(self) -> None:
        self.ports = [self._free_port() for _ in FIVE]
        links = [self._free_port() for _ in FIVE]
        for i, name in enumerate(FIVE):
            config = self.folder / f"{name}.conf"
            routes = ", ".join(f"nats-route://127.0.0.1:{link}" for link in links if link != links[i])
            # The generator answers no PING, so the server must not end silent clients soon.
            config.write_text(f"server_name: {name}\nlisten: 127.0.0.1:{self.ports[i]}\nping_interval: \"10m\"\n"
                              f"cluster {{ name: bench, listen: 127.0.0.1:{links[i]}, routes: [{routes}] }}\n",
                              encoding="utf-8")
            self._spawn([installed("nats-server"), "-c", config], name)
        wait_for(lambda: self.has_died() or all(map(answers, self.ports)), "the nats-servers answer", START_SECONDS,
                 POLL_SECONDS)
        if self.has_died():
            raise Trouble("a nats-server ended right after its start")


def places() -> list[tuple[str, str]]:
    """(latitude, longitude), as text, of every place of the embedded table."""
    table = REPOSITORY / "node/places/data/places.tsv.zst"
    if not shutil.which("zstd"):
        raise Trouble("zstd is missing: run scripts/deps --bench")
    text = subprocess.run(["zstd", "-dc", table], capture_output=True, check=True).stdout.decode()
    rows = (line.split("\t") for line in text.splitlines()[1:])
    return [(row[2], row[3]) for row in rows]
