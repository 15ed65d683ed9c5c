"""The rows of a benchmark that measure herds of several nodes."""
from __future__ import annotations

import pathlib
import subprocess
import time
from collections.abc import Callable, Sequence

from herd_ctl.graphs import FIVE, Graph
from herd_ctl.trouble import Trouble

from .bench_rows import (ALONE, CLIENTS, OF_CPU, Figures, Measure, Row, Side, Start, herd, load, load_words,
                         wait_converged)
from .bench_servers import AsyncioHerd, HerdServer, Nats, Server, ZmqRelay, sibling
from .processes import cpu_seconds

REPORTS_PER_SECOND = 333  # of a hop: 2 ms of rest follow each
PROBE_BASE = 50_000_000  # the first client id of those that measure hops: no load uses it
HALF = 0.5
WAY: Graph = {"Hill": ["Smith"], "Smith": ["Campbell"], "Campbell": []}
Ports = Sequence[int]


def flood(ports: int, count: int | None = None) -> Measure:
    """Updates per second that every node merged, from the first command until all nodes have the same records. The
    load goes to the first `ports` nodes; `count` is the number of updates, without it the time counts."""
    def measure(server: Server, seconds: float) -> Figures:
        before, cpu, began = server.merged(), cpu_seconds(server.pids), time.monotonic()
        end: Figures = {"count": count} if count else {"seconds": seconds, "warm_up": 0}
        figures = load(server, "iamat", server.ports[:ports], connections=50, depth=16, clients=CLIENTS, **end)
        wait_converged(server)
        took = time.monotonic() - began
        merged = min(after - then for after, then in zip(server.merged(), before, strict=True))
        return figures | {"value": merged / took, "merged": merged, "until_converged_s": took,
                          "server_us": (cpu_seconds(server.pids) - cpu) * 1e6 / max(1, merged)}
    return measure


def deliver(ports: int) -> Measure:
    """Messages per second to a subscriber of every server, from the first message until all subscribers have all."""
    def measure(server: Server, seconds: float) -> Figures:
        cpu = cpu_seconds(server.pids)
        figures = load(server, "nats", server.ports, connections=50, depth=16, clients=CLIENTS, seconds=seconds,
                       warm_up=0, publish_to=ports)
        return figures | {"value": figures["delivered"] / figures["delivered_s"],
                          "until_converged_s": figures["delivered_s"],
                          "server_us": (cpu_seconds(server.pids) - cpu) * 1e6 / max(1, figures["delivered"])}
    return measure


def ends(server: Server) -> Ports:
    """The client ports of Hill and Campbell."""
    return [server.ports[list(FIVE).index(name)] for name in ("Hill", "Campbell")]


def reports(seconds: float) -> int:
    return max(50, int(seconds * REPORTS_PER_SECOND))


def hop(choose: Callable[[Server], Ports], mode: str = "hop") -> Measure:
    """The time from a report at one port until a query at another returns it. `choose` returns both ports."""
    def measure(server: Server, seconds: float) -> Figures:
        figures = load(server, mode, choose(server), count=reports(seconds), client_base=PROBE_BASE)
        return figures | {"value": figures["p50_us"]}
    return measure


def hop_loaded(server: Server, seconds: float) -> Figures:
    """Hops from Hill to Campbell while other clients send Hill half of what the herd can merge."""
    full = flood(1)(server, min(1.0, seconds))["value"]
    words = load_words(server, "iamat", server.ports[:1],
                       {"connections": 50, "depth": 16, "clients": CLIENTS, "seconds": 60, "rate": full * HALF})
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as background:
        try:
            figures = load(server, "hop", ends(server), count=reports(seconds), client_base=PROBE_BASE)
            if background.poll() is not None:
                raise Trouble("the load beside a hop ended too early")
        finally:
            background.terminate()
    wait_converged(server)
    for key in ("server_us", "own_us"):  # they include those of the load
        figures.pop(key)
    return figures | {"value": figures["p99_us"], "load": full * HALF}


def idle(server: Server, seconds: float) -> Figures:
    cpu, began = cpu_seconds(server.pids), time.monotonic()
    time.sleep(max(seconds, 2))
    return {"value": 1000 * (cpu_seconds(server.pids) - cpu) / (time.monotonic() - began)}


def nats(folder: pathlib.Path) -> Server:
    return Nats(folder).start()


def classic(measure: Measure) -> Side:
    """The design that this project replaces; it writes nothing to disk."""
    return Side("asyncio herd of five", lambda folder: AsyncioHerd(folder).start(), measure)


def five_rows() -> list[Row]:
    rows = []
    for ports, name, words in ((1, "five", "all load on one node"), (5, "spread", "load spread over them")):
        for ack in ("memory", "write"):
            sides = [Side(f"herd of five, {ack}", herd(FIVE, ack), flood(ports)),
                     Side("five nats-servers", nats, deliver(ports), "nats-server")]
            rows.append(Row(f"{name}-{ack}", f"merged at all five, {words}, 50 x 16, {ack}", "updates/s",
                            sides + ([classic(flood(ports))] if ack == "memory" else [])))
    return rows


def hop_rows() -> list[Row]:
    return [
        Row("hop", "the age of a report at Hill when a query at Campbell first returns it, all idle", "us", [
            Side("herd of five", herd(FIVE), hop(ends)),
            Side("herd of three, the way alone", herd(WAY), hop(lambda server: [server.ports[0], server.ports[-1]])),
            Side("bare ZeroMQ relay, two hops", lambda folder: ZmqRelay(folder).start(),
                 hop(lambda server: server.ports)),
            Side("nats-servers, one hop, pushed", nats, hop(ends, "nats-hop"), "nats-server"),
            classic(hop(ends))], compared=OF_CPU | {"p99_us": "p99"}),
        Row("hop-loaded", "the same, p99, while Hill receives half of what five nodes can merge", "us", [
            Side("herd of five", herd(FIVE), hop_loaded),
            classic(hop_loaded)], compared={"p50_us": "p50"}, extras={"load": "load beside it, updates/s"}),
    ]


def other_rows() -> list[Row]:
    return [
        Row("idle", "processor time of five idle nodes together", "ms/s", [
            Side("herd of five", herd(FIVE), idle)]),
        Row("start", "five nodes, from their start until all are ready", "ms", [
            Side("herd of five", lambda folder: HerdServer(folder, FIVE).start(),
                 lambda server, _seconds: {"value": 1000 * server.start_seconds})], once=True),
    ]


def designs(graph: Graph, measure: Measure) -> list[Side]:
    """The same replica and bus in two designs of threads."""
    def start(design: str) -> Start:
        return lambda folder: AsyncioHerd(folder, graph, [sibling("bus-designs"), design]).start()
    return [Side("ZeroMQ in the loop", start("loop"), measure), Side("bus thread, mailbox", start("mailbox"), measure)]


def design_rows() -> list[Row]:
    """The evidence of docs/decisions/0013-zmq-fd-in-the-loop.md."""
    def closed(server: Server, seconds: float) -> Figures:
        return load(server, "iamat", server.ports[:1], connections=1, depth=1, clients=CLIENTS, seconds=seconds)
    compared = OF_CPU | {"p50_us": "p50", "p99_us": "p99"}
    return [
        Row("design-alone", "one node, 50 x 16, nothing on disk", "updates/s", designs(ALONE, flood(1)),
            compared=compared),
        Row("design-closed", "one node, one command at a time", "updates/s", designs(ALONE, closed), compared=compared),
        Row("design-five", "merged at all five, all load on one node", "updates/s", designs(FIVE, flood(1)),
            compared=compared),
        Row("design-hop", "a hop from Hill to Campbell, all idle", "us", designs(FIVE, hop(ends)), compared=compared)]


def herd_rows() -> list[Row]:
    return five_rows() + hop_rows() + other_rows()
