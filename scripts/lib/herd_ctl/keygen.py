"""keygen: makes the keys of this host's nodes, changes them, and adds the public keys of other hosts.

NAME.secret is written before public.toml, except where keys are revoked with their node. A run that ended in between
is completed by the next one, because public.toml follows from the secret files: a key of a node of this host that its
secret file lacks was retired."""
from __future__ import annotations

import dataclasses
import json
import pathlib
import sys
from collections.abc import Sequence

from . import owner, viewers
from .herd import Herd, Node
from .key_files import MOST_KEYS, NODE_NAME, KeyFolder, KeyPair, PublicKeys, new_key_pair, parse_public
from .secret_files import MOST_BYTES
from .trouble import BAD_USAGE, STATE_REMEDY, Trouble

ROTATE, RETIRE, REVOKE, IMPORT = "rotate", "retire", "revoke", "import"  # the actions, as options of the command line
MADE, ADDED, REVOKED, LEFT_OUT = "made", "added", "revoked", "left_out"
SENTENCES = {
    MADE: "{node}: made {secret}",
    ADDED: "{node}: public key {key} is added to {public}",
    REVOKED: "{node}: public key {key} is revoked in {public}",
    LEFT_OUT: "{node} is not a node of {config}: its key is left out",
}
ELSEWHERE = "run scripts/herd keygen --import FILE and scripts/herd reload there"


@dataclasses.dataclass(frozen=True)
class Action:
    kind: str
    operand: str  # a node, a viewer, or for an import a file


@dataclasses.dataclass(frozen=True)
class Change:
    """`kind` is one of the words above."""

    node: str  # "": not known, of a revoked key of another host
    kind: str
    key: str   # the public one


def open_folder(herd: Herd) -> KeyFolder:
    if herd.keys_dir is None:
        raise Trouble(f"`curve` is false under [bus] of {herd.config}: without encryption the nodes need no keys",
                      BAD_USAGE)
    return _folder(herd, herd.keys_dir)


def _folder(herd: Herd, path: pathlib.Path) -> KeyFolder:
    """If the directory is in the state directory, as without `keys_dir`, its errors name HERD_STATE_DIR."""
    return KeyFolder(path, STATE_REMEDY) if path.is_relative_to(herd.state_dir) else KeyFolder(path)


class Keygen:
    """The actions. The lock of the folder is held."""

    def __init__(self, herd: Herd, folder: KeyFolder):
        self.herd = herd
        self.folder = folder
        self.public = folder.public()
        self.changes: list[Change] = []

    def act(self, action: Action | None, nodes: Sequence[Node], text: str) -> None:
        """`nodes` is for a call without an action, `text` the content of the file to import."""
        if action is None:
            self.complete(nodes)
        elif action.kind == IMPORT:
            self.add(text, "the standard input" if action.operand == "-" else action.operand)
        else:
            {ROTATE: self.rotate, RETIRE: self.retire, REVOKE: self.revoke}[action.kind](action.operand)

    def complete(self, nodes: Sequence[Node]) -> None:
        """Makes what these nodes lack."""
        usable = [(node.name, self._usable(node.name)) for node in nodes]  # Trouble before anything is written
        for name, pairs in usable:
            if not pairs:
                pairs = [new_key_pair(self.herd.binary)]
                self._note(name, MADE, pairs)
            if pairs != self.folder.secrets(name):
                self.folder.write_secrets(name, pairs)
            self._publish(name, pairs)
        self._save()

    def rotate(self, name: str) -> None:
        """Adds a second key. A rotation that public.toml does not show yet is completed instead."""
        pairs = self._usable(name)
        if not pairs:
            raise Trouble(f"{name} has no key yet: run scripts/herd keygen {name}")
        if len(pairs) == MOST_KEYS and len(self.public.nodes.get(name, [])) == MOST_KEYS:
            raise Trouble(f"{name} has two keys already: run scripts/herd keygen --retire {name} first, after all hosts"
                          " have the second one")
        if len(pairs) < MOST_KEYS:
            pairs.append(new_key_pair(self.herd.binary))
            self.folder.write_secrets(name, pairs)
        self._publish(name, pairs)
        self._save()

    def retire(self, name: str) -> None:
        """Removes the first of two keys and revokes it."""
        pairs = self._usable(name)
        keys = [pair.public for pair in pairs]
        if len(keys) < MOST_KEYS and self.public.nodes.get(name, []) == keys:
            count = "only one key" if keys else "no key"
            raise Trouble(f"{name} has {count}: scripts/herd keygen {f'--rotate {name}' if keys else name} adds one")
        if len(pairs) == MOST_KEYS:
            pairs = pairs[1:]
            self.folder.write_secrets(name, pairs)
        self._publish(name, pairs)
        self._save()

    def revoke(self, name: str) -> None:
        """Revokes all keys of a node, also of another host or of one that is not configured any more."""
        pairs = self.folder.secrets(name) if NODE_NAME.fullmatch(name) else []
        keys = list(dict.fromkeys([*self.public.nodes.pop(name, []), *(pair.public for pair in pairs)]))
        if not keys:
            self.herd.find(name)
            raise Trouble(f"{self.folder.public_path} has no key of {name}: nothing is to be revoked")
        self._revoke(name, keys)
        self._save()
        self.folder.remove_secrets(name)  # last: until then another run finds all keys

    def add(self, text: str, where: str) -> None:
        """Adds the keys of another host's public.toml. Changes nothing if one contradicts a known key."""
        given = parse_public(text, where)
        if not given.nodes and not given.revoked:
            raise Trouble(f"{where} contains no keys: name a copy of another host's public.toml")
        for name in {node.name for node in self.herd.local}:
            self._check_own(name, given, where)
        known_keys = {key for keys in self.public.nodes.values() for key in keys}
        self.changes += [Change("", REVOKED, key) for key in given.revoked
                         if key not in known_keys and key not in self.public.revoked]
        self.public.revoke(given.revoked)
        refused = set(self.public.revoked)
        configured = {node.name for node in self.herd.nodes}
        for name in dict.fromkeys([*self.public.nodes, *given.nodes]):
            known = self.public.nodes.pop(name, [])
            mine, theirs = ([key for key in keys if key not in refused] for keys in (known, given.nodes.get(name, [])))
            self.changes += [Change(name, REVOKED, key) for key in known if key not in mine]
            fresh = [key for key in theirs if key not in mine]
            if fresh and name not in configured:
                self.changes.append(Change(name, LEFT_OUT, fresh[0]))
                fresh = []
            if fresh and (mine and len(fresh) == len(theirs) or len(mine) + len(fresh) > MOST_KEYS):
                raise Trouble(f"{where} has another key of {name} than {self.folder.public_path}: nothing is changed."
                              f" If the known key is lost, run scripts/herd keygen --revoke {name} here first")
            self.changes += [Change(name, ADDED, key) for key in fresh]
            if mine or fresh:
                self.public.nodes[name] = mine + fresh
        self._check_owners(where)
        self._save()

    def lacking(self, nodes: Sequence[Node]) -> list[Node]:
        """The peers of these nodes that public.toml has no key of."""
        peers = {peer for node in nodes for peer in node.peers}
        return [node for node in self.herd.nodes if node.name in peers and node.name not in self.public.nodes]

    def _usable(self, name: str) -> list[KeyPair]:
        """The key pairs of a node of this host that are not revoked; empty if it has no file. Trouble if a new key for
        it would lock out the node that has its present one."""
        pairs = self.folder.secrets(name)
        path = self.folder.secret_path(name)
        left = [pair for pair in pairs if pair.public not in self.public.revoked]
        if pairs and not left:
            raise Trouble(f"{path} contains revoked keys only: {_renewal(name)}")
        if not pairs and name in self.public.nodes:
            raise Trouble(f"{path} is missing, but {self.folder.public_path} has a key of {name}: copy the file from"
                          f" the host on which {name} ran, or from a backup. If it is lost, {_renewal(name)}")
        for other, keys in self.public.nodes.items():
            if other != name and any(pair.public in keys for pair in pairs):
                raise Trouble(f"{path} contains a key of {other}: each node needs its own. Remove the file, then run"
                              f" scripts/herd keygen {name}")
        return left

    def _check_own(self, name: str, given: PublicKeys, where: str) -> None:
        """Trouble if the given file contradicts the secret file of a node of this host."""
        own = [pair.public for pair in self.folder.secrets(name)]
        refused = {*given.revoked, *self.public.revoked}
        if own and own[0] in given.revoked:
            raise Trouble(f"{where} revokes the key that {name} of this host uses: nothing is changed. If that is"
                          f" meant, {_renewal(name)}")
        if own and any(key not in own and key not in refused for key in given.nodes.get(name, [])):
            raise Trouble(f"{where} has another key of {name} than {self.folder.secret_path(name)}: nothing is changed."
                          f" If the key there is not used any more, run scripts/herd keygen --revoke {name} on the host"
                          " of that file")

    def _check_owners(self, where: str) -> None:
        owner: dict[str, str] = {}
        for name, keys in self.public.nodes.items():
            for key in keys:
                if owner.setdefault(key, name) != name:
                    raise Trouble(f"{where} has a key of {name} that {self.folder.public_path} has for {owner[key]}:"
                                  " nothing is changed. Find out which of the two is right")

    def _publish(self, name: str, pairs: list[KeyPair]) -> None:
        """Makes the entry of public.toml follow the secret file."""
        was, keys = self.public.nodes.get(name, []), [pair.public for pair in pairs]
        self.changes += [Change(name, ADDED, key) for key in keys if key not in was]
        self._revoke(name, [key for key in was if key not in keys])
        self.public.nodes[name] = keys

    def _revoke(self, name: str, keys: list[str]) -> None:
        self.public.revoke(keys)
        self.changes += [Change(name, REVOKED, key) for key in keys]

    def _note(self, name: str, kind: str, pairs: list[KeyPair]) -> None:
        self.changes += [Change(name, kind, pair.public) for pair in pairs]

    def _save(self) -> None:
        """In the order of the configuration, so that the files of all hosts become equal."""
        order = [node.name for node in self.herd.nodes]
        names = sorted(self.public.nodes, key=lambda name: order.index(name) if name in order else len(order))
        self.public.nodes = {name: self.public.nodes[name] for name in names}
        if self.public != self.folder.public():
            self.folder.write_public(self.public)


def keygen(herd: Herd, names: list[str], action: Action | None, every: bool, as_json: bool) -> int:
    """Without an action, makes the keys that are missing. With `every`, nodes of other hosts may be named, and without
    names all nodes are meant."""
    folder = open_folder(herd)
    if action and action.kind in (viewers.ADD, viewers.REMOVE):
        return viewers.change_viewers(herd, folder, action.kind, action.operand, as_json)
    text = _text(action.operand) if action and action.kind == IMPORT else ""
    own = [action.operand] if action and action.kind in (ROTATE, RETIRE) else names
    nodes: Sequence[Node] = []
    if action is None or own:
        nodes = ([herd.find(name) for name in own] or herd.nodes) if every else herd.choose_some(own)
    with folder.lock():
        work = Keygen(herd, folder)
        work.act(action, nodes, text)
    lacking, advice = work.lacking(herd.nodes if every else herd.local), _advice(work, action, every)
    if as_json:
        print(json.dumps({"keys_dir": str(folder.path), "public_file": str(folder.public_path),
                          "changes": [{"node": change.node, "change": change.kind, "public": change.key}
                                      for change in work.changes],
                          "lacking": [node.name for node in lacking], "next": advice}, indent=2))
        return 0
    for change in work.changes:
        print(_sentence(herd, folder, change))
    if not work.changes:
        print(f"{folder.public_path} has all of it already" if text else f"Nothing is missing in {folder.path}")
    for sentence in _lacks(folder, lacking):
        print(sentence)
    if advice:
        print(f"Next: {advice}")
    return 0


def prepare(herd: Herd) -> None:
    """For `up`: makes the missing keys of this host's nodes, and names peers of other hosts without a public key."""
    if herd.keys_dir is None:
        return
    folder = _folder(herd, herd.keys_dir)
    with folder.lock():
        work = Keygen(herd, folder)
        work.complete(herd.local)
    made = [change.node for change in work.changes if change.kind == MADE]
    if made:
        print(f"Made keys of {', '.join(made)} in {folder.path}")
    for sentence in _lacks(folder, work.lacking(herd.local)):
        print(f"scripts/herd: {sentence}", file=sys.stderr)


def _renewal(name: str) -> str:
    return f"run scripts/herd keygen --revoke {name}, then scripts/herd keygen {name} for a new key"


def _text(imported: str) -> str:
    """The content of the file to import; "-" is the standard input."""
    try:
        if imported == "-":
            content = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with owner.as_caller(), open(pathlib.Path(imported), "rb") as file:
                content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise Trouble(f"{imported} is too long for a public.toml", BAD_USAGE)
        return content.decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a text"
        raise Trouble(f"{imported} cannot be read ({reason}): name a copy of another host's public.toml",
                      BAD_USAGE) from None


def _sentence(herd: Herd, folder: KeyFolder, change: Change) -> str:
    return SENTENCES[change.kind].format(node=change.node or "unknown node", key=change.key, config=herd.config,
                                         secret=folder.secret_path(change.node), public=folder.public_path)


def _lacks(folder: KeyFolder, nodes: Sequence[Node]) -> list[str]:
    """A sentence for the nodes of this host without a key, and one for those of other hosts."""
    remedies = {True: "scripts/herd keygen makes it",
                False: "copy public.toml from the other hosts, and run scripts/herd keygen --import FILE here"}
    names = {local: [node.name for node in nodes if node.local is local] for local in remedies}
    return [f"{folder.public_path} has no key of {', '.join(names[local])}: {remedy}"
            for local, remedy in remedies.items() if names[local]]


def _advice(work: Keygen, action: Action | None, every: bool) -> str:
    """What to do next, empty if there is nothing to do."""
    if not any(change.kind in (ADDED, REVOKED) for change in work.changes):
        return ""
    kind, name = (action.kind, action.operand) if action else ("", "")
    if every:
        return f"give every node {work.folder.public_path} and its own NAME.secret; in Kubernetes, kubectl apply -k"
    copy = f"copy {work.folder.public_path} to every other host, {ELSEWHERE}"
    if kind == IMPORT or len(work.herd.local) == len(work.herd.nodes):
        then = "scripts/herd reload, if the herd runs"
    elif kind == RETIRE:
        then = f"scripts/herd reload here first, so that {name} uses its new key. Then {copy}"
    else:
        then = f"{copy}, and scripts/herd reload here"
    if kind == ROTATE:
        then += f". When all hosts have it, scripts/herd keygen --retire {name} ends the old key"
    if kind == REVOKE and name in {node.name for node in work.herd.nodes}:
        then += f". scripts/herd keygen {name}, on the host of {name}, makes a new key"
    return then
