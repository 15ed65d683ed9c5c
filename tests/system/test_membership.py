"""Tests that nodes and links come and go by a reload, without a restart of the nodes that stay, and that no
acknowledged update is lost by it."""
import pathlib
import threading
from collections.abc import Sequence

import pytest

from herd_ctl.reset import say
from herd_fixture import BINARY, Graph, Herd, MakeHerd, Node, line, ring, wait_for
from herd_lab.keys import new_key_pair
from talk import fresh


class Reporters:
    """Threads that report new clients at nodes of the herd, one node each, and remember what was acknowledged."""

    def __init__(self, nodes: Sequence[Node]):
        self.acknowledged: list[str] = []
        self.ending = threading.Event()
        self.stopped = {node.name: threading.Event() for node in nodes}
        self.threads = {node.name: threading.Thread(target=self.run, args=(node,)) for node in nodes}
        for thread in self.threads.values():
            thread.start()

    def run(self, node: Node) -> None:
        done: list[str] = []
        with node.connect() as connection, connection.makefile("rwb") as stream:
            while not self.ending.wait(0.002) and not self.stopped[node.name].is_set():
                clients = [f"{node.name}-{len(done) + i}" for i in range(20)]
                stream.write("".join(f"IAMAT {client} +1+2 5\n" for client in clients).encode())
                stream.flush()
                for client in clients:
                    assert stream.readline().startswith(f"AT {node.name} ".encode())
                    done.append(client)
        self.acknowledged += done

    def stop(self, name: str) -> None:
        self.stopped[name].set()
        self.threads[name].join(30)

    def end(self) -> list[str]:
        self.ending.set()
        for thread in self.threads.values():
            thread.join(30)
        return self.acknowledged


def change(herd: Herd, graph: Graph) -> None:
    herd.graph = graph
    herd.write_config()


def reload(*nodes: Node) -> None:
    """Returns when they have read the configuration; no part of it may be refused."""
    for node in nodes:
        assert say(node.state_dir, b"reload") == {"result": "done", "node": node.name, "refused": []}


def links(node: Node) -> dict[str, str]:
    return {peer: link["state"] for peer, link in fresh(node)["links"].items()}


def test_a_node_is_added_and_one_is_removed_under_load_and_nothing_is_lost(make_herd: MakeHerd) -> None:
    herd = make_herd(line(3))
    herd.wait_linked()
    pids = {node.name: node.process.pid for node in herd}
    load = Reporters(list(herd))
    wait_for(lambda: herd["n0"].status()["clients"] > 500, "the load runs")
    change(herd, {"n0": ["n1", "n3"], "n1": ["n2"], "n2": ["n3"], "n3": []})
    herd["n3"].start()  # its peers have not reloaded yet
    reload(herd["n2"], herd["n0"])
    wait_for(lambda: links(herd["n3"]) == {"n0": "up", "n2": "up"}, "both links of the new node are up")
    herd["n0"].wait_log("event=peer_added peer=n3")
    load.stop("n1")
    herd["n1"].stop()
    change(herd, {"n0": ["n3"], "n2": ["n3"], "n3": []})
    reload(herd["n0"], herd["n2"], herd["n3"])
    assert links(herd["n0"]) == {"n3": "up"}
    herd["n2"].wait_log("event=peer_removed peer=n1")
    known = herd["n0"].status()["clients"]
    wait_for(lambda: herd["n0"].status()["clients"] > known + 500, "the load goes on")
    acknowledged = load.end()
    herd.wait_converged(len(acknowledged), ["n0", "n2", "n3"])
    for name in ("n0", "n2", "n3"):
        for client in acknowledged[::500]:
            assert herd[name].knows(client), f"{name} lost {client}"
        assert name == "n3" or herd[name].process.pid == pids[name]
    assert 'peer="n1"' not in herd["n0"].get("/metrics")[1]


def test_reloads_in_any_order_and_a_node_that_is_removed_tries_without_noise(make_herd: MakeHerd) -> None:
    herd = make_herd(ring(3))
    herd.wait_linked()
    change(herd, {"n0": ["n1"], "n1": [], "n2": []})
    reload(herd["n0"])  # n2 has not reloaded: for it, n0 is a peer
    assert links(herd["n0"]) == {"n1": "up"}
    wait_for(lambda: links(herd["n2"]) == {"n0": "down", "n1": "up"}, "n2 sees that its link is down", 10)
    herd["n0"].wait_log("event=peer_refused peer=n2", "no configured peer of this node")
    assert herd["n2"].say("IAMAT kiwi +1+2 5").startswith("AT n2 ")
    herd.wait_converged(1)  # through n1
    refused = herd["n0"].counter("bus_messages_refused")
    wait_for(lambda: herd["n0"].counter("bus_messages_refused") >= refused + 2, "n2 sends HELLO again")
    assert herd["n0"].log().count("event=peer_refused") == 1
    change(herd, {"n0": ["n1", "n2"], "n1": ["n2"], "n2": []})
    reload(herd["n0"])
    herd.wait_linked()
    assert "event=stopped" not in "".join(node.log() for node in herd)


def test_the_records_of_a_removed_node_stay_and_a_new_node_gets_them(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2))
    herd.wait_linked()
    assert herd["n1"].say("IAMAT kiwi +1+2 5").startswith("AT n1 ")
    herd.wait_converged(1)
    herd["n1"].stop()
    change(herd, {"n0": [], "n2": ["n0"]})
    reload(herd["n0"])
    herd["n2"].start()
    wait_for(lambda: herd["n2"].knows("kiwi"), "the new node has the record of the removed one")
    at_line = herd["n2"].knows("kiwi")
    assert at_line and at_line.startswith("AT n1 ")


def test_a_node_returns_under_its_name_with_a_new_key_and_an_empty_disk(make_herd: MakeHerd) -> None:
    herd = make_herd(line(3), curve=True)
    herd.wait_linked()
    assert herd["n2"].say("IAMAT kiwi +1+2 5").startswith("AT n2 ")
    herd.wait_converged(1)
    keys = herd.keys
    assert keys is not None
    herd["n2"].stop()
    keys.public.revoked += keys.public.nodes.pop("n2")
    keys.write()
    change(herd, {"n0": ["n1"], "n1": []})
    reload(herd["n0"], herd["n1"])
    assert herd["n0"].say("IAMAT emu +1+2 5").startswith("AT n0 ")
    (herd["n2"].state_dir / "journal").unlink()
    keys.pairs["n2"] = [new_key_pair(pathlib.Path(BINARY))]
    keys.public.nodes["n2"] = [keys.pairs["n2"][0].public]
    keys.write()
    change(herd, {"n0": ["n1"], "n1": ["n2"], "n2": []})
    reload(herd["n1"], herd["n0"])
    herd["n2"].start()
    herd.wait_linked()
    herd.wait_converged(2)


def test_a_peer_moves_to_another_address(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2))
    herd.wait_linked()
    herd["n1"].stop()
    former = herd["n1"].bus_port
    herd["n1"].bus_port = herd.ports.take()
    herd.write_config()
    herd["n1"].start()
    reload(herd["n0"])
    herd["n0"].wait_log("event=peer_moved peer=n1", f":{herd['n1'].bus_port}")
    assert former != herd["n1"].bus_port
    herd.wait_linked()


def test_the_number_of_replicas_changes_by_a_reload_also_for_replies_that_wait(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), log_level="info", settings={"updates": {"replicas": 1, "ack_timeout": "60s"}})
    herd.wait_linked()
    node, peer = herd
    assert node.say("IAMAT kiwi +1+2 5").startswith("AT n0 ")
    peer.kill()
    with node.connect() as connection:
        connection.sendall(b"IAMAT kiwi +1+2 6\n")
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(65536)
        herd.settings = {"updates": {"replicas": 0, "ack_timeout": "60s"}}
        change(herd, {"n0": [], "n1": []})  # in the same reload: fewer peers than replies wait for
        reload(node)
        connection.settimeout(20)
        assert connection.recv(65536).startswith(b"AT n0 ")
        node.wait_log("event=reloaded key=updates.replicas")
        herd.settings = {"updates": {"replicas": 1, "ack_timeout": "60s"}}
        change(herd, line(2))
        reload(node)
        connection.sendall(b"IAMAT kiwi +1+2 7\n")
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(65536)
        peer.start()
        connection.settimeout(20)
        assert connection.recv(65536).startswith(b"AT n0 ")
