"""backup and restore: copies of a node's journal, which herd-node makes and checks."""
from __future__ import annotations

import json
import os
import pathlib
import subprocess
import time
from typing import Any

from . import processes
from .herd import Herd, Node
from .show import safe
from .trouble import BAD_USAGE, NONE_RUNNING, Trouble

LONGEST_SECONDS = 3600.0  # for a journal of 100 GB on a slow disk; a disk that hangs ends the command then


def _ask(herd: Herd, node: Node, *words: str) -> dict[str, Any]:
    """Runs herd-node with these words, and returns the figures that it prints."""
    command = [str(herd.binary), "--config", str(herd.config), *words, node.name]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, errors="backslashreplace", check=False,
                             timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        raise Trouble(f"herd-node does not end within {LONGEST_SECONDS:.0f} s: look at the disks") from None
    if ran.returncode != 0:
        lines = ran.stderr.strip().removeprefix("herd-node: ").splitlines()
        raise Trouble(lines[0] if lines else f"herd-node ended with status {ran.returncode}")
    figures: dict[str, Any] = json.loads(ran.stdout)
    return figures


def _pid(herd: Herd, node: Node) -> int | None:
    running = processes.running_nodes(herd.state_dir, [node.name]).get(node.name)
    return running.pid if running else None


def _chosen(herd: Herd, name: str | None) -> Node:
    if name:
        return herd.choose([name])[0]
    node = next((node for node in herd.local if _pid(herd, node)), None)
    if node is None and herd.state_dir.exists() and not os.access(herd.state_dir, os.X_OK):
        raise Trouble(f"{herd.state_dir} belongs to another user: run this as the user that runs the herd")
    if node is None:
        raise Trouble("no node of this host runs: choose one with --node, to copy the journal that it left",
                      NONE_RUNNING)
    return node


def _give_to_owner(herd: Herd, node: Node) -> None:
    """What root restores must belong to the user of the nodes, who owns the state directory."""
    if os.geteuid() != 0:
        return
    owner = herd.state_dir.stat()
    directory = herd.state_dir / "nodes" / node.name
    for path in (directory.parent, directory, directory / "journal"):
        os.chown(path, owner.st_uid, owner.st_gid)


def backup(herd: Herd, given: Any) -> int:
    """`given` is the command line: file, node, json."""
    node = _chosen(herd, given.node)
    target = pathlib.Path(given.file)
    if not target.absolute().parent.is_dir():
        raise Trouble(f"{target.parent} is no directory: name a file in a directory that exists", BAD_USAGE)
    try:
        figures = _ask(herd, node, "--backup", given.file)
    except KeyboardInterrupt:  # herd-node got it too, and ended
        target.with_name(target.name + ".part").unlink(missing_ok=True)
        raise
    if given.json:
        print(json.dumps(figures | {"file": str(target)}))
    else:
        print(f"{target}: {figures['clients']} records of {node.name}, {figures['bytes']} bytes")
    return 0


def restore(herd: Herd, given: Any) -> int:
    """`given` is the command line: file, node, force, json."""
    node = herd.choose([given.node])[0]
    if not pathlib.Path(given.file).exists():
        raise Trouble(f"there is no file {given.file}: name a file of scripts/herd backup, or a copy of a journal",
                      BAD_USAGE)
    pid = _pid(herd, node)
    if pid:
        raise Trouble(f"{node.name} runs (process {pid}): stop it with scripts/herd down {node.name}, then restore")
    figures = _ask(herd, node, "--restore", given.file, *(["--force"] if given.force else []))
    _give_to_owner(herd, node)
    if given.json:
        print(json.dumps(figures | {"file": given.file, "restored": node.name}))
        return 0
    made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(figures["made"]))
    print(f"{node.name} has {figures['clients']} records of {safe(given.file)} now (a journal of {figures['node']},"
          f" copied at {made})")
    if "set_aside" in figures:
        print(f"Its former journal is {safe(figures['set_aside'])}: remove it when you do not need it")
    print(f"Start it with scripts/herd up {node.name}: it takes a new feed id, and gets from its peers what is newer")
    return 0
