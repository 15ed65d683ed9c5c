"""Nodes that systemd runs: each is an instance of herd@.service, and belongs to herd.target. The nodes that should run
are the enabled ones, so systemd also starts them when the host boots.

Only an installed herd with the configuration that the unit names runs so. Without systemd, for example in a container,
supervisord runs the nodes (herd_ctl/daemon.py)."""
from __future__ import annotations

import pathlib
import re
import subprocess
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from . import owner, processes
from .daemon import PATIENCE_SECONDS, Condition, Daemon, State
from .herd import Herd
from .installation import CONFIGURATION, IS_INSTALLED
from .trouble import Trouble

RUNS_SYSTEMD = pathlib.Path("/run/systemd/system")  # exists only while systemd is the init process: sd_booted(3)
EVERY_UNIT = "herd@*.service"  # of those that systemd has loaded: they run, failed, or are enabled
UNIT = re.compile(r"herd@([0-9A-Za-z_-]{1,63})\.service")
CALL_SECONDS = 10.0     # systemctl takes milliseconds, and seconds on an overloaded host
STOP_SECONDS = 25.0     # above TimeoutStopSec of the unit
JOURNAL_SECONDS = 5.0   # for the last lines of the journal
PROPERTIES = "Id,ActiveState,SubState,MainPID,UnitFileState"
STATES = {"active": "RUNNING", "reloading": "RUNNING", "activating": "STARTING", "deactivating": "STOPPING",
          "failed": "FATAL", "inactive": "STOPPED"}
NOT_PERMITTED = re.compile(r"authentication required|access denied|not permitted", re.I)


def unit_of(name: str) -> str:
    return f"herd@{name}.service"


def manager_of(herd: Herd) -> Daemon:
    """systemd or supervisord, whichever runs the nodes of this herd."""
    by_systemd = IS_INSTALLED and RUNS_SYSTEMD.is_dir() and herd.config == CONFIGURATION
    return Units(herd) if by_systemd else Daemon(herd)


class Units(Daemon):
    """The units of one herd. Each call runs systemctl or journalctl."""

    def condition(self, patience: float = PATIENCE_SECONDS) -> Condition:
        try:
            self._systemctl("show", "--property=Version", seconds=patience)
        except Trouble:
            return Condition(State.SILENT)
        return Condition(State.RUNNING)

    def trouble(self, condition: Condition) -> Trouble:
        return Trouble("systemd does not answer: look at the processes with `ps -p 1`, and try again")

    def processes(self) -> dict[str, dict[str, Any]]:
        """In the form of Daemon.processes(): the units that are enabled or run, also of nodes that the configuration
        does not have any more."""
        units = [unit_of(node.name) for node in self.herd.local]
        shown = self._systemctl("show", f"--property={PROPERTIES}", *units, EVERY_UNIT)
        found = {}
        for block in shown.split("\n\n"):
            fields = dict(line.partition("=")[::2] for line in block.splitlines())
            unit = UNIT.fullmatch(fields.get("Id", ""))
            if unit and (fields["UnitFileState"] == "enabled" or fields["ActiveState"] != "inactive"):
                found[unit[1]] = _process(unit[1], fields)
        return found

    def signal(self, name: str, signal_name: str) -> None:
        self._systemctl("kill", "--kill-who=main", f"--signal=SIG{signal_name}", unit_of(name))

    def enable(self, names: Iterable[str]) -> None:
        """These start with the host."""
        self._systemctl("enable", "--quiet", *(unit_of(name) for name in names))

    def start(self, names: Collection[str]) -> None:
        """Begins to start these; does not wait."""
        if names:
            self._systemctl("start", "--no-block", *(unit_of(name) for name in names))

    def restart(self, names: Iterable[str]) -> None:
        """Stops these and begins to start them."""
        self._systemctl("stop", *(unit_of(name) for name in names), seconds=STOP_SECONDS)
        self._systemctl("start", "--no-block", *(unit_of(name) for name in names))

    def stop(self, names: Sequence[str]) -> None:
        """Stops these, and keeps them from starting with the host."""
        if names:
            units = [unit_of(name) for name in names]
            self._systemctl("disable", "--quiet", *units)
            self._systemctl("stop", *units, seconds=STOP_SECONDS)
            self._systemctl("reset-failed", *units, tolerate=True)  # refused for a unit that never ran

    def log_end(self, name: str, most_bytes: int) -> bytes:
        try:
            command = self.journal_command([name], max(1, most_bytes // 128), output="cat")
            ran = subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL,
                                 timeout=JOURNAL_SECONDS, **owner.for_caller())
            return ran.stdout[-most_bytes:]
        except (subprocess.TimeoutExpired, OSError):
            return b""

    @staticmethod
    def journal_command(names: Iterable[str], lines: int, *more: str, output: str = "json") -> list[str]:
        """journalctl for what these nodes have logged, without systemd's own lines about them."""
        return ["journalctl", "--quiet", "--no-pager", f"--output={output}", f"--lines={lines}", *more,
                *(f"_SYSTEMD_UNIT={unit_of(name)}" for name in names)]

    @staticmethod
    def _systemctl(*words: str, seconds: float = CALL_SECONDS, tolerate: bool = False) -> str:
        try:
            ran = subprocess.run(["systemctl", "--no-ask-password", "--no-pager", *words], check=False, text=True,
                                 capture_output=True, stdin=subprocess.DEVNULL, timeout=seconds, **owner.for_caller())
        except subprocess.TimeoutExpired:
            raise Trouble(f"systemctl {words[0]} did not end within {seconds:.0f} s: try again, or look at"
                          " `systemctl list-jobs`") from None
        except OSError as error:
            raise Trouble(f"systemctl cannot be run ({error.strerror}): install the package systemd again") from None
        if ran.returncode != 0 and not tolerate:
            reason = ran.stderr.strip().splitlines()[:1] or [f"it ended with status {ran.returncode}"]
            remedy = ("run this as root" if NOT_PERMITTED.search(ran.stderr) else
                      "`systemctl status 'herd@*'` shows more")
            raise Trouble(f"systemctl {words[0]} failed ({reason[0]}): {remedy}")
        return ran.stdout


def _process(name: str, fields: dict[str, str]) -> dict[str, Any]:
    pid = int(fields["MainPID"] or 0)
    waits = fields["SubState"] == "auto-restart"
    age = processes.age(pid) if pid else 0.0
    return {"name": name, "statename": "BACKOFF" if waits else STATES.get(fields["ActiveState"], "UNKNOWN"), "pid": pid,
            "now": age, "start": 0.0}
