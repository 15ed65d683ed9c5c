"""Tests a running node that loses its journal to other programs or to the disk. It notices that within seconds; the
log, /healthz, metrics and the monitor report it; it writes the journal again; and after a SIGKILL all acknowledged
updates are there."""
import json
import os
import pathlib
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq

from herd_fixture import MakeHerd, Node, alone, wait_for
from loop_disk import LoopDisk

NOTICED = 3  # seconds, on an idle machine
PATIENCE = 30


def older_copy(journal: pathlib.Path) -> None:
    shutil.copy(journal.with_name("older"), journal.with_name("new"))
    journal.with_name("new").rename(journal)


def older_copy_in_place(journal: pathlib.Path) -> None:
    journal.write_bytes(journal.with_name("older").read_bytes())


def append(journal: pathlib.Path) -> None:
    with open(journal, "ab") as file:
        file.write(b"a line of another program\n")


def zeros_in_the_middle(journal: pathlib.Path) -> None:
    with open(journal, "r+b") as file:
        file.seek(60)
        file.write(bytes(8))


def rename_directory(journal: pathlib.Path) -> None:
    journal.parent.rename(journal.parent.with_name("moved"))


def copy_of_directory(journal: pathlib.Path) -> None:
    rename_directory(journal)
    shutil.copytree(journal.parent.with_name("moved"), journal.parent, ignore=shutil.ignore_patterns("control"))


# What is done to the journal, and what the log must contain.
DAMAGES: dict[str, tuple[Callable[[pathlib.Path], object], str]] = {
    "removed": (lambda journal: journal.unlink(), "removed or renamed"),
    "renamed": (lambda journal: journal.rename(journal.with_name("journal.bak")), "removed or renamed"),
    "an older copy": (older_copy, "another file has its name"),
    "an older copy in place": (older_copy_in_place, "truncated"),
    "truncated": (lambda journal: os.truncate(journal, 0), "truncated"),
    "cut": (lambda journal: os.truncate(journal, journal.stat().st_size - 5), "truncated"),
    "appended to": (append, "longer than what this node wrote"),
    "zeros in the middle": (zeros_in_the_middle, "another program has changed"),
    "directory removed": (lambda journal: shutil.rmtree(journal.parent), "removed or renamed"),
    "directory renamed": (rename_directory, "removed or renamed"),
    "copy of the directory": (copy_of_directory, "another file has its name"),
}


def report(node: Node, client: str) -> str:
    return node.say(f"IAMAT {client} +1+2 5")


def start(make_herd: MakeHerd, ack: str = "write", **updates: str) -> tuple[Node, pathlib.Path]:
    herd = make_herd(alone(1), settings={"updates": {"ack": ack, "ack_timeout": "60s"} | updates}, log_level="info")
    node = herd["n0"]
    assert report(node, "first").startswith("AT n0 ")
    journal = node.state_dir / "journal"
    wait_for(lambda: b"first" in journal.read_bytes(), "the first report is in the journal")
    shutil.copy(journal, node.state_dir / "older")
    assert report(node, "second").startswith("AT n0 ")
    wait_for(lambda: b"second" in journal.read_bytes(), "the second report is in the journal")
    return node, journal


def is_repaired(node: Node) -> bool:
    code, body = node.get("/status.json")  # 503 if a busy machine delays the loop by a second
    status = json.loads(body) if code == 200 else None
    return status and status["counters"]["journal_repairs"] >= 1 and status["journal"]["state"] == "ok"


def wait_logged(node: Node, pattern: str) -> None:
    """Waits for a log line that matches the pattern; the log is written a moment after the event."""
    wait_for(lambda: re.search(pattern, node.log()), f"{pattern} in the log", PATIENCE)


def is_known_after_a_crash(node: Node, *clients: str) -> bool:
    node.kill()
    node.start()
    return [client for client in clients if node.knows(client)] == list(clients)


@pytest.mark.parametrize("ack", ["write", "fsync", "memory"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_noticed_without_a_report_and_all_acknowledged_updates_are_written_again(
        make_herd: MakeHerd, damage: str, ack: str) -> None:
    node, journal = start(make_herd, ack)
    inflict, words = DAMAGES[damage]
    inflict(journal)
    began = time.monotonic()
    wait_for(lambda: is_repaired(node), "it is written anew", PATIENCE)
    took = time.monotonic() - began
    assert took < NOTICED or os.getloadavg()[0] > 2 * (os.cpu_count() or 1)
    wait_logged(node, rf'event=journal_failing reason="[^"]*{words}')
    wait_logged(node, "event=journal_recovered")
    assert "herd_journal_failing 0\n" in node.get("/metrics")[1]
    assert "herd_journal_repairs_total 1\n" in node.get("/metrics")[1]
    assert is_known_after_a_crash(node, "first", "second")


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_report_right_after_the_damage_is_acknowledged_only_when_it_survives_a_crash(
        make_herd: MakeHerd, damage: str) -> None:
    node, journal = start(make_herd)
    inflict, _ = DAMAGES[damage]
    inflict(journal)
    assert report(node, "third").startswith("AT n0 ")
    assert is_known_after_a_crash(node, "first", "second", "third")


@pytest.mark.parametrize("damage", ["an older copy", "an older copy in place", "appended to"])
def test_a_file_with_the_journals_name_is_preserved(make_herd: MakeHerd, damage: str) -> None:
    node, journal = start(make_herd)
    before = journal.read_bytes()
    DAMAGES[damage][0](journal)
    older = (node.state_dir / "older").read_bytes()
    left = before + b"a line of another program\n" if damage == "appended to" else older
    wait_for(lambda: is_repaired(node), "it is written anew", PATIENCE)
    assert journal.with_name("journal.replaced").read_bytes() == left
    wait_logged(node, f"event=journal_set_aside kept_as={journal}.replaced ")


def test_a_clean_stop_finds_damage_of_the_last_moment(make_herd: MakeHerd) -> None:
    node, journal = start(make_herd)
    journal.unlink()
    node.stop()
    node.start()
    assert node.knows("first") and node.knows("second")


def test_the_monitor_reports_the_damage_and_its_end(make_herd: MakeHerd) -> None:
    node, journal = start(make_herd)
    with zmq.Context.instance().socket(zmq.SUB) as viewer:
        viewer.rcvtimeo = PATIENCE * 1000
        for topic in ("herd.ERROR.node.", "herd.INFO.stats."):
            viewer.subscribe(topic)
        viewer.connect(f"tcp://127.0.0.1:{node.monitor_port}")
        viewer.recv_multipart()  # a new viewer gets stats at once; the subscription to errors came before
        viewer.unsubscribe("herd.INFO.stats.")
        journal.unlink()
        events: list[dict[str, Any]] = []
        while len(events) < 2:
            where, body = viewer.recv_multipart()
            if where.startswith(b"herd.ERROR."):
                events.append(json.loads(body))
    assert [event["event"] for event in events] == ["journal_failing", "journal_recovered"]
    assert events[0]["message"] == "its file was removed or renamed: it is written anew"


def test_while_the_directory_cannot_be_created_nothing_is_acknowledged_and_the_reason_is_logged(
        make_herd: MakeHerd) -> None:
    node, journal = start(make_herd)
    nodes = node.state_dir.parent
    nodes.rename(nodes.with_name("moved"))
    nodes.write_text("no directory")
    wait_for(lambda: node.get("/healthz")[0] == 503, "it is unhealthy", PATIENCE)
    assert "Not a directory" in node.get("/healthz")[1]
    assert node.status()["journal"]["state"] == "failing"
    assert "herd_journal_failing 1\n" in node.get("/metrics")[1]
    with node.connect(PATIENCE) as connection:
        connection.sendall(b"IAMAT third +1+2 5\n")
        connection.settimeout(1)
        with pytest.raises(TimeoutError):
            connection.recv(65536)
        assert node.knows("first")
        connection.settimeout(PATIENCE)
        nodes.unlink()
        assert connection.recv(65536).startswith(b"AT n0 ")
    wait_for(lambda: node.get("/healthz")[0] == 200, "it is well again", PATIENCE)
    assert is_known_after_a_crash(node, "first", "second", "third")


def test_a_removed_lock_file_is_created_again_so_that_no_second_process_starts(make_herd: MakeHerd) -> None:
    node, journal = start(make_herd)
    lock = node.state_dir / "lock"
    lock.unlink()
    wait_for(lambda: lock.exists() and lock.read_text() == f"{node.process.pid}\n", "the lock is there", PATIENCE)
    wait_logged(node, "event=state_directory_restored")
    second = make_herd(alone(1), start=False)
    second["n0"].environment["HERD_STATE_DIR"] = str(node.herd.state_dir)
    second["n0"].start(wait=False)
    assert second["n0"].process.wait(PATIENCE) == 1
    second["n0"].may_die = True
    assert f"is used by process {node.process.pid}" in second["n0"].log()
    assert node.status()["journal"]["state"] == "ok"


# A file system of the test.

MakeLoopDisk = Callable[[str], tuple[Node, LoopDisk]]


@pytest.fixture
def loop_disk(make_herd: MakeHerd, tmp_path: pathlib.Path) -> Iterator[MakeLoopDisk]:
    """loop_disk(ack) -> (node, disk): a node with its state on a disk of its own, after one acknowledged report."""
    disks: list[LoopDisk] = []

    def make(ack: str) -> tuple[Node, LoopDisk]:
        herd = make_herd(alone(1), start=False, settings={"updates": {"ack": ack, "ack_timeout": "60s"}},
                         log_level="info")
        node = herd["n0"]
        disks.append(LoopDisk.mount(node.state_dir, tmp_path / "disk"))
        node.start()
        assert node.say("IAMAT first +1+2 5").startswith("AT n0 ")
        return node, disks[-1]

    yield make
    for disk in disks:
        disk.close()


def assert_no_reply(node: Node, client: str) -> socket.socket:
    """Reports, checks that there is no reply within a second, and returns the connection."""
    connection = node.connect(PATIENCE)
    connection.sendall(f"IAMAT {client} +1+2 5\n".encode())
    connection.settimeout(1)
    with pytest.raises(TimeoutError):
        connection.recv(65536)
    connection.settimeout(PATIENCE)
    return connection


@pytest.mark.parametrize("ack", ["write", "fsync"])
def test_a_file_system_that_an_error_made_read_only_is_noticed_and_nothing_more_is_acknowledged(
        loop_disk: MakeLoopDisk, ack: str) -> None:
    node, disk = loop_disk(ack)
    disk.fail()
    wait_for(lambda: node.get("/healthz")[0] == 503, "it is noticed without a report", PATIENCE)
    assert "Read-only file system" in node.get("/healthz")[1]
    wait_logged(node, 'event=journal_failing reason="Read-only file system"')
    with assert_no_reply(node, "second"):
        assert node.is_running
    node.kill()
    disk.repair()
    node.start()
    # At "write" a reply means that the system has the update, and this system lost it with the file system.
    assert node.knows("first") or ack == "write"


def test_at_memory_a_file_system_that_went_read_only_delays_no_reply_and_is_reported(loop_disk: MakeLoopDisk) -> None:
    node, disk = loop_disk("memory")
    disk.fail()
    wait_for(lambda: node.get("/healthz") == (200, "ok, but the journal cannot be written: Read-only file system\n"),
             "it is noticed without a report", PATIENCE)
    assert "herd_journal_failing 1\n" in node.get("/metrics")[1]
    wait_logged(node, "event=journal_failing .*what is reported now is lost if this node dies")
    assert node.say("IAMAT second +1+2 5").startswith("AT n0 ")


def test_another_file_system_in_place_of_a_failed_one_is_used(loop_disk: MakeLoopDisk) -> None:
    node, disk = loop_disk("write")
    disk.fail()
    wait_for(lambda: node.get("/healthz")[0] == 503, "it is noticed", PATIENCE)
    with assert_no_reply(node, "second") as connection:
        disk.cover()
        assert connection.recv(65536).startswith(b"AT n0 ")
    wait_for(lambda: node.get("/healthz")[0] == 200, "it is well again", PATIENCE)
    assert is_known_after_a_crash(node, "first", "second")


def test_a_disk_that_does_not_answer_is_noticed_and_waited_for(loop_disk: MakeLoopDisk) -> None:
    node, disk = loop_disk("write")
    disk.freeze()
    wait_for(lambda: node.get("/healthz")[0] == 503, "it is noticed without a report", PATIENCE)
    assert "the disk has not answered for 3 s" in node.get("/healthz")[1]
    with assert_no_reply(node, "second") as connection:
        assert node.knows("first")
        disk.thaw()
        assert connection.recv(65536).startswith(b"AT n0 ")
    wait_for(lambda: node.get("/healthz")[0] == 200, "it is well again", PATIENCE)
    assert is_known_after_a_crash(node, "first", "second")
