"""Graphs of herds: {node: [peers]}. A link that is named at one of its ends is a link."""
from __future__ import annotations

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
    """`count` is 3 or more."""
    return {f"n{i}": [f"n{(i + 1) % count}"] for i in range(count)}


def full(count: int) -> Graph:
    """Every node is linked with every other node."""
    return {f"n{i}": [f"n{j}" for j in range(i + 1, count)] for i in range(count)}
