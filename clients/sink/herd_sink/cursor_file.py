"""The cursor of an output that cannot be read again, in a file of its own."""
from __future__ import annotations

import json
import os
from typing import NamedTuple

from herd_client import Cursor

from .trouble import Away, Trouble

MAX_BYTES = 1 << 16


class Place(NamedTuple):
    """How far the output is."""

    cursor: Cursor | None
    conflated: int | None
    address: str | None = None  # of the node with this feed


class CursorFile:
    """Is replaced as a whole: after a kill, it has the old or the new content."""

    def __init__(self, path: str):
        self.path = path

    def read(self, watch: str) -> Place | None:
        """None if there is no file yet; Trouble if it belongs to another watch."""
        if not os.path.exists(self.path):
            return None
        was, place = self.content()
        if was != watch:
            raise Trouble(
                f"{self.path} belongs to the watch {was!r}, not to {watch!r}: use another"
                " --cursor-file"
            )
        return place

    def content(self) -> tuple[str, Place]:
        """The watch and the place; Trouble if the file has something else."""
        try:
            with open(self.path, encoding="utf-8") as file:
                found = json.loads(file.read(MAX_BYTES))
            cursor = Cursor.of(found["cursor"]) if found["cursor"] else None
            return str(found["watch"]), Place(cursor, found["conflated"], found.get("address"))
        except OSError as error:
            raise Trouble(
                f"{self.path} cannot be read: {error.strerror}: correct its rights"
            ) from None
        except (ValueError, KeyError, TypeError):
            raise Trouble(
                f"{self.path} has no cursor: remove it to begin with a snapshot"
            ) from None

    def write(self, watch: str, place: Place) -> None:
        """Away if the disk is full."""
        cursor = str(place.cursor) if place.cursor else None
        new = f"{self.path}.new"
        try:
            with open(new, "w", encoding="utf-8") as file:
                json.dump(
                    {
                        "watch": watch,
                        "cursor": cursor,
                        "conflated": place.conflated,
                        "address": place.address,
                    },
                    file,
                )
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, self.path)
        except OSError as error:
            raise Away(f"{self.path} cannot be written: {error.strerror}") from None
