"""One host of a herd with keys, for tests: a configuration, a state directory and scripts/herd. Starts no node."""
from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Mapping
from typing import Any

from herd_control import SCRIPT
from herd_fixture import BINARY

OTHER_HOST = "192.0.2.1"  # an address for documentation (RFC 5737), which no host has


class KeyHost:
    """`elsewhere` are the nodes that run on another host, as this one sees them."""

    def __init__(self, count: int, *, elsewhere: tuple[str, ...] = (), curve: bool = True):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="herd-"))
        self.config = self.directory / "herd.toml"
        self.state = self.directory / "state"
        self.keys = self.state / "keys"
        self.environment = os.environ | {"HERD_STATE_DIR": str(self.state), "HERD_BIN": BINARY}
        self.write_config([f"n{i}" for i in range(count)], elsewhere, curve)

    def write_config(self, names: list[str], elsewhere: tuple[str, ...] = (), curve: bool = True) -> None:
        """A line of these nodes."""
        text = f"[bus]\ncurve = {str(curve).lower()}\n"
        for i, name in enumerate(names):
            host = OTHER_HOST if name in elsewhere else "127.0.0.1"
            text += (f'[[node]]\nname = "{name}"\nclients = "127.0.0.1:{12000 + i}"\n'
                     f'bus = "tcp://{host}:{12100 + i}"\npeers = {names[i + 1:i + 2]}\n'.replace("'", '"'))
        self.config.write_text(text)

    def popen(self, *words: str, stdin: int | None = subprocess.DEVNULL) -> subprocess.Popen[str]:
        return subprocess.Popen([SCRIPT, *words, "--config", self.config], env=self.environment, cwd=self.directory,
                                stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *words: str, given: str | None = None) -> str:
        """Runs a command that must succeed; returns its output. `given` is its standard input."""
        process = self.popen(*words, stdin=subprocess.DEVNULL if given is None else subprocess.PIPE)
        output, errors = process.communicate(given, timeout=60)
        assert (process.returncode, errors) == (0, ""), f"{words}: status {process.returncode}\n{output}\n{errors}"
        return output

    def trouble(self, *words: str, status: int = 1) -> str:
        """Runs a command that must be refused with one line, and returns that line."""
        process = self.popen(*words)
        output, error = process.communicate(timeout=60)
        assert (process.returncode, output) == (status, ""), f"{words}: status {process.returncode}\n{output}\n{error}"
        assert error.startswith("scripts/herd: ") and error.count("\n") == 1, error
        return error

    def public(self) -> dict[str, Any]:
        return tomllib.loads((self.keys / "public.toml").read_text())

    def names(self) -> list[str]:
        return [node["name"] for node in self.public()["node"]]

    def keys_of(self, name: str) -> list[str]:
        [keys] = [node["keys"] for node in self.public()["node"] if node["name"] == name]
        return list(keys)

    def secrets(self, name: str) -> list[dict[str, str]]:
        return list(tomllib.loads((self.keys / f"{name}.secret").read_text())["key"])

    def contents(self) -> Mapping[str, bytes]:
        """Every key file."""
        return {path.name: path.read_bytes() for path in sorted(self.keys.iterdir()) if path.suffix != ".lock"}

    def close(self) -> None:
        shutil.rmtree(self.directory)
