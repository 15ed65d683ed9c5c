"""Tests watchers that do not read while the node is loaded as much as it can be: their memory is bounded, others are
served, and when they read in the end, each of them believes exactly what is true.

The ordinary run has 60 watchers and a few seconds of load; `scripts/test --long` has 1,000 and ten minutes."""
import pathlib
import subprocess
from collections.abc import Iterator

import pytest

from herd_fixture import BINARY, LONG, MakeHerd, Node, alone, wait_for
from talk import resident_memory, settled_memory
from test_clients_that_do_not_read import connect_with_small_buffer
from test_hostile_clients import Bystander

LOAD = pathlib.Path(BINARY).parent / "herd-load"
WATCHERS = 1_000 if LONG else 60
SECONDS = 600 if LONG else 3
CLIENTS = 100_000 if LONG else 20_000  # half of them in 200 cities
OF_EACH = 192 << 10  # the limit of the reply buffer, and the members
SLACK = 64 << 20

Members = dict[str, str]  # the AT line of each client


class Watcher:
    """One WATCH on a connection that reads only when it is asked to."""

    def __init__(self, node: Node, what: str):
        self.what = what
        self.members: Members = {}
        self.events = 0
        self._unread = b""
        self._connection = connect_with_small_buffer(node)
        self._connection.sendall(f"WATCH w {what}\n".encode())

    def read(self) -> bool:
        """Reads what has come. Returns False if that is nothing."""
        self._connection.setblocking(False)
        try:
            data = self._connection.recv(1 << 20)
        except BlockingIOError:
            return False
        assert data, f"{self.what}: the node has ended the connection"
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            self._apply(line.decode())
        return True

    def close(self) -> None:
        self._connection.close()

    def _apply(self, line: str) -> None:
        words = line.split(" ")
        if words[0] != "!" or words[3] in ("READY", "TICK"):
            return
        self.events += 1
        assert words[3] in ("HERE", "ENTER", "MOVE", "LEAVE"), line
        at_line = line[line.index("AT "):]
        client = at_line.split(" ")[3]
        if words[3] == "LEAVE":
            self.members.pop(client, None)
        else:
            self.members[client] = at_line


@pytest.fixture(name="node")
def node_with_clients(make_herd: MakeHerd) -> Iterator[Node]:
    if not LOAD.exists():
        pytest.skip(f"{LOAD} is missing: build all")
    settings = {"clients": {"idle_timeout": "3600s", "max_connections": 2_000}}
    node = make_herd(alone(1), log_level="info", settings=settings)["n0"]
    load(node, "--count", str(CLIENTS))
    yield node


def load(node: Node, *options: str) -> None:
    """Reports moving clients as fast as the node answers; every reply is checked."""
    subprocess.run([LOAD, "iamat", "--to", f"127.0.0.1:{node.clients_port}", "--connections", "16", "--warm-up", "0",
                    "--clients", str(CLIENTS), "--cities", "200", "--in-cities", str(CLIENTS // 2), *options],
                   check=True, stdout=subprocess.DEVNULL, timeout=SECONDS + 60)


def all_pages(node: Node, query: str, options: str = "") -> Iterator[str]:
    """The lines of an answer of any length."""
    cursor = ""
    while True:
        *lines, end = node.say(f"{query} 1000 {options}{cursor}").splitlines()
        yield from lines
        words = end.split()
        assert words[0] == "END", end
        if len(words) == 2:
            return
        cursor = f" after={words[2]}"


def truth(node: Node, what: str) -> Members:
    kind, *operands = what.split()
    if kind == "CLIENT":
        lines = [node.say(f"WHEREIS {operands[0]}").splitlines()[0]]
    elif kind == "ALL":
        lines = list(all_pages(node, "WITHIN -90-180 +90+180", operands[0]))
    else:
        lines = list(all_pages(node, what))
    at_lines = [line[line.index("AT "):] for line in lines]
    return {line.split(" ")[3]: line for line in at_lines}


def questions(node: Node) -> list[str]:
    """What the watchers watch: circles and boxes with many clients, one client, and those with a prefix."""
    clients = [line.split(" ")[3:5] for line in all_pages(node, "WITHIN +20-130 +60+40")]
    names, places = zip(*clients, strict=True)
    prefix = names[0][:-3]
    return [f"NEAR {places[0]} 300", "WITHIN +30-10 +55+20", f"CLIENT {names[1]}", f"ALL match={prefix}*",
            f"NEAR {places[2]} 2000"]


def test_watchers_that_read_nothing_cost_a_bounded_memory_and_know_the_truth_in_the_end(node: Node) -> None:
    kinds = questions(node)
    watchers = [Watcher(node, kinds[number % len(kinds)]) for number in range(WATCHERS)]
    wait_for(lambda: node.status()["watches"]["watches"] == WATCHERS, "all watch")
    settled_memory(node)
    before = resident_memory(node)
    try:
        with Bystander.start(node) as bystander:
            load(node, "--seconds", str(SECONDS))
        bystander.assert_served(p99=0.5)
        grown = resident_memory(node) - before
        assert grown < WATCHERS * OF_EACH + SLACK
        known = {what: truth(node, what) for what in kinds}

        def all_is_known() -> bool:
            while any([watcher.read() for watcher in watchers]):
                pass
            return all(watcher.members == known[watcher.what] for watcher in watchers)
        wait_for(all_is_known, "each watcher believes what is true", seconds=120)
    finally:
        for watcher in watchers:
            watcher.close()
    print(f"{WATCHERS} watchers, {grown / WATCHERS / 1024:.0f} KiB each; "
          f"{sum(watcher.events for watcher in watchers)} events; members: {[len(known[what]) for what in kinds]}")
