"""Comparing stores, which finds what cursors cannot notice: a herd under full load fetches nothing by it, and a record that
was changed on its way, so that every sum of the message was right, comes to be known at both ends and is counted."""
import json
import pathlib
import subprocess
import threading

import pytest
import xxhash
import zmq

from herd_fixture import BINARY, FIVE, LONG, Herd, line, wait_for
from herd_lab.ports import Ports
from talk import fresh

ROUND_SECONDS = 60  # from one round to the next at most, docs/PROTOCOL.md (Digests)
LOAD = pathlib.Path(BINARY).with_name("herd-load")


class Liar:
    """Between a node and its peer, in that direction: says what it hears, but one word in place of another while it lies,
    and so that the check of the message is right."""

    def __init__(self, port, onward, word, other):
        self.word, self.other = word, other
        self.lies = 0
        self.lying = True
        self.context = zmq.Context()
        self.context.linger = 0
        self.hears = self.context.socket(zmq.ROUTER)
        self.hears.bind(f"tcp://127.0.0.1:{port}")
        self.speaks = self.context.socket(zmq.DEALER)
        self.speaks.connect(f"tcp://127.0.0.1:{onward}")
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.ended.is_set():
            if self.hears.poll(50):
                *frames, check = self.hears.recv_multipart()[1:]
                if self.lying and any(self.word in frame for frame in frames):
                    self.lies += 1
                    frames = [frame.replace(self.word, self.other) for frame in frames]
                    check = check_of(frames)
                self.speaks.send_multipart([*frames, check])

    def end(self):
        self.ended.set()
        self.thread.join()
        self.context.destroy()


def check_of(frames):
    """docs/PROTOCOL.md, Messages"""
    check = 0
    for frame in frames:
        check = xxhash.xxh3_64_intdigest(frame, seed=check)
    return check.to_bytes(8, "little")


def test_a_record_that_was_changed_on_its_way_is_found_fetched_and_counted():
    ports = Ports()
    between = ports.take()
    herd = Herd(line(2), ports=ports, bus_public={("n0", "n1"): between}, log_level="info")
    n0, n1 = herd
    liar = Liar(between, n1.bus_port, b"planted", b"changed")
    try:
        herd.start()
        herd.wait_linked()
        assert n0.say("IAMAT planted +1+1 5").startswith("AT n0 ")
        wait_for(lambda: n1.knows("changed"), "n1 has heard it")
        liar.lying = False
        assert liar.lies == 1 and n1.knows("planted") is None and n0.knows("changed") is None
        wait_for(lambda: n1.knows("planted") and n0.knows("changed"), "each has fetched what it lacked", ROUND_SECONDS + 20)
        herd.wait_converged(clients=2)
        for node, peer in ((n0, "n1"), (n1, "n0")):
            wait_for(lambda: fresh(node)["counters"]["bus_divergences_healed"] == 1, "it is counted")
            node.wait_log(f"event=divergence_healed peer={peer} records=1 ")
    finally:
        herd.close()
        liar.end()


@pytest.mark.skipif(not LONG, reason="long: ./scripts/test --long")
def test_a_herd_under_full_load_compares_and_fetches_nothing(make_herd):
    herd = make_herd(FIVE, log_level="info")
    herd.wait_linked()
    servers = [word for node in herd for word in ("--to", f"127.0.0.1:{node.clients_port}")]
    done = subprocess.run([LOAD, "iamat", *servers, "--clients", "100000", "--seconds", str(ROUND_SECONDS + 10)],
                          stdout=subprocess.PIPE, check=True)
    loaded = json.loads(done.stdout)
    counters = [fresh(node)["counters"] for node in herd]
    print(loaded, counters)
    assert loaded["replies"] > 1_000_000
    links = 2 * sum(map(len, FIVE.values()))
    assert sum(counter["bus_digest_rounds"] for counter in counters) >= links  # each end of each has begun one
    assert all(counter["bus_buckets_pulled"] == counter["bus_divergences_healed"] == 0 for counter in counters)
