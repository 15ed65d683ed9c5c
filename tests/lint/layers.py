#!/usr/bin/env python3
"""Fails on an include between folders that the table of layers does not allow, on a circle in the table, and on an
import of the benchmarks and proofs by the operator's commands.

    layers.py [--table]

Every folder is a layer and a library. Calls go down, values come up. --table prints the table and where it is used.
"""
import collections
import graphlib
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What each folder may include, other than its own files.
ALLOWED: dict[str, list[str]] = {
    "protocol": [],
    "bus/store": ["protocol"],
    "bus/journal": ["bus/store", "protocol"],
    "bus/link": ["bus/store", "protocol"],
    "bus/replica": ["bus/journal", "bus/link", "bus/store", "protocol"],
    "bus/loop": ["bus/replica", "bus/link", "bus/store", "protocol"],
    "bus/keys": ["protocol"],
    "bus/zmq": ["bus/keys", "bus/loop", "bus/replica", "bus/link", "bus/store", "protocol"],
    "node/base": ["protocol"],
    "node/area": ["bus/store", "protocol"],
    "node/places": ["node/base", "protocol"],
    "node/tls": ["node/base", "protocol"],
    "node/config": ["node/places", "node/tls", "node/base", "bus/keys", "protocol"],
    "node/journal": ["node/config", "node/base", "bus/loop", "bus/journal", "bus/store", "protocol"],
    "node/observe": ["node/places", "node/config", "node/base", "bus/zmq", "bus/keys", "bus/replica", "bus/link",
                     "bus/store", "protocol"],
    "node/watches": ["node/area", "bus/store", "protocol"],
    "node/clients": ["node/area", "node/watches", "node/places", "node/config", "node/tls", "node/base", "bus/replica",
                     "bus/store", "protocol"],
    "node/http": ["node/observe", "node/config", "node/tls", "node/base", "protocol"],
    "node/api": ["node/http", "node/clients", "node/watches", "node/area", "node/observe", "node/config", "node/base",
                 "bus/replica", "bus/store", "protocol"],
    "node/app": ["node/api", "node/http", "node/clients", "node/watches", "node/observe", "node/journal", "node/config",
                 "node/places", "node/tls", "node/base", "bus/zmq", "bus/keys", "bus/loop", "bus/replica",
                 "bus/journal", "bus/link", "bus/store", "protocol"],
}

# Headers of the system that a pure layer may not use: no socket, clock, thread, file or log.
IO = (r"(zmq|asio|spdlog|thread|mutex|semaphore|condition_variable|future|fstream|filesystem|sys/|unistd|curl|"
      r"netinet/|poll)")
FORBIDDEN: dict[str, re.Pattern[str]] = {
    folder: re.compile(r"#\s*include\s+<" + IO)
    for folder in ("protocol", "bus/store", "bus/journal", "bus/link", "bus/replica", "bus/loop", "node/area",
                   "node/watches")
}
# Python packages: the operator's commands may not import the benchmarks and proofs, except where they dispatch them.
COMMANDS = "scripts/lib/herd_ctl"
DISPATCHER = "__main__.py"
LAB_IMPORT = re.compile(r"^\s*(?:from|import)\s+herd_lab\b")
INCLUDE = re.compile(r'^\s*#\s*include\s+"((?:protocol|bus|node|tests)/[^"]*)"')


def folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def includes() -> list[tuple[str, int, str, str]]:
    """(file, line number, folder of the file, folder of what it includes) of every include of the project."""
    found = []
    for top in ("protocol", "bus", "node"):
        for path in sorted((ROOT / top).rglob("*.[ch]pp")):
            name = str(path.relative_to(ROOT))
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if match := INCLUDE.match(line):
                    found.append((name, number, folder_of(name), folder_of(match[1])))
    return found


def mistakes() -> list[str]:
    found = []
    for name, number, folder, used in includes():
        if folder not in ALLOWED:
            found.append(f"{name}: no layer {folder}: add it to ALLOWED, with what it may use")
        elif used != folder and used not in ALLOWED[folder]:
            found.append(f"{name}:{number}: {folder} may not include {used}")
    for folder, pattern in FORBIDDEN.items():
        for path in sorted((ROOT / folder).glob("*.[ch]pp")):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if match := pattern.search(line):
                    found.append(f"{path.relative_to(ROOT)}:{number}: {folder} is pure: it may not use <{match[1]}…>")
    for path in sorted((ROOT / COMMANDS).glob("*.py")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if LAB_IMPORT.match(line) and path.name != DISPATCHER:
                found.append(f"{path.relative_to(ROOT)}:{number}: only {DISPATCHER} may import herd_lab")
    try:
        graphlib.TopologicalSorter(ALLOWED).prepare()
    except graphlib.CycleError as circle:
        found.append(f"the table of layers has a circle: {' -> '.join(circle.args[1])}")
    return found


def print_table() -> None:
    used = collections.Counter((folder, target) for _, _, folder, target in includes() if folder != target)
    for folder, allowed in ALLOWED.items():
        arrows = ", ".join(f"{target} ({used[folder, target]})" for target in allowed)
        print(f"{folder:12} -> {arrows or '-'}")


def main() -> int:
    if "--table" in sys.argv[1:]:
        print_table()
        return 0
    found = sorted(set(mistakes()))
    print("\n".join(found) if found else f"layers: {len(ALLOWED)} folders, every include is allowed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
