"""The key files of a private herd with an encrypted bus, as docs/SECURITY.md describes them."""
from __future__ import annotations

import json
import os
import pathlib
import subprocess
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field

MOST_SECONDS = 10.0  # for herd-node --new-key, which takes milliseconds


@dataclass(frozen=True)
class KeyPair:
    public: str
    secret: str = field(repr=False)


def new_pair(binary: str | pathlib.Path) -> KeyPair:
    ran = subprocess.run([binary, "--new-key"], capture_output=True, text=True, check=True, timeout=MOST_SECONDS)
    return KeyPair(**tomllib.loads(ran.stdout))


class KeyFolder:
    """The keys of all nodes of a herd. Change `pairs`, `known` and `revoked`, then call write()."""

    def __init__(self, path: pathlib.Path, binary: str | pathlib.Path):
        self.path = path
        self.binary = binary
        self.pairs: dict[str, list[KeyPair]] = {}  # of each node; the first is in use
        self.known: dict[str, list[str]] = {}      # public keys of each node, as public.toml lists them
        self.revoked: list[str] = []

    def add(self, names: Iterable[str]) -> None:
        """Makes a pair for each node that has none, and writes the files."""
        for name in names:
            if name not in self.pairs:
                self.pairs[name] = [new_pair(self.binary)]
                self.known[name] = [self.pairs[name][0].public]
        self.write()

    def write(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, pairs in self.pairs.items():
            tables = [f"[[key]]\npublic = {json.dumps(pair.public)}\nsecret = {json.dumps(pair.secret)}\n"
                      for pair in pairs]
            self._replace(f"{name}.secret", "".join(tables))
        nodes = [f"[[node]]\nname = {json.dumps(name)}\nkeys = {json.dumps(keys)}\n"
                 for name, keys in self.known.items()]
        self._replace("public.toml", f"revoked = {json.dumps(self.revoked)}\n" + "".join(nodes))

    def _replace(self, name: str, text: str) -> None:
        beside = self.path / f"{name}.new"
        beside.touch(mode=0o600)
        beside.write_text(text)
        os.replace(beside, self.path / name)
