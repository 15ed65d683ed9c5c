"""How the sink fails."""
from __future__ import annotations

FAILED = 1
BAD_USAGE = 2


class Trouble(Exception):
    """The sink ends: a person has to change something. The text says what is wrong, then what to
    do."""

    def __init__(self, text: str, status: int = FAILED):
        super().__init__(text)
        self.status = status


class Away(Exception):
    """The target cannot be written now: the sink tries again."""
