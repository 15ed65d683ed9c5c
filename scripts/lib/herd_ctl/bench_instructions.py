"""Rows that count the user instructions of an IAMAT, on a machine that counts none: a node runs under valgrind."""
import re
import subprocess
import time

from .bench_rows import ALONE, CLIENTS, Row, Side, load, load_places
from .bench_servers import FIVE, PrivateHerd, wait_for
from .trouble import Trouble

COUNTED = 100_000  # commands
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
    """What Hill's process executed meanwhile, and how long it took."""
    began = time.monotonic()
    _control(server, "-i", "on")
    action()
    _control(server, "-i", "off")
    took = time.monotonic() - began
    _control(server, "-d")
    dumps = sorted(server.folder.glob(f"instructions.{server.pids[0]}.*"), key=lambda path: path.stat().st_mtime_ns)
    if not dumps or not (found := re.search(r"^totals: (\d+)", dumps[-1].read_text(), re.MULTILINE)):
        raise Trouble("callgrind left no count")
    return int(found[1]), took


def measure(server, _seconds):
    """One run of commands, less what an idle node does in the time that it took."""
    def told():
        load(server, "iamat", server.ports[:1], connections=50, depth=16, clients=CLIENTS, count=COUNTED)
        wait_for(server.is_converged, "all nodes hold the same", 120)
    idle, idle_took = _instructions_of(server, lambda: time.sleep(2))
    busy, took = _instructions_of(server, told)
    return {"value": (busy - idle * took / idle_took) / COUNTED, "idle_a_second": idle / idle_took}


def instruction_rows():
    extras = {"idle_a_second": "idle, instructions a second"}
    return [
        Row("instructions", "user instructions of one node for an IAMAT, 50 x 16, memory, updates", "a command", [
            Side("alone", start(ALONE), measure, "callgrind_control"),
            Side("told, in a herd of five", start(FIVE), measure, "callgrind_control")],
            most=2, compared={}, extras=extras)]
