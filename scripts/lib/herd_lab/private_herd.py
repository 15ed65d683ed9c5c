"""A private herd: real nodes on free ports with a state directory of their own. This process starts and ends them,
without a supervisor. `prove`, `bench` and the system tests use it (tests/system/herd_fixture.py adds what tests need).

Start nodes from the main thread: the kernel ends them with the thread that started them.
"""
from __future__ import annotations

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from signal import Signals
from typing import IO, Any, Self

from herd_ctl.graphs import Graph

from .endpoint import Endpoint
from .hosts import Host, Hosts
from .keys import HerdKeys
from .ports import Ports
from .processes import end_with_parent

Settings = Mapping[str, Mapping[str, Any]]
BusPublic = Mapping[Any, int]  # the keys are names, or pairs of names


def _toml(value: Any) -> str:
    return json.dumps(value)  # TOML writes strings, numbers, booleans and lists of them as JSON does


class PrivateNode:
    """One node: its ports and, while it runs, its process."""

    def __init__(self, herd: PrivateHerd, name: str, *, clients_port: int, bus_port: int, monitor_port: int,
                 http_port: int):
        self.herd = herd
        self.name = name
        self.clients_port = clients_port
        self.bus_port = bus_port
        self.monitor_port = monitor_port
        self.http_port = http_port
        self.log_path = herd.directory / f"{name}.log"
        self.state_dir = herd.state_dir / "nodes" / name
        self.host: Host | None = herd.hosts[name] if herd.hosts else None
        self.environment: dict[str, str] = {}  # of its process, in addition to the herd's
        # Words before its command line: valgrind, for example.
        self.wrapper: list[str] = self.host.enter if self.host else []
        self.pids: list[int] = []              # of all its processes so far
        self.may_die = False                   # a test ended it
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self, *words: str, stderr: IO[bytes] | int | None = None) -> None:
        """Starts the process, with `words` added to its command line, and does not wait until it is ready.
        `stderr` is a file or a descriptor, instead of that of the log."""
        assert not self.is_running, f"{self.name} runs already"
        self.may_die = False
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(
                [*self.wrapper, self.herd.binary, "--config", self.herd.config_of(self.name), *self.herd.flags, *words,
                 self.name],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log if stderr is None else stderr,
                env=os.environ | self.herd.environment | self.environment,
                preexec_fn=end_with_parent)
        self.pids.append(self._process.pid)

    @property
    def endpoint(self) -> Endpoint:
        """Where its clients connect to."""
        return self.endpoint_of(self.clients_port)

    def endpoint_of(self, port: int) -> Endpoint:
        return Endpoint(port, self.host.namespace if self.host else None)

    @property
    def bus_url(self) -> str:
        """`bus` of its configuration."""
        return self.host.url(self.bus_port) if self.host else f"tcp://127.0.0.1:{self.bus_port}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that was launched last; it may have ended."""
        assert self._process is not None, f"{self.name} was never launched"
        return self._process

    @property
    def was_launched(self) -> bool:
        return self._process is not None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def signal(self, number: Signals) -> None:
        """For SIGHUP, SIGSTOP and SIGCONT. Signals that end the process have functions of their own."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL: for the other nodes the same as a crash. Returns when the process has ended."""
        self.may_die = True
        self.process.kill()
        self.process.wait()

    def forget(self) -> None:
        """Removes the state of a node that does not run: it starts again as a new one."""
        shutil.rmtree(self.state_dir)

    def backup(self, number: int) -> pathlib.Path:
        return self.herd.directory / f"{self.name}.backup-{number}"

    def back_up(self, number: int) -> None:
        """Copies the journal while the node may be writing it, as the backup of an operator does."""
        with contextlib.suppress(FileNotFoundError):  # the node was launched a moment ago
            shutil.copyfile(self.state_dir / "journal", self.backup(number))

    def restore(self, number: int) -> None:
        """Puts that copy back. The node must not run."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.backup(number), self.state_dir / "journal")

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def get(self, path: str) -> tuple[int | None, str]:
        """(status, body) of a GET; (None, "") if there is no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port)
        try:
            connection.sock = self.endpoint_of(self.http_port).connect(5)
            connection.request("GET", path)
            reply = connection.getresponse()
            return reply.status, reply.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            return None, ""
        finally:
            connection.close()

    def is_ready(self) -> bool:
        return self.get("/readyz")[0] == 200

    def read_status(self) -> dict[str, Any] | None:
        """/status.json as a dictionary; None if there is no answer."""
        code, body = self.get("/status.json")
        return json.loads(body) if code == 200 else None


class PrivateHerd:
    """Nodes of one configuration. A graph is {name: [peers]}; a link that is named at one of its ends is a link.

    `settings` are sections of the configuration: {"clients": {"max_future": "1s"}}.
    `bus_public` gives the peers of a node another port to connect to, that of a proxy for example: {"n0": port}. With a
    pair of names it is for one of the peers alone: {("n1", "n0"): port}. Then n1 has a configuration of its own.
    `directory` holds the configuration, the logs and the state.
    Without `log_level` the configured level counts. Without `monitor` the nodes have no monitor.
    With `curve` the bus is encrypted: `keys` has the keys. Without it measurements stay comparable with older ones.
    `hosts` has a host for each node, by its name, on which it runs; this needs `curve`. Ports for clients and HTTP are
    those of the loopback address of that host: see PrivateNode.endpoint.
    """

    NODE = PrivateNode

    def __init__(self, binary: str | pathlib.Path, graph: Graph, *, directory: pathlib.Path, ports: Ports,
                 settings: Settings, bus_public: BusPublic, log_level: str | None, monitor: bool, curve: bool,
                 hosts: Hosts | None):
        """For create(): the herd has no nodes and no configuration before write_config()."""
        self.binary = binary
        self.graph = dict(graph)
        self.directory = directory
        self.state_dir = directory / "state"
        self.config_path = directory / "herd.toml"
        # No API key of the user who starts this: a test uses up no quota, and nothing leaves this host.
        self.environment = {"HERD_STATE_DIR": str(self.state_dir), "GOOGLE_PLACES_API_KEY": ""}
        self.flags = ["--log-level", log_level] if log_level else []
        self.ports = ports
        self.settings = settings
        self.bus_public = bus_public
        self.monitor = monitor
        self.hosts = hosts
        self.keys = HerdKeys(self.state_dir / "keys", binary) if curve else None
        self.nodes: Mapping[str, PrivateNode] = {}

    @classmethod
    def create(cls, binary: str | pathlib.Path, graph: Graph, settings: Settings | None = None,
               bus_public: BusPublic | None = None, ports: Ports | None = None, log_level: str | None = "info",
               directory: pathlib.Path | None = None, monitor: bool = True, curve: bool = False,
               hosts: Hosts | None = None) -> Self:
        """Takes ports and writes the configuration. Starts no node. Without `directory` it makes a temporary one."""
        # A short path, because the socket of a supervisor in it must fit in 100 bytes.
        herd = cls(binary, graph, directory=directory or pathlib.Path(tempfile.mkdtemp(prefix="herd-")),
                   ports=ports or Ports.claim(), settings=settings or {}, bus_public=bus_public or {},
                   log_level=log_level, monitor=monitor, curve=curve, hosts=hosts)
        herd.write_config()
        return herd

    def __getitem__(self, name: str) -> PrivateNode:
        return self.nodes[name]

    def __iter__(self) -> Iterator[PrivateNode]:
        return iter(self.nodes.values())

    @property
    def running(self) -> Sequence[PrivateNode]:
        return [node for node in self if node.is_running]

    def config_text(self, reader: str | None = None) -> str:
        """The configuration that the node `reader` reads, or without it the nodes that have no configuration of their
        own."""
        lines = []
        curve: Mapping[str, Any] = {"curve": self.keys is not None}
        settings: Settings = {**self.settings, "bus": {**curve, **self.settings.get("bus", {})}}
        for section, keys in settings.items():
            lines += [f"[{section}]", *(f"{key} = {_toml(value)}" for key, value in keys.items()), ""]
        for name, peers in self.graph.items():
            node = self.nodes[name]
            lines += ["[[node]]", f'name = "{name}"', f'clients = "127.0.0.1:{node.clients_port}"',
                      f'bus = "{node.bus_url}"']
            if self.monitor:
                lines.append(f'monitor = "tcp://127.0.0.1:{node.monitor_port}"')
            lines += [f'http = "127.0.0.1:{node.http_port}"', f"peers = {_toml(peers)}"]
            public = self.bus_public.get((reader, name), self.bus_public.get(name))
            if public:
                lines.append(f'bus_public = "tcp://127.0.0.1:{public}"')
            lines.append("")
        return "\n".join(lines)

    def write_config(self) -> None:
        """Call it again after a change of graph, settings or bus_public. Running nodes read it after SIGHUP or a
        restart."""
        new = [name for name in self.graph if name not in self.nodes]
        if self.keys:
            self.keys.add(new)
        self.nodes = {**self.nodes, **{name: self._new_node(name) for name in new}}
        self.config_path.write_text(self.config_text())
        for name in self.graph:
            if self.config_of(name) != self.config_path:
                self.config_of(name).write_text(self.config_text(name))

    def _new_node(self, name: str) -> PrivateNode:
        take = self.ports.take
        return self.NODE(self, name, clients_port=take(), bus_port=take(), monitor_port=take(), http_port=take())

    def config_of(self, name: str) -> pathlib.Path:
        """The configuration that the node reads."""
        own = any(isinstance(lane, tuple) and lane[0] == name for lane in self.bus_public)
        return self.directory / f"{name}.toml" if own else self.config_path

    def remove(self) -> None:
        """Gives the ports back and removes the directory. No node may run."""
        self.ports.close()
        shutil.rmtree(self.directory, ignore_errors=True)
