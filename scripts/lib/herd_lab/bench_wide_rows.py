"""The rows of herds of many nodes: how fast they merge, and how many messages an update costs, beside the simulator's
count."""
import itertools
import random
import subprocess
import time

from herd_ctl.trouble import Trouble

from .bench_herd_rows import flood
from .bench_rows import CLIENTS, Row, Side, load
from .bench_servers import PrivateHerd, sibling

# By nodes: links, as many as in the simulator's herd of that size; updates of a flood; how many a second, and in all,
# are told one at a time, which is what a machine of two cores can do.
WIDE = {16: (24, 20_000, 300, 600), 64: (95, 4_000, 50, 150)}
QUIET_SECONDS = 0.5  # without a batch: all that a link puts off has been sent


def ring_with_chords(count):
    """{name: peers}: a ring, and chords that pair the nodes at random, as the simulator draws its herds."""
    ring = {frozenset((i, (i + 1) % count)) for i in range(count)}
    for seed in itertools.count():  # until so many chords are no part of the ring
        order = random.Random(seed).sample(range(count), count)
        links = ring | {frozenset(pair) for pair in zip(order[::2], order[1::2])}
        if len(links) == WIDE[count][0]:
            break
    graph = {f"Node{i}": [] for i in range(count)}
    for link in links:
        one, other = sorted(link)
        graph[f"Node{one}"].append(f"Node{other}")
    return graph


def start(count):
    # Nobody asks for places here: 64 tables of them would fill the machine.
    return lambda folder: PrivateHerd(folder, ring_with_chords(count), more='[places]\nproviders = ["google"]\n')


def simulated(count):
    """{"simulated"}: messages an update, as `herd-sim --scale` counts them; empty where it is not built."""
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


def messages(server, rate, count):
    """Messages of the whole herd for an update that travels alone: batches, and an acknowledgement for each."""
    before = batches_when_quiet(server)
    load(server, "iamat", server.ports[:1], connections=1, depth=1, clients=CLIENTS, count=count, rate=rate)
    return 2 * (batches_when_quiet(server) - before) / count


def batches_when_quiet(server):
    before = -1
    while (sent := server.total("bus_batches_sent")) != before:
        before = sent
        time.sleep(QUIET_SECONDS)
    return sent


def wide(nodes):
    _, updates, rate, count = WIDE[nodes]
    expected = {}

    def measure(server, _seconds):
        said = flood(1, updates)(server, 0)
        if not expected:
            expected.update(simulated(nodes))
        counted = messages(server, rate, count)
        found = {"messages": counted} | expected
        if expected:
            found["by_simulator"] = counted / expected["simulated"]
        return said | found
    return measure


def wide_rows():
    extras = {"messages": "messages an update that travels alone", "simulated": "in the simulator",
              "by_simulator": "the one by the other"}
    return [Row(f"wide-{nodes}", f"merged at all {nodes} nodes of a ring with chords, all load on one, memory",
                "updates/s", [Side(f"herd of {nodes}", start(nodes), wide(nodes))], most=2, extras=extras)
            for nodes in WIDE]
