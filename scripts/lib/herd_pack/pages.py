"""The manual pages and the completion of an installed herd, from the same texts as `--help`."""
from __future__ import annotations

import argparse
import pathlib
import re
import subprocess
import sys

from herd_ctl import arguments, installation
from herd_sink import settings

from . import completion
from .roff import Page

TOP = "herd"
STATUSES = [("0", "success"), ("1", "the command failed, and one line says why"),
            ("2", "wrong usage, or a mistake in the configuration")]


def main() -> int:
    """Arguments: the output of herd_pack, the program herd-node, the prefix, and the path of the configuration."""
    output, program, prefix, configuration = sys.argv[-4:]
    final = {installation.SHOWN_CONFIGURATION: configuration, "DOCUMENTS": f"{prefix}/share/doc/herd/"}
    version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]
    parser = arguments.parser()
    commands = commands_of(parser)
    manual = pathlib.Path(output) / "prefix/share/man/man1"
    manual.mkdir(parents=True)
    pages = [top_page(parser, commands), node_page(program), sink_page(settings.parser())]
    pages += [command_page(name, command) for name, command in commands.items() if name != "help"]
    for page in pages:
        text = page.text(version, final)
        (manual / f"{page.name}.1").write_text(text, encoding="utf-8")
    folder = pathlib.Path(output) / "prefix/share/bash-completion/completions"
    folder.mkdir(parents=True)
    (folder / TOP).write_text(completion.script(commands, configuration), encoding="utf-8")
    return 0


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of the commands, by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def top_page(parser: argparse.ArgumentParser, commands: dict[str, argparse.ArgumentParser]) -> Page:
    page = Page(TOP, "run and inspect a herd of nodes")
    page.section("SYNOPSIS", "**herd** [**--config** //FILE//] //COMMAND// [//ARGUMENT// ...]")
    page.section("DESCRIPTION", f"{parser.description} Each command has a page of its own, for example herd-up(1).")
    page.items("COMMANDS", [(f"**{name}**", command.description or "") for name, command in commands.items()])
    page.items("OPTIONS", options_of(parser))
    add_end(page, [f"herd-{name}(1)" for name in commands if name != "help"] + ["herd-node(1)"])
    return page


def command_page(name: str, command: argparse.ArgumentParser) -> Page:
    page = Page(f"herd-{name}", summary_of(command.description or ""))
    page.section("SYNOPSIS", synopsis_of(command, f"**herd {name}**"))
    page.section("DESCRIPTION", sentence(command.description or ""))
    actions = commands_of(command)
    if actions:
        page.items("ACTIONS", [(synopsis_of(action, f"**{word}**"), action.description or "")
                               for word, action in actions.items()])
    page.items("ARGUMENTS", arguments_of(command))
    page.items("OPTIONS", options_of(command))
    for word, action in actions.items():
        page.items(f"ARGUMENTS AND OPTIONS OF {word.upper()}", arguments_of(action) + options_of(action))
    add_end(page, ["herd(1)", "herd-node(1)"])
    return page


def add_end(page: Page, others: list[str]) -> None:
    page.items("EXIT STATUS", STATUSES)
    page.items("FILES", [(f"//{installation.SHOWN_CONFIGURATION}//", "the configuration"),
                         ("//DOCUMENTS//", "guides, and an example of the configuration")])
    page.section("SEE ALSO", ", ".join(others))


def node_page(program: str) -> Page:
    """From the text of `herd-node --help`."""
    shown = subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout
    about, _, rest = shown.partition("\nUsage: ")
    usage, _, options = rest.partition("\n")
    page = Page("herd-node", "run one node of a herd")
    page.section("SYNOPSIS", f"**herd-node**{usage.removeprefix('herd-node')}")
    page.section("DESCRIPTION", about.strip() + " An operator uses herd(1), which starts all nodes of a host.")
    found = re.findall(r"^  (\S[^\n]*?)(?:\n {10,}| {2,})(\S[^\n]*)$", options, re.M)
    page.items("OPTIONS", [(f"**{name.strip()}**", text) for name, text in found])
    page.items("EXIT STATUS", [("0", "a clean stop"), *STATUSES[1:]])
    page.section("SEE ALSO", "herd(1)")
    return page


def sink_page(parser: argparse.ArgumentParser) -> Page:
    page = Page("herd-sink", "write the changes of a herd to PostgreSQL, or as lines of JSON")
    page.section("SYNOPSIS", synopsis_of(parser, "**herd-sink**"))
    page.section("DESCRIPTION", f"{sentence(parser.description or '')} {sentence(parser.epilog or '')}")
    page.items("ARGUMENTS", arguments_of(parser))
    page.items("OPTIONS", options_of(parser))
    add_end(page, ["herd(1)", "herd-node(1)"])
    return page


def synopsis_of(parser: argparse.ArgumentParser, start: str) -> str:
    usage = " ".join(parser.format_usage().split())
    words = usage.removeprefix("usage: ").removeprefix(parser.prog).strip()
    return f"{start} {words}"


def arguments_of(parser: argparse.ArgumentParser) -> list[tuple[str, str]]:
    return [(f"//{action.metavar or action.dest}//", help_of(action)) for action in parser._actions
            if not action.option_strings and not isinstance(action, argparse._SubParsersAction)]


def options_of(parser: argparse.ArgumentParser) -> list[tuple[str, str]]:
    found = []
    for action in parser._actions:
        if action.option_strings:
            value = ""
            if action.nargs != 0:
                value = f" //{action.metavar or '|'.join(map(str, action.choices or [])) or action.dest.upper()}//"
            names = ", ".join(f"**{option}**" for option in action.option_strings)
            found.append((names + value, help_of(action)))
    return found


def help_of(action: argparse.Action) -> str:
    return sentence((action.help or "") % {"default": action.default, "prog": TOP})


def summary_of(description: str) -> str:
    """The first part of a description, for the line of names."""
    return re.split(r"[:;]| \(", description)[0].strip()


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") or not text else ".")
