"""Tests flooding. A report at any node reaches every node that is connected with it in any graph, and no other node.
Repeats are dropped. Nodes that crash, freeze or leave lose no update that other nodes have."""
import contextlib
import random
import signal
import threading
from collections.abc import Mapping, Sequence

import pytest

from herd_fixture import FIVE, LONG, Graph, Herd, MakeHerd, Node, full, line, names, ring, wait_for
from talk import AT, fresh, pipeline

COUNT = 500  # clients that report in each graph


def star(count: int) -> Graph:
    return {"n0": [f"n{i}" for i in range(1, count)]} | {name: [] for name in names(count)[1:]}


def two_halves(count: int) -> Graph:
    """Two rings without a connection between them."""
    half = count // 2
    return {f"n{i}": [f"n{i // half * half + (i + 1) % half}"] for i in range(count)}


def iamat(first: int, count: int, seconds: int = 5) -> bytes:
    return "".join(f"IAMAT c{i} +34.06-118.44 {seconds}\n" for i in range(first, first + count)).encode()


def report_at_random(herd: Herd, nodes: Sequence[str], first: int = 0, count: int = COUNT) -> dict[bytes, bytes]:
    """Reports each client at one of the nodes; returns {client: AT line}."""
    draw = random.Random(first)
    shares = {name: b"" for name in nodes}
    for i in range(first, first + count):
        shares[draw.choice(nodes)] += iamat(i, 1)
    replies = b"".join(pipeline(herd[name], share) for name, share in shares.items())
    at_lines = {found[3]: found[0] for found in AT.finditer(replies)}
    assert len(at_lines) == count
    return at_lines


def assert_knows(node: Node, at_lines: Mapping[bytes, bytes]) -> None:
    """Whether the node returns the AT line of the origin for each client."""
    queries = b"".join(b"WHATSAT " + client + b" 1 0\n" for client in at_lines)
    assert {found[3]: found[0] for found in AT.finditer(pipeline(node, queries))} == at_lines


def counters_of(herd: Herd) -> list[dict[str, int]]:
    return [fresh(node)["counters"] for node in herd]


LARGE = pytest.param(ring(16), marks=pytest.mark.skipif(not LONG, reason="long"), id="large ring")


@pytest.mark.parametrize("graph", [FIVE, line(6), ring(7), star(6), full(5), LARGE],
                         ids=["default", "line", "ring", "star", "full", None])
def test_a_report_at_any_node_reaches_all_nodes_and_is_merged_once(make_herd: MakeHerd, graph: Graph) -> None:
    herd = make_herd(graph, log_level="info")
    herd.wait_linked()
    at_lines = report_at_random(herd, list(graph))
    herd.wait_converged(COUNT)
    for node in herd:
        assert_knows(node, at_lines)
    for counters in counters_of(herd):
        assert counters["iamat_stored"] + counters["bus_updates_merged"] == COUNT
        assert counters["bus_updates_received"] == sum(
            counters[f"bus_updates_{end}"] for end in ("merged", "repeated", "older"))
        assert counters["bus_updates_older"] == counters["bus_updates_unreadable"] == 0
    # Nodes reconcile when a link opens, also with updates in flight, and find no loss of the links.
    wait_for(lambda: all(c["bus_digest_rounds"] >= 1 for c in counters_of(herd)), "stores are compared")
    assert all(c["bus_buckets_pulled"] == c["bus_divergences_healed"] == 0 for c in counters_of(herd))


def test_repeats_are_dropped_with_two_ways_and_rare_with_one(make_herd: MakeHerd) -> None:
    cyclic = make_herd(full(4), log_level="info")
    cyclic.wait_linked()
    report_at_random(cyclic, ["n0"])
    cyclic.wait_converged(COUNT)
    # Each of the three other nodes sends it to the two nodes from which it did not get it.
    wait_for(lambda: sum(c["bus_updates_repeated"] for c in counters_of(cyclic)) >= COUNT, "repeats come")
    tree = make_herd(star(4), log_level="info", ports=cyclic.ports)
    tree.wait_linked()
    report_at_random(tree, ["n1"])
    tree.wait_converged(COUNT)
    if sum(c["bus_timeouts"] for c in counters_of(tree)) == 0:  # after one, batches are sent again
        assert sum(c["bus_updates_repeated"] for c in counters_of(tree)) == 0


def test_nothing_reaches_an_unconnected_half(make_herd: MakeHerd) -> None:
    herd = make_herd(two_halves(6), log_level="info")
    herd.wait_linked()
    halves = ["n0", "n1", "n2"], ["n3", "n4", "n5"]
    first = report_at_random(herd, halves[0], 0, 100)
    second = report_at_random(herd, halves[1], 100, 50)
    herd.wait_converged(100, halves[0])
    herd.wait_converged(50, halves[1])
    for half, at_lines, other in zip(halves, (first, second), (second, first)):
        for name in half:
            assert_knows(herd[name], at_lines)
            assert herd[name].knows(next(iter(other)).decode()) is None


def test_the_newest_report_of_a_client_that_moves_between_nodes_wins(make_herd: MakeHerd) -> None:
    herd = make_herd(log_level="info")
    herd.wait_linked()
    draw = random.Random(1)
    for seconds in range(1, 200):
        newest = draw.choice(list(herd)).say(f"IAMAT nomad +1+1 {seconds}")
    herd.wait_converged(1)
    assert {node.knows("nomad") for node in herd} == {newest.removesuffix("\n")}


@pytest.mark.parametrize("state", ["kept", "lost"])
def test_a_killed_node_comes_back_and_gets_all_also_its_own_updates(make_herd: MakeHerd, state: str) -> None:
    herd = make_herd(log_level="info")
    herd.wait_linked()
    at_lines = report_at_random(herd, list(FIVE))
    herd.wait_converged(COUNT)
    herd["Smith"].kill()
    others = [name for name in FIVE if name != "Smith"]
    at_lines |= report_at_random(herd, others, COUNT, 100)
    herd.wait_converged(COUNT + 100)
    if state == "lost":
        herd["Smith"].forget()
    herd["Smith"].start()
    herd.wait_converged(COUNT + 100)
    assert_knows(herd["Smith"], at_lines)


def test_a_node_that_is_killed_repeatedly_under_load_ends_with_all_updates(make_herd: MakeHerd) -> None:
    herd = make_herd(log_level="info")
    herd.wait_linked()
    at_lines: dict[bytes, bytes] = {}
    for turn in range(4):
        herd["Singleton"].kill()
        at_lines |= report_at_random(herd, ["Hill", "Jaquez", "Smith", "Campbell"], turn * COUNT)
        if turn % 2 == 1:
            herd["Singleton"].forget()
        herd["Singleton"].start()
    herd.wait_converged(4 * COUNT)
    assert_knows(herd["Singleton"], at_lines)


def test_a_frozen_node_is_noticed_and_catches_up(make_herd: MakeHerd) -> None:
    herd = make_herd(log_level="info")
    herd.wait_linked()
    at_lines = report_at_random(herd, list(FIVE), 0, 100)
    herd.wait_converged(100)  # also the reports at Campbell
    herd["Campbell"].signal(signal.SIGSTOP)
    at_lines |= report_at_random(herd, ["Hill", "Jaquez"], 100)
    herd.wait_converged(100 + COUNT, [name for name in FIVE if name != "Campbell"])
    wait_for(lambda: herd["Smith"].status()["links"]["Campbell"]["state"] == "down", "it is noticed")
    herd["Campbell"].signal(signal.SIGCONT)
    herd.wait_converged(100 + COUNT)
    herd.wait_linked()
    assert_knows(herd["Campbell"], at_lines)


def test_a_node_that_leaves_under_load_loses_nothing_that_it_acknowledged(make_herd: MakeHerd) -> None:
    herd = make_herd(log_level="info")
    herd.wait_linked()
    received = []
    last = threading.Event()

    def load() -> None:
        with herd["Hill"].connect() as connection:
            def send() -> None:
                try:
                    for first in range(0, 2_000_000, 100):
                        connection.sendall(iamat(first, 100))
                except OSError:
                    pass  # the node has left
            sender = threading.Thread(target=send)
            sender.start()
            with contextlib.suppress(ConnectionResetError):  # it may leave before it accepts all
                while data := connection.recv(1 << 16):
                    received.append(data)
                    last.set()
            connection.close()
            sender.join()
    loader = threading.Thread(target=load)
    loader.start()
    assert last.wait(20)
    herd["Hill"].stop()
    loader.join()
    acknowledged = {found[3]: found[0] for found in AT.finditer(b"".join(received))}
    assert acknowledged
    herd.wait_converged()
    assert_knows(herd["Campbell"], acknowledged)
    assert_knows(herd["Jaquez"], acknowledged)


def test_a_node_that_leaves_waits_for_a_frozen_peer_only_for_a_time(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), log_level="info")
    herd.wait_linked()
    herd["n1"].signal(signal.SIGSTOP)
    report_at_random(herd, ["n0"])
    herd["n0"].stop(seconds=9)
    herd["n1"].signal(signal.SIGCONT)
    herd["n0"].start()
    herd.wait_linked()
    herd.wait_converged()


def test_nodes_started_one_after_the_other_agree(make_herd: MakeHerd) -> None:
    herd = make_herd(line(5), start=False, log_level="info")
    for turn, node in enumerate(herd):
        node.start(wait=False)
        wait_for(lambda: "event=started" in node.log(), "it listens")
        report_at_random(herd, [node.name], turn * 100, 100)
    herd.wait_converged(500)
