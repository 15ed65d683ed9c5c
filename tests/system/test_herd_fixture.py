"""Tests the fixture itself: graphs, ports, start and stop, convergence, and that no node ends or remains unnoticed."""
import os
import signal

import pytest

from herd_fixture import FIVE, Herd, MakeHerd, alone, full, line, ring


def test_graphs_have_the_right_links() -> None:
    assert line(3) == {"n0": ["n1"], "n1": ["n2"], "n2": []}
    assert ring(3) == {"n0": ["n1"], "n1": ["n2"], "n2": ["n0"]}
    assert full(3) == {"n0": ["n1", "n2"], "n1": ["n2"], "n2": []}
    assert alone(2) == {"n0": [], "n1": []}


def test_five_nodes_link_converge_and_recover(make_herd: MakeHerd) -> None:
    herd = make_herd()
    assert list(herd.nodes) == list(FIVE)
    assert all(port < 32768 for node in herd for port in (node.clients_port, node.bus_port, node.http_port))
    herd.wait_linked()
    assert herd["Hill"].say("IAMAT kiwi +1+2 5").startswith("AT Hill +")
    herd.wait_converged(clients=1)
    record = herd["Singleton"].knows("kiwi")
    assert record == herd["Campbell"].knows("kiwi") and record and record.startswith("AT Hill ")
    assert herd["Hill"].knows("unknown") is None
    assert herd["Hill"].counter("iamat_stored") == 1
    herd["Smith"].kill()
    assert herd["Campbell"].say(b"IAMAT kiwi +1+2 6").startswith(b"AT Campbell ")
    herd.wait_converged(clients=1)
    herd["Smith"].start()
    herd.wait_linked()
    herd.wait_converged(clients=1)
    assert " 6" in (herd["Smith"].knows("kiwi") or "")


def test_settings_and_new_nodes_reach_the_configuration(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1), settings={"clients": {"commands": "seed", "max_line_bytes": 64}}, start=False)
    herd.start()
    assert herd["n0"].say("x" * 65) == "? " + "x" * 64 + "\n"
    herd.graph = line(2)
    herd.write_config()
    herd["n0"].stop()
    herd.start()
    herd.wait_linked()


def test_two_herds_have_ports_of_their_own(make_herd: MakeHerd) -> None:
    one, other = make_herd(alone(1)), make_herd(alone(1))
    assert one["n0"].clients_port != other["n0"].clients_port


def test_a_node_that_ends_by_itself_fails_the_test() -> None:
    herd = Herd.for_test(alone(2))
    herd.start()
    os.kill(herd["n1"].process.pid, signal.SIGKILL)
    herd["n1"].process.wait()
    with pytest.raises(AssertionError, match="n1 ended by itself with status -9"):
        herd.close()
    assert not herd.running
    assert not herd.directory.exists()


def test_a_frozen_node_is_ended() -> None:
    herd = Herd.for_test(alone(1))
    herd.start()
    herd["n0"].signal(signal.SIGSTOP)
    herd.close()
    assert not herd.running
