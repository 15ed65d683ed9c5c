#!/usr/bin/env python3
"""Fails on lines over 120 columns, files over 400 lines, functions over 60 lines, and classes of C++ with more than 20
public functions.

    sizes.py [--longest]

--longest prints the ten longest files and functions, and the ten classes with the most public functions, instead; and
succeeds.
"""
import ast
import pathlib
import re
import subprocess
import sys

import cpp_shapes

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAX_COLUMNS = 120
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_PUBLIC_FUNCTIONS = 20
# These classes have more, and get no more than this. Store has one for a reader of many records in the order of the
# feed, such as the area index: the cells, which can prefetch them, are its own. Replica has one to change while it runs
# for how many peers replies wait.
LARGE_CLASSES = {"class Bus": 21, "class Link": 24, "class Replica": 38, "class Store": 26}

CODE = re.compile(r"\.(cpp|hpp|py|sh|js|css|html)$")
TEXT = re.compile(r"\.(cpp|hpp|py|sh|js|css|html|md|toml|txt|cmake)$")
EXEMPT = re.compile(r"^(tests/fuzz/corpus/|tests/compat/|node/places/data/|node/http/page/vendor/|"
                    r"tests/system/error_texts\.txt)")
# The most lines of each; why it is longer is at its top.
LONG_FILES = {"tests/fuzz/link_fuzz.cpp": 433}


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if TEXT.search(name) and not EXEMPT.search(name)]


def python_functions(name: str, text: str) -> list[tuple[int, str]]:
    return [((node.end_lineno or node.lineno) - node.lineno + 1, f"{name}:{node.lineno} {node.name}")
            for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def cpp_functions(name: str, text: str) -> list[tuple[int, str]]:
    return [(shape.count, f"{name}:{shape.line} {shape.name}") for shape in cpp_shapes.shapes(text)[0]]


def classes(name: str, text: str) -> list[tuple[int, str]]:
    """(public functions, name) of the classes of a C++ source."""
    return [(shape.count, f"{name}:{shape.line} {shape.name}") for shape in cpp_shapes.shapes(text)[1]]


def most_functions(name: str) -> int:
    return LARGE_CLASSES.get(name.split(" ", 1)[1].partition(" :")[0], MAX_PUBLIC_FUNCTIONS)


def prose_lines(name: str, lines: list[str]) -> list[tuple[int, str]]:
    """(line number, line) of the lines that can be broken: of Markdown, neither rows of tables nor shown output."""
    numbered = list(enumerate(lines, 1))
    if not name.endswith(".md"):
        return numbered
    found, is_fenced = [], False
    for number, line in numbered:
        if line.lstrip().startswith("```"):
            is_fenced = not is_fenced
        elif not is_fenced and not line.startswith(("|", "    ")):
            found.append((number, line))
    return found


def main() -> int:
    files: list[tuple[int, str]] = []
    functions: list[tuple[int, str]] = []
    counted_classes: list[tuple[int, str]] = []
    found: list[str] = []
    for name in tracked():
        text = (ROOT / name).read_text(encoding="utf-8")
        lines = text.splitlines()
        found += [f"{name}:{number}: {len(line)} columns; at most {MAX_COLUMNS}"
                  for number, line in prose_lines(name, lines) if len(line) > MAX_COLUMNS]
        if CODE.search(name):
            files.append((len(lines), name))
        if name.endswith(".py"):
            functions += python_functions(name, text)
        elif name.endswith((".cpp", ".hpp")):
            functions += cpp_functions(name, text)
            counted_classes += classes(name, text)
    found += [f"{name}: {count} lines; at most {LONG_FILES.get(name, MAX_FILE_LINES)}: split it"
              for count, name in files if count > LONG_FILES.get(name, MAX_FILE_LINES)]
    found += [f"{name}: {count} lines; at most {MAX_FUNCTION_LINES}: split it"
              for count, name in functions if count > MAX_FUNCTION_LINES]
    found += [f"{name}: {count} public functions; at most {most_functions(name)}: look for a second class"
              for count, name in counted_classes if count > most_functions(name)]
    if "--longest" in sys.argv[1:]:
        for counted in (files, functions, counted_classes):
            print("\n".join(f"{count:5} {name}" for count, name in sorted(counted, reverse=True)[:10]), end="\n\n")
        return 0
    print("\n".join(found) if found else "sizes: no findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
