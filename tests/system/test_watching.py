"""Tests how a node is watched: probes, status and metrics over HTTP, the monitor with Debian's viewer and with a plain
subscriber, and the effect of SIGHUP on a running node."""
import contextlib
import http.client
import json
import re
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any, Protocol

import pytest
import zmq

from herd_fixture import MakeHerd, Node, alone, line, ring, wait_for
from talk import fresh, piped, pipeline

COUNTERS = {
    "iamat_stored", "iamat_duplicate", "iamat_not_newer", "whatsat", "unknown_commands", "invalid_arguments",
    "clients_refused", "lines_too_long", "http_lines", "clients_output_held", "connections_accepted",
    "connections_refused", "bytes_in", "bytes_out", "bus_batches_sent", "bus_updates_sent", "bus_updates_received",
    "bus_updates_merged", "bus_updates_repeated", "bus_messages_refused", "bus_messages_damaged"}


# HTTP.

def test_a_node_without_peers_is_healthy_and_ready_at_once(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1))["n0"]
    assert node.get("/healthz") == (200, "ok\n")
    assert node.get("/readyz") == (200, "ready\n")


def test_a_node_is_ready_when_its_peers_are_or_after_ready_timeout(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), start=False, settings={"http": {"ready_timeout": "60s"}})
    herd["n0"].start(wait=False)
    wait_for(lambda: herd["n0"].get("/healthz") == (200, "ok\n"), "it is healthy")
    assert herd["n0"].get("/readyz") == (503, "not ready: the first synchronisation waits for n1\n")
    assert herd["n0"].say("IAMAT a +1+1 5").startswith("AT n0 ")  # clients are served earlier
    herd["n1"].start()
    herd["n0"].wait_ready()
    assert herd["n1"].knows("a")
    herd["n1"].kill()
    assert herd["n0"].get("/readyz") == (200, "ready\n")  # it stays ready
    herd.settings = {"http": {"ready_timeout": "300ms"}}
    herd.write_config()
    herd["n0"].stop()
    herd["n0"].start(wait=False)
    begin = time.monotonic()
    herd["n0"].wait_ready()
    assert 0.25 < time.monotonic() - begin < 5


def test_a_frozen_node_does_not_call_itself_healthy(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1))["n0"]
    node.signal(signal.SIGSTOP)
    with contextlib.suppress(OSError), node.connect(1) as connection:
        connection.sendall(b"hello\n")
        pytest.fail(f"it answers: {connection.recv(100)!r}")
    node.signal(signal.SIGCONT)
    assert node.get("/healthz") == (200, "ok\n")


def test_the_status_has_the_documented_fields(make_herd: MakeHerd) -> None:
    herd = make_herd(line(3))
    herd.wait_linked()
    herd["n0"].say("IAMAT a +1+1 5\nIAMAT b +1+1 5")
    herd.wait_converged(2)
    with herd["n1"].connect() as connection:
        connection.sendall(b"hello\n")
        assert connection.recv(100) == b"? hello\n"
        status = fresh(herd["n1"])
    assert list(status) == ["node", "incarnation", "feed_id", "uptime_s", "digest", "clients", "connections",
                            "tls_handshakes_under_way", "journal", "queries", "watches", "name_conflict", "links",
                            "reports", "places", "counters"]
    assert status["name_conflict"] is None
    assert (status["node"], status["clients"], status["connections"]) == ("n1", 2, 1)
    for name in ("incarnation", "feed_id", "digest"):
        assert re.fullmatch(r"[0-9a-f]{16}", status[name])
    assert 0 < status["uptime_s"] < 100
    assert set(status["links"]) == {"n0", "n2"}
    for link in status["links"].values():
        assert set(link) == {"state", "address", "sent", "merged", "kept", "lag", "round_trip_us", "skew_us",
                             "contender"}
        assert link["contender"] is None
        assert link["state"] == "up" and link["round_trip_us"] > 0 and abs(link["skew_us"]) < 1_000_000
    wait_for(lambda: all(link["lag"] == 0 for link in herd["n1"].status()["links"].values()), "nothing is owed")
    assert COUNTERS <= set(status["counters"])
    assert all(isinstance(value, int) for value in status["counters"].values())


def test_a_start_is_a_new_incarnation_and_lost_state_a_new_feed(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1))["n0"]
    first = node.status()
    node.kill()
    node.start()
    second = node.status()
    assert second["incarnation"] != first["incarnation"] and second["feed_id"] == first["feed_id"]
    node.kill()
    node.forget()
    node.start()
    assert node.status()["feed_id"] != first["feed_id"]


def test_the_status_shows_a_link_that_is_lost(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2))
    herd.wait_linked()
    herd["n1"].kill()
    herd["n0"].say("IAMAT a +1+1 5")
    wait_for(lambda: herd["n0"].status()["links"]["n1"]["state"] == "down", "it is down")
    assert herd["n0"].status()["links"]["n1"]["lag"] == 1
    herd["n0"].wait_log("event=link_lost peer=n1")
    herd["n1"].start()
    herd.wait_linked()
    wait_for(lambda: herd["n0"].log().count("event=link_opened peer=n1") == 2, "both are in the log")


def samples(node: Node) -> dict[str, float]:
    """Every sample of /metrics as {name and labels: value}. Fails if the text is not in the format of Prometheus."""
    code, text = node.get("/metrics")
    assert code == 200 and text.endswith("\n")
    values, types = {}, {}
    for entry in text.splitlines():
        if found := re.fullmatch(r"# (HELP|TYPE) ([a-z_]+) (.+)", entry):
            if found[1] == "TYPE":
                assert found[2] not in types and found[3] in ("counter", "gauge", "histogram")
                types[found[2]] = found[3]
            continue
        found = re.fullmatch(r'(([a-z_]+)(?:\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})?) (\S+)', entry)
        assert found and found[1] not in values, entry
        family = re.sub("_(bucket|sum|count)$", "", found[2])
        if types.get(family) != "histogram":
            assert found[2].endswith("_total") == (types[found[2]] == "counter")
        values[found[1]] = float(found[3])
    return values


def test_the_metrics_parse_and_change(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2))
    herd.wait_linked()
    wait_for(lambda: any("provider=" in name for name in samples(herd["n0"])), "the places are loaded")
    before = samples(herd["n0"])
    assert before['herd_link_state{peer="n1",state="up"}'] == 1 and before["herd_clients"] == 0
    assert any(re.fullmatch(r'herd_node_info\{node="n0",version="[^"]+"\}', name) for name in before)
    assert before["process_resident_memory_bytes"] > 1 << 20 and before["process_open_fds"] > 5
    herd["n0"].say("IAMAT a +1+1 5\nIAMAT a +1+1 5\nfoo\nWHATSAT a 51 1")
    herd["n1"].say("IAMAT b +1+1 5")
    herd.wait_converged(2)
    fresh(herd["n0"])
    after = samples(herd["n0"])
    assert set(after) == set(before)
    moved = {name: after[name] - before[name] for name in before}
    for name, growth in {"iamat_stored": 1, "iamat_duplicate": 1, "unknown_commands": 1, "invalid_arguments": 1,
                         "bus_updates_merged": 1}.items():
        assert moved[f"herd_{name}_total"] == growth, name
    assert moved["herd_clients"] == 2 and moved["herd_uptime_seconds"] > 0
    status = fresh(herd["n0"])
    assert samples(herd["n0"])["herd_store_digest"] == int(status["digest"], 16) & ((1 << 48) - 1)


def test_other_paths_and_methods_get_a_list_of_the_valid_ones(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1))["n0"]
    code, text = node.get("/nowhere")
    assert code == 404 and "/status.json" in text
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", node.http_port, timeout=20)) as connection:
        connection.request("POST", "/healthz", "x")
        answer = connection.getresponse()
        assert answer.status == 405 and answer.headers["Allow"] == "GET, HEAD"


def test_silent_http_clients_are_cut_off_and_others_answered(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1))["n0"]
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(("127.0.0.1", node.http_port), timeout=20))
                  for _ in range(6)]
        assert node.say("IAMAT a +1+1 5").startswith("AT n0 ")  # clients notice nothing
        assert node.get("/healthz") == (200, "ok\n")
        assert [connection.recv(1) for connection in silent] == [b""] * 6


# The monitor.

class Subscribe(Protocol):
    """The type of the fixture subscribe."""

    def __call__(self, node: Node, topic: str = "herd.") -> zmq.Socket[bytes]: ...


@pytest.fixture(name="subscribe")
def subscriber() -> Iterator[Subscribe]:
    context = zmq.Context()

    def subscribe(node: Node, topic: str = "herd.") -> zmq.Socket[bytes]:
        viewer = context.socket(zmq.SUB)
        viewer.subscribe(topic)
        viewer.connect(f"tcp://127.0.0.1:{node.monitor_port}")
        return viewer
    yield subscribe
    context.destroy(linger=0)


def next_event(viewer: zmq.Socket[bytes], kind: str, seconds: float = 10, **wanted: object) -> dict[str, Any]:
    """The next event of this kind with these fields; it has exactly two frames, topic and JSON."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if viewer.poll(int(left * 1000)):
            topic, body = viewer.recv_multipart()
            event = json.loads(body.decode("utf-8"))
            parts = re.fullmatch(r"herd\.([A-Z]+)\.([a-z]+)\.([A-Za-z0-9_-]+)", topic.decode())
            assert parts, topic
            level, found, node = parts.groups()
            assert event["v"] == 1 and event["node"] == node and event["seq"] > 0 and level in ("INFO", "WARNING")
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", event["timestamp"]) and event["event"]
            if found == kind and wanted.items() <= event.items():
                return event
    return pytest.fail(f"no {kind} event with {wanted} within {seconds} s")


def test_stats_come_at_once_to_a_new_subscriber_and_then_every_second(
        make_herd: MakeHerd, subscribe: Subscribe) -> None:
    node = make_herd(alone(1))["n0"]
    watcher = subscribe(node, "herd.INFO.stats.")
    first = next_event(watcher, "stats")
    assert first["clients"] == 0 and first["ready"] is True and first["digest"] == node.status()["digest"]
    node.say("IAMAT a +1+1 5")
    second = next_event(watcher, "stats", clients=1)
    assert 0.5 < next_event(watcher, "stats")["uptime_s"] - second["uptime_s"] < 5


def test_each_of_many_new_subscribers_gets_stats_at_once(make_herd: MakeHerd, subscribe: Subscribe) -> None:
    node = make_herd(alone(1))["n0"]
    for _ in range(10):  # twenty together, so that some subscribe while others are served
        watchers = [subscribe(node, "herd.INFO.stats.n0") for _ in range(20)]
        for watcher in watchers:
            assert watcher.poll(900), "it has to wait for the stats of every second"


def test_every_node_publishes_each_change_of_a_client(make_herd: MakeHerd, subscribe: Subscribe) -> None:
    herd = make_herd(line(2))
    herd.wait_linked()
    watchers = [subscribe(node) for node in herd]
    for watcher in watchers:
        next_event(watcher, "stats")
    for command, latitude, longitude in (
            ("IAMAT kiwi +34.068930-118.445127 1520023934.918963997", 34.068930, -118.445127),
            ("IAMAT kiwi -1+2.5 1520023935", -1, 2.5)):
        _, client, coordinates, when = command.split()
        herd["n0"].say(command)
        for watcher in watchers:
            event = next_event(watcher, "client", client=client, coordinates=coordinates)
            assert (event["event"], event["time"], event["origin"]) == ("location", when, "n0")
            assert (event["latitude"], event["longitude"]) == (latitude, longitude)
    herd["n0"].say("IAMAT kiwi -1+2.5 1520023935\nIAMAT kiwi +9+9 1")  # changes nothing
    herd["n1"].say(b"IAMAT no-utf8-\x80\xc3 +1+1 5\n")
    for watcher in watchers:
        assert next_event(watcher, "client")["client"].startswith("no-utf8-\ufffd")


def test_lost_and_opened_links_are_published(make_herd: MakeHerd, subscribe: Subscribe) -> None:
    herd = make_herd(ring(3))
    herd.wait_linked()
    watcher = subscribe(herd["n0"], "herd.")
    assert next_event(watcher, "stats")["links_up"] == 2
    herd["n1"].kill()
    assert next_event(watcher, "peer", event="link_lost")["peer"] == "n1"
    assert next_event(watcher, "stats", links_down=1)["links_up"] == 1
    herd["n1"].start()
    event = next_event(watcher, "peer", event="link_opened")
    assert (event["peer"], event["state"]) == ("n1", "up")


def test_debians_viewer_shows_the_events(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1))["n0"]
    viewer = subprocess.Popen(["/usr/bin/python3", "-u", "-m", "zmq.log", "-t", "herd.", "--align",
                               f"tcp://127.0.0.1:{node.monitor_port}"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    shown = piped(viewer.stdout)
    try:
        assert "herd.INFO.stats.n0" in shown.readline()
        node.say("IAMAT kiwi +1+1 5")
        wait_for(lambda: re.search(r"herd\.INFO\.client\.n0.*\"kiwi\"", shown.readline()), "a client")
        assert viewer.poll() is None
    finally:
        viewer.kill()
        viewer.communicate()


def test_debians_viewer_shows_the_clients_of_an_area(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2))
    herd.wait_linked()
    viewer = subprocess.Popen(["/usr/bin/python3", "-u", "-m", "zmq.log", "-t", "herd.cell.9q5",
                               f"tcp://127.0.0.1:{herd['n1'].monitor_port}"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    shown = piped(viewer.stdout)
    try:
        times = iter(range(1, 1000))

        def is_shown() -> bool:  # n1 learns of it over the bus; other places are not shown
            herd["n0"].say(f"IAMAT paris +48.8584+2.2945 {next(times)}\nIAMAT kiwi +34.0522-118.2437 {next(times)}\n")
            return select.select([shown], [], [], 0.2)[0] != []
        wait_for(is_shown, "the area is watched")
        topic, body = shown.readline().split(" | ")
        assert topic == "herd.cell.9q5ctr18.n1"
        event = json.loads(body)
        assert (event["event"], event["client"], event["origin"]) == ("location", "kiwi", "n0") and "seq" not in event
        assert herd["n1"].counter("monitor_published") > 0 == herd["n0"].counter("monitor_published")
    finally:
        viewer.kill()
        viewer.communicate()


def test_a_viewer_that_does_not_read_loses_messages_and_the_node_nothing(
        make_herd: MakeHerd, subscribe: Subscribe) -> None:
    node = make_herd(alone(1), log_level="info")["n0"]
    slow, count = subscribe(node), 0
    next_event(slow, "stats")
    while node.counter("monitor_overflows") == 0:
        replies = pipeline(node, b"".join(b"IAMAT c%d +1+1 5\n" % i for i in range(count, count + 5000)))
        assert replies.count(b"AT n0") == 5000
        count += 5000
        assert count < 200_000, "its queue must be full"
    assert next_event(subscribe(node, "herd.INFO.stats."), "stats")["clients"] == count
    numbers = []
    while slow.poll(100):
        topic, body = slow.recv_multipart()
        if topic == b"herd.INFO.client.n0":
            numbers.append(json.loads(body)["seq"])
    assert numbers == sorted(set(numbers)) and 0 < len(numbers) < count  # a gap shows lost messages
    times = iter(range(1, 100))

    def gets_events_again() -> bool:  # as soon as it has read half of its queue
        node.say(f"IAMAT afterwards +1+1 {next(times)}")
        return bool(slow.poll(1000)) and json.loads(slow.recv_multipart()[1]).get("client") == "afterwards"
    wait_for(gets_events_again, "it gets later events")


# Reloading.

def test_sighup_changes_live_settings_and_names_the_others(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1), settings={"clients": {"invalid_arguments": "drop"}})
    node = herd["n0"]
    with node.connect() as connection:
        connection.sendall(b"WHATSAT a 51 1\nhello\n")
        assert connection.recv(100) == b"? hello\n"
        herd.settings = {"clients": {"invalid_arguments": "reply"}, "bus": {"max_batch": 100}}
        herd.write_config()
        node.signal(signal.SIGHUP)
        wait_for(lambda: "event=reload_needs_restart key=bus.max_batch" in node.log(), "the rest is named")
        node.wait_log("event=reloaded key=clients.invalid_arguments")
        connection.sendall(b"WHATSAT a 51 1\n")  # the open connection, too
        assert connection.recv(100) == b"? WHATSAT a 51 1\n"
    assert node.say("WHATSAT a 51 1") == "? WHATSAT a 51 1\n"


def test_a_reload_of_a_configuration_with_mistakes_changes_nothing(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1), settings={"clients": {"invalid_arguments": "reply"}})
    node = herd["n0"]
    herd.config_path.write_text("[clients]\nmax_lines = 1\n" + herd.config_text().replace("[clients]", ""))
    node.signal(signal.SIGHUP)
    wait_for(lambda: "event=reload_refused" in node.log(), "it is refused")
    wait_for(lambda: f" warning n0 event=reload_mistake at={herd.config_path}:2: " in node.log(),
             "each mistake is logged")
    assert node.say("WHATSAT a 51 1") == "? WHATSAT a 51 1\n"
    herd.config_path.unlink()
    node.signal(signal.SIGHUP)
    wait_for(lambda: node.log().count("event=reload_refused") == 2, "it is refused")
    assert node.say("WHATSAT a 51 1") == "? WHATSAT a 51 1\n"


def test_the_log_level_changes_live(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1), settings={"log": {"level": "info"}}, log_level=None)
    node = herd["n0"]
    node.say("quiet")
    herd.settings = {"log": {"level": "debug"}}
    herd.write_config()
    node.signal(signal.SIGHUP)
    wait_for(lambda: "event=reloaded key=log.level" in node.log(), "it is reloaded")
    node.say("loud")
    assert "text=quiet" not in node.wait_log("text=loud")
