"""Tests the operator's tools with one herd of real nodes: top in a terminal and as text, tap, trace, demo,
export and import, and doctor with planted faults; all of them also with a frozen node."""
from __future__ import annotations

import concurrent.futures
import contextlib
import fcntl
import json
import os
import pathlib
import pty
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from herd_control import SCRIPT
from herd_ctl import record_lines
from herd_fixture import BINARY, Herd, Node, herds_that_end, line, wait_for
from talk import now, piped

SECONDS = 60  # of a command, on a loaded machine
AT_ONCE = 4   # commands: most of them wait


@pytest.fixture(scope="module", name="herd")
def one_herd() -> Iterator[Herd]:
    with herds_that_end() as make:
        herd = make(line(3), curve=True)
        herd.wait_linked()
        yield herd


def environment(herd: Herd) -> dict[str, str]:
    return os.environ | herd.environment | {"HERD_BIN": BINARY, "TERM": "xterm", "COLUMNS": "120"}


def run(herd: Herd, *words: str, status: int | None = 0, text: str = "",
        config: pathlib.Path | None = None) -> subprocess.CompletedProcess[str]:
    """A command that must end with `status` (None: any) within SECONDS. `text` is its standard input."""
    ran = subprocess.run([SCRIPT, *words, "--config", config or herd.config_path], capture_output=True, text=True,
                         check=False, timeout=SECONDS, env=environment(herd), input=text)
    assert status in (None, ran.returncode), f"{ran.returncode}\n{ran.stdout}\n{ran.stderr}"
    assert "Traceback" not in ran.stderr, ran.stderr
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
    assert "\x1b" not in text and "herd local: 3 of 3 nodes up, 1 client," in text
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


class Tapping:
    """A running scripts/herd tap; `lines` are those that it has printed."""

    def __init__(self, herd: Herd, *words: str):
        self.lines: list[str] = []
        self.process = subprocess.Popen([SCRIPT, "tap", *words, "--config", herd.config_path], env=environment(herd),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for text in piped(self.process.stdout):
            self.lines.append(text)

    def end(self) -> str:
        """Ctrl-C, the usual end. Returns what it printed as errors."""
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(SECONDS)
        errors = piped(self.process.stderr).read()
        assert status == 0 and "Traceback" not in errors, errors
        return errors


def test_tap_prints_the_events_of_all_nodes_as_text_and_as_json(herd: Herd) -> None:
    text, lines = Tapping(herd), Tapping(herd, "client", "--json")
    wait_for(lambda: len({line.split()[1] for line in list(text.lines)}) == 3, "all nodes send their stats", SECONDS)

    def all_nodes_have_it() -> bool:
        herd["n0"].say(f"IAMAT tapped +1+2 {now()}")
        return len({json.loads(line)["node"] for line in list(lines.lines)}) == 3
    wait_for(all_nodes_have_it, "all nodes publish the location", SECONDS, pause=0.2)
    event = json.loads(lines.lines[0])
    assert event["topic"] == f"herd.INFO.client.{event['node']}"
    assert (event["event"], event["client"]) == ("location", "tapped")
    assert lines.end() == "" and all("herd.INFO.client." in line for line in lines.lines)
    wait_for(lambda: any("tapped +1+2 reported to n0" in line for line in text.lines), "the same as text", SECONDS)
    assert text.end() == ""


def findings(output: str) -> dict[str, str]:
    """{rule: the sentences of its findings}. A disk may be slow while other tests use it."""
    found: dict[str, str] = {}
    for one in json.loads(output)["findings"]:
        if one["rule"] != "disk":
            found[one["rule"]] = found.get(one["rule"], "") + one["text"] + "\n"
    return found


def test_each_tool_ends_with_its_status_and_refuses_mistakes(herd: Herd, tmp_path: pathlib.Path) -> None:
    broken = tmp_path / "herd.toml"
    broken.write_text("[herd]\nname = 3\n")
    future = record_lines.Exported(b"future", "+1+2", "9999999999", "n0", "+0.0")
    lines = [record_lines.head("x", "n0", 0.0), record_lines.as_json(future), record_lines.end(1)]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as at_once:
        def start(*words: str, **more: Any) -> concurrent.futures.Future[subprocess.CompletedProcess[str]]:
            return at_once.submit(run, herd, *words, **more)

        mistakes = [(start("top", status=2), "--once"),
                    (start("tap", "locations", status=2), "is no topic"),
                    (start("tap", "--node", "n9", status=2), "no node 'n9'"),
                    (start("trace", "silent", "--seconds", "1", status=1), "no node published an update of silent"),
                    (start("trace", "kiwi", "--send", "91,0", status=2), "n0 drops the report: "),
                    (start("trace", "kiwi", "--send", "north", status=2), "are no coordinates"),
                    (start("demo", "--rate", "20001", status=2), "20001 is more than 20000"),
                    (start("tap", "--viewer", "none", status=2), "none cannot be read (No such file or directory)"),
                    (start("trace", "kiwi", "--node", "n9", status=2), "no node 'n9'"),
                    (start("export", "--output", "/proc/x/y", status=1), "directory): write to another directory"),
                    (start("import", "none", status=2), "none cannot be read (No such file or directory): name a"),
                    (start("import", "-", text='{"a": 1}', status=2), "line 1: it is not the head"),
                    (start("import", "-", text="\n".join(lines), status=1), "n0 refuses future at 9999999999: time ")]
        stats = start("tap", "stats", "--node", "n2", "--seconds", "3")
        well = start("doctor", "--json", status=None)
        sick = start("doctor", config=broken, status=2)
    for refused, text in mistakes:
        assert text in refused.result().stderr.splitlines()[-1]
    assert "links: 1 up" in stats.result().stdout
    assert well.result().returncode in (0, 1) and findings(well.result().stdout) == {}, "a slow disk is a warning"
    assert sick.result().stdout.startswith(f"FAULT: {broken}:")


def test_doctor_finds_a_stopped_node_a_taken_port_and_a_missing_key(herd: Herd) -> None:
    secret = herd.state_dir / "keys/n2.secret"
    herd["n2"].stop()
    try:
        with socket.create_server(("127.0.0.1", herd["n2"].clients_port)):
            secret.rename(f"{secret}.away")
            found = findings(run(herd, "doctor", "--json", status=2).stdout)
    finally:
        pathlib.Path(f"{secret}.away").rename(secret)
        herd["n2"].start()
    assert "n2 does not run" in found["processes"] and f"(process {os.getpid()})" in found["ports"]
    assert f"{secret} is missing" in found["keys"] and set(found) == {"processes", "ports", "keys"}, found
    herd.wait_linked()


def test_trace_shows_when_each_node_merged_a_report_and_when_it_was_durable(herd: Herd) -> None:
    result = json.loads(run(herd, "trace", "traced", "--send", "-34.06,-118.44", "--node", "n2", "--json").stdout)
    rows = {row["node"]: row for row in result["nodes"]}
    assert (result["origin"], result["coordinates"], result["nodes"][0]["node"]) == ("n2", "-34.06-118.44", "n2")
    assert rows["n2"]["merged_ms"] == 0 and 0 < rows["n1"]["merged_ms"] <= rows["n0"]["merged_ms"] < 2000
    assert all(row["durable_ms"] >= row["merged_ms"] for row in rows.values()), rows
    assert result["acknowledged_ms"] > 0


def test_demo_reports_its_clients_to_all_nodes_and_ends_by_itself_or_by_a_signal(herd: Herd) -> None:
    began = {node.name: node.counter("iamat_stored") for node in herd}
    text = run(herd, "demo", "--clients", "60", "--rate", "100", "--seconds", "2").stdout
    assert "60 clients move through 50 cities and report to n0, n1, n2: 100 reports per second" in text
    reports = int(text.rpartition("Ended after ")[2].split()[0])
    assert 20 <= reports <= 200, "the rate is a bound"
    assert all(node.counter("iamat_stored") > began[node.name] for node in herd)
    process = subprocess.Popen([SCRIPT, "demo", "--config", herd.config_path], env=environment(herd), text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert "2000 clients" in piped(process.stdout).readline()
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0 and errors == "" and "Ended after " in output


def test_an_export_is_imported_once_byte_for_byte(herd: Herd, tmp_path: pathlib.Path) -> None:
    records = ["far/away -89.5+179.999999999999999999/ 5", "b\xfe\xe9 +1.50-2.0 1795442636.918963997"]
    herd["n0"].say("\n".join(f"IAMAT {record}" for record in records).encode("latin-1"))
    herd.wait_converged()
    file = tmp_path / "records.json"
    exported = run(herd, "export", "--output", str(file), "--node", "n2").stderr
    assert f"{herd['n2'].status()['clients']} records of n2" in exported
    entries = [json.loads(line) for line in file.read_text().splitlines()]
    assert entries[0]["node"] == "n2" and entries[-1] == {"end": len(entries) - 2}
    shown = {entry["client"]: entry for entry in entries[1:-1]}
    assert shown["far/away"]["coordinates"] == "-89.5+179.999999999999999999/" and shown["far/away"]["time"] == "5"
    known = json.loads(run(herd, "import", str(file), "--json").stdout)
    assert (known["stored"], known["known"]) == (0, len(shown))
    copy = file.read_text().replace('"far/', '"new/').replace('"b\\udc', '"c\\udc')
    text = run(herd, "import", "-", "--node", "n1", text=copy).stdout
    assert f"{len(shown)} records for n1: 2 stored, {len(shown) - 2} known already or older, 0 refused" in text
    assert herd["n1"].say(b"WHEREIS c\xfe\xe9").endswith(b" c\xfe\xe9 +1.50-2.0 1795442636.918963997\n")
    assert herd["n1"].say("WHEREIS new/away").endswith(" new/away -89.5+179.999999999999999999/ 5\n")


def test_a_frozen_node_delays_no_tool_and_is_named(herd: Herd) -> None:
    with frozen(herd["n1"]):
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as at_once:
            top = at_once.submit(run, herd, "top", "--once")
            tap = at_once.submit(run, herd, "tap", "--seconds", "4")
            only = [at_once.submit(run, herd, "tap", "--node", "n1", status=4),
                    at_once.submit(run, herd, "tap", "--node", "n1", "--seconds", "1", status=4)]
            traced = at_once.submit(run, herd, "trace", "kiwi", "--send", "1,2", "--node", "n0", status=1)
            moving = at_once.submit(run, herd, "demo", "--clients", "9", "--rate", "9", "--seconds", "4")
            refused = at_once.submit(run, herd, "export", "--node", "n1", status=4)
            exported = at_once.submit(run, herd, "export")
            sick = at_once.submit(run, herd, "doctor", status=2)
        note = f"n1 (process {herd['n1'].process.pid}) is frozen: kill -CONT"
        assert note in top.result().stdout and note in tap.result().stderr
        for ended in only:
            assert note in ended.result().stderr and ended.result().stderr.count("\n") == 1
        assert "n1 has not merged it" in traced.result().stderr and "reported to n0" in traced.result().stdout
        assert "n1 does not answer: its clients report to other nodes" in moving.result().stderr
        pid = herd["n1"].process.pid
        assert refused.result().stderr == (f"scripts/herd: n1 (process {pid}) is frozen: kill -CONT {pid} continues it;"
                                           " or leave out --node\n")
        assert '"end": ' in exported.result().stdout
        assert f"FAULT: n1 (process {pid}) is frozen" in sick.result().stdout
        assert f"do: kill -CONT {pid} continues it" in sick.result().stdout
    herd.wait_linked()
