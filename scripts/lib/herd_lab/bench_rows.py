"""The rows of a bench: what is measured on which sides. The first side is the herd, to which others are compared.
Here are what rows are made of, and those of one node; bench_herd_rows.py has those of herds."""
import dataclasses
import json
import random
import re
import resource
import shutil
import socket
import subprocess
import time
import typing

from herd_ctl.trouble import Trouble

from .bench_servers import Bare, PrivateHerd, Redis, kernel_ticks, places, resident_bytes, sibling, wait_for

CLIENTS = 1_000_000
ASKED = 5_000  # clients about which WHATSAT asks in turn
CONNECTIONS = 10_000
ID_BYTES = 24  # where memory is measured
ALONE = {"Hill": []}
PAIR = {"Hill": ["Smith"], "Smith": []}
OF_CPU = {"server_us": "server CPU"}
OF_KERNEL = {"kernel_share": "% of it in the kernel"}
OF_LATENCY = {"p50_us": "p50", "p99_us": "p99", "p999_us": "p99.9"}


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
    once: bool = False          # the servers are started anew for each round
    most: int = 100             # rounds are enough
    compared: dict = dataclasses.field(default_factory=lambda: OF_CPU)  # {what a side says: its name}, beside its value
    extras: dict = dataclasses.field(default_factory=dict)              # the same, shown and not compared


def has_instructions():
    """Whether this machine counts instructions of a process."""
    if not shutil.which("perf"):
        return False
    ran = subprocess.run(["perf", "stat", "-x,", "-e", "instructions:u", "true"], capture_output=True, text=True,
                         check=False)
    return bool(re.match(r"\d+,", ran.stderr))


def load_words(server, mode, ports, options):
    words = [sibling("herd-load"), mode]
    for port in ports:
        words += ["--to", f"127.0.0.1:{port}"]
    for pid in server.pids:
        words += ["--pid", str(pid)]
    for key, value in options.items():
        words += ["--" + key.replace("_", "-"), str(value)]
    return words


def load(server, mode, ports, counted=False, **options):
    """What herd-load says of one run, with the rate as its value; `counted` adds user instructions a reply."""
    words = load_words(server, mode, ports, options)
    counts = server.folder / "instructions"
    if counted:
        words = ["perf", "stat", "-x,", "-o", counts, "-e", "instructions:u", "-p", ",".join(map(str, server.pids)),
                 "--", *words]
    before = kernel_ticks(server.pids)
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise Trouble(ran.stderr.strip() or f"herd-load ended with status {ran.returncode}")
    said = json.loads(ran.stdout)
    kernel, whole = (after - then for after, then in zip(kernel_ticks(server.pids), before))
    said["kernel_share"] = 100 * kernel / max(1, whole)
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
    for_herd = prepared(lambda own, points, _table: start_asked(own, points))
    of_latency = OF_CPU | {"p50_us": "p50"}
    return [
        Row("places", "WHATSAT 10 km, at most 20, against GEOSEARCH COUNT 20 ASC of the same places; 50 x 16",
            "replies/s", [
                Side("herd WHATSAT, with JSON", for_herd, shape("whatsat", 50, 16, counted, **asked)),
                Side("redis GEOSEARCH", prepared(start_redis), shape("geosearch", 50, 16, counted, **asked),
                     "redis-server")]),
        Row("places-one", "the same, one connection, one question at a time", "replies/s", [
            Side("herd WHATSAT, with JSON", for_herd, shape("whatsat", 1, 1, counted, **asked)),
            Side("redis GEOSEARCH", prepared(start_redis), shape("geosearch", 1, 1, counted, **asked),
                 "redis-server")], compared=of_latency)]


def memory(mode):
    def measure(server, _seconds):
        before = resident_bytes(server.pids[0])
        said = load(server, mode, server.ports[:1], connections=50, depth=16, clients=CLIENTS, count=CLIENTS,
                    id_bytes=ID_BYTES)
        return said | {"value": (resident_bytes(server.pids[0]) - before) / CLIENTS}
    return measure


def connections(say):
    """Memory for each of many connections that have said one thing, were answered and are silent."""
    def measure(server, seconds):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        count = min(CONNECTIONS if seconds >= 0.5 else CONNECTIONS // 20, hard - 200)  # fewer for a quick look
        before, opened = resident_bytes(server.pids[0]), []
        try:
            for i in range(count):
                opened.append(socket.create_connection(("127.0.0.1", server.ports[0]), 10))
                opened[-1].sendall(say(i))
                if not opened[-1].recv(200):
                    raise Trouble(f"connection {i + 1} of {count} was closed")
            return {"value": (resident_bytes(server.pids[0]) - before) / count, "connections": count}
        finally:
            for connection in opened:
                connection.close()
    return measure


def longest_turn(clients):
    def measure(_server, _seconds):
        ran = subprocess.run([sibling("longest-turn"), str(clients)], capture_output=True, text=True, check=True)
        said = json.loads(ran.stdout)
        return said | {"value": said["longest_ms"]}
    return measure


def keeping_rows(of):
    return [
        Row("write", "one node, 50 x 16, kept when the process is killed", "replies/s", [
            Side("herd write", herd(ALONE, "write"), of("iamat")),
            Side("redis SET, AOF everysec", redis("everysec"), of("set"), "redis-server")]),
        Row("fsync", "the same, kept when the machine fails", "replies/s", [
            Side("herd fsync", herd(ALONE, "fsync"), of("iamat")),
            Side("redis SET, AOF always", redis("always"), of("set"), "redis-server")]),
        Row("replicas", "the same, kept at a second server as well", "replies/s", [
            Side("herd write, replicas 1", herd(PAIR, "write", 1), of("iamat")),
            Side("redis SET, AOF, WAIT 1 a batch", redis("everysec", 1), of("set", wait=1), "redis-server")]),
    ]


def closed_row(of, name, count, words):
    return Row(name, f"{words}, one command at a time on each, memory", "replies/s", [
        Side("herd memory", herd(ALONE), of("iamat", count, 1)),
        Side("redis SET", redis(), of("set", count, 1), "redis-server"),
        Side("bare AT server", Bare, of("iamat", count, 1))], compared=OF_CPU | OF_LATENCY, extras=OF_KERNEL)


def rate_rows(counted):
    """Rows in which herd-load's rate is the figure."""
    def of(mode, count=50, depth=16, **more):
        return shape(mode, count, depth, counted, **more)
    return [
        Row("alone", "one node alone, 50 connections of 16 in flight, memory", "replies/s", [
            Side("herd memory", herd(ALONE), of("iamat")),
            Side("redis SET", redis(), of("set"), "redis-server"),
            Side("redis GEOADD", redis(), of("geoadd"), "redis-server"),
            Side("bare AT server", Bare, of("iamat"))], extras=OF_KERNEL),
        *keeping_rows(of),
        Row("deep", "one node alone, 50 connections of 64 in flight, memory", "replies/s", [
            Side("herd memory", herd(ALONE), of("iamat", depth=64)),
            Side("redis SET", redis(), of("set", depth=64), "redis-server")]),
        closed_row(of, "closed", 1, "one connection"),
        closed_row(of, "closed-50", 50, "50 connections"),
    ]


def resource_rows():
    """What one node takes, whatever the load."""
    return [
        Row("rss", f"resident memory for {CLIENTS:,} clients with ids of {ID_BYTES} bytes, less that for none",
            "bytes/client", [
                Side("herd", herd(ALONE), memory("iamat")),
                Side("redis SET", redis(), memory("set"), "redis-server"),
                Side("redis GEOADD", redis(), memory("geoadd"), "redis-server")], once=True, most=2),
        Row("connections", f"resident memory for each of {CONNECTIONS:,} silent connections", "bytes", [
            Side("herd", herd(ALONE), connections(lambda i: b"IAMAT silent%d +1+1 1.0\n" % i)),
            Side("redis", redis(), connections(lambda i: b"SET silent%d +1+1\r\n" % i), "redis-server")],
            once=True, most=2),
        Row("turn", "processor time of the longest turn of 256 commands, growing from 0 to 10,000,000 clients", "ms", [
            Side("herd's replica", lambda folder: None, longest_turn(10_000_000))], most=2,
            extras={"p999_ms": "99.9 % of turns, ms", "p50_ms": "half of turns, ms"}),
        Row("start-one", "one node with no peers and nothing in its journal, from its start until it is ready", "ms", [
            Side("herd", lambda folder: PrivateHerd(folder, ALONE, "write"),
                 lambda server, _seconds: {"value": 1000 * server.start_seconds})], once=True),
    ]
