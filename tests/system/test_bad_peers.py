"""Tests strangers and broken peers at the bus: of another version or herd, with invalid messages, of another
incarnation. Each is refused with one clear line that has the reason, and the other nodes are not disturbed."""
import contextlib
import re
import socket
import time
from collections.abc import Iterator
from typing import Any

import msgpack
import pytest
import xxhash
import zmq

from bus_peers import ACK, BATCH, HELLO, WELCOME, Impostor
from herd_fixture import Herd, MakeHerd, line, wait_for
from talk import fresh, read_all


@pytest.fixture(scope="module", name="three")
def three_nodes_of_which_n1_is_missing() -> Iterator[Herd]:
    herd = Herd.for_test({"n0": ["n1", "n2"], "n1": [], "n2": []}, settings={"http": {"ready_timeout": "0s"}})
    herd["n0"].start()
    herd["n2"].start()
    herd.wait_linked()
    yield herd
    herd.close()


@pytest.fixture(name="herd")
def undisturbed(three: Herd) -> Iterator[Herd]:
    yield three
    reply = three["n2"].say(f"IAMAT undisturbed +1+1 {time.time():.6f}")
    wait_for(lambda: three["n0"].knows("undisturbed") == reply.rstrip("\n"), "the other link works")
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
    ({"incarnation": 0}, "its HELLO has no incarnation"),
], ids=["newer", "older", "herd", "stranger", "itself", "name", "incarnation"])
def test_an_unsuitable_peer_is_refused_with_the_reason_and_a_suitable_one_is_accepted(
        make_herd: MakeHerd, hello: dict[str, Any], reason: str) -> None:
    herd = make_herd(line(2), start=False, settings={"http": {"ready_timeout": "0s"}})
    herd["n0"].start()
    with Impostor.start(herd) as peer:
        peer.hello(**hello)
        wait_for(lambda: re.search(f"warning n0 event=peer_refused .*{re.escape(reason)}", herd["n0"].log()), reason)
        assert herd["n0"].status()["links"]["n1"]["state"] == "down"
        peer.hello(versions=(2, 3))  # a newer one that still supports version 2
        assert peer.receive(WELCOME)[2:5] == [peer.incarnation, peer.feed, 0]


def test_messages_before_a_hello_are_ignored(herd: Herd) -> None:
    before = fresh(herd["n0"])["counters"]["bus_messages_refused"]
    early = 0, 1, 0, "early", "+1+1", "5", 0
    with Impostor.start(herd) as peer:
        incarnation = peer.receive(HELLO)[5]
        peer.batch(incarnation, (0, 1), early)
        wait_for(lambda: herd["n0"].counter("bus_messages_refused") == before + 1, "it is refused")
        assert herd["n0"].knows("early") is None
        peer.hello()
        peer.batch(incarnation, (0, 1), early)
        wait_for(lambda: herd["n0"].knows("early") == "AT n1 +0.000000000 early +1+1 5", "now it is")


def test_messages_for_another_incarnation_are_not_used(herd: Herd) -> None:
    with Impostor.start(herd) as peer:
        incarnation = peer.meet()
        peer.batch(incarnation + 1, (0, 1), [0, 1, 0, "other-incarnation", "+1+1", "5", 0])
        assert peer.receive(WELCOME)[1:5] == [incarnation, peer.incarnation, peer.feed, 0]
        assert herd["n0"].knows("other-incarnation") is None


def test_a_batch_after_a_gap_is_merged_and_answered_with_the_cursor(herd: Herd) -> None:
    with Impostor.start(herd) as peer:
        incarnation = peer.meet()
        peer.batch(incarnation, (5, 6), [0, 6, 0, "after-a-gap", "+1+1", "5", 0])
        assert peer.receive(WELCOME)[4] == 0
        assert herd["n0"].knows("after-a-gap")


def test_updates_that_cannot_be_decoded_do_not_block_the_link(herd: Herd) -> None:
    good = [0, 9, 0, "good", "+1+1", "5", -1, "room to grow"]
    bad = [[0, 1, 0, "a b", "+1+1", "5", 0], [0, 2, 0, "lat", "+91+1", "5", 0], [0, 3, 0, "time", "+1+1", "x", 0],
           [1, 4, 0, "origin", "+1+1", "5", 0], [0, 5, 0, "short"], "text", [0, 6, 0, 7, "+1+1", "5", 0], {}, None,
           [0, -1, 0, "minus", "+1+1", "5", 0], [0, 7, 0, "", "+1+1", "5", 0], [0, 8, 0, "x" * 256, "+1+1", "5", 0]]
    before = fresh(herd["n0"])
    with Impostor.start(herd) as peer:
        incarnation = peer.meet()
        peer.batch(incarnation, (0, 5), *bad, good)
        assert peer.receive(ACK)[4] == 5
        after = fresh(herd["n0"])
        assert herd["n0"].knows("good") == "AT n1 -0.000000001 good +1+1 5"
        assert after["counters"]["bus_updates_unreadable"] == before["counters"]["bus_updates_unreadable"] + len(bad)
        assert after["clients"] == before["clients"] + 1
        peer.say(BATCH, peer.incarnation, incarnation, 1, 5, 6, 0, 0, body="no body")
        assert peer.receive(ACK)[4] == 6


def test_coordinates_of_a_peer_are_validated_as_those_of_a_client(herd: Herd) -> None:
    digits = "1234567890" * 3
    good = [f"-89.{digits}-179.{digits}/", "+1+2/", "+90.000000000000000000000000000000-180/"]
    bad = [f"-89.{digits}1-179/", "+1+2//", "+90.000000000000000000000000000001+0/", "+1e0+2/"]
    before = fresh(herd["n0"])["counters"]["bus_updates_unreadable"]
    with Impostor.start(herd) as peer:
        incarnation = peer.meet()
        updates = [[0, n + 1, 0, f"judged-{n}", text, "5", 0] for n, text in enumerate(good + bad)]
        peer.batch(incarnation, (0, 7), *updates)
        assert peer.receive(ACK)[4] == 7
        assert [herd["n0"].knows(f"judged-{n}") for n in range(7)] == [
            f"AT n1 +0.000000000 judged-{n} {text} 5" for n, text in enumerate(good)] + [None] * len(bad)
        assert fresh(herd["n0"])["counters"]["bus_updates_unreadable"] == before + len(bad)


def test_fields_and_messages_of_a_later_version_are_ignored(herd: Herd) -> None:
    before = fresh(herd["n0"])["counters"]["bus_messages_unknown"]
    with Impostor.start(herd) as peer:
        peer.meet()
        peer.say(77, "a type of the future")
        peer.hello(more=("room", "to grow"))
        peer.receive(WELCOME)
        assert fresh(herd["n0"])["counters"]["bus_messages_unknown"] == before + 1


@pytest.mark.parametrize("frames", [
    [b""], [b"\xc1"], [b"nonsense"], [b"\x91" * 100_000], [b"\xdd\xff\xff\xff\xff"], [msgpack.packb([])],
    [msgpack.packb({"a": 1})], [msgpack.packb(["x"])], [msgpack.packb([-1])], [msgpack.packb([1])], [b"\x93\x01"],
    [msgpack.packb([8, 1, 2]) + b"extra"], [b"\x93\x03", b"\xff" * 60_000]],
    ids=lambda frames: frames[0][:8].hex() + f"x{len(frames)}")
def test_invalid_messages_are_refused_and_counted(herd: Herd, frames: list[bytes]) -> None:
    before = fresh(herd["n0"])["counters"]["bus_messages_refused"]
    with Impostor.start(herd) as peer:
        peer.meet()
        peer.send(*frames)
        wait_for(lambda: herd["n0"].counter("bus_messages_refused") == before + 1, "it is refused")
        peer.meet()  # its messages still arrive


def damaged(header: bytes, body: bytes) -> list[list[bytes]]:
    """A message with the right checksum, and damaged forms of it."""
    check = xxhash.xxh3_64_intdigest(body, seed=xxhash.xxh3_64_intdigest(header)).to_bytes(8, "little")
    turned = bytes([body[0], body[1] ^ 1]) + body[2:]
    return [[header, turned, check], [header, body, check[:-1]], [header, check], [header, body], [header], [check],
            [header, body, check, header, body, check], [b""] * 50, [body, header, check]]


def test_damaged_messages_are_dropped_and_counted(herd: Herd) -> None:
    with Impostor.start(herd) as peer:
        incarnation = peer.meet()
        before = fresh(herd["n0"])["counters"]["bus_messages_damaged"]
        header = msgpack.packb([BATCH, peer.incarnation, incarnation, 1, 0, 1, 0, 0])
        body = msgpack.packb([[["n1", peer.incarnation]], [[0, 1, 0, "damaged", "+1+1", "5", 0]]])
        cases = damaged(header, body)
        for frames in cases:
            peer.send_raw(*frames)
        wait_for(lambda: herd["n0"].counter("bus_messages_damaged") == before + len(cases), "all are dropped")
        assert herd["n0"].knows("damaged") is None
        peer.send(header, body)
        assert peer.receive(ACK)[4] == 1 and herd["n0"].knows("damaged")


def test_a_message_that_is_too_long_costs_its_connection_and_nothing_else(herd: Herd) -> None:
    with Impostor.start(herd) as peer:
        events = peer.speaks.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        peer.meet()
        peer.send(b"x" * 10_000_000)
        assert events.poll(10_000), "the connection ends"
        peer.meet()  # on a new connection


def test_strangers_at_the_bus_port_are_disconnected(herd: Herd) -> None:
    sent = {"http": b"GET / HTTP/1.1\r\nHost: herd\r\n\r\n", "silence": b"", "half": b"\xff" + b"\0" * 8 + b"\x7f",
            "line": b"IAMAT stranger +1+1 5\n", "ff": b"\xff" * 100_000}
    strangers = {kind: socket.create_connection(("127.0.0.1", herd["n0"].bus_port), timeout=20) for kind in sent}
    for kind, stranger in strangers.items():
        with stranger, contextlib.suppress(ConnectionError):  # a reset also ends the connection
            stranger.sendall(sent[kind])
            read_all(stranger)
    assert herd["n0"].knows("stranger") is None


def test_zeromq_at_the_clients_port_gets_no_service(herd: Herd) -> None:
    context = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    dealer.connect(f"tcp://127.0.0.1:{herd['n0'].clients_port}")
    wait_for(lambda: herd["n0"].status()["connections"] == 1, "it is connected")
    context.destroy(linger=0)
    wait_for(lambda: herd["n0"].status()["connections"] == 0, "it is gone")
