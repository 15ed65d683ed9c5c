"""Tests scripts/herd keygen: the key files that it writes, and that a run which ended half done, two runs at once,
wrong files and a full disk lose no key and reveal no secret. Keys of several hosts are in test_scripts_hosts.py."""
import json
import os
import pathlib
import re
import stat
from collections.abc import Iterator

import pytest

from full_disks import FullTmpfs
from herd_control import Control
from herd_ctl import key_files
from herd_fixture import BINARY
from key_host import KeyHost

UNPRIVILEGED_ID = 65534


@pytest.fixture
def host() -> Iterator[KeyHost]:
    host = KeyHost(3)
    yield host
    host.close()


def test_keys_are_made_with_the_right_modes_and_a_second_run_changes_nothing(host: KeyHost) -> None:
    output = host.run("keygen")
    assert re.findall(r"^(n\d): made ", output, re.M) == ["n0", "n1", "n2"]
    public = host.public()
    assert public["revoked"] == [] and [node["name"] for node in public["node"]] == ["n0", "n1", "n2"]
    assert stat.S_IMODE(host.keys.stat().st_mode) == 0o700
    for node in public["node"]:
        path = host.keys / f"{node['name']}.secret"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        [pair] = host.secrets(node["name"])
        assert node["keys"] == [pair["public"]] and len(pair["secret"]) == 40
    before = host.contents()
    assert "Nothing is missing" in host.run("keygen")
    assert host.contents() == before


def test_keys_are_made_for_the_named_nodes_only(host: KeyHost) -> None:
    assert "has no key of n0, n2: scripts/herd keygen makes it" in host.run("keygen", "n1")
    assert sorted(host.keys.glob("*.secret")) == [host.keys / "n1.secret"]
    shown = json.loads(host.run("keygen", "--json"))
    assert [(change["node"], change["change"]) for change in shown["changes"]] == [
        ("n0", "made"), ("n0", "added"), ("n2", "made"), ("n2", "added")]
    assert shown["public_file"] == str(host.keys / "public.toml") and not shown["lacking"]


def test_no_secret_is_printed_or_in_an_environment_or_an_argument(host: KeyHost) -> None:
    output = "".join([host.run("keygen"), host.run("keygen", "--rotate", "n0"), host.run("keygen", "--json")])
    secrets = [pair["secret"] for name in ("n0", "n1", "n2") for pair in host.secrets(name)]
    assert len(secrets) == 4 and not any(secret in output for secret in secrets)
    assert "secret" not in repr(key_files.KeyPair("p" * 40, "secret"))


def test_a_rotation_has_two_keys_until_the_old_one_is_retired(host: KeyHost) -> None:
    host.run("keygen")
    [old] = host.secrets("n1")
    output = host.run("keygen", "--rotate", "n1")
    assert "scripts/herd reload" in output and "keygen --retire n1" in output
    first, second = host.secrets("n1")
    assert first == old and second["public"] != old["public"]
    assert host.keys_of("n1") == [first["public"], second["public"]]
    assert "n1 has two keys already" in host.trouble("keygen", "--rotate", "n1")
    host.run("keygen", "--retire", "n1")
    assert host.secrets("n1") == [second] and host.keys_of("n1") == [second["public"]]
    assert host.public()["revoked"] == [old["public"]]
    assert "n1 has only one key: scripts/herd keygen --rotate n1 adds one" in host.trouble("keygen", "--retire", "n1")
    assert len(host.keys_of("n0")) == 1


def test_a_revoked_node_gets_a_new_key_only_when_asked_for(host: KeyHost) -> None:
    host.run("keygen")
    [old] = host.secrets("n2")
    assert "makes a new key" in host.run("keygen", "--revoke", "n2")
    assert not (host.keys / "n2.secret").exists() and "n2" not in host.names()
    assert host.public()["revoked"] == [old["public"]]
    host.run("keygen")
    assert host.keys_of("n2") != [old["public"]]


def test_a_run_that_ended_after_the_secret_file_is_completed_by_the_next(host: KeyHost) -> None:
    host.run("keygen", "n0", "n1")
    one = host.contents()
    host.run("keygen")  # made n2
    (host.keys / "public.toml").write_bytes(one["public.toml"])
    [pair] = host.secrets("n2")
    assert "n2: public key" in host.run("keygen") and host.keys_of("n2") == [pair["public"]]

    one = host.contents()
    host.run("keygen", "--rotate", "n2")
    two = host.contents()
    (host.keys / "public.toml").write_bytes(one["public.toml"])
    host.run("keygen", "--rotate", "n2")  # the same command again
    assert host.contents()["public.toml"] == two["public.toml"]

    host.run("keygen", "--retire", "n2")
    three = host.contents()
    (host.keys / "public.toml").write_bytes(two["public.toml"])
    assert "is revoked" in host.run("keygen")
    assert host.contents() == three


@pytest.mark.parametrize("last", [
    "herd.lock", "n0.secret.new", "n0.secret", "n1.secret", "n2.secret", "public.toml.new"])
def test_a_run_that_is_killed_between_two_files_is_completed_by_the_next(host: KeyHost, last: str) -> None:
    process = host.popen("keygen")
    while not (host.keys / last).exists() and process.poll() is None:
        pass  # without a pause: the files come within milliseconds
    process.kill()
    process.communicate()
    left = [name for name in ("n0", "n1", "n2") if (host.keys / f"{name}.secret").exists()]
    known = {name: host.secrets(name) for name in left}
    host.run("keygen")
    for name in ("n0", "n1", "n2"):
        assert [pair["public"] for pair in host.secrets(name)] == host.keys_of(name)
        assert known.get(name) in (None, host.secrets(name))


def test_many_runs_at_once_make_one_key_for_each_node(host: KeyHost) -> None:
    runs = [host.popen("keygen") for _ in range(6)]
    outputs = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0] * 6, outputs
    assert sum(output.count(": made ") for output, _ in outputs) == 3
    for name in ("n0", "n1", "n2"):
        assert [pair["public"] for pair in host.secrets(name)] == host.keys_of(name)


@pytest.mark.parametrize("name, mode, remedy", [("n0.secret", 0o640, "chmod 600"), (".", 0o750, "chmod 700")])
def test_files_that_others_may_use_are_refused(host: KeyHost, name: str, mode: int, remedy: str) -> None:
    host.run("keygen")
    (host.keys / name).chmod(mode)
    error = host.trouble("keygen")
    assert f"has mode {mode:04o}, so other users may use it: run {remedy} {host.keys}" in error
    assert "has mode" in host.trouble("keygen", "--rotate", "n0")


@pytest.mark.parametrize("content, reason", [
    ("", "does not contain one or two [[key]] tables"),
    ("[[key]]\npublic = \"p\"\nsecret = \"s\"\n", "lacks `public` or `secret` of 40 characters"),
    ("[[key]]\npublic = VERYSECRET\n", "cannot be read as TOML (at line 2, column 10)"),
    ("\xff\xfe", "cannot be read as TOML"),
    ("[[key]]\n" * 3, "one or two [[key]] tables"),
])
def test_a_damaged_secret_file_is_named_without_its_content(host: KeyHost, content: str, reason: str) -> None:
    host.run("keygen")
    path = host.keys / "n1.secret"
    path.write_text(content)
    before = host.contents()
    error = host.trouble("keygen")
    assert f"{path}" in error and reason in error and "VERYSECRET" not in error
    assert "restore it from a backup" in error and host.contents() == before
    path.unlink()
    for action in (("--revoke", "n1"), ("n1",)):
        assert f"scripts/herd keygen {' '.join(action)}" in error
        host.run("keygen", *action)
    assert len(host.secrets("n1")) == 1


@pytest.mark.parametrize("content, reason", [
    ("revoked = 5\n", "`revoked` is not a list of keys"), ("[[node]]\nkeys = []\n", "has no `name`"),
    ("[[node]]\nname = \"n0\"\nkeys = []\n", "`keys` of n0 are not one or two keys"),
    ("[node", "cannot be read as TOML"),
    ("node = 1\n", "not a list of [[node]] tables"),
    (f"[[node]]\nname = \"n0\"\nkeys = [\"{'a' * 40}\"]\n[[node]]\nname = \"n1\"\nkeys = [\"{'a' * 40}\"]\n",
     "n0 and n1 have the same key"),
    (f"[[node]]\nname = \"n0\"\nkeys = [\"{'a' * 40}\", \"{'a' * 40}\"]\n", "`keys` of n0 name one key twice"),
    (f"revoked = [\"{'#' * 40}\"]\n", "`revoked` is not a list of keys"),  # five # are more than four bytes
])
def test_a_damaged_public_file_is_named_and_not_replaced(host: KeyHost, content: str, reason: str) -> None:
    host.run("keygen")
    (host.keys / "public.toml").write_text(content)
    assert reason in host.trouble("keygen")
    assert (host.keys / "public.toml").read_text() == content


def test_a_lost_or_foreign_secret_file_is_reported_before_a_new_key_locks_the_node_out(host: KeyHost) -> None:
    host.run("keygen")
    path = host.keys / "n1.secret"
    content = path.read_bytes()
    path.unlink()
    before = host.contents()
    assert "is missing" in host.trouble("keygen") and "--revoke n1" in host.trouble("keygen", "--rotate", "n1")
    assert host.contents() == before
    path.write_bytes((host.keys / "n0.secret").read_bytes())
    path.chmod(0o600)
    assert "contains a key of n0" in host.trouble("keygen")
    path.write_bytes(content)
    assert "Nothing is missing" in host.run("keygen")


def test_names_that_are_wrong_get_a_suggestion_and_change_nothing(host: KeyHost) -> None:
    host.config.write_text(host.config.read_text().replace("n1", "Smith"))
    assert "did you mean 'Smith'?" in host.trouble("keygen", "Smiht", status=2)
    for words in (["n9"], ["--rotate", "n9"], ["--retire", "../x"], ["--revoke", "n9"], ["--revoke", ""],
                  ["--rotate", "n0", "--retire", "n0"], ["n0", "--rotate", "n0"], ["--rotate"], ["--bogus"],
                  ["--import", "nowhere.toml"], ["--import", "."]):
        host.trouble("keygen", *words, status=2)
    assert not list(host.keys.glob("*.secret"))
    assert "n0 has no key yet: run scripts/herd keygen n0" in host.trouble("keygen", "--rotate", "n0")
    assert "n0 has no key: scripts/herd keygen n0 adds one" in host.trouble("keygen", "--retire", "n0")
    assert "nothing is to be revoked" in host.trouble("keygen", "--revoke", "n0")


def test_without_encryption_there_are_no_keys() -> None:
    host = KeyHost(1, curve=False)
    try:
        assert "`curve` is false under [bus]" in host.trouble("keygen", status=2)
        assert not host.keys.exists()
    finally:
        host.close()


def test_a_program_that_makes_no_key_is_named_and_leaves_no_file(host: KeyHost, tmp_path: pathlib.Path) -> None:
    script = tmp_path / "herd-node"
    for answer, reason in (("echo 'unknown argument' >&2; exit 2", "makes no key (unknown argument)"),
                           ("echo 'public = \"p\"'", "prints no key pair"), ("exit 0", "prints no key pair"),
                           ("exec sleep 60", "does not end within")):
        script.write_text(f'#!/bin/sh\n[ "$1" = --new-key ] || exec {BINARY} "$@"\n{answer}\n')
        script.chmod(0o755)
        host.environment["HERD_BIN"] = str(script)
        assert reason in host.trouble("keygen")
    assert not list(host.keys.glob("*.secret")) and not (host.keys / "public.toml").exists()
    host.environment["HERD_BIN"] = str(tmp_path / "none")
    assert "none, which cannot be run: correct it" in host.trouble("keygen")


def test_a_directory_that_cannot_be_written_is_reported(host: KeyHost) -> None:
    host.state.mkdir()
    host.keys.write_text("no directory")
    assert f"{host.keys} is not a directory: remove it" in host.trouble("keygen")
    host.keys.unlink()
    host.state.rmdir()
    host.state.write_text("no directory")
    assert f"{host.state} is not a directory: remove it" in host.trouble("keygen")


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_keys_of_another_user_are_refused(host: KeyHost) -> None:
    host.run("keygen")
    os.chown(host.keys / "n1.secret", UNPRIVILEGED_ID, UNPRIVILEGED_ID)
    assert f"{host.keys}/n1.secret belongs to another user" in host.trouble("keygen")
    os.chown(host.keys, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
    assert f"{host.keys} belongs to another user" in host.trouble("keygen")


def test_a_pipe_in_place_of_a_file_does_not_block(host: KeyHost) -> None:
    host.run("keygen")
    (host.keys / "n1.secret").unlink()
    os.mkfifo(host.keys / "n1.secret", 0o600)
    assert "one or two [[key]] tables" in host.trouble("keygen")


def test_up_makes_the_missing_keys_once(control: Control) -> None:
    control.herd.settings = {"bus": {"curve": True}}
    control.herd.write_config()
    keys = control.herd.state_dir / "keys"
    assert control.run("up", "n1").startswith(f"Made keys of n0, n1, n2 in {keys}\n")
    files = [keys / "public.toml", *sorted(keys.glob("*.secret"))]
    before = [path.read_bytes() for path in files]
    assert "Made keys" not in control.run("up")
    assert [path.read_bytes() for path in files] == before
    (keys / "n2.secret").chmod(0o644)
    assert "has mode 0644" in control.trouble("up")
    assert all(control.pids().values())


def test_a_state_directory_that_cannot_be_made_is_named_with_its_variable(host: KeyHost) -> None:
    host.environment |= {"HERD_STATE_DIR": "/proc/state"}
    for words in (["up"], ["keygen"], ["token", "new", "fleet"]):
        assert host.trouble(*words) == (
            "scripts/herd: /proc/state cannot be written (No such file or directory): set HERD_STATE_DIR (or"
            " `state_dir` under [herd]) to another state directory\n")


def test_a_full_disk_loses_no_key(host: KeyHost) -> None:
    disk = FullTmpfs.mount(host.state)
    try:
        host.state.chmod(0o700)
        host.run("keygen", "n0")
        before = host.contents()
        disk.fill()
        assert re.search(r"cannot be written \(No space left on device\): free disk space", host.trouble("keygen"))
        assert "No space left" in host.trouble("keygen", "--rotate", "n0")
        assert {name: text for name, text in host.contents().items() if name in before} == before
        disk.free()
        host.run("keygen")
        assert host.names() == ["n0", "n1", "n2"] and len(host.keys_of("n0")) == 1
    finally:
        disk.close()
