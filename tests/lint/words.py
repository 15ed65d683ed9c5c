#!/usr/bin/env python3
"""Fails on words that the house style rules out, in every text of the tree: comments, strings, docs and names of tests.

    words.py [--count] [FILE...]

Without FILE, all files that git tracks. --count prints the number of findings of each folder instead, and succeeds.
docs/GLOSSARY.md has the words to use instead.
"""
import argparse
import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What is ruled out, and what to write instead.
RULES: list[tuple[str, str]] = [
    (r"\bbehind\b", "`after` for order, `lagging` for slow"),
    (r"\blikewise\b", "`also`, or say it again"),
    (r"\bmeanwhile\b", "`in the same time`, `while`"),
    (r"\b(nobody|somebody|anybody|everybody|whoever|whomever)\b", "name the thing: client, peer, thread, operator"),
    (r"\bfor ?ever\b", "`without a limit`, `never`"),
    (r"\bso many\b", "the number's name"),
    (r"\bof none\b", "`of no …`"),
    (r"\b(is|are|was|were|be|been) (said|told)\b", "`received`, `reported`, `is`"),
    (r"\b(stands|stood)\b", "`is`, `lies`, `contains`"),
    (r"\b(whose|whom)\b", "`of which`, or two sentences"),
    (r"\b(stretch|stretches)\b", "`feed range`"),
    (r"\blives of\b", "`incarnations`"),
]

# Texts that must stay as they are: licences, data, recorded bytes, generated tables, and this list.
EXEMPT = re.compile(r"^(LICENSE|NOTICE|CODE_OF_CONDUCT\.md|tests/lint/words\.py|tests/fuzz/corpus/|tests/compat/|"
                    r"node/places/data/|node/http/page/vendor/|docs/GLOSSARY\.md)")
TEXTS = re.compile(r"(\.(cpp|hpp|py|js|css|html|md|toml|sh|txt|cmake|json|yml)|"
                   r"/(deps|package|dashboard-vendor|herd|test|lint|build|fuzz|run))$")


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


def findings(name: str) -> list[str]:
    found = []
    text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, instead in RULES:
            for match in re.finditer(pattern, line, re.IGNORECASE):
                found.append(f"{name}:{number}: '{match[0]}': write {instead}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", action="store_true", help="print the number of findings of each folder")
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()
    names = [name for name in arguments.files or tracked() if TEXTS.search(name) and not EXEMPT.search(name)]
    found = [line for name in names for line in findings(name)]
    if arguments.count:
        folders = collections.Counter("/".join(line.split(":")[0].split("/")[:2]) for line in found)
        for folder, count in sorted(folders.items()):
            print(f"{count:5} {folder}")
        print(f"{len(found):5} in all")
        return 0
    print("\n".join(found) if found else f"words: {len(names)} files, no findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
