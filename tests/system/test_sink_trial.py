"""A long trial of herd-sink: a million updates while sink, nodes and database are killed in turn.
At its end the positions are those of a model, and no report is in the history twice. Short runs
send few updates and kill each once."""
import pathlib
import threading
import time
from collections.abc import Iterator

import pytest
from herd_fixture import LONG, Herd, MakeLightHerd, line, wait_for
from postgres_server import PostgresServer, running_server
from sinks import check_history, database_sink, positions, state

CLIENTS = 20_000 if LONG else 500
UPDATES = 1_000_000 if LONG else 6_000
KILLS = 10 if LONG else 1  # of each: sink, node, database
PART = 1000  # updates sent at once
RATE = 5000  # updates a second, at most: so that the sink writes while they come
SECONDS = 1200.0 if LONG else 60.0


@pytest.fixture(name="server")
def own_server() -> Iterator[PostgresServer]:
    with running_server() as server:
        yield server


class Reporter(threading.Thread):
    """Sends a part of the updates, each until a node has acknowledged it."""

    def __init__(self, herd: Herd, first: int, count: int):
        super().__init__()
        self.herd = herd
        self.updates = range(first, first + count)
        self.sent_count = 0
        self.problem: Exception | None = None

    def run(self) -> None:
        try:
            began = time.monotonic()
            for first in range(self.updates.start, self.updates.stop, PART):
                part = range(first, min(first + PART, self.updates.stop))
                text = "".join(
                    f"IAMAT {client_of(at)} {place_of(at)} {time_of(at)}\n" for at in part
                )
                wait_for(
                    lambda: self.sent(text, len(part)),
                    "a node has acknowledged the updates",
                    SECONDS,
                )
                self.sent_count += len(part)
                time.sleep(max(0.0, began + self.sent_count / RATE - time.monotonic()))
        except Exception as problem:
            self.problem = problem

    def sent(self, text: str, count: int) -> bool:
        """Whether some node has acknowledged all of them; a node that is killed does not."""
        for node in self.herd:
            try:
                replies = node.say(text, 60).splitlines()
            except OSError:
                continue
            if len(replies) == count and all(
                reply.startswith(("AT ", "IGNORE")) for reply in replies
            ):
                return True
        return False


def client_of(update: int) -> str:
    return f"c{update % CLIENTS}"


def place_of(update: int) -> str:
    return f"+{update % 89}.{update:07}-118.25"


def time_of(update: int) -> int:
    return 1_000_000_000 + update // CLIENTS


def test_positions_and_history_are_right_over_kills_of_everything(
    make_light_herd: MakeLightHerd, server: PostgresServer, tmp_path: pathlib.Path
) -> None:
    herd = make_light_herd(line(2), updates={"ack": "write"})
    herd.wait_linked()
    server.query("CREATE SCHEMA herd")
    sink = database_sink(
        tmp_path / "sink.log", server, "herd", *herd, words=("--node-timeout", "2")
    )
    sink.start()
    sink.wait_log("complete")
    steps = 3 * KILLS
    for step in range(
        steps
    ):  # the sink goes on at the node where it was, also if that is the second one
        first = UPDATES * step // steps
        reporter = Reporter(herd, first, UPDATES * (step + 1) // steps - first)
        version = state(server, "herd")["version"]
        reporter.start()
        wait_for(
            lambda: reporter.sent_count >= len(reporter.updates) // 3, "a third is sent", SECONDS
        )
        wait_for(lambda: state(server, "herd")["version"] > version, "the sink writes", SECONDS)
        if step % 3 == 0:
            sink.kill()
            sink.start()
        elif step % 3 == 1:
            node = list(herd)[step // 3 % 2]
            node.kill()
            node.start(wait=False)
            node.wait_ready(SECONDS)
        else:
            server.kill()
            server.start()
        reporter.join()
        assert reporter.problem is None, repr(reporter.problem)
    herd.wait_converged(CLIENTS, seconds=SECONDS)
    wanted = {
        (client_of(at), place_of(at), str(time_of(at) * 10**9))
        for at in range(UPDATES - CLIENTS, UPDATES)
    }
    wait_for(
        lambda: {row[:3] for row in positions(server, "herd")} == wanted,
        "the positions are the model's",
        SECONDS,
    )
    check_history(server, "herd")
    found = state(server, "herd")
    print(
        f"updates={UPDATES} kills={steps} reports={found['reports']} conflated={found['conflated']}"
        f" snapshots={found['snapshots']} memory_peak_mb={sink.memory_peak() >> 20}"
    )
    [[rows]] = server.query("SELECT count(*) FROM herd.herd_history WHERE event = 'report'")
    assert CLIENTS <= int(rows) == found["reports"] <= UPDATES
    sink.stop()
