"""The key files of a herd: NAME.secret of each node of this host, and public.toml with the public keys of all nodes.
herd-node reads the same files.

A file is written beside the old one and renamed, so a crash leaves the old or the new one. No secret appears in an
error, in a representation of a value, or on a command line."""
from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import pathlib
import re
import subprocess
import tomllib
from collections.abc import Iterator

from . import files, secret_files
from .lock import herd_lock
from .show import safe
from .trouble import Trouble, writing

PUBLIC_NAME = "public.toml"
VIEWERS_NAME = "viewers.toml"
MOST_KEYS = 2  # of one node: the one in use, and the next one of a rotation
NEW_KEY_SECONDS = 5.0  # herd-node --new-key takes milliseconds, unless a disk hangs
# Z85: five of these digits are four bytes, a key has 32 bytes.
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
KEY_LENGTH, GROUP_LENGTH = 40, 5
NODE_NAME = re.compile(r"[0-9A-Za-z_-]{1,63}")
REMEDY = "change the permissions, or set `keys_dir` under [bus] to another directory"

SECRET_HEAD = """\
# The secret keys of the node {name}, written by scripts/herd keygen. A program that reads this file can act as {name}:
# never copy it, except to the host that {name} moves to. The first key is in use. A second one is the next key of a
# rotation.
"""
PUBLIC_HEAD = """\
# The public keys of the herd's nodes, written by scripts/herd keygen. They are no secrets: copy this file to the other
# hosts of the herd, where scripts/herd keygen --import FILE adds its keys.

# Keys that are refused for good.
"""
VIEWERS_HEAD = """\
# The viewers that may read the monitors beyond loopback, written by scripts/herd keygen --viewer. The keys are no
# secrets, but who can write here admits viewers: copy this file to `keys_dir` of every host of the herd.
"""


@dataclasses.dataclass(frozen=True)
class KeyPair:
    public: str
    secret: str = dataclasses.field(repr=False)


@dataclasses.dataclass
class PublicKeys:
    """The content of public.toml."""

    revoked: list[str] = dataclasses.field(default_factory=list)
    nodes: dict[str, list[str]] = dataclasses.field(default_factory=dict)  # of each node one or two, all valid

    def revoke(self, keys: list[str]) -> None:
        self.revoked += [key for key in keys if key not in self.revoked]

    def drop_revoked(self) -> None:
        """A person may have added keys to `revoked` only."""
        valid = {name: [key for key in keys if key not in self.revoked] for name, keys in self.nodes.items()}
        self.nodes = {name: keys for name, keys in valid.items() if keys}

    def text(self) -> str:
        lines = [PUBLIC_HEAD + f"revoked = {_list(self.revoked)}", ""]
        for name, keys in self.nodes.items():
            lines += ["[[node]]", f'name = "{name}"', f"keys = {_list(keys)}", ""]
        return "\n".join(lines)


def _list(keys: list[str]) -> str:
    return "[" + ", ".join(f'"{key}"' for key in keys) + "]"  # Z85 has neither quotes nor backslashes


def _is_key(value: object) -> bool:
    if not isinstance(value, str) or len(value) != KEY_LENGTH or set(value) - set(DIGITS):
        return False
    groups = (value[begin:begin + GROUP_LENGTH] for begin in range(0, KEY_LENGTH, GROUP_LENGTH))
    return all(functools.reduce(lambda sum_, digit: sum_ * len(DIGITS) + DIGITS.index(digit), group, 0) < 1 << 32
               for group in groups)


def parse_public(text: str, where: str) -> PublicKeys:
    """The keys of a public.toml; `where` names it. Trouble if anything in it is wrong."""
    remedy = "copy it again from a host where it is right"
    table = secret_files.table(text, where, remedy)
    unknown = next((key for key in table if key not in ("revoked", "node")), None)
    if unknown:
        raise Trouble(f"{where} contains `{safe(unknown)}`, so it is no {PUBLIC_NAME}: name a copy of that of another"
                      " host")
    revoked, entries = table.get("revoked", []), table.get("node", [])
    if not isinstance(revoked, list) or not all(_is_key(key) for key in revoked):
        raise Trouble(f"{where}: `revoked` is not a list of keys of 40 characters: {remedy}")
    if not isinstance(entries, list):
        raise Trouble(f"{where}: `node` is not a list of [[node]] tables: {remedy}")
    result = PublicKeys(list(dict.fromkeys(revoked)))
    owner: dict[str, str] = {}
    for entry in entries:
        name, keys = (entry.get("name"), entry.get("keys")) if isinstance(entry, dict) else (None, None)
        if not isinstance(name, str) or not NODE_NAME.fullmatch(name) or name in result.nodes:
            raise Trouble(f"{where}: a [[node]] has no `name`, or that of another one: {remedy}")
        if not isinstance(keys, list) or not 1 <= len(keys) <= MOST_KEYS or not all(_is_key(key) for key in keys):
            raise Trouble(f"{where}: `keys` of {name} are not one or two keys of 40 characters: {remedy}")
        for key in keys:
            if key in owner:
                raise Trouble(f"{where}: {owner[key]} and {name} have the same key: {remedy}")
        if len(set(keys)) < len(keys):
            raise Trouble(f"{where}: `keys` of {name} name one key twice: {remedy}")
        owner |= dict.fromkeys(keys, name)
        result.nodes[name] = keys
    result.drop_revoked()
    return result


def parse_viewers(text: str, where: str) -> dict[str, str]:
    """The public key of each viewer in a viewers.toml. Trouble if anything in it is wrong."""
    remedy = "correct it, or remove the file and add the viewers again with scripts/herd keygen --viewer"
    table = secret_files.table(text, where, remedy)
    entries = table.pop("viewer", [])
    if table or not isinstance(entries, list):
        raise Trouble(f"{where} contains something else than [[viewer]] tables: {remedy}")
    result: dict[str, str] = {}
    for entry in entries:
        name, key = (entry.get("name"), entry.get("key")) if isinstance(entry, dict) else (None, None)
        if not isinstance(name, str) or not NODE_NAME.fullmatch(name) or name in result:
            raise Trouble(f"{where}: a [[viewer]] has no `name`, or that of another one: {remedy}")
        if not _is_key(key) or key in result.values():
            raise Trouble(f"{where}: `key` of {name} is not a key of 40 characters of its own: {remedy}")
        result[name] = str(key)
    return result


class KeyFolder:
    """The directory `keys_dir`. Only with `lock()` held may a file be written. `remedy`: what to do if a file cannot be
    written."""

    def __init__(self, path: pathlib.Path, remedy: str = REMEDY):
        self.path = path
        self._remedy = remedy
        self.public_path = path / PUBLIC_NAME
        self.viewers_path = path / VIEWERS_NAME

    def secret_path(self, name: str) -> pathlib.Path:
        return self.path / f"{name}.secret"

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Makes the directory if it is missing. Trouble if others may use it, or another command changes it."""
        with writing(self.path, self._remedy):
            wrong = next((path for path in (self.path, *self.path.parents) if path.exists() and not path.is_dir()),
                         None)
            if wrong:
                raise Trouble(f"{wrong} is not a directory: remove it, or set `keys_dir` under [bus] to another one")
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.mkdir(mode=0o700, exist_ok=True)
            secret_files.check_owner(self.path, os.stat(self.path))
        with herd_lock(self.path):
            yield

    def secrets(self, name: str) -> list[KeyPair]:
        """The key pairs of a node of this host, the one in use first; empty if there is no such file."""
        path = self.secret_path(name)
        text = _read(path, private=True)
        if text is None:
            return []
        remedy = (f"restore it from a backup, or remove it, then run scripts/herd keygen --revoke {name} and"
                  f" scripts/herd keygen {name} for a new key")
        entries = secret_files.table(text, str(path), remedy).get("key")
        if not isinstance(entries, list) or not 1 <= len(entries) <= MOST_KEYS:
            raise Trouble(f"{path} does not contain one or two [[key]] tables: {remedy}")
        if not all(isinstance(entry, dict) and _is_key(entry.get("public")) and _is_key(entry.get("secret"))
                   for entry in entries):
            raise Trouble(f"{path}: a [[key]] lacks `public` or `secret` of 40 characters: {remedy}")
        return [KeyPair(entry["public"], entry["secret"]) for entry in entries]

    def write_secrets(self, name: str, pairs: list[KeyPair]) -> None:
        """The content is on the disk when this returns."""
        entries = "".join(f'\n[[key]]\npublic = "{pair.public}"\nsecret = "{pair.secret}"\n' for pair in pairs)
        self._write(self.secret_path(name), SECRET_HEAD.format(name=name) + entries, 0o600)

    def remove_secrets(self, name: str) -> None:
        with writing(self.secret_path(name), self._remedy):
            self.secret_path(name).unlink(missing_ok=True)

    def public(self) -> PublicKeys:
        text = _read(self.public_path)
        return PublicKeys() if text is None else parse_public(text, str(self.public_path))

    def write_public(self, keys: PublicKeys) -> None:
        self._write(self.public_path, keys.text(), 0o644)

    def viewers(self) -> dict[str, str]:
        """The public key of each viewer."""
        text = _read(self.viewers_path)
        return {} if text is None else parse_viewers(text, str(self.viewers_path))

    def write_viewers(self, viewers: dict[str, str]) -> None:
        tables = "".join(f'\n[[viewer]]\nname = "{name}"\nkey = "{key}"\n' for name, key in viewers.items())
        self._write(self.viewers_path, VIEWERS_HEAD + tables, 0o644)

    def _write(self, path: pathlib.Path, text: str, mode: int) -> None:
        with writing(path, self._remedy):
            files.replace(path, text, mode=mode)
            files.sync_directory(path.parent)


def _read(path: pathlib.Path, private: bool = False) -> str | None:
    return secret_files.read(path, private=private, kind="keys",
                             remedy="change the permissions, or set `keys_dir` under [bus] to another directory")


def new_key_pair(binary: pathlib.Path) -> KeyPair:
    """A fresh key pair of `herd-node --new-key`."""
    try:
        ran = subprocess.run([binary, "--new-key"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             check=False, timeout=NEW_KEY_SECONDS)
    except subprocess.TimeoutExpired:
        raise Trouble(f"{binary} --new-key does not end within {NEW_KEY_SECONDS:.0f} s: look at its disk") from None
    except OSError as error:
        raise Trouble(f"{binary}: {error.strerror}") from None
    if ran.returncode != 0:
        raise Trouble(f"{binary} makes no key ({' '.join(ran.stderr.split()) or f'status {ran.returncode}'}): is it a"
                      " herd-node of another release? Build it again with scripts/herd up")
    with contextlib.suppress(tomllib.TOMLDecodeError):
        table = tomllib.loads(ran.stdout)
        if _is_key(table.get("public")) and _is_key(table.get("secret")):
            return KeyPair(table["public"], table["secret"])
    raise Trouble(f"{binary} --new-key prints no key pair: is it a herd-node of another release? Build it again with"
                  " scripts/herd up")
