"""usage: python3 -m herd_pack --source DIR --output DIR --prefix DIR --sysconf DIR --state DIR --program FILE

Writes the files of an installed herd to --output: its folder `prefix` has what belongs below --prefix, its folder
`sysconf` what belongs below --sysconf. The program itself is not among them. Texts name the command `herd`, and the
final places of files."""
from __future__ import annotations

import argparse
import pathlib
import subprocess
import sys

from . import texts

LIBRARY = pathlib.Path(__file__).resolve().parents[1]


def main() -> int:
    reader = argparse.ArgumentParser(prog="herd_pack", usage=__doc__)
    for option in ("source", "output", "prefix", "sysconf", "state", "program"):
        reader.add_argument(f"--{option}", required=True, type=pathlib.Path)
    given = reader.parse_args()
    places = texts.Places(given.prefix, given.sysconf, given.state)
    texts.render(given.source, given.output, places)
    # The manual and the completion come from the installed commands, so the installed modules must be the first that
    # Python finds.
    code = f"import sys; sys.path[:0] = [{str(given.output / 'prefix/share/herd')!r}, {str(LIBRARY)!r}]; " \
           "from herd_pack.pages import main; sys.exit(main())"
    words = [given.output, given.program, places.prefix, places.configuration]
    return subprocess.run([sys.executable, "-B", "-c", code, *map(str, words)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
