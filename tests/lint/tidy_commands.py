#!/usr/bin/env python3
"""Prepares a run of clang-tidy.

    tidy_commands.py BUILD FILES...

Writes BUILD/once/compile_commands.json, which has one compile command for each file, the first in
BUILD/compile_commands.json. clang-tidy reads a file once for each of its commands, and 100 files have several: they are
compiled again with mutants or as a fuzzer. Prints those of FILES that have a command, and names the others on standard
error.
"""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main() -> int:
    build, files = pathlib.Path(sys.argv[1]), sys.argv[2:]
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    first: dict[str, dict[str, str]] = {}
    for entry in entries:
        first.setdefault(entry["file"], entry)
    (build / "once").mkdir(exist_ok=True)
    (build / "once/compile_commands.json").write_text(json.dumps(list(first.values())), encoding="utf-8")
    for name in files:
        if str(ROOT / name) in first:
            print(name)
        else:
            print(f"clang-tidy     left out: {name} is not in the build: is a library missing (scripts/deps --bench)?",
                  file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
