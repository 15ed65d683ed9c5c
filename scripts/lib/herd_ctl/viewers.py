"""keygen --viewer and --remove-viewer: the viewers that may read the monitors beyond loopback.

viewers.toml in `keys_dir` has their public keys; herd-node reads the same file. The secret key of a viewer goes into a
file of its own, NAME.viewer, which is carried to the viewer's host: with the addresses and public keys of the nodes it
is all that a viewer needs. It stays nowhere in the herd."""
from __future__ import annotations

import json
import os
import pathlib

from . import owner
from .herd import WILDCARDS, Herd, Node, is_loopback, split_address
from .key_files import NODE_NAME, KeyFolder, new_key_pair
from .trouble import BAD_USAGE, PERMISSIONS, Trouble, writing

ADD, REMOVE = "viewer", "remove-viewer"  # the actions, as options of the command line
MOST_VIEWERS = 1024

VIEWER_HEAD = """\
# The key of the viewer {name}, written by scripts/herd keygen --viewer. A program that reads this file can see where
# clients are: keep it at mode 0600, and on the viewer's host only.
public = "{pair.public}"
secret = "{pair.secret}"
"""
NODE_TABLE = """
[[node]]
name = "{name}"
monitor = "{monitor}"
public = "{key}"
"""


def change_viewers(herd: Herd, folder: KeyFolder, kind: str, name: str, as_json: bool) -> int:
    if not NODE_NAME.fullmatch(name):
        raise Trouble(f"{name!r} is no name of a viewer: write 1 to 63 letters, digits, _ or -", BAD_USAGE)
    secret_file = pathlib.Path(f"{name}.viewer").absolute() if kind == ADD else None
    with folder.lock():
        key = _add(herd, folder, name, secret_file) if secret_file else _remove(folder, name)
    advice = "scripts/herd reload, if the herd runs"
    if len(herd.local) < len(herd.nodes):
        advice = (f"copy {folder.viewers_path} into `keys_dir` of every other host, and run scripts/herd reload there"
                  " and here")
    if secret_file:
        advice = f"carry {secret_file} to the host of {name}, and remove it here. Then {advice}"
    if as_json:
        print(json.dumps({"viewers_file": str(folder.viewers_path), "viewer": name, "public": key,
                          "change": "added" if secret_file else "removed",
                          "secret_file": str(secret_file) if secret_file else None, "next": advice}, indent=2))
        return 0
    if secret_file:
        print(f"{name}: made {secret_file}")
    print(f"{name}: public key {key} is {'added to' if secret_file else 'removed from'} {folder.viewers_path}")
    print(f"Next: {advice}")
    return 0


def _add(herd: Herd, folder: KeyFolder, name: str, secret_file: pathlib.Path) -> str:
    viewers = folder.viewers()
    if name in viewers:
        raise Trouble(f"{name} has a key already: give the new viewer another name, or run scripts/herd keygen"
                      f" --remove-viewer {name} first")
    if len(viewers) == MOST_VIEWERS:
        raise Trouble(f"{folder.viewers_path} has {MOST_VIEWERS} viewers: remove one with --remove-viewer first")
    pair = new_key_pair(herd.binary)
    _write_secret(secret_file, VIEWER_HEAD.format(name=name, pair=pair) + _node_tables(herd, folder))
    folder.write_viewers({**viewers, name: pair.public})
    return pair.public


def _remove(folder: KeyFolder, name: str) -> str:
    viewers = folder.viewers()
    if name not in viewers:
        known = ", ".join(viewers) or "no viewer"
        raise Trouble(f"{folder.viewers_path} has no viewer {name}: it has {known}", BAD_USAGE)
    key = viewers.pop(name)
    folder.write_viewers(viewers)
    return key


def _node_tables(herd: Herd, folder: KeyFolder) -> str:
    public = folder.public().nodes
    remote = [node for node in herd.nodes if node.monitor and not is_loopback(node.monitor[0])]
    if not remote:
        raise Trouble(f"no `monitor` of {herd.config} is beyond loopback, so no viewer needs a key: set allow_remote ="
                      " true under [monitor] and an address of this host first", BAD_USAGE)
    unknown = [node.name for node in remote if node.name not in public]
    if unknown:
        raise Trouble(f"{folder.public_path} has no key of {', '.join(unknown)}: run scripts/herd keygen first, on"
                      " their host, and --import its public.toml here")
    return "".join(NODE_TABLE.format(name=node.name, monitor=_monitor_of(node), key=public[node.name][0])
                   for node in remote)


def _monitor_of(node: Node) -> str:
    """The address that other hosts connect to: the node is where its peers find it."""
    public = split_address(node.entry["bus_public"])
    if node.monitor is None or public is None or node.monitor[0] not in WILDCARDS:
        return str(node.entry["monitor"])
    host = f"[{public[0]}]" if ":" in public[0] else public[0]
    return f"tcp://{host}:{node.monitor[1]}"


def _write_secret(path: pathlib.Path, text: str) -> None:
    """Never replaces a file: it may be the only copy of another key."""
    if path.exists():
        raise Trouble(f"{path} exists already: move it, or run this in another directory")
    with owner.as_caller(), writing(path, PERMISSIONS + "run this in another directory"):
        with open(path, "x", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
