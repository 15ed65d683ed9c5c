"""Tests the parts of scripts/herd that need no node: text for terminals and for supervisord, rotated logs."""
import contextlib
import errno
import os
import pathlib
import resource
import signal
import socket
import subprocess
import threading
import time
import types
from typing import Any, Literal

import pytest

from herd_ctl import arguments, daemon, files, lock, probe, processes, show, status, supervisord
from herd_ctl.herd import Node, reachable, split_address
from herd_ctl.logs import Tail
from herd_ctl.trouble import Trouble
from herd_fixture import wait_for
from herd_lab import bench
from talk import piped


def test_addresses_are_split_and_wildcards_are_reached_by_loopback() -> None:
    assert split_address("") is None
    assert split_address("127.0.0.1:12140") == ("127.0.0.1", 12140)
    assert split_address("tcp://[::1]:12240") == ("::1", 12240)
    assert reachable(("0.0.0.0", 1)) == ("127.0.0.1", 1)
    assert reachable(("::", 1)) == ("::1", 1)
    assert reachable(("192.0.2.1", 1)) == ("192.0.2.1", 1)


def remote_row(**figures: Any) -> dict[str, Any]:
    return {"node": "n1", "state": status.REMOTE, "digest": None, "updates_per_s": None, "report": None} | figures


def test_the_row_of_a_remote_node_shows_how_old_its_report_is() -> None:
    def cell(**report: Any) -> str:
        return status._state_cell(remote_row(report={"by": "n0", "age_s": 0.5, "ready": True} | report))

    assert status._state_cell(remote_row()) == "remote"
    assert cell() == cell(age_s=10.0) == "remote" and cell(ready=False) == "remote, not ready"
    assert cell(age_s=12.4) == "remote, 12 s ago"


def test_the_newest_report_of_a_remote_node_fills_in_its_row() -> None:
    def look(age: float, clients: int) -> dict[str, Any]:
        report = {"age_s": age, "uptime_s": 60.2, "peers_up": 1, "clients": clients, "digest": "ab", "ready": True,
                  "updates_per_s": 3}
        return {"before": None, "after": {"links": {}, "reports": {"n1": report}}}

    row = remote_row()
    old: dict[str, Any] = {"before": {"links": {}}, "after": None}  # a node of an earlier release
    status._fill_in(row, {"n0": look(3.5, 7), "n2": look(1.5, 8), "n3": None, "n4": old})
    assert row == remote_row(uptime_s=61, peers_up=1, clients=8, digest="ab", updates_per_s=3,
                             report={"by": "n2", "age_s": 1.5, "ready": True})
    unknown = remote_row()
    status._fill_in(unknown, {"n4": old})
    assert unknown == remote_row()


def test_digests_of_other_hosts_are_too_old_to_compare() -> None:
    local = {"node": "n0", "state": "up", "digest": "aa"}
    assert not status._digests_differ([local, remote_row(digest="bb")])
    assert status._digests_differ([local, local | {"digest": "bb"}, remote_row(digest="bb")])


def test_supervisord_requires_no_more_descriptors_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    for hard, required in ((4096, 1024), (60, 60), (resource.RLIM_INFINITY, 1024)):
        monkeypatch.setattr(daemon.resource, "getrlimit", lambda _what, hard=hard: (hard, hard))
        assert daemon._descriptors() == required


def test_control_bytes_for_terminals_are_escaped() -> None:
    assert show.safe("kiwi ü") == "kiwi ü"
    assert show.safe("a\x1b[31m\n\x07") == r"a\x1b[31m\x0a\x07"
    assert show.safe(b"\xff\xfe") == r"\xff\xfe"
    assert show.safe("\u202e") == r"\xe2\x80\xae"  # would change the direction of the line
    assert show.table(["A", "B"], [["x", 10], ["longer", 5]], right=("B",)) == "A        B\nx       10\nlonger   5"


@pytest.mark.parametrize("seconds, text", [(0, "0s"), (59.9, "59s"), (60, "1m00s"), (3599, "59m59s"), (3600, "1h00m"),
                                           (86399, "23h59m"), (86400, "1d00h"), (900000, "10d10h")])
def test_a_duration_has_two_units(seconds: float, text: str) -> None:
    assert show.duration(seconds) == text


def test_paths_that_supervisord_would_misread_are_refused() -> None:
    for path in ("/a%b", "/a ;b", "/a #b", "/a\nb"):
        with pytest.raises(Trouble):
            daemon.quoted(path)
    assert daemon.quoted("/a'b\"") == "/a'b\""
    assert daemon.quoted_variable("/a b") == '"/a b"'
    for path in ("/a'b", '/a"b'):
        with pytest.raises(Trouble):
            daemon.quoted_variable(path)


@pytest.mark.parametrize("words, reason", [
    (["prove", "--connections", "0"], "0 is too few: use 1 or more"),
    (["prove", "--depth", "x"], "'x' is not a whole number"),
    (["prove", "--kills", "-1"], "'-1' is not a whole number"),
    (["bench", "--rounds", "0"], "0 is too few: use 1 or more"),
    (["prove", "--seconds", "0"], "'0' is not a number of seconds from 0.1 to 86400"),
    (["bench", "--seconds", "86401"], "'86401' is not a number of seconds from 0.1 to 86400")])
def test_an_invalid_number_is_refused_with_a_reason(capsys: pytest.CaptureFixture[str], words: list[str],
                                                    reason: str) -> None:
    with pytest.raises(SystemExit) as end:
        arguments.parse(words)
    assert end.value.code == 2
    assert capsys.readouterr().err == (
        f"scripts/herd: argument {words[1]}: {reason} (see scripts/herd {words[0]} --help)\n")


def test_the_bounds_of_numbers_are_valid() -> None:
    assert arguments.parse(["prove", "--seconds", "86400", "--connections", "1", "--kills", "0"]).seconds == 86400
    assert arguments.parse(["bench", "--seconds", "0.1", "--rounds", "1"]).seconds == 0.1


@pytest.mark.parametrize("command", arguments.COMMANDS)
def test_every_command_has_a_help_text(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with pytest.raises(SystemExit) as end:
        arguments.parse([command, "--help"])
    assert end.value.code == 0
    output = capsys.readouterr().out
    assert output.startswith(f"usage: scripts/herd {command} ") and "--config FILE" in output


def test_the_newest_record_is_found_by_exact_time() -> None:
    def record(time: str) -> bytes:
        return f"AT Hill +0.1 kiwi +1+2 {time}".encode()
    ordered = [record(time) for time in ("9.999999999", "10", "10.000000001", "10.1")]
    assert sorted(reversed(ordered), key=status._order) == ordered


def test_a_log_is_followed_across_its_rotation(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "n0.log"
    tail = Tail("n0", path)
    assert tail.more() == []
    path.write_bytes(b"1\n2\n3\nhal")
    assert tail.last(2) == [b"2", b"3"]
    with open(path, "ab") as log:
        log.write(b"f\n")
        log.flush()
        assert tail.more() == [b"half"]
        log.write(b"last\n")
    path.rename(tmp_path / "n0.log.1")
    assert tail.more() == [b"last"]
    path.write_bytes(b"new\n")
    assert tail.more() == [b"new"]
    assert tail.more() == []


# Logs.

def write(path: pathlib.Path, text: bytes, mode: Literal["ab", "wb"] = "ab") -> None:
    with open(path, mode) as log:
        log.write(text)


def test_the_last_lines_come_from_older_files_if_the_newest_has_too_few(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "n0.log"
    write(path, b"7\n8\nhalf")
    write(tmp_path / "n0.log.1", b"4\n5\nsi")  # supervisord rotates in the middle of a line
    write(tmp_path / "n0.log.2", b"1\n2\n3\n")
    write(path, b"x\n" + path.read_bytes(), "wb")
    every = [b"1", b"2", b"3", b"4", b"5", b"six", b"7", b"8"]
    for count, lines in ((0, []), (2, every[-2:]), (3, every[-3:]), (8, every), (9, every)):
        tail = Tail("n0", path)
        assert tail.last(count) == lines
        assert tail.unfinished() == [b"half"]
        assert tail.more() == []
    write(path, b"way\n")
    assert tail.more() == [b"halfway"]
    path.unlink()
    assert Tail("n0", path).last(2) == [b"4", b"5"]


def test_the_last_lines_of_a_large_log_are_found_from_its_end(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "n0.log"
    write(path, b"".join(b"%d\n" % number for number in range(200_000)) + b"x" * 200_000 + b"\n")
    assert Tail("n0", path).last(3) == [b"199998", b"199999", b"x" * 200_000]


def test_a_log_is_followed_across_several_rotations_between_two_reads(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "n0.log"
    write(path, b"1\n")
    tail = Tail("n0", path)
    assert tail.last(1) == [b"1"]
    write(path, b"2\n")
    for number in range(3, 6):
        for old in range(4, 1, -1):
            if (tmp_path / f"n0.log.{old - 1}").exists():
                (tmp_path / f"n0.log.{old - 1}").rename(tmp_path / f"n0.log.{old}")
        path.rename(tmp_path / "n0.log.1")
        write(path, b"%d\n" % number)
    assert tail.more() == [b"2", b"3", b"4", b"5"]
    assert tail.more() == []


def test_a_log_is_followed_until_the_writer_uses_the_new_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "n0.log"
    write(path, b"1\n")
    tail = Tail("n0", path)
    tail.last(0)
    with open(path, "ab", buffering=0) as writer:
        path.rename(tmp_path / "n0.log.1")
        writer.write(b"2\n")
        assert tail.more() == [b"2"]
        write(path, b"")  # created by the program that rotates; the writer does not use it yet
        writer.write(b"3\n")
        assert tail.more() == [b"3"]
        writer.write(b"4\n")
    write(path, b"5\n")
    assert tail.more() == [b"4", b"5"]


def test_a_log_is_followed_after_it_was_deleted(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "n0.log"
    write(tmp_path / "n0.log.1", b"old\n")
    os.utime(tmp_path / "n0.log.1", (1, 1))
    write(path, b"1\n")
    tail = Tail("n0", path)
    tail.last(0)
    with open(path, "ab", buffering=0) as writer:
        path.unlink()
        writer.write(b"2\n")
        assert tail.more() == [b"2"]
        writer.write(b"3\n")
    write(path, b"4\n")
    assert tail.more() == [b"3", b"4"]


@pytest.mark.parametrize("copied", [True, False])
@pytest.mark.parametrize("new", [b"4\n5\n", b"4\n" + b"5" * 5000 + b"\n"])  # shorter than the old content, and longer
def test_a_log_is_followed_after_it_was_truncated(tmp_path: pathlib.Path, copied: bool, new: bytes) -> None:
    path = tmp_path / "n0.log"
    write(path, b"1\n" * 500 + b"2\nhal")
    tail = Tail("n0", path)
    assert tail.last(1) == [b"2"]
    write(path, b"f\n3\n")
    if copied:
        write(tmp_path / "n0.log.1", path.read_bytes())
    write(path, new, "wb")
    lost_or_not = [b"half", b"3"] if copied else [b"hal"]
    assert tail.more() == lost_or_not + new.split(b"\n")[:-1]
    write(path, b"6\n")
    assert tail.more() == [b"6"]


# Files.

def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, link = tmp_path / "file", tmp_path / "link"
    link.symlink_to(path)
    files.replace(link, "one")
    assert path.read_text() == "one" and link.is_symlink() and path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    files.replace(path, "two", keep=True)
    assert path.read_text() == "two" and path.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "file.bak").read_text() == "one"

    def no_space(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(files.os, "fsync", no_space)
    with pytest.raises(OSError):
        files.replace(path, "three")
    assert path.read_text() == "two" and sorted(tmp_path.iterdir()) == [path, tmp_path / "file.bak", link]


def test_a_device_is_written_to_and_not_replaced() -> None:
    files.replace(pathlib.Path("/dev/null"), "text", keep=True)
    assert pathlib.Path("/dev/null").is_char_device()


def test_only_the_part_between_the_marks_of_a_page_changes_and_there_is_a_backup(tmp_path: pathlib.Path) -> None:
    page = tmp_path / "page.md"
    old = f"before\n{bench.FIGURES_BEGIN}\nold\n{bench.FIGURES_END}\nafter\n"
    page.write_text(old)
    bench.write_page(page, "new")
    assert page.read_text() == old.replace("old", "new")
    assert (tmp_path / "page.md.bak").read_text() == old


# The supervisor.

def test_the_waits_between_failures_grow_to_a_bound_and_never_end() -> None:
    assert [supervisord.wait_after(count) for count in range(1, 8)] == [0, 1, 2, 4, 8, 10, 10]
    assert supervisord.wait_after(10**6) == supervisord.LONGEST_WAIT
    retry = supervisord.Retry()
    for now, failures in ((0, 1), (1, 2), (50, 3)):
        retry.start(now)
        retry.fail(now + 1)
        assert retry.failures == failures and retry.next_start == now + 1 + supervisord.wait_after(failures)
    retry.start(100)
    retry.fail(100 + supervisord.GOOD_SECONDS - 0.1)
    assert retry.failures == 4
    retry.start(200)
    retry.fail(200 + supervisord.GOOD_SECONDS)
    assert retry.failures == 1


def test_a_process_belongs_to_a_state_directory_only_by_its_command_line_or_its_open_lock(
        tmp_path: pathlib.Path) -> None:
    lock, ours = tmp_path / "lock", pathlib.Path("/proc/self").resolve()
    lock.write_text(f"{ours.name}\n")
    assert processes.lock_holder(lock) is None  # the file contains its pid, but it does not hold the lock
    with open(lock, "rb"):
        holder = processes.lock_holder(lock)
        assert holder is not None and holder.pid == int(ours.name)
    (tmp_path / "supervisord.pid").write_text(f"{ours.name}\n")
    assert processes.supervisor_of(tmp_path) is None
    (tmp_path / "link").symlink_to(tmp_path)
    for words, found in ((["supervisord", "-c", f"{tmp_path}/supervisord.conf"], True),
                         (["supervisord", "-c", f"{tmp_path}/link/supervisord.conf"], True),
                         (["supervisord", "-c", "/elsewhere/supervisord.conf"], False),
                         (["editor", "-c", f"{tmp_path}/supervisord.conf"], False)):
        # The command line of sh is its own arguments.
        with subprocess.Popen(["sh", "-c", "read line", *words], stdin=subprocess.PIPE) as process:
            words_of = pathlib.Path(f"/proc/{process.pid}/cmdline")
            wait_for(lambda: words_of.read_bytes().startswith(b"sh\0"), "sh has its own command line")
            assert bool(processes.supervisor_of(tmp_path)) == found
            piped(process.stdin).close()


def test_a_process_is_recognised_without_a_pidfd(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_pid: int) -> int:
        raise OSError(errno.ENOSYS, "Function not implemented")
    monkeypatch.setattr(processes.os, "pidfd_open", refused)
    with subprocess.Popen(["sleep", "600"]) as sleeper:
        process = processes.Process.open(sleeper.pid)
        assert process is not None and not process.has_ended()
        process.signal(signal.SIGSTOP)
        deadline = time.monotonic() + 10
        while not process.is_frozen() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert process.is_frozen()
        process.signal(signal.SIGKILL)
        assert processes.wait_ended([process], 10) == []
        process.signal(signal.SIGKILL)  # it is gone: no error, and no other process gets the signal
    assert processes.Process.open(sleeper.pid) is None


def test_a_command_waits_for_another_one_only_for_a_time(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch,
                                                         capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(lock, "WAIT_SECONDS", 0.5)
    monkeypatch.setattr(lock, "NOTICE_SECONDS", 0.1)
    with lock.herd_lock(tmp_path):
        with pytest.raises(Trouble, match=rf"another scripts/herd \(process {os.getpid()}\) still changes this herd"):
            with lock.herd_lock(tmp_path):
                pass
    assert capsys.readouterr().err == f"Waiting for another scripts/herd (process {os.getpid()}) to end\n"
    with lock.herd_lock(tmp_path):
        pass


# Queries to nodes.

@pytest.mark.parametrize("says", ["nothing", "a byte at a time", "too much", "no HTTP"])
def test_an_answer_has_a_bound_in_time_and_size(monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    monkeypatch.setattr(probe, "TIMEOUT", 0.5)
    monkeypatch.setattr(probe, "MAX_ANSWER_BYTES", 100_000)

    def serve(server: socket.socket) -> None:
        with server.accept()[0] as connection, contextlib.suppress(OSError):
            while says == "a byte at a time":
                connection.sendall(b"H")
                time.sleep(0.05)
            while says == "too much":
                connection.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000)
            if says == "no HTTP":
                connection.sendall(b"\x00\x01\x02")
            else:
                connection.recv(1)
                connection.recv(65536)
                time.sleep(1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        address = server.getsockname()
        node = Node("n0", clients=address, bus=address, monitor=None, http=address, peers=[], local=True, settings={},
                    live_settings={}, entry={})
        began = time.monotonic()
        assert probe.read_status(node) is None
        assert time.monotonic() - began < 10


def test_a_query_that_hangs_does_not_delay_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "ALL_SECONDS", 0.3)
    held = threading.Event()
    nodes = [types.SimpleNamespace(name=name) for name in ("n0", "n1")]
    answers = probe.of_all(lambda node: held.wait(20) if node.name == "n0" else True, nodes)
    held.set()
    assert answers == {"n0": None, "n1": True}
