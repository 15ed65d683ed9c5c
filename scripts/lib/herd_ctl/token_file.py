"""tokens.toml, the tokens of clients. herd-node reads the same file (node/config/tokens.hpp). It contains only the
SHA-256 hash of each token."""
from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import json
import pathlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from . import files, secret_files
from .lock import herd_lock
from .trouble import Trouble, writing

MOST_TOKENS = 1000   # as kMaxTokens of herd-node
MOST_PATTERNS = 32   # as kMaxPatterns
LEVELS = ("events", "latest", "all")
NAME = re.compile(r"[0-9A-Za-z_-]{1,63}")
HASH = re.compile(r"[0-9a-f]{64}")
REMEDY = "correct it, or restore it from a backup"
WRITING_REMEDY = "change the permissions, or set `tokens` under [clients] to another file"
UTC = "%Y-%m-%dT%H:%M:%SZ"
HEAD = """\
# The tokens of clients, written by scripts/herd token. It contains a hash of each token, not the token itself.
"""


@dataclasses.dataclass
class Token:
    name: str
    sha256: str
    tell: list[str]
    see: list[str]
    level: str
    expires: str | None = None  # UTC, "2027-01-31T00:00:00Z"; None: never

    def text(self) -> str:
        lines = ["[[token]]", f"name = {_quoted(self.name)}", f"sha256 = {_quoted(self.sha256)}",
                 f"tell = {_list(self.tell)}", f"see = {_list(self.see)}", f"level = {_quoted(self.level)}"]
        return "\n".join(lines + ([f"expires = {_quoted(self.expires)}"] if self.expires else [])) + "\n"

    def has_expired(self) -> bool:
        return self.expires is not None and parse_utc(self.expires) <= datetime.datetime.now(datetime.timezone.utc)


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def parse_utc(text: str) -> datetime.datetime:
    """ValueError if it is not a time as in the file."""
    return datetime.datetime.strptime(text, UTC).replace(tzinfo=datetime.timezone.utc)


def is_pattern(text: str) -> bool:
    """Whether it is an id of a client, a beginning of ids and `*`, or `*`."""
    if text == "*":
        return True
    name = text.removesuffix("*")
    return 1 <= len(name.encode()) <= 255 and not re.search(r"[\x00-\x20\x7f,]", name)


class TokenFile:
    """Only with `lock()` held may the file be written."""

    def __init__(self, path: pathlib.Path, state_dir: pathlib.Path):
        self.path = path
        self.state_dir = state_dir

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        with writing(self.state_dir):
            self.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with herd_lock(self.state_dir):
            yield

    def read(self) -> list[Token]:
        """Trouble if anything in the file is wrong."""
        text = secret_files.read(self.path, private=True, kind="tokens", remedy=WRITING_REMEDY)
        if text is None:
            return []
        entries = secret_files.table(text, str(self.path), REMEDY).get("token", [])
        if not isinstance(entries, list):
            raise Trouble(f"{self.path}: `token` is not a list of [[token]] tables: {REMEDY}")
        tokens = [self._token(entry, number) for number, entry in enumerate(entries, 1)]
        if len({token.name for token in tokens}) < len(tokens):
            raise Trouble(f"{self.path}: two [[token]] tables have one name: {REMEDY}")
        return tokens

    def write(self, tokens: Sequence[Token]) -> None:
        """The content is on the disk when this returns."""
        with writing(self.path, WRITING_REMEDY):
            files.replace(self.path, "\n".join([HEAD, *(token.text() for token in tokens)]), mode=0o600)
            files.sync_directory(self.path.parent)

    def _token(self, entry: Any, number: int) -> Token:
        def wrong(key: str) -> Trouble:
            return Trouble(f"{self.path}: `{key}` of [[token]] number {number} is missing or wrong: {REMEDY}")

        values = entry if isinstance(entry, dict) else {}
        for key, is_right in (("name", _matches(NAME)), ("sha256", _matches(HASH)), ("tell", _are_patterns),
                              ("see", _are_patterns), ("level", lambda value: value in LEVELS)):
            if not is_right(values.get(key)):
                raise wrong(key)
        expires = values.get("expires")
        if expires is not None:
            try:
                parse_utc(expires)
            except (ValueError, TypeError):
                raise wrong("expires") from None
        return Token(values["name"], values["sha256"], values["tell"], values["see"], values["level"], expires)


def _matches(form: re.Pattern[str]) -> Any:
    return lambda value: isinstance(value, str) and form.fullmatch(value) is not None


def _are_patterns(value: object) -> bool:
    return (isinstance(value, list) and len(value) <= MOST_PATTERNS
            and all(isinstance(text, str) and is_pattern(text) for text in value))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # TOML writes such strings as JSON does


def _list(texts: Sequence[str]) -> str:
    return "[" + ", ".join(_quoted(text) for text in texts) + "]"
