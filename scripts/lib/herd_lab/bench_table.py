"""The figures of a benchmark as text: a table for a terminal, and the tables of docs/PERFORMANCE.md."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

WIDTH = 100
Summary = dict[str, Any]  # of a row or of one of its sides, as bench.summary() makes it


def figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def span(ratio: dict[str, float]) -> str:
    return "{median:.2f} [{least:.2f}-{greatest:.2f}]".format(**ratio)


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}" if value < 1000 else f"{value:.0f}"


def table(rows: list[Summary]) -> Iterator[str]:
    """Lines of about WIDTH columns."""
    yield f"{'':32}{'median':>11} {'server':>8} {'own':>7} {'p50':>8} {'p99':>8} {'p99.9':>8}  ratio"
    yield f"{'':32}{'':>11} {'CPU us':>8} {'CPU us':>7} {'us':>8} {'us':>8} {'us':>8}  median [range]"
    for row in rows:
        yield f"{row['row']}: {row['title']} ({row['unit']})"[:WIDTH]
        for side in row["sides"]:
            yield from _side(row, side)


def _side(row: Summary, side: Summary) -> Iterator[str]:
    middle = side["median"]
    texts = [_cell(middle.get(key)) for key in ("server_us", "own_us", "p50_us", "p99_us", "p999_us")]
    line = (f"  {side['side']:<30}{figure(middle['value']):>11} {texts[0]:>8} {texts[1]:>7} {texts[2]:>8} "
            f"{texts[3]:>8} {texts[4]:>8}")
    if "value" in side["ratios"]:
        line += "  " + span(side["ratios"]["value"])
    yield line
    for key, name in row["compared"].items():
        if key in side["ratios"]:
            yield f"{'    ' + name:88}" + "  " + span(side["ratios"][key])
    for key, name in row["extras"].items():
        if key in middle:
            yield f"    {name}: {figure(middle[key])}"


def markdown(result: dict[str, Any]) -> Iterator[str]:
    """Lines of all figures of docs/PERFORMANCE.md, ready to paste."""
    machine = result["machine"]
    yield (f"Made {result['date']} on {machine['processor']}, {machine['cores']} cores, Linux {machine['kernel']}, "
           f"load average {machine['load_average'][0]:.1f} before: {result['rounds']} rounds of "
           f"{result['seconds']:g} s, {result['took_s'] / 60:.1f} minutes in all.")
    yield ""
    yield "### Rows"
    yield ""
    yield "| row | side | median | server CPU us | own CPU us | p50 us | p99 us | p99.9 us | ratio to the first side |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in result["rows"]:
        for i, side in enumerate(row["sides"]):
            yield _markdown_side(row, side, i == 0)
    yield ""
    for row in result["rows"]:
        if any(words.startswith("%, ") for words in row["extras"].values()):
            yield from _stages(row)


def _stages(row: Summary) -> Iterator[str]:
    """The shares of one command, a column for each side."""
    names = [name for name, words in row["extras"].items() if words.startswith("%, ")]
    yield "### Where the user instructions of one IAMAT go"
    yield ""
    yield f"| stage | {' | '.join(side['side'] for side in row['sides'])} |"
    yield "|---" * (1 + len(row["sides"])) + "|"
    for name in names:
        cells = (f"{side['median'].get(name, 0):.0f} %" for side in row["sides"])
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""


def _markdown_side(row: Summary, side: Summary, first: bool) -> str:
    middle = side["median"]
    cells = ["" if middle.get(key) is None else figure(middle[key])
             for key in ("server_us", "own_us", "p50_us", "p99_us", "p999_us")]
    notes = [span(side["ratios"]["value"])] if "value" in side["ratios"] else []
    notes += [f"{name} {span(side['ratios'][key])}" for key, name in row["compared"].items() if key in side["ratios"]]
    notes += [f"{name} {figure(middle[key])}" for key, name in row["extras"].items()
              if key in middle and not name.startswith("%, ")]
    unit = f" {row['unit']}" if first else ""
    name = row["row"] if first else ""
    return f"| {name} | {side['side']} | {figure(middle['value'])}{unit} | {' | '.join(cells)} | {'; '.join(notes)} |"
