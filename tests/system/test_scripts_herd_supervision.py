"""Tests scripts/herd when the supervisor or a node fails: nodes come back as long as they should run, no command hangs,
no `down` succeeds while nodes run, and one `up` or `down` restores order."""
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from herd_control import Control, MakeControl
from herd_ctl import processes
from herd_fixture import BINARY, LONG, wait_for
from talk import piped

LOOK_SECONDS = 20  # for a command that only reads: 5 s, and more for a loaded machine
STOP_SECONDS = 45  # for a `down` of frozen nodes: 30 s, and the same


MakeLight = Callable[[int], Control]


@pytest.fixture
def make_light(make_control: MakeControl) -> MakeLight:
    """Like make_control, with nodes that read no places, because these tests start many."""
    def make(count: int) -> Control:
        control = make_control(count)
        control.herd.settings = {"places": {"providers": ["google"]}}
        control.herd.write_config()
        return control
    return make


def supervisor(control: Control) -> int:
    """Waits until the pid file of the supervisor is complete; returns its pid."""
    return wait_for(control.supervisor_pid, "the supervisor has its pid file")


def nodes(control: Control) -> dict[str, int]:
    """{name: pid} of the running nodes that a supervisor started; that supervisor may be gone."""
    return {node.name: node.pid for node in processes.supervised_nodes(control.herd.state_dir)}


def timed(control: Control, seconds: float, *words: str, status: int = 0) -> str:
    """Like Control.run, for a command that must end within `seconds`."""
    began = time.monotonic()
    output = control.run(*words, status=status)
    took = time.monotonic() - began
    assert took < seconds, f"{words} took {took:.1f} s"
    return output


def look(control: Control, status: int) -> tuple[str, str]:
    """The output of `status` and its warnings."""
    process = control.popen("status")
    shown, warned = process.communicate(timeout=LOOK_SECONDS)
    assert process.returncode == status, f"status {process.returncode}\n{shown}\n{warned}"
    return shown, warned


def states(control: Control) -> dict[str, str]:
    """{node: state}, as `status` shows it."""
    output = control.popen("status", "--json").communicate(timeout=LOOK_SECONDS)[0]
    return {row["node"]: row["state"] for row in json.loads(output)["nodes"]}


def taken(port: int) -> socket.socket | None:
    """A socket that listens on the port; None if another one does. A killed process closes its socket a moment after
    its end."""
    with contextlib.suppress(OSError):
        return socket.create_server(("127.0.0.1", port))
    return None


def only_long(*values: str) -> list[object]:
    """Cases for long runs; another case of the same kind is in every run."""
    return [pytest.param(value, marks=pytest.mark.skipif(not LONG, reason="long")) for value in values]


# The supervisor starts nodes again.

def test_after_a_sighup_of_the_supervisor_its_nodes_run_again(make_light: MakeLight) -> None:
    control = make_light(2)
    control.run("up")
    control.run("down", "n1")
    before = nodes(control)
    os.kill(supervisor(control), signal.SIGHUP)
    wait_for(lambda: nodes(control).keys() == {"n0"} and nodes(control) != before, "n0 runs again", 60)
    wait_for(lambda: states(control) == {"n0": "up", "n1": "stopped"}, "n0 is up, and n1 stays stopped", 60)


@pytest.mark.parametrize("fault", ["a mistake in the configuration", "a taken port",
                                   *only_long("a state directory in the way")])
def test_a_node_is_tried_again_until_the_fault_is_gone(make_light: MakeLight, fault: str) -> None:
    control = make_light(1)
    control.run("up")
    node, log = control.herd["n0"], control.herd.state_dir / "logs/supervisord.log"
    with contextlib.ExitStack() as until_mended:
        os.kill(supervisor(control), signal.SIGSTOP)  # it starts no node before the fault is in place
        os.kill(nodes(control)["n0"], signal.SIGKILL)
        wait_for(lambda: not nodes(control), "the node is gone")
        if fault.startswith("a mistake"):
            control.edit("[[node]]", "[[nodde]]")
            until_mended.callback(control.herd.write_config)
        elif fault == "a taken port":
            until_mended.enter_context(wait_for(lambda: taken(node.clients_port), "the port is free", 60))
        else:
            node.state_dir.rename(node.state_dir.with_name("away"))
            node.state_dir.write_text("")
            until_mended.callback(node.state_dir.with_name("away").rename, node.state_dir)
            until_mended.callback(node.state_dir.unlink)
        os.kill(supervisor(control), signal.SIGCONT)
        wait_for(lambda: log.read_text().count("exited: n0 (exit status ") >= 3, "it failed three times", 60)
        wait_for(lambda: states(control) == {"n0": "retrying"}, "status says that it is tried again", 60)
    wait_for(lambda: states(control) == {"n0": "up"}, "it is up again", 60)


def test_up_reports_a_mistake_at_once_and_starts_a_node_that_waits_for_its_next_start(make_light: MakeLight) -> None:
    control = make_light(1)
    control.run("up")
    state = control.herd["n0"].state_dir
    state.rename(state.with_name("away"))
    state.write_text("")
    os.kill(nodes(control)["n0"], signal.SIGKILL)
    wait_for(lambda: states(control) == {"n0": "retrying"}, "the supervisor tries again", 60)
    assert "n0 did not start: " in timed(control, LOOK_SECONDS, "up", status=1)
    state.unlink()
    state.with_name("away").rename(state)
    control.run("up")
    control.run("status")


# The supervisor fails.

def test_a_frozen_supervisor_is_named_by_every_command_and_up_continues_it(make_light: MakeLight) -> None:
    control = make_light(2)
    control.run("up")
    before, pid = nodes(control), supervisor(control)
    os.kill(pid, signal.SIGSTOP)
    shown, warned = look(control, 1)
    assert re.findall(r"^(n\d) +up +(\d+)", shown, re.M) == [(name, str(node)) for name, node in before.items()]
    assert warned.startswith(f"scripts/herd: the supervisor (process {pid}) is frozen: ") and warned.count("\n") == 1
    for words in (["kill", "n0"], ["restart"], ["reload"]):
        assert timed(control, LOOK_SECONDS, *words, status=1) == warned
    assert '"state": "frozen"' in control.popen("status", "--json").communicate(timeout=LOOK_SECONDS)[0]
    assert f"The supervisor (process {pid}) was frozen: it is continued" in control.run("up")
    assert nodes(control) == before
    os.kill(pid, signal.SIGSTOP)
    assert "Stopped: n0, n1" in timed(control, STOP_SECONDS, "down")
    assert not nodes(control) and control.supervisor_pid() is None


def test_when_the_supervisor_is_gone_up_takes_over_its_nodes_and_down_stops_them(make_light: MakeLight) -> None:
    control = make_light(2)
    control.run("up")
    orphans = nodes(control)
    os.kill(supervisor(control), signal.SIGKILL)
    shown, warned = look(control, 1)
    assert shown.count(" up ") == 2
    assert f"the supervisor is gone, and n0 (process {orphans['n0']}), n1 (process {orphans['n1']}) run " in warned
    assert "the supervisor is gone" in control.run("top", "--once")
    assert "FAULT: the supervisor is gone" in control.popen("doctor").communicate(timeout=60)[0]
    for words in (["kill", "n0"], ["restart"], ["reload"]):
        assert timed(control, LOOK_SECONDS, *words, status=1) == warned
    output = control.run("up", "n0")
    assert "The supervisor is gone: a new one takes its place" in output
    assert "under a supervisor again: n0, n1" in output and "All of them run already" not in output
    after = nodes(control)
    assert after.keys() == orphans.keys() and not set(after.values()) & set(orphans.values())
    control.run("status")
    os.kill(supervisor(control), signal.SIGKILL)
    assert "Stopped: n0" in control.run("down", "n0")
    assert nodes(control) == {"n1": after["n1"]}
    assert "Stopped: n1" in timed(control, STOP_SECONDS, "down")
    assert not nodes(control)
    control.run("status", status=4)


def test_a_supervisor_without_its_socket_is_replaced_by_up_and_ended_by_down(make_light: MakeLight) -> None:
    control = make_light(1)
    control.run("up")
    before, pid, path = nodes(control), supervisor(control), control.herd.state_dir / "supervisor.sock"
    path.unlink()
    shown, warned = look(control, 1)
    assert f"n0    up     {before['n0']}" in shown
    assert f"the supervisor (process {pid}) runs, but its socket {path} is gone" in warned
    assert "is gone" in timed(control, LOOK_SECONDS, "kill", "n0", status=1)
    assert f"The supervisor (process {pid}) does not work: it is replaced" in control.run("up")
    assert supervisor(control) != pid and nodes(control)["n0"] != before["n0"]
    path.unlink()
    (control.herd.state_dir / "supervisord.pid").unlink()  # as a program that removes old files does
    assert "Stopped: n0" in timed(control, STOP_SECONDS, "down")
    assert not nodes(control) and processes.supervisor_of(control.herd.state_dir) is None


def test_a_supervisor_that_accepts_calls_and_does_not_answer_is_ended(make_light: MakeLight) -> None:
    control = make_light(1)
    control.run("up")
    path = control.herd.state_dir / "supervisor.sock"
    path.unlink()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        _, warned = look(control, 1)
        assert f"the supervisor (process {supervisor(control)}) does not answer: " in warned
        assert "Stopped: n0" in timed(control, STOP_SECONDS, "down")
    assert not nodes(control)


# Nodes are frozen.

def test_frozen_nodes_are_named_and_delay_no_command(make_light: MakeLight) -> None:
    control = make_light(2)
    control.run("up")
    before = nodes(control)
    for pid in before.values():
        os.kill(pid, signal.SIGSTOP)
    shown, warned = look(control, 3)
    assert shown.count(" frozen ") == 2
    assert f"n0 (process {before['n0']}) is frozen: kill -CONT {before['n0']} continues it" in warned
    for words, status in ((["where", "kiwi"], 4), (["reload"], 1)):
        assert f"n1 (process {before['n1']}) is frozen" in timed(control, LOOK_SECONDS, *words, status=status)
    assert control.popen("reload").communicate(timeout=60)[0] == "".join(
        f"{name} does not answer: it reads the configuration when it is continued\n" for name in before)
    timed(control, LOOK_SECONDS, "kill", "n0")
    wait_for(lambda: nodes(control).get("n0", before["n0"]) != before["n0"], "n0 is started anew", 60)
    timed(control, STOP_SECONDS, "restart", "n1")
    assert nodes(control)["n1"] != before["n1"]
    os.kill(nodes(control)["n0"], signal.SIGSTOP)
    assert "was frozen: it is continued" in control.run("up")
    for pid in nodes(control).values():
        os.kill(pid, signal.SIGSTOP)
    assert "Stopped: n0, n1" in timed(control, STOP_SECONDS, "down")
    assert not nodes(control)


def test_a_frozen_command_that_changes_the_herd_is_named(make_light: MakeLight) -> None:
    control = make_light(1)
    control.run("up")
    holding = ("import fcntl, os, sys, time; f = open(sys.argv[1], 'r+'); fcntl.flock(f, fcntl.LOCK_EX);"
               "f.truncate(0); f.write(f'{os.getpid()}\\n'); f.flush(); print(flush=True); time.sleep(600)")
    with subprocess.Popen([sys.executable, "-c", holding, control.herd.state_dir / "herd.lock"],
                          stdout=subprocess.PIPE) as holder:
        try:
            piped(holder.stdout).readline()
            holder.send_signal(signal.SIGSTOP)
            for words in (["up"], ["down"]):
                output = timed(control, LOOK_SECONDS, *words, status=1)
                assert f"another scripts/herd (process {holder.pid}) changes this herd and is frozen: " in output
            control.run("status")
        finally:
            holder.kill()
    control.run("down")


# A running herd can always be stopped.

@pytest.mark.parametrize("fault", ["a mistake in the configuration", "no program", *only_long("no configuration")])
def test_a_running_herd_can_be_seen_and_stopped_without_a_valid_configuration(
        make_light: MakeLight, fault: str) -> None:
    control = make_light(2)
    only_name = {"state_dir": str(control.herd.state_dir)}  # nothing else names the directory
    control.herd.settings = {**control.herd.settings, "herd": only_name}
    control.herd.write_config()
    del control.environment["HERD_STATE_DIR"]
    control.run("up")
    before = nodes(control)
    if fault == "no program":
        control.environment["HERD_BIN"] = str(control.herd.directory / "herd-node")
    elif fault == "no configuration":
        control.herd.config_path.unlink()
    else:
        control.edit("[[node]]", "[[nodde]]")
    shown, warned = look(control, 0)
    assert shown.count(" up ") == 2 and warned.count("\n") == 1
    assert warned.endswith("Until that is corrected, this is the herd as it was started\n")
    assert "the herd as it was started" in control.run("logs", "-n", "1")
    assert "the herd as it was started" in control.run("where", "kiwi")
    for words in (["up"], ["restart"], ["reload"]):
        if words != ["up"] or fault != "no program":  # which would build the program
            assert control.run(*words, status=1 if fault == "no program" else 2)
    control.run("down", "n1")
    assert nodes(control) == {"n0": before["n0"]}
    control.run("kill", "n0")
    wait_for(lambda: nodes(control).get("n0", before["n0"]) != before["n0"], "the supervisor starts it again", 60)
    control.run("down")
    assert not nodes(control)
    control.environment |= {"HERD_BIN": BINARY}


def test_a_command_that_is_killed_in_the_middle_leaves_nothing_to_repair_by_hand(make_light: MakeLight) -> None:
    control = make_light(2)
    state = control.herd.state_dir
    milestones = {
        "the supervisor runs": control.supervisor_pid,
        "the configuration is written": (state / "supervisord.conf").exists,
        "a node runs": lambda: nodes(control),
        "a node is ready": lambda: control.herd["n0"].get("/readyz")[0] == 200,
    }
    for what, reached in list(milestones.items())[:None if LONG else 1]:
        up = control.popen("up")
        wait_for(reached, what, 60)
        up.kill()
        up.communicate()
        control.run("up")
        control.run("status")
        down = control.popen("down")
        wait_for(lambda: len(nodes(control)) < 2, "down has begun", 60)
        down.kill()
        down.communicate()
        control.run("down")
        assert not nodes(control)
        (state / "supervisord.conf").unlink()


def test_a_process_is_never_ended_because_of_its_pid_alone(make_light: MakeLight) -> None:
    control = make_light(1)
    control.run("up")
    os.kill(supervisor(control), signal.SIGKILL)
    with subprocess.Popen(["sleep", "600"]) as innocent:
        try:
            (control.herd.state_dir / "supervisord.pid").write_text(f"{innocent.pid}\n")
            (control.herd.state_dir / "nodes/n0/lock").write_text(f"{innocent.pid}\n")
            assert "Stopped: n0" in control.run("down")
            assert innocent.poll() is None and not nodes(control)
        finally:
            innocent.kill()
