"""status and where: the state of the nodes, and their records of a client."""
from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, TypeGuard

from . import client_port, doctor_facts, order, probe, processes
from .daemon import Condition, Daemon
from .herd import Herd, Node
from .refusals import refusals
from .show import duration, safe, shorten, table
from .trouble import BAD_USAGE, NONE_RUNNING, SOME_DOWN, Trouble

SAMPLE_SECONDS = 0.5   # between the two samples that give updates per second; a status may be 0.1 s old
OLD_REPORT_SECONDS = 10.0  # reports come once per second and link; an older one is shown with its age
PATIENCE_SECONDS = 2.0  # for all queries to one node, the pause included

STATES = {"STOPPED": "stopped", "STARTING": "starting", "BACKOFF": "retrying", "STOPPING": "stopping",
          "EXITED": "retrying", "FATAL": "failed", "UNKNOWN": "unknown"}
REMOTE = "remote"  # the state of a node of another host
Row = dict[str, Any]


def gather(herd: Herd, daemon: Daemon, condition: Condition) -> list[Row]:
    """One row for each node, as a dictionary; None is an unknown value. Without a working supervisor, the rows come
    from /proc and from the nodes themselves."""
    seen = daemon.processes() if condition.works else {}
    if not condition.works or len(seen) < len(herd.local):
        seen = order.observed(herd, daemon) | seen
    alive = [node for node in herd.local if seen.get(node.name, {}).get("statename") == "RUNNING"]
    looks = probe.of_all(_look, alive)
    rows = [_row(node, seen.get(node.name), looks.get(node.name)) for node in herd.nodes]
    _note_tokens(alive, looks)
    statuses = _statuses(looks)
    for node, row in zip(herd.nodes, rows):
        row |= {"seen_by": [], "report": None, "refused": _refused(daemon, node, statuses.get(node.name))}
        if row["state"] == REMOTE:
            row["seen_by"] = _seen_by(row["node"], looks)
            _fill_in(row, looks)
    return rows


def _note_tokens(nodes: list[Node], looks: dict[str, dict[str, Any] | None]) -> None:
    """Says why there are no figures of nodes with pages that need a token."""
    names = [node.name for node in nodes
             if node.pages_need_token and (look := looks.get(node.name)) and look["ready"] and not look["before"]]
    if names:
        given = probe.TOKEN_VARIABLE in os.environ
        print(f"scripts/herd: {', '.join(names)} {'refuse the token in' if given else 'want a token: put one into'}"
              f" ${probe.TOKEN_VARIABLE} (scripts/herd token new makes one)", file=sys.stderr)


def _look(node: Node) -> dict[str, Any]:
    """Whether the node is ready, and two samples of its status; None for a sample without an answer in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    look: dict[str, Any] = {"ready": probe.is_ready(node, deadline), "before": None, "after": None, "seconds": 0.0}
    look["before"], began = probe.read_status(node, deadline), time.monotonic()
    if look["before"] is not None:
        time.sleep(SAMPLE_SECONDS)
        look["after"] = probe.read_status(node, deadline)
        look["seconds"] = time.monotonic() - began
    return look


def _row(node: Node, process: dict[str, Any] | None, look: dict[str, Any] | None) -> Row:
    row: Row = {"node": node.name, "state": _state(node, process, look), "pid": None, "uptime_s": None,
                "client_port": node.clients[1], "peers_up": None, "peers": len(node.peers), "clients": None,
                "digest": None, "updates_per_s": None, "name_conflicts": []}
    if process and process["statename"] in ("RUNNING", "STARTING"):
        row["pid"] = process["pid"]
        row["uptime_s"] = max(0, int(process["now"] - process["start"]))
    status = (look["after"] or look["before"]) if look else None
    if status:
        row |= {"peers_up": probe.peers_up(status), "clients": status.get("clients"), "digest": status.get("digest"),
                "name_conflicts": name_conflicts(node.name, status)}
    if look and look["after"]:
        changes = probe.updates(look["after"]) - probe.updates(look["before"])
        row["updates_per_s"] = round(max(0, changes) / look["seconds"], 1)
    return row


def _refused(daemon: Daemon, node: Node, status: dict[str, Any] | None) -> list[str]:
    """A sentence for each peer that the node refuses. Its log is read only if a link is not up."""
    if status is None or probe.peers_up(status) == len(node.peers):
        return []
    return refusals(node.name, status["links"], doctor_facts.log_of(daemon, node))


def _statuses(looks: dict[str, dict[str, Any] | None]) -> dict[str, dict[str, Any]]:
    newest = {name: look["after"] or look["before"] for name, look in looks.items() if look}
    return {name: status for name, status in newest.items() if status}


def _seen_by(remote: str, looks: dict[str, dict[str, Any] | None]) -> list[Row]:
    """The links that nodes of this host have to a node of another host, as those nodes report them."""
    return [{"node": name, "state": link["state"], "lag": link["lag"], "round_trip_us": link["round_trip_us"],
             "address": link.get("address", "")}
            for name, status in _statuses(looks).items() if (link := status["links"].get(remote))]


def _fill_in(row: Row, looks: dict[str, dict[str, Any] | None]) -> None:
    """Fills in the row of a node of another host from the newest report of it that a node of this host has. Nodes pass
    their reports on, so there is one also of a node that no node of this host has a link to."""
    reports = [(report["age_s"], name, report) for name, status in _statuses(looks).items()
               if (report := status.get("reports", {}).get(row["node"]))]
    if not reports:
        return
    age, by, report = min(reports, key=lambda entry: entry[:2])
    row |= {"uptime_s": int(report["uptime_s"] + age), "peers_up": report["peers_up"], "clients": report["clients"],
            "digest": report["digest"], "updates_per_s": report["updates_per_s"],
            "report": {"by": by, "age_s": age, "ready": report["ready"]}}


def name_conflicts(node: str, status: dict[str, Any]) -> list[str]:
    """One sentence for each second process that claims this node's name or a peer's."""
    def location(process: dict[str, Any]) -> str:
        return f"{process['address'] or 'an unknown address'} (from {process['host'] or 'an unknown host'})"

    advice = "stop one of the two"
    sentences = [f"{node} refuses a second process named {peer}, at {location(link['contender'])}: {advice}"
                 for peer, link in status["links"].items() if link.get("contender")]
    conflict = status.get("name_conflict")
    if conflict and conflict["role"] == "kept":
        sentences.append(f"{conflict['peer']} refuses a second process named {node}, at"
                         f" {location(conflict['other'])}: {advice}")
    elif conflict:
        sentences.append(f"{node} is refused by {conflict['peer']}, which is linked with another process of this"
                         f" name, at {location(conflict['other'])}: {advice}")
    return sentences


def _state(node: Node, process: dict[str, Any] | None, look: dict[str, Any] | None) -> str:
    if not node.local:
        return REMOTE
    if process is None:
        return "stopped"
    if process["pid"] and processes.state(process["pid"]) == processes.FROZEN:
        return "frozen"
    if process["statename"] == "RUNNING":
        return "up" if look and look["ready"] else "not ready"
    return STATES.get(process["statename"], "unknown")


def exit_status(rows: list[Row]) -> int:
    local = [row for row in rows if row["state"] != REMOTE]
    if all(row["pid"] is None for row in local):
        return NONE_RUNNING
    return 0 if all(row["state"] == "up" for row in local) else SOME_DOWN


def status(herd: Herd, daemon: Daemon, as_json: bool) -> int:
    condition = daemon.condition()
    rows = gather(herd, daemon, condition)
    result = exit_status(rows)
    if as_json:
        print(json.dumps({"herd": herd.name, "state_dir": str(herd.state_dir),
                          "supervisor": {"state": condition.state.value, "pid": condition.pid}, "nodes": rows},
                         indent=2))
    else:
        _print(rows)
    order.warn_of_frozen(herd)
    for node in order.by_hand(herd):
        print(f"scripts/herd: {node.name} (process {node.pid}) was not started by scripts/herd, which does not start it"
              " again when it ends", file=sys.stderr)
    if not order.is_missed(daemon, condition):
        return result
    print(f"scripts/herd: {daemon.trouble(condition)}", file=sys.stderr)
    return 1


def _print(rows: list[Row]) -> None:
    print(table(["NODE", "STATE", "PID", "UPTIME", "PORT", "PEERS", "CLIENTS", "DIGEST", "UPD/S"],
                [_cells(row) for row in rows], right=("PID", "UPTIME", "PORT", "PEERS", "CLIENTS", "UPD/S")))
    remote = [row for row in rows if row["state"] == REMOTE]
    if remote:
        print("\nNodes of other hosts, as their peers on this host see them:")
        print(table(["NODE", "SEEN BY", "LINK", "LAG", "ROUND TRIP", "ADDRESS"],
                    [cells for row in remote for cells in _remote_cells(row)], right=("LAG", "ROUND TRIP")))
    if _digests_differ(rows):
        print("The digests differ: some node lacks records that another has")
    for sentence in sorted({sentence for row in rows for sentence in row["name_conflicts"]}):
        print(safe(sentence))
    for sentence in (sentence for row in rows for sentence in row["refused"]):
        print(safe(sentence))


def _digests_differ(rows: list[Row]) -> bool:
    """Digests of other hosts do not count: they are some seconds old."""
    return len({row["digest"] for row in rows if row["digest"] and row["state"] != REMOTE}) > 1


def _state_cell(row: Row) -> str:
    report = row["report"]
    if report is None:
        return str(row["state"])
    if report["age_s"] > OLD_REPORT_SECONDS:
        return f"{row['state']}, {report['age_s']:.0f} s ago"
    return str(row["state"]) if report["ready"] else f"{row['state']}, not ready"


def _cells(row: Row) -> list[Any]:
    def known(value: Any, form: str = "{}") -> str:
        return "-" if value is None else form.format(value)

    return [shorten(row["node"], 20), _state_cell(row), known(row["pid"]),
            "-" if row["uptime_s"] is None else duration(row["uptime_s"]), row["client_port"],
            known(row["peers_up"], f"{{}}/{row['peers']}"), known(row["clients"]), known(row["digest"]),
            known(row["updates_per_s"], "{:.0f}")]


def _remote_cells(row: Row) -> list[list[Any]]:
    """The lines of a node of another host; one without figures if no running node of this host has a link to it."""
    name = shorten(row["node"], 20)
    return [[name, shorten(link["node"], 20), link["state"], link["lag"], _milliseconds(link),
             safe(link["address"].removeprefix("tcp://")) or "-"]
            for link in row["seen_by"]] or [[name, "-", "-", "-", "-", "-"]]


def _milliseconds(link: Row) -> str:
    """The round trip; it is kept from the time when the link was up last, so it is shown only while it is up."""
    return f"{link['round_trip_us'] / 1000:.1f} ms" if link["state"] == "up" and link["round_trip_us"] else "-"


def where(herd: Herd, client: str, as_json: bool) -> int:
    """Shows each node's record of the client. Returns 0 if all are the same."""
    text = os.fsencode(client)
    if not 1 <= len(text) <= 255 or any(byte <= 0x20 or byte in (0x7F, 0xFF) for byte in text):
        raise Trouble(f"{safe(client)!r} cannot be a client: 1 to 255 bytes without white space", BAD_USAGE)
    away = {node.name for node in herd.nodes if client_port.is_away(node)}
    reached = [node for node in herd.nodes if node.name not in away]
    token = client_port.token(herd)
    answers = probe.of_all(lambda node: probe.ask(node, b"WHATSAT " + text + b" 1 0", token), reached)
    if probe.REFUSED in answers.values():
        raise client_port.wrong_token()
    if all(answer is None for answer in answers.values()):
        raise client_port.no_answer(herd)
    if None in answers.values():
        order.warn_of_frozen(herd)
    newest = max((answer for answer in answers.values() if _is_record(answer)), key=_order, default=None)
    differs = {name: answer is None or newest is not None and answer != newest for name, answer in answers.items()}
    names = [node.name for node in herd.nodes]
    if as_json:
        print(json.dumps({"client": safe(client), "known": newest is not None,
                          "nodes": [_record(name, answers.get(name)) | {"differs": differs.get(name, False)}
                                    for name in names]}, indent=2))
    else:
        cells = {name: _columns(answer) for name, answer in answers.items()} | {
            name: ["on another host", "", "", ""] for name in away}
        print(table(["", "NODE", "TOLD", "AFTER", "COORDINATES", "TIME"],
                    [["*" if differs.get(name) else "", name, *cells[name]] for name in names]))
        if newest is None:
            print("No node knows where this client is" + (", or the token may not see it" if token else ""))
        elif any(differs.values()):
            print("* differs from the newest record")
    return SOME_DOWN if any(differs.values()) else 0


def _is_record(answer: bytes | None) -> TypeGuard[bytes]:
    return answer is not None and answer.startswith(b"AT ")


def _order(answer: bytes) -> tuple[int, bytes]:
    """A sort key: the time of a record in nanoseconds, then its bytes, so that the order is total."""
    seconds, _, fraction = answer.split()[5].partition(b".")
    return int(seconds) * 10**9 + int(fraction.ljust(9, b"0")), answer


def _record(name: str, answer: bytes | None) -> Row:
    """A row of the JSON output; None is an unknown value."""
    fields: list[str | None] = [None] * 6
    if _is_record(answer):
        fields = [safe(field) for field in answer.split()]
    _, origin, difference, _, coordinates, time_text = fields
    return {"node": name, "answers": answer is not None, "told": origin, "difference_s": difference,
            "coordinates": coordinates, "time": time_text}


def _columns(answer: bytes | None) -> list[str]:
    """The columns of an answer: AT <node> <difference> <client> <coordinates> <time>."""
    if answer is None:
        return ["no answer", "", "", ""]
    if not _is_record(answer):
        return ["unknown here", "", "", ""]
    _, origin, difference, _, coordinates, time_text = answer.split()
    return [safe(field) for field in (origin, difference + b" s", coordinates, time_text)]
