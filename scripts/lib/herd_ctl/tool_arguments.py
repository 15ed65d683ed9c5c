"""The command line of the operator's tools: top, tap, doctor."""
from __future__ import annotations

import argparse
from collections.abc import Mapping

from . import argument_types as types

COMMANDS = {
    "top": "show all nodes at a glance: rates, answer times, clients, links, places; keys sort, q ends",
    "tap": "print the events of the monitors of all nodes as they come, until Ctrl-C",
    "doctor": "say in plain words what is wrong with the herd, with evidence, and what to do; exit status 0: all is"
              " well, 1: warnings, 2: faults",
}


def add(of: Mapping[str, argparse.ArgumentParser]) -> None:
    """Adds the options to the parsers, by the names of the commands."""
    _add_top(of["top"])
    _add_tap(of["tap"])
    of["doctor"].add_argument("--json", action="store_true", help="as JSON")


def _add_top(top: argparse.ArgumentParser) -> None:
    top.add_argument("--once", action="store_true", help="print one table, without control codes, and end")
    top.add_argument("--json", action="store_true", help="as JSON: with --once one document, else a line each second")


def _add_tap(tap: argparse.ArgumentParser) -> None:
    tap.add_argument("topic", metavar="TOPIC", nargs="?",
                     help="only these events: a kind (stats, client, peer, places, node), a level (info, warning,"
                          " error), or the beginning of a topic, such as herd.INFO.client.Hill")
    tap.add_argument("--seconds", metavar="S", type=types.seconds, help="end after S seconds")
    tap.add_argument("--json", action="store_true", help="each event as a line of JSON")
    _add_monitors(tap)


def _add_monitors(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--viewer", metavar="FILE",
                        help="the key for monitors beyond loopback, made by scripts/herd keygen --viewer NAME")
    parser.add_argument("--node", metavar="NODE", help="only the monitor of this node")
