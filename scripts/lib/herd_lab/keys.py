"""The keys of a private herd with an encrypted bus."""
from __future__ import annotations

import pathlib
from collections.abc import Iterable

from herd_ctl.key_files import KeyFolder, KeyPair, PublicKeys, new_key_pair

__all__ = ["HerdKeys", "KeyPair", "new_key_pair"]


class HerdKeys:
    """The keys of all nodes of a herd. Change `pairs` and `public`, then call write()."""

    def __init__(self, path: pathlib.Path, binary: str | pathlib.Path):
        self.path = path
        self.binary = pathlib.Path(binary)
        self.pairs: dict[str, list[KeyPair]] = {}  # of each node; the first is in use
        self.public = PublicKeys()

    def add(self, names: Iterable[str]) -> None:
        """Makes a pair for each node that has none, and writes the files."""
        for name in names:
            if name not in self.pairs:
                self.pairs[name] = [new_key_pair(self.binary)]
                self.public.nodes[name] = [self.pairs[name][0].public]
        self.write()

    def write(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = KeyFolder(self.path)
        for name, pairs in self.pairs.items():
            folder.write_secrets(name, pairs)
        folder.write_public(self.public)
