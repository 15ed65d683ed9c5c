"""A manual page in the man macros of roff. In its texts, **word** is bold and //word// is italic."""
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

MARK = re.compile(r"\*\*(.+?)\*\*|//(.+?)//(?!/)")


class Page:
    """A page of section 1."""

    def __init__(self, name: str, summary: str):
        self.name = name
        self._parts: list[tuple[str, list[str]]] = [("NAME", [f"{escaped(name)} \\- {escaped(summary)}"])]

    def section(self, title: str, text: str) -> None:
        self._parts.append((title, [styled(text)]))

    def items(self, title: str, items: Iterable[tuple[str, str]]) -> None:
        """A list of names, each with a text below it; nothing if it is empty."""
        lines = [line for name, text in items for line in (".TP", styled(name), styled(text))]
        if lines:
            self._parts.append((title, lines))

    def text(self, version: str, final: Mapping[str, str]) -> str:
        """The page; `final` has words and what to write instead."""
        lines = [f'.TH {self.name.upper()} 1 "" "herd {version}" "herd"']
        for title, part in self._parts:
            lines += [f".SH {title}", *part]
        text = "\n".join(lines) + "\n"
        for word, instead in final.items():
            text = text.replace(escaped(word), escaped(instead))
        return text


def escaped(text: str) -> str:
    """The text so that roff shows it as it is."""
    plain = text.replace("\\", "\\e").replace("-", "\\-").replace("\u2026", "...")
    return re.sub(r"^([.'])", r"\\&\1", plain)


def styled(text: str) -> str:
    position, parts = 0, []
    for found in MARK.finditer(text):
        parts.append(escaped(text[position:found.start()]))
        bold, italic = found.groups()
        parts.append(f"\\fB{escaped(bold)}\\fR" if bold else f"\\fI{escaped(italic)}\\fR")
        position = found.end()
    return "".join([*parts, escaped(text[position:])])
