"""Tests herd-sink with a real PostgreSQL: positions and history over kills of the sink, the
database and the node, and what it says when the database refuses. test_sink_lines.py tests its
other output."""
import contextlib
import json
import pathlib
import signal
import subprocess
from collections.abc import Iterator
from typing import Protocol

import pytest
from herd_fixture import LONG, MakeLightHerd, Node, alone, line, wait_for
from postgres_server import PostgresServer, running_server
from sinks import (
    PROGRAM,
    SECONDS,
    SinkProcess,
    check_history,
    database_sink,
    outcome,
    positions,
    state,
    wait_equal,
)
from test_reset import poison, reset

MIB = 1 << 20


@pytest.fixture(name="server", scope="module")
def one_server() -> Iterator[PostgresServer]:
    """One server for all tests: each of them has a schema of its own."""
    with running_server() as server:
        yield server


@pytest.fixture(name="schema")
def own_schema(server: PostgresServer, request: pytest.FixtureRequest) -> str:
    name = f"s{abs(hash(request.node.name))}"
    server.query(f"CREATE SCHEMA {name}")
    return name


class MakeSink(Protocol):
    def __call__(self, *nodes: Node, words: tuple[str, ...] = ()) -> SinkProcess:
        ...


@pytest.fixture(name="make_sink")
def sinks_of_the_test(
    server: PostgresServer, schema: str, tmp_path: pathlib.Path
) -> Iterator[MakeSink]:
    with contextlib.ExitStack() as stack:

        def make(*nodes: Node, words: tuple[str, ...] = ()) -> SinkProcess:
            sink = database_sink(tmp_path / "sink.log", server, schema, *nodes, words=words)
            stack.callback(sink.close)
            return sink

        yield make


def reports(name: str, clients: int, turns: int, first_turn: int = 1) -> str:
    """`turns` reports of each client, with ascending times."""
    return "".join(
        f"IAMAT {name}{at} +{turn % 90}.{at:05}-118.0 {turn}.5\n"
        for turn in range(first_turn, first_turn + turns)
        for at in range(clients)
    )


def report(node: Node, text: str) -> None:
    assert node.say(text, SECONDS).count("\n") == text.count("\n")


# What is written.


def test_positions_history_and_counters_are_those_of_the_herd(
    make_light_herd: MakeLightHerd, server: PostgresServer, schema: str, make_sink: MakeSink
) -> None:
    herd = make_light_herd(alone(1))
    node = herd["n0"]
    report(node, "IAMAT before +1-2 5\nIAMAT it's\\\"so +1.25-2.5/ 7.25\n")
    assert node.say(b"IAMAT \xfe\xc3\xa9 +1+2 5\n").startswith(b"AT ")
    sink = make_sink(node)
    sink.start()
    sink.wait_log("complete")
    report(node, "IAMAT before +1-3 6\nIAMAT after +3-4 5.000000001\nIAMAT before +1-3 6\n")
    wait_for(
        lambda: len(positions(server, schema)) == 4 and state(server, schema)["reports"] == 5,
        "all are written",
    )
    columns = "client, latitude, longitude, time_ns, extract(epoch FROM reported_at)"
    assert set(server.query(f"SELECT {columns} FROM {schema}.herd_positions")) == {
        ("before", "1", "-3", "6000000000", "6.000000"),
        ("after", "3", "-4", "5000000001", "5.000000"),
        ("it's\\\\\"so", "1.25", "-2.5", "7250000000", "7.250000"),
        ("\\xfeé", "1", "2", "5000000000", "5.000000"),
    }
    assert server.query(
        f"SELECT time_ns FROM {schema}.herd_history WHERE client = 'before' ORDER BY id"
    ) == [("5000000000",), ("6000000000",)]
    # A client that is reset is removed, and may then report with an older time.
    now = poison(node, "kiwi")
    wait_for(lambda: state(server, schema)["reports"] == 7, "both reports of kiwi are written")
    reset(herd, "kiwi")
    wait_for(lambda: len(positions(server, schema)) == 4, "kiwi is removed")
    report(node, f"IAMAT kiwi +3+4 {now}\n")
    wait_for(lambda: len(positions(server, schema)) == 5, "kiwi is back")
    events = server.query(
        f"SELECT event FROM {schema}.herd_history WHERE client = 'kiwi' ORDER BY id"
    )
    assert [event for [event] in events] == ["report", "report", "reset", "report"]
    sink.stop()
    shown = subprocess.run(
        [PROGRAM, "--database", server.conninfo, "--schema", schema, "--status", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(shown.stdout) | {"age_s": 0, "cursor": ""} == {
        "watch": "ALL",
        "cursor": "",
        "age_s": 0,
        "positions": 5,
        "reports": 8,
        "conflated": 0,
        "snapshots": 1,
    }


def test_over_kills_of_sink_and_database_each_change_is_written_once_or_counted(
    make_light_herd: MakeLightHerd, server: PostgresServer, schema: str, make_sink: MakeSink
) -> None:
    node = make_light_herd(alone(1))["n0"]
    sink = make_sink(node, words=("--batch-rows", "70"))
    report(node, reports("c", 500, 1))
    sink.start()
    sink.wait_log("complete")
    report(node, reports("c", 500, 4, 2))
    sink.kill()
    report(node, reports("c", 500, 2, 6))
    sink.start()
    sink.wait_log("resumed")
    report(node, reports("c", 500, 4, 8))
    server.kill()
    report(node, reports("c", 500, 2, 12))
    server.start()
    report(node, reports("c", 500, 1, 14))
    wait_equal(server, schema, node)
    check_history(server, schema)
    found = state(server, schema)
    assert found["reports"] + found["conflated"] == 500 * 14 and found["snapshots"] == 1, found
    sink.stop()


def test_while_the_database_is_away_changes_are_conflated_counted_and_not_kept(
    make_light_herd: MakeLightHerd, server: PostgresServer, schema: str, make_sink: MakeSink
) -> None:
    node = make_light_herd(alone(1))["n0"]
    sink = make_sink(node)
    sink.start()
    sink.wait_log("complete")
    report(node, reports("c", 100, 1))
    wait_equal(server, schema, node)
    before = sink.memory_peak()
    server.stop()
    report(node, reports("c", 100, 300 if not LONG else 20_000, 2))
    sink.wait_log("trying again")
    sink.wait_log("the database cannot be reached: ")
    assert sink.memory_peak() - before < 8 * MIB
    asked = [str(PROGRAM), "--database", server.conninfo, "--schema", schema, "--status"]
    shown = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert shown.returncode == 1 and shown.stderr.count("\n") == 1
    assert shown.stderr.startswith("herd-sink: the database cannot be reached: "), shown.stderr
    server.start()
    wait_equal(server, schema, node)
    found = state(server, schema)
    assert found["reports"] == 200 and found["conflated"] == (299 if not LONG else 19_999) * 100
    assert f"complete: {found['conflated']} changes were conflated" in sink.log()
    sink.stop()


def test_a_new_feed_corrects_the_positions_and_removes_what_is_gone(
    make_light_herd: MakeLightHerd, server: PostgresServer, schema: str, make_sink: MakeSink
) -> None:
    node = make_light_herd(alone(1))["n0"]
    report(node, "IAMAT a +1+1 5\nIAMAT b +1+1 5\n")
    sink = make_sink(node)
    sink.start()
    sink.wait_log("complete")
    wait_equal(server, schema, node)
    sink.process.send_signal(signal.SIGSTOP)  # so that the first snapshot that it reads has the next report
    node.kill()
    node.forget()  # the disk is lost
    node.start()
    report(node, "IAMAT a +2+2 6\n")
    sink.process.send_signal(signal.SIGCONT)
    wait_equal(server, schema, node)
    assert server.query(
        f"SELECT event, client, time_ns FROM {schema}.herd_history ORDER BY client, id"
    ) == [
        ("report", "a", "5000000000"),
        ("report", "a", "6000000000"),
        ("report", "b", "5000000000"),
        ("gone", "b", ""),
    ]
    assert state(server, schema)["snapshots"] == 2
    sink.stop()


def test_at_another_node_no_report_is_written_again(
    make_light_herd: MakeLightHerd, server: PostgresServer, schema: str, make_sink: MakeSink
) -> None:
    herd = make_light_herd(line(2))
    herd.wait_linked()
    sink = make_sink(herd["n0"], herd["n1"], words=("--node-timeout", "2"))
    sink.start()
    sink.wait_log("complete")
    report(herd["n0"], reports("c", 300, 3))
    herd.wait_converged(300)
    wait_equal(server, schema, herd["n0"])
    herd["n0"].kill()
    sink.wait_log("a new snapshot", 2)
    report(herd["n1"], reports("c", 300, 1, 4))
    wait_equal(server, schema, herd["n1"])
    check_history(server, schema)
    herd["n0"].start()  # the first address: but the feed of the tables is that of n1
    sink.kill()
    sink.start()
    sink.wait_log("resumed")
    sink.stop()


# What the database refuses. test_sink_usage.py tests what the sink refuses.


def test_what_the_database_refuses_is_one_line_and_status_1(
    server: PostgresServer, schema: str, tmp_path: pathlib.Path
) -> None:
    server.query("CREATE ROLE weak LOGIN PASSWORD 'right'")
    server.query(f"CREATE SCHEMA strict_{schema}; GRANT USAGE ON SCHEMA strict_{schema} TO weak")
    full = subprocess.run(
        [PROGRAM, "--print-sql"], capture_output=True, text=True, check=True
    ).stdout
    server.query(f"SET search_path TO {schema}; {full}")
    server.query(
        f"GRANT USAGE ON SCHEMA {schema} TO weak;"
        f" GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO weak"
    )
    for text in ("right", "wrong"):
        (tmp_path / text).write_text(f"*:*:*:*:{text}\n")
        (tmp_path / text).chmod(0o600)
    weak = ["127.0.0.1:1", "--database", server.conninfo_of("weak"), "--schema"]
    super_user = ["127.0.0.1:1", "--database", server.conninfo]
    for words, password, part in (
        ([*weak, schema], "wrong", "password authentication failed"),
        (
            [*weak, schema],
            "right",
            "may not write the table herd_positions: as its owner, run GRANT",
        ),
        (
            [*weak, f"strict_{schema}"],
            "right",
            f"cannot make herd_positions, herd_history, herd_cursor in the schema strict_{schema}:"
            " permission denied",
        ),
        ([*super_user, "--schema", "nowhere"], "", "no schema nowhere"),
        ([*super_user[:2], "service=nowhere"], "", 'definition of service "nowhere" not found'),
        ([*super_user[:2], server.conninfo + " dbname=none"], "", 'database "none" does not exist'),
        ([*super_user[:2], "colour=red"], "", 'invalid connection option "colour"'),
        ([*super_user, "--status"], "", 'relation "herd_cursor" does not exist'),
    ):
        status, error = outcome(*words, PGPASSFILE=str(tmp_path / password))
        assert status == 1 and error.count("\n") == 1 and part in error, (words, error)


def test_a_status_that_takes_too_long_names_the_database(
    server: PostgresServer, schema: str
) -> None:
    psycopg = pytest.importorskip("psycopg")
    statements = subprocess.run(
        [PROGRAM, "--print-sql"], capture_output=True, text=True, check=True
    ).stdout
    server.query(f"SET search_path TO {schema}; {statements}")
    limited = f"{server.conninfo} options='-c statement_timeout=200'"
    with contextlib.closing(psycopg.connect(server.conninfo)) as other:
        other.execute(f"LOCK TABLE {schema}.herd_cursor")
        status, error = outcome("--database", limited, "--schema", schema, "--status")
    assert status == 1 and error == (
        "herd-sink: the database cannot be read: canceling statement due to statement timeout\n"
    )


def test_a_second_sink_of_a_schema_waits_and_says_so(
    make_light_herd: MakeLightHerd,
    server: PostgresServer,
    schema: str,
    make_sink: MakeSink,
    tmp_path: pathlib.Path,
) -> None:
    node = make_light_herd(alone(1))["n0"]
    report(node, "IAMAT kiwi +1+2 5\n")  # the feed of an empty herd has no number to resume from
    first = make_sink(node)
    first.start()
    first.wait_log("complete")
    with contextlib.closing(database_sink(tmp_path / "second.log", server, schema, node)) as second:
        second.start()
        second.wait_log("another herd-sink writes to this schema")
        first.kill()
        second.wait_log("resumed")
        second.stop()


def test_the_herd_may_be_away_when_the_sink_starts(
    server: PostgresServer, make_light_herd: MakeLightHerd, schema: str, make_sink: MakeSink
) -> None:
    node = make_light_herd(alone(1), start=False)["n0"]
    sink = make_sink(node, words=("--log-level", "debug"))
    sink.start()
    sink.wait_log("cannot be reached")
    node.start()
    sink.wait_log("complete")
    sink.stop()


@pytest.mark.skipif(not LONG, reason="long: it waits for timeouts")
def test_a_frozen_database_loses_its_connection_and_then_the_sink_goes_on(
    make_light_herd: MakeLightHerd, server: PostgresServer, schema: str, make_sink: MakeSink
) -> None:
    node = make_light_herd(alone(1))["n0"]
    sink = make_sink(node, words=("--database-timeout", "1"))
    sink.start()
    sink.wait_log("complete")
    server.signal_all(signal.SIGSTOP)
    report(node, "IAMAT a +1+1 5\n")
    sink.wait_log("trying again")
    server.signal_all(signal.SIGCONT)
    wait_equal(server, schema, node)
    sink.stop()
    sink.words = (*sink.words[:-1], "30")
    sink.start()
    sink.wait_log("resumed")
    server.signal_all(signal.SIGSTOP)
    report(node, "IAMAT a +1+1 6\n")
    sink.stop(status=1)  # after 10 s, without waiting for the database
    assert "ended without it" in sink.log()
    server.signal_all(signal.SIGCONT)
