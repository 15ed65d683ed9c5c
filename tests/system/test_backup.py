"""Tests `scripts/herd backup` and `restore`: a backup of a node that takes updates has all that was acknowledged, a
node with a restored backup does no harm to a herd that went on, and nothing is left half done."""
from __future__ import annotations

import contextlib
import json
import os
import pathlib
import resource
import subprocess
import threading
from typing import Any

import pytest

from herd_control import Control
from herd_fixture import BINARY, MakeHerd, Node, line, wait_for

LIGHT = {"places": {"providers": ["google"]}}  # without a key: the nodes read no places


@pytest.fixture(name="control")
def commands_of_two_nodes(make_herd: MakeHerd) -> Control:
    """The nodes run without a supervisor: only their state directories count here."""
    herd = make_herd(line(2), settings=LIGHT, log_level="info")
    herd.wait_linked()
    return Control(herd)


def report(node: Node, client: str, time: int) -> None:
    assert node.say(f"IAMAT {client} +1-2 {time}").startswith("AT ")


def time_of(node: Node, client: str) -> int | None:
    line = node.say(f"WHEREIS {client}")
    return int(line.split()[-1]) if line.startswith("AT ") else None


def backup(control: Control, file: pathlib.Path, *words: str) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads(control.run("backup", str(file), "--json", *words))
    return figures


def refused(control: Control, *words: object) -> str:
    """The one line of herd-node, which must end with status 1."""
    ran = subprocess.run([BINARY, "--config", control.herd.config_path, *map(str, words)], check=False, text=True,
                         env=os.environ | control.herd.environment, stderr=subprocess.PIPE)
    assert ran.returncode == 1 and ran.stderr.count("\n") == 1, ran.stderr
    return ran.stderr


def wait_equal(control: Control, clients: int | None = None) -> None:
    """Waits until all nodes have the same records, and that many clients."""
    control.herd.wait_converged(clients, nodes=[node.name for node in control.herd])


class Reports:
    """Reports of one client, one after the other, until the end of the context."""

    def __init__(self, node: Node, client: str):
        self.acknowledged = 0
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(node, client))

    def _run(self, node: Node, client: str) -> None:
        with node.connect() as connection, connection.makefile("r") as stream:
            while not self.ends.is_set():
                connection.sendall(b"".join(b"IAMAT %s +1-2 %d\nIAMAT %s%d +1-2 1\n" % (
                    client.encode(), number, client.encode(), number)
                    for number in range(self.acknowledged + 1, self.acknowledged + 11)))
                assert all(stream.readline().startswith("AT ") for _ in range(20))
                self.acknowledged += 10

    def __enter__(self) -> Reports:
        self.thread.start()
        wait_for(lambda: self.acknowledged, "reports are acknowledged")
        return self

    def __exit__(self, *_: object) -> None:
        self.ends.set()
        self.thread.join()


def test_a_backup_under_load_is_restored_at_another_node_and_the_newest_records_win(
        control: Control, tmp_path: pathlib.Path) -> None:
    herd, file = control.herd, tmp_path / "herd.backup"
    report(herd["n0"], "kiwi", 100)
    with Reports(herd["n0"], "plum") as reports:
        acknowledged = reports.acknowledged
        figures = backup(control, file, "--node", "n0")
        wait_for(lambda: reports.acknowledged > acknowledged + 100, "the node goes on")
    assert figures["node"] == "n0" and figures["clients"] >= acknowledged + 2
    assert figures["bytes"] == file.stat().st_size and file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["herd.backup"]

    # The herd goes on: newer records, and new clients.
    report(herd["n0"], "kiwi", 200)
    report(herd["n0"], "after", 1)
    wait_equal(control)
    status = herd["n1"].status()

    assert "n1 runs (process" in control.trouble("restore", str(file), "--node", "n1")
    herd["n1"].stop()
    assert "add --force" in control.trouble("restore", str(file), "--node", "n1")
    told = control.run("restore", str(file), "--node", "n1", "--force")
    assert "a journal of n0, copied at 20" in told and "journal.before-restore" in told
    herd["n1"].start()
    wait_equal(control, status["clients"])
    after = herd["n1"].status()
    assert after["digest"] == status["digest"]
    assert after["feed_id"] not in (status["feed_id"], herd["n0"].status()["feed_id"])
    assert time_of(herd["n1"], "kiwi") == 200 and time_of(herd["n1"], "after") == 1
    report(herd["n1"], "new", 1)
    wait_for(lambda: time_of(herd["n0"], "new") == 1, "updates of the restored node spread")
    assert "event=journal_is_copy of=n0" in herd["n1"].log()
    assert all("event=feed_renewed" not in node.log() for node in herd)  # it did not wait for the proof of a peer


def test_a_lost_herd_is_restored_from_one_backup(control: Control, tmp_path: pathlib.Path) -> None:
    herd, file = control.herd, tmp_path / "herd.backup"
    for number in range(50):
        report(herd["n1"], f"client{number}", number + 1)
    wait_equal(control, 50)
    figures = backup(control, file)
    for node in herd:
        node.stop()
        node.forget()
    control.run("restore", str(file), "--node", "n0")
    herd.start()
    wait_equal(control, 50)
    assert herd["n1"].status()["digest"] == figures["digest"]
    assert all(time_of(herd["n1"], f"client{number}") == number + 1 for number in range(50))


def test_a_damaged_backup_is_refused_and_changes_nothing(control: Control, tmp_path: pathlib.Path) -> None:
    herd, file = control.herd, tmp_path / "herd.backup"
    report(herd["n0"], "kiwi", 1)
    backup(control, file)
    herd["n1"].stop()
    journal = herd["n1"].state_dir / "journal"
    before = journal.read_bytes()
    whole = file.read_bytes()
    flipped = whole[:60] + bytes([whole[60] ^ 1]) + whole[61:]
    for text, reason in ((whole[:-1], "its end is missing"), (flipped, "damaged at byte"),
                         (b"", "contains no journal"), (b"HJ99", "a newer release of herd, in format HJ99"),
                         (b"no backup", "does not begin like a journal")):
        file.write_bytes(text)
        assert reason in refused(control, "--restore", file, "--force", "n1")
    assert "there is no file" in control.trouble("restore", str(tmp_path / "missing"), "--node", "n1", "--force",
                                                 status=2)
    assert journal.read_bytes() == before
    assert {path.name for path in journal.parent.iterdir()} <= {"journal", "lock"}


def test_wrong_arguments_and_full_disks_leave_no_file_and_one_line(control: Control, tmp_path: pathlib.Path) -> None:
    herd, file = control.herd, tmp_path / "herd.backup"
    for number in range(200):
        report(herd["n0"], f"client{number}", 1)
    file.write_text("precious")
    assert "exists already: name a new file" in control.trouble("backup", str(file))
    assert file.read_text() == "precious"
    file.unlink()
    assert "is no directory" in control.trouble("backup", str(tmp_path / "missing" / "file"), status=2)
    assert "is a directory" in control.trouble("backup", f"{tmp_path}/")
    assert "no node 'n7'" in control.trouble("backup", str(file), "--node", "n7", status=2)
    assert "FILE" in control.trouble("backup", status=2)
    assert "--node" in control.trouble("restore", str(file), status=2)
    full = subprocess.run([BINARY, "--config", herd.config_path, "--backup", file, "n0"], check=False, text=True,
                          env=os.environ | herd.environment, stderr=subprocess.PIPE,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))
    assert (full.returncode, full.stderr) == (1, f"herd-node: {file}: File too large\n")
    assert not list(tmp_path.iterdir())


def test_a_killed_backup_leaves_no_file_under_its_name(control: Control, tmp_path: pathlib.Path) -> None:
    herd, file = control.herd, tmp_path / "herd.backup"
    report(herd["n0"], "kiwi", 1)
    for tries in range(8):  # killed at different moments
        process = subprocess.Popen([BINARY, "--config", herd.config_path, "--backup", file, "n0"],
                                   env=os.environ | herd.environment, stdout=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(tries / 100)
        process.kill()
        process.wait()
        if file.exists():  # it was complete before
            checked = subprocess.run([BINARY, "--check-journal", file], check=True, stdout=subprocess.PIPE)
            assert json.loads(checked.stdout)["clients"] == 1
            file.unlink()
    backup(control, file)
    assert [path.name for path in tmp_path.iterdir()] == ["herd.backup"]  # the rest of the killed ones is gone
