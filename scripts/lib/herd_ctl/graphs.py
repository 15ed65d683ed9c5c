"""Graphs of herds: {node: [peers]}. A link that is named at one of its ends is a link."""
from __future__ import annotations

import random

Graph = dict[str, list[str]]

# The herd of conf/herd.toml.
FIVE: Graph = {"Hill": ["Jaquez", "Smith"], "Jaquez": ["Singleton"], "Smith": ["Campbell", "Singleton"],
               "Campbell": ["Singleton"], "Singleton": []}


def names(count: int) -> list[str]:
    return [f"n{i}" for i in range(count)]


def alone(count: int) -> Graph:
    """Nodes without any link."""
    return {name: [] for name in names(count)}


def line(count: int) -> Graph:
    return {f"n{i}": [f"n{i + 1}"] if i + 1 < count else [] for i in range(count)}


def ring(count: int) -> Graph:
    """Below three nodes there is no ring: a line."""
    return line(count) if count < 3 else {f"n{i}": [f"n{(i + 1) % count}"] for i in range(count)}


def star(count: int) -> Graph:
    """Every node is linked with the first one only."""
    return {name: names(count)[1:] if i == 0 else [] for i, name in enumerate(names(count))}


def full(count: int) -> Graph:
    """Every node is linked with every other node."""
    return {f"n{i}": [f"n{j}" for j in range(i + 1, count)] for i in range(count)}


def scattered(count: int, chance: random.Random) -> Graph:
    """A connected graph of random links, with up to three links for each two nodes. Each node but the first one is
    linked with a random earlier node, which connects them all; random links come on top."""
    links = {(chance.randrange(i), i) for i in range(1, count)}
    wanted = min(count * 3 // 2, count * (count - 1) // 2)
    while len(links) < wanted:
        one, other = sorted(chance.sample(range(count), 2))
        links.add((one, other))
    return {f"n{i}": [f"n{other}" for one, other in sorted(links) if one == i] for i in range(count)}
