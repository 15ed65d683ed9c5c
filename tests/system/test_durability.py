"""Tests that no acknowledged update is lost when nodes are killed or frozen, disks are full and journals damaged,
within the guarantees of the acknowledgement level.

The tests with load and faults use the code of `scripts/herd prove`. Short ones run with every change, long ones with
./scripts/test --long.
"""
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq

from full_disks import FileLimit, FullTmpfs
from herd_fixture import BINARY, FIVE, LONG, REPOSITORY, Herd, MakeHerd, Node, alone, full, line, wait_for
from herd_lab.plan import Outcome, make_plan
from herd_lab.prove import Clients, Trial

UNREACHABLE = 16 * 1024 * 1024  # bytes: no node may accept this many without a reply


def prove(**plan: Any) -> Outcome:
    outcome = Trial.prepare(BINARY, FIVE, make_plan(**plan)).run()
    print(outcome.plan.line(), outcome.line(), sep="\n")
    assert outcome.is_good, f"{outcome.line()} {outcome.problems} kept in {outcome.kept_in}"
    return outcome


# Load and random faults.

SHORT = [
    {"kills": 6, "freezes": 4},
    {"kills": 6, "freezes": 2, "ack": "fsync"},
    {"kills": 5, "freezes": 1, "replicas": 1},
    {"kills": 4, "freezes": 1, "replicas": 1, "wipe": True},
    {"kills": 2, "freezes": 1, "replicas": 1, "restores": 4},
    {"kills": 0, "freezes": 1, "blackouts": 3},
    {"kills": 40, "freezes": 0},  # a storm of restarts
]


@pytest.mark.parametrize("plan", SHORT, ids=str)
def test_nothing_acknowledged_is_lost(plan: dict[str, Any]) -> None:
    outcome = prove(seconds=5, **plan)
    assert outcome.acknowledged > 1000
    assert (outcome.kills, outcome.freezes) == (plan["kills"], plan["freezes"])
    assert outcome.restores == plan.get("restores", 0)


@pytest.mark.skipif(not LONG, reason="long: ./scripts/test --long")
@pytest.mark.parametrize("plan", [
    {"kills": 200, "freezes": 100, "seconds": 240},
    {"kills": 100, "freezes": 50, "seconds": 130, "ack": "fsync"},
    {"kills": 50, "freezes": 20, "seconds": 70, "replicas": 1},
    {"kills": 30, "freezes": 10, "seconds": 60, "replicas": 1, "wipe": True},
    {"kills": 30, "freezes": 10, "seconds": 60, "replicas": 1, "restores": 30},
    {"kills": 50, "freezes": 20, "seconds": 120, "blackouts": 20},
], ids=str)
def test_nothing_acknowledged_is_lost_in_minutes_of_faults(plan: dict[str, Any]) -> None:
    prove(**plan)


def test_what_is_lost_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    # Tests the check of the results: a client with acknowledged reports that no node has, and a different answer.
    trial = Trial.prepare(BINARY, line(2), make_plan(seconds=1, kills=0, freezes=0, connections=2))
    judge = trial._judge

    def judge_with_a_ghost(clients: Clients) -> None:
        judge(dict(list(clients.items())[:3]) | {b"ghost": (5, 7)})
    monkeypatch.setattr(trial, "_judge", judge_with_a_ghost)
    monkeypatch.setattr("herd_lab.prove.queries", lambda clients: [b"INFO\n"])
    outcome = trial.run()
    try:
        assert not outcome.is_good and outcome.lost == 2 and outcome.kept_in  # at both nodes
        assert outcome.problems[0] == "n1 and n0 have equal digests, and answer queries differently"
        assert "lost at n0: ghost " in outcome.problems[1] and "the node has nothing" in outcome.problems[1]
        assert sorted(path.name for path in pathlib.Path(outcome.kept_in).glob("*.log")) == ["n0.log", "n1.log"]
    finally:
        trial.herd.remove()


def run_prove(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([REPOSITORY / "scripts/herd", "prove", *words], env=os.environ | {"HERD_BIN": BINARY},
                          capture_output=True, text=True, timeout=60, check=False)


def test_the_command_ends_with_one_line_and_its_exit_status() -> None:
    ran = run_prove("--seconds", "2", "--kills", "1", "--freezes", "1", "--seed", "1")
    assert ran.returncode == 0, ran.stderr
    assert re.fullmatch(r"[\d,]+ acknowledged, 1 kills, 1 freezes, 0 lost; converged \d+\.\d s after the last fault"
                        r"(; \d+ comparisons of stores, 0 records healed)?", ran.stdout.splitlines()[-1])
    outcome = json.loads(run_prove("--seconds", "1", "--kills", "0", "--freezes", "0", "--json").stdout)
    assert outcome["good"] and outcome["lost"] == 0 and outcome["acknowledged"] > 0 and outcome["kept_in"] is None


@pytest.mark.parametrize("words", [
    ["--wipe"], ["--restores", "1"], ["--seconds", "0"], ["--minutes", "0"], ["--minutes", "1", "--seconds", "1"],
    ["--ack", "paper"], ["--kills", "-1"], ["--hosts", "--chaos"],
    ["--replicas", "1", "--wipe", "--blackouts", "1"], ["--replicas", "9"]], ids=str)
def test_invalid_options_of_prove_are_refused_with_one_line(words: list[str]) -> None:
    ran = run_prove(*words)
    assert ran.returncode == 2 and ran.stderr.startswith("scripts/herd: ") and ran.stderr.count("\n") == 1


def test_a_frozen_node_continues_after_its_peers_died(make_herd: MakeHerd) -> None:
    # Unread batches fill its queue while their senders die. A libzmq with heartbeats aborts then.
    herd = make_herd(full(3))
    herd.wait_linked()
    for _ in range(2):
        herd["n0"].signal(signal.SIGSTOP)
        for node in (herd["n1"], herd["n2"]):
            node.say(reports(f"{node.name}-", 20_000, size=100))
            node.kill()
        herd["n0"].signal(signal.SIGCONT)
        herd["n1"].start()
        herd["n2"].start()
        herd.wait_converged()


# Disks.

Disk = FullTmpfs | FileLimit
MakeDisk = Callable[[Node], Disk]


@pytest.fixture(params=[lambda node: FullTmpfs.mount(node.state_dir), FileLimit], ids=["FullTmpfs", "FileLimit"])
def make_disk(request: pytest.FixtureRequest) -> Iterator[MakeDisk]:
    disks: list[Disk] = []

    def make(node: Node) -> Disk:
        disks.append(request.param(node))
        return disks[-1]

    yield make
    for disk in disks:
        disk.close()


def reports(prefix: str, count: int, size: int = 0) -> bytes:
    return "".join(f"IAMAT {prefix}{i}{'x' * size} +1+2 5\n" for i in range(count)).encode()


def replies_now(connection: socket.socket, seconds: float = 0.5) -> int:
    """Returns the bytes that arrive until nothing has arrived for this time."""
    connection.settimeout(seconds)
    reply = b""
    try:
        while data := connection.recv(65536):
            reply += data
    except TimeoutError:
        pass
    return reply.count(b"\n")


def view_errors(node: Node) -> Iterator[dict[str, Any]]:
    """A viewer that is subscribed when the context begins; yields a list that collects the errors of the node."""
    viewer = zmq.Context.instance().socket(zmq.SUB)
    viewer.rcvtimeo = 10_000
    for topic in ("herd.ERROR.node.", "herd.INFO.stats."):
        viewer.subscribe(topic)
    viewer.connect(f"tcp://127.0.0.1:{node.monitor_port}")
    viewer.recv_multipart()  # a new subscriber gets stats at once; the subscription to errors came before

    def errors() -> Iterator[dict[str, Any]]:
        with viewer:
            while True:
                topic, body = viewer.recv_multipart()
                if topic.startswith(b"herd.ERROR."):
                    yield json.loads(body)
    return errors()


def healthy(node: Node) -> bool:
    return node.get("/healthz") == (200, "ok\n")


@pytest.mark.parametrize("ack", ["write", "fsync"])
def test_while_the_disk_is_full_only_durable_updates_are_acknowledged(
        make_herd: MakeHerd, make_disk: MakeDisk, ack: str) -> None:
    herd = make_herd(alone(1), start=False, settings={"updates": {"ack": ack, "ack_timeout": "60s"}}, log_level="info")
    node = herd["n0"]
    disk = make_disk(node)
    node.start()
    assert node.say(reports("before", 200, size=100)).count(b"\n") == 200
    errors = view_errors(node)
    disk.fill()
    with node.connect(60) as connection:
        connection.sendall(reports("during", 200, size=100))
        wait_for(lambda: node.get("/healthz")[0] == 503, "/healthz reports it")
        assert node.get("/healthz")[1].startswith("not healthy: the journal cannot be written: ")
        assert "herd_journal_failing 1\n" in node.get("/metrics")[1]
        assert node.status()["journal"]["state"] == "failing"
        wait_for(lambda: "event=journal_failing" in node.log(), "the log says so")
        replies = replies_now(connection)
        assert replies < 200
        assert node.say("WHATSAT before0" + "x" * 100 + " 1 0").startswith("AT ")  # it still answers
        disk.free()
        wait_for(lambda: healthy(node), "it recovers by itself")
        assert replies + replies_now(connection) == 200
    node.wait_log("event=journal_recovered")
    assert [next(errors)["event"] for _ in range(2)] == ["journal_failing", "journal_recovered"]
    node.kill()
    node.start()
    assert node.status()["clients"] >= 400


def test_updates_acknowledged_on_a_filling_disk_survive_a_kill(make_herd: MakeHerd, make_disk: MakeDisk) -> None:
    herd = make_herd(alone(1), start=False, settings={"updates": {"ack_timeout": "60s"}}, log_level="info")
    node = herd["n0"]
    disk = make_disk(node)
    node.start()
    node.say(reports("before", 200, size=100))
    disk.fill()
    with node.connect() as connection:
        replies = 0
        for part in range(100):
            connection.sendall(reports(f"during-{part}-", 1, size=200))
            replies += replies_now(connection, 0.1)
            if replies <= part:
                break
        assert replies < 100
        node.kill()
    disk.free()
    node.start()
    assert all(node.knows(f"during-{part}-0{'x' * 200}") for part in range(replies))


def test_at_memory_a_full_disk_delays_no_reply(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1), settings={"updates": {"ack": "memory"}}, log_level="info")
    node = herd["n0"]
    node.say(reports("before", 200, size=100))
    wait_for(lambda: node.status()["journal"]["bytes"] > 20_000, "the journal is written some time")
    FileLimit(node).fill()
    assert node.say(reports("during", 100, size=100)).count(b"\n") == 100
    wait_for(lambda: "herd_journal_failing 1\n" in node.get("/metrics")[1], "the metrics say so")
    assert node.get("/healthz") == (200, "ok, but the journal cannot be written: File too large\n")


# Peers.

def test_a_single_report_is_answered_as_soon_as_it_is_durable_at_the_peer(make_herd: MakeHerd) -> None:
    # Nothing else wakes the loop of an idle peer for about 50 ms to acknowledge that its journal has the update.
    herd = make_herd(line(2), settings={"updates": {"replicas": 1}})
    herd.wait_linked()
    took = []
    with herd["n0"].connect() as connection:
        for i in range(20):
            began = time.monotonic()
            connection.sendall(b"IAMAT kiwi +1+2 %d\n" % (i + 1))
            assert connection.recv(65536).startswith(b"AT n0 ")
            took.append(time.monotonic() - began)
    assert statistics.median(took) < 0.025


def test_with_too_few_peers_nothing_is_acknowledged_and_the_node_stops_reading(make_herd: MakeHerd) -> None:
    settings = {"updates": {"replicas": 1, "ack_timeout": "60s"}}
    herd = make_herd(line(2), settings=settings, log_level="info")
    herd.wait_linked()
    node, peer = herd
    assert node.say("IAMAT kiwi +1+2 1").startswith("AT n0 ")
    peer.kill()
    with node.connect() as connection:
        connection.sendall(b"IAMAT kiwi +1+2 2\n")
        assert replies_now(connection) == 0
        peer.start()
        assert connection.recv(65536).startswith(b"AT n0 ")
    peer.kill()
    with node.connect() as connection:
        connection.setblocking(False)
        assert send_until_blocked(connection) < UNREACHABLE
        settings["updates"]["ack_timeout"] = "300ms"
        herd.write_config()
        node.signal(signal.SIGHUP)
        connection.settimeout(10)
        with pytest.raises(ConnectionResetError):  # or an end without any reply
            assert connection.recv(65536) == b""
            raise ConnectionResetError
    wait_for(lambda: "event=unacknowledged" in node.log(), "the log says so")
    assert healthy(node)


def send_until_blocked(connection: socket.socket) -> int:
    """Sends reports until the node accepts no more for a second. Returns the number of bytes that it accepted."""
    sent, number, blocked_at, rest = 0, 3, None, b""
    while blocked_at is None or time.monotonic() - blocked_at < 1:
        if not rest:
            rest = b"".join(b"IAMAT kiwi +1+2 %d\n" % (number + i) for i in range(1000))
            number += 1000
        try:
            count = connection.send(rest)
        except BlockingIOError:
            blocked_at = blocked_at or time.monotonic()
            time.sleep(0.01)
            continue
        blocked_at = None
        rest = rest[count:]
        sent += count
        if sent > UNREACHABLE:
            break
    return sent


def test_more_replicas_than_peers_is_a_mistake_in_the_configuration(make_herd: MakeHerd) -> None:
    herd = make_herd(line(3), start=False, settings={"updates": {"replicas": 2}})
    ran = subprocess.run([BINARY, "--config", herd.config_path, "--check"], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert re.search(r"^\S+:\d+: \[updates\] `replicas` is 2, but n0 has only 1 peers: ", ran.stderr, re.M)


def test_at_memory_a_client_waits_for_no_peer(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1), settings={"updates": {"ack": "memory"}})["n0"]
    assert node.say("IAMAT kiwi +1+2 5").startswith("AT n0 ")


# Journals.

def herd_with_history(make_herd: MakeHerd, reports_told: int = 40) -> tuple[Herd, pathlib.Path]:
    herd = make_herd(line(2), log_level="info")
    herd.wait_linked()
    for number in range(reports_told):  # each report waits for a write of its own
        herd["n0"].say(f"IAMAT c{number} +1+2 5")
    herd.wait_converged(clients=reports_told)
    herd["n0"].kill()
    return herd, herd["n0"].state_dir / "journal"


def test_a_damaged_journal_is_refused_and_after_discarding_it_the_peers_restore_all(make_herd: MakeHerd) -> None:
    herd, journal = herd_with_history(make_herd)
    node = herd["n0"]
    text = bytearray(journal.read_bytes())
    text[len(text) // 2] ^= 0x10
    journal.write_bytes(text)
    node.start(wait=False)
    assert node.process.wait(10) == 1
    node.may_die = True
    assert re.search(r"journal \S+: it is damaged at byte \d+, .*--discard-journal", node.log())
    assert journal.read_bytes() == text
    node.start("--discard-journal")
    node.wait_log("event=journal_discarded")
    herd.wait_converged(clients=40)
    node.kill()
    node.start()
    assert node.status()["clients"] == 40


def test_a_torn_tail_is_cut_off_and_reported(make_herd: MakeHerd) -> None:
    herd, journal = herd_with_history(make_herd)
    with open(journal, "r+b") as file:
        file.truncate(journal.stat().st_size - 3)
    herd["n0"].start()
    assert re.search(r"event=journal_cut bytes=\d+", herd["n0"].wait_log("event=journal_cut bytes="))
    herd.wait_converged(clients=40)


def test_a_lost_state_directory_gives_a_new_feed_that_the_peers_fill(make_herd: MakeHerd) -> None:
    herd, _ = herd_with_history(make_herd)
    node = herd["n0"]
    node.forget()
    node.start()
    herd.wait_converged(clients=40)
    assert node.say("IAMAT c0 +1+2 6").startswith("AT n0 ")
    wait_for(lambda: (herd["n1"].knows("c0") or "").endswith(" 6"), "its own new reports reach the peer")
