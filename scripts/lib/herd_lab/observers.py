"""Watches a node as much as one may: subscribers of its monitor, programs that read its pages, and a Prometheus that
scrapes it often. A process of its own, so that its time is not that of a benchmark:

    python3 -m herd_lab.observers MONITOR-PORT HTTP-PORT TOPIC

Prints a line when each of them has got something, and runs until it is terminated.
"""
from __future__ import annotations

import http.client
import importlib
import sys
import threading
import time
from typing import Any

SUBSCRIBERS = 5
READERS = 10
READER_SECONDS = 0.1   # between two reads of /status.json by one reader
SCRAPE_SECONDS = 0.01


def read_page(port: int, path: str, period: float, first: threading.Barrier) -> None:
    """Reads the page again and again on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    waits = True
    while True:
        began = time.monotonic()
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")
        if waits:
            waits = False
            first.wait()
        time.sleep(max(0.0, period - (time.monotonic() - began)))


def main() -> None:
    monitor, port, topic = sys.argv[1:]
    zmq: Any = importlib.import_module("zmq")
    first = threading.Barrier(READERS + 2)
    pages = [("/status.json", READER_SECONDS)] * READERS + [("/metrics", SCRAPE_SECONDS)]
    for path, period in pages:
        threading.Thread(target=read_page, args=(int(port), path, period, first), daemon=True).start()
    context, poller = zmq.Context(), zmq.Poller()
    for _ in range(SUBSCRIBERS):
        viewer = context.socket(zmq.SUB)
        viewer.subscribe(topic)
        viewer.subscribe("herd.INFO.stats.")  # comes at once
        viewer.connect(f"tcp://127.0.0.1:{monitor}")
        viewer.poll(10_000)
        poller.register(viewer, zmq.POLLIN)
    first.wait()
    print("all observe", flush=True)
    while True:
        for viewer, _events in poller.poll():
            for _ in range(1_000):
                if not viewer.getsockopt(zmq.EVENTS) & zmq.POLLIN:
                    break
                viewer.recv_multipart(copy=False)


if __name__ == "__main__":
    main()
