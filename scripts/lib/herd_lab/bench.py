"""scripts/herd bench: the herd against what one would otherwise take, side by side and in turns."""
import dataclasses
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

from herd_ctl import files
from herd_ctl.herd import find_binary
from herd_ctl.trouble import BAD_USAGE, Trouble

from .bench_herd_rows import design_rows, herd_rows
from .bench_instructions import instruction_rows
from .bench_rows import Row, has_instructions, places_row, rate_rows, resource_rows
from .bench_servers import PrivateHerd, Server, find_program
from .bench_table import figure, markdown, table
from .bench_targets import judged
from .bench_wide_rows import wide_rows

FIGURES_BEGIN, FIGURES_END = "<!-- figures of scripts/herd bench -->", "<!-- end of the figures -->"
TERMINATED = 143  # as a shell says it: 128 and SIGTERM


def all_rows(folder):
    """The rows in the order of the table; `folder` is the bench's own."""
    counted = has_instructions()
    return rate_rows(counted) + places_row(counted, folder) + herd_rows() + wide_rows() + resource_rows() + only_named()


def only_named():
    """Rows that are left out unless they are asked for."""
    return instruction_rows() + design_rows()


def choose(rows, given):
    names = given.rows
    known = {row.name: row for row in rows}
    for name in names:
        if name not in known:
            raise Trouble(f"no row {name!r}: there are {', '.join(known)}", BAD_USAGE)
    left_out = {row.name for row in only_named()}
    if given.instructions:
        left_out -= {row.name for row in instruction_rows()}
    chosen = [row for row in rows if row.name in names or (not names and row.name not in left_out)]
    return [against(row, given.against) for row in chosen] if given.against else chosen


def against(row: Row, binary: pathlib.Path) -> Row:
    """The row with two sides: the herd as it is built, and the same with the nodes of another build."""
    side = row.sides[0]

    def start(folder: pathlib.Path) -> Server:
        with PrivateHerd.of_program(binary):
            return side.start(folder)
    return dataclasses.replace(row, sides=[side, dataclasses.replace(side, name=f"{side.name}, {binary}", start=start)])


def say(text):
    """Progress, which is no part of the result."""
    print(text, file=sys.stderr, flush=True)


def present(row):
    """The sides whose programs are installed."""
    sides = []
    for side in row.sides:
        if side.needs == "herd-node" or find_program(side.needs):
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
        for number in range(min(rounds, row.most)):
            for i, side in enumerate(sides):
                if servers[i] is None:
                    servers[i] = start(side, folder, i)
                said = side.measure(servers[i], seconds)
                results[i].append(said)
                say(f"  round {number + 1} of {min(rounds, row.most)}, {side.name}: {figure(said['value'])} {row.unit}")
                if row.once and servers[i] is not None:
                    servers[i].stop()
                    servers[i] = None
    finally:
        for server in servers:
            if server is not None:
                server.stop()
    return list(zip(sides, results))


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
    """A row as the JSON has it."""
    sides = []
    for i, (side, rounds) in enumerate(measured):
        keys = sorted({key for said in rounds for key in said})
        entry = {"side": side.name, "median": {key: median(rounds, key) for key in keys}, "rounds": rounds}
        ratios = {key: ratio(measured[0][1], rounds, key) for key in ("value", *row.compared) if i}
        entry["ratios"] = {key: found for key, found in ratios.items() if found}
        sides.append(entry)
    extras = row.extras | {"instructions": "user instructions a reply"}
    return {"row": row.name, "title": row.title, "unit": row.unit, "compared": row.compared, "extras": extras,
            "sides": sides}


def write_page(path, figures):
    """A page of its own; of a page that has a place for figures, such as docs/PERFORMANCE.md, only that is written."""
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    before, begin, rest = page.partition(FIGURES_BEGIN)
    _, end, after = rest.partition(FIGURES_END)
    whole = f"{before}{begin}\n{figures}\n{end}{after}" if end else figures + "\n"
    files.replace(path, whole, keep=True, mode=0o644)


def machine():
    return {"cores": os.cpu_count(), "processor": processor(), "kernel": platform.release(),
            "load_average": os.getloadavg()}


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        return next((line.partition(":")[2].strip() for line in info if line.startswith("model name")), "unknown")


def measure_all(given, folder, done):
    """Appends to `done`, row by row, so that what was measured stays when a later row cannot be."""
    failed = []
    for row in choose(all_rows(folder), given):
        say(f"{row.name}: {row.title}")
        try:
            done.append(summary(row, run_row(row, given.rounds, given.seconds, folder)))
        except Trouble as trouble:
            failed.append(row.name)
            say(f"  {row.name} FAILED: {trouble}")
    return failed


def bench(given):
    """The whole command; its exit status."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=find_binary().parent.parent))
    began = time.monotonic()
    result = {"date": time.strftime("%Y-%m-%d"), "machine": machine(), "rounds": given.rounds,
              "seconds": given.seconds, "rows": []}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # so that nothing it started outlives it
    try:
        failed = measure_all(given, folder, result["rows"])
    finally:
        for server in Server.every:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    result |= {"took_s": time.monotonic() - began, "targets": judged(result["rows"]), "failed": failed}
    print("\n".join(table(result["rows"])))
    print(f"{given.rounds} rounds of {given.seconds:g} s in {result['took_s']:.0f} s; "
          f"{result['machine']['cores']} cores, load average {result['machine']['load_average'][0]:.1f} before")
    for target in result["targets"]:
        print("{reached:<4}{what}: {measured}, goal {goal}".format(**target))
    if given.json:
        files.replace(pathlib.Path(given.json), json.dumps(result, indent=1) + "\n", keep=True, mode=0o644)
    if given.markdown:
        write_page(pathlib.Path(given.markdown), "\n".join(markdown(result)))
    if failed:
        print(f"not measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0
