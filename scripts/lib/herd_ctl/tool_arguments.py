"""The command line of the operator's tools."""
from __future__ import annotations

import argparse
from collections.abc import Mapping

from . import argument_types as types
from .demo import MOST_CLIENTS, MOST_RATE, USUAL_RATE

COMMANDS = {
    "top": "show all nodes at a glance: rates, answer times, clients, links, places; keys sort, q ends",
    "tap": "print the events of the monitors of all nodes as they come, until Ctrl-C",
    "doctor": "say in plain words what is wrong with the herd, with evidence, and what to do; exit status 0: all is"
              " well, 1: warnings, 2: faults",
    "trace": "show when each node merged the next update of a client, and when it was durable there",
    "demo": "let thousands of clients move through cities and report, so that there is something to see; until Ctrl-C",
    "export": "write all records of a node as lines of JSON",
    "import": "report the records of an export to a node, each with its own time; those that it knows already are left"
              " out",
    "backup": "write the journal of a node, which may run, to a new file",
    "restore": "replace the journal of a stopped node by a backup; the node takes a new feed id when it starts",
}


def add(of: Mapping[str, argparse.ArgumentParser]) -> None:
    """Adds the options to the parsers, by the names of the commands."""
    _add_top(of["top"])
    _add_tap(of["tap"])
    _add_trace(of["trace"])
    _add_demo(of["demo"])
    _add_export(of["export"], of["import"])
    _add_backup(of["backup"], of["restore"])
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
    tap.add_argument("--node", metavar="NODE", help="only the monitor of this node")
    _add_viewer(tap)


def _add_viewer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--viewer", metavar="FILE",
                        help="the key for monitors beyond loopback, made by scripts/herd keygen --viewer NAME")


def _add_trace(trace: argparse.ArgumentParser) -> None:
    trace.add_argument("client", metavar="CLIENT", type=types.word, help="its id in IAMAT")
    trace.add_argument("--send", metavar="LAT,LON", type=types.coordinates,
                       help="report the client at these coordinates, and follow that: 34.06,-118.44 or +34.06-118.44")
    trace.add_argument("--node", metavar="NODE", help="with --send: report to this node (default: one that answers)")
    trace.add_argument("--seconds", metavar="S", type=types.seconds, default=60.0,
                       help="how long to wait for an update (default: 60)")
    trace.add_argument("--json", action="store_true", help="as JSON")
    _add_viewer(trace)


def _add_demo(demo: argparse.ArgumentParser) -> None:
    demo.add_argument("--clients", metavar="N", type=types.up_to(MOST_CLIENTS), default=2000,
                      help=f"number of clients, at most {MOST_CLIENTS} (default: 2000)")
    demo.add_argument("--rate", metavar="N", type=types.up_to(MOST_RATE),
                      help=f"reports per second of all clients together, at most {MOST_RATE} (default: {USUAL_RATE}, or"
                           " one for each client if there are fewer)")
    demo.add_argument("--seconds", metavar="S", type=types.seconds, default=float("inf"), help="end after S seconds")
    demo.add_argument("--seed", metavar="N", type=types.count, default=1,
                      help="the same seed gives the same clients on the same paths (default: 1)")


def _add_export(export: argparse.ArgumentParser, import_: argparse.ArgumentParser) -> None:
    export.add_argument("--output", metavar="FILE", help="the file to write (default: standard output)")
    export.add_argument("--node", metavar="NODE", help="the records of this node (default: the first one that answers)")
    import_.add_argument("file", metavar="FILE", help="a file of scripts/herd export; -: standard input")
    import_.add_argument("--node", metavar="NODE", help="report to this node (default: the first one that answers)")
    import_.add_argument("--json", action="store_true", help="the counts as JSON")


def _add_backup(backup: argparse.ArgumentParser, restore: argparse.ArgumentParser) -> None:
    backup.add_argument("file", metavar="FILE", help="the backup, which must not exist yet")
    backup.add_argument("--node", metavar="NODE",
                        help="a node of this host (default: the first one that runs; all nodes have the same records)")
    restore.add_argument("file", metavar="FILE", help="a backup, also of another node, or a copied journal")
    restore.add_argument("--node", metavar="NODE", required=True, help="a node of this host that does not run")
    restore.add_argument("--force", action="store_true",
                         help="if the node has a journal, set it aside as journal.before-restore")
    for parser in (backup, restore):
        parser.add_argument("--json", action="store_true", help="the figures as JSON")
