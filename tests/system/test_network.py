"""Tests networks that fail. A TCP proxy in each direction of each link cuts, silences, delays, damages and resets the
messages (scripts/lib/herd_lab/network.py). No acknowledged update is lost, links recover by themselves, and all nodes
converge."""
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from herd_fixture import BINARY, FIVE, LONG, Graph, Herd, ring, wait_for
from herd_lab import network as net
from herd_lab.faults import DESCRIPTORS
from herd_lab.plan import Outcome, make_plan
from herd_lab.ports import Ports
from herd_lab.prove import Trial
from talk import fresh

MINUTES = pytest.mark.skipif(not LONG, reason="long: ./scripts/test --long")
PAIR: Graph = {"n0": ["n1"], "n1": []}
HerdAndNetwork = tuple[Herd, net.Network]
THERE, BACK = ("n0", "n1"), ("n1", "n0")


@pytest.fixture(scope="module", name="herd_and_network")
def two_nodes_with_a_network_between_them() -> Iterator[HerdAndNetwork]:
    ports = Ports.claim()
    network = net.Network.of(PAIR, ports)
    herd = Herd.for_test(PAIR, ports=ports, bus_public=network.bus_public, log_level="info")
    network.start({node.name: node.bus_port for node in herd})
    herd.start()
    yield herd, network
    herd.close()
    network.end()


@pytest.fixture(name="pair")
def repaired_pair(herd_and_network: HerdAndNetwork) -> Iterator[HerdAndNetwork]:
    herd, network = herd_and_network
    herd.wait_linked()
    yield herd, network
    for lane in (THERE, BACK):
        network.set(lane, net.PASS)


def link(herd: Herd, node: str) -> str:
    other = "n1" if node == "n0" else "n0"
    return herd[node].status()["links"][other]["state"]


TIMES = itertools.count(1)


def report_to_both(herd: Herd) -> int:
    """Sends a newer report to each node; returns its time."""
    when = next(TIMES)
    for node in herd:
        assert node.say(f"IAMAT of-{node.name} +1+1 {when}").startswith("AT ")
    return when


def count_lost(herd: Herd) -> int:
    return sum(node.log().count("event=link_") - node.log().count("event=link_opened") for node in herd)


def all_know(herd: Herd, when: int) -> bool:
    return all((node.knows(f"of-{other.name}") or "").endswith(f" {when}") for node in herd for other in herd)


# Each fault once, on one link: how nodes report it, and that they recover.

@pytest.mark.parametrize("fault", [net.CUT, net.HALF_OPEN])
def test_a_link_that_fails_is_down_at_both_ends_and_comes_back_by_itself(
        pair: HerdAndNetwork, fault: str) -> None:
    herd, network = pair
    for lane in (THERE, BACK):
        network.set(lane, fault)
    wait_for(lambda: link(herd, "n0") == link(herd, "n1") == "down", "both see it")
    when = report_to_both(herd)
    for lane in (THERE, BACK):
        network.set(lane, net.PASS)
    herd.wait_linked(seconds=30)
    wait_for(lambda: all_know(herd, when), "each node has the report at the other")


@pytest.mark.parametrize("fault", [net.SILENT, pytest.param(net.HALF_OPEN, marks=MINUTES)])
def test_a_link_that_works_one_way_only_is_shown_as_half_and_comes_back_by_itself(
        pair: HerdAndNetwork, fault: str) -> None:
    herd, network = pair
    network.set(THERE, fault)
    wait_for(lambda: link(herd, "n0") == "half", "n0 receives from n1, which does not answer it")
    wait_for(lambda: link(herd, "n1") == "down", "n1 receives nothing")
    when = report_to_both(herd)
    network.set(THERE, net.PASS)
    herd.wait_linked(seconds=30)
    wait_for(lambda: all_know(herd, when), "each node has the report at the other")


def test_a_delay_of_200_ms_is_measured_and_the_link_stays_up(pair: HerdAndNetwork) -> None:
    herd, network = pair
    lost = count_lost(herd)
    for lane in (THERE, BACK):
        network.set(lane, net.DELAY)
    wait_for(lambda: all(node.status()["links"][peer]["round_trip_us"] > 200_000
                         for node, peer in zip(herd, ("n1", "n0"))), "it is measured")
    when = report_to_both(herd)
    wait_for(lambda: all_know(herd, when), "all reports arrive")
    assert count_lost(herd) == lost


def test_a_trickle_of_single_bytes_arrives(pair: HerdAndNetwork) -> None:
    herd, network = pair
    for lane in (THERE, BACK):
        network.set(lane, net.TRICKLE)
    when = report_to_both(herd)
    wait_for(lambda: all_know(herd, when), "all reports arrive, a byte at a time")


def test_damaged_messages_are_dropped_counted_and_sent_again(pair: HerdAndNetwork) -> None:
    herd, network = pair
    network.set(THERE, net.CORRUPT)

    def is_counted() -> bool:
        report_to_both(herd)
        return fresh(herd["n1"])["counters"]["bus_messages_damaged"] > 5
    wait_for(is_counted, "damage is seen")
    network.set(THERE, net.PASS)
    when = report_to_both(herd)
    wait_for(lambda: all_know(herd, when), "all reports arrive")


def test_resets_in_the_middle_of_a_message_lose_nothing(pair: HerdAndNetwork) -> None:
    herd, network = pair
    network.set(THERE, net.RESET)
    before = herd["n0"].counter("bus_timeouts")

    def has_cost_messages() -> bool:
        report_to_both(herd)
        return fresh(herd["n0"])["counters"]["bus_timeouts"] > before + 2
    wait_for(has_cost_messages, "connections are reset")
    network.set(THERE, net.PASS)
    herd.wait_linked()
    when = report_to_both(herd)
    wait_for(lambda: all_know(herd, when), "all reports arrive")


# Load, and each kind of fault on the links of five nodes.

@MINUTES
@pytest.mark.parametrize("kind", [*net.FAULTS, DESCRIPTORS])
def test_nothing_acknowledged_is_lost_by_faults_of_the_network(kind: str) -> None:
    plan = make_plan(seconds=3, kills=0, freezes=0, connections=5, depth=8, more={kind: 3}, population=200)
    assert_good(Trial.prepare(BINARY, FIVE, plan).run())


def test_nothing_acknowledged_is_lost_in_mixed_chaos() -> None:
    assert_good(Trial.prepare(BINARY, FIVE, make_plan(seconds=6, chaos=True, connections=5, depth=8)).run())


def assert_good(outcome: Outcome) -> None:
    print(outcome.plan.line(), outcome.line(), sep="\n")
    assert outcome.is_good, f"{outcome.line()} {outcome.problems} kept in {outcome.kept_in}"
    assert outcome.acknowledged > 500 and set(outcome.more.values()) == set(outcome.plan.more.values())


@MINUTES
@pytest.mark.parametrize("graph, plan", [
    (ring(16), {"seconds": 120, "chaos": True, "connections": 16}),
    (ring(16), {"seconds": 60, "kills": 200, "freezes": 10, "connections": 16}),  # a storm of restarts
    (FIVE, {"seconds": 600, "chaos": True}),
    (FIVE, {"seconds": 120, "chaos": True, "replicas": 1}),
    (FIVE, {"seconds": 120, "chaos": True, "ack": "fsync"}),
], ids=["16 nodes on a ring", "restart storm on a ring", "mixed", "replicas", "fsync"])
def test_nothing_acknowledged_is_lost_in_minutes_of_chaos(graph: Graph, plan: dict[str, Any]) -> None:
    assert_good(Trial.prepare(BINARY, graph, make_plan(**plan)).run())
