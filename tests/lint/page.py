#!/usr/bin/env python3
"""Checks the scripts of the dashboard and those of clients/javascript with TypeScript's compiler: names that do not
exist, unused ones, and types, as far as the code and its comments give them. Nothing is compiled: neither has a build
step. The client must also agree with its .d.ts files, and its types must be complete, its tests excepted.

    page.py
"""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "node/http/page"
CLIENT = ROOT / "clients/javascript"
LINT = ROOT / "tests/lint"
OPTIONS = ["--noEmit", "--allowJs", "--checkJs", "--target", "es2022", "--module", "es2022", "--lib",
           "es2022,dom,dom.iterable", "--noUnusedLocals", "--noUnusedParameters",
           "--noImplicitReturns", "--noFallthroughCasesInSwitch"]


def check(name: str, options: list[str], files: list[pathlib.Path]) -> bool:
    done = subprocess.run(["tsc", *OPTIONS, *options, *map(str, files)], capture_output=True, text=True, check=False)
    print(done.stdout.strip() or f"{name}: {len(files)} files, no findings")
    return done.returncode == 0


def main() -> int:
    page = check("page", [], [LINT / "page.d.ts", *sorted(PAGE.glob("*.js"))])
    client = check("client", ["--strict"], [LINT / "node.d.ts", *sorted(CLIENT.glob("*.d.ts")),
                                            *sorted(CLIENT.glob("*.js")), *sorted(CLIENT.glob("examples/*.js"))])
    return 0 if page and client else 1


if __name__ == "__main__":
    sys.exit(main())
