"""Tests nodes that know each other by host names, on hosts that are network namespaces with their own /etc/hosts and
/etc/resolv.conf: an address that changes, and a name server that does not answer. Needs root."""
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from herd_fixture import wait_for
from many_hosts import ManyHosts, NetHost
from talk import now

NAME_SERVER = "10.77.200.1"  # no host has it, so the packets to it are dropped


@pytest.fixture
def network() -> Iterator[ManyHosts]:
    """Three hosts without a herd."""
    network = ManyHosts.connect(3)
    try:
        yield network
    finally:
        network.close()


def begin(hosts: list[NetHost], config: str) -> None:
    """Starts the nodes of this configuration, with keys, on every host that has a node in it."""
    for host in hosts:
        host.config.write_text(config)
        host.run("keygen")
    for host in hosts[1:]:
        hosts[0].run("keygen", "--import", "-", given=(host.keys / "public.toml").read_text())
    for host in hosts[1:]:
        host.run("keygen", "--import", "-", given=(hosts[0].keys / "public.toml").read_text())
    for host in hosts:
        host.run("up")


def row(host: NetHost, name: str) -> dict[str, Any]:
    return next(row for row in json.loads(host.run("status", "--json"))["nodes"] if row["node"] == name)


def knows(host: NetHost, port: int, client: str) -> bool:
    return host.say(port, f"WHATSAT {client} 1 0").startswith("AT ")


def log_of(host: NetHost, name: str) -> str:
    return (host.state / "logs" / f"{name}.log").read_text()


def node(i: int, bus: str, *more: str) -> str:
    return "\n".join(["[[node]]", f'name = "n{i}"', f'clients = "127.0.0.1:{12140 + i}"',
                      f'bus = "tcp://{bus}:{12240 + i}"', f'http = "127.0.0.1:{12440 + i}"', *more, ""])


def test_the_address_of_a_name_changes_and_the_link_comes_back(network: ManyHosts) -> None:
    hosts = network.hosts[:2]
    for host in hosts:
        host.set_names({"host0.test": hosts[0].address, "host1.test": hosts[1].address})
    # n1 binds a wildcard, so it need not start again when its host gets another address.
    begin(hosts, node(0, "host0.test", 'peers = ["n1"]')
          + node(1, "0.0.0.0", 'bus_public = "tcp://host1.test:12241"'))
    wait_for(lambda: row(hosts[0], "n0")["peers_up"] == 1 == row(hosts[1], "n1")["peers_up"], "the link is up", 30)
    assert row(hosts[0], "n1")["seen_by"][0]["address"] == f"tcp://{hosts[1].address}:12241"
    assert row(hosts[1], "n0")["seen_by"][0]["address"] == f"tcp://{hosts[0].address}:12240"
    hosts[0].say(12140, f"IAMAT kiwi +1+2 {now()}")
    wait_for(lambda: knows(hosts[1], 12141, "kiwi"), "n1 knows kiwi")
    pid = row(hosts[1], "n1")["pid"]
    former = hosts[1].host.address
    hosts[1].host.move(42)
    moved = hosts[1].host.address
    for host in hosts:
        host.set_names({"host0.test": hosts[0].host.address, "host1.test": moved})
    hosts[0].say(12140, f"IAMAT plum +1+2 {now()}")
    wait_for(lambda: knows(hosts[1], 12141, "plum"), "n1 knows plum, at its new address", 30)
    wait_for(lambda: row(hosts[0], "n0")["peers_up"] == 1 == row(hosts[1], "n1")["peers_up"], "the link is back", 30)
    assert row(hosts[0], "n1")["seen_by"][0]["address"] == f"tcp://{moved}:12241"
    assert row(hosts[1], "n1")["pid"] == pid
    told = re.findall(r"event=peer_address peer=n1 host=host1.test address=(\S+)", log_of(hosts[0], "n0"))
    assert told == [f"tcp://{former}:12241", f"tcp://{moved}:12241"]


def test_a_name_server_that_does_not_answer_delays_nothing(network: ManyHosts) -> None:
    hosts = network.hosts
    hosts[0].set_names({}, server=NAME_SERVER)  # only this host depends on the name server
    for host in hosts[1:]:
        host.set_names({"host2.test": hosts[2].address})
    begin(hosts, "[updates]\nreplicas = 1\n" + node(0, hosts[0].address, 'peers = ["n1", "n2"]')
          + node(1, hosts[1].address, 'peers = ["n2"]') + node(2, "host2.test"))
    wait_for(lambda: row(hosts[1], "n1")["peers_up"] == 2, "n1 has both links", 30)
    wait_for(lambda: "event=peer_name_unresolved peer=n2" in log_of(hosts[0], "n0"), "n0 logs the name", 30)
    waits = hosts[0].report(12140, seconds=12)  # longer than the resolver takes to give up
    assert len(waits) > 100
    # With replicas = 1 each reply waits for n1, over the link. libzmq's own resolver would stop it for five seconds.
    assert waits[int(len(waits) * 0.99)] < 0.25 and waits[-1] < 2.5, waits[-10:]
    assert "event=link_lost peer=n1" not in log_of(hosts[0], "n0").partition("event=peer_name_unresolved")[2]
    assert log_of(hosts[0], "n0").count("event=peer_name_unresolved") == 1
    began = time.monotonic()
    assert row(hosts[0], "n0")["state"] == "up"
    remote = row(hosts[0], "n2")  # n1 passes the report of n2 on
    assert time.monotonic() - began < 20
    assert remote["state"] == "remote" and remote["report"]["by"] == "n0" and remote["peers_up"] >= 1
    assert remote["seen_by"][0]["state"] != "up" and remote["seen_by"][0]["address"] == ""
    hosts[0].set_names({"host2.test": hosts[2].address}, server=NAME_SERVER)
    wait_for(lambda: row(hosts[0], "n0")["peers_up"] == 2, "n0 finds n2 in /etc/hosts", 60)
    assert row(hosts[0], "n2")["seen_by"][0]["address"] == f"tcp://{hosts[2].address}:12242"
