"""Types of operands on the command line of scripts/herd: each reads a text, or raises ArgumentTypeError with what to
write instead."""
from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable

from .records import COORDINATES
from .reset import MAX_CLIENT_BYTES, NO_ID

WITH_COMMA = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]+)?,[+-]?[0-9]{1,3}(\.[0-9]+)?")
MOST_KM = 20016  # of a radius: no two points are farther apart


def word(text: str) -> str:
    if not 1 <= len(os.fsencode(text)) <= MAX_CLIENT_BYTES or NO_ID.search(os.fsencode(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a client nor coordinates: use 1 to {MAX_CLIENT_BYTES}"
                                         " bytes without blanks and control bytes")
    return text


def place(text: str) -> str:
    """The id of a client, or coordinates; those with a comma, 34.06,-118.44, as the nodes want them."""
    return coordinates(text) if WITH_COMMA.fullmatch(word(text)) else text


def pattern(text: str) -> str:
    if not word(text).endswith("*"):
        raise argparse.ArgumentTypeError(f"{text!r} does not end with *: write the beginning of the ids and *, in"
                                         " quotes")
    return text


def decimal(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number such as 10 or 0.5")
    return text


def kilometres(text: str) -> str:
    if float(decimal(text)) > MOST_KM:
        raise argparse.ArgumentTypeError(f"{text} km is more than {MOST_KM}, half of the way around the earth")
    return text


def coordinates(text: str) -> str:
    """As ISO 6709, which the nodes want: +34.06-118.44 of 34.06,-118.44."""
    parts = [part if part[:1] in ("+", "-") else "+" + part for part in text.split(",")]
    if not COORDINATES.fullmatch("".join(parts)):
        raise argparse.ArgumentTypeError(f"{text!r} are no coordinates: write them as 34.06,-118.44 or +34.06-118.44")
    return "".join(parts)


def count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def positive(text: str) -> int:
    if count(text) == 0:
        raise argparse.ArgumentTypeError("0 is too few: use 1 or more")
    return int(text)


def up_to(most: int) -> Callable[[str], int]:
    """The type of a whole number from 1 to `most`."""
    def number(text: str) -> int:
        if positive(text) > most:
            raise argparse.ArgumentTypeError(f"{text} is more than {most}")
        return int(text)
    return number


def _time(text: str, unit: str, most: int) -> float:
    try:
        time = float(text)
    except ValueError:
        time = 0.0
    if not 0.1 <= time <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of {unit} from 0.1 to {most}")
    return time


def seconds(text: str) -> float:
    return _time(text, "seconds", 86400)


def minutes(text: str) -> float:
    return 60 * _time(text, "minutes", 1440)
