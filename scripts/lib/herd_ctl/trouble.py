"""Errors that a user can act on: one line of text, and an exit status."""
import contextlib
import pathlib
from collections.abc import Iterator

BAD_USAGE = 2
SOME_DOWN = 3
NONE_RUNNING = 4


class Trouble(Exception):
    """Its text names what is wrong and what to do. `status` is the exit status of the command."""

    def __init__(self, text: str, status: int = 1):
        super().__init__(text)
        self.status = status


@contextlib.contextmanager
def writing(path: pathlib.Path,
            remedy: str = "change the permissions, or set HERD_STATE_DIR to a directory of your own") -> Iterator[None]:
    """A context that writes files: an error of the system becomes Trouble."""
    try:
        yield
    except OSError as error:
        raise Trouble(f"{error.filename or path} cannot be written ({error.strerror}): free disk space,"
                      f" {remedy}") from None
