"""trace: when each node merged the next update of a client, and when it was durable there."""
from __future__ import annotations

import datetime
import json
import os
import sys
import time
from typing import Any

from . import client_port, probe, samples
from .client_port import ANSWER_SECONDS, Conversation, Lost
from .clocks import offsets
from .herd import Herd
from .monitors import Viewer, require_one, sources_of
from .show import safe
from .trace_times import Trace, as_text
from .trouble import BAD_USAGE, Trouble

PREFIXES = ("herd.INFO.client.", "herd.INFO.node.")
READY_SECONDS = 4.0   # until the subscriptions are in force at all nodes that answer
SETTLE_SECONDS = 2.0  # after the first event: an update that needs longer is late, and its nodes are named
TURN_SECONDS = 0.1


def _wait_until_subscribed(viewer: Viewer) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not viewer.heard_all() and time.monotonic() < deadline:
        viewer.receive(TURN_SECONDS)


def _send(herd: Herd, given: Any) -> tuple[str, float]:
    """Reports the client as one of its own programs would. Returns the node, and the seconds until its reply."""
    nodes, token = client_port.candidates(herd, given.node), client_port.token(herd)
    conversation = client_port.open_first(nodes, token)
    if conversation is None:
        raise client_port.no_answer(herd, given.node)
    with conversation:
        name = conversation.node.name
        now = time.time_ns()
        began = time.monotonic()
        try:
            time_text = f"{now // 10**9}.{now % 10**9:09}"
            conversation.send(os.fsencode(f"IAMAT {given.client} {given.send} {time_text}"))
            reply = _reply(conversation)
            seconds = time.monotonic() - began
            if reply.startswith(b"? "):
                conversation.line(ANSWER_SECONDS)  # PONG
                raise Trouble(f"{name} refuses the report: {conversation.why()}")
        except Lost as lost:
            raise Trouble(f"{name} {lost}: see scripts/herd doctor") from None
    if not reply.startswith(b"AT ") or not reply.endswith(time_text.encode()):
        raise Trouble(f"{name} did not store the report: it answers {safe(reply)}. If the record of the client is newer"
                      " than this, scripts/herd reset-client removes it")
    return name, seconds


def _reply(conversation: Conversation) -> bytes:
    """The reply to IAMAT. It is silent about a wrong one, so a PING shows its end."""
    conversation.send(b"PING")
    reply = conversation.line(ANSWER_SECONDS)
    if reply == b"PONG":
        raise Trouble(f"{conversation.node.name} drops the report: {conversation.why()}", BAD_USAGE)
    return reply


def _follow(viewer: Viewer, trace: Trace, seconds: float) -> None:
    """Returns when the update is durable everywhere, or some time after its first event."""
    deadline = time.monotonic() + seconds
    while not trace.is_complete and time.monotonic() < deadline:
        had_begun = trace.first is not None
        event = viewer.receive(TURN_SECONDS)
        if event is not None:
            trace.take(event)
        if not had_begun and trace.first is not None:
            deadline = time.monotonic() + SETTLE_SECONDS


def _offsets(herd: Herd) -> dict[str, float]:
    """Of the clocks, as the nodes measure them now."""
    answers = probe.of_all(probe.read_status, [node for node in herd.nodes if samples.answers_here(node)])
    statuses = {name: status for name, status in answers.items() if status}
    return offsets(statuses, [node.name for node in herd.local])


def trace(herd: Herd, given: Any) -> int:
    """`given` is the command line: client, send, node, seconds, json, viewer."""
    if given.node:
        herd.find(given.node)
    keys, sources = sources_of(herd, given.viewer, [])
    require_one(herd, sources)
    followed = Trace(given.client, [source.node for source in sources])
    sent: tuple[str, float] | None = None
    with Viewer(herd, sources, keys, PREFIXES) as viewer:
        _wait_until_subscribed(viewer)
        viewer.require_event()
        if given.send:
            sent = _send(herd, given)
        else:
            print(f"Waiting for an update of {safe(given.client)} at {len(sources)} nodes", file=sys.stderr)
        _follow(viewer, followed, SETTLE_SECONDS if given.send else given.seconds)
    if followed.first is None:
        raise Trouble(f"no node published an update of {safe(given.client)} within {given.seconds:.0f} s: add --send"
                      " COORDINATES to report one" if not given.send else
                      f"{sent[0] if sent else 'the node'} has stored the report, but no node published it: is it of"
                      " another release?")
    result = followed.result(_offsets(herd))
    if sent:
        result |= {"sent_to": sent[0], "acknowledged_ms": round(1000 * sent[1], 3)}
    _show(result, given.json)
    return _name_missing(followed)


def _show(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(result, indent=2))
        return
    moment = datetime.datetime.fromtimestamp(result["merged_at_us"] / 1e6)
    print(as_text(result, moment.strftime("%H:%M:%S.%f")))
    if "acknowledged_ms" in result:
        print(f"{result['sent_to']} acknowledged it {result['acknowledged_ms']:.1f} ms after this program sent it")


def _name_missing(followed: Trace) -> int:
    """Names the nodes that have not merged the update; the exit status is 1 if there are any."""
    missing = [node for node, visit in followed.visits.items() if visit.merged is None and not visit.is_superseded]
    for node in missing:
        print(f"scripts/herd: {node} has not merged it within {SETTLE_SECONDS:.0f} s: see scripts/herd doctor",
              file=sys.stderr)
    return 1 if missing else 0
