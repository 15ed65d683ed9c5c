#!/usr/bin/env python3
"""Checks the scripts of the dashboard with TypeScript's compiler: names that do not exist, unused ones, and types, as
far as the code and its comments give them. Nothing is compiled; the page has no build step.

    page.py
"""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "node/http/page"
OPTIONS = ["--noEmit", "--allowJs", "--checkJs", "--target", "es2022", "--module", "es2022", "--lib",
           "es2022,dom,dom.iterable", "--noUnusedLocals", "--noUnusedParameters",
           "--noImplicitReturns", "--noFallthroughCasesInSwitch"]


def main() -> int:
    scripts = sorted(str(path) for path in PAGE.glob("*.js"))
    done = subprocess.run(["tsc", *OPTIONS, str(ROOT / "tests/lint/page.d.ts"), *scripts], capture_output=True,
                          text=True, check=False)
    print(done.stdout.strip() or f"page: {len(scripts)} scripts, no findings")
    return 0 if done.returncode == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
