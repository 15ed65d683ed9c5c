#!/usr/bin/python3
"""usage: scripts/lib/failed_tests.py FOLDER
Prints the last lines of each test that failed in the last run of ctest. FOLDER is Testing/Temporary in the build folder.
A long run prints hundreds of lines after the output of a test, and a log that is cut keeps its end."""
import pathlib
import re
import sys

LINES = 60  # of each test


def failed(folder: pathlib.Path) -> list[str]:
    """The names of the tests that failed; each line of ctest's file is number:name."""
    file = folder / "LastTestsFailed.log"
    return [line.split(":", 1)[1] for line in file.read_text().splitlines()] if file.exists() else []


def output_of(name: str, log: str) -> list[str]:
    """What the test printed, by ctest's log of the whole run."""
    found = re.search(rf"^\d+/\d+ Testing: {re.escape(name)}\n.*?^Output:\n-+\n(.*?)^<end of output>$", log,
                      re.M | re.S)
    return found[1].rstrip().splitlines() if found else ["(ctest has no output of it)"]


def main(folder: pathlib.Path) -> None:
    names = failed(folder)
    log = (folder / "LastTest.log").read_text(errors="replace") if names else ""
    for name in names:
        lines = output_of(name, log)
        cut = f", the last {LINES} of {len(lines)} lines" if len(lines) > LINES else ""
        print(f"\n===== failed: {name}{cut}", *lines[-LINES:], sep="\n")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
