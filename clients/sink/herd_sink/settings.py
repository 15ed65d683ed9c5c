"""What the user has asked for: the command line, and a TOML file with the same names."""
from __future__ import annotations

import argparse
import os
import re
from typing import Any

import tomllib

from .trouble import BAD_USAGE, Trouble

DESCRIPTION = """
Watches all clients of a herd, and writes their changes to PostgreSQL (--database), or as lines of
JSON to a file or a pipe (--output). It goes on where it was after a restart or a kill of itself, of
a node, or of the database. docs/SINK.md has the tables, the promises and examples.
"""
EPILOG = """
The options may be in a TOML file as well, for example: nodes = ["127.0.0.1:12140"], database =
"service=herd", batch_rows = 1000. The command line comes first. Passwords are neither in the
command line nor in this file: put the password of the database into ~/.pgpass or a service file,
and the token of the herd into $HERD_TOKEN.
Exit status: 0 after SIGTERM or SIGINT, 1 if a person has to change something, 2 for wrong usage.
"""

_PASSWORD = re.compile(r"password\s*=|://[^/@]*:[^/@]*@", re.IGNORECASE)
_TYPES: dict[str, type | tuple[type, ...]] = {
    "nodes": list,
    "database": str,
    "schema": str,
    "output": str,
    "cursor_file": str,
    "match": str,
    "every": (int, float),
    "ca": str,
    "tls": bool,
    "batch_rows": int,
    "batch_bytes": int,
    "batch_ms": int,
    "database_timeout": (int, float),
    "node_timeout": (int, float),
    "log_level": str,
}
_DEFAULTS = {
    "schema": "public",
    "tls": False,
    "batch_rows": 5000,
    "batch_bytes": 1 << 20,
    "batch_ms": 200,
    "database_timeout": 30.0,
    "node_timeout": 6.0,
    "log_level": "info",
}
_RANGES = {
    "batch_rows": (1, 100_000),
    "batch_bytes": (1000, 1 << 26),
    "batch_ms": (0, 60_000),
    "database_timeout": (1, 3600),
    "node_timeout": (0.1, 600),
    "every": (0.001, 86_400),
}


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="herd-sink", description=DESCRIPTION, epilog=EPILOG)
    made.add_argument(
        "nodes", nargs="*", metavar="host:port", help="client ports of nodes; tried in this order"
    )
    add = made.add_argument
    add("--config", metavar="FILE", help="a TOML file with these options")
    add(
        "--database",
        metavar="CONNINFO",
        help="of PostgreSQL, such as service=herd; empty: as libpq's environment says",
    )
    add("--schema", metavar="NAME", help="of the tables; default: public")
    add("--output", metavar="FILE", help="lines of JSON: a file, a FIFO, or - for standard output")
    add(
        "--cursor-file",
        metavar="FILE",
        help="where the output was, for a pipe; a file has it in its last line",
    )
    add("--match", metavar="PREFIX*", help="only clients with ids that begin so")
    add(
        "--every", type=float, metavar="SECONDS", help="at most one report of a client in that time"
    )
    add(
        "--tls",
        action="store_true",
        default=None,
        help="the nodes speak TLS; checked with the system's certificates",
    )
    add("--ca", metavar="FILE", help="TLS, checked with these certificates")
    add(
        "--batch-rows",
        type=int,
        metavar="N",
        help="at most N changes in a transaction; default: 5000",
    )
    add("--batch-bytes", type=int, metavar="N", help="at most about N bytes; default: 1048576")
    add(
        "--batch-ms", type=int, metavar="MS", help="the longest wait for more changes; default: 200"
    )
    add("--database-timeout", type=float, metavar="SECONDS", help="of a statement; default: 30")
    add("--node-timeout", type=float, metavar="SECONDS", help="for an answer of a node; default: 6")
    add("--log-level", choices=("debug", "info", "warning"), default=None)
    add("--status", action="store_true", help="print what the target says about its sink, and end")
    add("--json", action="store_true", help="with --status: as JSON")
    add(
        "--print-sql",
        action="store_true",
        help="print the statements that make the tables, and end",
    )
    return made


def read(words: list[str] | None) -> argparse.Namespace:
    """The command line, the file and the defaults together. Trouble if they are wrong; argparse
    ends the process for wrong words."""
    given = parser().parse_args(words)
    from_file = _file(given.config) if given.config else {}
    for name in _TYPES:
        if getattr(given, name) in (None, []):
            setattr(given, name, from_file.get(name, _DEFAULTS.get(name)))
    if not given.print_sql:
        _check(given)
    return given


def _file(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            found = tomllib.load(file)
    except OSError as error:
        raise Trouble(f"{path} cannot be read: {error.strerror}", BAD_USAGE) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Trouble(f"{path} is no TOML: {error}", BAD_USAGE) from None
    for name, value in found.items():
        if name not in _TYPES:
            raise Trouble(
                f"{path} has the unknown option {name}: the options are {', '.join(_TYPES)}",
                BAD_USAGE,
            )
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not isinstance(value, _TYPES[name]) or (
            isinstance(value, bool) and name != "tls" and not is_number
        ):
            raise Trouble(
                f"{path}: {name} has a value of the wrong type, see herd-sink --help", BAD_USAGE
            )
        if name == "nodes" and not all(isinstance(node, str) for node in value):
            raise Trouble(f'{path}: nodes must be texts, such as "127.0.0.1:12140"', BAD_USAGE)
    return found


def _check(given: argparse.Namespace) -> None:
    if (given.database is None) == (given.output is None):
        raise Trouble("write either --database or --output (herd-sink --help)", BAD_USAGE)
    if given.database and _PASSWORD.search(given.database):
        raise Trouble(
            "--database has a password, which other users can see: put it into ~/.pgpass or a"
            " service file, and remove it here",
            BAD_USAGE,
        )
    if given.cursor_file and given.output is None:
        raise Trouble(
            "--cursor-file is for --output: the database has the cursor in a table", BAD_USAGE
        )
    for name, (least, most) in _RANGES.items():
        value = getattr(given, name)
        if value is not None and not least <= value <= most:
            option = name.replace("_", "-")
            raise Trouble(f"--{option} is {value:g}: write {least} to {most}", BAD_USAGE)
    if given.status and given.output == "-":
        raise Trouble("--status needs the file or the cursor file of an output, not -", BAD_USAGE)
    if not given.status and not given.nodes:
        raise Trouble("no nodes: name at least one as host:port", BAD_USAGE)
    if given.ca and not os.path.exists(given.ca):
        raise Trouble(f"--ca {given.ca} does not exist", BAD_USAGE)
