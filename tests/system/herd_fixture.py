"""Real nodes for system tests: a herd of any shape on free ports with a state directory of its own.

    from herd_fixture import ring

    def test_a_report_reaches_every_node(make_herd):
        herd = make_herd(ring(4))                       # every node started and ready
        assert herd["n0"].say("IAMAT kiwi +1+2 5").startswith("AT n0 ")
        herd.wait_converged()
        herd["n2"].kill()                               # SIGKILL
        herd["n2"].start()
        herd.wait_converged()

The fixture make_herd (conftest.py) guarantees:
- Ports are below 32768, and no other herd uses them at the same time.
- All processes end with the test, also when pytest is killed.
- A node that ends by itself fails the test.
- The logs of all nodes are printed; pytest shows them if the test fails.

Nothing here sleeps for a fixed time: wait_for polls with a deadline. A thread of the node writes the log, so an effect
may be visible elsewhere before its line is in log(): wait for a line with wait_log.

Start nodes from the main thread: the kernel ends them with the thread that started them.
"""
from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, Protocol, overload

import pytest

from herd_ctl.graphs import FIVE, Graph, alone, full, line, names, ring
from herd_ctl.herd import REPOSITORY
from herd_ctl.waiting import TimedOut, wait_for
from herd_lab.hosts import Hosts
from herd_lab.ports import Ports
from herd_lab.private_herd import BusPublic, PrivateHerd, PrivateNode, Settings

__all__ = ["BINARY", "FIVE", "LIGHT", "LONG", "REPOSITORY", "Graph", "Herd", "MakeHerd", "MakeLightHerd", "Node",
           "Ports", "TimedOut", "alone", "full", "herds_that_end", "line", "names", "ring", "wait_for"]

BINARY = os.environ.get("HERD_BIN", str(REPOSITORY / "build/release/bin/herd-node"))
LONG = bool(os.environ.get("HERD_LONG"))  # ./scripts/test --long


class Node(PrivateNode):
    """One node of a Herd, with helpers for tests."""

    herd: Herd

    # Start and stop.

    def start(self, *words: str, wait: bool = True, stderr: IO[bytes] | int | None = None) -> None:
        """Starts it with `words` added to its command line. With `wait` it returns when the node is ready."""
        self.launch(*words, stderr=stderr)
        if wait:
            self.wait_ready()

    def stop(self, seconds: float = 10) -> None:
        """SIGTERM; fails the test unless it ends with status 0 in time."""
        self.may_die = True
        self.process.send_signal(signal.SIGCONT)  # the test may have stopped it
        self.process.terminate()
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            pytest.fail(f"{self.name} did not stop within {seconds} s")
        assert status == 0, f"{self.name} stopped with status {status}"

    def wait_ready(self, seconds: float = 20) -> None:
        def ready() -> bool:
            assert self.is_running, f"{self.name} ended with status {self.process.poll()}:\n{self.log()[-2000:]}"
            return self.is_ready()
        wait_for(ready, f"{self.name} is ready", seconds)

    def wait_places(self, seconds: float = 60) -> None:
        """Waits until the node has read its places. An earlier lookup waits, and fails after `timeout` of [places]."""
        wait_for(lambda: self.status()["places"], f"{self.name} has read its places", seconds)

    def wait_log(self, *parts: str, seconds: float = 20) -> str:
        """Waits until the log contains all of these texts, and returns the log."""
        def all_there() -> str | None:
            log = self.log()
            return log if all(part in log for part in parts) else None
        return wait_for(all_there, lambda: f"{[part for part in parts if part not in self.log()]} in the log", seconds)

    # HTTP.

    def status(self) -> dict[str, Any]:
        """/status.json as a dictionary; fails the test if there is none."""
        status = self.read_status()
        assert status is not None, f"{self.name} does not answer /status.json"
        return status

    def counter(self, name: str) -> int:
        return self.status()["counters"].get(name, 0)

    # Clients.

    def connect(self, seconds: float = 10) -> socket.socket:
        """A client connection. The caller closes it (it is a context manager)."""
        return self.endpoint.connect(seconds)

    @overload
    def say(self, text: str, seconds: float = 10) -> str: ...

    @overload
    def say(self, text: bytes, seconds: float = 10) -> bytes: ...

    def say(self, text: str | bytes, seconds: float = 10) -> str | bytes:
        """Sends the text and half-closes; returns everything that the node sent until it closed: bytes for bytes, else
        text."""
        data = text if isinstance(text, bytes) else text.encode()
        with self.connect(seconds) as connection:
            connection.sendall(data if data.endswith(b"\n") else data + b"\n")
            connection.shutdown(socket.SHUT_WR)
            reply = b"".join(iter(lambda: connection.recv(65536), b""))
        return reply if isinstance(text, bytes) else reply.decode()

    def knows(self, client: str) -> str | None:
        """The AT line that this node sends for the client, None if the client is unknown."""
        reply = self.say(f"WHATSAT {client} 1 0")
        return reply.splitlines()[0] if reply.startswith("AT ") else None

    def close(self) -> str | None:
        """Ends it. Returns a sentence if it had ended by itself or ends badly."""
        if not self.was_launched:
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
    nodes: Mapping[str, Node]

    @classmethod
    def for_test(cls, graph: Graph, settings: Settings | None = None, bus_public: BusPublic | None = None,
                 ports: Ports | None = None, log_level: str | None = "debug", curve: bool = False,
                 hosts: Hosts | None = None) -> Herd:
        """Like create(), with the program that is tested."""
        return cls.create(BINARY, graph, settings, bus_public, ports, log_level, curve=curve, hosts=hosts)

    def __getitem__(self, name: str) -> Node:
        return self.nodes[name]

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes.values())

    @property
    def running(self) -> list[Node]:
        return [node for node in self if node.is_running]

    def start(self, wait: bool = True) -> None:
        """Starts every node that does not run, all at once, so that no node waits for peers that start later."""
        starting = [node for node in self if not node.is_running]
        for node in starting:
            node.start(wait=False)
        if wait:
            for node in starting:
                node.wait_ready()

    def wait_linked(self, seconds: float = 20) -> None:
        """Waits until every link between running nodes is up at both ends."""
        running = {node.name for node in self.running}

        def down() -> list[tuple[str, str]]:
            return [(node.name, peer) for node in self.running for peer, link in node.status()["links"].items()
                    if peer in running and link["state"] != "up"]
        wait_for(lambda: not down(), lambda: f"links up, still down: {down()}", seconds)

    def wait_converged(self, clients: int | None = None, nodes: Sequence[str] | None = None,
                       seconds: float = 30) -> None:
        """Waits until the digests of `nodes` (default: all that run) are equal and, if given, each one has `clients`
        clients."""
        chosen = [self[name] for name in nodes] if nodes else self.running

        def seen() -> dict[str, tuple[str, int]]:
            return {node.name: (status["digest"], status["clients"])
                    for node in chosen for status in [node.status()]}

        def converged() -> bool:
            values = set(seen().values())
            return len(values) == 1 and (clients is None or values.pop()[1] == clients)
        wait_for(converged, lambda: f"one digest for all, {clients or 'any number of'} clients: {seen()}", seconds)

    def close(self) -> None:
        """Ends all nodes and removes the directory. AssertionError if a node had ended by itself."""
        wrong = [problem for problem in [node.close() for node in self] if problem]
        for node in self:
            print(f"----- {node.name}\n{node.log()[-4000:]}")
        self.remove()
        assert not wrong, "; ".join(wrong)


# Settings of nodes that read no places, and start faster.
LIGHT: Settings = {"places": {"providers": ["google"]}}


class MakeLightHerd(Protocol):
    """The type of the fixture make_light_herd: a herd of nodes that read no places, with these sections of the
    configuration."""

    def __call__(self, graph: Graph, start: bool = True, **sections: Mapping[str, Any]) -> Herd: ...


class MakeHerd(Protocol):
    """The type of the fixture make_herd."""

    def __call__(self, graph: Graph = FIVE, start: bool = True, *, settings: Settings | None = None,
                 ports: Ports | None = None, log_level: str | None = "debug", curve: bool = False) -> Herd: ...


@contextlib.contextmanager
def herds_that_end() -> Iterator[MakeHerd]:
    """A function that makes herds. They end with the context, which fails if a node had ended by itself."""
    herds: list[Herd] = []

    def make(graph: Graph = FIVE, start: bool = True, *, settings: Settings | None = None, ports: Ports | None = None,
             log_level: str | None = "debug", curve: bool = False) -> Herd:
        herd = Herd.for_test(graph, settings, ports=ports, log_level=log_level, curve=curve)
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
