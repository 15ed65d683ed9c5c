"""Tests every command of README.md and docs/: it runs as it is written, or its page says why it cannot run here; then
at least its program and its options exist. CONTRIBUTING.md (Documentation) has the convention.

The pages of ORDINARY run each time, the others with HERD_LONG. All share one herd."""
import pathlib
import re
import tempfile
import urllib.request
from collections.abc import Iterator

import pytest
from docs_commands import (
    blocks,
    blocks_of,
    calls,
    calls_in_blocks,
    calls_in_prose,
    commands_outside_shell_blocks,
    has_placeholder,
    mistakes_of_call,
    mistakes_of_foreign,
    text_of,
)
from docs_runner import Runner, pattern_of_output, pattern_of_reply
from herd_ctl import arguments
from herd_fixture import LONG, REPOSITORY

TUTORIAL = "docs/TUTORIAL.md"
PAGES = ["README.md", "CONTRIBUTING.md",
         *sorted(f"docs/{path.name}" for path in (REPOSITORY / "docs").glob("*.md")),
         *sorted(path.relative_to(REPOSITORY).as_posix() for path in REPOSITORY.glob("clients/*/README.md"))]
# In this order: what a page shows depends on the clients that have reported. The tutorial stops the herd.
ORDINARY = ["docs/ASKING.md", "docs/HTTP.md", "README.md", TUTORIAL]
IN_ORDER = [*ORDINARY[:-1], *(page for page in PAGES if page not in ORDINARY), TUTORIAL]
# The clients that have reported before a page begins.
BEFORE = {"docs/ASKING.md": ["truck-8 +34.069000-118.444500 1795546391.250",
                             "bus-3 +34.071000-118.441000 1795546391.500",
                             "truck-7 +34.052200-118.243700 1795546391"],
          "docs/HTTP.md": ["kiwi +34.068930-118.445127 1795546398.988818653",
                           "truck-8 +34.069000-118.444500 1795546391.250"]}
# What makes the events that a page shows over HTTP: no line of the page has the whole report.
ENTERS = {"docs/HTTP.md": "truck-7 +34.066000-118.440000 1795546500"}
COMPARED = ("README.md", TUTORIAL)  # their output must be as shown, except for figures


@pytest.fixture(scope="module", name="runner")
def one_herd_for_all_pages() -> Iterator[Runner]:
    with tempfile.TemporaryDirectory(prefix="herd-docs-") as directory:
        runner = Runner(pathlib.Path(directory))
        yield runner
        runner.close()


def test_programs_and_options_exist() -> None:
    """Of the commands in blocks, and of those in the text: `scripts/herd near kiwi 10`."""
    wrong = [f"{page}: {mistake}" for page in PAGES for call in [*calls_in_blocks(page), *calls_in_prose(page)]
             for mistake in mistakes_of_call(*call)]
    wrong += [f"{block.place}: {mistake}" for page in PAGES for block in blocks(page)
              if block.is_commands and block.not_run for command in block.commands()
              for mistake in mistakes_of_foreign(command.text)]
    assert not wrong


@pytest.mark.parametrize("page", PAGES)
def test_scripts_herd_accepts_the_command_lines_of_a_page(page: str) -> None:
    for program, words in calls_in_blocks(page):
        if program == "scripts/herd" and not has_placeholder(words):
            arguments.parse(words)  # ends the test with its message if there is a mistake


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_a_page_are_in_blocks_that_are_run(page: str) -> None:
    found = commands_outside_shell_blocks(page, text_of(page))
    assert not found, "write such commands into a block of the language sh or console"


@pytest.mark.parametrize("page", IN_ORDER)
def test_the_commands_of_a_page_run_as_they_are_written(runner: Runner, page: str) -> None:
    to_run = [block for block in blocks(page) if block.is_commands and not block.not_run]
    if not to_run:
        return
    if page not in ORDINARY and not LONG:
        pytest.skip("runs with HERD_LONG")
    runner.begin(BEFORE.get(page, []))
    if page == TUTORIAL:
        for address in re.findall(r"<(http://127\.0\.0\.1:\d+/)>", text_of(page)):
            with urllib.request.urlopen(runner.here(address), timeout=10) as answer:
                assert answer.status == 200 and b"<title>" in answer.read()
    try:
        for block in to_run:
            runner.run_block(block, with_others=page in BEFORE, compares=page in COMPARED, enters=ENTERS.get(page))
    finally:
        runner.end_terminals()


def test_a_mistake_in_a_page_is_found() -> None:
    for text, mistake in (("scripts/herd neer kiwi 10", "scripts/herd has no command neer"),
                          ("./scripts/herd near kiwi 10 --maximum 3", "no option --maximum"),
                          ("`scripts/herd token new fleet --telll '*'`", "no option --telll"),
                          ("scripts/herdd up", "scripts/herdd does not exist"),
                          ("scripts/test --longer", "no option --longer")):
        [call] = calls(text)
        [found] = mistakes_of_call(*call)
        assert mistake in found, text
    for text in ("scripts/herd watch near -33.86+151.21 2 --once", "scripts/herd kill NODE", "scripts/test -R a"):
        assert not mistakes_of_call(*calls(text)[0])
    assert not calls("scripts/lib/herd_lab/network.py") and not calls("other/scripts/herd up")
    assert commands_outside_shell_blocks("p", "```\n$ ./scripts/herd up\n```\n\n    curl http://h/\n") == [
        "p:1: $ ./scripts/herd up", "p:     curl http://h/"]


def test_marks_belong_to_the_block_after_them() -> None:
    text = ("<!-- not run: needs root -->\n```sh\na\n```\n\n```sh\nb\n```\n<!-- not run: x -->\nWords.\n\n"
            "<!-- terminal: first -->\n```console\nPING\n$ c # d\nout\n```\n")
    first, second, third = blocks_of("p", text)
    assert (first.not_run, second.not_run, third.not_run) == ("needs root", None, None)
    assert (first.terminal, third.terminal, third.line) == (None, "first", 13)
    assert [(command.text, command.shown) for command in third.commands()] == [("", ["PING"]), ("c # d", ["out"])]


@pytest.mark.parametrize("shown, real, is_same", [
    ("AT Hill +0.347155985 kiwi +34.0-118.0 5", "AT Hill +36.000000001 kiwi +34.0-118.0 5", True),
    ("AT Hill +0.347155985 kiwi +34.0-118.0 5", "AT Smith +0.347155985 kiwi +34.0-118.0 5", False),
    ("AT Hill +0.347155985 kiwi +34.0-118.0 5", "AT Hill +0.347155985 kiwi +34.0-118.1 5", False),
    ("! t 2 ENTER 0.556 000 AT A +0.340000000 k +1+2 5", "! t 77 ENTER 0.556 000 AT A -0.000000001 k +1+2 5", True),
    ("! t 2 ENTER 0.556 000 AT A +0.340000000 k +1+2 5", "! t 2 LEAVE 0.556 000 AT A +0.340000000 k +1+2 5", False),
    ("! t 0 READY 1", "! t 0 READY 2", False),
    ("END 1", "END 2", False)])
def test_a_reply_may_differ_only_in_clocks_and_change_numbers(shown: str, real: str, is_same: bool) -> None:
    assert bool(re.fullmatch(pattern_of_reply(shown), real)) == is_same


@pytest.mark.parametrize("shown, real, is_same", [
    ("Hill  up  1  10s  12140  2/2  3ad19bde9b7f43b6", "Hill     up   13887   1m09s 13140 1/2  000000000000000f", True),
    ("Hill  up  1", "Hill  down  1", False),
    ("Stopped: Hill, Smith", "Stopped: Hill", False),
    ('data: {"client":"kiwi",…,"km":0.5}', 'data: {"client":"kiwi","node":"Hill","km":0.7}', True)])
def test_output_may_differ_only_in_figures_and_spaces(shown: str, real: str, is_same: bool) -> None:
    assert bool(re.fullmatch(pattern_of_output(shown), real)) == is_same
