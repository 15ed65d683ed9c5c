"""Tests scripts/herd token: the file that it writes, and that wrong words, wrong files and two runs at once lose no
token and reveal none. What a node does with tokens is in test_tokens.py."""
import datetime
import hashlib
import json
import re
import stat
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from key_host import KeyHost


@pytest.fixture
def host() -> Iterator[KeyHost]:
    host = KeyHost(1)
    yield host
    host.close()


def entries(host: KeyHost) -> list[dict[str, Any]]:
    return list(tomllib.loads((host.directory / "tokens.toml").read_text())["token"])


def make(host: KeyHost, *words: str) -> tuple[str, str]:
    """Runs token new, which must succeed; returns its standard output and standard error."""
    process = host.popen("token", "new", *words)
    output, hints = process.communicate(timeout=60)
    assert process.returncode == 0, hints
    return output, hints


def test_only_the_token_is_on_the_standard_output_and_only_its_hash_is_stored(host: KeyHost) -> None:
    output, hints = make(host, "fleet", "--tell", "truck-*", "--tell", "kiwi", "--see", "", "--level", "latest",
                         "--expires", "2190-01-31")
    text = output.removesuffix("\n")
    assert re.fullmatch(r"herd_[A-Za-z0-9_-]{43}", text) and text not in hints
    first, note, last = hints.splitlines()
    assert first.startswith("This is the token of fleet: it is not shown again") and "scripts/herd reload" in last
    assert "`auth` under [clients]" in note
    path = host.directory / "tokens.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and text not in path.read_text()
    assert entries(host) == [{"name": "fleet", "sha256": hashlib.sha256(text.encode()).hexdigest(),
                              "tell": ["truck-*", "kiwi"], "see": [], "level": "latest",
                              "expires": "2190-02-01T00:00:00Z"}]


def test_without_options_a_token_has_all_rights_and_json_has_the_same(host: KeyHost) -> None:
    made = json.loads(host.run("token", "new", "a", "--json"))
    assert made["token"].startswith("herd_") and made["file"] == str(host.directory / "tokens.toml")
    assert [made[key] for key in ("tell", "see", "level", "expires")] == [["*"], ["*"], "all", None]
    listed = json.loads(host.run("token", "list", "--json"))["tokens"]
    assert listed == [{"name": "a", "tell": ["*"], "see": ["*"], "level": "all", "expires": None, "expired": False}]


def test_tokens_are_listed_without_a_hash_and_revoked_by_name(host: KeyHost) -> None:
    assert "has no tokens" in host.run("token", "list")
    make(host, "fleet", "--see", "")
    make(host, "board")
    text = (host.directory / "tokens.toml").read_text()
    (host.directory / "tokens.toml").write_text(text + 'expires = "2001-01-01T00:00:00Z"\n')
    listed = host.run("token", "list")
    assert re.search(r"^fleet +\* +- +all +never$", listed, re.M)
    assert re.search(r"^board .* 2001-01-01T00:00:00Z \(expired\)$", listed, re.M)
    assert not any(entry["sha256"] in listed for entry in entries(host))
    assert "did you mean 'fleet'?" in host.trouble("token", "revoke", "flet", status=2)
    assert "fleet is removed" in host.run("token", "revoke", "fleet")
    assert json.loads(host.run("token", "revoke", "board", "--json"))["revoked"] == "board"
    assert "has no tokens" in host.run("token", "list")


def test_wrong_words_are_refused_and_change_nothing(host: KeyHost) -> None:
    make(host, "a")
    before = (host.directory / "tokens.toml").read_bytes()
    assert "has a token a already" in host.trouble("token", "new", "a")
    yesterday = (datetime.date.today() - datetime.timedelta(days=2)).isoformat()
    wrong: list[list[str]] = [
        ["new", "a b"], ["new", "x" * 64], ["new", ""], ["new"], ["revoke"], [], ["renew", "a"],
        ["new", "b", "--tell", "a b"], ["new", "b", "--see", "a,b"], ["new", "b", "--see", "a", "--see", ""],
        ["new", "b", "--tell", "x" * 256], ["new", "b", "--level", "most"], ["new", "b", "--expires", "soon"],
        ["new", "b", "--expires", yesterday], ["new", "b", "--expires", "2027-02-30"],
        ["new", "b", *(["--see", "a"] * 33)]]
    for words in wrong:
        host.trouble("token", *words, status=2)
    assert (host.directory / "tokens.toml").read_bytes() == before


@pytest.mark.parametrize("content, reason", [
    ("[[token]]\nname = SECRET\n", "cannot be read as TOML (at line 2"), ("token = 1\n", "not a list of [[token]]"),
    ('[[token]]\nname = "a"\nsha256 = "SECRET"\n', "`sha256` of [[token]] number 1 is missing or wrong"),
    ("\xff", "cannot be read as TOML"),
])
def test_a_damaged_file_is_named_and_not_replaced(host: KeyHost, content: str, reason: str) -> None:
    path = host.directory / "tokens.toml"
    path.write_text(content)
    path.chmod(0o600)
    error = host.trouble("token", "new", "a")
    assert str(path) in error and reason in error and "SECRET" not in error
    assert path.read_text() == content


def test_a_file_that_others_may_use_is_refused(host: KeyHost) -> None:
    make(host, "a")
    (host.directory / "tokens.toml").chmod(0o640)
    for words in (["list"], ["new", "b"], ["revoke", "a"]):
        assert "has mode 0640, so other users may use it: run chmod 600" in host.trouble("token", *words)


def test_many_runs_at_once_lose_no_token(host: KeyHost) -> None:
    runs = [host.popen("token", "new", f"t{i}") for i in range(5)]
    outputs = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0] * 5, outputs
    assert sorted(entry["name"] for entry in entries(host)) == [f"t{i}" for i in range(5)]
