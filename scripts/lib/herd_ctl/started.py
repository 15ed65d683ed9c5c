"""The herd as it was started: `up` and `restart` save the configuration of each node. With it a herd can be stopped and
watched while its configuration has a mistake or its program is missing."""
from __future__ import annotations

import json
import os
import pathlib
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from . import files, processes
from .herd import Herd, Node
from .installation import IS_INSTALLED, STATE

NAME = "started.json"


def read(directory: pathlib.Path) -> dict[str, Any]:
    """The saved file; empty if there is none or if it cannot be read."""
    try:
        saved = json.loads((directory / NAME).read_text(encoding="utf-8"))
        return saved if isinstance(saved, dict) and isinstance(saved.get("nodes"), dict) else {}
    except (OSError, ValueError):
        return {}


def _entry(herd: Herd, node: Node) -> dict[str, Any]:
    return {"entry": node.entry, "fingerprint": node.fingerprint(herd.binary), "live": node.live_fingerprint()}


def save(herd: Herd, started: Iterable[Node], running: Iterable[str]) -> None:
    """Saves the present configuration of the nodes `started`. The entries of the other `running` nodes stay."""
    old: dict[str, dict[str, Any]] = read(herd.state_dir).get("nodes", {})
    fresh = {node.name: _entry(herd, node) for node in started}
    nodes: dict[str, dict[str, Any]] = {node.name: {"entry": node.entry} for node in herd.nodes}
    nodes |= {name: old[name] for name in running if name in old} | fresh
    _write(herd, nodes)


def save_live(herd: Herd, reloaded: Iterable[Node]) -> None:
    """Saves the live settings that these running nodes were made to read."""
    nodes = read(herd.state_dir).get("nodes", {})
    for node in reloaded:
        nodes.setdefault(node.name, {"entry": node.entry})["live"] = node.live_fingerprint()
    _write(herd, nodes)


def _write(herd: Herd, nodes: dict[str, Any]) -> None:
    content = {"herd": herd.name, "config": str(herd.config), "state_dir": str(herd.state_dir),
               "ready_timeout_ms": round(herd.ready_timeout * 1000), "binary": str(herd.binary), "nodes": nodes}
    path = herd.state_dir / NAME
    try:
        files.replace(path, json.dumps(content, indent=1) + "\n")
    except OSError as error:  # no reason to stop: the file is needed only while the configuration is invalid
        print(f"scripts/herd: {path} cannot be written ({error.strerror}): free disk space or change the permissions",
              file=sys.stderr)


def fingerprints(directory: pathlib.Path, key: str) -> dict[str, str]:
    """{node: its saved "fingerprint" or "live"}; `key` is one of the two."""
    return {name: saved[key] for name, saved in read(directory).get("nodes", {}).items() if key in saved}


# How to find the file when `herd-node --list` cannot print the state directory.

def find(config: str, *, stopped_too: bool) -> Herd | None:
    """The herd that was started from this configuration file. It must run, unless `stopped_too` is set."""
    wanted = os.path.realpath(config)
    for directory in dict.fromkeys(_directories(wanted)):
        saved = read(directory)
        herd = _herd(saved, directory) if saved else None
        if herd is None or os.path.realpath(herd.config) != wanted:
            continue
        if stopped_too or processes.supervisor_of(directory) or processes.running_nodes(directory, names_of(herd)):
            return herd
    return None


def names_of(herd: Herd) -> list[str]:
    return [node.name for node in herd.nodes]


def _directories(config: str) -> Iterator[pathlib.Path]:
    yield from _default_directory()
    if IS_INSTALLED:
        yield STATE
    for pid in processes.every_pid():
        path = processes.configuration_of(pid)
        if path:
            yield path.parent
        node = processes.node_of(pid)
        if node and os.path.realpath(node[1]) == config:
            yield node[2]


def _default_directory() -> Iterator[pathlib.Path]:
    """The choice of herd-node if the configuration names no directory."""
    own, xdg, home = (os.environ.get(name, "") for name in ("HERD_STATE_DIR", "XDG_STATE_HOME", "HOME"))
    if own:
        yield pathlib.Path(os.path.abspath(own))
    elif os.path.isabs(xdg):
        yield pathlib.Path(xdg) / "herd"
    elif os.path.isabs(home):
        yield pathlib.Path(home) / ".local/state/herd"


def _herd(saved: dict[str, Any], directory: pathlib.Path) -> Herd | None:
    """None if another program or release wrote the file."""
    try:
        return Herd(name=saved["herd"], config=pathlib.Path(saved["config"]), state_dir=directory,
                    ready_timeout=saved["ready_timeout_ms"] / 1000, binary=pathlib.Path(saved["binary"]),
                    nodes=[Node.of(node["entry"]) for node in saved["nodes"].values()], as_started=True)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
