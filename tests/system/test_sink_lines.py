"""Tests the lines of JSON that herd-sink writes: to a file, also over kills and with a full disk,
and through pipes with readers that are slow or gone."""
import contextlib
import json
import os
import pathlib
import subprocess
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import pytest
from herd_fixture import Node, wait_for
from python_clients import address
from sinks import PROGRAM, SECONDS, SinkProcess, outcome
from talk import piped

Line = dict[str, Any]


class MakeSink(Protocol):
    def __call__(self, *words: str, stdout: int | None = None) -> SinkProcess:
        ...


@pytest.fixture(name="make_sink")
def sinks_of_the_test(light_node: Node, tmp_path: pathlib.Path) -> Iterator[MakeSink]:
    """make_sink(words, stdout=): a sink of the one node."""
    with contextlib.ExitStack() as stack:

        def make(*words: str, stdout: int | None = None) -> SinkProcess:
            sink = SinkProcess(tmp_path / "sink.log", address(light_node), *words, stdout=stdout)
            stack.callback(sink.close)
            return sink

        yield make


def report(node: Node, client: str, *times: int) -> None:
    text = "".join(f"IAMAT {client} +{at % 90}-118.0 {at}\n" for at in times)
    assert node.say(text, SECONDS).count("AT n0") == len(times)


def read(path: pathlib.Path) -> list[Line]:
    text = path.read_text()
    assert not text or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def times_of(lines: Iterable[Line], client: str) -> list[int]:
    """Seconds of the reports of the client, in their order."""
    return [line["time_ns"] // 10**9 for line in lines if line.get("client") == client]


def test_a_file_has_each_change_once_over_kills(
    light_node: Node, make_sink: MakeSink, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "lines"
    sink = make_sink("--output", str(path), "--match", "file-*")
    report(light_node, "file-a", 1)
    sink.start()
    sink.wait_log("complete")
    report(light_node, "file-a", 2)
    wait_for(lambda: times_of(read(path), "file-a") == [1, 2], "two reports are written")
    sink.kill()
    with open(path, "a", encoding="utf-8") as file:
        file.write('{"event": "move", "client": "file-a", "ti')  # a line that the kill cut off
    report(light_node, "file-a", 3, 4)
    sink.start()
    sink.wait_log("complete", 2)
    report(light_node, "file-a", 5)
    wait_for(lambda: times_of(read(path), "file-a")[-1:] == [5], "the last report is written")
    lines = read(path)
    assert times_of(lines, "file-a") == [1, 2, 4, 5]
    assert [line["event"] for line in lines] == [
        "new",
        "here",
        "ready",
        "move",
        "resumed",
        "here",
        "ready",
        "move",
    ]
    assert lines[3] | {"cursor": "", "difference": ""} == {
        "event": "move",
        "client": "file-a",
        "time_ns": 2 * 10**9,
        "latitude": 2.0,
        "longitude": -118.0,
        "coordinates": "+2-118.0",
        "node": "n0",
        "difference": "",
        "cursor": "",
        "conflated": None,
    }
    shown = subprocess.run(
        [PROGRAM, "--output", path, "--status", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(shown.stdout) == {
        "watch": "ALL match=file-*",
        "cursor": lines[-1]["cursor"],
        "conflated": None,
    }
    sink.stop()


def test_standard_output_may_be_a_file_and_must_not_be_closed(
    light_node: Node, make_sink: MakeSink, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "lines"
    report(light_node, "stdout-a", 1)
    with open(path, "wb") as file:
        sink = make_sink("--output", "-", "--match", "stdout-*", stdout=file.fileno())
        sink.start()
    wait_for(
        lambda: [line["event"] for line in read(path)] == ["new", "here", "ready"], "the lines"
    )
    sink.stop()
    command = f"exec '{PROGRAM}' {address(light_node)} --output - >&-"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "standard output is closed" in done.stderr, done.stderr


def test_an_output_that_belongs_to_another_writer_is_refused(
    light_node: Node, make_sink: MakeSink, tmp_path: pathlib.Path
) -> None:
    path, other = str(tmp_path / "lines"), tmp_path / "other"
    sink = make_sink("--output", path, "--match", "none-*")
    sink.start()
    sink.wait_log("complete")
    other.write_text("a line of another program\n")
    node = address(light_node)
    running = outcome(node, "--output", path, "--match", "none-*")
    assert running[0] == 1 and "another process writes" in running[1]
    sink.stop()
    for words, part in (
        (["--output", path], "has the lines of the watch 'ALL match=none-*', not of 'ALL'"),
        (["--output", str(other)], "has other lines than those of herd-sink"),
        (["--output", str(tmp_path)], "Is a directory"),
        (["--output", str(tmp_path / "no/file")], "No such file or directory"),
        (["--output", str(tmp_path / "none"), "--status"], "cannot be read"),
    ):
        status, error = outcome(node, *words)
        assert status == 1 and error.count("\n") == 1 and part in error, error
    assert other.read_text() == "a line of another program\n"


def test_conflated_changes_are_counted_and_a_renamed_file_is_followed(
    light_node: Node, make_sink: MakeSink, tmp_path: pathlib.Path
) -> None:
    path, old = tmp_path / "lines", tmp_path / "lines.1"
    sink = make_sink("--output", str(path))
    report(light_node, "all-a", 1)
    sink.start()
    sink.wait_log("complete")
    sink.kill()
    report(light_node, "all-a", 2, 3, 4, 5)
    sink.start()
    sink.wait_log("complete: 3 changes were conflated")
    path.rename(old)
    sink.process.send_signal(1)  # SIGHUP
    wait_for(lambda: path.exists() and read(path), "the new file has lines")
    report(light_node, "all-a", 6)
    wait_for(lambda: times_of(read(path), "all-a") == [6], "the report is in the new file")
    assert read(path)[0]["event"] == "resumed" and read(path)[-1]["conflated"] == 3
    assert times_of(read(old), "all-a")[-1] == 5
    sink.stop()


def test_a_full_disk_loses_and_repeats_nothing(
    light_node: Node, make_sink: MakeSink, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "lines"
    sink = make_sink("--output", str(path), "--match", "full-*")
    report(light_node, "full-a", 1)
    sink.start()
    sink.wait_log("complete")
    sink.limit_files(path.stat().st_size + 100)
    report(light_node, "full-a", 2)
    sink.wait_log("cannot be written: File too large: trying again")
    assert times_of(read(path), "full-a") == [1]  # no part of a line
    report(light_node, "full-a", 3)
    sink.limit_files(1 << 30)
    wait_for(lambda: times_of(read(path), "full-a")[-1] == 3, "it goes on", SECONDS)
    assert times_of(read(path), "full-a") in ([1, 3], [1, 2, 3])
    sink.stop()


def test_a_pipe_goes_on_after_its_cursor_and_ends_with_its_reader(
    light_node: Node, make_sink: MakeSink, tmp_path: pathlib.Path
) -> None:
    config = tmp_path / "sink.toml"
    config.write_text(
        f"nodes = ['{address(light_node)}']\nmatch = 'pipe-*'\noutput = '-'\n"
        f"cursor_file = '{tmp_path}/cursor'\nbatch_ms = 50\n"
    )
    sink = make_sink("--config", str(config), stdout=subprocess.PIPE)
    report(light_node, "pipe-a", 1)
    sink.start()
    lines = [json.loads(piped(sink.process.stdout).readline()) for _ in range(3)]
    assert times_of(lines, "pipe-a") == [1]
    wait_for(
        lambda: (tmp_path / "cursor").exists()
        and json.loads((tmp_path / "cursor").read_text())["cursor"],
        "the cursor is written",
    )
    sink.kill()
    report(light_node, "pipe-a", 2)
    sink.start()
    lines = [json.loads(piped(sink.process.stdout).readline()) for _ in range(3)]
    assert [line["event"] for line in lines] == ["resumed", "here", "ready"] and times_of(
        lines, "pipe-a"
    ) == [2]
    piped(sink.process.stdout).close()
    report(light_node, "pipe-a", 3)
    assert "herd-sink: the reader of the output is gone\n" in sink.ends(1)
    (tmp_path / "cursor").write_text("nothing")
    sink.start()
    assert "has no cursor: remove it" in sink.ends(1)


def test_a_fifo_waits_for_its_reader_and_a_slow_one_is_sent_the_newest_state(
    light_node: Node, make_sink: MakeSink, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    sink = make_sink(
        "--output",
        str(path),
        "--match",
        "fifo-*",
        "--cursor-file",
        str(tmp_path / "cursor"),
        "--batch-bytes",
        "100000",
    )
    report(light_node, "fifo-a", 1)
    sink.start()
    sink.wait_log("has no reader: trying again")
    with open(path, encoding="utf-8") as reader:
        assert times_of([json.loads(reader.readline()) for _ in range(3)], "fifo-a") == [1]
        last, clients = 40, 500
        for turn in range(2, last + 1):  # more than pipe, sockets and sink hold
            text = "".join(f"IAMAT fifo-{at} +{turn}-118.0 {turn}\n" for at in range(clients))
            assert light_node.say(text, SECONDS).count("AT n0") == clients
        newest: dict[str, int] = {}
        count = 0
        while len(newest) < clients or min(newest.values()) < last:
            line = json.loads(reader.readline())
            newest[line["client"]] = line["time_ns"] // 10**9
            count += 1
        assert clients <= count <= clients * (last - 1)
    report(light_node, "fifo-a", 2)
    sink.wait_log("the reader of the output is gone: trying again")
    with open(path, encoding="utf-8") as reader:
        assert times_of([json.loads(reader.readline()) for _ in range(2)], "fifo-a") == [2]
        sink.stop()
