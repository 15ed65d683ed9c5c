"""Tests scripts/herd with errors: one line that names the error, the documented exit status, and nothing left half
started."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
from typing import Any

import pytest

from herd_control import SCRIPT, Control
from herd_fixture import BINARY, REPOSITORY, wait_for

UNPRIVILEGED_ID = 65534


def test_a_bad_configuration_is_named_with_its_line_and_changes_nothing(control: Control) -> None:
    control.run("up")
    before = control.pids()
    control.edit('peers = ["n1"]', 'peers = ["n7"]\nhtpp = ""')
    error = control.run("reload", status=2)
    assert re.search(r"herd\.toml:10: n0: `peers` names \"n7\"", error) and re.search(r"herd\.toml:11: .*`htpp`", error)
    assert "n7" in control.run("up", status=2)
    control.herd.write_config()
    assert control.pids() == before


@pytest.mark.parametrize("role", ["clients", "bus", "monitor", "http"])
def test_a_busy_port_is_named_and_nothing_is_left_running(control: Control, role: str) -> None:
    port = getattr(control.herd["n1"], f"{role}_port")
    with socket.create_server(("127.0.0.1", port)):
        assert (f"n1 cannot start: port {port} of its `{role}` is used by "
                f"{pathlib.Path('/proc/self/comm').read_text().strip()} (process {os.getpid()}): end that program"
                in control.trouble("up"))
        control.run("status", status=4)
        control.run("up", "n0", "n2")
        assert f"port {port}" in control.trouble("up")
        assert control.pids()["n0"] and control.pids()["n2"]
    control.run("up")


def test_a_node_that_fails_is_quoted_and_only_what_this_up_started_is_stopped(control: Control) -> None:
    nodes = control.herd.state_dir / "nodes"
    nodes.mkdir(parents=True)
    (nodes / "n1").write_text("no directory")
    error = control.trouble("up")
    assert "n1 did not start: " in error and str(nodes / "n1") in error
    control.run("status", status=4)
    assert control.supervisor_pid() is None
    control.run("up", "n0")
    kept = control.pids()["n0"]
    assert "n1 did not start: " in control.trouble("up")
    assert control.pids() == {"n0": kept, "n1": None, "n2": None}
    (nodes / "n1").unlink()
    control.run("up")


def test_an_interrupted_up_leaves_nothing_running(control: Control) -> None:
    # supervisord counts a node as running after a second, so there is time to interrupt.
    process = subprocess.Popen([SCRIPT, "up", "--config", control.herd.config_path], env=control.environment,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    wait_for(control.supervisor_pid, "the supervisor is there")
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "Interrupted\n")
    assert control.supervisor_pid() is None
    control.run("status", status=4)


def test_a_node_that_runs_by_hand_is_named_with_its_process(control: Control) -> None:
    control.herd["n1"].start()
    error = control.trouble("up")
    assert f"n1 runs already, outside of this supervisor: stop process {control.herd['n1'].process.pid} first" in error
    assert "n1 (process " in control.run("status", status=3)
    assert "scripts/herd did not start it" in control.run("down", status=1)
    assert control.herd["n1"].is_running
    control.herd["n1"].stop()


def test_a_bad_command_line_gives_one_line_and_status_2(control: Control) -> None:
    for words in (["bogus"], ["up", "--bogus"], ["kill"], ["where"], ["status", "more"], ["logs", "-n", "x"],
                  ["up", "n9"], ["down", "n9"], ["kill", "n9"], ["logs", "n9"], ["restart", "n9"]):
        control.trouble(*words, status=2)
    assert "it has n0, n1, n2" in control.trouble("kill", "n9", status=2)
    for words in (["kill", "n0"], ["restart"], ["reload"]):
        assert "no herd is running" in control.trouble(*words, status=4)
    assert control.run("down") == "No herd is running\n"
    assert "COMMAND" in control.run("help")
    control.run("up", "n0")
    assert "n1 is not running" in control.trouble("kill", "n1")


def test_a_bad_command_line_is_refused_before_anything_is_installed_or_built(tmp_path: pathlib.Path) -> None:
    script = shutil.copytree(REPOSITORY / "scripts", tmp_path / "scripts") / "herd"
    (tmp_path / "scripts/deps").write_text("#!/bin/sh\necho it installs\nexit 9\n")
    environment = {name: value for name, value in os.environ.items() if name != "HERD_BIN"}
    for words, status in ((["up"], 9), (["up", "--bogus"], 2), (["up", "--help"], 0), (["keygen", "--rotate"], 2)):
        ran = subprocess.run([script, *words], env=environment, stdout=subprocess.PIPE, text=True, check=False)
        assert ran.returncode == status and ("it installs" in ran.stdout) == (status == 9), ran


def test_a_state_directory_too_long_for_a_socket_is_reported(control: Control) -> None:
    control.environment |= {"HERD_STATE_DIR": str(control.herd.directory / ("x" * 100))}
    assert "too long for a socket" in control.trouble("up")
    control.environment |= control.herd.environment


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs wants root")
def test_a_full_disk_is_reported_and_nothing_is_left_running(control: Control) -> None:
    state = control.herd.state_dir
    state.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", state], check=False).returncode != 0:
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        with open(state / "ballast", "wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(b"x" * 4096)
        assert re.search(rf"{state}/\S+ cannot be written \(No space left on device\): free disk space",
                         control.trouble("up"))
        control.run("status", status=4)
        assert control.supervisor_pid() is None
        (state / "ballast").unlink()
        control.run("up")
    finally:
        control.run("down")
        subprocess.run(["umount", "-l", state], check=True)


@pytest.mark.parametrize("words, status, error", [
    (["demo", "--seconds", "1"], 4, "no node answers: start them with scripts/herd up"),
    (["backup", "/proc/x/b", "--node", "n0"], 2, "/proc/x is no directory: name a file in a directory that exists"),
    (["restore", "/proc/x/b", "--node", "n0"], 2, "there is no file /proc/x/b: name a file of scripts/herd backup")])
def test_a_command_that_cannot_do_its_work_says_why_in_one_line(control: Control, words: list[str], status: int,
                                                                error: str) -> None:
    assert error in control.trouble(*words, status=status)


def test_a_reader_of_monitors_ends_at_once_if_no_node_runs(control: Control) -> None:
    for words in (["tap", "--seconds", "1"], ["tap"], ["trace", "kiwi"], ["trace", "kiwi", "--send", "1,2"]):
        assert control.trouble(*words, status=4) == (
            "scripts/herd: n0, n1, n2 do not run: scripts/herd up starts them\n")
    assert "n1 does not run: scripts/herd up starts it" in control.trouble("tap", "--node", "n1", status=4)


def test_a_state_directory_of_another_user_is_reported(control: Control) -> None:
    directory, state = control.herd.directory, control.herd.state_dir
    directory.chmod(0o755)
    script, binary = SCRIPT, BINARY
    options: dict[str, Any] = {}  # of subprocess.run
    if os.geteuid() == 0:  # root may write everywhere
        options = {"user": UNPRIVILEGED_ID, "group": UNPRIVILEGED_ID, "extra_groups": []}
        script = shutil.copytree(REPOSITORY / "scripts", directory / "scripts") / "herd"  # where every user may run it
        binary = str(shutil.copy(BINARY, directory))
    state.mkdir(mode=0o555)
    (state / "logs").mkdir(mode=0o555)

    def run(*words: str) -> tuple[int, str]:
        ran = subprocess.run([script, *words, "--config", control.herd.config_path], text=True, cwd=directory,
                             env=control.environment | {"HERD_BIN": binary}, stdin=subprocess.DEVNULL,
                             capture_output=True, timeout=60, check=False, **options)
        return ran.returncode, ran.stderr
    status, error = run("up")
    assert status == 1 and error.startswith(f"scripts/herd: {state}/herd.lock cannot be written (Permission denied): ")
    assert error.count("\n") == 1
    assert run("status") == (4, "") and run("down") == (0, "")
    state.chmod(0o700)
    if options:  # the herd runs and belongs to root
        control.run("up")
        for words, text in ((["status"], f"{state}/supervisor.sock is not yours to use: "),
                            (["down"], f"{state}/supervisor.sock is not yours to use: "),
                            (["reload"], f"{state}/supervisor.sock is not yours to use: "),
                            (["logs"], f"{state}/logs/n0.log: Permission denied: run this as the user that runs"),
                            (["backup", "b"], f"{state} belongs to another user: run this as the user")):
            status, error = run(*words)
            assert status == 1 and error.startswith(f"scripts/herd: {text}")
            assert error.count("\n") == 1
        control.run("status")


def test_a_reset_of_an_unknown_client_names_no_node_that_has_answered(control: Control) -> None:
    control.run("up")
    assert control.trouble("reset-client", "kiwi") == (
        "scripts/herd: no running node of this host knows a client 'kiwi'\n")


def test_a_missing_binary_is_reported(control: Control) -> None:
    control.environment |= {"HERD_BIN": "/nowhere/herd-node"}
    assert ("$HERD_BIN is /nowhere/herd-node, which cannot be run: correct it, or unset it to use the release build"
            in control.trouble("status"))
    broken = control.herd.directory / "herd-node"
    broken.write_bytes(b"")
    broken.chmod(0o755)
    control.environment |= {"HERD_BIN": str(broken)}
    assert f"{broken} cannot be run (Exec format error): correct $HERD_BIN" in control.trouble("status")
    control.environment |= {"HERD_BIN": BINARY}
