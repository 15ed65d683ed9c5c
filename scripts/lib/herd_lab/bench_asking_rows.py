"""The rows of clients that ask for clients and watch them: how much that costs a node, beside Redis with the same
clients at the same places."""
from __future__ import annotations

import concurrent.futures
import dataclasses
import pathlib
import resource
import statistics
import subprocess
import time
from typing import Any

from herd_ctl import probe
from herd_ctl.graphs import FIVE
from herd_ctl.trouble import Trouble

from .bench_herd_rows import PROBE_BASE, ends, hop, nats
from .bench_rows import ALONE, OF_CPU, Figures, Measure, Row, Side, Start, herd, load, load_words
from .bench_servers import HerdServer, Redis, Server
from .processes import cpu_seconds, resident_bytes

RESULTS = 20
BOX_RESULTS = 100
UPDATES_PER_SECOND = 50_000  # beside questions: a part of what either side can take
QUESTIONS_PER_SECOND = 1_000
REPORTS_PER_SECOND = 50      # of each client that all watchers watch: more lines than a node can send
PROBES_PER_SECOND = 5_000    # reports of other clients while a node builds its index
PROBE_SECONDS = 0.3          # of each of their measurements
OF_MEMORY = {"resident_mb": "resident memory, MB"}
EVENT_IS_CERTAIN = 10_000  # with more than this number of reports x circles / clients, no event at all is a fault
QUICK = 100  # a quick run has a hundredth of the clients, circles and watchers


@dataclasses.dataclass(frozen=True)
class Fleet:
    """Clients that move, of which some are in cities (tests/bench/load/fleet.hpp)."""

    clients: int
    cities: int
    in_cities: int

    @property
    def options(self) -> dict[str, Any]:
        """Of herd-load."""
        return dataclasses.asdict(self)


def with_memory(server: Server, figures: Figures) -> Figures:
    return figures | {"resident_mb": sum(map(resident_bytes, server.pids)) / 1e6}


def ask_once(server: Server) -> float:
    """Asks a question, for which the node builds its index if it has none. Returns the seconds until the answer."""
    began = time.monotonic()
    answer = probe.exchange(("127.0.0.1", server.ports[0]), b"NEAR +0+0 0 1\n", lambda text: text.endswith(b"\n"),
                            began + 60)
    if not answer.startswith((b"END ", b"IS ")):
        raise Trouble(f"the node does not answer NEAR: {answer[:100]!r}")
    return time.monotonic() - began


def report_all(server: Server, mode: str, fleet: Fleet) -> None:
    load(server, mode, server.ports[:1], connections=50, depth=16, count=fleet.clients, **fleet.options)


def start_herd(fleet: Fleet, asked: bool = True) -> Start:
    """A node that knows the fleet. If `asked`, it has its index."""
    def start(folder: pathlib.Path) -> HerdServer:
        # Without the embedded places, which are no part of what is measured here.
        server = HerdServer(folder, ALONE, settings={"places": {"providers": ["google"]}}).start()
        report_all(server, "iamat", fleet)
        if asked:
            ask_once(server)
        return server
    return start


def start_redis(fleet: Fleet) -> Start:
    def start(folder: pathlib.Path) -> Redis:
        server = Redis(folder).start()
        report_all(server, "geoadd", fleet)
        return server
    return start


def ask(mode: str, fleet: Fleet, radius: int, results: int) -> Measure:
    """Questions per second on 10 connections with 4 in flight on each."""
    def measure(server: Server, seconds: float) -> Figures:
        return with_memory(server, load(server, mode, server.ports[:1], connections=10, depth=4, seconds=seconds,
                                        radius=radius, results=results, **fleet.options))
    return measure


def ask_beside_updates(mode: str, updates: str, fleet: Fleet) -> Measure:
    """The p99 of a fixed rate of questions, while clients report at a fixed rate. The server's processor time of a
    question is that of both, minus that of the reports alone just before."""
    def measure(server: Server, seconds: float) -> Figures:
        words = load_words(server, updates, server.ports[:1], {
            "connections": 10, "depth": 64, "seconds": 600, "rate": UPDATES_PER_SECOND, **fleet.options})
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as background:
            try:
                time.sleep(1)  # it makes its fleet
                cpu, began = cpu_seconds(server.pids), time.monotonic()
                time.sleep(max(seconds, 0.5))
                alone = (cpu_seconds(server.pids) - cpu) / (time.monotonic() - began)
                figures = load(server, mode, server.ports[:1], connections=10, depth=4, seconds=max(seconds, 0.5),
                               rate=QUESTIONS_PER_SECOND, radius=10, results=RESULTS, **fleet.options)
                if background.poll() is not None:
                    raise Trouble("the reports beside the questions ended too early")
            finally:
                background.terminate()
        figures["server_us"] -= alone * 1e6 / max(1.0, figures["rate"])
        if figures["rate"] < 0.9 * QUESTIONS_PER_SECOND:  # the cores are not enough: the reports were slower, too
            figures.pop("server_us")
        return with_memory(server, figures | {"value": figures["p99_us"]})
    return measure


def reports(mode: str, fleet: Fleet, asked: bool = False, **more: Any) -> Measure:
    """Reports of moving clients per second. If `asked`, the node has its index."""
    def measure(server: Server, seconds: float) -> Figures:
        if asked:
            ask_once(server)
        figures = load(server, mode, server.ports[:1], connections=50, depth=16, seconds=seconds, **fleet.options,
                       **more)
        if figures["replies"] * more.get("watches", 0) > EVENT_IS_CERTAIN * fleet.clients and not figures["events"]:
            raise Trouble("no event came of the circles that are watched")
        return with_memory(server, figures | {"events_a_report": figures["events"] / max(1, figures["replies"])})
    return measure


def probes(server: Server, seconds: float) -> Figures:
    """Reports of a few clients of their own, at a low rate: how long others wait."""
    return load(server, "iamat", server.ports[:1], connections=10, depth=1, clients=1000, client_base=PROBE_BASE,
                rate=PROBES_PER_SECOND, seconds=seconds, warm_up=0)


def first_question(server: HerdServer, seconds: float) -> Figures:
    """The seconds until the first question is answered, for which the node builds its index. The percentiles are those
    of the reports of others in that time, the quiet ones of the reports before: medians of short measurements."""
    quiet = [probes(server, PROBE_SECONDS) for _ in range(max(1, round(seconds / PROBE_SECONDS)))]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask_once, server)
        beside = [probes(server, PROBE_SECONDS)]
        while not asked.done():
            beside.append(probes(server, PROBE_SECONDS))
        answered = asked.result()
    status = server.statuses()[0]
    if status is None:
        raise Trouble("the node does not answer /status.json")
    queries = status["queries"]
    return with_memory(server, {
        "value": answered, "p99_us": statistics.median(each["p99_us"] for each in beside),
        "p999_us": statistics.median(each["p999_us"] for each in beside),
        "worst_us": max(each["p99_us"] for each in beside),
        "quiet_p99_us": statistics.median(each["p99_us"] for each in quiet),
        "quiet_p999_us": statistics.median(each["p999_us"] for each in quiet),
        "index_bytes": queries["index_bytes"] / queries["indexed_clients"]})


def start_for_watchers(watchers: int) -> Start:
    def start(folder: pathlib.Path) -> HerdServer:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return HerdServer(folder, ALONE, settings={"places": {"providers": ["google"]},
                                                   "clients": {"max_connections": watchers + 100}}).start()
    return start


def fan_out(watchers: int, clients: int) -> Measure:
    """Lines per second to connections that all watch the same clients. Reports that come faster are conflated."""
    def measure(server: Server, seconds: float) -> Figures:
        figures = load(server, "iamat", server.ports[:1], connections=1, depth=clients, clients=clients,
                       seconds=seconds, rate=REPORTS_PER_SECOND * clients, watchers=watchers)
        lines = max(1, figures["events"])
        for key in ("server_us", "own_us"):  # of a line instead of a report
            figures[key] *= figures["replies"] / lines
        return with_memory(server, figures | {"value": lines / figures["seconds"],
                                              "sends": figures["event_reads"] / figures["seconds"]})
    return measure


def question_rows(scale: int) -> list[Row]:
    clients = 1_000_000 // scale
    world, city = Fleet(clients, 200, clients // 2), Fleet(clients, 1, clients // 10)

    def row(name: str, title: str, fleet: Fleet, radius: int) -> Row:
        return Row(name, f"NEAR, {RESULTS} of {clients:,} clients, {title}, and GEOSEARCH of the same", "replies/s", [
            Side("herd NEAR", start_herd(fleet), ask("near", fleet, radius, RESULTS)),
            Side("redis GEOSEARCH", start_redis(fleet), ask("geonear", fleet, radius, RESULTS), "redis-server")],
            extras=OF_MEMORY)
    first = [Fleet(count // scale, 200, count // scale // 2) for count in (1_000_000, 10_000_000)]
    return [
        Row("first-question", "until the first NEAR is answered, for which the node builds its index", "s", [
            Side(f"herd, {each.clients:,} clients", start_herd(each, asked=False), first_question) for each in first],
            once=True, most=3, compared={"p99_us": "p99 of others, us"}, extras=OF_MEMORY | {
                "worst_us": "p99 of the worst 0.3 s, us",
                "quiet_p99_us": "p99 before, us", "p999_us": "p99.9 of others, us",
                "quiet_p999_us": "p99.9 before, us", "index_bytes": "index, bytes a client"}),
        row("near", "10 km around points in 200 cities", world, 10),
        row("near-1km", "1 km around points in 200 cities", world, 1),
        row("near-city", f"10 km around points in a city of {city.in_cities:,}", city, 10),
        Row("near-loaded", f"{QUESTIONS_PER_SECOND:,} NEAR a second beside {UPDATES_PER_SECOND:,} reports, p99", "us", [
            Side("herd NEAR", start_herd(world), ask_beside_updates("near", "iamat", world)),
            Side("redis GEOSEARCH", start_redis(world), ask_beside_updates("geonear", "geoadd", world),
                 "redis-server")], compared=OF_CPU | {"p50_us": "p50"}, extras=OF_MEMORY),
        Row("within", f"WITHIN, {BOX_RESULTS} clients, 20 km by 20 km, and GEOSEARCH BYBOX ANY", "replies/s", [
            Side("herd WITHIN", start_herd(world), ask("within", world, 10, BOX_RESULTS)),
            Side("redis GEOSEARCH", start_redis(world), ask("geobox", world, 10, BOX_RESULTS), "redis-server")],
            extras=OF_MEMORY)]


def watch_rows(scale: int) -> list[Row]:
    clients = 1_000_000 // scale
    world = Fleet(clients, 200, clients // 2)
    circles = [count // scale for count in (100_000, 1_000)]
    watchers = 10_000 // scale
    more = OF_MEMORY | {"events_a_report": "events a report"}
    return [
        Row("index", f"IAMAT of {clients:,} moving clients, 50 x 16, with the index and without", "replies/s", [
            Side("herd, asked", start_herd(world), reports("iamat", world, asked=True)),
            Side("herd, not asked", start_herd(world, asked=False), reports("iamat", world)),
            Side("redis GEOADD", start_redis(world), reports("geoadd", world), "redis-server")], extras=OF_MEMORY),
        Row("watch", f"IAMAT of {clients:,} moving clients, 50 x 16, beside watches of circles of 1 km", "replies/s", [
            *(Side(f"herd, {count:,} circles", start_herd(world), reports("iamat", world, watches=count, radius=1))
              for count in circles),
            Side("herd, no watch", start_herd(world, asked=False), reports("iamat", world))],
            extras=more),
        Row("watch-hop", "from a report at Hill to the event at a watcher at Campbell, all idle", "us", [
            Side("herd of five, watched", herd(FIVE), hop(ends, "watch-hop")),
            Side("herd of five, asked", herd(FIVE), hop(ends)),
            Side("nats-servers, one hop", nats, hop(ends, "nats-hop"), "nats-server")],
            compared=OF_CPU | {"p99_us": "p99"}),
        Row("fan-out", f"{watchers:,} watchers of the same clients: a line of each client to each", "lines/s", [
            Side("herd, a client", start_for_watchers(watchers), fan_out(watchers, 1)),
            Side("herd, 16 clients", start_for_watchers(watchers), fan_out(watchers, 16))],
            extras=OF_MEMORY | {"sends": "sends a second, at least"})]


def asking_rows(quick: bool) -> list[Row]:
    scale = QUICK if quick else 1
    return question_rows(scale) + watch_rows(scale)
