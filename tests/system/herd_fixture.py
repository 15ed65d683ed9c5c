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

A node's log() is written by a thread of its own: what a node does may be visible elsewhere a moment before it is there,
so wait for a line, or let wait_log do it.

Nodes must be started from the main thread: the kernel ends them with the thread that started them.
"""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "scripts/lib"))

from herd_lab.private_herd import Ports, PrivateHerd, PrivateNode  # noqa: E402, F401

BINARY = os.environ.get("HERD_BIN", str(REPOSITORY / "build/release/bin/herd-node"))
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


class Node(PrivateNode):
    """One node of a Herd, with what tests ask of it."""

    # Its life.

    def start(self, *words, wait=True, stderr=None):
        """Starts it, with more words on its command line; with `wait`, returns when it is ready."""
        self.launch(*words, stderr=stderr)
        if wait:
            self.wait_ready()

    def stop(self, seconds=10):
        """SIGTERM; fails the test unless it ends with status 0 in time."""
        self.may_die = True
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

    def wait_log(self, *parts, seconds=20):
        """The log, once it has all of these texts."""
        def all_there():
            log = self.log()
            return all(part in log for part in parts) and log
        return wait_for(all_there, lambda: f"{[part for part in parts if part not in self.log()]} in the log", seconds)

    # HTTP.

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
            return None if self.may_die else f"{self.name} ended by itself with status {status}"
        try:
            self.stop()
        except (AssertionError, pytest.fail.Exception) as wrong:
            return str(wrong)
        return None


class Herd(PrivateHerd):
    """Nodes of one configuration, see PrivateHerd."""

    NODE = Node

    def __init__(self, graph, *more, log_level="debug", **arguments):
        super().__init__(BINARY, graph, *more, log_level=log_level, **arguments)

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
        self.remove()
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
