"""scripts/herd bench: the herd against what one would otherwise take, side by side and in turns."""
import json
import os
import pathlib
import platform
import shutil
import signal
import statistics
import sys
import tempfile
import time

from .bench_rows import all_rows
from .bench_servers import Server
from .herd import find_binary
from .trouble import BAD_USAGE, Trouble

WIDTH = 100
TERMINATED = 143  # as a shell says it: 128 and SIGTERM


def choose(rows, names):
    known = {row.name: row for row in rows}
    for name in names:
        if name not in known:
            raise Trouble(f"no row {name!r}: there are {', '.join(known)}", BAD_USAGE)
    return [row for row in rows if not names or row.name in names]


def say(text):
    """Progress, which is no part of the result."""
    print(text, file=sys.stderr, flush=True)


def present(row):
    """The sides whose programs are installed."""
    sides = []
    for side in row.sides:
        if side.needs == "herd-node" or shutil.which(side.needs):
            sides.append(side)
        else:
            say(f"  {side.name}: skipped, {side.needs} is not installed (scripts/deps --bench)")
    return sides


def start(side, folder, number):
    own = pathlib.Path(tempfile.mkdtemp(prefix=f"side{number}-", dir=folder))
    return side.start(own)


def run_row(row, rounds, seconds, folder):
    """[(side, [what each round said])], the sides in turns within each round."""
    sides = present(row)
    results = [[] for _ in sides]
    servers = [None] * len(sides)
    try:
        for number in range(rounds):
            for i, side in enumerate(sides):
                if servers[i] is None:
                    servers[i] = start(side, folder, i)
                said = side.measure(servers[i], seconds)
                results[i].append(said)
                say(f"  round {number + 1} of {rounds}, {side.name}: {figure(said['value'])} {row.unit}")
                if row.once:
                    servers[i].stop()
                    servers[i] = None
    finally:
        for server in servers:
            if server is not None:
                server.stop()
    return list(zip(sides, results))


def figure(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def median(rounds, key):
    values = [said[key] for said in rounds if key in said]
    return statistics.median(values) if values else None


def ratio(first, other, key):
    """The median of the first side's figure by the other's, round by round, and the range."""
    ratios = [a[key] / b[key] for a, b in zip(first, other) if key in a and b.get(key)]
    if not ratios:
        return None
    return {"median": statistics.median(ratios), "least": min(ratios), "greatest": max(ratios)}


def summary(row, measured):
    """A row as it stands in the JSON."""
    sides = []
    for i, (side, rounds) in enumerate(measured):
        keys = sorted({key for said in rounds for key in said})
        entry = {"side": side.name, "median": {key: median(rounds, key) for key in keys}, "rounds": rounds}
        if i:
            entry["ratio"] = ratio(measured[0][1], rounds, "value")
            entry["cpu_ratio"] = ratio(measured[0][1], rounds, "server_us")
        sides.append(entry)
    return {"row": row.name, "title": row.title, "unit": row.unit, "sides": sides}


def table(rows):
    """Lines of at most WIDTH columns."""
    yield (f"{'':32}{'median':>11} {'server':>8} {'own':>7} {'p50':>9} {'p99':>9}  {'first side by this'}")
    yield f"{'':32}{'':>11} {'CPU us':>8} {'CPU us':>7} {'us':>9} {'us':>9}  median [range]"
    for row in rows:
        yield f"{row['row']}: {row['title']} ({row['unit']})"[:WIDTH]
        for side in row["sides"]:
            middle = side["median"]
            cells = [middle.get(key) for key in ("server_us", "own_us", "p50_us", "p99_us")]
            texts = ["" if cell is None else f"{cell:.2f}" if cell < 1000 else f"{cell:.0f}" for cell in cells]
            line = (f"  {side['side']:<30}{figure(middle['value']):>11} {texts[0]:>8} {texts[1]:>7} {texts[2]:>9}"
                    f" {texts[3]:>9}")
            if side.get("ratio"):
                line += "  {median:.2f} [{least:.2f}-{greatest:.2f}]".format(**side["ratio"])
            yield line
            if side.get("cpu_ratio"):
                yield f"{'    the same of server CPU':80}" + "  {median:.2f} [{least:.2f}-{greatest:.2f}]".format(
                    **side["cpu_ratio"])
            if middle.get("instructions"):
                yield f"    {middle['instructions']:,.0f} user instructions a reply"


def machine():
    return {"cores": os.cpu_count(), "kernel": platform.release(), "load_average": os.getloadavg()}


def bench(given):
    """The whole command; its exit status."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=find_binary().parent.parent))
    began = time.monotonic()
    before = machine()
    done = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # so that nothing it started outlives it
    try:
        for row in choose(all_rows(folder), given.rows):
            say(f"{row.name}: {row.title}")
            done.append(summary(row, run_row(row, given.rounds, given.seconds, folder)))
    finally:
        for server in Server.every:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(table(done)))
    print(f"{given.rounds} rounds of {given.seconds:g} s in {time.monotonic() - began:.0f} s; {before['cores']} cores, "
          f"load average {before['load_average'][0]:.1f} before")
    if given.json:
        result = {"machine": before, "rounds": given.rounds, "seconds": given.seconds, "rows": done}
        pathlib.Path(given.json).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0
