"""Tests the operator's tools with one herd of real nodes: top in a terminal and as text, also with a frozen node."""
from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from typing import Any

import pytest

from herd_control import SCRIPT
from herd_fixture import BINARY, Herd, Node, herds_that_end, line, wait_for
from talk import now

SECONDS = 15  # of a command, on a loaded machine


@pytest.fixture(scope="module", name="herd")
def one_herd() -> Iterator[Herd]:
    with herds_that_end() as make:
        herd = make(line(3))
        herd.wait_linked()
        yield herd


def environment(herd: Herd) -> dict[str, str]:
    return os.environ | herd.environment | {"HERD_BIN": BINARY, "TERM": "xterm", "COLUMNS": "120"}


def run(herd: Herd, *words: str, status: int = 0, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """A command that must end with `status` within SECONDS."""
    ran = subprocess.run([SCRIPT, *words, "--config", herd.config_path], capture_output=True, text=True, check=False,
                         timeout=SECONDS, env=environment(herd), input=text or "")
    assert ran.returncode == status and "Traceback" not in ran.stderr, f"{ran.returncode}\n{ran.stdout}\n{ran.stderr}"
    return ran


@contextlib.contextmanager
def frozen(node: Node) -> Iterator[None]:
    node.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        node.signal(signal.SIGCONT)


class Terminal:
    """A command in a terminal of 80 columns."""

    def __init__(self, herd: Herd, *words: str):
        self.own, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(inner)
        self.inner = inner
        self.output = b""
        self.process = subprocess.Popen([SCRIPT, *words, "--config", herd.config_path], stdin=inner, stdout=inner,
                                        stderr=subprocess.PIPE, env=environment(herd), start_new_session=True)

    def read(self) -> bytes:
        """All output so far."""
        while select.select([self.own], [], [], 0)[0]:
            self.output += os.read(self.own, 65536)
        return self.output

    def end(self, status: int) -> None:
        """Waits for the end; the terminal must be as it was."""
        wait_for(lambda: self.read() is not None and self.process.poll() is not None, "the command ends", SECONDS)
        assert self.process.stderr is not None
        assert self.process.returncode == status, self.process.stderr.read()
        assert termios.tcgetattr(self.inner) == self.before
        assert self.read().rfind(b"\x1b[?1049l") > self.output.rfind(b"\x1b[?1049h") >= 0
        for descriptor in (self.own, self.inner):
            os.close(descriptor)
        self.process.stderr.close()


def test_top_prints_a_table_without_control_codes(herd: Herd) -> None:
    herd["n0"].say(f"IAMAT kiwi +1+2 {now()}")
    herd.wait_converged(1)
    text = run(herd, "top", "--once").stdout
    assert "\x1b" not in text and "herd local: 3 of 3 nodes up, 1 clients" in text
    assert [row for row in text.splitlines() if row.startswith("n0 > n1 ")]
    document = json.loads(run(herd, "top", "--once", "--json").stdout)
    rows: dict[str, dict[str, Any]] = {row["node"]: row for row in document["nodes"]}
    assert {name: (row["state"], row["clients"], row["links_up"]) for name, row in rows.items()} == {
        "n0": ("up", 1, 1), "n1": ("up", 1, 2), "n2": ("up", 1, 1)}
    assert rows["n0"]["updates_per_s"] == 0 and rows["n0"]["answer_ms"] > 0 and len(document["links"]) == 4


@pytest.mark.parametrize("end, status", [("q", 0), (signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_top_leaves_the_terminal_as_it_was(herd: Herd, end: Any, status: int) -> None:
    terminal = Terminal(herd, "top")
    wait_for(lambda: b"nodes up" in terminal.read(), "the first picture", SECONDS)
    if end == "q":
        os.write(terminal.own, b"lq")  # sorts by lag, then ends
    else:
        terminal.process.send_signal(end)
    terminal.end(status)


def test_top_needs_a_terminal_or_once(herd: Herd) -> None:
    assert "--once" in run(herd, "top", status=2).stderr


def test_a_frozen_node_delays_no_tool_and_is_named(herd: Herd) -> None:
    with frozen(herd["n1"]):
        began = time.monotonic()
        text = run(herd, "top", "--once").stdout
        assert time.monotonic() - began < 10
        assert f"n1 (process {herd['n1'].process.pid}) is frozen: kill -CONT" in text
    herd.wait_linked()
