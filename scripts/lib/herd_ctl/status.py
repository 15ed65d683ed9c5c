"""status and where: what the nodes say of themselves and of a client."""
import json
import os
import time

from . import probe
from .show import duration, safe, shorten, table
from .trouble import BAD_USAGE, NONE_RUNNING, SOME_DOWN, Trouble

SAMPLE_SECONDS = 0.5  # between the two looks that give updates a second; a status may be 0.1 s old

STATES = {"STOPPED": "stopped", "STARTING": "starting", "BACKOFF": "retrying", "STOPPING": "stopping",
          "EXITED": "failed", "FATAL": "failed", "UNKNOWN": "unknown"}


def gather(herd, daemon):
    """One row a node, as a dictionary; None stands for what is not known."""
    processes = daemon.processes()
    alive = [node for node in herd.local if processes.get(node.name, {}).get("statename") == "RUNNING"]
    ready = probe.of_all(probe.is_ready, alive)
    before = probe.of_all(lambda node: (time.monotonic(), probe.read_status(node)), alive)
    if alive:
        time.sleep(SAMPLE_SECONDS)
    after = probe.of_all(lambda node: (time.monotonic(), probe.read_status(node)), alive)
    return [_row(node, processes.get(node.name), ready.get(node.name), before.get(node.name), after.get(node.name))
            for node in herd.nodes]


def _row(node, process, ready, before, after):
    status = after[1] if after else None
    row = {"node": node.name, "state": _state(node, process, ready), "pid": None, "uptime_s": None,
           "client_port": node.clients[1], "peers_up": None, "peers": len(node.peers), "clients": None, "digest": None,
           "updates_per_s": None}
    if process and process["statename"] in ("RUNNING", "STARTING"):
        row["pid"] = process["pid"]
        row["uptime_s"] = max(0, process["now"] - process["start"])
    if status:
        row |= {"peers_up": probe.peers_up(status), "clients": status.get("clients"), "digest": status.get("digest")}
        if before[1]:
            seconds = after[0] - before[0]
            row["updates_per_s"] = round(max(0, probe.updates(status) - probe.updates(before[1])) / seconds, 1)
    return row


def _state(node, process, ready):
    if not node.local:
        return "remote"
    if process is None:
        return "stopped"
    if process["statename"] == "RUNNING":
        return "up" if ready else "not ready"
    return STATES.get(process["statename"], "unknown")


def exit_status(rows):
    local = [row for row in rows if row["state"] != "remote"]
    if all(row["pid"] is None for row in local):
        return NONE_RUNNING
    return 0 if all(row["state"] == "up" for row in local) else SOME_DOWN


def status(herd, daemon, as_json):
    rows = gather(herd, daemon)
    if as_json:
        print(json.dumps({"herd": herd.name, "state_dir": str(herd.state_dir), "nodes": rows}, indent=2))
        return exit_status(rows)
    print(table(["NODE", "STATE", "PID", "UPTIME", "PORT", "PEERS", "CLIENTS", "DIGEST", "UPD/S"],
                [_cells(row) for row in rows], right=("PID", "UPTIME", "PORT", "PEERS", "CLIENTS", "UPD/S")))
    if len({row["digest"] for row in rows if row["digest"]}) > 1:
        print("The digests differ: some node lacks what another knows")
    return exit_status(rows)


def _cells(row):
    def known(value, form="{}"):
        return "-" if value is None else form.format(value)

    return [shorten(row["node"], 20), row["state"], known(row["pid"]),
            "-" if row["uptime_s"] is None else duration(row["uptime_s"]), row["client_port"],
            known(row["peers_up"], f"{{}}/{row['peers']}"), known(row["clients"]), known(row["digest"]),
            known(row["updates_per_s"], "{:.0f}")]


def where(herd, client, as_json):
    """What each node says of the client; 0 if all say the same."""
    text = os.fsencode(client)
    if not 1 <= len(text) <= 255 or any(byte <= 0x20 or byte in (0x7F, 0xFF) for byte in text):
        raise Trouble(f"{safe(client)!r} cannot be a client: 1 to 255 bytes without white space", BAD_USAGE)
    answers = probe.of_all(lambda node: probe.ask(node, b"WHATSAT " + text + b" 1 0"), herd.nodes)
    if all(answer is None for answer in answers.values()):
        raise Trouble("no node answers: start them with scripts/herd up", NONE_RUNNING)
    newest = max((answer for answer in answers.values() if _is_record(answer)), key=_order, default=None)
    differs = {name: answer is None or newest is not None and answer != newest for name, answer in answers.items()}
    if as_json:
        print(json.dumps({"client": safe(client), "known": newest is not None,
                          "nodes": [_record(name, answer) | {"differs": differs[name]}
                                    for name, answer in answers.items()]}, indent=2))
    else:
        print(table(["", "NODE", "TOLD", "AFTER", "COORDINATES", "TIME"],
                    [["*" if differs[name] else "", name, *_told(answer)] for name, answer in answers.items()]))
        if newest is None:
            print("No node knows where this client is")
        elif any(differs.values()):
            print("* differs from the newest record")
    return SOME_DOWN if any(differs.values()) else 0


def _is_record(answer):
    return answer is not None and answer.startswith(b"AT ")


def _order(answer):
    """The time of a record in whole nanoseconds, and the rest to be definite."""
    seconds, _, fraction = answer.split()[5].partition(b".")
    return int(seconds) * 10**9 + int(fraction.ljust(9, b"0")), answer


def _record(name, answer):
    """The answer for programs; None stands for what is not known."""
    fields = answer.split() if _is_record(answer) else [None] * 6
    _, told, difference, _, coordinates, told_time = (field and safe(field) for field in fields)
    return {"node": name, "answers": answer is not None, "told": told, "difference_s": difference,
            "coordinates": coordinates, "time": told_time}


def _told(answer):
    """The columns of an answer: AT <node> <difference> <client> <coordinates> <time>."""
    if answer is None:
        return ["no answer", "", "", ""]
    if not _is_record(answer):
        return ["unknown here", "", "", ""]
    _, node, difference, _, coordinates, told_time = answer.split()
    return [safe(field) for field in (node, difference + b" s", coordinates, told_time)]
