"""Rows that count the user instructions of an IAMAT, on a machine that counts none: a node runs under valgrind."""
import re
import subprocess
import time

from herd_ctl.trouble import Trouble

from .bench_rows import ALONE, CLIENTS, Row, Side, load, load_places
from .bench_servers import FIVE, PrivateHerd, wait_for

COUNTED = 100_000  # commands
# What a command goes through, by the source files whose lines were executed; of a library's headers, by the function
# that they were used in. The first that fits counts.
STAGES = (
    ("reading the line", r"protocol/(command|coordinates|time_text|digits|bytes|line_buffer|telnet|parsed)|parse_"),
    ("formatting the reply", r"protocol/reply|append_at"),
    ("digest and hash of the id", r"xxhash|XXH|digest"),
    ("encoding and decoding for peers and journal",
     r"protocol/(body|messages|update)|bus/(journal|keeper|check)|BodyEncoder|FrameWriter|msgpack"),
    ("links", r"bus/(link|bus|zmq)|bus::(Link|Bus)::"),
    ("store and feed", r"bus/|herd::bus"),
    ("sessions, the loop and the journal's thread", r"node/|herd::node|asio|protocol/|herd::protocol"),
    ("ZeroMQ", r"zmq"),
    ("copying and comparing bytes", r"mem(move|cpy|cmp|chr|set)|basic_string"),
    ("allocating", r"malloc|free|operator (new|delete)|calloc"),
    ("the rest", r""),
)
UNDER = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=instructions.%p"]


def start(graph):
    def begin(folder):
        server = PrivateHerd(folder, graph, under={"Hill": UNDER})
        load_places(server)
        load(server, "iamat", server.ports[:1], connections=50, depth=16, clients=CLIENTS, count=COUNTED)
        wait_for(server.is_converged, "all nodes hold the same", 120)
        return server
    return begin


def _control(server, word, value=None):
    words = ["callgrind_control", word, *([value] if value else []), str(server.pids[0])]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, cwd=server.folder)
    if ran.returncode != 0 or "Error" in ran.stdout:
        raise Trouble(f"callgrind_control failed: {ran.stdout.strip()} {ran.stderr.strip()}")


def _instructions_of(server, action):
    """What Hill's process executed meanwhile, how long it took, and the dump that says where."""
    began = time.monotonic()
    _control(server, "-i", "on")
    action()
    _control(server, "-i", "off")
    took = time.monotonic() - began
    _control(server, "-d")
    dumps = sorted(server.folder.glob(f"instructions.{server.pids[0]}.*"), key=lambda path: path.stat().st_mtime_ns)
    if not dumps or not (found := re.search(r"^totals: (\d+)", dumps[-1].read_text(), re.MULTILINE)):
        raise Trouble("callgrind left no count")
    return int(found[1]), took, dumps[-1]


def stages(dump):
    """{stage: its share of what was executed, in per cent}."""
    ran = subprocess.run(["callgrind_annotate", "--auto=no", "--threshold=100", dump], capture_output=True, text=True, check=False)
    counts = dict.fromkeys((name for name, _ in STAGES), 0)
    for line in ran.stdout.splitlines():
        if found := re.match(r"\s*([\d,]+) \([ \d.]+%\)\s+(.+?)(?: \[[^]]*\])?$", line):
            name = next(name for name, pattern in STAGES if re.search(pattern, found[2]))
            counts[name] += 0 if "PROGRAM TOTALS" in found[2] else int(found[1].replace(",", ""))
    whole = sum(counts.values()) or 1
    return {name: 100 * count / whole for name, count in counts.items()}


def measure(server, _seconds):
    """One run of commands, less what an idle node does in the time that it took."""
    def told():
        load(server, "iamat", server.ports[:1], connections=50, depth=16, clients=CLIENTS, count=COUNTED)
        wait_for(server.is_converged, "all nodes hold the same", 120)
    idle, idle_took, _ = _instructions_of(server, lambda: time.sleep(2))
    busy, took, dump = _instructions_of(server, told)
    return {"value": (busy - idle * took / idle_took) / COUNTED, "idle_a_second": idle / idle_took} | stages(dump)


def instruction_rows():
    extras = {"idle_a_second": "idle, instructions a second"} | {name: f"%, {name}" for name, _ in STAGES}
    return [
        Row("instructions", "user instructions of one node for an IAMAT, 50 x 16, memory, updates", "a command", [
            Side("alone", start(ALONE), measure, "callgrind_control"),
            Side("told, in a herd of five", start(FIVE), measure, "callgrind_control")],
            most=2, compared={}, extras=extras)]
