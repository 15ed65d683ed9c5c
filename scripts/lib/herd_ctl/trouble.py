"""Errors that a user can act on: one line of text, and an exit status."""
import contextlib
import errno
import pathlib
from collections.abc import Iterator

BAD_USAGE = 2
SOME_DOWN = 3
NONE_RUNNING = 4
FULL = (errno.ENOSPC, errno.EDQUOT)
REFUSED = (errno.EACCES, errno.EPERM)
PERMISSIONS = "change the permissions, or "
STATE_REMEDY = PERMISSIONS + "set HERD_STATE_DIR (or `state_dir` under [herd]) to another state directory"


class Trouble(Exception):
    """Its text names what is wrong and what to do. `status` is the exit status of the command."""

    def __init__(self, text: str, status: int = 1):
        super().__init__(text)
        self.status = status


@contextlib.contextmanager
def writing(path: pathlib.Path, remedy: str = STATE_REMEDY) -> Iterator[None]:
    """A context that writes files: an error of the system becomes Trouble. `remedy` is what to do if the permissions
    refuse it. For other errors the beginning PERMISSIONS is left out; a full disk has one of its own."""
    try:
        yield
    except OSError as error:
        if error.errno not in REFUSED:
            remedy = remedy.removeprefix(PERMISSIONS)
        if error.errno in FULL:
            remedy = "free disk space, or " + remedy
        raise Trouble(f"{error.filename or path} cannot be written ({error.strerror}): {remedy}") from None
