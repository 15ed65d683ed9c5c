"""What the herd is meant to reach, beside what a bench measured: the table of goals of docs/PERFORMANCE.md."""
from .bench_table import figure


class Figures:
    """Looks into the rows of a result; None where something was not measured."""

    def __init__(self, rows):
        self.rows = {row["row"]: row["sides"] for row in rows}

    def side(self, row, name):
        return next((side for side in self.rows.get(row, []) if side["side"].startswith(name)), None)

    def own(self, row, key="value"):
        sides = self.rows.get(row)
        return sides[0]["median"].get(key) if sides else None

    def ratio(self, row, name, key="value"):
        side = self.side(row, name)
        return side["ratios"][key]["median"] if side and key in side["ratios"] else None


def _times(row, name, bound, key="value"):
    """(goal, measured, whether reached): the first side is at least `bound` times another; of what should be small, at
    most."""
    def judge(figures):
        ratio = figures.ratio(row, name, key)
        if ratio is None:
            return None
        most = key != "value" or row in ("hop", "hop-loaded")
        reached = ratio <= bound if most else ratio >= bound
        return (f"{'at most ' if most else ''}{bound:g} x", f"{ratio:.2f} x", reached)
    return judge


def _by_row(row, other, bound):
    """Two rows of the herd itself, which were not measured in turns."""
    def judge(figures):
        first, second = figures.own(row), figures.own(other)
        return None if not first or not second else (f"{bound:g} x", f"{first / second:.2f} x", first / second >= bound)
    return judge


def _below(row, bound, unit, key="value", scale=1):
    def judge(figures):
        value = figures.own(row, key)
        if value is None:
            return None
        return (f"{bound:,g} {unit}", f"{figure(value * scale)} {unit}", value * scale <= bound)
    return judge


def _near(row, key, tolerance):
    def judge(figures):
        value = figures.own(row, key)
        if value is None:
            return None
        return (f"within {tolerance:.0%}", f"{value:.2f} x", abs(value - 1) <= tolerance)
    return judge


def _instructions(side, bound):
    def judge(figures):
        found = figures.side("instructions", side)
        if found is None:
            return None
        value = found["median"]["value"]
        return (f"{bound:,}", figure(value), value <= bound)
    return judge


def _closed(row):
    def judge(figures):
        ratios = [figures.ratio(row, "redis SET", key) for key in ("p50_us", "p99_us", "p999_us")]
        if None in ratios:
            return None
        return ("at most 1 x", " / ".join(f"{ratio:.2f}" for ratio in ratios) + " x", max(ratios) <= 1)
    return judge


GOALS = (
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
    ("user instructions per IAMAT, in a herd of five", _instructions("told", 1900)),
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
    ("memory for a client, ids of 24 bytes", _below("rss", 110, "bytes")),
    ("processor time of the longest turn, from 0 to 10,000,000 clients", _below("turn", 5, "ms")),
    ("10,000 idle connections, memory each", _below("connections", 1024, "bytes")),
    ("idle processor time of five nodes together", _below("idle", 10, "ms/s")),
    ("start to ready, empty, no peer", _below("start-one", 100, "ms")),
)


def judged(rows):
    """[{"what", "goal", "measured", "reached"}] of what was measured."""
    figures = Figures(rows)
    told = []
    for what, judge in GOALS:
        if said := judge(figures):
            goal, measured, reached = said
            told.append({"what": what, "goal": goal, "measured": measured, "reached": "yes" if reached else "no"})
    return told
