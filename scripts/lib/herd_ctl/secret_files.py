"""Reading small TOML files of which some contain secrets: keys of nodes and tokens of clients. No error contains a part
of such a file."""
from __future__ import annotations

import os
import pathlib
import re
import stat
import tomllib
from typing import Any

from .trouble import Trouble

MOST_BYTES = 1 << 20  # as herd-node; public.toml of 64 nodes has about 10 kB


def read(path: pathlib.Path, *, private: bool, kind: str, remedy: str) -> str | None:
    """The text of the file; None if there is none. `kind` is what it contains. A private file must belong to this user
    alone."""
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            if private:
                check_owner(path, os.fstat(file.fileno()))
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise Trouble(f"{path} has more than {MOST_BYTES >> 20} MiB: it is not a file of {kind}")
        return content.decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise Trouble(f"{path} is not a text: it is not a file of {kind}") from None
    except OSError as error:
        raise Trouble(f"{path} cannot be read ({error.strerror}): {remedy}") from None


def table(text: str, where: str, remedy: str) -> dict[str, Any]:
    """The TOML of the text; `where` names its file."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at [^()]*\)$", str(error))
        plain = place[0].strip("()") if place else "a syntax error"
        raise Trouble(f"{where} cannot be read as TOML ({plain}): {remedy}") from None


def check_owner(path: pathlib.Path, status: os.stat_result) -> None:
    """Trouble if other users may read or change this file or directory, or if it belongs to one of them."""
    if status.st_uid != os.geteuid():
        raise Trouble(f"{path} belongs to another user: run this as the user that runs the herd")
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        right = "700" if stat.S_ISDIR(status.st_mode) else "600"
        raise Trouble(f"{path} has mode {mode:04o}, so other users may use it: run chmod {right} {path}")


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # opening a FIFO would wait for its writer
