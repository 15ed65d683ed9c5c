"""The rows of a bench that measure herds of several nodes."""
import subprocess
import time

from herd_ctl.trouble import Trouble

from .bench_rows import ALONE, CLIENTS, OF_CPU, Row, Side, herd, load, load_words
from .bench_servers import FIVE, AsyncioHerd, Nats, PrivateHerd, ZmqRelay, cpu_seconds, sibling, wait_for

REPORTS_A_SECOND = 333  # of a hop: each is followed by a rest of 2 ms
PROBE_BASE = 50_000_000  # the first id of those who measure hops: no load tells it
HALF = 0.5
WAY = {"Hill": ["Smith"], "Smith": ["Campbell"], "Campbell": []}


def flood(ports, count=None):
    """Updates merged at every node, a second, from the first command until all nodes hold the same."""
    def measure(server, seconds):
        before, cpu, began = server.merged(), cpu_seconds(server.pids), time.monotonic()
        end = {"count": count} if count else {"seconds": seconds, "warm_up": 0}
        said = load(server, "iamat", server.ports[:ports], connections=50, depth=16, clients=CLIENTS, **end)
        wait_for(server.is_converged, "all nodes hold the same", 120)
        took = time.monotonic() - began
        merged = min(after - then for after, then in zip(server.merged(), before, strict=True))
        return said | {"value": merged / took, "merged": merged, "until_converged_s": took,
                       "server_us": (cpu_seconds(server.pids) - cpu) * 1e6 / max(1, merged)}
    return measure


def deliver(ports):
    """Messages delivered to a subscriber at every server, a second, from the first one until all have all."""
    def measure(server, seconds):
        cpu = cpu_seconds(server.pids)
        said = load(server, "nats", server.ports, connections=50, depth=16, clients=CLIENTS, seconds=seconds,
                    warm_up=0, publish_to=ports)
        return said | {"value": said["delivered"] / said["delivered_s"], "until_converged_s": said["delivered_s"],
                       "server_us": (cpu_seconds(server.pids) - cpu) * 1e6 / max(1, said["delivered"])}
    return measure


def ends(server):
    """The client ports of Hill and Campbell."""
    return [server.ports[list(FIVE).index(name)] for name in ("Hill", "Campbell")]


def reports(seconds):
    return max(50, int(seconds * REPORTS_A_SECOND))


def hop(choose, mode="hop"):
    def measure(server, seconds):
        said = load(server, mode, choose(server), count=reports(seconds), client_base=PROBE_BASE)
        return said | {"value": said["p50_us"]}
    return measure


def hop_loaded(server, seconds):
    """Hops from Hill to Campbell while other clients tell Hill half of what the herd merges at most."""
    full = flood(1)(server, min(1.0, seconds))["value"]
    words = load_words(server, "iamat", server.ports[:1],
                       {"connections": 50, "depth": 16, "clients": CLIENTS, "seconds": 60, "rate": full * HALF})
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as background:
        try:
            said = load(server, "hop", ends(server), count=reports(seconds), client_base=PROBE_BASE)
            if background.poll() is not None:
                raise Trouble("the load beside a hop ended")
        finally:
            background.terminate()
    wait_for(server.is_converged, "all nodes hold the same", 120)
    for key in ("server_us", "own_us"):  # they include the load's
        said.pop(key)
    return said | {"value": said["p99_us"], "load": full * HALF}


def idle(server, seconds):
    cpu, began = cpu_seconds(server.pids), time.monotonic()
    time.sleep(max(seconds, 2))
    return {"value": 1000 * (cpu_seconds(server.pids) - cpu) / (time.monotonic() - began)}


def classic(measure):
    """The design this project replaces keeps nothing on disk."""
    return Side("asyncio herd of five", AsyncioHerd, measure)


def five_rows():
    rows = []
    for ports, name, words in ((1, "five", "all load on one node"), (5, "spread", "load spread over them")):
        for ack in ("memory", "write"):
            sides = [Side(f"herd of five, {ack}", herd(FIVE, ack), flood(ports)),
                     Side("five nats-servers", Nats, deliver(ports), "nats-server")]
            rows.append(Row(f"{name}-{ack}", f"merged at all five, {words}, 50 x 16, {ack}", "updates/s",
                            sides + ([classic(flood(ports))] if ack == "memory" else [])))
    return rows


def hop_rows():
    return [
        Row("hop", "the age of a report at Hill at which a question at Campbell is answered with it, all idle", "us", [
            Side("herd of five", herd(FIVE), hop(ends)),
            Side("herd of three, the way alone", herd(WAY), hop(lambda server: [server.ports[0], server.ports[-1]])),
            Side("bare ZeroMQ relay, two hops", ZmqRelay, hop(lambda server: server.ports)),
            Side("nats-servers, one hop, pushed", Nats, hop(ends, "nats-hop"), "nats-server"),
            classic(hop(ends))], compared=OF_CPU | {"p99_us": "p99"}),
        Row("hop-loaded", "the same, p99, while Hill is told half of what five nodes merge at most", "us", [
            Side("herd of five", herd(FIVE), hop_loaded),
            classic(hop_loaded)], compared={"p50_us": "p50"}, extras={"load": "load beside it, updates/s"}),
    ]


def other_rows():
    return [
        Row("idle", "processor time of five idle nodes together", "ms/s", [
            Side("herd of five", herd(FIVE), idle)]),
        Row("start", "five nodes, from their start until all are ready", "ms", [
            Side("herd of five", lambda folder: PrivateHerd(folder, FIVE),
                 lambda server, _seconds: {"value": 1000 * server.start_seconds})], once=True),
    ]


def designs(graph, measure):
    """The same replica and bus in two designs of threads, and the node as it is."""
    def start(design):
        return lambda folder: AsyncioHerd(folder, graph, [sibling("bus-designs"), design])
    return [Side("ZeroMQ in the loop", start("loop"), measure), Side("bus thread, mailbox", start("mailbox"), measure)]


def design_rows():
    """What docs/decisions/0013-zmq-fd-in-the-loop.md rests on."""
    def closed(server, seconds):
        return load(server, "iamat", server.ports[:1], connections=1, depth=1, clients=CLIENTS, seconds=seconds)
    compared = OF_CPU | {"p50_us": "p50", "p99_us": "p99"}
    return [
        Row("design-alone", "one node, 50 x 16, nothing kept", "updates/s", designs(ALONE, flood(1)),
            compared=compared),
        Row("design-closed", "one node, one command at a time", "updates/s", designs(ALONE, closed), compared=compared),
        Row("design-five", "merged at all five, all load on one node", "updates/s", designs(FIVE, flood(1)),
            compared=compared),
        Row("design-hop", "a hop from Hill to Campbell, all idle", "us", designs(FIVE, hop(ends)), compared=compared)]


def herd_rows():
    return five_rows() + hop_rows() + other_rows()
