"""Tests errors of scripts/herd for which no node is needed: those of the system become one line with a remedy that
fits, and a first event that comes late is no error."""
import errno
import os
import pathlib
import sys
import threading
import time
from typing import Any

import pytest
import zmq

from herd_ctl import __main__ as program
from herd_ctl import monitors
from herd_ctl.trouble import NONE_RUNNING, Trouble, writing
from herds_on_paper import herd_on_paper

SECONDS = 30.0  # for whatever a test waits for
RIGHTS = "run this as the user that runs the herd, or change the permissions"


@pytest.mark.parametrize("error, line", [
    (PermissionError(errno.EACCES, "Permission denied"), f"Permission denied: {RIGHTS}"),  # as that of a socket
    (PermissionError(errno.EACCES, "Permission denied", "x/y"), f"x/y: Permission denied: {RIGHTS}"),
    (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "Connection refused"),
    (FileNotFoundError(errno.ENOENT, "No such file or directory", "x/y"), "x/y: No such file or directory"),
    (OSError("timed out"), "timed out")])
def test_an_error_of_the_system_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
                                            error: OSError, line: str) -> None:
    def fail(_given: Any) -> int:
        raise error
    monkeypatch.setattr(program, "run", fail)
    monkeypatch.setattr(sys, "argv", ["herd", "status"])
    assert program.main() == 1
    assert capsys.readouterr().err == f"scripts/herd: {line}\n"


@pytest.mark.parametrize("number, remedy", [
    (errno.EACCES, "change the permissions, or write elsewhere"),
    (errno.EPERM, "change the permissions, or write elsewhere"),
    (errno.ENOENT, "write elsewhere"),
    (errno.ENOTDIR, "write elsewhere"),
    (errno.EROFS, "write elsewhere"),
    (errno.ENOSPC, "free disk space, or write elsewhere"),
    (errno.EDQUOT, "free disk space, or write elsewhere")])
def test_the_remedy_fits_the_reason_why_a_file_cannot_be_written(number: int, remedy: str) -> None:
    with pytest.raises(Trouble) as raised:
        with writing(pathlib.Path("file"), "change the permissions, or write elsewhere"):
            raise OSError(number, os.strerror(number))
    assert str(raised.value) == f"file cannot be written ({os.strerror(number)}): {remedy}"


def publish_late(publisher: "zmq.Socket[bytes]") -> None:
    publisher.recv()  # a subscription
    time.sleep(0.5)
    publisher.send_multipart([b"herd.INFO.stats.n0", b'{"node": "n0", "event": "stats"}'])


def test_a_first_event_is_waited_for_longer_than_a_later_one_and_then_discarded(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitors, "FIRST_SECONDS", SECONDS)
    monkeypatch.setattr(monitors, "SILENT_SECONDS", 0.3)
    with zmq.Context() as context, context.socket(zmq.XPUB) as publisher:
        source = monitors.Source("n0", f"tcp://127.0.0.1:{publisher.bind_to_random_port('tcp://127.0.0.1')}")
        thread = threading.Thread(target=publish_late, args=(publisher,))
        thread.start()
        with monitors.Viewer(herd_on_paper("n0"), [source], None, ["herd."]) as viewer:
            viewer.require_event()
            assert viewer.heard_all() and viewer.receive(0.1) is None
        thread.join()


def test_without_any_event_the_monitors_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitors, "FIRST_SECONDS", 0.2)
    sources = [monitors.Source("n0", "tcp://127.0.0.1:1")]
    with monitors.Viewer(herd_on_paper("n0"), sources, None, ["herd."]) as viewer:
        with pytest.raises(Trouble, match="^no monitor of n0 sends anything: see scripts/herd status$") as raised:
            viewer.require_event()
    assert raised.value.status == NONE_RUNNING
