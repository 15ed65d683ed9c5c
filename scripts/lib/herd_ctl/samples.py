"""Samples of what nodes report about themselves, and the state of their processes. top and doctor look at the herd with
these. Each query has a deadline, and all nodes are asked at once, so that frozen ones cost seconds only once."""
from __future__ import annotations

import dataclasses
import time
from typing import Any

from . import order, probe, processes
from .daemon import Condition, Daemon
from .herd import Herd, Node, is_loopback

PATIENCE_SECONDS = 2.0  # for one sample
PAUSE_SECONDS = 0.5     # between the two samples of a pair; a status may be 0.1 s old


@dataclasses.dataclass(frozen=True)
class Sample:
    """One look at a node. `status` is /status.json, None without an answer in time or without HTTP."""

    at: float                # by time.monotonic()
    ready: bool
    status: dict[str, Any] | None
    answer_s: float | None   # until /status.json was there: the event loop of the node has a part in it


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two samples of a node, for rates; `newest` may be the only one."""

    before: Sample | None
    newest: Sample

    def rate(self, *counters: str) -> float | None:
        """Growth per second of the sum of these counters; None without two samples of one run of the node."""
        if self.before is None or self.before.status is None or self.newest.status is None:
            return None
        if self.before.status["incarnation"] != self.newest.status["incarnation"]:
            return None
        seconds = self.newest.at - self.before.at
        grown = sum(self.newest.status["counters"].get(name, 0) - self.before.status["counters"].get(name, 0)
                    for name in counters)
        return max(0.0, grown / seconds) if seconds > 0 else None


def answers_here(node: Node) -> bool:
    """Whether the pages of the node can be reached from this host."""
    return node.http is not None and (node.local or not is_loopback(node.http[0]))


def asked_nodes(herd: Herd) -> list[Node]:
    """The nodes that are sampled: those of this host, and others with pages that can be reached."""
    return [node for node in herd.nodes if node.local or answers_here(node)]


def take(node: Node) -> Sample:
    deadline = time.monotonic() + PATIENCE_SECONDS
    ready = probe.is_ready(node, deadline)
    began = time.monotonic()
    status = probe.read_status(node, deadline) if node.http else None
    now = time.monotonic()
    return Sample(now, ready, status, now - began if status is not None else None)


def take_pair(node: Node) -> Pair:
    before = take(node)
    if before.status is None:
        return Pair(None, before)
    time.sleep(PAUSE_SECONDS)
    return Pair(before, take(node))


def process_states(herd: Herd, daemon: Daemon, condition: Condition) -> dict[str, dict[str, Any]]:
    """The processes of this host's nodes as supervisord lists them; without a working supervisor, or for nodes that it
    does not know, as /proc does. "frozen" is True for one that is stopped by a signal."""
    seen = daemon.processes() if condition.works else {}
    if len(seen) < len(herd.local):
        seen = order.observed(herd, daemon) | seen
    for process in seen.values():
        process["frozen"] = bool(process["pid"]) and processes.state(process["pid"]) == processes.FROZEN
    return seen


def state_of(node: Node, process: dict[str, Any] | None, sample: Sample | None) -> str:
    """up, not ready, silent (its process runs and does not answer), frozen, remote (on another host, and not asked), or
    the state of its process: stopped, starting, retrying, failed."""
    answers = sample is not None and (sample.ready or sample.status is not None)
    if not node.local:
        return "remote" if sample is None or not answers else "up" if sample.ready else "not ready"
    if process is None:
        return "up" if sample and sample.ready else "stopped"
    if process["frozen"]:
        return "frozen"
    if process["statename"] != "RUNNING":
        return {"STARTING": "starting", "STOPPING": "stopping", "STOPPED": "stopped", "FATAL": "failed",
                "BACKOFF": "retrying", "EXITED": "retrying"}.get(process["statename"], "unknown")
    if not answers:
        return "silent"
    return "up" if sample and sample.ready else "not ready"
