"""Tests errors from outside: busy ports, bad configurations, state and logs that cannot be written. Each causes one
clear line and the documented exit status, leaves nothing half started, and does not disturb other nodes. Strangers and
broken peers at the bus are in test_bad_peers.py."""
import contextlib
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from herd_fixture import BINARY, Herd, MakeHerd, alone, line, wait_for

UNPRIVILEGED_ID = 65534


def run_node(herd: Herd, *arguments: str | pathlib.Path, environment: Mapping[str, str] | None = None,
             preexec_fn: Callable[[], None] | None = None) -> tuple[int, list[str]]:
    """Runs herd-node until it ends by itself: (exit status, standard error without log lines)."""
    done = subprocess.run([BINARY, *(arguments or ["--config", herd.config_path, "n0"])], timeout=20, check=False,
                          env=os.environ | herd.environment | (environment or {}), text=True, preexec_fn=preexec_fn,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    return done.returncode, [text for text in lines if not re.match(r"\d{4}-\d\d-\d\dT\S+ info ", text)]


def trouble(herd: Herd, *arguments: str | pathlib.Path, status: int = 1, environment: Mapping[str, str] | None = None,
            preexec_fn: Callable[[], None] | None = None) -> str:
    """The one line with which herd-node ends."""
    code, lines = run_node(herd, *arguments, environment=environment, preexec_fn=preexec_fn)
    assert (code, len(lines)) == (status, 1), (code, lines)
    return lines[0]


# Ports and state.

@pytest.mark.parametrize("role", ["clients", "bus", "monitor", "http"])
def test_a_busy_port_is_named_and_nothing_is_left(make_herd: MakeHerd, role: str) -> None:
    herd = make_herd(line(2), start=False, settings={"http": {"ready_timeout": "0s"}})
    herd["n1"].start()
    with socket.create_server(("127.0.0.1", getattr(herd["n0"], f"{role}_port"))) as taken:
        error = trouble(herd)
        assert error.startswith(f"herd-node: {role} address ") and " in use" in error, error
        assert f"127.0.0.1:{taken.getsockname()[1]}" in error
    assert herd["n1"].say("undisturbed") == "? undisturbed\n"
    herd["n0"].start()
    herd.wait_linked()


def test_a_second_node_on_the_same_state_is_refused_and_the_first_continues(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2))
    herd.wait_linked()
    other = Herd.for_test(line(2), ports=herd.ports)
    other.environment = herd.environment
    for second in (herd, other):  # with the same ports, and with others
        error = trouble(second)
        assert f"is used by process {herd['n0'].process.pid}" in error and str(herd.state_dir) in error
    shutil.rmtree(other.directory)
    herd.wait_linked()
    herd["n0"].kill()
    herd["n0"].start()  # the lock ended with its process


def test_a_state_directory_that_cannot_be_made_is_named(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1), start=False)
    file = herd.directory / "file"
    file.write_text("")
    error = trouble(herd, environment={"HERD_STATE_DIR": str(file / "state")})
    assert str(file) in error and "Not a directory" in error and "HERD_STATE_DIR" in error


def test_a_state_directory_that_may_not_be_written_is_named(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1), start=False)
    herd.directory.chmod(0o755)
    herd.state_dir.mkdir(mode=0o555)
    options: dict[str, Any] = {}  # of subprocess.run
    binary = BINARY
    if os.getuid() == 0:  # root may write everywhere
        binary = shutil.copy(BINARY, herd.directory)  # where every user may run it
        options = {"user": UNPRIVILEGED_ID, "group": UNPRIVILEGED_ID, "extra_groups": []}
    done = subprocess.run([binary, "--config", herd.config_path, "n0"], env=os.environ | herd.environment, text=True,
                          timeout=20, check=False, stderr=subprocess.PIPE, cwd="/", **options)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert f"{herd.state_dir}/nodes cannot be created (Permission denied)" in done.stderr


def test_a_journal_that_cannot_grow_at_the_start_is_named_and_not_damaged(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1))
    node = herd["n0"]
    assert node.say("IAMAT kept +1+1 5").startswith("AT n0 ")
    node.stop()
    journal = node.state_dir / "journal"
    before = journal.read_bytes()

    def no_file_grows() -> None:  # the effect of a full disk, without root
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before), len(before)))
    assert trouble(herd, preexec_fn=no_file_grows) == (
        f"herd-node: journal {journal}: the start of a new run cannot be written (File too large): make room there,"
        " or set HERD_STATE_DIR to a disk that can be written")
    assert journal.read_bytes() == before
    node.start()
    assert node.knows("kept")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs wants root")
def test_a_state_directory_on_a_full_disk_is_named(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1), start=False)
    herd.state_dir.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", herd.state_dir], check=False).returncode != 0:
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        with open(herd.state_dir / "ballast", "wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(b"x" * 4096)
        assert f"{herd['n0'].state_dir} cannot be written (No space left on device): free space" in trouble(herd)
        (herd.state_dir / "ballast").unlink()
        herd["n0"].start()
        herd["n0"].stop()
    finally:
        subprocess.run(["umount", "-l", herd.state_dir], check=True)


# Usage and configuration.

def test_an_unknown_node_is_answered_with_the_known_ones(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), start=False)
    error = trouble(herd, "--config", herd.config_path, "n7", status=2)
    assert 'no node "n7"' in error and "n0, n1" in error
    assert "n0, n1" in trouble(herd, "--config", herd.config_path, status=2)


@pytest.mark.parametrize("arguments", [["--bogus", "n0"], ["n0", "n1"], ["--log-level", "loud", "n0"], ["--config"]])
def test_bad_usage_is_one_line(make_herd: MakeHerd, arguments: list[str]) -> None:
    assert trouble(make_herd(line(2), start=False), *arguments, status=2).startswith("herd-node: ")


def test_a_configuration_that_cannot_be_read_is_named(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1), start=False)
    for path, reason in ((pathlib.Path("/nowhere/herd.toml"), "No such file"), (herd.directory, "is a directory")):
        error = trouble(herd, "--config", path, "n0", status=2)
        assert error.startswith(f"{path}:") and reason in error


@pytest.mark.parametrize("number, words, old, new", [
    (10, ["n0", "n7"], '["n1"]', '["n7"]'),
    (9, ["clients", "http", "{n0.clients_port}"], "{n0.http_port}", "{n0.clients_port}"),
    (13, ["n0"], 'name = "n1"', 'name = "n0"'),
    (7, ["bus", "0.0.0.0"], "127.0.0.1", "0.0.0.0"),
    (9, ["http", "0.0.0.0"], "127.0.0.1", "0.0.0.0"),
    (1, [], "", "[clients\n"),
    (2, ["max_lines"], "", "[clients]\nmax_lines = 1\n"),
    (2, ["max_line_bytes", "64"], "", "[clients]\nmax_line_bytes = 63\n"),
    (2, ["idle_timeout"], "", "[clients]\nidle_timeout = 5\n")],
    ids=["peer", "port", "name", "remote bus", "remote http", "syntax", "key", "bound", "type"])
def test_a_mistake_in_the_configuration_is_named_with_file_and_line(make_herd: MakeHerd, number: int, words: list[str],
                                                                    old: str, new: str) -> None:
    herd = make_herd(line(2), start=False)
    old, new, *words = (text.format(n0=herd["n0"]) for text in (old, new, *words))
    text = herd.config_text()
    herd.config_path.write_text(text.replace(old, new) if old else new + text)
    status, lines = run_node(herd)
    assert status == 2
    found = [text for text in lines if text.startswith(f"{herd.config_path}:{number}: ")]
    assert len(found) == 1 and all(word in found[0] for word in words), lines
    assert not herd.state_dir.exists()


def test_every_mistake_is_named_at_once(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), start=False)
    herd.config_path.write_text("[clients]\nmax_lines = 1\nidle_timeout = true\n" +
                                herd.config_text().replace('["n1"]', '["n7"]'))
    status, lines = run_node(herd)
    assert status == 2 and [text.split(":")[1] for text in lines] == ["2", "3", "13"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_clean_stop_has_status_0(make_herd: MakeHerd, number: signal.Signals) -> None:
    node = make_herd(alone(1))["n0"]
    node.signal(number)
    assert node.process.wait(10) == 0
    node.start()


# Logs that cannot be written.

def test_a_log_file_that_cannot_be_opened_is_named(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1), start=False, settings={"log": {"file": "/nowhere/herd.log"}})
    assert "log file /nowhere/herd.log cannot be opened" in trouble(herd)


def test_a_full_disk_below_the_log_file_does_not_stop_a_node(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), settings={"log": {"file": "/dev/full"}})
    herd.wait_linked()
    assert herd["n0"].say("IAMAT a +1+1 5").startswith("AT n0 ")
    herd.wait_converged(1)
    for node in herd:
        node.stop()


def test_a_standard_error_that_cannot_be_written_does_not_stop_a_node(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1), start=False)
    reader, writer = os.pipe()
    os.close(reader)
    for errors in (os.open("/dev/full", os.O_WRONLY), writer):
        process = subprocess.Popen([BINARY, "--config", herd.config_path, "--log-level", "debug", "n0"], stderr=errors,
                                   env=os.environ | herd.environment)
        os.close(errors)
        try:
            wait_for(lambda: herd["n0"].get("/readyz")[0] == 200, "it is ready")
            assert herd["n0"].say(f"IAMAT a{errors} +1+1 5").startswith("AT n0 ")
            process.terminate()
            assert process.wait(10) == 0
        finally:
            process.kill()
            process.wait()
