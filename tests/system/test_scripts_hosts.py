"""Tests keys of a herd on several hosts: each host makes the keys of its own nodes, the public keys are exchanged with
`scripts/herd keygen --import`, and a key that contradicts a known one is refused."""
import contextlib
import json
import pathlib
import shutil
from collections.abc import Iterator

import pytest

from key_host import KeyHost

NAMES = ("n0", "n1", "n2")


@contextlib.contextmanager
def three_hosts() -> Iterator[list[KeyHost]]:
    """One node each: host i runs ni."""
    hosts = [KeyHost(3, elsewhere=NAMES[:i] + NAMES[i + 1:]) for i in range(3)]
    yield hosts
    for host in hosts:
        host.close()


@pytest.fixture(scope="module")
def with_own_keys() -> Iterator[list[KeyHost]]:
    """For copies only: each host has made its own key."""
    with three_hosts() as hosts:
        for host in hosts:
            host.run("keygen")
        yield hosts


@pytest.fixture(scope="module")
def with_all_keys(with_own_keys: list[KeyHost]) -> Iterator[list[KeyHost]]:
    """For copies only: every host has the keys of all."""
    with three_hosts() as hosts:
        copy_keys(with_own_keys, hosts)
        exchange(hosts)
        yield hosts


@pytest.fixture
def new_hosts(with_own_keys: list[KeyHost]) -> Iterator[list[KeyHost]]:
    """Three hosts. Each has made its own key."""
    with three_hosts() as hosts:
        copy_keys(with_own_keys, hosts)
        yield hosts


@pytest.fixture
def hosts(with_all_keys: list[KeyHost]) -> Iterator[list[KeyHost]]:
    """Three hosts. Each has made its own key, and knows the public keys of all."""
    with three_hosts() as hosts:
        copy_keys(with_all_keys, hosts)
        yield hosts


def copy_keys(made: list[KeyHost], hosts: list[KeyHost]) -> None:
    for one, other in zip(made, hosts):
        shutil.copytree(one.state, other.state)


def exchange(hosts: list[KeyHost]) -> None:
    """Every host imports the public.toml of every other one."""
    for host in hosts:
        for other in hosts:
            if other is not host:
                host.run("keygen", "--import", str(other.keys / "public.toml"))


def test_each_host_makes_its_own_key_and_names_those_that_it_lacks(new_hosts: list[KeyHost]) -> None:
    for i, host in enumerate(new_hosts):
        assert host.names() == [f"n{i}"] and [path.name for path in host.keys.glob("*.secret")] == [f"n{i}.secret"]
    assert new_hosts[1].run("keygen").splitlines() == [
        f"Nothing is missing in {new_hosts[1].keys}",
        f"{new_hosts[1].keys}/public.toml has no key of n0, n2: copy public.toml from the other hosts, and run"
        " scripts/herd keygen --import FILE here"]
    assert json.loads(new_hosts[1].run("keygen", "--json"))["lacking"] == ["n0", "n2"]
    assert "n1 runs on another host" in new_hosts[0].trouble("keygen", "n1", status=2)
    for action in ("--rotate", "--retire"):
        assert "n1 runs on another host" in new_hosts[0].trouble("keygen", action, "n1", status=2)


def test_after_the_exchange_all_hosts_have_the_same_public_file(new_hosts: list[KeyHost]) -> None:
    exchange(new_hosts)
    assert len({host.contents()["public.toml"] for host in new_hosts}) == 1 and new_hosts[0].names() == list(NAMES)
    given = (new_hosts[1].keys / "public.toml").read_text()
    assert "has all of it already" in new_hosts[0].run("keygen", "--import", "-", given=given)
    assert new_hosts[0].run("keygen") == f"Nothing is missing in {new_hosts[0].keys}\n"


def test_a_rotation_reaches_every_host_in_any_order(hosts: list[KeyHost]) -> None:
    output = hosts[0].run("keygen", "--rotate", "n0")
    assert "to every other host" in output and "keygen --retire n0 ends the old key" in output
    old, new = hosts[0].keys_of("n0")
    exchange(hosts)
    assert [host.keys_of("n0") for host in hosts] == [[old, new]] * 3
    assert "scripts/herd reload here first" in hosts[0].run("keygen", "--retire", "n0")
    # n2 learns it from n1. The older file of n2 that n1 then imports brings nothing back.
    hosts[1].run("keygen", "--import", str(hosts[0].keys / "public.toml"))
    stale = (hosts[2].keys / "public.toml").read_text()
    hosts[2].run("keygen", "--import", str(hosts[1].keys / "public.toml"))
    assert "has all of it already" in hosts[1].run("keygen", "--import", "-", given=stale)
    for host in hosts:
        assert host.keys_of("n0") == [new] and host.public()["revoked"] == [old]


def test_a_host_that_missed_a_whole_rotation_gets_the_new_key(hosts: list[KeyHost]) -> None:
    [old] = hosts[0].keys_of("n0")
    hosts[0].run("keygen", "--rotate", "n0")
    hosts[0].run("keygen", "--retire", "n0")
    hosts[1].run("keygen", "--import", str(hosts[0].keys / "public.toml"))
    assert hosts[1].keys_of("n0") == hosts[0].keys_of("n0") != [old] and hosts[1].public()["revoked"] == [old]


def test_a_different_key_of_a_known_node_is_refused_and_changes_nothing(hosts: list[KeyHost]) -> None:
    before = hosts[0].contents()
    foreign = KeyHost(3, elsewhere=("n0", "n2"))  # another host that claims to run n1
    try:
        foreign.run("keygen")
        given = str(foreign.keys / "public.toml")
        error = hosts[0].trouble("keygen", "--import", given)
        assert f"{given} has another key of n1 than {hosts[0].keys}/public.toml: nothing is changed" in error
        error = hosts[1].trouble("keygen", "--import", given)
        assert f"has another key of n1 than {hosts[1].keys}/n1.secret: nothing is changed" in error
    finally:
        foreign.close()
    # The key of n1 under another name.
    given = str(hosts[0].directory / "given.toml")
    keys = [hosts[2].keys_of("n2")[0], hosts[1].keys_of("n1")[0]]
    pathlib.Path(given).write_text(f'[[node]]\nname = "n2"\nkeys = {json.dumps(keys)}\n')
    assert f"{given} has a key of n2 that" in hosts[0].trouble("keygen", "--import", given)
    assert hosts[0].contents() == before


def test_a_lost_key_is_replaced_after_it_is_revoked(hosts: list[KeyHost]) -> None:
    [lost] = hosts[1].keys_of("n1")
    (hosts[1].keys / "n1.secret").unlink()
    (hosts[1].keys / "public.toml").unlink()  # the disk was lost
    hosts[1].run("keygen", "--import", str(hosts[0].keys / "public.toml"))
    assert "n1.secret is missing" in hosts[1].trouble("keygen")
    hosts[1].run("keygen", "--revoke", "n1")
    hosts[1].run("keygen")
    [fresh] = hosts[1].keys_of("n1")
    hosts[0].run("keygen", "--import", str(hosts[1].keys / "public.toml"))
    assert hosts[0].keys_of("n1") == [fresh] != [lost] and hosts[0].public()["revoked"] == [lost]


def test_a_node_that_is_removed_is_revoked_on_every_host(hosts: list[KeyHost]) -> None:
    [gone] = hosts[2].keys_of("n2")
    for i, host in enumerate(hosts[:2]):
        host.write_config(["n0", "n1"], elsewhere=(f"n{1 - i}",))
    hosts[0].run("keygen", "--revoke", "n2")
    assert hosts[0].names() == ["n0", "n1"]
    assert "is revoked" in hosts[1].run("keygen", "--import", str(hosts[0].keys / "public.toml"))
    assert hosts[1].names() == ["n0", "n1"] and hosts[1].public()["revoked"] == [gone]
    error = hosts[2].trouble("keygen", "--import", str(hosts[0].keys / "public.toml"))
    assert "revokes the key that n2 of this host uses: nothing is changed" in error


def test_keys_of_nodes_that_are_not_configured_are_left_out(new_hosts: list[KeyHost]) -> None:
    new_hosts[0].write_config(["n0", "n1"], elsewhere=("n1",))
    output = new_hosts[0].run("keygen", "--import", str(new_hosts[2].keys / "public.toml"))
    assert f"n2 is not a node of {new_hosts[0].config}: its key is left out" in output
    assert new_hosts[0].names() == ["n0"]


@pytest.mark.parametrize("content, reason", [
    ("", "contains no keys"), ("revoked = []\n", "contains no keys"), ("[[node", "cannot be read as TOML"),
    ("[[key]]\npublic = \"x\"\n", "contains `key`, so it is no public.toml"),
    ("[[node]]\nname = \"n1\"\nkeys = [\"short\"]\n", "`keys` of n1 are not one or two keys of 40 characters"),
    ("revoked = [\"short\"]\n", "`revoked` is not a list of keys of 40 characters")])
def test_a_file_that_is_no_list_of_keys_is_named(new_hosts: list[KeyHost], content: str, reason: str) -> None:
    before = new_hosts[0].contents()
    given = new_hosts[0].directory / "given.toml"
    given.write_text(content)
    error = new_hosts[0].trouble("keygen", "--import", str(given))
    assert str(given) in error and reason in error
    assert new_hosts[0].contents() == before


def test_a_host_without_a_node_of_the_file_makes_no_keys(new_hosts: list[KeyHost]) -> None:
    new_hosts[0].write_config(list(NAMES), elsewhere=NAMES)
    for command in ("keygen", "up"):
        assert "no node of" in new_hosts[0].trouble(command) and "runs on this host" in new_hosts[0].trouble(command)
