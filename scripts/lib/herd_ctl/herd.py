"""The configured herd, as `herd-node --list` tells it: nothing here reads the configuration itself."""
import dataclasses
import hashlib
import json
import os
import pathlib
import subprocess

from .trouble import BAD_USAGE, Trouble

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
ROLES = ("clients", "bus", "monitor", "http")
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def split_address(text):
    """("127.0.0.1", 12140) of "127.0.0.1:12140", "[::1]:12140" or "tcp://...". None of an empty text."""
    if not text:
        return None
    host, _, port = text.removeprefix("tcp://").rpartition(":")
    return host.strip("[]"), int(port)


def reachable(address):
    """Where a client on this host connects to what is bound at `address`."""
    host, port = address
    return WILDCARDS.get(host, host), port


@dataclasses.dataclass
class Node:
    name: str
    clients: tuple
    bus: tuple
    monitor: tuple | None
    http: tuple | None
    peers: list
    local: bool
    settings: dict       # it must be restarted for a change of these
    live_settings: dict  # a reload is enough for these

    @staticmethod
    def of(entry):
        addresses = {role: split_address(entry[role]) for role in ROLES}
        return Node(name=entry["name"], peers=entry["peers"], local=entry["local"], settings=entry["settings"],
                    live_settings=entry["live_settings"], **addresses)

    def fingerprint(self, binary):
        """Another text when the node must be restarted to be what configuration and build say."""
        stat = binary.stat()
        return digest([self.settings, str(binary), stat.st_size, stat.st_mtime_ns])

    def live_fingerprint(self):
        return digest(self.live_settings)


def digest(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


@dataclasses.dataclass
class Herd:
    name: str
    config: pathlib.Path
    state_dir: pathlib.Path
    ready_timeout: float  # seconds
    nodes: list
    binary: pathlib.Path

    @property
    def local(self):
        return [node for node in self.nodes if node.local]

    def choose(self, names):
        """The local nodes of these names, in the order of the file; all of them where none is named."""
        known = {node.name: node for node in self.nodes}
        for name in names:
            if name not in known:
                raise Trouble(f"no node {name!r} in {self.config}: it has {', '.join(known)}", BAD_USAGE)
            if not known[name].local:
                raise Trouble(f"{name} is not of this host: run this where it is", BAD_USAGE)
        return [node for node in self.local if not names or node.name in names]


def find_binary():
    binary = pathlib.Path(os.environ.get("HERD_BIN") or REPOSITORY / "build/release/bin/herd-node")
    if not os.access(binary, os.X_OK):
        raise Trouble(f"{binary} is not built yet: run scripts/herd up")
    return binary.absolute()


def read_herd(config):
    """The herd of the configuration file; Trouble with herd-node's own words if it is not well."""
    binary = find_binary()
    ran = subprocess.run([binary, "--config", config, "--list"], capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise Trouble(ran.stderr.strip() or f"{binary} --list ended with status {ran.returncode}", BAD_USAGE)
    listed = json.loads(ran.stdout)
    return Herd(name=listed["herd"], config=pathlib.Path(listed["config"]), state_dir=pathlib.Path(listed["state_dir"]),
                ready_timeout=listed["ready_timeout_ms"] / 1000, nodes=[Node.of(entry) for entry in listed["nodes"]],
                binary=binary)
