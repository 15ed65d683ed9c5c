"""Tests the encryption of the bus with real nodes: who is refused, and what a reload of the keys changes."""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import zmq

import zmtp
from bus_peers import Stranger
from herd_fixture import BINARY, FIVE, Herd, MakeHerd, Node, line, wait_for
from herd_lab.keys import HerdKeys, KeyPair, new_key_pair


def keys_of(herd: Herd) -> HerdKeys:
    assert herd.keys is not None
    return herd.keys


def wait_for_more(count: Callable[[], int], act: Callable[[], object], what: str) -> None:
    """Acts, then waits until the count has risen."""
    before = count()
    act()
    wait_for(lambda: count() > before, what)


def reloads(node: Node) -> int:
    return node.log().count("event=keys_re")  # keys_reloaded, keys_refused


def reload(*nodes: Node) -> None:
    """The nodes read their key files again. Returns when they have."""
    for node in nodes:
        wait_for_more(partial(reloads, node), partial(node.signal, signal.SIGHUP), f"{node.name} reads its keys")


@pytest.fixture
def strangers() -> Iterator[list[Stranger]]:
    made: list[Stranger] = []
    yield made
    for stranger in made:
        stranger.close()


def test_five_nodes_with_encryption_pass_an_exchange_and_a_restart(make_herd: MakeHerd) -> None:
    herd = make_herd(FIVE, curve=True)
    herd.wait_linked()
    for number, node in enumerate(herd):
        assert node.say(f"IAMAT client{number} +1+2 5").startswith(f"AT {node.name} ")
    herd.wait_converged(5)
    victim = herd["Smith"]
    victim.kill()
    assert herd["Hill"].say("IAMAT late +1+2 5").startswith("AT Hill ")
    victim.start()
    herd.wait_converged(6)
    assert all(node.counter("bus_connections_cut") == 0 for node in herd)


def test_a_stranger_is_refused_and_counted_and_the_log_names_it(make_herd: MakeHerd, strangers: list[Stranger]) -> None:
    herd = make_herd(line(2), curve=True)
    herd.wait_linked()
    node, keys = herd["n0"], keys_of(herd)
    assert node.counter("bus_refused") == 0, "the proof at the start is not a stranger"
    server = keys.pairs["n0"][0].public
    random = new_key_pair(pathlib.Path(BINARY))

    def dial(pair: KeyPair, server: str) -> None:
        strangers.append(Stranger(node, pair, server))

    # A ZeroMQ socket without encryption may notice the difference first and leave, which is not counted.
    with socket.create_connection(("127.0.0.1", node.bus_port), 20) as plain:
        wait_for_more(lambda: node.counter("bus_refused"), partial(plain.sendall, zmtp.greeting()), "it is counted")
        with contextlib.suppress(ConnectionError):
            while plain.recv(100):  # the node's greeting, then the end
                pass
    for pair, key in ((random, server), (keys.pairs["n1"][0], random.public)):
        wait_for_more(lambda: node.counter("bus_refused"), partial(dial, pair, key), "it is counted")
        assert not strangers[-1].is_accepted()
    line_of = node.wait_log("event=bus_refused", f"key={random.public}")
    assert "from=127.0.0.1" in line_of and "public.toml" in line_of
    assert node.log().count("event=bus_refused") <= 10
    herd.wait_converged()


def test_a_node_without_keys_does_not_start_and_says_which_command_makes_them(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), start=False, curve=True)
    keys_of(herd).path.joinpath("n0.secret").unlink()
    environment = os.environ | herd.environment
    ran = subprocess.run([BINARY, "--config", herd.config_path, "n0"], capture_output=True, text=True, timeout=20,
                         env=environment)
    assert ran.returncode == 2
    assert ran.stderr == f"{keys_of(herd).path}/n0.secret:1: there is no such file: run scripts/herd keygen n0\n"
    checked = subprocess.run([BINARY, "--config", herd.config_path, "--check"], capture_output=True, text=True,
                             env=environment)
    assert checked.returncode == 0, "without the name of a node, --check needs no keys"


def test_a_process_with_the_key_of_another_node_is_refused(make_herd: MakeHerd) -> None:
    herd = make_herd(line(3), start=False, curve=True)
    keys = keys_of(herd)
    keys.pairs["n2"] = keys.pairs["n0"]  # n2 has a copy of n0's secret
    keys.write()
    herd["n0"].start()
    herd["n1"].start()
    herd["n2"].start(wait=False)
    herd["n1"].wait_log("event=peer_refused peer=n2", "it uses the key of node 'n0'")
    assert herd["n1"].status()["links"]["n2"]["state"] == "down"


def test_a_key_that_is_added_later_joins_by_itself(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), start=False, curve=True)
    keys = keys_of(herd)
    late = keys.public.nodes.pop("n1")
    keys.write()
    herd["n0"].start()
    herd["n0"].wait_log("event=key_at_risk", "there is no valid key of n1")
    keys.public.nodes["n1"] = late
    keys.write()
    herd["n1"].start(wait=False)
    wait_for(lambda: herd["n0"].counter("bus_refused") > 0, "n0 does not know the key yet")
    reload(herd["n0"])
    herd.wait_linked()


def test_a_key_that_is_revoked_at_a_reload_is_out_at_once_and_in_again_when_it_is_valid(make_herd: MakeHerd) -> None:
    herd = make_herd(line(3), curve=True)
    herd.wait_linked()
    keys = keys_of(herd)
    keys.public.revoked = list(keys.public.nodes["n2"])
    keys.write()
    reload(herd["n0"], herd["n1"])
    wait_for(lambda: herd["n1"].status()["links"]["n2"]["state"] == "down", "the link is down")
    herd["n1"].wait_log("event=bus_connection_cut", "its key was removed or revoked")
    assert herd["n1"].status()["links"]["n0"]["state"] == "up", "other links stay"
    herd["n1"].wait_log("event=bus_refused", "its key is revoked")
    keys.public.revoked = []
    keys.write()
    reload(herd["n0"], herd["n1"])
    herd.wait_linked(40)


def test_a_broken_key_file_at_a_reload_changes_nothing(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), curve=True)
    herd.wait_linked()
    keys = keys_of(herd)
    (keys.path / "public.toml").write_text("[[node]\n")
    reload(herd["n0"])
    herd["n0"].wait_log("event=keys_refused", "the previous keys")
    herd["n0"].wait_log("event=reload_mistake", "public.toml:1: TOML syntax error")
    assert herd["n0"].say("IAMAT kiwi +1+2 5").startswith("AT n0 ")
    herd.wait_converged(1)
    assert "event=link_lost" not in herd["n0"].log()


@pytest.mark.parametrize("first", ["n0", "n1"])
def test_a_key_is_rotated_without_the_loss_of_an_update_in_any_order(make_herd: MakeHerd, first: str) -> None:
    herd = make_herd(line(2), curve=True)
    herd.wait_linked()
    keys = keys_of(herd)
    order = sorted(herd, key=lambda node: node.name != first)
    old, new = keys.pairs["n0"][0], new_key_pair(pathlib.Path(BINARY))
    keys.pairs["n0"] = [old, new]
    keys.public.nodes["n0"] = [old.public, new.public]
    keys.write()
    reload(*order)
    keys.pairs["n0"], keys.public.nodes["n0"], keys.public.revoked = [new], [new.public], [old.public]
    keys.write()
    sent = 0
    for node in order:
        reload(node)
        for _ in range(50):
            for each in herd:
                assert each.say(f"IAMAT client{sent} +1+2 5").startswith("AT ")
                sent += 1
    herd.wait_linked(40)
    herd.wait_converged(sent)


def test_the_traffic_of_the_bus_is_not_readable(make_herd: MakeHerd, tmp_path: pathlib.Path) -> None:
    """A relay between two nodes sees no update."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        probe.settimeout(20)
        herd = Herd.create(BINARY, line(2), bus_public={"n0": probe.getsockname()[1]}, curve=True, directory=tmp_path)
        try:
            for node in herd:
                node.start(wait=False)
            connection, _ = probe.accept()
            with connection, socket.create_connection(("127.0.0.1", herd["n0"].bus_port), timeout=20) as onward:
                wait_for(lambda: herd["n1"].is_ready(), "n1 is ready")
                herd["n1"].say("IAMAT secret-client +1+2 5")
                seen = relayed(connection, onward, 3)
        finally:
            herd.close()
    assert b"CURVE" in seen and len(seen) > 1000
    assert b"secret-client" not in seen and b"+1+2" not in seen


def relayed(one: socket.socket, other: socket.socket, seconds: float) -> bytes:
    """What passes between the two connections."""
    seen = b""
    poller = zmq.Poller()
    for end in (one, other):
        poller.register(end, zmq.POLLIN)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for descriptor, _ in poller.poll(100):
            source, sink = (one, other) if descriptor == one.fileno() else (other, one)
            data = source.recv(65536)
            seen += data
            sink.sendall(data)
    return seen
