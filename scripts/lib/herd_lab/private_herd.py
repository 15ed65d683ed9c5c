"""A herd of one's own: real nodes on free ports with a state directory of their own, started and ended by this process
without any supervisor. For `herd prove` and, with more around it, for the system tests (tests/system/herd_fixture.py).

Nodes must be started from the main thread: the kernel ends them with the thread that started them.
"""
import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile

PR_SET_PDEATHSIG = 1


class Ports:
    """A block of free ports. An abstract socket named after it keeps other herds away and ends with the process."""

    FIRST, LAST, BLOCK = 15_000, 32_000, 500  # below 32768, where the kernel takes ports for outgoing connections

    def __init__(self):
        blocks = list(range(self.FIRST, self.LAST, self.BLOCK))
        random.SystemRandom().shuffle(blocks)
        for first in blocks:
            self._claim = socket.socket(socket.AF_UNIX)
            try:
                self._claim.bind(f"\0herd-test-ports-{first}")
            except OSError:
                self._claim.close()
                continue
            self._next = iter(range(first, first + self.BLOCK))
            return
        raise RuntimeError("every block of private ports is taken")

    def take(self):
        """The next port that nobody listens on."""
        for port in self._next:
            with socket.socket() as attempt:
                attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                with contextlib.suppress(OSError):
                    attempt.bind(("127.0.0.1", port))
                    return port
        raise RuntimeError("no free port left in this block")

    def close(self):
        self._claim.close()


def _toml(value):
    return json.dumps(value)  # strings, numbers, booleans and lists of them are written alike


def _end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class PrivateNode:
    """One node: its ports and, while it runs, its process."""

    def __init__(self, herd, name):
        self.herd = herd
        self.name = name
        self.clients_port, self.bus_port, self.monitor_port, self.http_port = (herd.ports.take() for _ in range(4))
        self.log_path = herd.directory / f"{name}.log"
        self.state_dir = herd.state_dir / "nodes" / name
        self.environment = {}  # of its process, besides the herd's
        self.pids = []         # of all its processes so far
        self.process = None
        self.may_die = False  # it was asked to

    def launch(self, *words, stderr=None):
        """Starts the process, with more words on its command line, and does not wait for it. `stderr` is a file or a
        descriptor, instead of the log's."""
        assert not self.is_running, f"{self.name} runs already"
        self.may_die = False
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.herd.binary, "--config", self.herd.config_of(self.name), *self.herd.flags, *words, self.name],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log if stderr is None else stderr,
                env=os.environ | self.herd.environment | self.environment,
                preexec_fn=_end_with_parent)
        self.pids.append(self.process.pid)

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        """For SIGHUP, SIGSTOP, SIGCONT; what ends it has a function of its own."""
        self.process.send_signal(number)

    def kill(self):
        """SIGKILL: what a crash is to the others."""
        self.may_die = True
        self.process.kill()
        self.process.wait()

    def forget(self):
        """Loses the state of a node that does not run: it starts again as a new one."""
        shutil.rmtree(self.state_dir)

    def backup(self, number):
        return self.herd.directory / f"{self.name}.backup-{number}"

    def back_up(self, number):
        """Copies the journal while the node may be writing it: what an operator's backup does."""
        with contextlib.suppress(FileNotFoundError):  # it has just been launched
            shutil.copyfile(self.state_dir / "journal", self.backup(number))

    def restore(self, number):
        """Puts that copy back, of a node that does not run."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.backup(number), self.state_dir / "journal")

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def get(self, path):
        """(status, body) of a GET; (None, "") if nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=5)
        try:
            connection.request("GET", path)
            reply = connection.getresponse()
            return reply.status, reply.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            return None, ""
        finally:
            connection.close()


class PrivateHerd:
    """Nodes of one configuration. A graph is {name: [peers]}; a link named on one side is a link. `settings` are
    sections of the configuration: {"clients": {"max_future": "1s"}}; `bus_public` tells peers of a node to connect
    elsewhere, to a proxy for example: {"n0": port}, or one of its peers alone: {("n1", "n0"): port}, which gives n1 a
    configuration of its own."""

    NODE = PrivateNode

    def __init__(self, binary, graph, settings=None, bus_public=None, ports=None, log_level="info"):
        # A short path, because a supervisor's socket must fit in 100 bytes.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="herd-"))
        self.binary = binary
        self.state_dir = self.directory / "state"
        self.config_path = self.directory / "herd.toml"
        # No key of whoever starts this: nobody's quota is spent, and nothing leaves this host.
        self.environment = {"HERD_STATE_DIR": str(self.state_dir), "GOOGLE_PLACES_API_KEY": ""}
        self.flags = ["--log-level", log_level] if log_level else []  # without, the configured one counts
        self.ports = ports or Ports()
        self.graph = dict(graph)
        self.settings = settings or {}
        self.bus_public = bus_public or {}
        self.nodes = {name: self.NODE(self, name) for name in graph}
        self.write_config()

    def __getitem__(self, name):
        return self.nodes[name]

    def __iter__(self):
        return iter(self.nodes.values())

    @property
    def running(self):
        return [node for node in self if node.is_running]

    def config_text(self, reader=None):
        """What `reader` is told, or all who have no configuration of their own."""
        lines = []
        for section, keys in self.settings.items():
            lines += [f"[{section}]", *(f"{key} = {_toml(value)}" for key, value in keys.items()), ""]
        for name, peers in self.graph.items():
            node = self.nodes[name]
            lines += ["[[node]]", f'name = "{name}"', f'clients = "127.0.0.1:{node.clients_port}"',
                      f'bus = "tcp://127.0.0.1:{node.bus_port}"', f'monitor = "tcp://127.0.0.1:{node.monitor_port}"',
                      f'http = "127.0.0.1:{node.http_port}"', f"peers = {_toml(peers)}"]
            public = self.bus_public.get((reader, name), self.bus_public.get(name))
            if public:
                lines.append(f'bus_public = "tcp://127.0.0.1:{public}"')
            lines.append("")
        return "\n".join(lines)

    def write_config(self):
        """Again after a change of graph, settings or bus_public; running nodes see it by SIGHUP or a restart."""
        for name in self.graph:
            if name not in self.nodes:
                self.nodes[name] = self.NODE(self, name)
        self.config_path.write_text(self.config_text())
        for name in self.graph:
            if self.config_of(name) != self.config_path:
                self.config_of(name).write_text(self.config_text(name))

    def config_of(self, name):
        """The configuration that the node reads."""
        alone = any(isinstance(lane, tuple) and lane[0] == name for lane in self.bus_public)
        return self.directory / f"{name}.toml" if alone else self.config_path

    def remove(self):
        """Gives the ports back and removes the directory, once no node runs."""
        self.ports.close()
        shutil.rmtree(self.directory, ignore_errors=True)
