"""The rows of a benchmark: what is measured on which sides. The first side is the herd; the others are compared with
it. This file has the building blocks of rows, and the rows of one node. bench_herd_rows.py has those of herds."""
from __future__ import annotations

import dataclasses
import json
import pathlib
import random
import re
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any

from herd_ctl import probe
from herd_ctl.graphs import Graph
from herd_ctl.trouble import Trouble
from herd_ctl.waiting import wait_for

from .bench_servers import POLL_SECONDS, START_SECONDS, Bare, HerdServer, LongestTurn, Redis, Server, places, sibling
from .processes import kernel_ticks, resident_bytes

CLIENTS = 1_000_000
ASKED = 5_000  # clients that WHATSAT asks for, one after another
CONNECTIONS = 10_000
ID_BYTES = 24  # where memory is measured
LOAD_SECONDS = 120  # that herd-load may take longer than it measures
CONVERGE_SECONDS = 120
ALONE: Graph = {"Hill": []}
PAIR: Graph = {"Hill": ["Smith"], "Smith": []}
OF_CPU = {"server_us": "server CPU"}
OF_KERNEL = {"kernel_share": "% of it in the kernel"}
OF_LATENCY = {"p50_us": "p50", "p99_us": "p99", "p999_us": "p99.9"}

Figures = dict[str, Any]  # one measurement: {"value": ..., and what herd-load reports}
Start = Callable[[pathlib.Path], Any]     # folder -> a Server that is ready, or None for a side without one
Measure = Callable[[Any, float], Figures]  # Server, seconds
MakeMeasure = Callable[..., Measure]


@dataclasses.dataclass
class Side:
    name: str
    start: Start
    measure: Measure
    needs: str = "herd-node"    # a program; without it the side is skipped


@dataclasses.dataclass
class Row:
    name: str
    title: str
    unit: str
    sides: list[Side]
    once: bool = False          # the servers are started anew for each round
    most: int = 100             # rounds at most
    # Figures of a side that are compared besides its value: {key: name}.
    compared: dict[str, str] = dataclasses.field(default_factory=lambda: OF_CPU)
    # Figures of a side that are shown and not compared: {key: name}.
    extras: dict[str, str] = dataclasses.field(default_factory=dict)


def has_instructions() -> bool:
    """Whether this machine counts the instructions of a process."""
    if not shutil.which("perf"):
        return False
    ran = subprocess.run(["perf", "stat", "-x,", "-e", "instructions:u", "true"], capture_output=True, text=True,
                         check=False)
    return bool(re.match(r"\d+,", ran.stderr))


def load_words(server: Server, mode: str, ports: Sequence[int], options: dict[str, Any]) -> list[str | pathlib.Path]:
    """The command line of herd-load."""
    words: list[str | pathlib.Path] = [sibling("herd-load"), mode]
    for port in ports:
        words += ["--to", f"127.0.0.1:{port}"]
    for pid in server.pids:
        words += ["--pid", str(pid)]
    for key, value in options.items():
        words.append("--" + key.replace("_", "-"))
        if value is not True:  # True: a flag
            words.append(str(value))
    return words


def load(server: Server, mode: str, ports: Sequence[int], counted: bool = False, **options: Any) -> Figures:
    """The report of one run of herd-load, with the rate as its value. `counted` adds user instructions per reply."""
    words = load_words(server, mode, ports, options)
    counts = server.folder / "instructions"
    if counted:
        words = ["perf", "stat", "-x,", "-o", counts, "-e", "instructions:u", "-p", ",".join(map(str, server.pids)),
                 "--", *words]
    before = kernel_ticks(server.pids)
    patience = LOAD_SECONDS + float(options.get("seconds", 0))
    try:
        ran = subprocess.run(words, capture_output=True, text=True, check=False, timeout=patience)
    except subprocess.TimeoutExpired:
        raise Trouble(f"herd-load did not end within {patience:.0f} s") from None
    if ran.returncode != 0:
        raise Trouble(ran.stderr.strip() or f"herd-load ended with status {ran.returncode}")
    figures = json.loads(ran.stdout)
    kernel, total = (after - then for after, then in zip(kernel_ticks(server.pids), before))
    figures["kernel_share"] = 100 * kernel / max(1, total)
    if counted and (found := re.search(r"^(\d+),", counts.read_text(), re.MULTILINE)):
        figures["instructions"] = int(found[1]) / max(1, figures["checked"])
    return figures | {"value": figures["rate"]}


def shape(mode: str, connections: int, depth: int, counted: bool, **more: Any) -> Measure:
    """Measures the rate of replies. `depth` is the number of commands in flight on each connection."""
    return lambda server, seconds: load(server, mode, server.ports[:1], counted, connections=connections, depth=depth,
                                        clients=CLIENTS, seconds=seconds, **more)


def wait_converged(server: Server, seconds: float = CONVERGE_SECONDS) -> None:
    wait_for(server.is_converged, "all nodes have the same records", seconds, POLL_SECONDS)


def herd(graph: Graph, ack: str = "memory", replicas: int = 0) -> Start:
    """Starts nodes and waits until they have read their places, which must not count in a measurement."""
    def start(folder: pathlib.Path) -> HerdServer:
        server = HerdServer(folder, graph, ack, replicas).start()
        load_places(server)
        return server
    return start


def redis(persistence: str = "no", replicas: int = 0) -> Start:
    return lambda folder: Redis(folder, persistence, replicas).start()


def bare(folder: pathlib.Path) -> Server:
    return Bare(folder).start()


def start_asked(folder: pathlib.Path, points: Sequence[tuple[str, str]]) -> HerdServer:
    """A node that knows a client at each of the points."""
    server: HerdServer = herd(ALONE)(folder)
    lines = []
    for i, (latitude, longitude) in enumerate(points):
        lines.append(f"IAMAT bench{i:08} {float(latitude):+f}{float(longitude):+f} {time.time():.9f}\n")
    # In parts that fit in the socket buffers of both sides, because the replies are read only after each part.
    for begin in range(0, len(lines), 500):
        send(server.ports[0], lines[begin:begin + 500])
    return server


def send(port: int, lines: Sequence[str], tls: bool = False) -> None:
    """Sends the lines; the reply to each must be an AT line."""
    with probe.connect(("127.0.0.1", port), 30, tls) as connection, connection.makefile("rb") as replies:
        connection.sendall("".join(lines).encode())
        for _ in lines:
            if not replies.readline().startswith(b"AT "):
                raise Trouble("a node did not answer with AT")


def load_places(server: HerdServer) -> None:
    """Returns when every node has unpacked its table of places; a node serves clients earlier than that."""
    send(server.ports[0], [f"IAMAT places +34.06-118.44 {time.time():.9f}\n"], server.speaks_tls)
    wait_converged(server, START_SECONDS)
    for port in server.ports:
        send(port, ["WHATSAT places 1 1\n"], server.speaks_tls)


def places_rows(counted: bool, folder: pathlib.Path) -> list[Row]:
    """Both sides answer for the same points, from the same places."""
    points_path = folder / "points"

    def drawn() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """(points, all places); herd-load reads the points from a file."""
        table = places()
        points = random.Random(1).sample([point for point in table if abs(float(point[0])) < 85], ASKED)
        points_path.write_text("".join(f"{latitude} {longitude}\n" for latitude, longitude in points))
        return points, table

    def start_herd(own: pathlib.Path) -> HerdServer:
        return start_asked(own, drawn()[0])

    def start_redis(own: pathlib.Path) -> Redis:
        _, table = drawn()
        server = Redis(own).start()
        server.add_points(table)
        return server

    def sides(connections: int, depth: int) -> list[Side]:
        asked = {"points": points_path, "radius": 10, "results": 20}
        return [Side("herd WHATSAT, with JSON", start_herd, shape("whatsat", connections, depth, counted, **asked)),
                Side("redis GEOSEARCH", start_redis, shape("geosearch", connections, depth, counted, **asked),
                     "redis-server")]

    return [
        Row("places", "WHATSAT 10 km, at most 20, against GEOSEARCH COUNT 20 ASC of the same places; 50 x 16",
            "replies/s", sides(50, 16)),
        Row("places-one", "the same, one connection, one query at a time", "replies/s", sides(1, 1),
            compared=OF_CPU | {"p50_us": "p50"})]


def memory(mode: str) -> Measure:
    def measure(server: Server, _seconds: float) -> Figures:
        before = resident_bytes(server.pids[0])
        figures = load(server, mode, server.ports[:1], connections=50, depth=16, clients=CLIENTS, count=CLIENTS,
                       id_bytes=ID_BYTES)
        return figures | {"value": (resident_bytes(server.pids[0]) - before) / CLIENTS}
    return measure


def silent_report(number: int) -> bytes:
    return b"IAMAT silent%d +1+1 1.0\n" % number


def connections(command: Callable[[int], bytes], most: int = CONNECTIONS) -> Measure:
    """Memory of each of many connections that have sent one command, got its reply and are idle. They speak TLS if the
    server does."""
    def measure(server: Server, seconds: float) -> Figures:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        count = min(most if seconds >= 0.5 else most // 20, hard - 200)  # fewer for a smoke test
        context = probe.tls_context()
        opened: list[socket.socket] = []
        before = resident_bytes(server.pids[0])
        try:
            for i in range(count):
                plain = socket.create_connection(("127.0.0.1", server.ports[0]), 10)
                opened.append(context.wrap_socket(plain) if server.speaks_tls else plain)
                opened[-1].sendall(command(i))
                if not opened[-1].recv(200):
                    raise Trouble(f"connection {i + 1} of {count} was closed")
            return {"value": (resident_bytes(server.pids[0]) - before) / count, "connections": count}
        finally:
            for connection in opened:
                connection.close()
    return measure


def longest_turn(clients: int) -> Measure:
    """The longest loop iteration of 256 commands."""
    def measure(tool: LongestTurn, _seconds: float) -> Figures:
        ran = subprocess.run([tool.program, str(clients)], capture_output=True, text=True, check=True)
        figures = json.loads(ran.stdout)
        return figures | {"value": figures["longest_ms"]}
    return measure


def durable_rows(of: MakeMeasure) -> list[Row]:
    return [
        Row("write", "one node, 50 x 16, updates survive the end of the process", "replies/s", [
            Side("herd write", herd(ALONE, "write"), of("iamat")),
            Side("redis SET, AOF everysec", redis("everysec"), of("set"), "redis-server")]),
        Row("fsync", "the same, updates survive a failure of the machine", "replies/s", [
            Side("herd fsync", herd(ALONE, "fsync"), of("iamat")),
            Side("redis SET, AOF always", redis("always"), of("set"), "redis-server")]),
        Row("replicas", "the same, updates are also on a second server", "replies/s", [
            Side("herd write, replicas 1", herd(PAIR, "write", 1), of("iamat")),
            Side("redis SET, AOF, WAIT 1 a batch", redis("everysec", 1), of("set", wait=1), "redis-server")]),
    ]


def closed_row(of: MakeMeasure, name: str, count: int, words: str) -> Row:
    return Row(name, f"{words}, one command at a time on each, memory", "replies/s", [
        Side("herd memory", herd(ALONE), of("iamat", count, 1)),
        Side("redis SET", redis(), of("set", count, 1), "redis-server"),
        Side("bare AT server", bare, of("iamat", count, 1))], compared=OF_CPU | OF_LATENCY, extras=OF_KERNEL)


def rate_of(counted: bool) -> MakeMeasure:
    """Makes measures of a rate, with 50 connections of 16 commands in flight unless they are given."""
    def of(mode: str, count: int = 50, depth: int = 16, **more: Any) -> Measure:
        return shape(mode, count, depth, counted, **more)
    return of


def rate_rows(counted: bool) -> list[Row]:
    """Rows with herd-load's rate as their value."""
    of = rate_of(counted)
    return [
        Row("alone", "one node alone, 50 connections of 16 in flight, memory", "replies/s", [
            Side("herd memory", herd(ALONE), of("iamat")),
            Side("redis SET", redis(), of("set"), "redis-server"),
            Side("redis GEOADD", redis(), of("geoadd"), "redis-server"),
            Side("bare AT server", bare, of("iamat"))], extras=OF_KERNEL),
        *durable_rows(of),
        Row("deep", "one node alone, 50 connections of 64 in flight, memory", "replies/s", [
            Side("herd memory", herd(ALONE), of("iamat", depth=64)),
            Side("redis SET", redis(), of("set", depth=64), "redis-server")]),
        closed_row(of, "closed", 1, "one connection"),
        closed_row(of, "closed-50", 50, "50 connections"),
    ]


def resource_rows() -> list[Row]:
    """What one node uses and how fast it starts."""
    return [
        Row("rss", f"resident memory for {CLIENTS:,} clients with ids of {ID_BYTES} bytes, less that without clients",
            "bytes/client", [
                Side("herd", herd(ALONE), memory("iamat")),
                Side("redis SET", redis(), memory("set"), "redis-server"),
                Side("redis GEOADD", redis(), memory("geoadd"), "redis-server")], once=True, most=2),
        Row("connections", f"resident memory for each of {CONNECTIONS:,} silent connections", "bytes", [
            Side("herd", herd(ALONE), connections(silent_report)),
            Side("redis", redis(), connections(lambda i: b"SET silent%d +1+1\r\n" % i), "redis-server")],
            once=True, most=2),
        Row("turn", "processor time of the longest loop iteration of 256 commands, growing from 0 to 10,000,000"
            " clients", "ms", [
                Side("herd's replica", lambda folder: LongestTurn(folder).start(), longest_turn(10_000_000))], most=2,
            extras={"p999_ms": "99.9 % of iterations, ms", "p50_ms": "half of iterations, ms"}),
        Row("start-one", "one node with no peers and nothing in its journal, from its start until it is ready", "ms", [
            Side("herd", lambda folder: HerdServer(folder, ALONE, "write").start(),
                 lambda server, _seconds: {"value": 1000 * server.start_seconds})], once=True),
    ]
