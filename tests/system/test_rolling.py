"""Tests `scripts/herd restart --rolling` under load: clients that reconnect go on, and no acknowledged report is
lost."""
from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator

import pytest

from herd_control import Control, MakeControl
from herd_fixture import Node, wait_for

CLIENTS = 4
LONGEST_GAP = 20.0  # seconds without an answer; a node restarts in less than one, on a busy machine in some
LIGHT = {"places": {"providers": ["google"]}}  # without a key: the nodes read no places


class Client(threading.Thread):
    """Reports again and again. When its connection ends it goes to the next node, and repeats the report that was not
    answered."""

    def __init__(self, name: str, nodes: list[Node], first: int):
        super().__init__()
        self.client = name
        self.nodes = nodes
        self.at = first
        self.acknowledged = 0   # the number of the newest report that was answered; it is its time in seconds
        self.moves = -1         # times that it had to connect anew
        self.ends = threading.Event()
        self.trouble = ""

    def run(self) -> None:
        answered = time.monotonic()
        while not self.ends.is_set():
            try:
                for _ in self._reports():
                    answered = time.monotonic()
            except (OSError, ValueError):
                self.at += 1
            if time.monotonic() - answered > LONGEST_GAP:
                self.trouble = f"{self.client} got no answer for {LONGEST_GAP} s"
                return

    def _reports(self) -> Iterator[int]:
        """One connection. ValueError when it is closed."""
        node = self.nodes[self.at % len(self.nodes)]
        with node.connect(LONGEST_GAP / 4) as connection, connection.makefile("r") as stream:
            self.moves += 1
            while not self.ends.is_set():
                number = self.acknowledged + 1
                connection.sendall(f"IAMAT {self.client} +1-2 {number}\n".encode())
                reply = stream.readline()
                if not reply.endswith("\n"):
                    raise ValueError("closed")
                if not re.fullmatch(rf"(AT \S+ \S+ {self.client} \+1-2 {number}|IGNORE)\n", reply):
                    self.trouble = f"{self.client} got {reply!r} for report {number}"
                    self.ends.set()
                    return
                self.acknowledged = number
                yield number


@pytest.fixture(name="control")
def light_herd(make_control: MakeControl) -> Control:
    control = make_control(3)
    control.herd.settings = LIGHT
    control.herd.write_config()
    return control


def test_a_rolling_restart_under_load_loses_no_client_and_no_acknowledged_report(control: Control) -> None:
    control.run("up")
    before = control.pids()
    nodes = list(control.herd)
    clients = [Client(f"client{number}", nodes, number) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        wait_for(lambda: all(client.acknowledged > 0 for client in clients), "all clients report")
        output = control.run("restart", "--rolling")
        reached = [client.acknowledged for client in clients]
        wait_for(lambda: all(client.trouble or client.acknowledged > number
                             for client, number in zip(clients, reached)), "all clients go on")
    finally:
        for client in clients:
            client.ends.set()
        for client in clients:
            client.join()
    assert re.findall(r"^(\w+) is back$", output, re.M) == ["n0", "n1", "n2"]
    assert all(pid and pid != before[name] for name, pid in control.pids().items())
    assert not [client.trouble for client in clients if client.trouble]
    assert all(client.moves >= 1 for client in clients)  # each met at least one restart
    for client in clients:
        def known(wanted: str = client.client) -> set[int]:
            lines = {node.say(f"WHEREIS {wanted}") for node in nodes}
            return {int(line.split()[-1]) for line in lines if line.startswith("AT ")}
        wait_for(lambda: len(known()) == 1, f"all nodes have the same record of {client.client}")
        assert known().pop() >= client.acknowledged  # an unanswered last report may be stored, too
    assert all("event=feed_renewed" not in log.read_text()
               for log in (control.herd.state_dir / "logs").glob("n*.log"))


def test_a_rolling_restart_ends_at_the_first_node_that_does_not_come_back(control: Control) -> None:
    control.run("up")
    before = control.pids()
    journal = control.herd["n1"].state_dir / "journal"
    control.run("down", "n1")
    journal.write_bytes(b"HJ99 of a release that does not exist yet")
    process = control.popen("restart", "--rolling", "n1", "n2")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "it was written by a newer release of herd, in format HJ99" in errors
    after = control.pids()
    assert after["n2"] == before["n2"] and after["n0"] == before["n0"]
    journal.unlink()
