"""scripts/herd for system tests, with a configuration, ports and a state directory for each test.

    def test_all_nodes_come_up(control):
        control.run("up")                               # fails the test unless its exit status is 0
        assert all(control.pids().values())

The fixtures `control` and `make_control` (conftest.py) stop with the test what it started.
"""
from __future__ import annotations

import json
import os
import subprocess
from typing import Protocol

from herd_fixture import BINARY, REPOSITORY, Herd, line

SCRIPT = REPOSITORY / "scripts/herd"


class Control:
    """scripts/herd with a configuration and a state directory of its own. supervisord runs the nodes, so only ports,
    clients and HTTP of `herd` are usable."""

    def __init__(self, herd: Herd):
        self.herd = herd
        self.environment = os.environ | herd.environment | {"HERD_BIN": BINARY}

    @classmethod
    def of_line(cls, count: int) -> Control:
        """A herd of `count` nodes in a line. Starts nothing."""
        return cls(Herd.for_test(line(count)))

    def popen(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen([SCRIPT, *words, "--config", self.herd.config_path], env=self.environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *words: str, status: int = 0) -> str:
        """Runs a command that must end with `status`. Returns its output, or its error text if there is one."""
        process = self.popen(*words)
        output, errors = process.communicate(timeout=90)
        assert process.returncode == status, f"{words}: status {process.returncode}\n{output}\n{errors}"
        return output if status in (0, 3, 4) and not errors else errors

    def trouble(self, *words: str, status: int = 1) -> str:
        """Runs a command that must be refused with one line, and returns that line."""
        error = self.run(*words, status=status)
        assert error.startswith("scripts/herd: ") and error.count("\n") == 1, error
        return error

    def new_token(self, name: str, *words: str) -> str:
        """Makes a token with these options, and returns its text."""
        process = self.popen("token", "new", name, *words)
        output, errors = process.communicate(timeout=90)
        assert process.returncode == 0, errors
        return output.removesuffix("\n")

    def pids(self) -> dict[str, int]:
        output = subprocess.run([SCRIPT, "status", "--json", "--config", self.herd.config_path], env=self.environment,
                                stdout=subprocess.PIPE, text=True, check=False).stdout
        return {row["node"]: row["pid"] for row in json.loads(output)["nodes"]}

    def supervisor_pid(self) -> int | None:
        file = self.herd.state_dir / "supervisord.pid"
        text = file.read_text() if file.exists() else ""
        return int(text) if text else None  # the file exists a moment before its content

    def edit(self, old: str, new: str) -> None:
        text = self.herd.config_path.read_text()
        assert old in text
        self.herd.config_path.write_text(text.replace(old, new))

    def close(self) -> None:
        self.herd.write_config()  # a test may have damaged it
        self.run("down")
        for log in sorted((self.herd.state_dir / "logs").glob("*.log")):
            print(f"----- {log.name}\n{log.read_text(errors='replace')[-3000:]}")
        assert self.supervisor_pid() is None
        self.herd.close()


class MakeControl(Protocol):
    """The type of the fixture make_control."""

    def __call__(self, count: int = 3) -> Control: ...
