"""The events of a watch."""
from __future__ import annotations

import enum
from typing import NamedTuple

from .errors import ConnectionLost
from .records import Record, at_record
from .texts import decode


class Kind(enum.Enum):
    NEW = "NEW"  # the watch begins anew: forget all members. A snapshot follows
    RESUMED = (
        "RESUMED"  # the watch goes on: keep the members. Up to READY come only clients that changed
    )
    HERE = "HERE"  # a member
    READY = "READY"  # the members are complete
    ENTER = "ENTER"  # a new member
    MOVE = "MOVE"  # a member has reported again
    LEAVE = "LEAVE"  # no longer a member; perhaps it was none
    CENTRE = "CENTRE"  # the client in the centre has reported
    GONE = "GONE"  # an operator has reset the client
    TICK = "TICK"  # nothing has changed for some seconds

    __hash__ = object.__hash__  # one object each; the one of Enum hashes the name at each use


PRESENT = frozenset({Kind.HERE, Kind.ENTER, Kind.MOVE})  # the client is a member
ABSENT = frozenset({Kind.LEAVE, Kind.GONE})  # it is none


class Cursor(NamedTuple):
    """A position in the feed of one node: where a watch resumes."""

    feed: str
    number: int

    def __str__(self) -> str:
        return f"{self.feed}:{self.number}"

    @classmethod
    def of(cls, text: str) -> Cursor:
        """From the text that str() gives; ValueError for another one."""
        feed, colon, number = text.partition(":")
        if not (
            colon
            and len(feed) == 16
            and set(feed) <= set("0123456789abcdef")
            and number.isascii()
            and number.isdigit()
            and int(number) < 1 << 64
        ):
            raise ValueError(
                f"{text!r} is no cursor: write 16 hexadecimal digits, a colon and a number"
            )
        return cls(feed, int(number))


class Event(NamedTuple):
    """One change. `cursor` is where to resume after this event; None while a snapshot is not
    complete."""

    kind: Kind
    client: str = ""  # of HERE, ENTER, MOVE, LEAVE, CENTRE, GONE
    record: Record | None = None  # of all these but GONE; None for a token with `level=events`
    km: float | None = None  # distance and bearing from the centre, if the watch is a circle
    bearing: int | None = None
    number: int = 0  # its change number; 0 up to READY
    cursor: Cursor | None = None
    text: str = (
        ""  # READY: the number of HERE lines. TICK: the node's clock. NEW, RESUMED: the address
    )


_KINDS = {kind.value.encode(): kind for kind in Kind if kind not in (Kind.NEW, Kind.RESUMED)}
_WITHOUT_CLIENT = frozenset({Kind.READY, Kind.TICK})


def parse(number: int, word: bytes, rest: bytes, cursor: Cursor | None) -> Event:
    """From the parts of `! <tag> <number> <word> <rest>`. ConnectionLost for a line that is no
    event."""
    kind = _KINDS.get(word)
    words = rest.split(b" ")
    try:
        if kind is None:
            raise ValueError("unknown")
        if kind in _WITHOUT_CLIENT:
            return Event(kind, number=number, cursor=cursor, text=rest.decode("latin-1"))
        if kind is Kind.GONE:
            return Event(kind, decode(rest.removeprefix(b"reset ")), number=number, cursor=cursor)
        if len(words) == 1:
            return Event(kind, decode(rest), number=number, cursor=cursor)
        if len(words) == 6:
            record = at_record(words)
            return Event(kind, record.client, record, None, None, number, cursor)
        record = at_record(words[2:])
        return Event(kind, record.client, record, float(words[0]), int(words[1]), number, cursor)
    except ValueError:
        raise ConnectionLost(
            f"the node sends {word + b' ' + rest!r} as an event: is it of another release?"
        ) from None
