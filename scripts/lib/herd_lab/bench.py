"""scripts/herd bench: measures the herd and other servers side by side, in alternating rounds."""
from __future__ import annotations

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
from collections.abc import Sequence
from typing import Any

from herd_ctl import files
from herd_ctl.herd import find_binary
from herd_ctl.trouble import BAD_USAGE, Trouble

from .bench_asking_rows import asking_rows
from .bench_herd_rows import design_rows, herd_rows
from .bench_instructions import instruction_rows
from .bench_observed_rows import observed_rows
from .bench_rows import Figures, Row, Side, has_instructions, places_rows, rate_of, rate_rows, resource_rows
from .bench_secure_rows import secure_rows
from .bench_servers import HerdServer, Server, find_program
from .bench_table import figure, markdown, table
from .bench_targets import judged
from .bench_wide_rows import wide_rows

FIGURES_BEGIN, FIGURES_END = "<!-- figures of scripts/herd bench -->", "<!-- end of the figures -->"
TERMINATED = 143  # the status of a shell for SIGTERM: 128 and the signal's number
Measured = list[tuple[Side, list[Figures]]]  # each side with the figures of its rounds


def all_rows(folder: pathlib.Path, quick: bool) -> list[Row]:
    """The rows in the order of the table; `folder` is that of the benchmark. If `quick`, those of clients that ask and
    watch have fewer clients."""
    counted = has_instructions()
    return (rate_rows(counted) + places_rows(counted, folder) + asking_rows(quick) + herd_rows() + wide_rows()
            + secure_rows(rate_of(counted)) + observed_rows() + resource_rows() + only_named())


def only_named() -> list[Row]:
    """Rows that run only if the command line names them."""
    return instruction_rows() + design_rows()


def choose(rows: list[Row], given: Any) -> list[Row]:
    """The rows that the command line asks for."""
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
    """The row with two sides: the herd of this build, and the same with the nodes of another build."""
    side = row.sides[0]

    def start(folder: pathlib.Path) -> Server:
        with HerdServer.of_program(binary):
            return side.start(folder)
    return dataclasses.replace(row, sides=[side, dataclasses.replace(side, name=f"{side.name}, {binary}", start=start)])


def progress(text: str) -> None:
    """Prints progress, which is not part of the result."""
    print(text, file=sys.stderr, flush=True)


def present(row: Row) -> list[Side]:
    """The sides with programs that are installed."""
    sides = []
    for side in row.sides:
        if side.needs == "herd-node" or find_program(side.needs):
            sides.append(side)
        else:
            progress(f"  {side.name}: skipped, {side.needs} is not installed (scripts/deps --bench)")
    return sides


def start(side: Side, folder: pathlib.Path, number: int) -> Any:
    own = pathlib.Path(tempfile.mkdtemp(prefix=f"side{number}-", dir=folder))
    return side.start(own)


def run_row(row: Row, rounds: int, seconds: float, folder: pathlib.Path) -> Measured:
    """Measures the sides one after another in each round."""
    sides = present(row)
    results: list[list[Figures]] = [[] for _ in sides]
    servers: list[Server | None] = [None] * len(sides)
    rounds = min(rounds, row.most)
    try:
        for number in range(rounds):
            for i, side in enumerate(sides):
                server = servers[i] = servers[i] or start(side, folder, i)
                figures = side.measure(server, seconds)
                results[i].append(figures)
                progress(f"  round {number + 1} of {rounds}, {side.name}: {figure(figures['value'])} {row.unit}")
                if row.once and server is not None:
                    server.stop()
                    servers[i] = None
    finally:
        for running in servers:
            if running is not None:
                running.stop()
    return list(zip(sides, results))


def median(rounds: Sequence[Figures], key: str) -> float | None:
    values = [figures[key] for figures in rounds if key in figures]
    return statistics.median(values) if values else None


def ratio(first: Sequence[Figures], other: Sequence[Figures], key: str) -> dict[str, float] | None:
    """The figure of the first side divided by that of the other, round by round: median and range."""
    ratios = [a[key] / b[key] for a, b in zip(first, other) if key in a and b.get(key)]
    if not ratios:
        return None
    return {"median": statistics.median(ratios), "least": min(ratios), "greatest": max(ratios)}


def summary(row: Row, measured: Measured) -> dict[str, Any]:
    """A row in the form of the JSON result."""
    sides = []
    for i, (side, rounds) in enumerate(measured):
        keys = sorted({key for figures in rounds for key in figures})
        entry: dict[str, Any] = {"side": side.name, "median": {key: median(rounds, key) for key in keys},
                                 "rounds": rounds}
        ratios = {key: ratio(measured[0][1], rounds, key) for key in ("value", *row.compared) if i}
        entry["ratios"] = {key: found for key, found in ratios.items() if found}
        sides.append(entry)
    extras = row.extras | {"instructions": "user instructions per reply"}
    return {"row": row.name, "title": row.title, "unit": row.unit, "compared": row.compared, "extras": extras,
            "sides": sides}


def write_page(path: pathlib.Path, figures: str) -> None:
    """Writes a new page; of a page with marks for figures, such as docs/PERFORMANCE.md, only the part between them."""
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    before, begin, rest = page.partition(FIGURES_BEGIN)
    _, end, after = rest.partition(FIGURES_END)
    text = f"{before}{begin}\n{figures}\n{end}{after}" if end else figures + "\n"
    files.replace(path, text, keep=True, mode=0o644)


def machine() -> dict[str, Any]:
    return {"cores": os.cpu_count(), "processor": processor(), "kernel": platform.release(),
            "load_average": os.getloadavg()}


def processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        return next((line.partition(":")[2].strip() for line in info if line.startswith("model name")), "unknown")


def measure_all(given: Any, folder: pathlib.Path, done: list[dict[str, Any]]) -> list[str]:
    """Appends to `done` row by row, so that finished rows remain when a later one fails. Returns the failed rows."""
    failed = []
    for row in choose(all_rows(folder, given.quick), given):
        progress(f"{row.name}: {row.title}")
        try:
            done.append(summary(row, run_row(row, given.rounds, given.seconds, folder)))
        except Trouble as trouble:
            failed.append(row.name)
            progress(f"  {row.name} FAILED: {trouble}")
    return failed


def bench(given: Any) -> int:
    """The whole command; returns its exit status."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=find_binary().parent.parent))
    began = time.monotonic()
    result: dict[str, Any] = {"date": time.strftime("%Y-%m-%d"), "machine": machine(), "rounds": given.rounds,
                              "seconds": given.seconds, "rows": []}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # so that no server outlives this process
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
