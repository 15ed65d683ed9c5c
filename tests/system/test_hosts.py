"""Tests five hosts in two groups, which are network namespaces with an address each. A relay between the groups delays,
drops and cuts packets (scripts/lib/herd_lab/hosts.py), so TCP meets what it meets between sites: silence instead of
resets. No acknowledged update is lost, links are reported as they are, and all nodes converge. Needs root, except for
the tests of the relay itself."""
import os
import time
from collections.abc import Iterator, Sequence

import pytest

from herd_ctl.trouble import Trouble
from herd_fixture import BINARY, Graph, Herd, Node, wait_for
from herd_lab.hosts import Hosts
from herd_lab.packet_relay import MOST_DELAYED, Condition, PacketRelay, receiver
from herd_lab.plan import make_plan
from herd_lab.prove import Trial
from many_hosts import connect

WEST, EAST = ["n0", "n1"], ["n2", "n3", "n4"]
GRAPH: Graph = {"n0": ["n1", "n2"], "n1": ["n4"], "n2": ["n3"], "n3": ["n4"], "n4": []}
BETWEEN = [("n0", "n2"), ("n1", "n4")]  # the links between the groups
NOTICED = 2.5  # seconds without a message after which a link is not up (rule 11 of docs/PROTOCOL.md)
SLACK = 2.5    # of a test: a status is some hundred milliseconds old, and the machine is busy
CLIENTS = 100  # that report to each node of a group


class Site:
    """The herd and its hosts."""

    def __init__(self, herd: Herd, hosts: Hosts):
        self.herd = herd
        self.hosts = hosts
        self.reported = 0  # clients so far

    def impair(self, condition: Condition, back: Condition | None = None) -> None:
        """The lanes from the west to the east get `condition`, those to the west `back`: by default the same."""
        self.hosts.impair(self.hosts.between(WEST, EAST), condition)
        self.hosts.impair(self.hosts.between(EAST, WEST), condition if back is None else back)

    def report(self, names: Sequence[str]) -> None:
        """New clients report to each of the nodes; every report must be acknowledged."""
        for name in names:
            ids = range(self.reported, self.reported + CLIENTS)
            reply = self.herd[name].say("".join(f"IAMAT c{i} +34.06-118.44 5\n" for i in ids))
            assert [line.split()[3] for line in reply.splitlines()] == [f"c{i}" for i in ids]
            self.reported += CLIENTS

    def link(self, node: str, peer: str) -> str:
        return self.herd[node].status()["links"][peer]["state"]

    def lost_links(self) -> int:
        return sum(node.log().count("event=link_lost") for node in self.herd)

    def assert_complete(self) -> None:
        """Every node gets every client that ever reported, and reconciliation had nothing to repair."""
        self.herd.wait_converged(self.reported)
        assert all(node.counter("bus_divergences_healed") == 0 for node in self.herd)


@pytest.fixture(scope="module", name="made")
def five_hosts() -> Iterator[Site]:
    hosts = connect(list(GRAPH))
    herd = Herd.for_test(GRAPH, log_level="info", curve=True, hosts=hosts)
    herd.start()
    yield Site(herd, hosts)
    herd.close()
    hosts.end()


@pytest.fixture(name="site")
def repaired_site(made: Site) -> Iterator[Site]:
    made.herd.wait_linked()
    yield made
    made.impair(Condition())


def test_50_ms_between_two_groups_are_measured_and_all_nodes_converge(site: Site) -> None:
    lost = site.lost_links()
    site.impair(Condition(delay=0.05))

    def round_trip(node: str, peer: str) -> int:
        return site.herd[node].status()["links"][peer]["round_trip_us"]
    wait_for(lambda: all(round_trip(*link) > 95_000 for link in BETWEEN), "the delay is measured", 40)
    assert round_trip("n0", "n1") < 50_000, "within a group there is none"
    site.report([*WEST, *EAST])
    site.assert_complete()
    assert site.lost_links() == lost


def test_with_5_percent_of_the_packets_lost_all_nodes_converge(site: Site) -> None:
    site.impair(Condition(loss=0.05, delay=0.005))
    for _ in range(3):
        site.report([*WEST, *EAST])
    site.assert_complete()


def test_two_groups_that_are_cut_off_go_on_and_lose_nothing_when_they_meet_again(site: Site) -> None:
    site.impair(Condition(loss=1))
    site.report(WEST)
    for one, other in BETWEEN:
        wait_for(lambda: site.link(one, other) == site.link(other, one) == "down", "both ends see it")
    before = site.reported
    site.report([*WEST, *EAST])
    in_west = site.herd["n0"].say("".join(f"WHATSAT c{i} 1 0\n" for i in range(before, site.reported)))
    assert in_west.count("AT n0 ") == in_west.count("AT n1 ") == CLIENTS and "AT n3 " not in in_west
    site.impair(Condition())
    site.herd.wait_linked(30)
    site.assert_complete()


def test_a_way_that_loses_everything_in_one_direction_makes_no_link_and_loses_nothing(site: Site) -> None:
    site.impair(Condition(loss=1), back=Condition())
    for one, other in BETWEEN:
        wait_for(lambda: site.link(one, other) != "up", f"{one} gets no answer of {other}")
        wait_for(lambda: site.link(other, one) == "down", f"{other} receives nothing")
    site.report([*WEST, *EAST])
    site.impair(Condition())
    site.herd.wait_linked(30)
    site.assert_complete()


def test_a_host_that_vanishes_is_noticed_in_time_and_gets_all_when_it_is_back(site: Site) -> None:
    site.hosts["n4"].set_link("down")
    begin = time.monotonic()
    for node in ("n1", "n3"):
        wait_for(lambda: site.link(node, "n4") == "down", f"{node} notices it")
    assert time.monotonic() - begin < NOTICED + SLACK
    site.report([*WEST, *EAST])  # also to the host that is cut off
    site.hosts["n4"].set_link("up")
    site.herd.wait_linked(30)
    site.assert_complete()


def test_nothing_acknowledged_is_lost_by_faults_of_hosts_and_of_the_network_between_them() -> None:
    connect(["probe"]).end()
    plan = make_plan(hosts=True, seconds=8, connections=5, depth=8)
    outcome = Trial.prepare(BINARY, GRAPH, plan).run()
    print(outcome.plan.line(), outcome.line(), sep="\n")
    assert outcome.is_good, f"{outcome.line()} {outcome.problems} kept in {outcome.kept_in}"
    assert outcome.acknowledged > 500 and set(outcome.more.values()) == {1}


# Addresses.

PAIR: Graph = {"n0": ["n1"], "n1": []}


@pytest.fixture(name="pair", params=[4, 6])
def two_hosts(request: pytest.FixtureRequest) -> Iterator[Site]:
    """With addresses of one version of IP only."""
    hosts = connect(list(PAIR), request.param)
    herd = Herd.for_test(PAIR, log_level="info", curve=True, hosts=hosts)
    herd.start()
    yield Site(herd, hosts)
    herd.close()
    hosts.end()


def restart(node: Node) -> None:
    node.stop()
    node.start()


def test_hosts_of_either_version_of_ip_converge_and_a_host_may_get_another_address(pair: Site) -> None:
    herd = pair.herd
    herd.wait_linked()
    pair.report(["n0", "n1"])
    pair.assert_complete()
    pair.hosts["n1"].move(2)
    wait_for(lambda: pair.link("n0", "n1") == "down", "n1 is no longer at its address")
    pair.report(["n0", "n1"])
    herd.write_config()
    for node in herd:
        restart(node)
    herd.wait_linked()
    pair.assert_complete()


# The relay itself, without hosts.

def packet(to: str, version: int = 4) -> bytes:
    """A header without a payload. An IPv6 address is given as 32 hexadecimal digits."""
    if version == 6:
        return b"\x60" + bytes(23) + bytes.fromhex(to)
    return b"\x45" + bytes(15) + bytes(map(int, to.split(".")))


def test_a_packet_is_for_the_host_in_its_address_or_for_none() -> None:
    assert receiver(packet("10.77.3.1")) == 3 and receiver(packet("10.77.250.9")) == 250
    assert receiver(packet("fd77" + "00" * 11 + "03" + "0001", 6)) == 3
    for other in (packet("224.0.0.1"), packet("10.78.3.1"), packet("ff02" + "00" * 13 + "02", 6), b"", b"\x45" * 19):
        assert receiver(other) is None


def test_the_same_seed_loses_the_same_packets_and_a_share_of_them() -> None:
    def lost(seed: int) -> list[bool]:
        relay = PacketRelay(seed)
        relay.conditions[1, 2] = Condition(loss=0.2)
        return [relay.accept(1, packet("10.77.2.1"), 0) is None for _ in range(2000)]
    assert lost(1) == lost(1) != lost(2)
    assert 300 < sum(lost(1)) < 500
    relay = PacketRelay(1)
    relay.conditions[1, 2] = Condition(loss=1)
    assert relay.accept(2, packet("10.77.1.1"), 0), "the other direction works"


def test_delayed_packets_come_when_they_are_due_and_no_more_than_the_bound_wait() -> None:
    relay = PacketRelay(0)
    relay.conditions[1, 2] = Condition(delay=0.05)
    assert relay.wait(7) is None
    for number in range(MOST_DELAYED + 5):
        assert relay.accept(1, packet("10.77.2.1") + b"%d" % number, 7) is None
    assert relay.dropped == 5
    assert relay.wait(7) == pytest.approx(0.05) and list(relay.due(7.04)) == []
    came = list(relay.due(7.06))
    assert len(came) == MOST_DELAYED and came[0] == (2, packet("10.77.2.1") + b"0") and relay.wait(8) is None


def test_hosts_without_root_are_refused_with_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Trouble, match="^hosts of their own need root: network namespaces and TUN devices$"):
        Hosts.connect(["n0"])
