"""token: makes, lists and revokes the tokens of clients."""
from __future__ import annotations

import dataclasses
import datetime
import difflib
import json
import pathlib
import secrets
import sys
from typing import Any

from .herd import Herd
from .show import safe, table
from .token_file import MOST_PATTERNS, MOST_TOKENS, NAME, UTC, Token, TokenFile, hash_of, is_pattern
from .trouble import BAD_USAGE, Trouble

PREFIX = "herd_"   # so that programs that search for leaked secrets find it
RANDOM_BYTES = 32
NEXT = "scripts/herd reload, if the herd runs; on several hosts, copy the file to each and reload there"


def token(herd: Herd, given: Any) -> int:
    """`given` is the command line: action, name, tell, see, level, expires, json."""
    settings = herd.nodes[0].live_settings
    file = TokenFile(pathlib.Path(settings["clients.tokens"]), herd.state_dir)
    if given.action == "list":
        return _list(file, given.json)
    _check_name(given.name)
    note = ("" if "token" in (settings["clients.auth"], settings["http.auth"]) else
            f"`auth` under [clients] and [http] of {herd.config} is \"none\", so the nodes ask for no token yet")
    with file.lock():
        return _new(file, given, note) if given.action == "new" else _revoke(file, given)


def _new(file: TokenFile, given: Any, note: str) -> int:
    tokens = file.read()
    if any(token.name == given.name for token in tokens):
        raise Trouble(f"{file.path} has a token {given.name} already: choose another name, or run scripts/herd token"
                      f" revoke {given.name} first")
    if len(tokens) >= MOST_TOKENS:
        raise Trouble(f"{file.path} has {MOST_TOKENS} tokens, the most: revoke some, and give clients of one kind a"
                      " common token")
    text = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    fresh = Token(given.name, hash_of(text), patterns("--tell", given.tell), patterns("--see", given.see), given.level,
                  given.expires)
    file.write([*tokens, fresh])
    if given.json:
        print(json.dumps({"token": text, **_shown(fresh), "file": str(file.path), "note": note, "next": NEXT},
                         indent=2))
        return 0
    print(text, flush=True)
    # Not on the standard output, which a script reads for the token.
    for hint in (f"This is the token of {fresh.name}: it is not shown again. {file.path} has only its hash", note,
                 f"Next: {NEXT}"):
        if hint:
            print(hint, file=sys.stderr)
    return 0


def _revoke(file: TokenFile, given: Any) -> int:
    tokens = file.read()
    names = [token.name for token in tokens]
    if given.name not in names:
        close = difflib.get_close_matches(given.name, names, n=1)
        meant = f" (did you mean {close[0]!r}?)" if close else ""
        raise Trouble(f"{file.path} has no token {given.name!r}{meant}: scripts/herd token list shows all", BAD_USAGE)
    file.write([token for token in tokens if token.name != given.name])
    if given.json:
        print(json.dumps({"revoked": given.name, "file": str(file.path), "next": NEXT}, indent=2))
        return 0
    print(f"The token {given.name} is removed from {file.path}: nodes refuse it, and end its connections, when they"
          f" have read the file again\nNext: {NEXT}")
    return 0


def _list(file: TokenFile, as_json: bool) -> int:
    tokens = file.read()
    if as_json:
        print(json.dumps({"file": str(file.path), "tokens": [_shown(token) for token in tokens]}, indent=2))
    elif not tokens:
        print(f"{file.path} has no tokens: scripts/herd token new NAME makes one")
    else:
        rows = [[token.name, ",".join(token.tell) or "-", ",".join(token.see) or "-", token.level,
                 (token.expires or "never") + (" (expired)" if token.has_expired() else "")] for token in tokens]
        print(table(["NAME", "TELL", "SEE", "LEVEL", "EXPIRES"], rows))
    return 0


def _shown(token: Token) -> dict[str, Any]:
    return {key: value for key, value in dataclasses.asdict(token).items() if key != "sha256"} | {
        "expired": token.has_expired()}


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise Trouble(f"{safe(name)!r} is no name of a token: write 1 to 63 letters, digits, _ or -", BAD_USAGE)


def patterns(option: str, given: list[str] | None) -> list[str]:
    """The patterns of an option: every client without the option, no client if its only pattern is empty."""
    if given is None:
        return ["*"]
    if given == [""]:
        return []
    wrong = next((text for text in given if not is_pattern(text)), None)
    if wrong is not None:
        raise Trouble(f"{safe(wrong)!r} of {option} is no pattern: write a client's id without blanks and commas, a"
                      " beginning of ids and *, or * for every client", BAD_USAGE)
    if len(given) > MOST_PATTERNS:
        raise Trouble(f"{option} is there {len(given)} times: at most {MOST_PATTERNS} are allowed", BAD_USAGE)
    return given


def end_of(text: str) -> str:
    """The end of a token as in the file. A date alone includes its day, in UTC. ValueError if it is no date in the
    future."""
    try:
        end = datetime.datetime.strptime(text, UTC)
    except ValueError:
        end = datetime.datetime.strptime(text, "%Y-%m-%d") + datetime.timedelta(days=1)
    end = end.replace(tzinfo=datetime.timezone.utc)
    if not datetime.datetime.now(datetime.timezone.utc) < end < datetime.datetime(2200, 1, 1, tzinfo=end.tzinfo):
        raise ValueError(f"{text} is not in the future")
    return end.strftime(UTC)
