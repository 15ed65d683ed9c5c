"""Text for a terminal: tables, and text from outside with its control characters escaped."""
from __future__ import annotations

import os
from collections.abc import Collection, Sequence


def safe(text: str | bytes) -> str:
    """The text, with \\xNN for each byte that could control a terminal."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    return "".join(char if char.isprintable() else "".join(f"\\x{byte:02x}" for byte in os.fsencode(char))
                   for char in text)


def table(head: Sequence[str], rows: Sequence[Sequence[object]], right: Collection[str] = ()) -> str:
    """Lines with columns that are two spaces apart. The columns named in `right` are aligned to the right."""
    texts = [list(head), *([safe(str(cell)) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in texts) for i in range(len(head))]

    def line(row: Sequence[str]) -> str:
        cells = [cell.rjust(width) if name in right else cell.ljust(width)
                 for name, cell, width in zip(head, row, widths)]
        return "  ".join(cells).rstrip()

    return "\n".join(line(row) for row in texts)


def shorten(text: str, width: int) -> str:
    return text if len(text) <= width else text[:width - 1] + "…"


def duration(seconds: float) -> str:
    """At most two units: 4s, 3m12s, 2h05m, 3d04h."""
    seconds = int(seconds)
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02}s"
    if seconds < 86400:
        return f"{seconds // 3600}h{seconds // 60 % 60:02}m"
    return f"{seconds // 86400}d{seconds // 3600 % 24:02}h"
