"""Waiting for a condition with a deadline."""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from .trouble import Trouble

Value = TypeVar("Value")


class TimedOut(Trouble):
    """A condition did not become true before its deadline."""


def poll(condition: Callable[[], Value], seconds: float, pause: float = 0.05) -> Value:
    """Calls condition() every `pause` seconds until it returns a true value, for at most `seconds`. Returns the last
    value, which is false after a timeout."""
    deadline = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() <= deadline:
        time.sleep(pause)
    return value


def wait_for(condition: Callable[[], Value | None], what: str | Callable[[], str], seconds: float = 20,
             pause: float = 0.01) -> Value:
    """Returns the first true value of condition(). Raises TimedOut if there is none within `seconds`; `what` names the
    condition in its message, or is a function that returns that name."""
    value = poll(condition, seconds, pause)
    if not value:
        raise TimedOut(f"not within {seconds:g} s: {what() if callable(what) else what}")
    return value
