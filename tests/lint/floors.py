#!/usr/bin/env python3
"""Fails when an include points up a floor: protocol <- bus <- node. Reads the includes, knows nothing else."""
import pathlib
import re
import sys

FLOORS = ["protocol", "bus", "node"]
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([a-z_]+)/')
# What a floor may name of the world outside: the lowest floor has no socket, clock, thread or log.
FORBIDDEN = {
    "protocol": re.compile(r'#\s*include\s+<(zmq|asio|spdlog|thread|mutex|sys/|unistd|curl)'),
    "bus": re.compile(r'#\s*include\s+<(asio|spdlog|thread|mutex|curl)'),
    "node": re.compile(r'#\s*include\s+<mutex>'),
}


def mistakes(root: pathlib.Path):
    for level, floor in enumerate(FLOORS):
        for path in sorted((root / floor).rglob("*.[ch]pp")):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                match = INCLUDE.match(line)
                if match and match[1] in FLOORS[level + 1:]:
                    yield (f"{path.relative_to(root)}:{number}: {floor} may not include {match[1]}: calls go down, values"
                           " come up")
                if match and match[1] == "tests":
                    yield f"{path.relative_to(root)}:{number}: production code may not include tests"
                if FORBIDDEN[floor].search(line):
                    yield f"{path.relative_to(root)}:{number}: {floor} may not use {line.split('<')[1].rstrip('>')}"


def main() -> int:
    found = list(mistakes(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
    print("\n".join(found) if found else "floors: every arrow goes down")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
