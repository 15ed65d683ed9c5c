#!/usr/bin/python3
"""Repeats the last lines of each test that failed in the last run of ctest. ctest prints the output of a failed test at
once, and hundreds of lines may follow; a log of continuous integration that is too long loses its beginning."""
import argparse
import pathlib
import re

LINES = 60  # the most that are printed of a test


def failed(folder: pathlib.Path) -> list[str]:
    """The names of the tests that failed. Each line of LastTestsFailed.log is number:name."""
    file = folder / "LastTestsFailed.log"
    return [line.split(":", 1)[1] for line in file.read_text().splitlines()] if file.exists() else []


def output_of(name: str, log: str) -> list[str]:
    """The lines that the test printed, from ctest's log."""
    found = re.search(rf"^\d+/\d+ Testing: {re.escape(name)}\n.*?^Output:\n-+\n(.*?)^<end of output>$", log,
                      re.M | re.S)
    lines = found[1].rstrip().splitlines() if found else []
    return lines or ["(no output: the summary of ctest says why it failed)"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/lib/failed_tests.py", description=__doc__)
    parser.add_argument("folder", metavar="FOLDER", type=pathlib.Path, help="Testing/Temporary in the build folder")
    folder = parser.parse_args().folder
    names = failed(folder)
    log = (folder / "LastTest.log").read_text(errors="replace") if names else ""
    for name in names:
        lines = output_of(name, log)
        cut = f", the last {LINES} of {len(lines)} lines" if len(lines) > LINES else ""
        print(f"\n===== failed: {name}{cut}", *lines[-LINES:], sep="\n")


if __name__ == "__main__":
    main()
