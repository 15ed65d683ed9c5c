"""Runs the commands of the docs against one herd, as a reader would: test_docs_commands.py. Ports, configuration and
home directory are those of the test; everything else is as the page has it."""
from __future__ import annotations

import os
import pathlib
import re
import signal
import subprocess
import threading
import time

from docs_commands import Block, Command
from herd_control import Control
from herd_ctl.graphs import FIVE
from herd_fixture import REPOSITORY, Herd, Node, wait_for
from talk import now

SECONDS = 30  # the longest wait for a command or a line
# Commands that go on until Ctrl-C.
ENDLESS = re.compile(r"scripts/herd (watch (?!.*--once)|tap|demo(?!.*--seconds)|top(?!.*--once)|logs .*-f)"
                     r"|curl -N |-m zmq\.log ")
# A line that a reader types into telnet, not an answer.
_TYPED = re.compile(r"(IAMAT|WHATSAT|WHEREIS|NEAR|WITHIN|COUNT (NEAR|WITHIN)|WATCH|UNWATCH) "
                    r"|(HELP|INFO|PING|QUIT|WHY)$")
_EVENT = re.compile(r"! \S+ \d+ (?:ENTER|MOVE|LEAVE) .*AT (\S+) \S+ (\S+ \S+ \S+)$")
_GREETING = ("Trying ", "Connected to ", "Escape character ")
_LEAVING = ("^]", "telnet> ", "Connection closed")


def in_the_past(text: str) -> str:
    """The times of the pages are of 2026. A node refuses a time that is in the future by its clock."""
    return text.replace("1795", "1595")


def pattern_of_reply(line: str) -> str:
    """A reply to a client as shown, with any difference of clocks, change number and feed."""
    words = line.split(" ")
    for index, word in enumerate(words):
        is_number = index == 2 and words[0] == "!" and (word != "0" or words[3] == "READY")
        is_difference = index >= 2 and words[index - 2] == "AT" and re.fullmatch(r"[+-]\d+\.\d{9}", word)
        if is_number or is_difference or re.fullmatch(r"[0-9a-f]{16}", word):
            words[index] = r"\S+"
        else:
            words[index] = re.escape(word)
    return " ".join(words)


def pattern_of_output(line: str) -> str:
    """A line of output as shown, with any figures, any spaces between the columns, and any text for `…`."""
    parts = re.split(r"([0-9a-f]{16}|\d[\d.]*(?:m\d+s|h\d+m|d\d+h)?| +|…)", line)
    return "".join(re.escape(part) if index % 2 == 0 else " +" if part.startswith(" ") else
                   ".*" if part == "…" else r"[0-9a-fmshd./]+" for index, part in enumerate(parts))


class Terminal:
    """A program that goes on while other commands run: telnet, or one that ends with Ctrl-C."""

    def __init__(self, words: list[str] | str, environment: dict[str, str], cwd: pathlib.Path):
        # telnet writes that a connection has ended to standard error, curl how fast it is.
        errors = subprocess.STDOUT if isinstance(words, list) else subprocess.DEVNULL
        self.process = subprocess.Popen(words, shell=isinstance(words, str), cwd=cwd, env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                                        start_new_session=True, errors="replace")
        self.lines: list[str] = []
        self.read = 0  # the lines that a wait has consumed
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def _collect(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\r\n"))

    def type(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def expect(self, pattern: str, what: str) -> str:
        """Waits for a line that matches, after those of the waits before."""
        def found() -> str | None:
            for index in range(self.read, len(self.lines)):
                if re.fullmatch(pattern, self.lines[index]):
                    self.read = index + 1
                    return self.lines[index]
            return None
        return wait_for(found, lambda: f"the line {what!r} after {[line[:200] for line in self.lines[-20:]]}", SECONDS)

    def close(self) -> None:
        """As Ctrl-C does."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
            if self.process.stdin:
                self.process.stdin.close()
            try:
                self.process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self._thread.join(SECONDS)


class Runner:
    """One herd with the names of conf/herd.toml, and the terminals of the page that is being read."""

    def __init__(self, directory: pathlib.Path):
        self.herd = Herd.for_test(FIVE)
        # As in conf/herd.toml; `up` makes the keys.
        self.herd.settings = {"places": {"providers": ["google", "embedded"]}, "bus": {"curve": True}}
        self.herd.write_config()
        self.control = Control(self.herd)
        self.directory = directory
        self.terminals: dict[str, Terminal] = {}
        for name in ("scripts", "conf", "docs"):
            (directory / name).symlink_to(REPOSITORY / name)
        (directory / "other.toml").symlink_to(self.herd.config_path)  # of docs/TOOLS.md: here it is the same herd
        self.environment = self.control.environment | {"HERD_CONFIG": str(self.herd.config_path),
                                                       "HOME": str(directory), "PYTHONDONTWRITEBYTECODE": "1"}

    def here(self, text: str) -> str:
        """The text with the ports of this herd."""
        def port(match: re.Match[str]) -> str:
            node = list(self.herd)[int(match[2])]
            of = {"1": node.clients_port, "2": node.bus_port, "3": node.monitor_port, "4": node.http_port}
            return str(of[match[1]])
        return re.sub(r"\b12([1-4])4([0-4])\b", port, in_the_past(text))

    def begin(self, reports: list[str]) -> None:
        """Before a page: all nodes run and have read the places, and these clients have reported to Hill."""
        if not all(node.is_ready() for node in self.herd):
            self.control.run("up")
        for node in self.herd:
            node.wait_places()
        for report in reports:
            self.say(self.herd["Hill"], report)

    def say(self, node: Node, report: str) -> None:
        reply = node.say(in_the_past(f"IAMAT {report}"))
        assert reply.startswith(("AT ", "IGNORE")), (report, reply)

    def run_block(self, block: Block, *, with_others: bool, compares: bool, enters: str | None) -> None:
        """`with_others`: other clients make the events of a shown session. `compares`: the output must be as shown.
        `enters`: the report of the client that enters where a stream of HTTP shows that."""
        for command in block.commands():
            name = block.terminal or block.place
            is_telnet = command.text.startswith("telnet ")
            if is_telnet or ENDLESS.search(command.text):
                self.open(name, command.text)
                if not is_telnet and not (command.shown and (compares or with_others)):
                    self.wait_for_output(self.terminals[name], command.text)
                    continue
            if name in self.terminals:
                self.converse(self.terminals[name], command, with_others, enters)
            else:
                self.run(command, block.place, compares)
        if not block.terminal:
            self.end_terminals(block.place)

    def open(self, name: str, text: str) -> None:
        words = self.here(text)
        self.end_terminals(name)
        self.terminals[name] = Terminal(words.split() if text.startswith("telnet ") else "exec " + words,
                                        self.environment, self.directory)

    def wait_for_output(self, terminal: Terminal, text: str) -> None:
        """A client reports again and again, so that a command that shows events has some to show."""
        def has_printed() -> bool:
            self.say(self.herd["Hill"], f"moving +34.0661-118.4401 {now()}")
            return bool(terminal.lines)
        wait_for(has_printed, f"`{text}` prints something", SECONDS, pause=0.2)

    def converse(self, terminal: Terminal, command: Command, with_others: bool, enters: str | None) -> None:
        """Types the lines that are typed, and waits for those that are answers."""
        is_telnet = isinstance(terminal.process.args, list)
        for line in command.shown:
            if line.startswith(_LEAVING):
                continue
            if is_telnet and _TYPED.match(line):
                terminal.type(self.here(line))
                continue
            event = _EVENT.match(line)
            if event and with_others:
                self.say(self.herd[event[1]], event[2])
            if line == "event: enter" and enters:
                self.say(self.herd["Hill"], enters)
            if line.startswith(_GREETING):
                terminal.expect(re.escape(line.split(" ")[0]) + ".*", line)
            elif line:
                pattern = pattern_of_reply(in_the_past(line)) if is_telnet else pattern_of_output(self.here(line))
                terminal.expect(pattern, line)

    def run(self, command: Command, place: str, compares: bool) -> None:
        """A command must succeed. `status` and `where` may need some seconds until the herd is as the page shows it."""
        text = self.here(command.text)
        retries = re.match(r"(\./)?scripts/herd (status|where)\b", text)
        if retries:
            wait_for(lambda: all(node.is_ready() for node in self.herd), "all nodes are ready", SECONDS)
        deadline = time.monotonic() + SECONDS
        while True:
            done = subprocess.run(["bash", "-euc", text], cwd=self.directory, env=self.environment, text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  timeout=300, check=False)
            wrong = self.problem(command, done, compares)
            if not wrong:
                return
            assert retries and time.monotonic() < deadline, f"{place}: `{text}`: {wrong}\n{done.stdout}\n{done.stderr}"
            time.sleep(0.3)

    def problem(self, command: Command, done: subprocess.CompletedProcess[str], compares: bool) -> str | None:
        allowed = (0, 1) if "scripts/herd doctor" in command.text else (0,)  # 1: warnings, such as a disk nearly full
        if done.returncode not in allowed:
            return f"it ended with status {done.returncode}"
        if command.text.startswith("curl "):
            keys = re.findall(r'"(\w+)":', "".join(command.shown))
            if not re.search(".*".join(f'"{key}":' for key in keys), done.stdout, re.S):
                return f"the answer does not have the fields {keys} in this order"
        elif compares:
            lines = done.stdout.splitlines()
            for shown in command.shown:
                if not any(re.fullmatch(pattern_of_output(self.here(shown)), line) for line in lines):
                    return f"no line is like {shown!r}"
        return None

    def end_terminals(self, *names: str) -> None:
        for name in names or list(self.terminals):
            if name in self.terminals:
                self.terminals.pop(name).close()

    def close(self) -> None:
        self.end_terminals()
        self.control.close()
