"""Tests scripts/herd watch with real nodes: events as they come, the snapshot alone, and what happens when the node of
the watch is killed, frozen or stopped."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from typing import Any

import pytest

from certificates import context_for, herd_with_tls, say
from herd_control import SCRIPT
from herd_fixture import BINARY, Herd, MakeHerd, alone, line, wait_for
from talk import now, piped


class Watching:
    """A running scripts/herd watch --json; `events` are the lines that it has printed."""

    def __init__(self, herd: Herd, *words: str):
        self.events: list[dict[str, Any]] = []
        self.process = subprocess.Popen([SCRIPT, "watch", *words, "--json", "--config", herd.config_path],
                                        env=os.environ | herd.environment | {"HERD_BIN": BINARY}, text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for text in piped(self.process.stdout):
            self.events.append(json.loads(text))

    def wait(self, **fields: Any) -> dict[str, Any]:
        """Waits for an event with these fields, and returns the newest one."""
        def found() -> dict[str, Any] | None:
            for event in reversed(self.events):
                if fields.items() <= event.items():
                    return event
            return None
        return wait_for(found, lambda: f"an event with {fields}: {self.events[-5:]}")

    def end(self) -> str:
        """Ctrl-C; it must end with status 0. Returns what it printed as errors."""
        self.process.send_signal(signal.SIGINT)
        try:
            status = self.process.wait(20)
        finally:
            self.process.kill()
        self._reader.join(20)
        errors = piped(self.process.stderr).read()
        assert status == 0 and "Traceback" not in errors, errors
        return errors


def once(herd: Herd, *words: str, status: int = 0) -> list[str]:
    """The lines of the snapshot; of a command that fails, those of its error."""
    ran = subprocess.run([SCRIPT, "watch", *words, "--once", "--config", herd.config_path], capture_output=True,
                         text=True, timeout=60, check=False, env=os.environ | herd.environment | {"HERD_BIN": BINARY})
    assert ran.returncode == status, f"{ran.returncode}\n{ran.stdout}\n{ran.stderr}"
    return (ran.stderr if status else ran.stdout).splitlines()


def test_clients_enter_move_and_leave_a_circle(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2))
    herd["n0"].say(f"IAMAT inside +1+2 {now()}")
    watching = Watching(herd, "near", "+1+2", "5")
    begun = watching.wait(event="watching")
    assert begun["node"] == "n0" and begun["state"] == "new"
    assert watching.wait(event="here")["client"] == "inside" and watching.wait(event="ready")["count"] == 1
    herd["n1"].say(f"IAMAT kiwi +1.01+2 {now()}")
    entered = watching.wait(event="enter", client="kiwi")
    assert (entered["km"], entered["bearing"], entered["compass"]) == (1.112, 0, "N")
    herd["n1"].say(f"IAMAT kiwi +1.02+2 {now()}")
    assert watching.wait(event="move", client="kiwi")["km"] == 2.224
    herd["n1"].say(f"IAMAT kiwi +3+2 {now()}")
    left = watching.wait(event="leave", client="kiwi")
    assert left["number"] > entered["number"] > 0
    assert watching.end() == ""


def test_the_snapshot_alone_ends_by_itself(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1))
    herd["n0"].say(f"IAMAT truck-1 +1+2 {now()}\nIAMAT truck-2 -1-2 {now()}\nIAMAT kiwi +1+2 {now()}")
    lines = once(herd, "client", "truck-*")
    assert lines[0] == "Watching CLIENT truck-* at n0: new" and lines[-1].split() == ["ready", "2"]
    assert {text.split()[1] for text in lines[1:-1]} == {"truck-1", "truck-2"}
    assert len(once(herd, "within", "-2-3", "+0+0")) == 3
    assert len(once(herd, "all")) == 5
    circle = once(herd, "near", "truck-1", "1")
    assert circle[1].split()[:2] == ["centre", "truck-1"]
    assert circle[2].split()[:6] == ["here", "0.000", "km", "000°", "N", "kiwi"]


@pytest.mark.parametrize("words", [["near", "unknown", "5"], ["near", "+91+0", "5"], ["all", "--slack", "1"],
                                   ["client", "kiwi", "--match", "k*"], ["all", "--beat", "4"]])
def test_a_mistake_has_the_reason_of_the_node(make_herd: MakeHerd, words: list[str]) -> None:
    [error] = once(make_herd(alone(1)), *words, status=1)
    assert error.startswith("scripts/herd: n0 refuses the watch: ") and not error.endswith(": ")


@pytest.mark.parametrize("loss", ["killed", "frozen", "stopped"])
def test_the_watch_goes_on_at_another_node(make_herd: MakeHerd, loss: str) -> None:
    herd = make_herd(line(2))
    herd["n0"].say(f"IAMAT kiwi +1+2 {now()}")
    wait_for(lambda: herd["n1"].knows("kiwi"), "both nodes have the report")
    watching = Watching(herd, "all")
    watching.wait(event="ready", count=1)
    if loss == "killed":
        herd["n0"].kill()
    elif loss == "stopped":
        herd["n0"].stop()
    else:
        herd["n0"].signal(signal.SIGSTOP)
    assert watching.wait(event="watching", node="n1")["state"] == "new"
    herd["n1"].say(f"IAMAT emu +1+2 {now()}")
    assert watching.wait(event="enter", client="emu")["node"] == "n1"
    if loss == "frozen":
        herd["n0"].signal(signal.SIGCONT)
    errors = watching.end()
    assert errors.startswith("scripts/herd: n0 ") and errors.count("\n") == 1


def test_at_the_same_node_only_what_was_missed_comes(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1))
    herd["n0"].say(f"IAMAT kiwi +1+2 {now()}\nIAMAT emu +1+2 {now()}")
    watching = Watching(herd, "all")
    watching.wait(event="ready", count=2)
    herd["n0"].say(f"IAMAT kiwi +1+2.5 {now()}")
    watching.wait(event="move", client="kiwi")
    herd["n0"].signal(signal.SIGSTOP)
    time.sleep(9)  # longer than the command waits for a line and for an answer
    herd["n0"].signal(signal.SIGCONT)
    resumed = wait_for(lambda: [event for event in watching.events if event.get("state") == "resumed"], "it resumes")
    after = watching.events[watching.events.index(resumed[0]) + 1:]
    wait_for(lambda: watching.events[-1]["event"] == "ready", "the missed changes have come")
    assert all(event.get("client") != "emu" for event in after)
    watching.end()


def test_tls_nodes_are_watched_over_tls(make_herd: MakeHerd) -> None:
    herd = herd_with_tls(make_herd)
    watching = Watching(herd, "all")
    watching.wait(event="ready")
    say(herd["n0"], context_for(herd), f"IAMAT kiwi +1+2 {now()}")
    watching.wait(event="enter", client="kiwi")
    assert watching.end() == ""
