"""Checks a built site: each link, image and anchor within it exists, and no page loads anything from another host."""
from __future__ import annotations

import html.parser
import pathlib
import posixpath
import re
import urllib.parse
from dataclasses import dataclass, field

LOADED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "audio": "src",
          "video": "src", "embed": "src", "object": "data", "form": "action"}
_MARK_IN_TEXT = re.compile(r"^ *(?:[-*] |\d+\. |\|).{0,40}", re.M)
_CSS_URL = re.compile(r"url\(\s*['\"]?((?:https?:)?//[^)'\"\s]+)|@import\s+['\"]((?:https?:)?//[^'\"]+)")


@dataclass
class Page(html.parser.HTMLParser):
    """What one HTML file contains: its anchors, its links, and what a browser loads for it."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    has_mermaid: bool = False  # the theme would load a script from another host for it
    marks: list[str] = field(default_factory=list)  # lines of paragraphs that look like items of a list or a table
    is_paragraph: bool = False
    is_bold: bool = False

    @classmethod
    def read(cls, text: str) -> Page:
        page = cls()
        html.parser.HTMLParser.__init__(page)
        page.feed(text)
        page.loads += [first or second for first, second in _CSS_URL.findall(text)]
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = {name: value or "" for name, value in attrs}
        self.ids |= {of[name] for name in ("id", "name") if name in of}
        self.is_paragraph = self.is_paragraph or tag == "p"
        self.is_bold = self.is_bold or tag == "strong"
        if "mermaid" in of.get("class", "").split():
            self.has_mermaid = True
        if tag == "a" and "href" in of:
            self.links.append(of["href"])
        elif LOADED.get(tag, "") in of and of.get("rel") not in ("canonical", "prev", "next"):
            self.loads.append(of[LOADED[tag]])

    def handle_endtag(self, tag: str) -> None:
        self.is_paragraph = self.is_paragraph and tag != "p"
        self.is_bold = self.is_bold and tag != "strong"

    def handle_data(self, data: str) -> None:
        if self.is_paragraph and not self.is_bold:
            self.marks += _MARK_IN_TEXT.findall(data)


def is_external(target: str) -> bool:
    parts = urllib.parse.urlsplit(target)
    return bool(parts.netloc) or parts.scheme not in ("", "data")


def findings(site: pathlib.Path) -> list[str]:
    """A line for each mistake in the site; none if it is right."""
    pages = {file.relative_to(site).as_posix(): Page.read(file.read_text(encoding="utf-8"))
             for file in sorted(site.rglob("*.html"))}
    found = [f"{name}: a style sheet loads {first or second} from another host"
             for name, text in ((file.relative_to(site).as_posix(), file.read_text(encoding="utf-8"))
                                for file in sorted(site.rglob("*.css")))
             for first, second in _CSS_URL.findall(text)]
    for name, page in pages.items():
        found += [f"{name}: loads {target} from another host" for target in page.loads if is_external(target)]
        found += [f"{name}: a list or a table that is shown as text: {mark}" for mark in page.marks]
        if page.has_mermaid:
            found.append(f"{name}: a diagram for which the theme loads a script from another host")
        if name == "404.html":  # its paths begin at the root of the server
            continue
        found += [wrong for target in {*page.links, *page.loads} if not is_external(target)
                  for wrong in [_wrong_target(site, pages, name, target)] if wrong]
    return sorted(found)


def _wrong_target(site: pathlib.Path, pages: dict[str, Page], name: str, target: str) -> str | None:
    parts = urllib.parse.urlsplit(target)
    if parts.scheme == "data":
        return None
    path = urllib.parse.unquote(parts.path)
    file = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
    if file.startswith("..") or not (site / file).exists():
        return f"{name}: a link leads to {target}, which does not exist"
    if (site / file).is_dir():
        file = posixpath.normpath(posixpath.join(file, "index.html"))
    anchor = urllib.parse.unquote(parts.fragment)
    if anchor and not anchor.startswith("__") and file in pages and anchor not in pages[file].ids:
        return f"{name}: a link leads to {target}, but the page has no such anchor"
    return None
