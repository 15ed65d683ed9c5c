"""Commands in the docs: finds the fenced blocks of a page and the commands in them. CONTRIBUTING.md (Documentation) has
the convention. test_docs_commands.py runs them, with docs_runner.py."""
from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import re
import shlex
import shutil
import subprocess

from herd_ctl import arguments
from herd_fixture import REPOSITORY

NOT_RUN = "not run"
TERMINAL = "terminal"
_MARK = re.compile(rf"<!-- ({NOT_RUN}|{TERMINAL}): (\S.*?) -->$")
_SHELLS = ("sh", "console")
# A program of the repository, with its operands up to the end of the command.
_PROGRAM = re.compile(r"(?:^|[\s(`'\"])(?:\./)?(scripts/(?:lib/)?[a-z-]+)(?![\w./*])"
                      r"((?:[ \t]+(?!#)(?:'[^'\n]*'|\"[^\"\n]*\"|[^\s|;&<>`'\")]+))*)")
# How programs of others print their options.
FOREIGN_HELP = {"cmake": ["cmake", "--help"], "cmake --build": ["cmake", "--build"], "curl": ["curl", "--help", "all"],
                "openssl s_client": ["openssl", "s_client", "-help"]}
# Words of a command that the reader replaces: CLIENT, FILE, <id>, …
_PLACEHOLDER = re.compile(r"…|<|^-*[A-Z][A-Z,-]*$")


@dataclasses.dataclass
class Command:
    text: str          # without the prompt
    shown: list[str]   # the lines after it, which are its output or its dialogue


@dataclasses.dataclass
class Block:
    page: str
    line: int               # of its first fence
    language: str
    lines: list[str]
    not_run: str | None     # the reason, if it is marked so
    terminal: str | None    # the terminal in which it runs, if it is marked so

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_commands(self) -> bool:
        return self.language in _SHELLS

    def commands(self) -> list[Command]:
        """Of `sh` one command, the whole block; of `console` one for each prompt. A console block of a terminal may
        begin without a prompt: then its first command is empty, and its lines continue what runs there."""
        if self.language == "sh":
            return [Command("\n".join(self.lines), [])]
        found = [] if self.lines and self.lines[0].startswith("$ ") else [Command("", [])]
        for line in self.lines:
            if line.startswith("$ "):
                found.append(Command(line[2:], []))
            else:
                found[-1].shown.append(line)
        return found


def text_of(page: str) -> str:
    return (REPOSITORY / page).read_text(encoding="utf-8")


def blocks(page: str) -> list[Block]:
    return blocks_of(page, text_of(page))


def blocks_of(page: str, text: str) -> list[Block]:
    """The fenced blocks of a page, in its order."""
    found: list[Block] = []
    marks: dict[str, str] = {}
    current: Block | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if current is not None:
            if line == "```":
                found.append(current)
                current, marks = None, {}
            else:
                current.lines.append(line)
        elif line.startswith("```"):
            current = Block(page, number, line[3:].strip(), [], marks.get(NOT_RUN), marks.get(TERMINAL))
        elif mark := _MARK.match(line):
            marks[mark[1]] = mark[2]
        elif line:
            marks = {}
    assert current is None, f"{page}: a fenced block without an end"
    return found


def commands_outside_shell_blocks(page: str, text: str) -> list[str]:
    """Lines that look like commands in blocks of another language, or in indented blocks: no test would run them."""
    suspicious = re.compile(r" *(\$ |(\./)?scripts/\w|curl |telnet |ssh |openssl )")
    found = [f"{block.place}: {line}" for block in blocks_of(page, text) if not block.is_commands
             for line in block.lines if suspicious.match(line)]
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    return found + [f"{page}: {line}" for line in prose.splitlines()
                    if line.startswith("    ") and suspicious.match(line)]


def calls_in_blocks(page: str) -> list[tuple[str, list[str]]]:
    return [call for block in blocks(page) if block.is_commands for command in block.commands()
            for call in calls(command.text)]


def calls(text: str) -> list[tuple[str, list[str]]]:
    """(program, words) of each call of a program of the repository: ("scripts/herd", ["near", "kiwi", "10"])."""
    return [(match[1], shlex.split(match[2])) for match in _PROGRAM.finditer(text)]


def calls_in_prose(page: str) -> list[tuple[str, list[str]]]:
    """The calls in `code` outside fenced blocks."""
    prose = re.sub(r"^```.*?^```$", "", text_of(page), flags=re.M | re.S)
    return [call for code in re.findall(r"`([^`]+)`", prose) for call in calls(code.replace("\n", " "))]


@functools.cache
def help_of_herd(*words: str) -> str:
    """What `scripts/herd COMMAND --help` prints, without a process."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
        arguments.parse([*words, "--help"])
    return output.getvalue()


@functools.cache
def help_of(program: str) -> str:
    done = subprocess.run([REPOSITORY / program, "--help"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=30, check=False)
    assert done.returncode == 0, f"{program} --help: {done.stderr}"
    return done.stdout


def mistakes_of_call(program: str, words: list[str]) -> list[str]:
    """What is wrong with a call: an unknown program, command or option. Operands are not judged."""
    if not (REPOSITORY / program).is_file():
        return [f"{program} does not exist"]
    text = help_of(program) if program != "scripts/herd" else help_of_herd()
    rest = words
    if program == "scripts/herd":
        plain = [word for word in words if not word.startswith("-")]
        if plain and not _PLACEHOLDER.search(plain[0]):
            if plain[0] not in arguments.COMMANDS:
                return [f"scripts/herd has no command {plain[0]}"]
            of = [plain[0]]
            if plain[0] == "token" and len(plain) > 1:
                of.append(plain[1])
            text = help_of_herd(*of) if plain[0] != "help" else text
            rest = [word for word in words if word not in of]
    options = [word.partition("=")[0].rstrip(".,…") for word in rest if re.match(r"--?[a-zA-Z]", word)]
    return [f"{program} {' '.join(words)}: no option {option}" for option in options
            if not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text)]


def mistakes_of_foreign(text: str) -> list[str]:
    """What is wrong with the calls of programs that are not of the repository, as far as these are installed."""
    found = []
    for line in text.splitlines():
        name = max((name for name in FOREIGN_HELP if line.startswith(name + " ")), key=len, default="")
        if name and shutil.which(name.split()[0]):
            done = subprocess.run(FOREIGN_HELP[name], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=30, check=False)
            options = [word for word in shlex.split(line, comments=True) if re.match(r"--?[a-zA-Z]", word)]
            found += [f"{line}: no option {option}" for option in options
                      if not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", done.stdout + done.stderr)]
    return found


def has_placeholder(words: list[str]) -> bool:
    return any(_PLACEHOLDER.search(word) for word in words)
