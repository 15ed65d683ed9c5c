"""The rows of a bench: what is measured on which sides. The first side is the herd, to which others are compared."""
import dataclasses
import json
import random
import re
import shutil
import socket
import subprocess
import time
import typing

from .bench_servers import (FIVE, AsyncioHerd, Bare, PrivateHerd, Redis, cpu_seconds, places, resident_bytes, sibling,
                            wait_for)
from .trouble import Trouble

CLIENTS = 1_000_000
ASKED = 5_000  # clients about which WHATSAT asks in turn
ALONE = {"Hill": []}
PAIR = {"Hill": ["Smith"], "Smith": []}


@dataclasses.dataclass
class Side:
    name: str
    start: typing.Callable      # folder -> Server
    measure: typing.Callable    # Server, seconds -> {"value": ..., and what herd-load says}
    needs: str = "herd-node"    # a program; the side is skipped where it is missing


@dataclasses.dataclass
class Row:
    name: str
    title: str
    unit: str
    sides: list
    once: bool = False  # the servers are started anew for each round


def has_instructions():
    """Whether this machine counts instructions of a process."""
    if not shutil.which("perf"):
        return False
    ran = subprocess.run(["perf", "stat", "-x,", "-e", "instructions:u", "true"], capture_output=True, text=True,
                         check=False)
    return bool(re.match(r"\d+,", ran.stderr))


def load(server, mode, ports, counted=False, **options):
    """What herd-load says of one run, with the rate as its value; `counted` adds user instructions a reply."""
    words = [sibling("herd-load"), mode]
    for port in ports:
        words += ["--to", f"127.0.0.1:{port}"]
    for pid in server.pids:
        words += ["--pid", str(pid)]
    for key, value in options.items():
        words += ["--" + key.replace("_", "-"), str(value)]
    counts = server.folder / "instructions"
    if counted:
        words = ["perf", "stat", "-x,", "-o", counts, "-e", "instructions:u", "-p", ",".join(map(str, server.pids)),
                 "--", *words]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise Trouble(ran.stderr.strip() or f"herd-load ended with status {ran.returncode}")
    said = json.loads(ran.stdout)
    if counted and (found := re.search(r"^(\d+),", counts.read_text(), re.MULTILINE)):
        said["instructions"] = int(found[1]) / max(1, said["checked"])
    return said | {"value": said["rate"]}


def shape(mode, connections, depth, counted, **more):
    return lambda server, seconds: load(server, mode, server.ports[:1], counted, connections=connections, depth=depth,
                                        clients=CLIENTS, seconds=seconds, **more)


def herd(graph, ack="memory", replicas=0):
    """Starts nodes that have done all the work of a start: unpacking the places is not to be counted elsewhere."""
    def start(folder):
        server = PrivateHerd(folder, graph, ack, replicas)
        load_places(server)
        return server
    return start


def redis(keep="no", replicas=0):
    return lambda folder: Redis(folder, keep, replicas)


def flood(ports):
    """Updates merged at every node, a second, from the first command until all nodes hold the same."""
    def measure(server, seconds):
        before, cpu, began = server.merged(), cpu_seconds(server.pids), time.monotonic()
        said = load(server, "iamat", server.ports[:ports], connections=50, depth=16, clients=CLIENTS, seconds=seconds,
                    warm_up=0)
        wait_for(server.is_converged, "all nodes hold the same", 120)
        took = time.monotonic() - began
        merged = min(after - then for after, then in zip(server.merged(), before, strict=True))
        return said | {"value": merged / took, "merged": merged, "until_converged_s": took,
                       "server_us": (cpu_seconds(server.pids) - cpu) * 1e6 / max(1, merged)}
    return measure


def start_asked(folder, points):
    server = herd(ALONE)(folder)
    lines = []
    for i, (latitude, longitude) in enumerate(points):
        lines.append(f"IAMAT bench{i:08} {float(latitude):+f}{float(longitude):+f} {time.time():.9f}\n")
    # In parts that the sockets hold on both sides, as nobody reads while this is written.
    for begin in range(0, len(lines), 500):
        tell(server.ports[0], lines[begin:begin + 500])
    return server


def tell(port, lines):
    """Says the lines; each must be answered with an AT line."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection, connection.makefile("rb") as replies:
        connection.sendall("".join(lines).encode())
        for _ in lines:
            if not replies.readline().startswith(b"AT "):
                raise Trouble("a node did not answer with AT")


def load_places(server):
    """Returns when every node has its table of places, which it unpacks while it serves already."""
    tell(server.ports[0], [f"IAMAT places +34.06-118.44 {time.time():.9f}\n"])
    wait_for(server.is_converged, "all nodes hold the same")
    for port in server.ports:
        tell(port, ["WHATSAT places 1 1\n"])


def places_row(counted, folder):
    """Both sides are asked about the same points, among the same places."""
    def prepared(start):
        def begin(own):
            table = places()
            points = random.Random(1).sample([point for point in table if abs(float(point[0])) < 85], ASKED)
            (folder / "points").write_text("".join(f"{latitude} {longitude}\n" for latitude, longitude in points))
            return start(own, points, table)
        return begin

    def start_redis(own, _points, table):
        server = Redis(own)
        server.add_points(table)
        return server
    asked = {"points": folder / "points", "radius": 10, "results": 20}
    return Row("places", "WHATSAT 10 km, at most 20, against GEOSEARCH of the same places; 50 x 16", "replies/s", [
        Side("herd WHATSAT, with JSON", prepared(lambda own, points, _table: start_asked(own, points)),
             shape("whatsat", 50, 16, counted, **asked)),
        Side("redis GEOSEARCH", prepared(start_redis), shape("geosearch", 50, 16, counted, **asked), "redis-server")])


def memory(mode):
    def measure(server, _seconds):
        before = resident_bytes(server.pids[0])
        said = load(server, mode, server.ports[:1], connections=50, depth=16, clients=CLIENTS, count=CLIENTS)
        return said | {"value": (resident_bytes(server.pids[0]) - before) / CLIENTS}
    return measure


def idle(server, seconds):
    cpu, began = cpu_seconds(server.pids), time.monotonic()
    time.sleep(max(seconds, 2))
    return {"value": 1000 * (cpu_seconds(server.pids) - cpu) / (time.monotonic() - began)}


def hop(server, _seconds):
    ends = [server.ports[list(FIVE).index(name)] for name in ("Hill", "Campbell")]
    said = load(server, "hop", ends, count=500)
    # What a command costs says nothing here: the second node is asked without a pause.
    said.pop("server_us")
    said.pop("own_us")
    return said | {"value": said["p50_us"]}


def plain_rows(counted):
    """Rows in which herd-load's rate is the figure."""
    def of(mode, connections=50, depth=16, **more):
        return shape(mode, connections, depth, counted, **more)
    return [
        Row("alone", "one node alone, 50 connections of 16 in flight, memory", "replies/s", [
            Side("herd memory", herd(ALONE), of("iamat")),
            Side("redis SET", redis(), of("set"), "redis-server"),
            Side("redis GEOADD", redis(), of("geoadd"), "redis-server"),
            Side("bare AT server", Bare, of("iamat"))]),
        Row("write", "the same, kept when the process is killed", "replies/s", [
            Side("herd write", herd(ALONE, "write"), of("iamat")),
            Side("redis SET, AOF everysec", redis("everysec"), of("set"), "redis-server")]),
        Row("fsync", "the same, kept when the machine fails", "replies/s", [
            Side("herd fsync", herd(ALONE, "fsync"), of("iamat")),
            Side("redis SET, AOF always", redis("always"), of("set"), "redis-server")]),
        Row("replicas", "the same, kept at a second server as well", "replies/s", [
            Side("herd write, replicas 1", herd(PAIR, "write", 1), of("iamat")),
            Side("redis SET, AOF, WAIT 1 a batch", redis("everysec", 1), of("set", wait=1), "redis-server")]),
        Row("deep", "one node alone, 50 connections of 64 in flight, memory", "replies/s", [
            Side("herd memory", herd(ALONE), of("iamat", depth=64)),
            Side("redis SET", redis(), of("set", depth=64), "redis-server")]),
        Row("closed", "one connection, one command at a time, memory", "replies/s", [
            Side("herd memory", herd(ALONE), of("iamat", 1, 1)),
            Side("redis SET", redis(), of("set", 1, 1), "redis-server"),
            Side("bare AT server", Bare, of("iamat", 1, 1))]),
    ]


def classic(measure, ack="memory"):
    """The design this project replaces keeps nothing on disk."""
    return [Side("asyncio herd of five", AsyncioHerd, measure)] if ack == "memory" else []


def herd_rows():
    rows = []
    for ack in ("memory", "write"):
        rows.append(Row(f"five-{ack}", f"merged at all five, all load on one node, {ack}", "updates/s", [
            Side(f"herd of five, {ack}", herd(FIVE, ack), flood(1)), *classic(flood(1), ack)]))
        rows.append(Row(f"spread-{ack}", f"merged at all five, load spread over them, {ack}", "updates/s", [
            Side(f"herd of five, {ack}", herd(FIVE, ack), flood(5)), *classic(flood(5), ack)]))
    return rows + [
        Row("rss", f"resident memory for {CLIENTS:,} clients, one node, memory", "bytes/client", [
            Side("herd", herd(ALONE), memory("iamat")),
            Side("redis SET", redis(), memory("set"), "redis-server"),
            Side("redis GEOADD", redis(), memory("geoadd"), "redis-server")], once=True),
        Row("idle", "processor time of five idle nodes together", "ms/s", [
            Side("herd of five", herd(FIVE), idle)]),
        Row("start", "five nodes, from their start until all are ready", "ms", [
            Side("herd of five", lambda folder: PrivateHerd(folder, FIVE),
                 lambda server, _seconds: {"value": 1000 * server.start_seconds})], once=True),
        Row("hop", "a report at Hill until a client of Campbell, which asks without pause, holds it", "us", [
            Side("herd of five", herd(FIVE), hop), *classic(hop)]),
    ]


def all_rows(folder):
    """The rows in the order of the table; `folder` is the bench's own."""
    counted = has_instructions()
    return plain_rows(counted) + [places_row(counted, folder)] + herd_rows()
