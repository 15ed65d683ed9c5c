"""Tests the commands of an installed herd where systemd runs the nodes. A program with the names systemctl and
journalctl takes the place of systemd (fake_systemd.py)."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest

import fake_systemd
from herd_ctl import doctor_facts, order, processes, status, units, units_up
from herd_ctl import up as supervised
from herd_ctl.down import kill
from herd_ctl.herd import read_herd
from herd_ctl.trouble import Trouble
from herd_fixture import BINARY, Herd, line, wait_for


class Host:
    """A host with two nodes, and systemd that does not run them yet."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.private = Herd.for_test(line(2), {"places": {"providers": ["google"]}})
        self.config = str(self.private.config_path)

    def units(self) -> units.Units:
        return units.Units(read_herd(self.config))

    def up(self, *names: str) -> int:
        manager = self.units()
        return units_up.up(manager.herd, manager, list(names))

    def down(self, *names: str) -> int:
        manager = self.units()
        return units_up.down(manager.herd, manager, list(names))

    def pid(self, name: str) -> int:
        return fake_systemd.pid_of(name)

    def is_enabled(self, name: str) -> bool:
        return (self.folder / f"{name}.enabled").exists()


@pytest.fixture
def host(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    programs, home = tmp_path / "bin", tmp_path / "systemd"
    programs.mkdir()
    home.mkdir()
    for name in ("systemctl", "journalctl"):
        program = programs / name
        program.write_text("#!/usr/bin/python3 -IS\n" + pathlib.Path(fake_systemd.__file__).read_text(encoding="utf-8"),
                           encoding="utf-8")
        program.chmod(0o755)
    monkeypatch.setattr(fake_systemd, "HOME", home)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_SYSTEMD", str(home))
    monkeypatch.setenv("HERD_BIN", BINARY)
    made = Host(home)
    monkeypatch.setenv("HERD_STATE_DIR", str(made.private.state_dir))
    monkeypatch.setenv("FAKE_COMMAND", json.dumps([BINARY, "--config", made.config, "--"]))
    monkeypatch.setattr(order, "by_hand", lambda _herd: [])  # the nodes of the fake are in no control group
    yield made
    for name in ("n0", "n1"):
        fake_systemd.stop(name)
    made.private.close()


def test_up_enables_and_starts_and_down_stops_and_disables(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    assert host.up() == 0
    shown = capsys.readouterr().out
    assert "n0" in shown and "1/1" in shown and "telnet 127.0.0.1" in shown
    first = {name: host.pid(name) for name in ("n0", "n1")}
    assert all(first.values()) and host.is_enabled("n0") and host.is_enabled("n1")
    assert host.up() == 0 and "All of them run already" in capsys.readouterr().out
    assert {name: host.pid(name) for name in ("n0", "n1")} == first

    manager = host.units()
    assert manager.condition().works and manager.started() == {"n0", "n1"}
    assert status.status(manager.herd, manager, as_json=True) == 0
    rows = json.loads(capsys.readouterr().out)["nodes"]
    assert [(row["state"], row["pid"]) for row in rows] == [("up", first["n0"]), ("up", first["n1"])]

    assert units_up.logs(manager.herd, manager, [], False, 1) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [text[:5] for text in lines] == ["n0 | ", "n1 | "] and all("event=" in text for text in lines)
    assert doctor_facts.lines_of(manager.log_end("n0", 1 << 16), 0.0)

    assert supervised.reload(manager.herd, manager) == 0
    assert "Reloaded: n0, n1" in capsys.readouterr().out
    assert units_up.restart(manager.herd, manager, ["n1"], True) == 0
    assert "n1 is back" in capsys.readouterr().out
    assert host.pid("n0") == first["n0"] and host.pid("n1") not in (0, first["n1"])

    assert host.down("n0") == 0 and "Stopped: n0" in capsys.readouterr().out
    assert not host.pid("n0") and not host.is_enabled("n0") and host.pid("n1")
    assert status.exit_status(status.gather(manager.herd, manager, manager.condition())) == 3
    assert host.down() == 0 and host.down() == 0
    assert "Stopped: nothing was running" in capsys.readouterr().out
    with pytest.raises(Trouble, match="no node of this host is running"):
        units_up.restart(manager.herd, manager, [], False)


def test_a_changed_node_is_restarted_and_a_removed_one_is_stopped(host: Host,
                                                                  capsys: pytest.CaptureFixture[str]) -> None:
    host.up()
    first = {name: host.pid(name) for name in ("n0", "n1")}
    path = host.private.config_path
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('[updates]\n', '[updates]\nack = "memory"\n') if "[updates]" in text
                    else f'{text.split("[[node]]", 1)[0]}[updates]\nack = "memory"\n\n[[node]]'
                    + text.split("[[node]]", 1)[1], encoding="utf-8")
    host.up()
    second = {name: host.pid(name) for name in ("n0", "n1")}
    assert all(second.values()) and not set(first.values()) & set(second.values())
    changed = path.read_text(encoding="utf-8")
    head, own, _ = changed.split("[[node]]")
    path.write_text(head + "[[node]]" + own.replace('"n1"', ""), encoding="utf-8")
    host.up()
    assert "n1 is no longer in the configuration: stopped" in capsys.readouterr().out
    assert not host.pid("n1") and not host.is_enabled("n1") and host.pid("n0")


def test_a_node_that_cannot_start_is_stopped_and_its_last_line_is_shown(host: Host,
                                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_COMMAND", json.dumps(["sh", "-c", "echo the disk is on fire; exit 1"]))
    with pytest.raises(Trouble, match="n[01] did not start: the disk is on fire"):
        host.up()
    assert not host.is_enabled("n0") and not host.is_enabled("n1")


def test_a_frozen_node_is_named_and_killed_on_request(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    host.up()
    os.kill(host.pid("n0"), signal.SIGSTOP)
    try:
        wait_for(lambda: processes.state(host.pid("n0")) == processes.FROZEN, "n0 is frozen")
        manager = host.units()
        rows = status.gather(manager.herd, manager, manager.condition())
        assert [row["state"] for row in rows] == ["frozen", "up"]
        assert kill(manager.herd, manager, "n0") == 0 and "is killed" in capsys.readouterr().out
        wait_for(lambda: not host.pid("n0"), "n0 has ended")
    finally:
        if host.pid("n0"):
            os.kill(host.pid("n0"), signal.SIGCONT)
    assert host.units().processes()["n0"]["statename"] == "BACKOFF"


@pytest.mark.parametrize("text, expected", [
    ("echo 'Failed to enable unit: Interactive authentication required.' >&2; exit 1", "run this as root"),
    ("echo 'Failed to enable unit: Access denied' >&2; exit 4", "run this as root"),
    ("echo 'Job failed' >&2; exit 1", r"systemctl enable failed \(Job failed\): `systemctl status"),
    ("exit 3", "it ended with status 3"),
    ("sleep 60", "did not end within"),
])
def test_a_systemctl_that_fails_or_hangs_is_one_clear_line(host: Host, monkeypatch: pytest.MonkeyPatch, text: str,
                                                           expected: str) -> None:
    manager = host.units()
    program = host.folder.parent / "bin/systemctl"
    program.write_text(f"#!/bin/sh\n{text.replace('sleep', 'exec sleep')}\n", encoding="utf-8")
    monkeypatch.setattr(units.Units._systemctl, "__kwdefaults__", {"seconds": 0.5, "tolerate": False})
    with pytest.raises(Trouble, match=expected) as caught:
        manager.enable(["n0"])
    assert "\n" not in str(caught.value)


def test_a_systemd_that_does_not_answer_is_reported(host: Host) -> None:
    manager = host.units()
    (host.folder.parent / "bin/systemctl").write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    condition = manager.condition(0.3)
    assert not condition.works and "systemd does not answer" in str(manager.trouble(condition))


def test_lines_of_the_journal_name_their_node_and_may_be_bytes() -> None:
    line_ = json.dumps({"_SYSTEMD_UNIT": "herd@n0.service", "MESSAGE": [104, 255]}).encode()
    assert units_up.entry_of(line_) == ("n0", b"h\xff")
    assert units_up.entry_of(b'{"MESSAGE": null}') == ("", b"")


def test_only_an_installed_herd_with_the_configuration_of_the_unit_runs_under_systemd(
        host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    herd = read_herd(host.config)
    monkeypatch.setattr(units, "RUNS_SYSTEMD", tmp_path)
    assert not isinstance(units.manager_of(herd), units.Units)  # a source tree
    monkeypatch.setattr(units, "IS_INSTALLED", True)
    assert not isinstance(units.manager_of(herd), units.Units)  # another configuration
    monkeypatch.setattr(units, "CONFIGURATION", herd.config)
    assert isinstance(units.manager_of(herd), units.Units)
    monkeypatch.setattr(units, "RUNS_SYSTEMD", tmp_path / "none")
    assert not isinstance(units.manager_of(herd), units.Units)


def test_the_unit_of_a_process_is_that_of_its_control_group(monkeypatch: pytest.MonkeyPatch) -> None:
    for groups, unit in ((b"0::/system.slice/system-herd.slice/herd@a-b.service\n", "herd@a-b.service"),
                         (b"1:name=systemd:/system.slice/cron.service\n0::/\n", ""), (b"", "")):
        monkeypatch.setattr(processes, "_read", lambda _pid, _name, groups=groups: groups)
        assert processes.unit_of(1) == unit


@pytest.fixture
def open_folder() -> Iterator[pathlib.Path]:
    """A directory that other users can reach, which those of pytest are not."""
    with tempfile.TemporaryDirectory() as path:
        folder = pathlib.Path(path)
        folder.chmod(0o755)
        yield folder


def test_root_acts_as_the_owner_of_the_state_directory(open_folder: pathlib.Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    state = open_folder / "state"
    state.mkdir()
    code = ("import os, pathlib, subprocess, sys; from herd_ctl import owner; state = pathlib.Path(sys.argv[1]);"
            "owner.act_as_owner(state); print(os.geteuid(), os.getegid(), end=' ');"
            "os.geteuid() and state.joinpath('made').touch();"
            "own = subprocess.run(['id', '-u'], capture_output=True, text=True, **owner.for_owner()).stdout.strip();"
            "root = subprocess.run(['id', '-u'], capture_output=True, text=True, **owner.for_caller()).stdout.strip();"
            "print(own, root, end=' ')\nwith owner.as_caller(): print(os.geteuid(), end=' ')\nprint(os.geteuid())")

    def act() -> list[str]:
        return subprocess.run([sys.executable, "-c", code, state], capture_output=True, text=True, check=True,
                              env=os.environ | {"PYTHONPATH": str(pathlib.Path(units.__file__).parents[1])}
                              ).stdout.split()

    assert act() == ["0", "0", "0", "0", "0", "0"]  # its own
    os.chown(state, 65534, 65534)
    assert act() == ["65534", "65534", "65534", "0", "0", "65534"]
    assert (state / "made").stat().st_uid == 65534
