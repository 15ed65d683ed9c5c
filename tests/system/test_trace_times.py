"""Tests how scripts/herd trace computes times from events: clocks that differ, durable changes, and updates that newer
ones replace. No node runs."""
from __future__ import annotations

from typing import Any

import pytest

from herd_ctl import clocks
from herd_ctl.monitors import Event, microseconds, prefixes_of
from herd_ctl.trace_times import Trace, as_text
from herd_ctl.trouble import Trouble
from herds_on_paper import link_on_paper, status_on_paper


def event(node: str, name: str, at_us: int, **fields: Any) -> Event:
    stamp = f"2026-11-23T14:03:{at_us // 10**6:02}.{at_us % 10**6:06}Z"
    return Event(f"herd.INFO.client.{node}", node, name, {"timestamp": stamp, "node": node, "event": name} | fields)


def location(node: str, at_us: int, change: int | None, time: str = "5.5", client: str = "kiwi") -> Event:
    more = {"change": change} if change is not None else {}
    return event(node, "location", at_us, client=client, coordinates="+1+2", time=time, origin="n0", **more)


def traced(*events: Event, nodes: tuple[str, ...] = ("n0", "n1")) -> Trace:
    trace = Trace("kiwi", nodes)
    for one in events:
        trace.take(one)
    return trace


def test_times_are_relative_to_the_merge_at_the_origin() -> None:
    trace = traced(location("n1", 1_000_300, 9), location("n0", 1_000_000, 4),
                   event("n0", "durable", 1_000_400, change=4),
                   event("n1", "durable", 1_000_350, change=8), event("n1", "durable", 1_000_900, change=12))
    assert trace.is_complete
    result = trace.result({})
    assert [(row["node"], row["merged_ms"], row["durable_ms"]) for row in result["nodes"]] == [
        ("n0", 0.0, 0.4), ("n1", 0.3, 0.9)]
    assert as_text(result, "14:03:01.000000").splitlines()[0] == (
        "kiwi +1+2: reported to n0 14:03:01.000000, durable +0.4 ms, n1 +0.3 ms")


def test_clocks_that_differ_are_corrected() -> None:
    trace = traced(location("n0", 1_000_000, None), location("n1", 6_000_300, None))
    assert trace.is_complete, "a node of an older release has no change numbers"
    result = trace.result({"n0": 0.0, "n1": 5.0})
    assert result["nodes"][1] == {"node": "n1", "merged_ms": 0.3, "durable_ms": None, "superseded": False,
                                  "clock_ahead_ms": 5000.0}


def test_other_clients_other_nodes_and_older_changes_do_not_count() -> None:
    trace = traced(location("n0", 1, 4, client="pear"), location("far", 1, 4), event("n0", "durable", 2, change=9))
    assert trace.first is None and not trace.is_complete
    trace.take(location("n0", 3, 5))
    trace.take(event("n0", "durable", 4, change=4))
    assert trace.visits["n0"].durable is None and not trace.is_complete


def test_an_update_that_a_newer_one_replaced_is_marked() -> None:
    trace = traced(location("n0", 1, 4), event("n0", "durable", 2, change=4), location("n1", 3, 8, time="5.500000001"))
    assert trace.is_complete and trace.result({})["nodes"][1]["superseded"]
    older = traced(location("n0", 1, 4), location("n1", 3, 8, time="5.4"))
    assert not older.visits["n1"].is_superseded and older.visits["n1"].merged is None


def test_without_the_origin_times_are_relative_to_the_first_merge() -> None:
    result = traced(location("n1", 7, 1), location("n2", 9, 1), nodes=("n2", "n1")).result({})
    assert (result["base"], result["nodes"][1]["merged_ms"]) == ("n1", 0.002)


def test_the_clocks_of_one_host_are_the_same_and_others_follow_the_links() -> None:
    statuses = {name: status_on_paper(name, []) for name in ("n0", "n1")}
    statuses["n0"]["links"] = {"n1": link_on_paper(skew_us=7000), "far": link_on_paper(state="down", skew_us=9)}
    statuses["n1"]["links"] = {"far": link_on_paper(skew_us=-2_000_000)}
    assert clocks.offsets(statuses) == pytest.approx({"n0": 0.0, "n1": 0.007, "far": -1.993})
    assert clocks.offsets(statuses, ["n0", "n1"]) == pytest.approx({"n0": 0.0, "n1": 0.0, "far": -2.0})


def test_timestamps_and_topics_are_read() -> None:
    assert microseconds(event("n0", "durable", 1_000_400)) == 1795442581000400
    assert prefixes_of(None) == ["herd."] and prefixes_of("warning") == ["herd.WARNING."]
    assert prefixes_of("peer") == ["herd.INFO.peer.", "herd.WARNING.peer.", "herd.ERROR.peer."]
    assert prefixes_of("herd.INFO.client.Hill") == ["herd.INFO.client.Hill"]
    with pytest.raises(Trouble, match="is no topic"):
        prefixes_of("Hill")
