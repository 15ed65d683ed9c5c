"""Tests the steps of docs/HOSTS.md on three hosts, which are network namespaces: from init to a herd that exchanges
updates encrypted, a rotation of a key, a node more and a node less. Needs root."""
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from herd_fixture import wait_for
from many_hosts import ManyHosts, NetHost
from talk import now


@pytest.fixture
def hosts() -> Iterator[list[NetHost]]:
    """Three hosts with the configuration and all keys."""
    network = ManyHosts.connect(3)
    try:
        addresses = ",".join(host.address for host in network.hosts)
        network.hosts[0].run("init", "--nodes", "3", "--graph", "full", "--hosts", addresses, "--output",
                             str(network.hosts[0].config))
        for host in network.hosts[1:]:
            host.config.write_text(network.hosts[0].config.read_text())
        for host in network.hosts:
            host.run("keygen")
        exchange(network.hosts)
        yield network.hosts
    finally:
        network.close()


def exchange(hosts: list[NetHost]) -> None:
    """As docs/HOSTS.md has it: the first host collects the public keys, then the others get them all."""
    for host in hosts[1:]:
        hosts[0].run("keygen", "--import", "-", given=(host.keys / "public.toml").read_text())
    for host in hosts[1:]:
        host.run("keygen", "--import", "-", given=(hosts[0].keys / "public.toml").read_text())


def rows(host: NetHost) -> dict[str, dict[str, Any]]:
    return {row["node"]: row for row in json.loads(host.run("status", "--json"))["nodes"]}


def all_linked(hosts: list[NetHost], count: int) -> bool:
    return all(row["peers_up"] == count for host in hosts for row in rows(host).values() if row["state"] == "up")


def all_know_all(hosts: list[NetHost]) -> bool:
    """Whether every host shows all nodes with all links, one client and one digest."""
    shown = [(row["peers_up"], row["clients"], row["digest"]) for host in hosts for row in rows(host).values()]
    return len(set(shown)) == 1 and shown[0][:2] == (2, 1)


def test_three_hosts_start_their_own_nodes_and_exchange_updates(hosts: list[NetHost]) -> None:
    for host in hosts:
        assert "has no key" not in host.run("up")
    for i, host in enumerate(hosts):
        assert [row["state"] for row in rows(host).values()] == ["up" if j == i else "remote" for j in range(3)]
    wait_for(lambda: all_linked(hosts, 2), "every link is up", 30)
    reply = hosts[0].say(12140, f"IAMAT kiwi +1+2 {now()}")
    assert reply.startswith("AT n0 ")
    wait_for(lambda: hosts[2].say(12142, "WHATSAT kiwi 1 0").startswith(reply.strip()), "n2 knows it")
    where = hosts[2].run("where", "kiwi")
    assert re.search(r"^ +n2 +n0 +\+", where, re.M) and re.search(r"^ +n1 +on another host$", where, re.M)
    assert [node["differs"] for node in json.loads(hosts[2].run("where", "kiwi", "--json"))["nodes"]] == [False] * 3
    table = hosts[0].run("status")
    assert re.search(rf"^n1 +n0 +up +0 +\d+\.\d ms +{hosts[1].address}:12241$", table, re.M)
    assert re.search(r"^n2 +n0 +up ", table, re.M)
    wait_for(lambda: all_know_all(hosts), "every host shows the state of all nodes", 20)
    assert rows(hosts[1])["n0"]["report"]["ready"] and rows(hosts[1])["n0"]["report"]["by"] == "n1"
    hosts[2].host.set_link("down")
    wait_for(lambda: re.search(r"^n2 +n0 +(down|half) ", hosts[0].run("status"), re.M), "n0 misses n2", 30)
    hosts[2].host.set_link("up")
    wait_for(lambda: all_linked(hosts, 2), "every link is up again", 60)
    hosts[1].run("down")
    assert {row["state"] for row in rows(hosts[0]).values()} == {"up", "remote"}


def test_a_host_that_lacks_keys_starts_and_gets_its_links_with_a_reload(hosts: list[NetHost]) -> None:
    all_keys = (hosts[0].keys / "public.toml").read_text()
    (hosts[0].keys / "public.toml").unlink()
    output = hosts[0].run("up")
    assert f"{hosts[0].keys}/public.toml has no key of n1, n2: copy public.toml from the other hosts" in output
    for host in hosts[1:]:
        host.run("up")
    wait_for(lambda: all_linked(hosts[1:], 1), "the others are linked", 30)
    assert rows(hosts[0])["n0"]["peers_up"] == 0
    hosts[0].run("keygen", "--import", "-", given=all_keys)
    hosts[0].run("reload")
    wait_for(lambda: all_linked(hosts, 2), "every link is up", 60)


def test_a_key_is_rotated_while_the_herd_runs(hosts: list[NetHost]) -> None:
    for host in hosts:
        host.run("up")
    hosts[1].run("keygen", "--rotate", "n1")
    exchange(hosts)
    for host in hosts:
        host.run("reload")
    hosts[1].run("keygen", "--retire", "n1")
    hosts[1].run("reload")
    exchange(hosts)
    for host in hosts:
        host.run("reload")
    hosts[1].say(12141, f"IAMAT kiwi +1+2 {now()}")
    for host, port in zip(hosts, (12140, 12141, 12142)):
        wait_for(lambda: host.say(port, "WHATSAT kiwi 1 0").startswith("AT n1 "), "the link carries updates", 60)
    wait_for(lambda: all_linked(hosts, 2), "every link is up", 60)


def test_a_node_is_added_and_another_is_removed(hosts: list[NetHost]) -> None:
    for host in hosts:
        host.run("up")
    more = (f'\n[[node]]\nname = "n3"\nclients = "127.0.0.1:12143"\nbus = "tcp://{hosts[0].address}:12243"\n'
            'http = "127.0.0.1:12443"\npeers = ["n1", "n2"]\n')
    for host in hosts:
        host.config.write_text(host.config.read_text() + more)
    hosts[0].run("keygen")
    exchange(hosts)
    for host in hosts:
        host.run("up")
    wait_for(lambda: [rows(host)[name]["peers_up"] for host, name in zip((*hosts, hosts[0]), ("n0", "n1", "n2", "n3"))]
             == [2, 3, 3, 2], "the new node has its links", 60)
    for host in hosts:  # n2 leaves
        text = host.config.read_text()
        entry = re.search(r'\[\[node\]\]\nname = "n2"\n(?:.+\n)+', text)
        assert entry
        host.config.write_text(text.replace(entry[0], "").replace('"n1", "n2"', '"n1"').replace('["n2"]', "[]"))
    assert "runs on this host" in hosts[2].run("up", status=1)
    hosts[2].run("down")
    hosts[0].run("keygen", "--revoke", "n2")
    hosts[1].run("keygen", "--import", "-", given=(hosts[0].keys / "public.toml").read_text())
    for host in hosts[:2]:
        host.run("up")
        host.run("reload")
    assert list(rows(hosts[1])) == ["n0", "n1", "n3"]
    wait_for(lambda: rows(hosts[1])["n1"]["peers_up"] == 2, "the others stay linked", 60)
