"""What top shows: rows of nodes, links and places providers, computed from samples. Pure."""
from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from .herd import Herd
from .probe import TOKEN_VARIABLE
from .samples import Pair, state_of
from .status import name_conflicts

Row = dict[str, Any]  # None is an unknown value

REPORTS = ("iamat_stored", "iamat_duplicate", "iamat_not_newer")
UPDATES = ("iamat_stored", "bus_updates_merged")
SORTS = {"n": "node", "s": "state", "u": "updates_per_s", "r": "reports_per_s", "y": "queries_per_s",
         "c": "clients", "l": "lag",
         "a": "answer_ms"}
ASCENDING = ("node", "state")
HEALTHY = ("up", "remote")
SLOW_SECONDS = 10.0  # an older report of a node on another host is noted


@dataclasses.dataclass(frozen=True)
class View:
    """One picture of the herd, as `--json` prints it."""

    herd: str
    time: float
    nodes: list[Row]
    links: list[Row]
    places: list[Row]
    notices: list[str]

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def view_of(herd: Herd, processes: dict[str, dict[str, Any]], pairs: Mapping[str, Pair | None], now: float,
            notices: list[str]) -> View:
    """`processes` is of samples.process_states(), `pairs` has the samples by node, `now` is the time of day."""
    nodes, links, places = [], [], []
    notices = list(notices)
    closed = []  # nodes with pages that refuse to be read
    for node in herd.nodes:
        pair = pairs.get(node.name)
        status = pair.newest.status if pair else None
        state = state_of(node, processes.get(node.name), pair.newest if pair else None)
        row = _node_row(node.name, state, pair, status) if status else _empty_row(node.name, state)
        if state == "remote":
            _fill_in(row, pairs)
        process = processes.get(node.name)
        if state == "frozen" and process:
            notices.append(f"{node.name} (process {process['pid']}) is frozen: kill -CONT {process['pid']} continues"
                           " it")
        elif state == "silent" and process:
            notices.append(f"{node.name} (process {process['pid']}) does not answer: see scripts/herd doctor")
        if state == "up" and status is None and node.pages_need_token:
            closed.append(node.name)
        if status and pair:
            links += _link_rows(node.name, status)
            places += _place_rows(node.name, status)
            notices += name_conflicts(node.name, status)
            if status["journal"]["trouble"]:
                notices.append(f"the journal of {node.name} fails: {status['journal']['trouble']}")
        nodes.append(row)
    local = [row for row in nodes if row["digest"] and not row["state"].startswith("remote")]
    if len({row["digest"] for row in local}) > 1 and not any(row["updates_per_s"] for row in local):
        notices.append("the digests differ although nothing changes: some node lacks records that another has")
    if closed:
        notices.append(f"no figures of {', '.join(closed)}: their pages need a token: put a valid one into"
                       f" ${TOKEN_VARIABLE} (scripts/herd token new makes one)")
    return View(herd.name, now, nodes, links, places, notices)


def _empty_row(name: str, state: str) -> Row:
    return {"node": name, "state": state, "answer_ms": None, "uptime_s": None, "updates_per_s": None,
            "reports_per_s": None, "queries_per_s": None, "events_per_s": None, "connections": None, "clients": None,
            "watches": None, "links_up": None, "links": None, "lag": None, "journal": None, "digest": None}


def _node_row(name: str, state: str, pair: Pair | None, status: dict[str, Any]) -> Row:
    links = status["links"].values()
    row = _empty_row(name, state) | {
        "uptime_s": status["uptime_s"], "connections": status["connections"], "clients": status["clients"],
        "watches": status.get("watches", {}).get("watches"), "links": len(links),
        "links_up": sum(link["state"] == "up" for link in links),
        "lag": max((link["lag"] for link in links), default=0), "journal": status["journal"]["state"],
        "digest": status["digest"]}
    if pair is None:
        return row
    answer = pair.newest.answer_s
    queries = _growth(pair, _queries)
    whatsat = pair.rate("whatsat")
    return row | {"answer_ms": round(answer * 1000, 2) if answer is not None else None,
                  "updates_per_s": _rounded(pair.rate(*UPDATES)), "reports_per_s": _rounded(pair.rate(*REPORTS)),
                  "queries_per_s": _rounded(queries + whatsat if queries is not None and whatsat is not None else None),
                  "events_per_s": _rounded(_growth(pair, _events))}


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 1)


def _queries(status: dict[str, Any]) -> int:
    return sum(counts["answered"] for counts in status.get("queries", {}).get("counts", {}).values())


def _events(status: dict[str, Any]) -> int:
    return int(sum(status.get("watches", {}).get("events", {}).values()))


def _growth(pair: Pair, total: Any) -> float | None:
    if pair.rate("whatsat") is None or pair.before is None:  # as there: no two samples of one run
        return None
    seconds = pair.newest.at - pair.before.at
    return max(0.0, (total(pair.newest.status) - total(pair.before.status)) / seconds)


def _fill_in(row: Row, pairs: Mapping[str, Pair | None]) -> None:
    """Figures of a node on another host, from the newest report that a sampled node has."""
    reports = [report for pair in pairs.values() if pair and pair.newest.status
               if (report := pair.newest.status.get("reports", {}).get(row["node"]))]
    if not reports:
        return
    newest = min(reports, key=lambda report: report["age_s"])
    if newest["age_s"] > SLOW_SECONDS:
        row["state"] = f"remote, {newest['age_s']:.0f} s ago"
    elif not newest["ready"]:
        row["state"] = "remote, not ready"
    row |= {"uptime_s": newest["uptime_s"], "clients": newest["clients"], "digest": newest["digest"],
            "links_up": newest["peers_up"], "links": newest["peers"], "updates_per_s": newest["updates_per_s"]}


def _link_rows(name: str, status: dict[str, Any]) -> list[Row]:
    return [{"node": name, "peer": peer, "state": link["state"], "lag": link["lag"],
             "round_trip_us": link["round_trip_us"] if link["state"] == "up" and link["round_trip_us"] else None,
             "skew_us": link["skew_us"] if link["state"] == "up" else None, "address": link["address"]}
            for peer, link in status["links"].items()]


def _place_rows(name: str, status: dict[str, Any]) -> list[Row]:
    return [{"node": name, "provider": provider, "state": one["state"], "requests": sum(one["requests"].values()),
             "mean_request_us": one["mean_request_us"] or None, "cache_hits": one["cache_hits"],
             "cache_misses": one["cache_misses"], "message": one["message"]}
            for provider, one in status["places"].items()]


def sort(rows: list[Row], key: str) -> list[Row]:
    """By one of the values of SORTS: texts from A, numbers from the greatest, unknown values last."""
    known = [row for row in rows if row[key] is not None]
    if key == "state":  # what needs a look comes first
        ordered = sorted(known, key=lambda row: (row["state"] in HEALTHY, row["state"], row["node"]))
    else:
        ordered = sorted(known, key=lambda row: row[key], reverse=key not in ASCENDING)
    return ordered + [row for row in rows if row[key] is None]
