"""The parts of scripts/herd that need no node: text for terminals and for supervisord, logs that are rotated."""
import pathlib
import resource
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts/lib"))

from herd_ctl import arguments, daemon, show, status  # noqa: E402
from herd_ctl.herd import reachable, split_address  # noqa: E402
from herd_ctl.logs import Tail  # noqa: E402
from herd_ctl.trouble import Trouble  # noqa: E402


def test_addresses_are_split_and_wildcards_are_reached_by_loopback():
    assert split_address("") is None
    assert split_address("127.0.0.1:12140") == ("127.0.0.1", 12140)
    assert split_address("tcp://[::1]:12240") == ("::1", 12240)
    assert reachable(("0.0.0.0", 1)) == ("127.0.0.1", 1)
    assert reachable(("::", 1)) == ("::1", 1)
    assert reachable(("192.0.2.1", 1)) == ("192.0.2.1", 1)


def test_supervisord_asks_for_no_more_descriptors_than_there_are(monkeypatch):
    for hard, asked in ((4096, 1024), (60, 60), (resource.RLIM_INFINITY, 1024)):
        monkeypatch.setattr(daemon.resource, "getrlimit", lambda _what, hard=hard: (hard, hard))
        assert daemon._descriptors() == asked


def test_nothing_that_steers_a_terminal_is_shown():
    assert show.safe("kiwi ü") == "kiwi ü"
    assert show.safe("a\x1b[31m\n\x07") == r"a\x1b[31m\x0a\x07"
    assert show.safe(b"\xff\xfe") == r"\xff\xfe"
    assert show.safe("\u202e") == r"\xe2\x80\xae"  # would turn the line's direction
    assert show.table(["A", "B"], [["x", 10], ["longer", 5]], right=("B",)) == "A        B\nx       10\nlonger   5"


@pytest.mark.parametrize("seconds, text", [(0, "0s"), (59.9, "59s"), (60, "1m00s"), (3599, "59m59s"), (3600, "1h00m"),
                                           (86399, "23h59m"), (86400, "1d00h"), (900000, "10d10h")])
def test_a_duration_has_two_units(seconds, text):
    assert show.duration(seconds) == text


def test_supervisord_is_told_no_path_that_it_would_misread():
    for path in ("/a%b", "/a ;b", "/a #b", "/a\nb"):
        with pytest.raises(Trouble):
            daemon.quoted(path)
    assert daemon.quoted("/a'b\"") == "/a'b\""
    assert daemon.quoted_variable("/a b") == '"/a b"'
    for path in ("/a'b", '/a"b'):
        with pytest.raises(Trouble):
            daemon.quoted_variable(path)


@pytest.mark.parametrize("words, said", [
    (["prove", "--connections", "0"], "0 is too few"), (["prove", "--depth", "x"], "'x' is no whole number"),
    (["prove", "--kills", "-1"], "'-1' is no whole number"), (["bench", "--rounds", "0"], "0 is too few"),
    (["prove", "--seconds", "0"], "'0' is no time from 0.1 to 86400 seconds"),
    (["bench", "--seconds", "86401"], "'86401' is no time from 0.1 to 86400 seconds")])
def test_a_number_that_makes_no_sense_is_refused_in_its_own_words(capsys, words, said):
    with pytest.raises(SystemExit) as end:
        arguments.parse(words)
    assert end.value.code == 2
    assert capsys.readouterr().err == f"scripts/herd: argument {words[1]}: {said} (scripts/herd help says more)\n"


def test_the_bounds_of_numbers_belong_to_them():
    assert arguments.parse(["prove", "--seconds", "86400", "--connections", "1", "--kills", "0"]).seconds == 86400
    assert arguments.parse(["bench", "--seconds", "0.1", "--rounds", "1"]).seconds == 0.1


@pytest.mark.parametrize("command", arguments.COMMANDS)
def test_every_command_explains_itself(capsys, command):
    with pytest.raises(SystemExit) as end:
        arguments.parse([command, "--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith(f"usage: scripts/herd {command} ") and "--config FILE" in said


def test_the_newest_record_is_found_by_exact_time():
    def record(time):
        return f"AT Hill +0.1 kiwi +1+2 {time}".encode()
    ordered = [record(time) for time in ("9.999999999", "10", "10.000000001", "10.1")]
    assert sorted(reversed(ordered), key=status._order) == ordered


def test_a_log_is_read_on_across_its_rotation(tmp_path):
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
