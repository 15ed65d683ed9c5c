"""Tests journals that are not the newest of their feed: backups and copied state directories (docs/RELIABILITY.md,
Backups)."""
import json
import pathlib
import shutil

import pytest
import zmq

from herd_fixture import Herd, MakeHerd, Node, line, wait_for

REPLICAS = pytest.mark.parametrize("replicas", [0, 1])


def reports(node: Node, count: int, prefix: str) -> None:
    for number in range(count):
        assert node.say(f"IAMAT {prefix}{number} +1+2 5").startswith("AT ")


def restart_with(node: Node, journal: pathlib.Path) -> None:
    node.kill()
    shutil.copyfile(journal, node.state_dir / "journal")
    node.start()


def herd_with_a_backup(make_herd: MakeHerd, replicas: int, nodes: int = 3) -> tuple[Herd, Node, pathlib.Path]:
    """A line of nodes, a backup of n0 that was made while n0 was down, and 100 reports that n0 accepted after that."""
    herd = make_herd(line(nodes), log_level="info", settings={"updates": {"replicas": replicas}})
    herd.wait_linked()
    node, backup = herd["n0"], herd.directory / "backup"
    reports(node, 3, "before")
    herd.wait_converged(clients=3)
    node.stop()
    shutil.copyfile(node.state_dir / "journal", backup)
    node.start()
    reports(node, 100, "since")
    herd.wait_converged(clients=103)
    return herd, node, backup


@REPLICAS
def test_a_node_with_a_restored_backup_gets_all_back_and_its_new_updates_spread_at_once(
        make_herd: MakeHerd, replicas: int) -> None:
    herd, node, backup = herd_with_a_backup(make_herd, replicas)
    feed = node.status()["feed_id"]
    restart_with(node, backup)
    log = node.wait_log("event=feed_renewed peer=n1 feed_id=")
    assert log.count("event=feed_renewed") == 1
    herd.wait_converged(clients=103)
    assert node.status()["feed_id"] != feed and node.counter("bus_feeds_renewed") == 1
    assert node.say("IAMAT after +1+2 5").startswith("AT n0 ")
    herd.wait_converged(clients=104, seconds=10)  # reconciliation would take at least 30 s
    assert all(peer.counter("bus_divergences_healed") == 0 for peer in herd)


@REPLICAS
def test_updates_accepted_without_peers_spread_when_a_peer_comes(make_herd: MakeHerd, replicas: int) -> None:
    herd, node, backup = herd_with_a_backup(make_herd, replicas, nodes=2)
    herd["n1"].kill()
    restart_with(node, backup)
    with node.connect() as connection:
        connection.sendall(b"".join(b"IAMAT alone%d +1+2 5\n" % number for number in range(200)))
        if replicas == 0:
            assert connection.recv(100).startswith(b"AT n0 ")
        herd["n1"].start()
        herd.wait_converged(clients=303)
        if replicas == 1:
            assert connection.recv(100).startswith(b"AT n0 ")
    assert node.counter("bus_feeds_renewed") == 1


def test_updates_acknowledged_with_replicas_after_a_restore_survive_the_disk(make_herd: MakeHerd) -> None:
    herd, node, backup = herd_with_a_backup(make_herd, 1, nodes=2)
    restart_with(node, backup)
    reports(node, 100, "after")
    node.kill()
    node.forget()
    node.start()
    herd.wait_converged(clients=203)


def test_a_backup_may_be_put_back_twice_and_the_journal_discarded_afterwards(make_herd: MakeHerd) -> None:
    herd, node, backup = herd_with_a_backup(make_herd, 0)
    for number in range(2):
        restart_with(node, backup)
        reports(node, 1, f"after{number}-")
        herd.wait_converged(clients=104 + number)
    node.kill()
    node.start("--discard-journal")
    herd.wait_converged(clients=105)


def test_two_nodes_with_restored_backups_converge(make_herd: MakeHerd) -> None:
    herd, node, backup = herd_with_a_backup(make_herd, 0)
    peer = herd["n1"]
    peers_backup = herd.directory / "peers-backup"
    shutil.copyfile(peer.state_dir / "journal", peers_backup)  # while it runs
    reports(peer, 10, "peer")
    herd.wait_converged(clients=113)
    for which in (node, peer):
        which.kill()
    shutil.copyfile(backup, node.state_dir / "journal")
    shutil.copyfile(peers_backup, peer.state_dir / "journal")
    herd.start()
    herd.wait_converged(clients=113)  # n2 has all


def test_a_state_directory_copied_from_another_node_does_no_harm(make_herd: MakeHerd) -> None:
    herd, node, _ = herd_with_a_backup(make_herd, 0)
    shutil.copyfile(herd["n2"].state_dir / "journal", herd.directory / "foreign")
    restart_with(node, herd.directory / "foreign")
    assert node.say("IAMAT after +1+2 5").startswith("AT n0 ")
    herd.wait_converged(clients=104, seconds=10)


def test_a_viewer_of_the_monitor_gets_the_event(make_herd: MakeHerd) -> None:
    herd, node, backup = herd_with_a_backup(make_herd, 0, nodes=2)
    herd["n1"].kill()  # else the event comes before the viewer subscribes
    restart_with(node, backup)
    with zmq.Context.instance().socket(zmq.SUB) as viewer:
        viewer.rcvtimeo = 20_000
        viewer.subscribe("herd.WARNING.node.")
        viewer.subscribe("herd.INFO.stats.")
        viewer.connect(f"tcp://127.0.0.1:{node.monitor_port}")
        viewer.recv_multipart()  # stats came, so the subscriptions are in effect
        herd["n1"].start()
        topic, body = wait_for(lambda: next((parts for parts in [viewer.recv_multipart()]
                                             if parts[0].startswith(b"herd.WARNING")), None), "the event")
    event = json.loads(body)
    assert topic == b"herd.WARNING.node.n0" and event["event"] == "feed_renewed"
    assert event["message"].startswith("by the cursor of n1: ")


def test_restarts_alone_renew_no_feed(make_herd: MakeHerd) -> None:
    herd, node, _ = herd_with_a_backup(make_herd, 0)
    for number in range(3):
        node.kill()
        node.start()
        reports(node, 1, f"again{number}-")
    herd.wait_converged()
    assert all("event=feed_renewed" not in peer.log() for peer in herd)
