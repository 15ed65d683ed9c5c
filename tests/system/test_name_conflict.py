"""Tests two processes with the name of one node. The first retains its links, the second is not ready and acknowledges
nothing, and all nodes report where the other process is. A node that starts again or was moved is accepted when the old
process is gone."""
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import pytest
import zmq

from herd_fixture import REPOSITORY, Graph, Herd, MakeHerd, Node, line, wait_for
from herd_lab.private_herd import Settings
from talk import now

PAIR: Graph = {"Hill": ["Smith"], "Smith": []}


class MakeSecond(Protocol):
    """The type of the fixture herd_and_second."""

    def __call__(self, graph: Graph = PAIR, settings: Settings | None = None) -> tuple[Herd, Node]: ...


def second_hill(herd: Herd) -> Node:
    """Another process named Hill: a copied configuration with other ports, and a state directory of its own."""
    directory = herd.directory / "second"
    directory.mkdir()
    copy = Herd.create(herd.binary, herd.graph, herd.settings, ports=herd.ports, log_level="debug", directory=directory)
    second = copy["Hill"]
    copy.nodes = {**herd.nodes, "Hill": second}
    copy.write_config()
    return second


@pytest.fixture(name="herd_and_second")
def a_herd_and_a_second_hill(make_herd: MakeHerd) -> Iterator[MakeSecond]:
    seconds: list[Node] = []

    def make(graph: Graph = PAIR, settings: Settings | None = None) -> tuple[Herd, Node]:
        herd = make_herd(graph, settings=settings)
        herd.wait_linked()
        seconds.append(second_hill(herd))
        return herd, seconds[-1]

    yield make
    for second in seconds:
        print(f"----- the second {second.name}\n{second.log()[-4000:]}")
        problem = second.close()
        assert not problem, problem


def address(node: Node) -> str:
    return f"tcp://127.0.0.1:{node.bus_port}"


def warnings(node: Node, event: str = "name_conflict") -> list[str]:
    return re.findall(rf"warning {node.name} event={event} .*", node.log())


def lost_links(herd: Herd) -> list[tuple[str, str]]:
    return [(node.name, each) for node in herd for each in re.findall(r"event=link_lost .*", node.log())]


def refused(second: Node) -> bool:
    return second.get("/readyz")[0] == 503 and "another process named Hill" in second.get("/readyz")[1]


def gets_no_reply(node: Node, client: str, seconds: float = 20) -> bool:
    """Reports a client; true if the node closes the connection without a reply."""
    with node.connect(seconds) as connection:
        connection.sendall(f"IAMAT {client} +1+1 {now()}\n".encode())
        return connection.recv(4096) == b""


def kill_and_start(node: Node) -> None:
    node.kill()
    node.start(wait=False)
    wait_for(lambda: node.get("/healthz")[0] == 200, f"{node.name} runs")


@pytest.mark.parametrize("ack", ["memory", "write"])
def test_a_second_process_is_refused_and_all_three_report_where_the_other_one_is(
        herd_and_second: MakeSecond, ack: str) -> None:
    herd, second = herd_and_second(settings={"updates": {"ack": ack}})
    first, smith = herd["Hill"], herd["Smith"]
    second.start(wait=False)
    wait_for(lambda: all(warnings(node) for node in (first, smith, second)), "each warns")
    for node, others in ((smith, (first, second)), (first, (second,)), (second, (first,))):
        for other in others:
            assert f"{address(other)} (connected from 127.0.0.1, incarnation " in warnings(node)[0]
    assert wait_for(lambda: refused(second), "the second is not ready")
    assert second.get("/readyz")[1].startswith(
        f"not ready: another process named Hill is linked with Smith, at {address(first)} ")
    assert gets_no_reply(second, "reported-to-the-second")
    assert gets_no_reply(second, "reported-to-the-second")  # a duplicate gets no reply, too
    assert second.say("WHATSAT unknown 1 0") == "? WHATSAT unknown 1 0\n"
    # The first continues, and no link was ever lost.
    assert first.say(f"IAMAT reported-to-the-first +1+1 {now()}").startswith("AT Hill ")
    wait_for(lambda: smith.knows("reported-to-the-first"), "Smith knows it")
    assert smith.knows("reported-to-the-second") is None
    assert not lost_links(herd)
    assert first.get("/readyz")[0] == 200 and smith.get("/readyz")[0] == 200


def test_status_metrics_and_monitor_show_a_second_process(herd_and_second: MakeSecond) -> None:
    herd, second = herd_and_second()
    first, smith = herd["Hill"], herd["Smith"]
    context = zmq.Context()
    viewer = context.socket(zmq.SUB)
    viewer.subscribe(b"herd.WARNING.peer.Smith")
    viewer.connect(f"tcp://127.0.0.1:{smith.monitor_port}")
    assert smith.status()["links"]["Hill"]["contender"] is None and first.status()["name_conflict"] is None
    second.start(wait=False)
    wait_for(lambda: refused(second), "the second is not ready")

    def other(status: Mapping[str, Any], node: Node) -> bool:
        shown = status["name_conflict"]["other"]
        return (shown["incarnation"], shown["address"], shown["host"]) == (
            node.status()["incarnation"], address(node), "127.0.0.1")
    contender: dict[str, Any] = wait_for(lambda: smith.status()["links"]["Hill"]["contender"], "Smith shows it")
    assert (contender["incarnation"], contender["address"]) == (second.status()["incarnation"], address(second))
    kept = wait_for(lambda: (status := first.status())["name_conflict"] and status, "the first shows it")
    assert kept["name_conflict"]["role"] == "kept" and other(kept, second)
    lost = second.status()
    assert lost["name_conflict"]["role"] == "refused" and lost["name_conflict"]["peer"] == "Smith"
    assert other(lost, first)
    shown = subprocess.run([REPOSITORY / "scripts/herd", "status", "--config", herd.config_path], text=True,
                           check=False, stdout=subprocess.PIPE, env=os.environ | herd.environment, timeout=60).stdout
    assert f"Smith refuses a second process named Hill, at {address(second)} (from 127.0.0.1)" in shown
    assert 'herd_link_contender{peer="Hill"} 1' in smith.get("/metrics")[1]
    assert 'herd_name_conflict{role="kept"} 1' in first.get("/metrics")[1]
    metrics = second.get("/metrics")[1]
    assert 'herd_name_conflict{role="refused"} 1' in metrics and "\nherd_ready 0\n" in metrics
    # After its end it is no longer shown. A new viewer may have come too late for the first warning.
    second.kill()
    wait_for(lambda: not smith.status()["links"]["Hill"]["contender"], "Smith shows it no more")
    wait_for(lambda: not first.status()["name_conflict"], "the first shows it no more")
    wait_for(lambda: warnings(smith, "name_conflict_over"), "Smith says that it is over")
    received = []

    def gets_the_end() -> bool:
        while viewer.poll(0):
            received.append(viewer.recv_multipart()[1])
        return any(b"name_conflict_over" in event for event in received)
    wait_for(gets_the_end, lambda: f"the viewer gets the event: {received}")
    context.destroy(linger=0)


def test_the_second_is_accepted_when_the_first_is_gone_and_its_updates_spread(herd_and_second: MakeSecond) -> None:
    herd, second = herd_and_second()
    first, smith = herd["Hill"], herd["Smith"]
    second.start(wait=False)
    wait_for(lambda: refused(second), "the second is not ready")
    assert gets_no_reply(second, "early")
    first.kill()
    second.wait_ready()  # by itself
    assert second.say(f"IAMAT late +1+1 {now()}").startswith("AT Hill ")
    assert warnings(second, "name_conflict_over")
    # The node has moved: its peers connect to where it is now.
    herd.bus_public = {"Hill": second.bus_port}
    herd.write_config()
    smith.stop()
    smith.start(wait=False)
    wait_for(lambda: second.status()["links"]["Smith"]["state"] == "up", "the link is up")
    wait_for(lambda: smith.knows("early") and smith.knows("late"), "Smith knows both")


def test_a_node_that_starts_again_is_not_taken_for_a_second_process(make_herd: MakeHerd) -> None:
    herd = make_herd(line(3))
    for _ in range(3):
        for node in herd:
            kill_and_start(node)
            herd.wait_linked()
    for node in herd:  # a rolling restart
        node.stop()
        node.start()
        herd.wait_linked()
    assert not [each for node in herd for each in warnings(node)]


def test_a_first_process_that_was_frozen_gets_its_link_back(herd_and_second: MakeSecond) -> None:
    herd, second = herd_and_second()
    first, smith = herd["Hill"], herd["Smith"]
    first.signal(signal.SIGSTOP)
    wait_for(lambda: smith.status()["links"]["Hill"]["state"] != "up", "Smith misses it")
    second.start(wait=False)
    wait_for(lambda: second.get("/readyz")[0] == 200, "the second is accepted")
    first.signal(signal.SIGCONT)
    herd.wait_linked()
    wait_for(lambda: refused(second), "the second is refused again")
    wait_for(lambda: first.get("/readyz")[0] == 200, "the first is ready")
    assert gets_no_reply(second, "nothing")
    assert first.say(f"IAMAT something +1+1 {now()}").startswith("AT Hill ")


def test_a_peer_that_starts_again_links_with_the_process_at_the_configured_address(herd_and_second: MakeSecond) -> None:
    herd, second = herd_and_second({"Hill": ["Smith", "Jaquez"], "Smith": [], "Jaquez": []})
    second.start(wait=False)
    wait_for(lambda: refused(second), "the second is not ready")
    for _ in range(3):
        kill_and_start(herd["Smith"])
        herd.wait_linked()
        assert refused(second)
    herd["Hill"].wait_ready()
    assert "another process named Hill" not in herd["Hill"].log()  # it was never refused
    assert "link_lost peer=Hill" not in herd["Jaquez"].log()


def test_a_node_without_living_peers_answers_after_a_moment(make_herd: MakeHerd) -> None:
    herd = make_herd(PAIR, start=False, settings={"http": {"ready_timeout": "0s"}})
    herd["Hill"].start(wait=False)
    wait_for(lambda: herd["Hill"].get("/healthz")[0] == 200, "it runs")
    began = time.monotonic()
    assert herd["Hill"].say(f"IAMAT alone +1+1 {now()}").startswith("AT Hill ")
    assert time.monotonic() - began < 5
