"""Tests scripts/docs and its checks: what a site may not have is found, and the pages become what a reader expects. The
tests that build a site need mkdocs (scripts/deps --docs)."""
import importlib.util
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

import pytest

from docs_site import check
from docs_site.pages import Repository, anchors, mentions, nav_entries
from herd_fixture import LONG, REPOSITORY, Ports, wait_for

sys.path.insert(0, str(REPOSITORY / "tests/lint"))
import docs as lint  # noqa: E402

needs_mkdocs = pytest.mark.skipif(not importlib.util.find_spec("mkdocs"), reason="mkdocs is not installed")
only_long = pytest.mark.skipif(not LONG, reason="runs with HERD_LONG: each build takes a second or two of a core")


@pytest.fixture(name="tree")
def small_repository(tmp_path: pathlib.Path) -> pathlib.Path:
    """A repository with the scripts, and two pages and one decision of its own."""
    for name in ("scripts/docs", "scripts/deps", "scripts/lib/docs_site"):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, target)
        else:
            shutil.copy(REPOSITORY / name, target)
    head = (REPOSITORY / "mkdocs.yml").read_text().partition("\nnav:\n")[0]
    write(tmp_path, {"mkdocs.yml": head + "\nnav:\n  - Home: index.md\n  - Changes: project/CHANGELOG.md\n",
                     "docs/index.md": "# Home\n\nFor all: see docs/decisions/0001, CHANGELOG.md and docs/index.md.\n"
                                      "- one\n  - two\n  three\n\n  four\n\nfive\n",
                     "docs/decisions/index.md": "# Decisions\n\nFor developers.\n",
                     "docs/decisions/0001-one.md": "# 0001: One\n\nAs docs/index.md states.\n",
                     "CHANGELOG.md": "# Changes\n\nThe page docs/index.md is new, and `docs/index.md` is code.\n"})
    return tmp_path


def write(root: pathlib.Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def docs(tree: pathlib.Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tree / "scripts/docs", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120, check=False)


@needs_mkdocs
def test_a_site_is_built_with_links_and_without_other_hosts(tree: pathlib.Path) -> None:
    done = docs(tree)
    assert done.returncode == 0, done.stderr
    page = (tree / "build/docs/index.html").read_text()
    assert '<a href="decisions/0001-one.html">docs/decisions/0001</a>' in page
    assert '<a href="project/CHANGELOG.html">CHANGELOG.md</a>' in page
    changes = (tree / "build/docs/project/CHANGELOG.html").read_text()
    assert '<a href="../index.html">docs/index.md</a> is new' in changes and "<code>docs/index.md</code>" in changes
    shown = re.sub(r"\s+", "", page)
    assert "<ul><li><p>one</p><ul><li>twothree</li></ul><p>four</p></li></ul><p>five</p>" in shown
    assert "0001: One" in page  # the navigation has the decision


@needs_mkdocs
def test_a_missing_anchor_fails_the_build(tree: pathlib.Path) -> None:
    write(tree, {"docs/index.md": "# Home\n\n[one](decisions/0001-one.md#two)\n"})
    done = docs(tree)
    assert done.returncode == 1
    assert "index.html: a link leads to decisions/0001-one.html#two, but the page has no such anchor" in done.stderr
    assert done.stderr.endswith("scripts/docs: 1 mistakes in the site: see above\n")


@needs_mkdocs
@only_long
def test_a_missing_page_fails_the_build(tree: pathlib.Path) -> None:
    write(tree, {"docs/index.md": "# Home\n\n[one](TWO.md)\n"})
    done = docs(tree)
    assert done.returncode == 1 and "TWO.md" in done.stderr
    assert done.stderr.endswith("scripts/docs: mkdocs could not build the site: see above\n")


@needs_mkdocs
@only_long
def test_the_site_is_served_on_loopback_until_it_is_interrupted(tree: pathlib.Path, ports: Ports) -> None:
    port = ports.take()
    serving = subprocess.Popen([tree / "scripts/docs", "--serve", "--port", str(port)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, start_new_session=True)

    def answers() -> bool:
        assert serving.poll() is None, serving.communicate()
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", port)) == 0
    try:
        wait_for(answers, "it serves", 60)
    finally:
        os.killpg(serving.pid, signal.SIGINT)
        output, errors = serving.communicate(timeout=20)
    assert serving.returncode == 0, errors
    assert f"Serving http://127.0.0.1:{port}/ until Ctrl-C\n" in output and "Traceback" not in errors


def test_a_port_in_use_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = docs(REPOSITORY, "--serve", "--port", str(other.getsockname()[1]))
    assert done.returncode == 1
    assert re.fullmatch(r"scripts/docs: port \d+: Address already in use: choose another one with --port\n",
                        done.stderr)


def test_the_command_line() -> None:
    assert docs(REPOSITORY, "--help").stdout.startswith("usage: scripts/docs ")
    for words in (["--port", "0"], ["--port", "65536"], ["--port", "x"], ["--sever"], ["page"]):
        done = docs(REPOSITORY, *words)
        assert done.returncode == 2 and done.stderr.startswith("usage: scripts/docs "), words


@pytest.mark.parametrize("html, mistake", [
    ('<script src="https://cdn.example/a.js"></script>', "loads https://cdn.example/a.js from another host"),
    ('<link rel="stylesheet" href="//fonts.example/a.css">', "loads //fonts.example/a.css from another host"),
    ('<img src="http://host.example/a.png">', "loads http://host.example/a.png from another host"),
    ("<style>@import 'https://fonts.example/b.css';</style>", "loads https://fonts.example/b.css from another host"),
    ('<pre class="mermaid"></pre>', "a diagram for which the theme loads a script from another host"),
    ("<p>In two ways:\n- one\n  more</p>", "a list or a table that is shown as text: - one"),
    ("<p>| a | b |\n|---|---|</p>", "a list or a table that is shown as text: | a | b |"),
    ('<a href="missing.html">x</a>', "a link leads to missing.html, which does not exist"),
    ('<a href="#nowhere">x</a>', "a link leads to #nowhere, but the page has no such anchor"),
    ('<a href="../../outside.html">x</a>', "a link leads to ../../outside.html, which does not exist"),
    ('<img src="missing.png">', "a link leads to missing.png, which does not exist")])
def test_the_check_finds(tmp_path: pathlib.Path, html: str, mistake: str) -> None:
    write(tmp_path, {"page.html": html})
    assert check.findings(tmp_path)[0] == f"page.html: {mistake}"


def test_the_check_accepts_links_to_other_hosts_and_to_anchors(tmp_path: pathlib.Path) -> None:
    write(tmp_path, {"a/page.html": '<a href="https://other.example/">x</a><a href="../b.html#here">x</a>'
                                    '<img src="data:image/png;base64,AA==">', "b.html": '<h2 id="here">x</h2>'})
    assert check.findings(tmp_path) == []
    write(tmp_path, {"main.css": "a { background: url(https://cdn.example/a.png) }"})
    assert check.findings(tmp_path) == ["main.css: a style sheet loads https://cdn.example/a.png from another host"]


def test_pages_without_navigation_or_opening_are_found() -> None:
    text = "site_name: x\nnav:\n  - Home: index.md\n  - Guides:\n      - A: A.md\n      - A again: A.md\n"
    entries = nav_entries(text)
    assert entries == ["index.md", "A.md", "A.md"]
    found = lint.of_navigation(["docs/index.md", "docs/A.md", "docs/B.md", "docs/decisions/0001-a.md",
                                "docs/decisions/notes.md", "clients/rust/README.md"], entries)
    assert [line.partition(": ")[0] for line in found] == ["mkdocs.yml", "docs/B.md", "docs/decisions/notes.md",
                                                           "clients/rust/README.md"]
    assert "add `- Title: B.md` to mkdocs.yml" in found[1]
    assert lint.of_opening("docs/B.md", "# B\n\nThis page …\n") and not lint.of_opening("docs/B.md", "# B\n\nFor all\n")


def test_mentions_and_links_that_lead_nowhere_are_found(tmp_path: pathlib.Path) -> None:
    write(tmp_path, {"docs/A.md": "# A\n\n## Part `x` two\n\n**3. Rule.** Words.\n",
                     "docs/B.md": "# B\n\nSee docs/A.md, \"Part x two\", docs/A.md, \"3. Rule\", docs/A.md,\n\"Part 9\""
                                  " and docs/C.md.\n`docs/D.md` <!-- docs/E.md -->\n\n    docs/F.md\n\ndocs/H.md\n"
                                  "```\ndocs/G.md\n"
                                  "```\n\n[a](A.md#part-x-two) [b](A.md#part) [c](C.md) [d](#b) [e](https://e/#x)\n"})
    repository = Repository(tmp_path)
    assert list(repository.wrong_mentions("docs/B.md")) == [
        "docs/B.md: mentions the section 'Part 9' of docs/A.md, which has no such heading",
        "docs/B.md: mentions docs/C.md, which does not exist", "docs/B.md: mentions docs/H.md, which does not exist"]
    assert list(repository.broken_links("docs/B.md")) == [
        "docs/B.md: a link leads to #part of docs/A.md, which has no such heading",
        "docs/B.md: a link leads to docs/C.md, which does not exist"]


def test_anchors_are_those_of_mkdocs() -> None:
    assert anchors("# A\n\n## /status.json\n## Don't, `x-y`\n## A\n```\n# no\n```\n") == {
        "a", "statusjson", "dont-x-y", "a_1"}
    assert [mention.path for mention in mentions("x/docs/A.md docs/A.mdx docs/decisions/0001 (docs/A.md, Part)")] == [
        "docs/decisions/0001", "docs/A.md"]
