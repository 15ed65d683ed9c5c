"""The file of export and import: lines of JSON. The first one is a head, the last one an end with the number of
records; between them each line is a record. Texts are as the client sent them; bytes of an id that are no UTF-8 are
written as the lone surrogates of Python's surrogateescape (\\udc80 to \\udcff)."""
from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

from .records import COORDINATES
from .reset import MAX_CLIENT_BYTES, NO_ID
from .trouble import BAD_USAGE, Trouble

FORMAT = "herd records"
VERSION = 1
TIME = re.compile(r"\d{1,10}(?:\.\d{1,9})?")
MAX_LINE = 1 << 14  # an id has up to 255 bytes, of which JSON makes up to six characters each


@dataclasses.dataclass(frozen=True)
class Exported:
    """A record: texts of the protocol. `node` and `difference` are those of the report at its origin."""

    client: bytes
    coordinates: str
    time: str
    node: str
    difference: str

    @staticmethod
    def of_line(line: bytes) -> Exported:
        """From an AT line; ValueError for another one."""
        word, node, difference, client, coordinates, time_text = line.split(b" ")
        if word != b"AT":
            raise ValueError("no AT line")
        return Exported(client, coordinates.decode("ascii"), time_text.decode("ascii"), node.decode("utf-8"),
                        difference.decode("ascii"))

    def iamat(self) -> bytes:
        return b"IAMAT %b %b %b" % (self.client, self.coordinates.encode(), self.time.encode())

    @property
    def order(self) -> tuple[int, int]:
        """Of two records of a client, the newer one has the greater order."""
        return time_order(self.time)


def time_order(text: str) -> tuple[int, int]:
    seconds, _, fraction = text.partition(".")
    return int(seconds), int(fraction.ljust(9, "0"))


def head(herd: str, node: str, now: float) -> str:
    return json.dumps({"format": FORMAT, "version": VERSION, "herd": herd, "node": node, "exported_at": round(now, 3)})


def end(count: int) -> str:
    return json.dumps({"end": count})


def as_json(record: Exported) -> str:
    return json.dumps({"client": os.fsdecode(record.client), "coordinates": record.coordinates, "time": record.time,
                       "node": record.node, "difference": record.difference})


def _record(entry: dict[str, Any]) -> Exported:
    """ValueError, or KeyError, for a line that is no record. It is checked because it is written into commands."""
    client = os.fsencode(entry["client"])
    coordinates, time_text = str(entry["coordinates"]), str(entry["time"])
    if not 1 <= len(client) <= MAX_CLIENT_BYTES or NO_ID.search(client):
        raise ValueError("its `client` is none")
    if not COORDINATES.fullmatch(coordinates):
        raise ValueError("its `coordinates` are none")
    if not TIME.fullmatch(time_text):
        raise ValueError("its `time` is none")
    return Exported(client, coordinates, time_text, str(entry.get("node", "")), str(entry.get("difference", "")))


def _json_of(line: str) -> Any:
    """None for a line that is too long; ValueError for one that is not JSON."""
    try:
        return json.loads(line) if len(line) <= MAX_LINE else None
    except ValueError:
        raise ValueError("it is not JSON: give a file that scripts/herd export has written") from None


def read(lines: Iterable[str], where: str) -> Iterator[Exported]:
    """The records of a file; Trouble at its first mistake, which may be after many records. `where` names the file."""
    count, has_end = 0, False
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = _json_of(line)
            if not isinstance(entry, dict):
                raise ValueError("it is no object")
            if number == 1 and entry.get("format") != FORMAT:
                raise ValueError("it is not the head of a file of scripts/herd export")
            if number == 1 and entry.get("version") != VERSION:
                raise ValueError("it is the head of a file of a later release")
            if has_end:
                raise ValueError("it comes after the end")
            if number == 1:
                continue
            if "end" in entry:
                has_end = True
                if entry["end"] != count:
                    raise ValueError(f"it counts {entry['end']} records, but there are {count}")
                continue
            record = _record(entry)
        except (ValueError, KeyError, TypeError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else error
            raise Trouble(f"{where}, line {number}: {reason}", BAD_USAGE) from None
        count += 1
        yield record
    if not has_end:
        raise Trouble(f"{where} has no end: it is only the beginning of an export. The {count} records in it are"
                      " imported", BAD_USAGE)
