"""Tests what scripts/herd near and watch send and print, with nodes that the test writes. What real nodes answer is
tested in test_scripts_near.py and test_scripts_watch.py."""
from __future__ import annotations

import json
import pathlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from herd_ctl import arguments, client_port, probe
from herd_ctl import watch as watch_module
from herd_ctl.herd import Node
from herd_ctl.near import near
from herd_ctl.records import Record, Sighting, compass
from herd_ctl.trouble import Trouble
from herd_ctl.watch import watch
from herd_fixture import wait_for
from scripted_node import Answers, ScriptedNode, herd_of

KIWI = "AT n0 +0.000000001 kiwi +1.5-2.25 5"
MakeNode = Callable[[Answers], ScriptedNode]
Run = Callable[..., int]


@pytest.fixture
def make() -> Iterator[MakeNode]:
    made: list[ScriptedNode] = []

    def node(answer: Answers) -> ScriptedNode:
        made.append(ScriptedNode(f"n{len(made)}", answer))
        return made[-1]
    yield node
    for one in made:
        one.is_frozen = False
        one.close()


@pytest.fixture
def run(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs near or watch with these words, at these nodes."""
    monkeypatch.setattr(probe, "TIMEOUT", 0.3)
    monkeypatch.setattr(client_port, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(watch_module, "QUIET_SECONDS", 0.2)
    monkeypatch.setattr(watch_module, "PAUSE_SECONDS", 0.05)

    def command(nodes: list[ScriptedNode | Node], *words: str) -> int:
        given = arguments.parse(words)
        herd = herd_of([node if isinstance(node, Node) else node.node() for node in nodes], tmp_path)
        return {"near": near, "watch": watch}[given.command](herd, given)
    return command


# Records.

def test_a_bearing_is_named_by_the_nearest_of_sixteen_points() -> None:
    assert " ".join(compass(degrees) for degrees in (0, 11, 12, 45, 180, 348, 349, 359)) == "N N NNE NE S NNW N N"


def test_an_age_is_by_the_clock_of_this_host_and_negative_for_a_client_that_is_ahead() -> None:
    record = Record.of(KIWI.encode())
    assert [record.age(now) for now in (5.4, 4.5, 68, 2)] == ["0s", "0s", "1m03s", "-3s"]


@pytest.mark.parametrize("line", ["", "AT", "AT n0 +1 kiwi +1.5-2.25", "AT n0 +1 kiwi 1.5 5", "AT n0 +1 kiwi +1+2 x",
                                  "? n0 +1 kiwi +1+2 5", "1.5 000 " + KIWI, "1.500 400 " + KIWI, "1.500 " + KIWI])
def test_other_lines_are_no_records(line: str) -> None:
    with pytest.raises(ValueError):
        Sighting.of(line.encode())


def test_control_bytes_of_a_record_are_escaped() -> None:
    assert Record.of(b"AT n0 +1 ki\x9bwi +1+2 5").client == r"ki\x9bwi"


# near.

def test_near_prints_a_table_with_bearings_and_says_where_the_centre_is(
        make: MakeNode, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    node = make(lambda line: f"{KIWI}\nIS 0.120 007 AT n1 -1.5 emu +1.501-2.25/ 6\nIS 12.345 225 {KIWI}\nEND 3\n")
    assert run([node], "near", "kiwi", "10", "--match", "e*", "--newer", "60") == 0
    assert node.lines == ["NEAR kiwi 10 20 match=e* newer=60"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("kiwi at +1.5-2.25, ") and lines[0].endswith(" old, reported to n0")
    assert lines[1].split() == ["KM", "BEARING", "CLIENT", "COORDINATES", "AGE", "NODE"]
    assert lines[2].split()[:5] == ["0.120", "007°", "N", "emu", "+1.501-2.25/"] and lines[2].endswith("n1")
    assert lines[3].split()[:3] == ["12.345", "225°", "SW"]
    assert lines[4] == "2 clients within 10 km of kiwi, by n0"


def test_southern_coordinates_are_an_operand_and_no_option(
        make: MakeNode, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    node = make(lambda line: "END 0\n")
    assert run([node], "near", "-33.86,151.21", "0.5", "--max", "3") == 0
    assert node.lines == ["NEAR -33.86+151.21 0.5 3"]
    assert capsys.readouterr().out == "No client within 0.5 km of -33.86+151.21, by n0\n"


def test_near_follows_cursors_and_shows_each_client_once(make: MakeNode, run: Run,
                                                         capsys: pytest.CaptureFixture[str]) -> None:
    def answer(line: str) -> str:
        first = 0 if "after=" not in line else int(line.rpartition("after=c")[2])
        count = min(int(line.split()[3]), 2100 - first)
        # The first client of a page was at the end of the page before, and has moved.
        lines = [f"IS 1.000 000 AT n0 +1 c{max(0, i - (i == first)):04} +1+2 5" for i in range(first, first + count)]
        end = f" c{first + count}" if first + count < 2100 else ""
        return "\n".join([*lines, f"END {count}{end}"]) + "\n"
    node = make(answer)
    assert run([node], "near", "+1+2", "10", "--max", "1500", "--json") == 0
    assert node.lines == ["NEAR +1+2 10 1000", "NEAR +1+2 10 500 after=c1000", "NEAR +1+2 10 1 after=c1500",
                          "NEAR +1+2 10 1 after=c1501"]
    shown = json.loads(capsys.readouterr().out)
    assert len({client["client"] for client in shown["clients"]}) == len(shown["clients"]) == 1500
    assert shown["has_more"] and shown["answered_by"] == "n0" and shown["centre_record"] is None
    assert run([node], "near", "+1+2", "10", "--max", "5000", "--json") == 0
    assert not json.loads(capsys.readouterr().out)["has_more"]


def test_json_has_numbers_beside_the_texts_of_the_client(make: MakeNode, run: Run,
                                                         capsys: pytest.CaptureFixture[str]) -> None:
    node = make(lambda line: f"{KIWI}\nIS 0.120 007 AT n1 -1.5 emu +1.501-2.25/ 6\nEND 2\n")
    run([node], "near", "kiwi", "10", "--json")
    shown = json.loads(capsys.readouterr().out)
    [emu] = shown["clients"]
    assert emu.pop("age_s") > 1e9 and shown["centre_record"]["client"] == "kiwi"
    assert emu == {"client": "emu", "coordinates": "+1.501-2.25/", "latitude": 1.501, "longitude": -2.25, "time": "6",
                   "node": "n1", "difference": "-1.5", "km": 0.12, "bearing": 7, "compass": "N"}


def test_a_refused_question_is_reported_with_the_reason_of_the_node(make: MakeNode, run: Run) -> None:
    node = make(lambda line: f"? {line}\n")
    node.why = "no client \x1b[31m of this name"
    with pytest.raises(Trouble) as trouble:
        run([node], "near", "kiwi", "10")
    assert str(trouble.value) == r"n0 refuses the question: no client \x1b[31m of this name"


def test_an_answer_in_another_form_is_an_error(make: MakeNode, run: Run) -> None:
    for reply in ("hello\n", "IS 1.000 000 AT\nEND 1\n", f"IS 1 0 {KIWI}\nEND 1\n", f"{KIWI}\nhello you\nEND 1\n"):
        with pytest.raises(Trouble, match="n. answers NEAR with something else"):
            run([make(lambda _line, reply=reply: reply)], "near", "kiwi", "10")  # type: ignore[misc]


def test_another_node_is_asked_if_one_is_frozen_refuses_connections_or_closes(
        make: MakeNode, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    frozen, refusing, closing, good = (make(answer) for answer in (
        lambda line: "END 0\n", lambda line: "END 0\n", lambda line: None, lambda line: "END 0\n"))
    frozen.is_frozen = True
    refusing.close()
    began = time.monotonic()
    assert run([frozen, refusing, closing, good], "near", "+1+2", "10") == 0
    assert time.monotonic() - began < 10 and capsys.readouterr().out.endswith("by n3\n")
    with pytest.raises(Trouble, match="no node answers: start them with scripts/herd up"):
        run([frozen, refusing], "near", "+1+2", "10")
    with pytest.raises(Trouble, match="n2 has closed the connection"):
        run([closing], "near", "+1+2", "10")
    with pytest.raises(Trouble, match="n1 does not answer: see scripts/herd status, or leave out --node"):
        run([good, refusing], "near", "+1+2", "10", "--node", "n1")


def test_a_chosen_node_is_the_only_one_that_is_asked(make: MakeNode, run: Run) -> None:
    nodes = [make(lambda line: "END 0\n") for _ in range(2)]
    assert run([*nodes], "near", "+1+2", "10", "--node", "n1") == 0
    assert [len(node.lines) for node in nodes] == [0, 1]
    with pytest.raises(Trouble, match="no node 'n7'"):
        run([*nodes], "near", "+1+2", "10", "--node", "n7")
    away = nodes[1].node()
    away.local = False
    with pytest.raises(Trouble, match="n1 runs on another host"):
        run([nodes[0], away], "near", "+1+2", "10", "--node", "n1")


def test_the_token_is_sent_first_and_a_wrong_one_is_reported_without_it(make: MakeNode, run: Run,
                                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(line: str) -> str:
        if line.startswith("AUTH "):
            return "OK fleet tell=* see=* level=all\n" if line == "AUTH good" else "? AUTH\n"
        return "END 0\n"
    node = make(answer)
    guarded = node.node(**{"clients.auth": "token"})
    monkeypatch.delenv("HERD_TOKEN", raising=False)
    with pytest.raises(Trouble, match=r"set \$HERD_TOKEN"):
        run([guarded], "near", "+1+2", "10")
    assert node.lines == []
    monkeypatch.setenv("HERD_TOKEN", "bad")
    with pytest.raises(Trouble, match=r"refuse the token in \$HERD_TOKEN") as trouble:
        run([guarded], "near", "+1+2", "10")
    assert "bad" not in str(trouble.value)
    monkeypatch.setenv("HERD_TOKEN", "good")
    assert run([guarded], "near", "+1+2", "10") == 0
    assert node.lines == ["AUTH bad", "AUTH good", "NEAR +1+2 10 20"]


def test_nodes_that_know_only_the_commands_of_the_seed_are_named(make: MakeNode, run: Run,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    node = make(lambda line: f"? {line}\n")
    monkeypatch.setattr(node, "_reply", lambda line: f"? {line}\n")
    for words in (["near", "kiwi", "10"], ["watch", "all"]):
        with pytest.raises(Trouble, match="n0 answers only IAMAT and WHATSAT"):
            run([node], *words)


# watch.

class Watch:
    """watch on a thread of its own; it runs until stop() or until it ends by itself."""

    def __init__(self, run: Run, nodes: list[ScriptedNode | Node], *words: str):
        self.result: int | None = None
        self.trouble: Trouble | None = None
        self.thread = threading.Thread(target=self._run, args=(run, nodes, words), daemon=True)
        self.thread.start()

    def _run(self, run: Run, nodes: list[ScriptedNode | Node], words: tuple[str, ...]) -> None:
        try:
            self.result = run(nodes, "watch", *words)
        except Trouble as trouble:
            self.trouble = trouble

    def end(self) -> None:
        self.thread.join(10)
        assert not self.thread.is_alive()


def snapshot(feed: str, *lines: str, state: str = "new") -> Answers:
    text = "".join(f"! scripts 0 {line}\n" for line in lines)
    return lambda _line: f"WATCHING scripts {feed} {state}\n{text}"


def test_the_words_of_watch_are_those_of_the_nodes(make: MakeNode, run: Run) -> None:
    node = make(snapshot("f", "READY 0"))
    for words, line in (
            (["client", "kiwi"], "CLIENT kiwi"), (["client", "truck-*", "--every", "2"], "CLIENT truck-* every=2"),
            (["near", "-1.5+2/", "3", "--slack", "0.5", "--dwell", "7", "--match", "a*"],
             "NEAR -1.5+2/ 3 match=a* slack=0.5 dwell=7"),
            (["near", "34.07,-118.44", "5"], "NEAR +34.07-118.44 5"), (["client", "1,2"], "CLIENT 1,2"),
            (["within", "-1-1", "+1+1"], "WITHIN -1-1 +1+1"),
            (["within", "-1,-1", "1,1"], "WITHIN -1-1 +1+1"),
            (["all", "--beat", "9"], "ALL beat=9")):
        assert run([node], "watch", *words, "--once") == 0
        assert node.lines[-1] == f"WATCH scripts {line}"


@pytest.mark.parametrize("words, reason", [
    (["watch", "bogus"], "'bogus' cannot be watched: use client, near, within, all"),
    (["watch", "near", "kiwi"], "`watch near` has 1 word after it: write it as `watch near CLIENT|COORDINATES KM`"),
    (["watch", "all", "x"], "`watch all` has 1 word after it: write it as `watch all`"),
    (["watch", "client", "a b"], "argument WHAT: 'a b' is neither a client nor coordinates: use 1 to 255 bytes without"
                                 " blanks and control bytes"),
    (["watch", "all", "--match", "a"], "argument --match: 'a' does not end with *: write the beginning of the ids and"
                                       " *, in quotes"),
    (["near", "kiwi", "20017"], "argument KM: 20017 km is more than 20016, half of the way around the earth"),
    (["near", "kiwi", "-1"], "argument KM: '-1' is not a number such as 10 or 0.5"),
    (["near", "", "1"], "argument CLIENT|COORDINATES: '' is neither a client nor coordinates: use 1 to 255 bytes"
                        " without blanks and control bytes"),
    (["near", "kiwi", "1", "--max", "0"], "argument --max: 0 is too few: use 1 or more")])
def test_a_mistake_in_the_command_line_gives_one_line(capsys: pytest.CaptureFixture[str], words: list[str],
                                                      reason: str) -> None:
    with pytest.raises(SystemExit) as end:
        arguments.parse(words)
    assert end.value.code == 2
    assert capsys.readouterr().err == f"scripts/herd: {reason} (see scripts/herd {words[0]} --help)\n"


def test_events_are_printed_as_they_come(make: MakeNode, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    node = make(snapshot("f7", f"CENTRE {KIWI}", "HERE 0.120 007 AT n1 -1.5 emu +1.501-2.25/ 6", "READY 1"))
    watching = Watch(run, [node], "near", "kiwi", "3")
    wait_for(lambda: node.answered, "the watch has begun")
    node.push(f"! scripts 8 ENTER 1.500 090 {KIWI}\n! scripts 8 TICK 5.000000000\n! scripts 9 GONE reset emu\n"
              "! scripts 9 ENTER hidden\n! scripts 9 END too many\n")
    watching.end()
    assert str(watching.trouble).startswith("the watch has ended (too many): it has more members than the nodes allow")
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == ["Watching", "centre", "here", "ready", "enter", "tick", "gone", "enter"]
    assert lines[2][:6] == ["here", "0.120", "km", "007°", "N", "emu"]
    assert lines[6] == ["gone", "reset", "emu"] and lines[7] == ["enter", "hidden"]


def test_json_has_a_line_for_each_event(make: MakeNode, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    node = make(snapshot("f7", f"HERE {KIWI}", "READY 1", "TICK 5.000000000", "GONE reset kiwi", "LEAVE hidden",
                         "END not allowed"))
    with pytest.raises(Trouble, match="not allowed"):
        run([node], "watch", "all", "--json")
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert shown[0] == {"event": "watching", "node": "n0", "feed": "f7", "state": "new"}
    assert shown[1]["event"] == "here" and shown[1]["client"] == "kiwi" and "km" not in shown[1]
    assert shown[2:] == [{"event": "ready", "number": 0, "count": 1},
                         {"event": "tick", "number": 0, "time": "5.000000000"},
                         {"event": "gone", "number": 0, "client": "kiwi"},
                         {"event": "leave", "number": 0, "client": "hidden"}]


@pytest.mark.parametrize("loss", ["closes", "freezes", "stops"])
def test_a_watch_resumes_at_the_next_node_from_its_last_event(make: MakeNode, run: Run, loss: str,
                                                              capsys: pytest.CaptureFixture[str]) -> None:
    first, second = make(snapshot("f7", "READY 0")), make(snapshot("f7", "END not allowed", state="resumed"))
    watching = Watch(run, [first, second], "all")
    wait_for(lambda: first.answered, "the watch has begun")
    first.push(f"! scripts 12 ENTER {KIWI}\n" + ("! scripts 12 END stopping\n" if loss == "stops" else ""))
    if loss == "closes":
        first.close()
    first.is_frozen = loss == "freezes"
    watching.end()
    assert second.lines == ["WATCH scripts ALL from=f7:12"]
    printed = capsys.readouterr()
    assert printed.err.startswith("scripts/herd: n0 ") and printed.err.count("\n") == 1
    assert "Watching ALL at n1: resumed" in printed.out


def test_a_watch_that_lost_all_nodes_waits_for_one(make: MakeNode, run: Run,
                                                   capsys: pytest.CaptureFixture[str]) -> None:
    node = make(snapshot("f7", "READY 0"))
    watching = Watch(run, [node], "all")
    wait_for(lambda: node.answered, "the watch has begun")
    node.is_frozen = True
    errors = ""

    def has_told() -> bool:
        nonlocal errors
        errors += capsys.readouterr().err
        return "no node answers: trying again until one does, or Ctrl-C" in errors
    wait_for(has_told, "the command has said so")
    node.answer = snapshot("f8", "END not allowed")
    node.is_frozen = False
    watching.end()
    assert node.lines == ["WATCH scripts ALL", "WATCH scripts ALL"]  # there was no event to resume from


def test_a_quiet_watch_is_kept_while_its_node_answers(make: MakeNode, run: Run) -> None:
    node = make(snapshot("f7", "READY 0"))
    watching = Watch(run, [node], "all")
    wait_for(lambda: node.answered, "the watch has begun")
    time.sleep(1)  # five times QUIET_SECONDS
    node.push("! scripts 3 END not allowed\n")
    watching.end()
    assert len(node.lines) == 1


def test_a_refused_watch_is_an_error_at_first_and_later_a_reason_to_try_the_next_node(
        make: MakeNode, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    refusing = make(lambda line: f"? {line}\n")
    refusing.why = "unknown client"
    with pytest.raises(Trouble, match="n0 refuses the watch: unknown client"):
        run([refusing], "watch", "near", "kiwi", "3")
    first, last = make(snapshot("f7", "END stopping")), make(snapshot("f7", "READY 0"))
    assert run([first, refusing, last], "watch", "near", "kiwi", "3", "--once") == 0
    assert "n0 refuses the watch: unknown client" in capsys.readouterr().err
    assert len(last.lines) == 1


def test_no_answer_at_the_start_is_an_error_within_seconds(make: MakeNode, run: Run) -> None:
    nodes = [make(lambda line: None) for _ in range(2)]
    nodes[0].is_frozen = True
    began = time.monotonic()
    with pytest.raises(Trouble, match="no node answers"):
        run([*nodes], "watch", "all")
    assert time.monotonic() - began < 10


def test_lines_of_another_form_are_an_error(make: MakeNode, run: Run) -> None:
    for reply in ("hello\n", "WATCHING x f7 new\n", "WATCHING scripts f7 new\n! x 0 READY 0\n",
                  "WATCHING scripts f7 new\n! scripts x READY 0\n", "WATCHING scripts f7 new\n! scripts 0 HERE a b\n"):
        node = make(lambda _line, reply=reply: reply)  # type: ignore[misc]
        with pytest.raises(Trouble, match="answers WATCH in another form"):
            run([node], "watch", "all")


def test_ctrl_c_is_the_usual_end_of_a_watch(make: MakeNode, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> bool:
        raise KeyboardInterrupt
    monkeypatch.setattr(watch_module.Watcher, "_follow", interrupted)
    assert run([make(snapshot("f7", "READY 0"))], "watch", "all") == 0


@pytest.mark.parametrize("words, text", [
    (["upp"], "there is no command 'upp' (did you mean 'up'?) (see scripts/herd --help)"),
    (["x-y"], "there is no command 'x-y' (see scripts/herd --help)"),
    (["kill"], "the following arguments are required: NODE (see scripts/herd kill --help)"),
    (["kill", "a", "b"], "unrecognized arguments: b (see scripts/herd kill --help)"),
    (["token", "new"], "the following arguments are required: NAME (see scripts/herd token new --help)")])
def test_a_mistake_names_the_nearest_command_and_the_help_of_the_command(capsys: pytest.CaptureFixture[str],
                                                                         words: list[str], text: str) -> None:
    with pytest.raises(SystemExit) as end:
        arguments.parse(words)
    assert end.value.code == 2
    assert capsys.readouterr().err == f"scripts/herd: {text}\n"


def test_help_has_the_help_of_each_command() -> None:
    assert arguments.parse(["help"]).about is None and arguments.parse(["help", "near"]).about == "near"
