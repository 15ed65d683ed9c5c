"""Tests reconciliation, which finds differences that cursors cannot notice. A herd under full load fetches nothing by
it. A record that was changed on its way, with right checksums, reaches both ends and is counted."""
from __future__ import annotations

import contextlib
import json
import pathlib
import subprocess
import threading
from collections.abc import Iterator, Sequence

import pytest
import xxhash
import zmq

from herd_fixture import BINARY, FIVE, LONG, Herd, MakeHerd, line, wait_for
from herd_lab.ports import Ports
from talk import fresh

ROUND_SECONDS = 60  # between two rounds, at most: docs/PROTOCOL.md (Digests)
LOAD = pathlib.Path(BINARY).with_name("herd-load")


class Liar:
    """A proxy from a node to its peer. While it lies, it replaces one word by another, with the right checksum."""

    def __init__(self, receiver: zmq.Socket[bytes], sender: zmq.Socket[bytes], word: bytes, other: bytes):
        self.receiver = receiver
        self.sender = sender
        self.word = word
        self.other = other
        self.lies = 0
        self.lying = True
        self.ended = threading.Event()

    @classmethod
    @contextlib.contextmanager
    def start(cls, port: int, onward: int, word: bytes, other: bytes) -> Iterator[Liar]:
        """Within the context it listens on `port`, sends to the port `onward`, and replaces `word` by `other`."""
        context = zmq.Context()
        context.linger = 0
        receiver = context.socket(zmq.ROUTER)
        receiver.bind(f"tcp://127.0.0.1:{port}")
        sender = context.socket(zmq.DEALER)
        sender.connect(f"tcp://127.0.0.1:{onward}")
        liar = cls(receiver, sender, word, other)
        thread = threading.Thread(target=liar.run)
        thread.start()
        try:
            yield liar
        finally:
            liar.ended.set()
            thread.join()
            context.destroy()

    def run(self) -> None:
        while not self.ended.is_set():
            if self.receiver.poll(50):
                *frames, checksum = self.receiver.recv_multipart()[1:]
                if self.lying and any(self.word in frame for frame in frames):
                    self.lies += 1
                    frames = [frame.replace(self.word, self.other) for frame in frames]
                    checksum = checksum_of(frames)
                self.sender.send_multipart([*frames, checksum])


def checksum_of(frames: Sequence[bytes]) -> bytes:
    """docs/PROTOCOL.md, Messages"""
    checksum = 0
    for frame in frames:
        checksum = xxhash.xxh3_64_intdigest(frame, seed=checksum)
    return checksum.to_bytes(8, "little")


def test_a_record_that_was_changed_on_its_way_is_found_fetched_and_counted() -> None:
    ports = Ports.claim()
    between = ports.take()
    herd = Herd.for_test(line(2), ports=ports, bus_public={("n0", "n1"): between}, log_level="info")
    n0, n1 = herd
    with Liar.start(between, n1.bus_port, b"planted", b"changed") as liar, contextlib.closing(herd):
        herd.start()
        herd.wait_linked()
        assert n0.say("IAMAT planted +1+1 5").startswith("AT n0 ")
        wait_for(lambda: n1.knows("changed"), "n1 received it")
        liar.lying = False
        assert liar.lies == 1 and n1.knows("planted") is None and n0.knows("changed") is None
        wait_for(lambda: n1.knows("planted") and n0.knows("changed"), "each node fetched the missing record",
                 ROUND_SECONDS + 20)
        herd.wait_converged(clients=2)
        for node, peer in ((n0, "n1"), (n1, "n0")):
            wait_for(lambda: fresh(node)["counters"]["bus_divergences_healed"] == 1, "it is counted")
            node.wait_log(f"event=divergence_healed peer={peer} records=1 ")


@pytest.mark.skipif(not LONG, reason="long: ./scripts/test --long")
def test_a_herd_under_full_load_compares_and_fetches_nothing(make_herd: MakeHerd) -> None:
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
    assert sum(counter["bus_digest_rounds"] for counter in counters) >= links  # each end of each link has begun one
    assert all(counter["bus_buckets_pulled"] == counter["bus_divergences_healed"] == 0 for counter in counters)
