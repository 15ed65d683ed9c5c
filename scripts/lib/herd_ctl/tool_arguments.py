"""The command line of the operator's tools: top."""
from __future__ import annotations

import argparse
from collections.abc import Mapping

COMMANDS = {
    "top": "show all nodes at a glance: rates, answer times, clients, links, places; keys sort, q ends",
}


def add(of: Mapping[str, argparse.ArgumentParser]) -> None:
    """Adds the options to the parsers, by the names of the commands."""
    _add_top(of["top"])


def _add_top(top: argparse.ArgumentParser) -> None:
    top.add_argument("--once", action="store_true", help="print one table, without control codes, and end")
    top.add_argument("--json", action="store_true", help="as JSON: with --once one document, else a line each second")
