"""Flooding: what a client tells any node reaches every node that is connected with it, whatever the graph, and no
other; repeats are dropped; nodes that crash, freeze or leave lose nothing that others know."""
import contextlib
import random
import signal
import threading

import pytest

from herd_fixture import FIVE, full, line, names, ring, wait_for
from talk import AT, fresh, pipeline

COUNT = 500  # clients told in each graph


def star(count):
    return {"n0": [f"n{i}" for i in range(1, count)]} | {name: [] for name in names(count)[1:]}


def two_halves(count):
    """Two rings that know nothing of each other."""
    half = count // 2
    return {f"n{i}": [f"n{i // half * half + (i + 1) % half}"] for i in range(count)}


def iamat(first, count, told=5):
    return "".join(f"IAMAT c{i} +34.06-118.44 {told}\n" for i in range(first, first + count)).encode()


def tell_at_random(herd, nodes, first=0, count=COUNT):
    """Tells each of the clients at one of the nodes; {client: AT line}."""
    draw = random.Random(first)
    shares = {name: b"" for name in nodes}
    for i in range(first, first + count):
        shares[draw.choice(nodes)] += iamat(i, 1)
    replies = b"".join(pipeline(herd[name], share) for name, share in shares.items())
    told = {found[3]: found[0] for found in AT.finditer(replies)}
    assert len(told) == count
    return told


def assert_knows(node, told):
    """The node says of each client what the node that was told said."""
    asked = b"".join(b"WHATSAT " + client + b" 1 0\n" for client in told)
    assert {found[3]: found[0] for found in AT.finditer(pipeline(node, asked))} == told


def counters_of(herd):
    return [fresh(node)["counters"] for node in herd]


@pytest.mark.parametrize("graph", [FIVE, line(6), ring(7), star(6), full(5), ring(16)],
                         ids=["default", "line", "ring", "star", "full", "large ring"])
def test_what_is_told_anywhere_is_known_everywhere_and_merged_once(make_herd, graph):
    herd = make_herd(graph, log_level="info")
    herd.wait_linked()
    told = tell_at_random(herd, list(graph))
    herd.wait_converged(COUNT)
    for node in herd:
        assert_knows(node, told)
    for counters in counters_of(herd):
        assert counters["iamat_stored"] + counters["bus_updates_merged"] == COUNT
        assert counters["bus_updates_received"] == sum(
            counters[f"bus_updates_{end}"] for end in ("merged", "repeated", "older"))
        assert counters["bus_updates_older"] == counters["bus_updates_unreadable"] == 0
    # Nodes that meet compare their stores at once, whatever is under way, and find nothing that the links have lost.
    wait_for(lambda: all(c["bus_digest_rounds"] >= 1 for c in counters_of(herd)), "stores are compared")
    assert all(c["bus_buckets_pulled"] == c["bus_divergences_healed"] == 0 for c in counters_of(herd))


def test_repeats_are_dropped_where_there_are_two_ways_and_rare_where_there_is_one(make_herd):
    cyclic = make_herd(full(4), log_level="info")
    cyclic.wait_linked()
    tell_at_random(cyclic, ["n0"])
    cyclic.wait_converged(COUNT)
    # Each of the three others tells the two that it did not hear it from.
    wait_for(lambda: sum(c["bus_updates_repeated"] for c in counters_of(cyclic)) >= COUNT, "repeats come")
    tree = make_herd(star(4), log_level="info", ports=cyclic.ports)
    tree.wait_linked()
    tell_at_random(tree, ["n1"])
    tree.wait_converged(COUNT)
    if sum(c["bus_timeouts"] for c in counters_of(tree)) == 0:  # after one, batches are sent again
        assert sum(c["bus_updates_repeated"] for c in counters_of(tree)) == 0


def test_nothing_reaches_an_unconnected_half(make_herd):
    herd = make_herd(two_halves(6), log_level="info")
    herd.wait_linked()
    halves = ["n0", "n1", "n2"], ["n3", "n4", "n5"]
    first = tell_at_random(herd, halves[0], 0, 100)
    second = tell_at_random(herd, halves[1], 100, 50)
    herd.wait_converged(100, halves[0])
    herd.wait_converged(50, halves[1])
    for half, told, other in zip(halves, (first, second), (second, first)):
        for name in half:
            assert_knows(herd[name], told)
            assert herd[name].knows(next(iter(other)).decode()) is None


def test_a_client_that_moves_from_node_to_node_is_where_it_was_last(make_herd):
    herd = make_herd(log_level="info")
    herd.wait_linked()
    draw = random.Random(1)
    for told in range(1, 200):
        newest = draw.choice(list(herd)).say(f"IAMAT nomad +1+1 {told}")
    herd.wait_converged(1)
    assert {node.knows("nomad") + "\n" for node in herd} == {newest}


@pytest.mark.parametrize("state", ["kept", "lost"])
def test_a_killed_node_comes_back_and_gets_all_also_what_it_told_itself(make_herd, state):
    herd = make_herd(log_level="info")
    herd.wait_linked()
    told = tell_at_random(herd, list(FIVE))
    herd.wait_converged(COUNT)
    herd["Smith"].kill()
    others = [name for name in FIVE if name != "Smith"]
    told |= tell_at_random(herd, others, COUNT, 100)
    herd.wait_converged(COUNT + 100)
    if state == "lost":
        herd["Smith"].forget()
    herd["Smith"].start()
    herd.wait_converged(COUNT + 100)
    assert_knows(herd["Smith"], told)


def test_a_node_killed_again_and_again_under_load_ends_with_all(make_herd):
    herd = make_herd(log_level="info")
    herd.wait_linked()
    told = {}
    for turn in range(4):
        herd["Singleton"].kill()
        told |= tell_at_random(herd, ["Hill", "Jaquez", "Smith", "Campbell"], turn * COUNT)
        if turn % 2 == 1:
            herd["Singleton"].forget()
        herd["Singleton"].start()
    herd.wait_converged(4 * COUNT)
    assert_knows(herd["Singleton"], told)


def test_a_frozen_node_is_noticed_and_catches_up(make_herd):
    herd = make_herd(log_level="info")
    herd.wait_linked()
    told = tell_at_random(herd, list(FIVE), 0, 100)
    herd.wait_converged(100)  # also what Campbell was told
    herd["Campbell"].signal(signal.SIGSTOP)
    told |= tell_at_random(herd, ["Hill", "Jaquez"], 100)
    herd.wait_converged(100 + COUNT, [name for name in FIVE if name != "Campbell"])
    wait_for(lambda: herd["Smith"].status()["links"]["Campbell"]["state"] == "down", "it is noticed")
    herd["Campbell"].signal(signal.SIGCONT)
    herd.wait_converged(100 + COUNT)
    herd.wait_linked()
    assert_knows(herd["Campbell"], told)


def test_a_node_that_leaves_under_load_loses_nothing_that_it_acknowledged(make_herd):
    herd = make_herd(log_level="info")
    herd.wait_linked()
    heard = []
    last = threading.Event()

    def load():
        with herd["Hill"].connect() as connection:
            def send():
                try:
                    for first in range(0, 2_000_000, 100):
                        connection.sendall(iamat(first, 100))
                except OSError:
                    pass  # the node has left
            sender = threading.Thread(target=send)
            sender.start()
            with contextlib.suppress(ConnectionResetError):  # it does not take all that is sent while it leaves
                while data := connection.recv(1 << 16):
                    heard.append(data)
                    last.set()
            connection.close()
            sender.join()
    loader = threading.Thread(target=load)
    loader.start()
    assert last.wait(20)
    herd["Hill"].stop()
    loader.join()
    acknowledged = {found[3]: found[0] for found in AT.finditer(b"".join(heard))}
    assert acknowledged
    herd.wait_converged()
    assert_knows(herd["Campbell"], acknowledged)
    assert_knows(herd["Jaquez"], acknowledged)


def test_a_node_that_leaves_does_not_wait_for_ever_for_a_frozen_peer(make_herd):
    herd = make_herd(line(2), log_level="info")
    herd.wait_linked()
    herd["n1"].signal(signal.SIGSTOP)
    tell_at_random(herd, ["n0"])
    herd["n0"].stop(seconds=9)
    herd["n1"].signal(signal.SIGCONT)
    herd["n0"].start()
    herd.wait_linked()
    herd.wait_converged()


def test_nodes_started_one_after_the_other_agree(make_herd):
    herd = make_herd(line(5), start=False, log_level="info")
    for turn, node in enumerate(herd):
        node.start(wait=False)
        wait_for(lambda node=node: "event=started" in node.log(), "it listens")
        tell_at_random(herd, [node.name], turn * 100, 100)
    herd.wait_converged(500)
