"""Hooks of mkdocs (mkdocs.yml names this file). They add the decisions to the navigation, add pages outside docs/, and
make links of mentions such as docs/HOSTS.md, so that the sources read well as plain text too."""
from __future__ import annotations

import pathlib
import posixpath
import re
import sys
from typing import Any

from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "scripts/lib"))  # mkdocs loads this file by its path

from docs_site.pages import LINK, TEXT, Repository  # noqa: E402

REPOSITORY = Repository(ROOT)
_ITEM = re.compile(r"( *)(?:[-*]|\d+\.) +\S")


def on_config(config: Any) -> Any:
    pages = [path.removeprefix("docs/") for path in REPOSITORY.decisions()]
    config["nav"].append({"Decisions": ["decisions/index.md", *pages]})
    return config


def on_files(files: Any, config: Any) -> Any:
    for path, site_path in REPOSITORY.outside().items():
        file = File(site_path, str(ROOT), config["site_dir"], config["use_directory_urls"])
        file.abs_src_path = str(ROOT / path)
        files.append(file)
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    source = pathlib.Path(page.file.abs_src_path).relative_to(ROOT).as_posix()
    return linked(spaced(markdown), source, page.file.src_path)


def spaced(markdown: str) -> str:
    """mkdocs needs an empty line before a list, and four spaces before what is nested in an item. Code hosts and the
    sources need neither."""
    lines: list[str] = []
    is_fenced = is_list = False
    for line in markdown.splitlines():
        before = lines[-1] if lines else ""
        item = _ITEM.match(line)
        if line.lstrip().startswith("```"):
            is_fenced = not is_fenced
        elif not is_fenced:
            if not line.startswith(" ") and line and not item and not before:
                is_list = False  # a new paragraph outside the list
            if item and not is_list and before and not item[1]:
                lines.append("")
            is_list = is_list or bool(item)
            if is_list and re.match(r" {2,3}\S", line) and (item or not before):
                line = "    " + line.lstrip()
        lines.append(line)
    return "\n".join(lines) + "\n"


def linked(markdown: str, source: str, site_path: str) -> str:
    """The Markdown of the file `source` with links that are right in the site, where it is at `site_path`."""
    parts = re.split(r"(^ *(?:```|~~~).*?^ *(?:```|~~~) *$)", markdown, flags=re.M | re.S)
    return "".join(part if index % 2 else _linked_text(part, source, site_path) for index, part in enumerate(parts))


def _linked_text(text: str, source: str, site_path: str) -> str:
    folder = posixpath.dirname(site_path)

    def of_mention(match: re.Match[str]) -> str:
        if match["opaque"]:
            return LINK.sub(of_link, match[0]) if match[0].startswith(("[", "!")) else match[0]
        file = REPOSITORY.resolve(match["path"])
        target = REPOSITORY.site_path(file) if file else None
        if not file or not target or target == site_path:
            return match[0]
        section = match["section"] or match["bare"]
        anchor = REPOSITORY.section_anchor(file, section) if section and file.endswith(".md") else None
        shown = match[0] if anchor else match["path"]
        rest = match[0].removeprefix(shown)
        return f"[{shown}]({posixpath.relpath(target, folder or '.')}{'#' + anchor if anchor else ''}){rest}"

    def of_link(match: re.Match[str]) -> str:
        target, mark, anchor = match["target"].partition("#")
        if not target or re.match(r"[a-z]+:", target):
            return match[0]
        file = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        found = REPOSITORY.site_path(file)
        if found:
            return f"{match['text']}({posixpath.relpath(found, folder or '.')}{mark}{anchor})"
        return match[0] if not (ROOT / file).exists() else match["text"].lstrip("!")[1:-1]  # a file outside the site

    return TEXT.sub(of_mention, text)
