"""The goals of the herd, compared with the figures of a benchmark: the table of goals of docs/PERFORMANCE.md."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .bench_table import Summary, figure


class Figures:
    """The rows of a result. Its functions return None for a figure that was not measured."""

    def __init__(self, rows: list[Summary]):
        self.rows: dict[str, list[Summary]] = {row["row"]: row["sides"] for row in rows}

    def side(self, row: str, name: str) -> Summary | None:
        """The side of which the name begins with `name`."""
        return next((side for side in self.rows.get(row, []) if side["side"].startswith(name)), None)

    def own(self, row: str, key: str = "value") -> float | None:
        """A figure of the first side."""
        sides = self.rows.get(row)
        return sides[0]["median"].get(key) if sides else None

    def ratio(self, row: str, name: str, key: str = "value") -> float | None:
        """A figure of the first side divided by that of the side `name`."""
        side = self.side(row, name)
        return side["ratios"][key]["median"] if side and key in side["ratios"] else None


Judge = Callable[[Figures], tuple[str, str, bool] | None]  # returns (goal, measured, whether it is reached)


def _times(row: str, name: str, bound: float, key: str = "value") -> Judge:
    """The first side is at least `bound` times another; at most, if the figure should be small."""
    def judge(figures: Figures) -> tuple[str, str, bool] | None:
        ratio = figures.ratio(row, name, key)
        if ratio is None:
            return None
        most = key != "value" or row in ("hop", "hop-loaded", "hop-curve")
        reached = ratio <= bound if most else ratio >= bound
        return (f"{'at most ' if most else ''}{bound:g} x", f"{ratio:.2f} x", reached)
    return judge


def _by_row(row: str, other: str, bound: float) -> Judge:
    """One row of the herd is at least `bound` times another. Their rounds did not alternate."""
    def judge(figures: Figures) -> tuple[str, str, bool] | None:
        first, second = figures.own(row), figures.own(other)
        return None if not first or not second else (f"{bound:g} x", f"{first / second:.2f} x", first / second >= bound)
    return judge


def _below(row: str, bound: float, unit: str, key: str = "value", scale: float = 1) -> Judge:
    def judge(figures: Figures) -> tuple[str, str, bool] | None:
        value = figures.own(row, key)
        if value is None:
            return None
        return (f"{bound:,g} {unit}", f"{figure(value * scale)} {unit}", value * scale <= bound)
    return judge


def _above(row: str, side: str, bound: float, unit: str) -> Judge:
    def judge(figures: Figures) -> tuple[str, str, bool] | None:
        found = figures.side(row, side)
        if found is None:
            return None
        value = found["median"]["value"]
        return (f"{bound:,g} {unit}", f"{figure(value)} {unit}", value >= bound)
    return judge


def _near(row: str, key: str, tolerance: float) -> Judge:
    """A ratio is near 1."""
    def judge(figures: Figures) -> tuple[str, str, bool] | None:
        value = figures.own(row, key)
        if value is None:
            return None
        return (f"within {tolerance:.0%}", f"{value:.2f} x", abs(value - 1) <= tolerance)
    return judge


def _instructions(side: str, bound: int) -> Judge:
    def judge(figures: Figures) -> tuple[str, str, bool] | None:
        found = figures.side("instructions", side)
        if found is None:
            return None
        value = found["median"]["value"]
        return (f"{bound:,}", figure(value), value <= bound)
    return judge


def _closed(row: str) -> Judge:
    """No percentile of the latency is above that of Redis."""
    def judge(figures: Figures) -> tuple[str, str, bool] | None:
        measured = [figures.ratio(row, "redis SET", key) for key in ("p50_us", "p99_us", "p999_us")]
        ratios = [ratio for ratio in measured if ratio is not None]
        if len(ratios) < len(measured):
            return None
        return ("at most 1 x", " / ".join(f"{ratio:.2f}" for ratio in ratios) + " x", max(ratios) <= 1)
    return judge


GOALS: tuple[tuple[str, Judge], ...] = (
    ("one node alone, 50 x 16, memory: server CPU a command, by Redis SET's",
     _times("alone", "redis SET", 0.5, "server_us")),
    ("the same by GEOADD's", _times("alone", "redis GEOADD", 0.25, "server_us")),
    ("the same, throughput, by Redis SET's", _times("alone", "redis SET", 1.5)),
    ("the same by GEOADD's", _times("alone", "redis GEOADD", 3)),
    ("the same by the bare AT server's", _times("alone", "bare", 0.9)),
    ("write, by Redis with AOF everysec", _times("write", "redis", 1.3)),
    ("fsync, by Redis with AOF always", _times("fsync", "redis", 1.3)),
    ("replicas = 1, by Redis with WAIT 1", _times("replicas", "redis", 2)),
    ("50 x 64, memory, by Redis SET", _times("deep", "redis SET", 1.7)),
    ("closed loop, 1 connection: p50 / p99 / p99.9, by Redis SET's", _closed("closed")),
    ("closed loop, 50 connections: p50 / p99 / p99.9, by Redis SET's", _closed("closed-50")),
    ("user instructions per IAMAT, alone", _instructions("alone", 1600)),
    ("user instructions per IAMAT, in a herd of five", _instructions("in a herd", 1900)),
    ("five nodes, load on one, memory: merged at all, by what five nats-servers deliver",
     _times("five-memory", "five nats", 1.5)),
    ("the same with the defaults", _times("five-write", "five nats", 1)),
    ("the same, memory, by the asyncio herd", _times("five-memory", "asyncio", 500)),
    ("five nodes, load spread, memory, by load on one", _by_row("spread-memory", "five-memory", 0.8)),
    ("the same with the defaults", _by_row("spread-write", "five-write", 0.8)),
    ("Hill to Campbell, idle, p50, by the bare relay", _times("hop", "bare", 1.5)),
    ("the same, p99", _times("hop", "bare", 1.5, "p99_us")),
    ("Hill to Campbell, idle, p50, by the asyncio herd", _times("hop", "asyncio", 0.1)),
    ("the same, p99", _times("hop", "asyncio", 0.1, "p99_us")),
    ("Hill to Campbell under half of the full load, p99", _below("hop-loaded", 5, "ms", scale=0.001)),
    ("16 nodes: messages an update, by the simulator's count", _near("wide-16", "by_simulator", 0.1)),
    ("64 nodes: the same", _near("wide-64", "by_simulator", 0.1)),
    ("WHATSAT, 10 km, 20 results, by GEOSEARCH", _times("places", "redis", 10)),
    ("the same, one at a time, p50", _below("places-one", 150, "us", "p50_us")),
    ("NEAR 10 km, 20 of a million in 200 cities: server CPU, by GEOSEARCH's",
     _times("near", "redis", 1 / 40, "server_us")),
    ("NEAR 1 km: the same", _times("near-1km", "redis", 1 / 5, "server_us")),
    ("NEAR 10 km in a city of 100,000: the same", _times("near-city", "redis", 1 / 500, "server_us")),
    ("IAMAT with the index, by IAMAT without", _times("index", "herd, not asked", 0.85)),
    ("the same, server CPU, by GEOADD's", _times("index", "redis", 1 / 8, "server_us")),
    ("IAMAT beside 100,000 watched circles, by IAMAT without index", _times("watch", "herd, no watch", 0.7)),
    ("10,000 watchers of one client: lines", _above("fan-out", "herd, a client", 120_000, "lines/s")),
    ("10,000 watchers of 16 clients: lines", _above("fan-out", "herd, 16 clients", 2_000_000, "lines/s")),
    ("memory for a client, ids of 24 bytes", _below("rss", 110, "bytes")),
    ("processor time of the longest loop iteration, from 0 to 10,000,000 clients", _below("turn", 5, "ms")),
    ("10,000 idle connections, memory each", _below("connections", 1024, "bytes")),
    ("idle processor time of five nodes together", _below("idle", 10, "ms/s")),
    ("50 x 16 with TLS, by the same in plain text", _times("alone-tls", "herd memory, plain", 0.45)),
    ("the same, by Redis SET with TLS", _times("alone-tls", "redis SET, TLS", 1)),
    ("five nodes, CURVE, by the same without", _times("five-curve", "herd of five, curve", 0.6)),
    ("Hill to Campbell, idle, CURVE, p50, by the same without", _times("hop-curve", "herd of five, curve", 1.2)),
    ("idle TLS connections, memory each", _below("connections-tls", 16_384, "bytes")),
    ("a client's p99 beside 1,000 strangers a second, TLS", _below("strangers-tls", 100, "ms", scale=0.001)),
    ("Hill to Campbell, p99, beside 1,000 strangers a second", _below("strangers-bus", 100, "ms", scale=0.001)),
    ("start to ready, empty, no peer", _below("start-one", 100, "ms")),
)


def judged(rows: list[Summary]) -> list[dict[str, Any]]:
    """[{"what", "goal", "measured", "reached"}] of the goals with figures."""
    figures = Figures(rows)
    found = []
    for what, judge in GOALS:
        if verdict := judge(figures):
            goal, measured, reached = verdict
            found.append({"what": what, "goal": goal, "measured": measured, "reached": "yes" if reached else "no"})
    return found
