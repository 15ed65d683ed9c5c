"""tap: the events of the monitors of all nodes, one line each, as they come."""
from __future__ import annotations

import json
import sys
import time
from typing import Any

from .herd import Herd
from .monitors import Event, Viewer, prefixes_of, require_one, sources_of
from .show import safe

WAIT_SECONDS = 0.5  # for one event, so that --seconds is kept
COMMON = ("v", "node", "seq", "timestamp", "event")
WARNING, ERROR = "WARNING", "ERROR"


def as_text(event: Event) -> str:
    """`14:03:56.123456  Hill  location  kiwi +34.0-118.4 reported to Hill`; warnings have their level in front."""
    level = f"{event.level}: " if event.level in (WARNING, ERROR) else ""
    clock = str(event.fields.get("timestamp", ""))[11:26]
    return f"{safe(clock)}  {safe(event.node):<10}  {safe(event.name):<16}  {level}{safe(_details(event))}"


def _details(event: Event) -> str:
    fields = event.fields
    try:
        if event.name == "location":
            return f"{fields['client']} {fields['coordinates']} reported to {fields['origin']} at {fields['time']}"
        if event.name == "reset":
            return f"{fields['client']} by an operator at {fields['origin']}"
        if event.name == "durable":
            return f"changes up to {fields['change']} are in the journal"
        if event.name == "stats":
            return _stats(fields)
        if event.name.startswith("link_"):
            return f"{fields['peer']} lag {fields['lag']}"
        if event.name.startswith("provider_"):
            return f"{fields['provider']} {fields['message']}".rstrip()
        return str(fields["message"])
    except (KeyError, TypeError):  # an event of another release
        return " ".join(f"{name}={value}" for name, value in fields.items() if name not in COMMON)


def _stats(fields: dict[str, Any]) -> str:
    reports = sum(fields.get(f"iamat_{name}_per_s") or 0 for name in ("stored", "duplicate", "not_newer"))
    return (f"{'ready' if fields['ready'] else 'not ready'}, {fields['clients']} clients, {fields['connections']}"
            f" connections, {reports:.0f} reports/s, links: {fields['links_up']} up, {fields['links_half']} half,"
            f" {fields['links_down']} down, greatest lag {fields['greatest_lag']}")


def _lines(viewer: Viewer, seconds: float | None, as_json: bool) -> None:
    deadline = time.monotonic() + seconds if seconds is not None else float("inf")
    while (left := deadline - time.monotonic()) > 0:
        event = viewer.receive(min(WAIT_SECONDS, left))
        if event is None:
            sys.stdout.flush()
            continue
        print(json.dumps({"topic": event.topic} | event.fields) if as_json else as_text(event),
              flush=event.kind != "client")


def tap(herd: Herd, given: Any) -> int:
    """`given` is the command line: topic, seconds, json, viewer, node. Ctrl-C is its usual end."""
    prefixes = prefixes_of(given.topic)
    keys, sources = sources_of(herd, given.viewer, [given.node] if given.node else [])
    require_one(herd, sources)
    try:
        with Viewer(herd, sources, keys, prefixes) as viewer:
            _lines(viewer, given.seconds, given.json)
            viewer.require_event()
    except KeyboardInterrupt:
        pass
    return 0
