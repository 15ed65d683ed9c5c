#!/usr/bin/env python3
"""Runs clang-tidy on C++ sources, as many at a time as there are processors.

    tidy.py [--no-analyzer] BUILD FILES...

--no-analyzer leaves out the checks clang-analyzer-*, which take half of the time. BUILD is a configured build folder.
Writes BUILD/once/compile_commands.json, which has one compile command for each file, the first in
BUILD/compile_commands.json. clang-tidy reads a file once for each of its commands, and many files have several: they
are compiled again with mutants or as a fuzzer. Shows the progress on standard error. Exit status 1 if there are
findings.
"""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHOW_EVERY = 20  # files, if standard error is not a terminal


def first_commands(build: pathlib.Path) -> dict[str, dict[str, str]]:
    """The first compile command of each file, by its path."""
    first: dict[str, dict[str, str]] = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        first.setdefault(entry["file"], entry)
    return first


def findings(once: pathlib.Path, options: list[str], name: str) -> str:
    """What clang-tidy finds in a file; empty: nothing."""
    command = ["clang-tidy", "--quiet", "-p", str(once), "--extra-arg=-Qunused-arguments", *options, name]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return (run.stdout or run.stderr) if run.returncode != 0 else ""


def show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\rclang-tidy     {done} of {total} files", end="\n" if done == total else "", file=sys.stderr)
    elif done % SHOW_EVERY == 0:
        print(f"clang-tidy     {done} of {total} files", file=sys.stderr, flush=True)


def main() -> int:
    arguments = sys.argv[1:]
    options = []
    if arguments[0] == "--no-analyzer":
        options = ["--checks=-clang-analyzer-*"]
        del arguments[0]
    build, names = pathlib.Path(arguments[0]), arguments[1:]
    first = first_commands(build)
    once = build / "once"
    once.mkdir(exist_ok=True)
    (once / "compile_commands.json").write_text(json.dumps(list(first.values())), encoding="utf-8")
    for name in names:
        if str(ROOT / name) not in first:
            print(f"clang-tidy     left out: {name} is not in the build: is a library missing (scripts/deps --bench)?")
    files = [name for name in names if str(ROOT / name) in first]
    is_clean = True
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = [pool.submit(findings, once, options, name) for name in files]
        for done, run in enumerate(concurrent.futures.as_completed(runs), 1):
            if run.result():
                is_clean = False
                print(run.result(), flush=True)
            show_progress(done, len(files))
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
