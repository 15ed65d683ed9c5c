"""The two commands of this package. herd_ctl imports this module only when one of them is used."""
from __future__ import annotations

from typing import Any

from herd_ctl.herd import read_herd

from .prove import prove
from .prove_table import prove_table


def run(given: Any) -> int:
    """Runs the command of the parsed command line `given`; returns its exit status."""
    if given.command == "bench":  # it needs no configuration
        from .bench import bench  # only here: an installed herd does not have it
        return bench(given)
    herd = read_herd(given.config)
    if given.table:
        return prove_table(herd.binary, {node.name: node.peers for node in herd.nodes}, given)
    return prove(herd, given)
