"""Tests herd-sink while PostgreSQL is away for long: clients go on reporting, and neither the sink
nor the node keeps what it cannot write. HERD_AWAY_SECONDS sets for how long, such as 3600."""
import os
import pathlib
import threading
import time
from collections.abc import Iterator

import pytest
from herd_fixture import LONG, MakeLightHerd, Node, alone
from postgres_server import PostgresServer, running_server
from sinks import SECONDS, SinkProcess, check_history, database_sink, state, wait_equal
from talk import now, resident_memory

AWAY_SECONDS = float(os.environ.get("HERD_AWAY_SECONDS", "60"))
CLIENTS = 300
AT_ONCE = 20  # reports
RATE = 100  # reports a second
SAMPLE_SECONDS = 2.0
LONGEST_PAUSE = 15.0  # seconds between two attempts of the sink, docs/SINK.md
MIB = 1 << 20

pytestmark = pytest.mark.skipif(
    not LONG and "HERD_AWAY_SECONDS" not in os.environ,
    reason="takes minutes: set HERD_AWAY_SECONDS",
)


@pytest.fixture(name="server")
def own_server() -> Iterator[PostgresServer]:
    with running_server() as server:
        yield server


class Walkers(threading.Thread):
    """CLIENTS clients that report in turn, RATE reports a second in all. Each report is
    acknowledged, and is a change of the feed."""

    def __init__(self, node: Node):
        super().__init__()
        self._node = node
        self._ends = threading.Event()
        self.sent_count = 0
        self.problem: Exception | None = None

    def __enter__(self) -> "Walkers":
        return self

    def __exit__(self, *_error: object) -> None:
        self._ends.set()
        if self.is_alive():
            self.join()

    def report(self, count: int) -> None:
        """The next reports, over one connection."""
        reports = range(self.sent_count, self.sent_count + count)
        text = "".join(f"IAMAT c{at % CLIENTS} +34.{at:09}-118.4 {now()}\n" for at in reports)
        replies = self._node.say(text, SECONDS).splitlines()
        assert len(replies) == count and all(reply.startswith("AT ") for reply in replies), replies
        self.sent_count += count

    def run(self) -> None:
        began, first = time.monotonic(), self.sent_count
        try:
            while not self._ends.is_set():
                self.report(AT_ONCE)
                due = began + (self.sent_count - first) / RATE
                self._ends.wait(max(0.0, due - time.monotonic()))
        except Exception as problem:
            self.problem = problem


def memory_samples(
    sink: SinkProcess, node: Node, walkers: Walkers
) -> tuple[list[int], list[int]]:
    """What the sink and the node have in memory, in bytes, again and again for AWAY_SECONDS."""
    sinks, nodes = [], []
    end = time.monotonic() + AWAY_SECONDS
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, SAMPLE_SECONDS))
        assert sink.process.poll() is None and walkers.problem is None, walkers.problem
        sinks.append(sink.memory())
        nodes.append(resident_memory(node))
        if len(sinks) % 30 == 0:
            print(f"{time.ctime()} sent={walkers.sent_count} {sinks[-1]} {nodes[-1]}", flush=True)
    return sinks, nodes


def test_a_database_that_is_away_for_long_costs_no_memory_and_no_change(
    make_light_herd: MakeLightHerd, server: PostgresServer, tmp_path: pathlib.Path
) -> None:
    node = make_light_herd(alone(1))["n0"]
    server.query("CREATE SCHEMA herd")
    sink = database_sink(tmp_path / "sink.log", server, "herd", node)
    try:
        sink.start()
        sink.wait_log("complete")
        with Walkers(node) as walkers:
            walkers.report(CLIENTS)
            wait_equal(server, "herd", node)
            before, node_before = sink.memory(), resident_memory(node)
            server.stop()
            walkers.start()
            sinks, nodes = memory_samples(sink, node, walkers)
            assert node.status()["watches"]["watches"] == 0  # so the node has nothing for the sink
            away = walkers.sent_count - CLIENTS
            attempts = sink.log().count("trying again")
            server.start()
            began = time.monotonic()
            sink.wait_log("resumed")
            resumed = time.monotonic() - began
        assert walkers.problem is None, walkers.problem
        wait_equal(server, "herd", node)
        check_history(server, "herd")
        found = state(server, "herd")
        quarter = max(1, len(sinks) // 4)
        print(
            f"away_s={AWAY_SECONDS:g} reports={away} attempts={attempts} resumed_s={resumed:.1f}"
            f" history={found['reports']} conflated={found['conflated']}"
            f" log_bytes={len(sink.log())}"
            f" sink_mib={before / MIB:.1f} first={max(sinks[:quarter]) / MIB:.1f}"
            f" last={max(sinks[-quarter:]) / MIB:.1f} most={max(sinks) / MIB:.1f}"
            f" peak={sink.memory_peak() / MIB:.1f}"
            f" node_mib={node_before / MIB:.1f} last={nodes[-1] / MIB:.1f}"
            f" most={max(nodes) / MIB:.1f}"
        )
        # Each change is in the history once, or is counted; and nearly all were conflated.
        assert found["reports"] + found["conflated"] == walkers.sent_count
        assert found["conflated"] >= away - CLIENTS and found["snapshots"] == 1
        [[rows]] = server.query("SELECT count(*) FROM herd.herd_history")
        assert int(rows) == found["reports"]
        # Nothing grows with the time.
        assert sink.memory_peak() - before < 8 * MIB
        assert max(sinks[-quarter:]) - max(sinks[:quarter]) < MIB
        assert max(nodes[-quarter:]) - max(nodes[:quarter]) < 8 * MIB
        # A pause is 7.5 to 15 s long after the first ones, which are shorter.
        assert attempts <= 10 + AWAY_SECONDS / (LONGEST_PAUSE / 2)
        assert resumed < LONGEST_PAUSE + 10
        sink.stop()
    finally:
        sink.close()
