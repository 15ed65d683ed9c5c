"""Tests a log that cannot be written: a standard error that is full, frozen or closed, a full disk. Lines are dropped
and counted, and there is no other effect: clients are answered, links stay up, and a node ends after SIGTERM."""
from __future__ import annotations

import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import IO

import pytest

from full_disks import FullTmpfs
from herd_fixture import BINARY, Herd, MakeHerd, Node, line, wait_for
from talk import now, piped, pipeline

REPORT = re.compile(r"\S+ warning n0 event=log_dropped lines=(\d+) reason=\"([^\"]+)\"")


class Pipe:
    """A standard error for a node, and the text that is read from it after read()."""

    def __init__(self, reading: int, writing: int):
        self.reading = reading
        self.writing = writing
        self.text = b""
        self.reader: threading.Thread | None = None

    @classmethod
    def open(cls) -> Pipe:
        return cls(*os.pipe())

    def fill(self) -> None:
        os.set_blocking(self.writing, False)
        with pytest.raises(BlockingIOError):
            while True:
                os.write(self.writing, b"x" * 4096)
        os.set_blocking(self.writing, True)

    def read(self) -> None:
        """Starts a thread that reads until the node has ended."""
        os.close(self.writing)

        def copy() -> None:
            for piece in iter(lambda: os.read(self.reading, 1 << 16), b""):
                self.text += piece
        self.reader = threading.Thread(target=copy, daemon=True)
        self.reader.start()

    def close(self) -> None:
        if self.reader is not None:
            self.reader.join(20)
        else:
            os.close(self.writing)
        os.close(self.reading)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    opened = Pipe.open()
    yield opened
    opened.close()


def talk_until_dropped(node: Node, more: int = 1) -> None:
    """Clients make the node log at level debug until the given number of lines more are dropped."""
    wanted = node.counter("log_dropped") + more
    lines = b"".join(b"IAMAT client%d +1+2 %d\n" % (i, i) for i in range(1, 500))

    def dropped() -> bool:
        pipeline(node, lines)
        return node.counter("log_dropped") >= wanted
    wait_for(dropped, "lines are dropped", seconds=60)


def check_well(herd: Herd) -> None:
    """Clients are answered within a second or two, the node is healthy, and its peer sees the link up."""
    begin = time.monotonic()
    assert herd["n0"].say(f"IAMAT kiwi +1+2 {now()}", seconds=5).startswith("AT n0 ")
    assert time.monotonic() - begin < 2
    assert herd["n0"].get("/healthz")[0] == 200
    assert herd["n1"].status()["links"]["n0"]["state"] == "up"
    assert f"herd_log_dropped_total {herd['n0'].counter('log_dropped')}" in herd["n0"].get("/metrics")[1]


def start(herd: Herd, stderr: IO[bytes] | int | None = None) -> None:
    herd["n0"].start(wait=False, stderr=stderr)
    herd["n1"].start(wait=False)
    for node in herd:
        node.wait_ready()
    herd.wait_linked()


def reported(text: str) -> int:
    """The sum of the dropped lines that the log reports."""
    return sum(int(report[1]) for report in REPORT.finditer(text))


def test_a_standard_error_that_is_not_read_costs_lines_and_nothing_else(pipe: Pipe, make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), start=False)
    start(herd, stderr=pipe.writing)
    talk_until_dropped(herd["n0"])
    check_well(herd)
    pipe.read()
    node = herd["n0"]
    wait_for(lambda: reported(pipe.text.decode()) == node.counter("log_dropped"),
             "the log reports how many lines it lacks")
    node.say("after")
    wait_for(lambda: b"text=after\n" in pipe.text, "the log continues")
    reasons = {report[2] for report in REPORT.finditer(pipe.text.decode())}
    assert reasons == {"they were not written as fast as they came"}
    assert all(re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z [a-z]+ n0 event=", text) for text in pipe.text.decode().splitlines())


def test_a_reader_that_is_frozen_costs_lines_and_nothing_else(make_herd: MakeHerd, tmp_path: pathlib.Path) -> None:
    herd = make_herd(line(2), start=False)
    with open(tmp_path / "log", "wb") as log:
        reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=log)
    try:
        start(herd, stderr=reader.stdin)
        piped(reader.stdin).close()
        reader.send_signal(signal.SIGSTOP)
        talk_until_dropped(herd["n0"])
        check_well(herd)
        reader.send_signal(signal.SIGCONT)
        wait_for(lambda: reported((tmp_path / "log").read_text()) == herd["n0"].counter("log_dropped"),
                 "the log reports how many lines it lacks")
    finally:
        reader.kill()
        reader.wait()
    # Now the pipe has no reader.
    talk_until_dropped(herd["n0"])
    check_well(herd)


def test_a_standard_error_that_is_always_full_costs_lines_and_nothing_else(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), start=False, log_level="info")
    with open("/dev/full", "wb") as full:
        start(herd, stderr=full)
    wait_for(lambda: herd["n0"].counter("log_dropped") > 0, "lines are dropped, although there are few")
    check_well(herd)
    herd["n0"].wait_places()  # to read them takes a processor for a second or two
    stat = pathlib.Path(f"/proc/{herd['n0'].process.pid}/stat")

    def ticks() -> int:
        return sum(int(field) for field in stat.read_text().rsplit(") ", 1)[1].split()[11:13])
    before, begin = ticks(), time.monotonic()
    time.sleep(2)  # the measurement is a share of time
    share = (ticks() - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - begin)
    assert share < 0.2, "a log that cannot be written must not keep a processor busy"


def test_a_log_file_on_a_full_disk_costs_only_lines_of_the_file(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), start=False, log_level="info")
    disk = FullTmpfs.mount(herd.directory / "logs")
    try:
        file = disk.directory / "n0.log"
        herd.settings = {"log": {"file": str(file)}}
        herd.write_config()
        start(herd)
        wait_for(lambda: "event=started" in file.read_text(), "the file has the log")
        disk.fill()
        node = herd["n0"]
        for _ in range(100):
            node.say(b"IAMAT " + b"\x80" * 200 + b" x 1\n")
        wait_for(lambda: node.counter("log_dropped") > 0, "lines are dropped")
        check_well(herd)
        node.wait_log("event=invalid_arguments")  # standard error has them
        disk.free()
        wait_for(lambda: "event=log_dropped" in file.read_text(), "the file reports how many lines it lacks")
        report = REPORT.search(file.read_text())
        assert report and report[2] == "No space left on device"
        assert "event=log_dropped" not in node.log()
        herd["n1"].stop()
        wait_for(lambda: "event=link_lost peer=n1" in file.read_text(), "the log continues")
    finally:
        herd["n0"].kill()
        disk.close()


def test_a_removed_log_file_is_created_again(make_herd: MakeHerd) -> None:
    herd = make_herd({"n0": []}, start=False, settings={"log": {"file": "n0.log"}})
    herd["n0"].start()
    file = herd["n0"].state_dir / "n0.log"
    wait_for(lambda: "event=started" in file.read_text(), "the file has the log")
    file.unlink()

    def has_line() -> bool:
        herd["n0"].say("hello")
        return file.exists() and "text=hello" in file.read_text()
    wait_for(has_line, "there is a file again")


def test_after_sighup_a_renamed_log_file_gets_no_more_lines(make_herd: MakeHerd) -> None:
    herd = make_herd({"n0": []}, start=False, settings={"log": {"file": "n0.log"}})
    node = herd["n0"]
    node.start()
    file, rotated = node.state_dir / "n0.log", node.state_dir / "n0.log.1"
    wait_for(lambda: "event=started" in file.read_text(), "the file has the log")
    for number in range(3):
        file.rename(rotated)
        node.signal(signal.SIGHUP)
        wait_for(file.exists, "there is a new file, although nothing was logged", seconds=5)
        node.say(f"line{number}")
        wait_for(lambda: f"text=line{number}\n" in file.read_text(), "the new file has the line")
        assert f"line{number}" not in rotated.read_text()


@pytest.mark.parametrize("closed", range(1, 8))
def test_closed_standard_descriptors_are_opened_on_dev_null(make_herd: MakeHerd, closed: int) -> None:
    """Without this, the log would be written into the lock file."""
    herd = make_herd({"n0": []}, start=False)
    node = herd["n0"]
    descriptors = [number for number in range(3) if closed & 1 << number]
    redirections = " ".join(f"{number}>&-" for number in descriptors)
    process = subprocess.Popen(["sh", "-c", f'exec "$0" "$@" {redirections}', BINARY, "--config", herd.config_path,
                                "--log-level", "debug", "n0"],
                               env=os.environ | herd.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: node.get("/readyz")[0] == 200, "ready")
        for number in descriptors:
            assert os.readlink(f"/proc/{process.pid}/fd/{number}") == "/dev/null"
        assert node.say("hello") == "? hello\n"
        assert (node.state_dir / "lock").read_text() == f"{process.pid}\n"
    finally:
        process.terminate()
        assert process.wait(10) == 0
    assert (node.state_dir / "lock").read_text() == f"{process.pid}\n"


def test_a_node_whose_log_is_blocked_ends_on_sigterm(pipe: Pipe, make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), start=False)
    start(herd, stderr=pipe.writing)
    talk_until_dropped(herd["n0"])
    begin = time.monotonic()
    herd["n0"].stop()
    assert time.monotonic() - begin < 8


def test_a_node_that_cannot_start_ends_although_its_standard_error_is_not_read(pipe: Pipe, make_herd: MakeHerd) -> None:
    herd = make_herd({"n0": []})
    pipe.fill()
    second = subprocess.run([BINARY, "--config", herd.config_path, "n0"], env=os.environ | herd.environment, timeout=10,
                            stdin=subprocess.DEVNULL, stderr=pipe.writing, check=False)
    assert second.returncode == 1


def test_a_node_that_cannot_start_reports_the_reason_to_a_late_reader(pipe: Pipe, make_herd: MakeHerd) -> None:
    herd = make_herd({"n0": []})
    pipe.fill()
    second = subprocess.Popen([BINARY, "--config", herd.config_path, "n0"], env=os.environ | herd.environment,
                              stdin=subprocess.DEVNULL, stderr=pipe.writing)
    pipe.read()
    assert second.wait(10) == 1
    wait_for(lambda: b"is used by process" in pipe.text, "the line with the reason")


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV])
@pytest.mark.skipif(bool(os.environ.get("HERD_SANITIZED")), reason="a sanitizer handles these itself")
def test_a_crash_is_the_last_line_of_the_log(make_herd: MakeHerd, number: signal.Signals) -> None:
    herd = make_herd({"n0": []}, settings={"log": {"file": "n0.log"}})
    node = herd["n0"]
    assert pipeline(node, b"IAMAT kiwi +1+2 5\n" * 1000).count(b"\n") == 1000
    node.may_die = True
    node.signal(number)
    assert node.process.wait(10) == -number
    for log in (node.log(), (node.state_dir / "n0.log").read_text()):
        assert log.count("event=command ") == 1000
        assert log.endswith(f" error n0 event=crashed signal={int(number)}\n")


# JSON.

def objects(log: str) -> list[dict[str, str]]:
    """The lines of a log of JSON. Fails the test if a line is not an object of strings, or has a name twice."""
    def unique(pairs: list[tuple[str, str]]) -> dict[str, str]:
        assert len(dict(pairs)) == len(pairs) and all(isinstance(value, str) for _, value in pairs), pairs
        return dict(pairs)
    return [json.loads(one, object_pairs_hook=unique) for one in log.splitlines()]


def test_every_line_of_a_log_of_json_is_an_object(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), settings={"log": {"format": "json"}})
    node = herd["n0"]
    herd.wait_linked()
    node.say(b'IAMAT a\xffb +91+1 5\nIAMAT "x" event=forged +1+1 5\n" a=b \xc3\xbc\x1b[31m \\\nIAMAT kiwi +1+1 5\n')
    node.wait_log('"event":"connection_closed"')
    herd["n1"].kill()
    node.wait_log('"event":"link_lost"')
    node.stop()
    lines = objects(node.log())
    assert {"started", "stopped", "command", "link_lost"} <= {one["event"] for one in lines}
    assert all(one["node"] == "n0" and one["time"].endswith("Z") for one in lines)
    assert {one["level"] for one in lines} <= {"debug", "info", "warning"}
    [lost] = [one for one in lines if one["event"] == "link_lost"]
    assert lost["peer"] == "n1" and lost["level"] == "info"
    texts = {one.get("text") for one in lines if one["event"] == "command"}
    assert {'IAMAT "x" event=forged +1+1 5', '" a=b \\xc3\\xbc\\x1b[31m \\\\'} <= texts


@pytest.mark.skipif(bool(os.environ.get("HERD_SANITIZED")), reason="a sanitizer handles it itself")
def test_a_crash_is_the_last_line_of_a_log_of_json(make_herd: MakeHerd) -> None:
    herd = make_herd({"n0": []}, settings={"log": {"format": "json"}})
    node = herd["n0"]
    node.may_die = True
    node.signal(signal.SIGSEGV)
    assert node.process.wait(10) == -signal.SIGSEGV
    last = objects(node.log())[-1]
    assert last | {"time": ""} == {"time": "", "level": "error", "node": "n0", "event": "crashed", "signal": "11"}
