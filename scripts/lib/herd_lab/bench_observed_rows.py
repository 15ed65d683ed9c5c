"""The row of a node that is observed: what subscribers of the monitor, readers of the pages and scrapes cost it."""
from __future__ import annotations

import pathlib
import subprocess
import sys

from herd_ctl.trouble import Trouble

from .bench_rows import ALONE, CLIENTS, OF_KERNEL, Figures, Measure, Row, Side, load, load_places
from .bench_servers import HerdServer, Server
from .observers import READERS, SCRAPE_SECONDS, SUBSCRIBERS

LIBRARY = pathlib.Path(__file__).resolve().parents[1]


class ObservedServer(HerdServer):
    """A node with a monitor."""

    has_monitor = True


def start(folder: pathlib.Path) -> Server:
    server = ObservedServer(folder, ALONE).start()
    load_places(server)
    return server


def iamat(server: Server, seconds: float) -> Figures:
    return load(server, "iamat", server.ports[:1], connections=50, depth=16, clients=CLIENTS, seconds=seconds)


def observed(topic: str) -> Measure:
    """Measures reports while all observers run; the subscribers want this topic."""
    def measure(server: HerdServer, seconds: float) -> Figures:
        node = next(iter(server.herd))
        words = [sys.executable, "-m", "herd_lab.observers", str(node.monitor_port), str(node.http_port), topic]
        with subprocess.Popen(words, cwd=LIBRARY, stdout=subprocess.PIPE, text=True) as observers:
            try:
                assert observers.stdout is not None
                if not observers.stdout.readline():
                    raise Trouble("the observers of the node have ended: is python3-zmq installed?")
                return iamat(server, seconds)
            finally:
                observers.terminate()
    return measure


def observed_rows() -> list[Row]:
    words = f"{SUBSCRIBERS} subscribers, {READERS} readers of pages, a scrape every {SCRAPE_SECONDS * 1000:.0f} ms"
    return [Row("observed", f"one node alone, 50 connections of 16 in flight, beside {words}", "replies/s", [
        Side("herd, not observed", start, iamat),
        Side("herd, of one area", start, observed("herd.cell.9q5")),
        Side("herd, of all clients", start, observed("herd.INFO.client."))], extras=OF_KERNEL)]
