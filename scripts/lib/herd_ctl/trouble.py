"""What a user is told in one line, and the exit status that goes with it."""
import contextlib
import pathlib
from collections.abc import Iterator

BAD_USAGE = 2
SOME_DOWN = 3
NONE_RUNNING = 4


class Trouble(Exception):
    def __init__(self, text: str, status: int = 1):
        super().__init__(text)
        self.status = status


@contextlib.contextmanager
def writing(path: pathlib.Path) -> Iterator[None]:
    """Around what makes or writes files of the state: what the system refuses becomes one line."""
    try:
        yield
    except OSError as error:
        raise Trouble(f"{error.filename or path} cannot be written ({error.strerror}): make room or permit it, or set"
                      " HERD_STATE_DIR to a directory of your own") from None
