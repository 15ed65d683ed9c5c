"""The rows of herds of many nodes: how fast they merge, and how many messages an update costs, compared with the count
of the simulator."""
from __future__ import annotations

import dataclasses
import itertools
import pathlib
import random
import subprocess
import time

from herd_ctl.graphs import Graph
from herd_ctl.trouble import Trouble

from .bench_herd_rows import flood
from .bench_rows import CLIENTS, Figures, Measure, Row, Side, Start, load
from .bench_servers import HerdServer, sibling

QUIET_SECONDS = 0.5  # without a batch: links have sent all that they delayed


@dataclasses.dataclass(frozen=True)
class Size:
    links: int    # as in the simulator's herd of this size
    updates: int  # of a flood
    rate: int     # single updates per second: what a machine of two cores can do
    singles: int  # single updates in all


WIDE = {16: Size(24, 20_000, 300, 600), 64: Size(95, 4_000, 50, 150)}  # by number of nodes


def ring_with_chords(count: int) -> Graph:
    """A ring, and chords that pair the nodes at random, as the simulator draws its herds."""
    ring = {frozenset((i, (i + 1) % count)) for i in range(count)}
    for seed in itertools.count():  # until the number of links is right: some chords are links of the ring
        order = random.Random(seed).sample(range(count), count)
        links = ring | {frozenset(pair) for pair in zip(order[::2], order[1::2])}
        if len(links) == WIDE[count].links:
            break
    graph: Graph = {f"Node{i}": [] for i in range(count)}
    for link in links:
        one, other = sorted(link)
        graph[f"Node{one}"].append(f"Node{other}")
    return graph


def start(count: int) -> Start:
    def begin(folder: pathlib.Path) -> HerdServer:
        # Without the embedded places: 64 tables of them would fill the machine's memory.
        return HerdServer(folder, ring_with_chords(count), settings={"places": {"providers": ["google"]}}).start()
    return begin


def simulated(count: int) -> dict[str, float]:
    """{"simulated": messages per update} as `herd-sim --scale` counts them; empty if it is not built."""
    try:
        ran = subprocess.run([sibling("herd-sim"), "--scale", "--most", str(count), "--seed", "1"], capture_output=True,
                             text=True, check=True)
    except (Trouble, OSError, subprocess.CalledProcessError):
        return {}
    for line in ran.stdout.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == str(count) and cells[3] == "300/s at one node":
            return {"simulated": float(cells[4])}
    return {}


def messages(server: HerdServer, size: Size) -> float:
    """Messages of the whole herd for one update alone: its batches, and an acknowledgement for each batch."""
    before = batches_when_quiet(server)
    load(server, "iamat", server.ports[:1], connections=1, depth=1, clients=CLIENTS, count=size.singles, rate=size.rate)
    return 2 * (batches_when_quiet(server) - before) / size.singles


def batches_when_quiet(server: HerdServer) -> int:
    before = -1
    while (sent := server.total("bus_batches_sent")) != before:
        before = sent
        time.sleep(QUIET_SECONDS)
    return sent


def wide(nodes: int) -> Measure:
    expected: dict[str, float] = {}  # of the simulator, which runs once

    def measure(server: HerdServer, _seconds: float) -> Figures:
        figures = flood(1, WIDE[nodes].updates)(server, 0)
        if not expected:
            expected.update(simulated(nodes))
        counted = messages(server, WIDE[nodes])
        figures |= {"messages": counted, **expected}
        if expected:
            figures["by_simulator"] = counted / expected["simulated"]
        return figures
    return measure


def wide_rows() -> list[Row]:
    extras = {"messages": "messages of one update alone", "simulated": "in the simulator",
              "by_simulator": "measured by simulated"}
    return [Row(f"wide-{nodes}", f"merged at all {nodes} nodes of a ring with chords, all load on one, memory",
                "updates/s", [Side(f"herd of {nodes}", start(nodes), wide(nodes))], most=2, extras=extras)
            for nodes in WIDE]
