"""Rows that count the user instructions of an IAMAT: a node runs under valgrind, which any machine can do."""
from __future__ import annotations

import pathlib
import re
import subprocess
import time
from collections.abc import Callable

from herd_ctl.graphs import FIVE, Graph
from herd_ctl.trouble import Trouble

from .bench_rows import ALONE, CLIENTS, Figures, Row, Side, Start, load, load_places, wait_converged
from .bench_servers import HerdServer

COUNTED = 100_000  # commands
# The stages of a command, by the source files of which lines were executed; lines of a library's headers count for the
# function that uses them. The first pattern that matches counts.
STAGES = (
    ("reading the line", r"protocol/(command|coordinates|time_text|digits|bytes|line_buffer|telnet|parsed)|parse_"),
    ("formatting the reply", r"protocol/reply|append_at"),
    ("digest and hash of the id", r"xxhash|XXH|digest"),
    ("encoding and decoding for peers and journal",
     r"protocol/(body|messages|update)|bus/(journal|zmq/checksum)|BodyEncoder|FrameWriter|msgpack"),
    ("links", r"bus/(link|zmq)|bus::(Link|Bus)::"),
    ("store and feed", r"bus/|herd::bus"),
    ("sessions, the loop and the journal's thread", r"node/|herd::node|asio|protocol/|herd::protocol"),
    ("ZeroMQ", r"zmq"),
    ("copying and comparing bytes", r"mem(move|cpy|cmp|chr|set)|basic_string"),
    ("allocating", r"malloc|free|operator (new|delete)|calloc"),
    ("the rest", r""),
)
VALGRIND = ["valgrind", "--tool=callgrind", "--instr-atstart=no"]


def start(graph: Graph) -> Start:
    def begin(folder: pathlib.Path) -> HerdServer:
        wrapper = [*VALGRIND, f"--callgrind-out-file={folder}/instructions.%p"]
        server = HerdServer(folder, graph, wrappers={"Hill": wrapper}).start()
        load_places(server)
        run_commands(server)
        return server
    return begin


def run_commands(server: HerdServer) -> None:
    load(server, "iamat", server.ports[:1], connections=50, depth=16, clients=CLIENTS, count=COUNTED)
    wait_converged(server)


def _control(server: HerdServer, word: str, value: str | None = None) -> None:
    words = ["callgrind_control", word, *([value] if value else []), str(server.pids[0])]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, cwd=server.folder)
    if ran.returncode != 0 or "Error" in ran.stdout:
        raise Trouble(f"callgrind_control failed: {ran.stdout.strip()} {ran.stderr.strip()}")


def _instructions_of(server: HerdServer, action: Callable[[], object]) -> tuple[int, float, pathlib.Path]:
    """(instructions of Hill's process during the action, seconds that it took, dump with the counts by function)."""
    began = time.monotonic()
    _control(server, "-i", "on")
    action()
    _control(server, "-i", "off")
    took = time.monotonic() - began
    _control(server, "-d")
    dumps = sorted(server.folder.glob(f"instructions.{server.pids[0]}.*"), key=lambda path: path.stat().st_mtime_ns)
    if not dumps or not (found := re.search(r"^totals: (\d+)", dumps[-1].read_text(), re.MULTILINE)):
        raise Trouble("callgrind wrote no count")
    return int(found[1]), took, dumps[-1]


def stages(dump: pathlib.Path) -> dict[str, float]:
    """{stage: its share of the instructions, in per cent}."""
    ran = subprocess.run(["callgrind_annotate", "--auto=no", "--threshold=100", dump], capture_output=True, text=True,
                         check=False)
    counts = dict.fromkeys((name for name, _ in STAGES), 0)
    for line in ran.stdout.splitlines():
        if found := re.match(r"\s*([\d,]+) \([ \d.]+%\)\s+(.+?)(?: \[[^]]*\])?$", line):
            name = next(name for name, pattern in STAGES if re.search(pattern, found[2]))
            counts[name] += 0 if "PROGRAM TOTALS" in found[2] else int(found[1].replace(",", ""))
    total = sum(counts.values()) or 1
    return {name: 100 * count / total for name, count in counts.items()}


def measure(server: HerdServer, _seconds: float) -> Figures:
    """Instructions per command, less those of an idle node in the same time."""
    idle, idle_took, _ = _instructions_of(server, lambda: time.sleep(2))
    busy, took, dump = _instructions_of(server, lambda: run_commands(server))
    return {"value": (busy - idle * took / idle_took) / COUNTED, "idle_a_second": idle / idle_took, **stages(dump)}


def instruction_rows() -> list[Row]:
    extras = {"idle_a_second": "idle, instructions per second"} | {name: f"%, {name}" for name, _ in STAGES}
    return [
        Row("instructions", "user instructions of one node for an IAMAT, 50 x 16, memory, updates", "per command", [
            Side("alone", start(ALONE), measure, "callgrind_control"),
            Side("in a herd of five", start(FIVE), measure, "callgrind_control")],
            most=2, compared={}, extras=extras)]
