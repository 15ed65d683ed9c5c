"""Real nodes for system tests: a herd of any shape on free ports with a state directory of its own.

    from herd_fixture import make_herd, ring            # the import is what makes pytest know the fixture

    def test_a_report_reaches_every_node(make_herd):
        herd = make_herd(ring(4))                       # every node started and ready
        assert herd["n0"].say("IAMAT kiwi +1+2 5").startswith("AT n0 ")
        herd.wait_converged()
        herd["n2"].kill()                               # SIGKILL
        herd["n2"].start()
        herd.wait_converged()

What it promises: ports lie below 32768 and are nobody else's while the herd lives; whatever was started ends with the
test, also when pytest is killed; a node that died without being asked to fails the test; the logs of all nodes are
printed, which pytest shows if the test fails. Nothing here sleeps for a fixed time: wait_for polls with a deadline.

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
import time

import pytest

BINARY = os.environ.get("HERD_BIN", str(pathlib.Path(__file__).resolve().parents[2] / "build/release/bin/herd-node"))
LONG = bool(os.environ.get("HERD_LONG"))  # ./scripts/test --long

# The herd of conf/herd.toml. A graph is {name: [peers]}; a link named on one side is a link.
FIVE = {"Hill": ["Jaquez", "Smith"], "Jaquez": ["Singleton"], "Smith": ["Campbell", "Singleton"],
        "Campbell": ["Singleton"], "Singleton": []}


def names(count):
    return [f"n{i}" for i in range(count)]


def alone(count):
    """Nodes without any link."""
    return {name: [] for name in names(count)}


def line(count):
    return {f"n{i}": [f"n{i + 1}"] if i + 1 < count else [] for i in range(count)}


def ring(count):
    """At least three nodes."""
    return {f"n{i}": [f"n{(i + 1) % count}"] for i in range(count)}


def full(count):
    """Every node linked with every other."""
    return {f"n{i}": [f"n{j}" for j in range(i + 1, count)] for i in range(count)}


def wait_for(condition, what, seconds=20):
    """Returns the first true value of condition(); fails the test if none came within `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.01)


class Ports:
    """A block of free ports. An abstract socket named after it keeps other tests away and ends with the process."""

    FIRST, LAST, BLOCK = 15_000, 32_000, 500  # below 32768, where the kernel takes ports for outgoing connections

    def __init__(self):
        blocks = list(range(self.FIRST, self.LAST, self.BLOCK))
        random.shuffle(blocks)
        for first in blocks:
            self._claim = socket.socket(socket.AF_UNIX)
            try:
                self._claim.bind(f"\0herd-test-ports-{first}")
            except OSError:
                self._claim.close()
                continue
            self._next = iter(range(first, first + self.BLOCK))
            return
        raise RuntimeError("every block of test ports is taken")

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


class Node:
    """One node of a Herd: its ports and, while it runs, its process."""

    def __init__(self, herd, name):
        self.herd = herd
        self.name = name
        self.clients_port, self.bus_port, self.monitor_port, self.http_port = (herd.ports.take() for _ in range(4))
        self.log_path = herd.directory / f"{name}.log"
        self.process = None
        self._may_die = False

    # Its life.

    def start(self, wait=True):
        """Starts it; with `wait`, returns when it is ready."""
        assert not self.is_running, f"{self.name} runs already"
        self._may_die = False
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [BINARY, "--config", self.herd.config_path, *self.herd.flags, self.name],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | self.herd.environment,
                preexec_fn=_end_with_parent)
        if wait:
            self.wait_ready()

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        """For SIGHUP, SIGSTOP, SIGCONT; stop() and kill() end it."""
        self.process.send_signal(number)

    def kill(self):
        """SIGKILL: what a crash is to the others."""
        self._may_die = True
        self.process.kill()
        self.process.wait()

    def forget(self):
        """Loses the state of a node that does not run: it starts again as a new one."""
        shutil.rmtree(self.herd.state_dir / "nodes" / self.name)

    def stop(self, seconds=10):
        """SIGTERM; fails the test unless it ends with status 0 in time."""
        self._may_die = True
        self.process.send_signal(signal.SIGCONT)  # in case the test has stopped it
        self.process.terminate()
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            pytest.fail(f"{self.name} did not stop within {seconds} s")
        assert status == 0, f"{self.name} stopped with status {status}"

    def wait_ready(self, seconds=20):
        def ready():
            assert self.is_running, f"{self.name} ended with status {self.process.poll()}:\n{self.log()[-2000:]}"
            return self.get("/readyz")[0] == 200
        wait_for(ready, f"{self.name} is ready", seconds)

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # HTTP.

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

    def status(self):
        """/status.json as a dictionary; fails the test if there is none."""
        code, body = self.get("/status.json")
        assert code == 200, f"{self.name}: /status.json answers {code}"
        return json.loads(body)

    def counter(self, name):
        return self.status()["counters"].get(name, 0)

    # Clients.

    def connect(self, seconds=10):
        """A client's connection, to be closed by the caller (it is a context manager)."""
        return socket.create_connection(("127.0.0.1", self.clients_port), timeout=seconds)

    def say(self, text, seconds=10):
        """Sends the text and half-closes: all that the node replied until it closed. Bytes for bytes, else text."""
        data = text if isinstance(text, bytes) else text.encode()
        with self.connect(seconds) as connection:
            connection.sendall(data if data.endswith(b"\n") else data + b"\n")
            connection.shutdown(socket.SHUT_WR)
            reply = b"".join(iter(lambda: connection.recv(65536), b""))
        return reply if isinstance(text, bytes) else reply.decode()

    def knows(self, client):
        """The AT line of the client as this node would tell it, None if it does not know it."""
        reply = self.say(f"WHATSAT {client} 1 0")
        return reply.splitlines()[0] if reply.startswith("AT ") else None

    def close(self):
        """Ends it; returns what was wrong with how it ended before, if anything."""
        if self.process is None:
            return None
        status = self.process.poll()
        if status is not None:
            return None if self._may_die else f"{self.name} ended by itself with status {status}"
        try:
            self.stop()
        except (AssertionError, pytest.fail.Exception) as wrong:
            return str(wrong)
        return None


def _end_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Herd:
    """Nodes of one configuration. `settings` are sections of it: {"clients": {"max_future": "1s"}}; `bus_public`
    tells peers of a node to connect elsewhere, to a proxy for example: {"n0": port}."""

    def __init__(self, graph, settings=None, bus_public=None, ports=None, log_level="debug"):
        # A short path, because the supervisor's socket must fit in 100 bytes.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="herd-"))
        self.state_dir = self.directory / "state"
        self.config_path = self.directory / "herd.toml"
        # No key of whoever runs the tests: nobody's quota is spent, and nothing leaves this host.
        self.environment = {"HERD_STATE_DIR": str(self.state_dir), "GOOGLE_PLACES_API_KEY": ""}
        self.flags = ["--log-level", log_level] if log_level else []  # without, the configured one counts
        self.ports = ports or Ports()
        self.graph = dict(graph)
        self.settings = settings or {}
        self.bus_public = bus_public or {}
        self.nodes = {name: Node(self, name) for name in graph}
        self.write_config()

    def __getitem__(self, name):
        return self.nodes[name]

    def __iter__(self):
        return iter(self.nodes.values())

    @property
    def running(self):
        return [node for node in self if node.is_running]

    def config_text(self):
        lines = []
        for section, keys in self.settings.items():
            lines += [f"[{section}]", *(f"{key} = {_toml(value)}" for key, value in keys.items()), ""]
        for name, peers in self.graph.items():
            node = self.nodes[name]
            lines += ["[[node]]", f'name = "{name}"', f'clients = "127.0.0.1:{node.clients_port}"',
                      f'bus = "tcp://127.0.0.1:{node.bus_port}"', f'monitor = "tcp://127.0.0.1:{node.monitor_port}"',
                      f'http = "127.0.0.1:{node.http_port}"', f"peers = {_toml(peers)}"]
            if name in self.bus_public:
                lines.append(f'bus_public = "tcp://127.0.0.1:{self.bus_public[name]}"')
            lines.append("")
        return "\n".join(lines)

    def write_config(self):
        """Again after a change of graph, settings or bus_public; running nodes see it by SIGHUP or a restart."""
        for name in self.graph:
            if name not in self.nodes:
                self.nodes[name] = Node(self, name)
        self.config_path.write_text(self.config_text())

    def start(self, wait=True):
        """Starts every node that does not run; all at once, so that none waits for peers in vain."""
        starting = [node for node in self if not node.is_running]
        for node in starting:
            node.start(wait=False)
        if wait:
            for node in starting:
                node.wait_ready()

    def wait_linked(self, seconds=20):
        """Until every link between running nodes is up in the eyes of both."""
        running = {node.name for node in self.running}

        def down():
            return [(node.name, peer) for node in self.running for peer, link in node.status()["links"].items()
                    if peer in running and link["state"] != "up"]
        wait_for(lambda: not down(), lambda: f"links up, still down: {down()}", seconds)

    def wait_converged(self, clients=None, nodes=None, seconds=30):
        """Until the digests of the nodes (all that run) are equal and, if given, they know that many clients."""
        chosen = [self[name] for name in nodes] if nodes else self.running

        def seen():
            return {node.name: (status["digest"], status["clients"])
                    for node in chosen for status in [node.status()]}

        def converged():
            values = set(seen().values())
            return len(values) == 1 and (clients is None or values.pop()[1] == clients)
        wait_for(converged, lambda: f"one digest for all, {clients or 'any number of'} clients: {seen()}", seconds)

    def close(self):
        """Ends all and forgets the directory; an AssertionError if a node had died by itself."""
        wrong = [problem for problem in [node.close() for node in self] if problem]
        for node in self:
            print(f"----- {node.name}\n{node.log()[-4000:]}")
        self.ports.close()
        shutil.rmtree(self.directory, ignore_errors=True)
        assert not wrong, "; ".join(wrong)


@pytest.fixture
def make_herd():
    """make_herd(graph=FIVE, start=True, **arguments of Herd): a herd that ends with the test."""
    herds = []

    def make(graph=None, start=True, **arguments):
        herd = Herd(FIVE if graph is None else graph, **arguments)
        herds.append(herd)
        if start:
            herd.start()
        return herd

    yield make
    problems = []
    for herd in herds:
        try:
            herd.close()
        except AssertionError as problem:
            problems.append(str(problem))
    assert not problems, "; ".join(problems)
