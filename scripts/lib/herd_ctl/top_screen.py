"""The lines of top for a window of some width. Pure."""
from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

from .show import duration, safe, shorten
from .top_rows import HEALTHY, Row, View, sort

GAP = 2
NAME_WIDTH = 20
MESSAGE_WIDTH = 60


@dataclasses.dataclass(frozen=True)
class Column:
    """`rank`: a narrow window lacks the columns of the highest ranks. Those of rank 0 are always shown."""

    head: str
    cell: Callable[[Row], str]
    rank: int = 0
    is_text: bool = False  # aligned to the left


@dataclasses.dataclass(frozen=True)
class Line:
    """`style`: title, head, bad, or empty."""

    text: str
    style: str = ""


def _number(key: str, form: str = "{:.0f}") -> Callable[[Row], str]:
    return lambda row: "-" if row[key] is None else form.format(row[key])


def _milliseconds(key: str, form: str = "{:.1f}") -> Callable[[Row], str]:
    return lambda row: "-" if row[key] is None else form.format(row[key] / 1000) + " ms"


def _name(key: str) -> Callable[[Row], str]:
    return lambda row: shorten(safe(row[key]), NAME_WIDTH)


NODES = (
    Column("NODE", _name("node"), is_text=True),
    Column("STATE", lambda row: str(row["state"]), is_text=True),
    Column("ANSWER", _number("answer_ms", "{:.1f} ms"), 3),
    Column("UPD/S", _number("updates_per_s")),
    Column("REP/S", _number("reports_per_s"), 4),
    Column("QRY/S", _number("queries_per_s"), 5),
    Column("EVT/S", _number("events_per_s"), 8),
    Column("CONN", _number("connections"), 2),
    Column("CLIENTS", _number("clients")),
    Column("WATCHES", _number("watches"), 6),
    Column("LINKS", lambda row: "-" if row["links"] is None else f"{row['links_up']}/{row['links']}"),
    Column("LAG", _number("lag"), 1),
    Column("JOURNAL", lambda row: str(row["journal"] or "-"), 7, is_text=True),
    Column("UPTIME", lambda row: "-" if row["uptime_s"] is None else duration(row["uptime_s"]), 9),
    Column("DIGEST", lambda row: str(row["digest"] or "-"), 10, is_text=True))
LINKS = (
    Column("LINK", lambda row: f"{_name('node')(row)} > {_name('peer')(row)}", is_text=True),
    Column("STATE", lambda row: str(row["state"]), is_text=True),
    Column("LAG", _number("lag")),
    Column("ROUND TRIP", _milliseconds("round_trip_us")),
    Column("SKEW", _milliseconds("skew_us", "{:+.1f}")),
    Column("ADDRESS", lambda row: safe(row["address"].removeprefix("tcp://")) or "-", 1, is_text=True))
PLACES = (
    Column("PLACES AT", _name("node"), is_text=True),
    Column("PROVIDER", lambda row: str(row["provider"]), is_text=True),
    Column("STATE", lambda row: str(row["state"]), is_text=True),
    Column("REQUESTS", _number("requests")),
    Column("MEAN", _milliseconds("mean_request_us"), 1),
    Column("HITS", _number("cache_hits"), 2),
    Column("MISSES", _number("cache_misses"), 2),
    Column("MESSAGE", lambda row: shorten(safe(row["message"]), MESSAGE_WIDTH) or "-", 3, is_text=True))


def fitting(columns: Sequence[Column], widths: dict[str, int], width: int) -> list[Column]:
    """The columns that fit: without those of the highest rank, until the others do or only rank 0 is left."""
    shown = list(columns)
    while shown and sum(widths[column.head] + GAP for column in shown) - GAP > width:
        worst = max(column.rank for column in shown)
        if worst == 0:
            break
        shown = [column for column in shown if column.rank < worst]
    return shown


def section(columns: Sequence[Column], rows: Sequence[Row], width: int, is_bad: Callable[[Row], bool]) -> list[Line]:
    """A table; none without rows. Lines that are too long are cut."""
    if not rows:
        return []
    cells = {column.head: [column.cell(row) for row in rows] for column in columns}
    widths = {head: max(len(head), *map(len, texts)) for head, texts in cells.items()}
    shown = fitting(columns, widths, width)

    def line(texts: Sequence[str]) -> str:
        padded = [text.ljust(widths[column.head]) if column.is_text else text.rjust(widths[column.head])
                  for column, text in zip(shown, texts)]
        return (" " * GAP).join(padded).rstrip()[:width]

    lines = [Line(line([column.head for column in shown]), "head")]
    for number, row in enumerate(rows):
        lines.append(Line(line([cells[column.head][number] for column in shown]), "bad" if is_bad(row) else ""))
    return lines


def title(view: View) -> str:
    up = sum(row["state"] in HEALTHY for row in view.nodes)
    reports = sum(row["reports_per_s"] or 0 for row in view.nodes)
    clients = max((row["clients"] or 0 for row in view.nodes), default=0)
    clock = time.strftime("%H:%M:%S", time.localtime(view.time))
    return (f"{clock}  herd {safe(view.herd)}: {up} of {len(view.nodes)} nodes up,"
            f" {clients} client{'' if clients == 1 else 's'}, {reports:.0f} reports/s")


def lines_of(view: View, width: int, sort_key: str = "node") -> list[Line]:
    """Everything of the view; a notice is wrapped to the width."""
    nodes = sort(view.nodes, sort_key)
    rank = {row["node"]: number for number, row in enumerate(nodes)}
    links = sorted(view.links, key=lambda row: rank[row["node"]])
    places = sorted(view.places, key=lambda row: rank[row["node"]])
    lines = [Line(title(view)[:width], "title")]
    for notice in sorted(set(view.notices)):
        lines += [Line(text, "bad") for text in wrapped(safe(notice), width)]
    for columns, rows, is_bad in ((NODES, nodes, lambda row: row["state"].partition(",")[0] not in HEALTHY),
                                  (LINKS, links, lambda row: row["state"] != "up"),
                                  (PLACES, places, lambda row: row["state"] == "resting")):
        table = section(columns, rows, width, is_bad)
        lines += [Line("")] + table if table else []
    return lines


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns, cut at blanks where there are some."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += " " + word
        else:
            lines += [word[begin:begin + width] for begin in range(0, max(1, len(word)), width)]
    return lines


def window(lines: Sequence[Line], height: int, first: int) -> tuple[list[Line], int]:
    """The lines of a window that begins at line `first`, and `first` moved so that the window is full. The title
    is always the first line, and the last line of the window counts the lines that are below it."""
    head, rest = list(lines[:1]), list(lines[1:])
    room = max(1, height - 1)
    if len(rest) <= room:
        return head + rest, 0
    room = max(1, room - 1)
    first = max(0, min(first, len(rest) - room))
    left = len(rest) - first - room
    note = Line(f"({left} more lines: arrow keys)" if left else "(end)", "head")
    return head + rest[first:first + room] + [note], first


def as_text(view: View, width: int, sort_key: str = "node") -> str:
    return "\n".join(line.text for line in lines_of(view, width, sort_key))


def help_line(sort_key: str, sorts: dict[str, Any]) -> str:
    keys = "  ".join(f"{key} {name.removesuffix('_per_s').removesuffix('_ms')}" + ("*" if name == sort_key else "")
                     for key, name in sorts.items())
    return f"q quit  sort by: {keys}"
