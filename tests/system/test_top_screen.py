"""Tests the rows and lines of scripts/herd top, which need no node: rates, sorting, and windows of different sizes."""
from __future__ import annotations

from typing import Any

from herd_ctl import top_rows, top_screen
from herd_ctl.samples import Pair, Sample
from herd_ctl.top_rows import View, view_of
from herd_ctl.top_screen import Line
from herds_on_paper import herd_on_paper, status_on_paper


def pair(before: dict[str, Any] | None, newest: dict[str, Any] | None, seconds: float = 2.0) -> Pair:
    return Pair(Sample(10.0, True, before, 0.001) if before else None, Sample(10.0 + seconds, True, newest, 0.0015))


def running(*names: str) -> dict[str, dict[str, Any]]:
    return {name: {"statename": "RUNNING", "pid": 7, "frozen": False} for name in names}


def view(*names: str, **statuses: dict[str, Any]) -> View:
    pairs = {name: pair(None, statuses.get(name) or status_on_paper(name, [])) for name in names}
    return view_of(herd_on_paper(*names), running(*names), pairs, 0.0, [])


def test_rates_are_the_growth_between_two_samples_of_one_run() -> None:
    before = status_on_paper("n0", [], counters={"iamat_stored": 10, "bus_updates_merged": 5, "whatsat": 1})
    newest = status_on_paper("n0", [], counters={"iamat_stored": 30, "bus_updates_merged": 15, "whatsat": 3})
    row = view_of(herd_on_paper("n0"), running("n0"), {"n0": pair(before, newest)}, 0.0, []).nodes[0]
    assert (row["updates_per_s"], row["reports_per_s"], row["queries_per_s"], row["answer_ms"]) == (15, 10, 1, 1.5)
    restarted = newest | {"incarnation": "another"}
    row = view_of(herd_on_paper("n0"), running("n0"), {"n0": pair(before, restarted)}, 0.0, []).nodes[0]
    assert row["updates_per_s"] is None and row["clients"] == 0


def test_a_frozen_node_a_silent_one_and_a_failing_journal_are_noted() -> None:
    processes = running("n0", "n1", "n2")
    processes["n0"]["frozen"] = True
    failing = status_on_paper("n2", [])
    failing["journal"] = {"state": "failing", "trouble": "No space left on device", "bytes": 0}
    shown = view_of(herd_on_paper("n0", "n1", "n2", "n3"), processes, {"n2": pair(None, failing), "n0": None}, 0.0, [])
    assert [row["state"] for row in shown.nodes] == ["frozen", "silent", "up", "stopped"]
    notices = "\n".join(shown.notices)
    assert "n0 (process 7) is frozen: kill -CONT 7" in notices and "n1 (process 7) does not answer" in notices
    assert "the journal of n2 fails: No space left on device" in notices


def test_pages_that_need_a_token_are_noted() -> None:
    herd = herd_on_paper("n0", "n1")
    herd.nodes[1].live_settings["http.auth"] = "token"
    shown = view_of(herd, running("n0", "n1"), {"n0": pair(None, status_on_paper("n0", [])), "n1": pair(None, None)},
                    0.0, [])
    assert shown.notices == ["no figures of n1: their pages need a token: put a valid one into $HERD_TOKEN"
                             " (scripts/herd token new makes one)"]


def test_a_node_of_another_host_is_shown_by_the_newest_report() -> None:
    report = {"age_s": 12.0, "ready": True, "uptime_s": 5, "clients": 8, "digest": "ab", "peers_up": 1, "peers": 2,
              "updates_per_s": 3}
    old, new = status_on_paper("n0", []), status_on_paper("n1", [])
    old["reports"], new["reports"] = {"far": report | {"clients": 1, "age_s": 20.0}}, {"far": report}
    shown = view_of(herd_on_paper("n0", "n1", remote=["far"]), running("n0", "n1"),
                    {"n0": pair(None, old), "n1": pair(None, new)}, 0.0, [])
    far = shown.nodes[2]
    assert (far["state"], far["clients"], far["links_up"], far["links"]) == ("remote, 12 s ago", 8, 1, 2)


def test_different_digests_are_noted_unless_a_store_changes() -> None:
    other = status_on_paper("n1", [], digest="00000000000000ff")
    assert any("digests differ" in notice for notice in view("n0", "n1", n1=other).notices)
    assert view("n0", "n1").notices == []
    before, newest = (status_on_paper("n0", [], counters={"iamat_stored": count}) for count in (1, 2))
    changing = {"n0": pair(before, newest), "n1": pair(other, other)}
    assert view_of(herd_on_paper("n0", "n1"), running("n0", "n1"), changing, 0.0, []).notices == []


def test_rows_are_sorted_from_the_greatest_with_unknown_values_last() -> None:
    rows = [{"node": name, "lag": lag, "state": state}
            for name, lag, state in (("b", 1, "up"), ("a", None, "stopped"), ("c", 9, "up"))]
    assert [row["node"] for row in top_rows.sort(rows, "lag")] == ["c", "b", "a"]
    assert [row["node"] for row in top_rows.sort(rows, "node")] == ["a", "b", "c"]
    assert [row["node"] for row in top_rows.sort(rows, "state")] == ["a", "b", "c"]


def test_every_width_gets_the_columns_that_fit() -> None:
    shown = view("n0", "n1", n0=status_on_paper("n0", ["n1"]))
    for width in (200, 120, 80, 60, 40, 10):
        lines = top_screen.lines_of(shown, width)
        assert all(len(line.text) <= width for line in lines), width
    heads = {width: top_screen.lines_of(shown, width)[2].text for width in (200, 80)}
    assert "DIGEST" in heads[200] and "DIGEST" not in heads[80]
    assert all(word in heads[80] for word in ("NODE", "STATE", "UPD/S", "CLIENTS", "LINKS", "LAG"))


def test_text_of_others_cannot_control_the_terminal() -> None:
    status = status_on_paper("n0", [])
    status["journal"]["trouble"] = "\x1b[2J"
    status["places"] = {"google": {"state": "resting", "requests": {}, "mean_request_us": 0, "cache_hits": 0,
                                   "cache_misses": 0, "message": "\x1b[31m"}}
    text = top_screen.as_text(view("n0", n0=status), 120)
    assert "\x1b" not in text and "\\x1b[2J" in text


def test_a_low_window_scrolls_below_the_title_and_counts_the_rest() -> None:
    lines = [Line(str(number)) for number in range(11)]
    assert top_screen.window(lines, 20, 3) == (lines, 0)
    shown, first = top_screen.window(lines, 5, 2)
    assert [line.text for line in shown] == ["0", "3", "4", "5", "(5 more lines: arrow keys)"] and first == 2
    shown, first = top_screen.window(lines, 5, 99)
    assert [line.text for line in shown] == ["0", "8", "9", "10", "(end)"] and first == 7
    assert top_screen.window(lines, 1, 0)[0]


def test_long_notices_are_wrapped() -> None:
    assert top_screen.wrapped("one two three", 7) == ["one two", "three"]
    assert top_screen.wrapped("abcdefghij", 4) == ["abcd", "efgh", "ij"]
