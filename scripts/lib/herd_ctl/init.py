"""init: writes the configuration of a new herd."""
from __future__ import annotations

import ipaddress
import os
import pathlib
import random
from collections.abc import Callable, Iterator

from . import graphs
from .show import safe
from .trouble import BAD_USAGE, Trouble

Host = ipaddress.IPv4Address | ipaddress.IPv6Address | str  # str: a host name

MOST_NODES = 64  # of a herd, as herd-node has it
LOOPBACK = ipaddress.IPv4Address("127.0.0.1")
# The first port of each kind, as in conf/herd.toml. Each has a hundred, so 64 nodes fit, all below 32768, from which on
# the kernel takes ports for outgoing connections.
CLIENTS, BUS, MONITOR, HTTP = 12140, 12240, 12340, 12440

GRAPHS: dict[str, Callable[[int], graphs.Graph]] = {
    "ring": graphs.ring, "star": graphs.star, "full": graphs.full, "line": graphs.line,
    "random": lambda count: graphs.scattered(count, random.Random()),
}

HEAD = """\
# The configuration of a herd: {what}.
# Written by scripts/herd init. conf/herd.toml explains every key, with its default. `herd-node --check` reports every
# mistake in this file with its line.
#
# To apply a change: scripts/herd reload, and for what a reload cannot change scripts/herd up.

[herd]
# A node refuses peers of another herd.
name = "herd"

# The directory of journals, locks, logs and keys. "": $HERD_STATE_DIR if it is set, else $XDG_STATE_HOME/herd, else
# ~/.local/state/herd. Two herds on one host need two directories.
state_dir = ""
"""
OF_HOSTS = """\

# Every host has a copy of this file. scripts/herd starts those nodes that have addresses of its own host. The messages
# between nodes are encrypted: scripts/herd keygen makes the keys. docs/HOSTS.md shows every step.
"""


def init(count: int, graph: str, hosts: list[Host], output: str) -> int:
    text = config_text(count, graph, hosts)
    if output == "-":
        print(text, end="")
        return 0
    path = pathlib.Path(output)
    _create(path, text)
    print(f"Wrote {safe(output)}: {_what(count, graph, hosts)}")
    config = f"--config {safe(output)}"
    if hosts:
        print(f"Next: copy it to every host, and on each run scripts/herd keygen {config}; docs/HOSTS.md shows every"
              " step")
    else:
        print(f"Next: scripts/herd up {config}")
    return 0


def config_text(count: int, graph: str, hosts: list[Host]) -> str:
    """The nodes are spread over the hosts in turn, so that the neighbours of a ring are on different hosts."""
    parts = [HEAD.format(what=_what(count, graph, hosts)) + (OF_HOSTS if hosts else "")]
    for i, (name, peers) in enumerate(GRAPHS[graph](count).items()):
        lines = ["[[node]]"]
        for comment, line in _keys(i, name, peers, hosts):
            lines += [comment, line] if i == 0 else [line]
        parts.append("\n".join(line for line in lines if line) + "\n")
    return "\n".join(parts)


def _keys(i: int, name: str, peers: list[str], hosts: list[Host]) -> Iterator[tuple[str, str]]:
    """(comment, line) of each key of a node. The first node has the comments; one is about a key that is not set."""
    host = hosts[i % len(hosts)] if hosts else LOOPBACK
    yield ("# The name in replies, logs and `peers`. Rename a node before its first start, here and in `peers`.",
           f'name = "{name}"')
    yield ("# Where the node accepts clients: from its own host only. docs/HOSTS.md describes how to accept others.",
           f'clients = "{LOOPBACK}:{CLIENTS + i}"')
    yield "# Where the node receives messages of other nodes.", f'bus = "tcp://{_bracketed(host)}:{BUS + i}"'
    if hosts:
        yield ("# Where peers connect to, if this is not `bus`: for example the address of a router.\n"
               '# bus_public = "tcp://HOST:PORT"', "")
    yield "# Where the node publishes events: to its own host only.", f'monitor = "tcp://{LOOPBACK}:{MONITOR + i}"'
    yield "# Where the node serves status and metrics: to its own host only.", f'http = "{LOOPBACK}:{HTTP + i}"'
    yield ("# The nodes that this one has a link to. A link that one node names exists for both.",
           "peers = [" + ", ".join(f'"{peer}"' for peer in peers) + "]")


def _what(count: int, graph: str, hosts: list[Host]) -> str:
    nodes = "1 node" if count == 1 else f"{count} nodes, links: {graph}"
    return nodes + (f", on {len(hosts)} hosts" if len(hosts) > 1 else "")


def _bracketed(host: Host) -> str:
    return f"[{host}]" if isinstance(host, ipaddress.IPv6Address) else str(host)


def _create(path: pathlib.Path, text: str) -> None:
    """Never overwrites a file, and leaves no half of one."""
    try:
        file = open(path, "x", encoding="utf-8")
    except FileExistsError:
        raise Trouble(f"{path} exists already: remove it, or write another file with --output", BAD_USAGE) from None
    except OSError as error:
        raise Trouble(f"{path} cannot be written ({error.strerror}): write another file with --output") from None
    try:
        with file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise Trouble(f"{path} cannot be written ({error.strerror}): free disk space, or write another file with"
                      " --output") from None
