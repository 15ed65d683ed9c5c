"""Reads the Markdown of the repository: headings, links, and mentions of pages, such as docs/HOSTS.md in a sentence.
Paths of the repository have forward slashes and are relative to its root. Needs no mkdocs."""
from __future__ import annotations

import pathlib
import posixpath
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

# Pages at the top of the repository. The site has them as project/NAME.md, because docs/ has a SECURITY.md of its own.
TOP_PAGES = ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
DECISIONS = "docs/decisions"

# Code, comments and links, in which no mention is looked for. Code in backquotes may continue on the next line, but not
# beyond its paragraph.
_OPAQUE = r"^ {4}[^\n]*$|<!--.*?-->|`(?:[^`\n]|\n(?!\n))*`|!?\[[^\]]*\]\([^)]*\)"
_MENTION = (r"(?<![\w./-])(?P<path>docs/[\w/-]+\.(?:md|json)(?!\w)|docs/decisions/(?:\d{4}(?![\w-]))?"
            r"|(?:CONTRIBUTING|CHANGELOG|SECURITY)\.md|clients/[\w-]+/README\.md)"
            r"(?:,\s\"(?P<section>[^\"\n]+)\"|,\s(?P<bare>[A-Z][^,.;:()\"\n]*)(?=\)))?")
TEXT = re.compile(f"(?P<opaque>{_OPAQUE})|{_MENTION}", re.M | re.S)
LINK = re.compile(r"(?P<text>!?\[[^\]]*\])\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.*?) *#*$")
_NAV_ENTRY = re.compile(r"^ *- (?:[^:]+: )?([\w/.-]+\.md)$", re.M)


@dataclass(frozen=True)
class Mention:
    path: str            # as it is written
    section: str | None  # the heading that follows it, as in: docs/HOSTS.md, "Change it"
    is_quoted: bool      # a section in quotes must exist; without them it may be any words


def without_fences(text: str) -> str:
    """The text with every line of a fenced block empty, so that line numbers stay."""
    lines, fence = [], ""
    for line in text.splitlines():
        mark = re.match(r" *(```+|~~~+)", line)
        if fence:
            lines.append("")
            if mark and mark[1].startswith(fence):
                fence = ""
        elif mark:
            fence = mark[1]
            lines.append("")
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def slug(heading: str) -> str:
    """The anchor of a heading, as mkdocs makes it."""
    plain = re.sub(r"[`*]|\]\([^)]*\)|\[", "", heading)
    ascii_only = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", ascii_only).strip().lower())


def anchors(text: str) -> set[str]:
    """The anchors of all headings. A heading that occurs again has _1, _2 and so on after its anchor."""
    found: set[str] = set()
    for line in without_fences(text).splitlines():
        heading = _HEADING.match(line)
        if heading:
            name = base = slug(heading[1])
            number = 0
            while name in found:
                number += 1
                name = f"{base}_{number}"
            found.add(name)
    return found


def mentions(text: str) -> Iterator[Mention]:
    for match in TEXT.finditer(without_fences(text)):
        if not match["opaque"]:
            yield Mention(match["path"], match["section"] or match["bare"], match["section"] is not None)


def nav_entries(mkdocs_yml: str) -> list[str]:
    """The pages of the navigation, in its order."""
    return _NAV_ENTRY.findall(mkdocs_yml.partition("\nnav:\n")[2])


class Repository:
    """The pages of one checkout."""

    def __init__(self, root: pathlib.Path):
        self.root = root

    def text(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    def decisions(self) -> list[str]:
        """docs/decisions/NNNN-name.md, in the order of their numbers."""
        return sorted(f"{DECISIONS}/{file.name}" for file in (self.root / DECISIONS).glob("[0-9]*.md"))

    def outside(self) -> dict[str, str]:
        """The pages outside docs/: path in the repository → path in the site."""
        found = {name: f"project/{name}" for name in TOP_PAGES if (self.root / name).is_file()}
        for file in sorted(self.root.glob("clients/*/README.md")):
            path = file.relative_to(self.root).as_posix()
            found[path] = path
        return found

    def resolve(self, mention: str) -> str | None:
        """The file of a mention; None if there is none. A decision may be mentioned by its number only."""
        if mention.rstrip("/") == DECISIONS:
            mention = f"{DECISIONS}/index.md"
        numbered = re.fullmatch(rf"{DECISIONS}/\d{{4}}", mention)
        if numbered:
            return next((path for path in self.decisions() if path.startswith(mention + "-")), None)
        return mention if (self.root / mention).is_file() else None

    def site_path(self, path: str) -> str | None:
        """Where the site has this file; None if it does not have it."""
        if path.startswith("docs/") and (self.root / path).is_file():
            return path.removeprefix("docs/")
        return self.outside().get(path)

    def section_anchor(self, path: str, section: str) -> str | None:
        """The anchor of the section of that name, None if the page has none."""
        name = slug(section)
        return name if name in anchors(self.text(path)) else None

    def broken_links(self, path: str) -> Iterator[str]:
        """Describes each relative link of the page that leads nowhere."""
        for match in LINK.finditer(re.sub(r"`[^`\n]*`", "", without_fences(self.text(path)))):
            target, _, anchor = match["target"].partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            file = posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) if target else path
            if not (self.root / file).exists():
                yield f"{path}: a link leads to {file}, which does not exist"
            elif anchor and anchor not in anchors(self.text(file)):
                yield f"{path}: a link leads to #{anchor} of {file}, which has no such heading"

    def wrong_mentions(self, path: str) -> Iterator[str]:
        """Describes each mention of a page or of its section that does not exist."""
        for mention in mentions(self.text(path)):
            file = self.resolve(mention.path)
            if not file:
                yield f"{path}: mentions {mention.path}, which does not exist"
            elif mention.is_quoted and file.endswith(".md") and not self.section_anchor(file, mention.section or ""):
                # A paragraph that begins with bold words, such as a rule of docs/PROTOCOL.md, counts as a section.
                if f"**{mention.section}.**" not in self.text(file):
                    yield (f"{path}: mentions the section {mention.section!r} of {mention.path}, which has no"
                           " such heading")
