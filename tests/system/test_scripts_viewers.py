"""Tests scripts/herd keygen --viewer and --remove-viewer: the files that they write, and that no secret is printed or
lost."""
import json
import stat
import tomllib
from collections.abc import Iterator

import pytest

from key_host import KeyHost


@pytest.fixture
def host() -> Iterator[KeyHost]:
    """Two nodes; the monitor of n0 is at all addresses of the host, that of n1 on loopback."""
    host = KeyHost(2)
    text = host.config.read_text()
    for monitor in ("tcp://0.0.0.0:12300", "tcp://127.0.0.1:12301"):
        text = text.replace("peers =", f'monitor = "{monitor}"\npeers_ =', 1)
    host.config.write_text("[monitor]\nallow_remote = true\n" + text.replace("peers_", "peers"))
    host.run("keygen")
    yield host
    host.close()


def test_a_viewer_gets_all_that_it_needs_in_one_file_that_only_its_owner_reads(host: KeyHost) -> None:
    output = host.run("keygen", "--viewer", "alice")
    file = host.directory / "alice.viewer"
    assert str(file) in output and "scripts/herd reload" in output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    keys = tomllib.loads(file.read_text())
    assert keys["secret"] not in output and len(keys["secret"]) == 40
    assert keys["node"] == [{"name": "n0", "monitor": "tcp://127.0.0.1:12300", "public": host.keys_of("n0")[0]}]
    viewers = host.keys / "viewers.toml"
    assert tomllib.loads(viewers.read_text())["viewer"] == [{"name": "alice", "key": keys["public"]}]
    assert stat.S_IMODE(viewers.stat().st_mode) == 0o644
    assert keys["secret"] not in viewers.read_text()


def test_viewers_are_added_and_removed_one_by_one(host: KeyHost) -> None:
    shown = [json.loads(host.run("keygen", "--json", "--viewer", name)) for name in ("alice", "bob")]
    assert [(line["viewer"], line["change"]) for line in shown] == [("alice", "added"), ("bob", "added")]
    removed = json.loads(host.run("keygen", "--json", "--remove-viewer", "alice"))
    assert (removed["change"], removed["public"], removed["secret_file"]) == ("removed", shown[0]["public"], None)
    [left] = tomllib.loads((host.keys / "viewers.toml").read_text())["viewer"]
    assert left == {"name": "bob", "key": shown[1]["public"]}
    assert "has no viewer alice: it has bob" in host.trouble("keygen", "--remove-viewer", "alice", status=2)


def test_no_key_of_a_viewer_is_ever_replaced(host: KeyHost) -> None:
    host.run("keygen", "--viewer", "alice")
    before, file = host.contents(), host.directory / "alice.viewer"
    secret = file.read_text()
    assert "alice has a key already" in host.trouble("keygen", "--viewer", "alice")
    host.run("keygen", "--remove-viewer", "alice")
    assert "exists already" in host.trouble("keygen", "--viewer", "alice")
    assert file.read_text() == secret
    file.unlink()
    host.run("keygen", "--viewer", "alice")
    assert host.contents() != before


@pytest.mark.parametrize("name", ["", "a b", "../alice", "x" * 64])
def test_a_name_that_is_none_is_refused(host: KeyHost, name: str) -> None:
    assert "is no name of a viewer" in host.trouble("keygen", f"--viewer={name}", status=2)


def test_a_viewer_needs_a_monitor_beyond_loopback_and_the_keys_of_its_nodes(host: KeyHost) -> None:
    (host.keys / "public.toml").unlink()
    assert "has no key of n0: run scripts/herd keygen first" in host.trouble("keygen", "--viewer", "alice")
    host.config.write_text(host.config.read_text().replace("0.0.0.0", "127.0.0.1"))
    assert "no `monitor` of" in host.trouble("keygen", "--viewer", "alice", status=2)
    assert not (host.directory / "alice.viewer").exists()


def test_a_file_of_viewers_with_a_mistake_is_named_and_not_changed(host: KeyHost) -> None:
    viewers = host.keys / "viewers.toml"
    host.run("keygen", "--viewer", "alice")
    good = viewers.read_text()
    for text in (good[:-10], good + good, good.replace("key =", "keys ="), "revoked = []\n"):
        viewers.write_text(text)
        assert str(viewers) in host.trouble("keygen", "--viewer", "bob")
        assert viewers.read_text() == text
