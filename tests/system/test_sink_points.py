"""Tests the points of PostGIS that herd-sink writes where the database has the extension: from the
first start, added later, removed, for a user who does not own the table, and for a table that
cannot be rewritten in time."""
import contextlib
import pathlib
import subprocess
from collections.abc import Iterator

import pytest
from herd_fixture import MakeLightHerd, Node, alone, wait_for
from postgres_server import PostgresServer, running_server
from sinks import PROGRAM, database_sink, positions, wait_equal

HAS_COLUMN = (
    "SELECT 1 FROM pg_attribute WHERE attrelid = 'public.herd_positions'::regclass"
    " AND attname = 'position' AND NOT attisdropped"
)


@pytest.fixture(name="server")
def own_server() -> Iterator[PostgresServer]:
    """One for each test: an extension belongs to a database."""
    with running_server() as server:
        if not server.query("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'"):
            pytest.skip("PostGIS is not installed: scripts/deps --postgis")
        yield server


@pytest.fixture(name="node")
def one_node(make_light_herd: MakeLightHerd) -> Node:
    return make_light_herd(alone(1))["n0"]


def points(server: PostgresServer, gis: str = "public") -> dict[str, tuple[str, str]]:
    """The longitude and the latitude of the point of each client."""
    rows = server.query(
        f"SELECT client, {gis}.ST_X(g), {gis}.ST_Y(g)"
        f" FROM (SELECT client, position::{gis}.geometry AS g FROM herd_positions) p"
    )
    return {client: (longitude, latitude) for client, longitude, latitude in rows}


def test_a_point_has_its_longitude_first_follows_its_client_and_is_found_by_distance(
    node: Node, server: PostgresServer, tmp_path: pathlib.Path
) -> None:
    # The schema of the extension is not in the path of the sink.
    gis = '"A map"'
    server.query(f"CREATE SCHEMA {gis}; CREATE EXTENSION postgis SCHEMA {gis}")
    sink = database_sink(tmp_path / "sink.log", server, "public", node)
    try:
        node.say("IAMAT kiwi +34.068930-118.445127 5\nIAMAT emu +34.1-118.4 5\n")
        sink.start()
        sink.wait_log("complete")
        wait_equal(server, "public", node)
        assert points(server, gis) == {"kiwi": ("-118.445127", "34.06893"), "emu": ("-118.4", "34.1")}
        node.say("IAMAT kiwi +34.2-118.5 6\nIAMAT edge +90-180 5\nIAMAT other -90+180 5\n")
        wait_equal(server, "public", node)
        assert points(server, gis) == {
            "kiwi": ("-118.5", "34.2"),
            "emu": ("-118.4", "34.1"),
            "edge": ("-180", "90"),
            "other": ("180", "-90"),
        }
        # PostGIS measures on the ellipsoid, herd on a sphere: they differ by at most 0.6 %.
        [nearest] = [line for line in node.say("NEAR emu 50 5").splitlines() if " kiwi " in line]
        [[metres]] = server.query(
            f"SET search_path TO public, {gis}; SELECT ST_Distance(a.position, b.position)"
            " FROM herd_positions a, herd_positions b"
            " WHERE a.client = 'emu' AND b.client = 'kiwi' AND ST_DWithin(a.position, b.position, 20000)"
        )
        assert float(metres) / 1000 == pytest.approx(float(nearest.split()[1]), rel=0.006)
        [[indexed]] = server.query(
            "SELECT indexdef FROM pg_indexes WHERE indexname = 'herd_positions_position'"
        )
        assert "USING gist" in indexed
        sink.stop()
    finally:
        sink.close()


def test_without_the_extension_the_tables_work_and_it_may_come_and_go(
    node: Node, server: PostgresServer, tmp_path: pathlib.Path
) -> None:
    sink = database_sink(tmp_path / "sink.log", server, "public", node)
    try:
        sink.start()
        sink.wait_log("complete")
        node.say("IAMAT kiwi +1-2 5\n")
        wait_equal(server, "public", node)
        assert server.query(HAS_COLUMN) == []
        server.query("CREATE EXTENSION postgis")  # the sink goes on without points, until it connects again
        node.say("IAMAT emu +3-4 5\n")
        wait_equal(server, "public", node)
        assert server.query(HAS_COLUMN) == []
        sink.stop()
        sink.start()
        sink.wait_log("resumed")
        assert points(server) == {"kiwi": ("-2", "1"), "emu": ("-4", "3")}
        node.say("IAMAT kiwi +5-6 6\n")
        wait_equal(server, "public", node)
        assert points(server) == {"kiwi": ("-6", "5"), "emu": ("-4", "3")}
        server.query("SET client_min_messages TO warning; DROP EXTENSION postgis CASCADE")
        node.say("IAMAT kiwi +7-8 7\n")
        wait_equal(server, "public", node)
        sink.stop()
        assert "WARNING" not in sink.log()
    finally:
        sink.close()


def test_a_table_that_cannot_be_rewritten_in_time_gets_no_points_and_is_written(
    node: Node, server: PostgresServer, tmp_path: pathlib.Path
) -> None:
    psycopg = pytest.importorskip("psycopg")
    words = ("--database-timeout", "1")
    sink = database_sink(tmp_path / "sink.log", server, "public", node, words=words)
    try:
        node.say("IAMAT kiwi +1-2 5\n")
        sink.start()
        sink.wait_log("complete")
        sink.stop()
        server.query("CREATE EXTENSION postgis")
        with contextlib.closing(psycopg.connect(server.conninfo)) as reader:
            # A reader of the table keeps others from rewriting it, but not from writing rows.
            reader.execute("LOCK TABLE public.herd_positions IN ACCESS SHARE MODE")
            sink.start()
            sink.wait_log("no column position: canceling statement due to statement timeout")
            sink.wait_log("resumed")
            node.say("IAMAT kiwi +3-4 6\n")
            wait_equal(server, "public", node)
            assert server.query(HAS_COLUMN) == []
            sink.stop()
        assert "trying again" not in sink.log() and "--print-sql | psql" in sink.log()
        sink.start()
        sink.wait_log("resumed", 2)
        assert points(server) == {"kiwi": ("-4", "3")}
        sink.stop()
        assert sink.log().count("no column position") == 1
    finally:
        sink.close()


def test_a_sink_that_does_not_own_the_table_goes_on_without_points_and_names_the_remedy(
    node: Node, server: PostgresServer, tmp_path: pathlib.Path
) -> None:
    statements = subprocess.run(
        [PROGRAM, "--print-sql"], capture_output=True, text=True, check=True
    ).stdout
    server.query(statements)
    server.query(
        "CREATE ROLE weak LOGIN PASSWORD 'right';"
        " GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO weak;"
        " CREATE EXTENSION postgis"
    )
    password = tmp_path / "password"
    password.write_text("*:*:*:*:right\n")
    password.chmod(0o600)
    sink = database_sink(tmp_path / "sink.log", server, "public", node)
    sink.words = tuple(
        server.conninfo_of("weak") if word == server.conninfo else word for word in sink.words
    )
    sink.environment["PGPASSFILE"] = str(password)
    try:
        sink.start()
        sink.wait_log("complete")
        assert "no column position" in sink.log() and "--print-sql | psql" in sink.log()
        node.say("IAMAT kiwi +1-2 5\n")
        wait_equal(server, "public", node)
        server.query(statements)  # the owner follows the log, while the sink runs
        assert points(server) == {"kiwi": ("-2", "1")}
        node.say("IAMAT kiwi +3-4 6\n")
        wait_for(lambda: points(server) == {"kiwi": ("-4", "3")}, "the point follows", 60)
        sink.stop()
        sink.start()
        sink.wait_log("resumed")
        assert sink.log().count("no column position") == 1 and len(positions(server, "public")) == 1
        sink.stop()
    finally:
        sink.close()
