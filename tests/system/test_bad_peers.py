"""Strangers and broken peers at the bus: of another version or herd, speaking nonsense, of another life. Each is refused
with one clear line and its reason, and the other nodes are undisturbed."""
import contextlib
import itertools
import re
import socket
import time

import msgpack
import pytest
import xxhash
import zmq

from herd_fixture import Herd, line, wait_for
from talk import fresh, read_all

HELLO, WELCOME, BATCH, ACK = 1, 2, 3, 4  # docs/PROTOCOL.md


class Impostor:
    """Speaks to n0's bus as its peer n1, which does not run: a ROUTER to hear, a DEALER to speak. Each has a life and a
    feed of its own."""

    lives = itertools.count(1)

    def __init__(self, herd):
        self.life = next(self.lives)
        self.feed = 1000 + self.life
        self.context = zmq.Context()
        self.context.linger = 0
        self.hears = self.context.socket(zmq.ROUTER)
        self.hears.bind(f"tcp://127.0.0.1:{herd['n1'].bus_port}")
        self.speaks = self.context.socket(zmq.DEALER)
        self.speaks.connect(f"tcp://127.0.0.1:{herd['n0'].bus_port}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.destroy()

    def send(self, *frames):
        """What a node would send of these frames: the check comes last."""
        check = 0
        for frame in frames:
            check = xxhash.xxh3_64_intdigest(frame, seed=check)
        self.send_raw(*frames, check.to_bytes(8, "little"))

    def send_raw(self, *frames):
        self.speaks.send_multipart(frames)

    def say(self, *header, body=None):
        self.send(*(msgpack.packb(part) for part in (header, body) if part is not None))

    def hello(self, versions=(2, 2), herd="local", node="n1", life=None, more=()):
        life = self.life if life is None else life
        self.say(HELLO, *versions, herd, node, life, self.feed, 1, time.time_ns(), False, 0, *more)

    def batch(self, life, span, *updates):
        self.say(BATCH, self.life, life, 1, *span, 0, 0, body=[[["n1", self.life]], updates])

    def hear(self, kind, seconds=10):
        """The fields of the next message of that type."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self.hears.poll(int(left * 1000)):
                header = msgpack.unpackb(self.hears.recv_multipart()[1])
                if header[0] == kind:
                    return header
        return pytest.fail(f"no message {kind} within {seconds} s")

    def meet(self):
        """Says HELLO; the node's life, once it has welcomed this one."""
        self.hello()
        while (welcome := self.hear(WELCOME))[2:4] != [self.life, self.feed]:
            pass
        return welcome[1]


@pytest.fixture(scope="module", name="three")
def three_nodes_of_which_n1_is_missing():
    herd = Herd({"n0": ["n1", "n2"], "n1": [], "n2": []}, settings={"http": {"ready_timeout": "0s"}})
    herd["n0"].start()
    herd["n2"].start()
    herd.wait_linked()
    yield herd
    herd.close()


@pytest.fixture(name="herd")
def undisturbed(three):
    yield three
    told = three["n2"].say(f"IAMAT undisturbed +1+1 {time.time():.6f}")
    wait_for(lambda: three["n0"].knows("undisturbed") == told.rstrip("\n"), "the other link works")
    assert three["n0"].status()["links"]["n2"]["state"] == "up"
    assert "link_lost peer=n2" not in three["n0"].log()


@pytest.mark.parametrize("hello, reason", [
    ({"versions": (3, 4)},
     "it speaks versions 3 to 4 of the bus protocol, this node 2: upgrade n0 to the release of n1"),
    ({"versions": (1, 1)}, "it speaks version 1 of the bus protocol, this node 2: upgrade n1 to this release"),
    ({"herd": "other"}, "it belongs to herd 'other', this node to 'local'"),
    ({"node": "n9"}, "it is no configured peer of this node"),
    ({"node": "n0"}, "it is no configured peer of this node"),
    ({"node": "n 1"}, "a name is not"),
    ({"life": 0}, "its HELLO has no incarnation"),
], ids=["newer", "older", "herd", "stranger", "itself", "name", "life"])
def test_a_peer_that_does_not_fit_is_refused_with_the_reason_and_one_that_fits_is_heard(make_herd, hello, reason):
    herd = make_herd(line(2), start=False, settings={"http": {"ready_timeout": "0s"}})
    herd["n0"].start()
    with Impostor(herd) as peer:
        peer.hello(**hello)
        wait_for(lambda: re.search(f"warning n0 event=peer_refused .*{re.escape(reason)}", herd["n0"].log()), reason)
        assert herd["n0"].status()["links"]["n1"]["state"] == "down"
        peer.hello(versions=(2, 3))  # a newer one that still speaks version 2
        assert peer.hear(WELCOME)[2:5] == [peer.life, peer.feed, 0]


def test_nothing_but_hello_is_listened_to_before_one(herd):
    before = fresh(herd["n0"])["counters"]["bus_messages_refused"]
    early = 0, 1, 0, "early", "+1+1", "5", 0
    with Impostor(herd) as peer:
        life = peer.hear(HELLO)[5]
        peer.batch(life, (0, 1), early)
        wait_for(lambda: herd["n0"].counter("bus_messages_refused") == before + 1, "it is refused")
        assert herd["n0"].knows("early") is None
        peer.hello()
        peer.batch(life, (0, 1), early)
        wait_for(lambda: herd["n0"].knows("early") == "AT n1 +0.000000000 early +1+1 5", "now it is")


def test_what_is_meant_for_another_life_is_not_used(herd):
    with Impostor(herd) as peer:
        life = peer.meet()
        peer.batch(life + 1, (0, 1), [0, 1, 0, "other-life", "+1+1", "5", 0])
        assert peer.hear(WELCOME)[1:5] == [life, peer.life, peer.feed, 0]
        assert herd["n0"].knows("other-life") is None


def test_a_gap_is_merged_all_the_same_and_answered_with_where_to_go_on(herd):
    with Impostor(herd) as peer:
        life = peer.meet()
        peer.batch(life, (5, 6), [0, 6, 0, "behind-a-gap", "+1+1", "5", 0])
        assert peer.hear(WELCOME)[4] == 0
        assert herd["n0"].knows("behind-a-gap")


def test_updates_that_cannot_be_read_block_no_link(herd):
    good = [0, 9, 0, "good", "+1+1", "5", -1, "room to grow"]
    bad = [[0, 1, 0, "a b", "+1+1", "5", 0], [0, 2, 0, "lat", "+91+1", "5", 0], [0, 3, 0, "time", "+1+1", "x", 0],
           [1, 4, 0, "origin", "+1+1", "5", 0], [0, 5, 0, "short"], "text", [0, 6, 0, 7, "+1+1", "5", 0], {}, None,
           [0, -1, 0, "minus", "+1+1", "5", 0], [0, 7, 0, "", "+1+1", "5", 0], [0, 8, 0, "x" * 256, "+1+1", "5", 0]]
    before = fresh(herd["n0"])
    with Impostor(herd) as peer:
        life = peer.meet()
        peer.batch(life, (0, 5), *bad, good)
        assert peer.hear(ACK)[4] == 5
        after = fresh(herd["n0"])
        assert herd["n0"].knows("good") == "AT n1 -0.000000001 good +1+1 5"
        assert after["counters"]["bus_updates_unreadable"] == before["counters"]["bus_updates_unreadable"] + len(bad)
        assert after["clients"] == before["clients"] + 1
        peer.say(BATCH, peer.life, life, 1, 5, 6, 0, 0, body="no body")
        assert peer.hear(ACK)[4] == 6


def test_coordinates_of_a_peer_are_judged_as_a_clients(herd):
    digits = "1234567890" * 3
    good = [f"-89.{digits}-179.{digits}/", "+1+2/", "+90.000000000000000000000000000000-180/"]
    bad = [f"-89.{digits}1-179/", "+1+2//", "+90.000000000000000000000000000001+0/", "+1e0+2/"]
    before = fresh(herd["n0"])["counters"]["bus_updates_unreadable"]
    with Impostor(herd) as peer:
        life = peer.meet()
        peer.batch(life, (0, 7), *([0, n + 1, 0, f"judged-{n}", text, "5", 0] for n, text in enumerate(good + bad)))
        assert peer.hear(ACK)[4] == 7
        assert [herd["n0"].knows(f"judged-{n}") for n in range(7)] == [
            f"AT n1 +0.000000000 judged-{n} {text} 5" for n, text in enumerate(good)] + [None] * len(bad)
        assert fresh(herd["n0"])["counters"]["bus_updates_unreadable"] == before + len(bad)


def test_what_a_later_version_may_say_is_passed_over(herd):
    before = fresh(herd["n0"])["counters"]["bus_messages_unknown"]
    with Impostor(herd) as peer:
        peer.meet()
        peer.say(77, "a type of the future")
        peer.hello(more=("room", "to grow"))
        peer.hear(WELCOME)
        assert fresh(herd["n0"])["counters"]["bus_messages_unknown"] == before + 1


@pytest.mark.parametrize("frames", [
    [b""], [b"\xc1"], [b"nonsense"], [b"\x91" * 100_000], [b"\xdd\xff\xff\xff\xff"], [msgpack.packb([])],
    [msgpack.packb({"a": 1})], [msgpack.packb(["x"])], [msgpack.packb([-1])], [msgpack.packb([1])], [b"\x93\x01"],
    [msgpack.packb([8, 1, 2]) + b"behind"], [b"\x93\x03", b"\xff" * 60_000]],
    ids=lambda frames: frames[0][:8].hex() + f"x{len(frames)}")
def test_nonsense_is_refused_and_counted(herd, frames):
    before = fresh(herd["n0"])["counters"]["bus_messages_refused"]
    with Impostor(herd) as peer:
        peer.meet()
        peer.send(*frames)
        wait_for(lambda: herd["n0"].counter("bus_messages_refused") == before + 1, "it is refused")
        peer.meet()  # it is still heard


def damaged(header, body):
    """A message whose check is right, and what may become of it."""
    check = xxhash.xxh3_64_intdigest(body, seed=xxhash.xxh3_64_intdigest(header)).to_bytes(8, "little")
    turned = bytes([body[0], body[1] ^ 1]) + body[2:]
    return [[header, turned, check], [header, body, check[:-1]], [header, check], [header, body], [header], [check],
            [header, body, check, header, body, check], [b""] * 50, [body, header, check]]


def test_what_was_damaged_on_its_way_is_dropped_and_counted(herd):
    with Impostor(herd) as peer:
        life = peer.meet()
        before = fresh(herd["n0"])["counters"]["bus_messages_damaged"]
        header = msgpack.packb([BATCH, peer.life, life, 1, 0, 1, 0, 0])
        body = msgpack.packb([[["n1", peer.life]], [[0, 1, 0, "damaged", "+1+1", "5", 0]]])
        cases = damaged(header, body)
        for frames in cases:
            peer.send_raw(*frames)
        wait_for(lambda: herd["n0"].counter("bus_messages_damaged") == before + len(cases), "all are dropped")
        assert herd["n0"].knows("damaged") is None
        peer.send(header, body)
        assert peer.hear(ACK)[4] == 1 and herd["n0"].knows("damaged")


def test_a_message_that_is_too_long_costs_its_connection_and_nothing_else(herd):
    with Impostor(herd) as peer:
        events = peer.speaks.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        peer.meet()
        peer.send(b"x" * 10_000_000)
        assert events.poll(10_000), "the connection ends"
        peer.meet()  # by a new one


def test_strangers_at_the_bus_port_are_thrown_out(herd):
    said = {"http": b"GET / HTTP/1.1\r\nHost: herd\r\n\r\n", "silence": b"", "half": b"\xff" + b"\0" * 8 + b"\x7f",
            "line": b"IAMAT stranger +1+1 5\n", "ff": b"\xff" * 100_000}
    strangers = {kind: socket.create_connection(("127.0.0.1", herd["n0"].bus_port), timeout=20) for kind in said}
    for kind, stranger in strangers.items():
        with stranger, contextlib.suppress(ConnectionError):  # a reset is an end as well
            stranger.sendall(said[kind])
            read_all(stranger)
    assert herd["n0"].knows("stranger") is None


def test_a_peer_that_speaks_zeromq_to_the_clients_port_is_no_client(herd):
    context = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    dealer.connect(f"tcp://127.0.0.1:{herd['n0'].clients_port}")
    wait_for(lambda: herd["n0"].status()["connections"] == 1, "it is connected")
    context.destroy(linger=0)
    wait_for(lambda: herd["n0"].status()["connections"] == 0, "it is gone")
