"""Acting as the owner of the state directory.

The nodes of an installed herd run as the user `herd`, to which the state directory belongs. If root runs a command, the
keys, tokens and locks that it makes must belong to that user, too. So the command changes its effective user, and
returns to root only for systemctl and for files that the caller named."""
from __future__ import annotations

import contextlib
import os
import pathlib
import pwd
from collections.abc import Iterator
from typing import Any


def act_as_owner(directory: pathlib.Path) -> None:
    """Has no effect unless root runs this, and the directory exists and belongs to another user."""
    if os.geteuid() != 0:
        return
    try:
        status = os.stat(directory)
    except OSError:
        return
    if status.st_uid == 0:
        return
    try:
        entry = pwd.getpwuid(status.st_uid)
        os.initgroups(entry.pw_name, entry.pw_gid)
        group = entry.pw_gid
    except KeyError:  # a user without a name, for example of another container
        os.setgroups([])
        group = status.st_gid
    os.setegid(group)
    os.seteuid(status.st_uid)


@contextlib.contextmanager
def as_caller() -> Iterator[None]:
    """A context with the rights of the user who runs the command."""
    user, group = os.geteuid(), os.getegid()
    os.seteuid(os.getuid())
    os.setegid(os.getgid())
    try:
        yield
    finally:
        os.setegid(group)
        os.seteuid(user)


def for_owner() -> dict[str, Any]:
    """Arguments of subprocess.run for a program that runs as the owner alone."""
    return {"user": os.geteuid(), "group": os.getegid()} if os.getuid() != os.geteuid() else {}


def for_caller() -> dict[str, Any]:
    """Arguments of subprocess.run for a program with the rights of the user who runs the command."""
    return {"user": os.getuid(), "group": os.getgid()} if os.getuid() != os.geteuid() else {}
