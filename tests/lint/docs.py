#!/usr/bin/env python3
"""Fails on mistakes in the docs that mkdocs does not find: a page in no navigation entry, a page that does not begin by
saying for which readers it is, a link or an anchor that leads nowhere, and a mention of a page or section that does not
exist, in any text of the tree. scripts/docs checks the built site."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/lib"))

from docs_site.pages import DECISIONS, TOP_PAGES, Repository, nav_entries  # noqa: E402

TEXT = re.compile(r"\.(md|cpp|hpp|py|sh|js|html|toml|yml|txt)$|^scripts/[a-z-]+$")
# Data, texts of others, and these modules, which have examples of mentions.
EXEMPT = re.compile(r"^(tests/fuzz/corpus/|tests/compat/|node/places/data/|node/http/page/vendor/"
                    r"|scripts/lib/docs_site/|tests/lint/docs\.py$|tests/system/test_docs_site\.py$)")
OPENING = re.compile(r"# [^\n]+\n\nFor [a-z]")


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def of_navigation(pages: list[str], entries: list[str]) -> list[str]:
    """Mistakes of mkdocs.yml. `pages` are those of docs/ and clients/, relative to the root."""
    found = [f"mkdocs.yml: {entry} is in the navigation {entries.count(entry)} times"
             for entry in sorted(set(entries)) if entries.count(entry) > 1]
    for page in pages:
        if page.startswith(DECISIONS + "/"):
            if not re.fullmatch(rf"{DECISIONS}/(index|\d{{4}}-[a-z0-9-]+)\.md", page):
                found.append(f"{page}: name it NNNN-name.md, so that the navigation has it")
        elif page.removeprefix("docs/") not in entries:
            found.append(f"{page}: not in the navigation: add `- Title: {page.removeprefix('docs/')}` to mkdocs.yml")
    return found


def of_opening(page: str, text: str) -> list[str]:
    if page.startswith(DECISIONS + "/0") or OPENING.match(text):
        return []
    return [f"{page}: after the title, begin with a sentence that says for which readers it is: For operators: …"]


def main() -> int:
    repository = Repository(ROOT)
    names = tracked()
    pages = [name for name in names if re.match(r"docs/.*\.md$|clients/[^/]+/README\.md$", name)]
    found = of_navigation(pages, nav_entries(repository.text("mkdocs.yml")))
    for page in pages:
        if page.startswith("docs/"):
            found += of_opening(page, repository.text(page))
    for page in [*pages, "README.md", *TOP_PAGES]:
        found += repository.broken_links(page)
    for name in names:
        if TEXT.search(name) and not EXEMPT.search(name):
            found += repository.wrong_mentions(name)
    print("\n".join(found) if found else f"docs: {len(pages)} pages, no findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
