"""Herds and statuses that exist only as values, for tests of the operator's tools without nodes."""
from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

from herd_ctl.herd import Herd, Node


def node_on_paper(name: str, number: int, peers: Sequence[str] = (), local: bool = True) -> Node:
    host = "127.0.0.1" if local else "192.0.2.9"
    addresses = {role: f"{host}:{port + number}" for role, port in (("clients", 12140), ("http", 12440))}
    addresses |= {role: f"tcp://{host}:{port + number}" for role, port in (("bus", 12240), ("monitor", 12340))}
    return Node.of({"name": name, "peers": list(peers), "local": local, "settings": {}, "live_settings": {},
                    "bus_public": addresses["bus"]} | addresses)


def herd_on_paper(*names: str, remote: Sequence[str] = (), full: bool = False) -> Herd:
    """`full`: each node is a peer of each other one; else there are no peers."""
    every = [*names, *remote]
    nodes = [node_on_paper(name, number, [other for other in every if full and other != name], name not in remote)
             for number, name in enumerate(every)]
    return Herd(name="test", config=pathlib.Path("/nowhere/herd.toml"), state_dir=pathlib.Path("/nowhere/state"),
                ready_timeout=2.0, nodes=nodes, binary=pathlib.Path("/nowhere/herd-node"))


def link_on_paper(**changes: Any) -> dict[str, Any]:
    return {"state": "up", "address": "tcp://127.0.0.1:12240", "sent": 0, "merged": 0, "kept": 0, "lag": 0,
            "round_trip_us": 200, "skew_us": 0, "contender": None} | changes


def status_on_paper(name: str, peers: Sequence[str], **changes: Any) -> dict[str, Any]:
    """/status.json of a node without trouble."""
    return {"node": name, "incarnation": "8f3a61c20be94d17", "feed_id": "27d4eb2f165667c5", "uptime_s": 93.4,
            "digest": "5be1c04f9a7d2236", "clients": 0, "connections": 0,
            "journal": {"state": "ok", "trouble": "", "bytes": 100}, "name_conflict": None,
            "links": {peer: link_on_paper() for peer in peers}, "reports": {}, "places": {}, "counters": {}} | changes
