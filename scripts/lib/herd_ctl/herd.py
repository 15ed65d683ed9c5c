"""The configured herd, as `herd-node --list` prints it. No code here reads the configuration itself."""
from __future__ import annotations

import dataclasses
import difflib
import hashlib
import ipaddress
import json
import os
import pathlib
import subprocess
from collections.abc import Collection
from typing import Any

from . import installation
from .trouble import BAD_USAGE, Trouble

REPOSITORY = installation.ROOT  # of an installed herd: the prefix
Address = tuple[str, int]
ROLES = ("clients", "bus", "monitor", "http")
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}
LIST_SECONDS = 5.0  # herd-node --list takes milliseconds; more time only if a disk or a network file system hangs


def split_address(text: str) -> Address | None:
    """("127.0.0.1", 12140) of "127.0.0.1:12140", "[::1]:12140" or "tcp://...". None if the text is empty."""
    if not text:
        return None
    host, _, port = text.removeprefix("tcp://").rpartition(":")
    return host.strip("[]"), int(port)


def reachable(address: Address) -> Address:
    """The address at which a client on this host reaches a socket that is bound to `address`."""
    host, port = address
    return WILDCARDS.get(host, host), port


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # another name
        return False


@dataclasses.dataclass
class Node:
    name: str
    clients: Address
    bus: Address
    monitor: Address | None
    http: Address | None
    peers: list[str]
    local: bool
    settings: dict[str, Any]       # a change needs a restart of the node
    live_settings: dict[str, Any]  # a change needs only a reload
    entry: dict[str, Any]          # all of the above, as herd-node lists it

    @staticmethod
    def of(entry: dict[str, Any]) -> Node:
        """ValueError if the entry lacks an address that every node has."""
        clients, bus, monitor, http = (split_address(entry[role]) for role in ROLES)
        if clients is None or bus is None:
            raise ValueError(f"{entry['name']} has no address for clients or bus")
        return Node(name=entry["name"], clients=clients, bus=bus, monitor=monitor, http=http, peers=entry["peers"],
                    local=entry["local"], settings=entry["settings"], live_settings=entry["live_settings"],
                    entry=entry)

    @property
    def speaks_tls(self) -> bool:
        """Whether clients connect with TLS."""
        return bool(self.live_settings.get("clients.tls") == "on")

    @property
    def pages_speak_tls(self) -> bool:
        """Whether its pages are reached by https."""
        return bool(self.live_settings.get("http.tls") == "on")

    @property
    def needs_token(self) -> bool:
        """Whether clients must send AUTH."""
        return bool(self.live_settings.get("clients.auth") == "token")

    @property
    def pages_need_token(self) -> bool:
        """Whether its pages, other than /livez, /healthz and /readyz, need a token."""
        return bool(self.live_settings.get("http.auth") == "token")

    def fingerprint(self, binary: pathlib.Path) -> str:
        """A text that changes when the node must be restarted for a change of its configuration or of the program."""
        stat = binary.stat()
        return digest([self.settings, str(binary), stat.st_size, stat.st_mtime_ns])

    def live_fingerprint(self) -> str:
        return digest(self.live_settings)


def digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


@dataclasses.dataclass
class Herd:
    name: str
    config: pathlib.Path
    state_dir: pathlib.Path
    ready_timeout: float  # seconds
    nodes: list[Node]
    binary: pathlib.Path
    as_started: bool = False  # from the file that the start saved, because the configuration cannot be read now
    keys_dir: pathlib.Path | None = None  # None: the bus is not encrypted, or as_started

    @property
    def local(self) -> list[Node]:
        return [node for node in self.nodes if node.local]

    def choose(self, names: Collection[str]) -> list[Node]:
        """The local nodes with these names, in the order of the file; without names all local nodes."""
        for name in names:
            if not self.find(name).local:
                raise Trouble(f"{name} runs on another host: run this command there", BAD_USAGE)
        return [node for node in self.local if not names or node.name in names]

    def choose_some(self, names: Collection[str]) -> list[Node]:
        """As choose(). Trouble if no node is local."""
        if not self.local:
            raise Trouble(f"no node of {self.config} runs on this host: give one an address of this host, in `clients`"
                          " and in `bus`")
        return self.choose(names)

    def find(self, name: str) -> Node:
        """Trouble, with a suggestion, if there is no node of this name."""
        known = {node.name: node for node in self.nodes}
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            meant = f" (did you mean {close[0]!r}?)" if close else ""
            raise Trouble(f"no node {name!r} in {self.config}{meant}: it has {', '.join(known)}", BAD_USAGE)
        return known[name]


def find_binary() -> pathlib.Path:
    """$HERD_BIN, else the release build or the installed program. Trouble if it cannot be run."""
    named = os.environ.get("HERD_BIN")
    binary = pathlib.Path(named or installation.PROGRAM)
    if named and not os.access(binary, os.X_OK):
        raise Trouble(f"$HERD_BIN is {binary}, which cannot be run: correct it, or unset it to use the release build")
    if not os.access(binary, os.X_OK):
        raise Trouble(f"{binary} is not built yet: {installation.MISSING_PROGRAM}")
    return binary.absolute()


def read_herd(config: str) -> Herd:
    """The herd of the configuration file; Trouble with the message of herd-node if there is a mistake in it."""
    binary = find_binary()
    try:
        ran = subprocess.run([binary, "--config", config, "--list"], capture_output=True, text=True, check=False,
                             timeout=LIST_SECONDS)
    except subprocess.TimeoutExpired:
        raise Trouble(f"{binary} --list does not end within {LIST_SECONDS:.0f} s: look at the disks of {binary} and"
                      f" {config}") from None
    except OSError as error:
        remedy = "correct $HERD_BIN" if os.environ.get("HERD_BIN") else installation.MISSING_PROGRAM
        raise Trouble(f"{binary} cannot be run ({error.strerror}): {remedy}") from None
    if ran.returncode != 0:
        raise Trouble(ran.stderr.strip() or f"{binary} --list ended with status {ran.returncode}", BAD_USAGE)
    try:
        listed = json.loads(ran.stdout)
        return Herd(name=listed["herd"], config=pathlib.Path(listed["config"]), binary=binary,
                    state_dir=pathlib.Path(listed["state_dir"]), ready_timeout=listed["ready_timeout_ms"] / 1000,
                    nodes=[Node.of(entry) for entry in listed["nodes"]],
                    keys_dir=pathlib.Path(listed["keys_dir"]) if listed["curve"] else None)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Trouble(f"{binary} --list does not list nodes: is it a herd-node of another release? Build it again with"
                      " scripts/herd up") from None
