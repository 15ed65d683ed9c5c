"""supervisord: its configuration in the state directory, its start, and calls over its socket.

The programs in its configuration are the nodes that should run, no others. It starts them by itself, also after a
SIGHUP, and starts each again when it ends (herd_ctl/supervisord.py)."""
from __future__ import annotations

import contextlib
import dataclasses
import enum
import importlib.util
import os
import pathlib
import resource
import shlex
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Collection
from typing import Any

from . import files, owner, processes, rpc
from .herd import Herd, Node
from .installation import MISSING_SUPERVISOR
from .lock import herd_lock
from .trouble import NONE_RUNNING, Trouble, writing
from .waiting import poll

LIBRARY = pathlib.Path(__file__).resolve().parents[1]
# sun_path has 108 bytes with a NUL; supervisord first binds the name followed by "." and its process id.
LONGEST_SOCKET_PATH = 107 - len(".4194304")
START_SECONDS = 10.0
STOP_SECONDS = 14.0    # stopwaitsecs, and the time of supervisord on a loaded machine
ANSWER_SECONDS = 2.0   # for a command that only reads
PATIENCE_SECONDS = 5.0  # after this a supervisor counts as broken and is replaced
DESCRIPTORS = 1024  # supervisord's own default
LOG_BACKUPS = 3
PROGRAM = "\n[program:"
QUOTES = ("'", '"')
STARTED_STATES = ("STARTING", "RUNNING")


class State(enum.Enum):
    """The state of the supervisor of a state directory."""

    RUNNING = "running"
    ABSENT = "absent"            # there is no such process
    FROZEN = "frozen"            # stopped by a signal
    SILENT = "silent"            # it accepts calls and does not answer
    UNREACHABLE = "unreachable"  # its process runs, but its socket is gone
    STOPPING = "stopping"        # it answers that it is ending or restarting


@dataclasses.dataclass
class Condition:
    state: State
    process: processes.Process | None = None

    @property
    def works(self) -> bool:
        return self.state is State.RUNNING

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None


def _descriptors() -> int:
    """The number of descriptors that supervisord requires: not above the limit of this process. A node that needs more
    reports that itself."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)


def quoted(value: object, more: Collection[str] = ()) -> str:
    """A path, or words with paths, for the configuration of supervisord. Trouble if it cannot contain them."""
    text = str(value)
    # Some options of supervisord expand a percent sign once, some twice: no form is right for all.
    for bad in ("%", "\n", "\t", " ;", " #", *more):
        if bad in text:
            raise Trouble(f"the configuration of supervisord cannot contain {text!r}: use paths without {bad!r}")
    return text


def quoted_variable(value: object) -> str:
    """Like quoted(), for a value between quotes in a list of variables."""
    return f'"{quoted(value, more=QUOTES)}"'


class Daemon:
    """The supervisord of one herd. Each call opens a connection of its own, so supervisord may end and start again."""

    def __init__(self, herd: Herd):
        self.herd = herd
        self.directory = herd.state_dir
        self.socket_path = self.directory / "supervisor.sock"
        self.config_path = self.directory / "supervisord.conf"
        self.pid_path = self.directory / "supervisord.pid"

    def log_path(self, name: str) -> pathlib.Path:
        return self.directory / "logs" / f"{name}.log"

    def log_end(self, name: str, most_bytes: int) -> bytes:
        """The end of what the node has logged; empty if there is nothing."""
        return files.end_of(self.log_path(name), most_bytes)

    # Its configuration.

    def _program(self, node: Node) -> str:
        command = [str(self.herd.binary), "--config", str(self.herd.config), "--", node.name]
        return f"""{PROGRAM}{node.name}]
command={quoted(shlex.join(command))}
environment=HERD_STATE_DIR={quoted_variable(self.directory)},HERD_FINGERPRINT="{node.fingerprint(self.herd.binary)}"
directory={quoted(self.directory)}
autostart=true
; A node that ends is started again, also after a mistake in the configuration: the file may be corrected.
autorestart=true
startsecs=1
startretries=1000000
stopsignal=TERM
stopwaitsecs=10
redirect_stderr=true
stdout_logfile={quoted(self.log_path(node.name))}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups={LOG_BACKUPS}
"""

    def config_text(self, wanted: Collection[str]) -> str:
        head = f"""; Written by scripts/herd from {quoted(self.herd.config)}: changes here are lost.
[unix_http_server]
file={quoted(self.socket_path)}
chmod=0600

[supervisord]
logfile={quoted(self.directory / "logs/supervisord.log")}
logfile_maxbytes=10MB
logfile_backups=1
pidfile={quoted(self.pid_path)}
childlogdir={quoted(self.directory / "logs")}
umask=077
minfds={_descriptors()}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
        return head + "".join(self._program(node) for node in self.herd.local if node.name in wanted)

    def make_directory(self) -> None:
        length = len(os.fsencode(self.socket_path))
        if length > LONGEST_SOCKET_PATH:
            raise Trouble(f"{self.socket_path} is too long for a socket by {length - LONGEST_SOCKET_PATH} bytes: set"
                          " HERD_STATE_DIR (or state_dir) to a shorter path")
        with writing(self.directory):
            self.directory.parent.mkdir(parents=True, exist_ok=True)
            for directory in (self.directory, self.directory / "logs"):
                directory.mkdir(mode=0o700, exist_ok=True)

    def write_config(self, wanted: Collection[str]) -> None:
        """The configuration with these nodes and no others."""
        text = self.config_text(wanted)
        with writing(self.config_path):
            if not self.config_path.exists() or self.config_path.read_text(encoding="utf-8") != text:
                files.replace(self.config_path, text)

    def forget(self, names: Collection[str]) -> None:
        """Removes these nodes from the configuration; the entries of the others stay unchanged."""
        with writing(self.config_path):
            if not self.config_path.exists():
                return
            head, *programs = self.config_path.read_text(encoding="utf-8").split(PROGRAM)
            left = [program for program in programs if program.partition("]")[0] not in names]
            if left != programs:
                files.replace(self.config_path, PROGRAM.join([head, *left]))

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """One command at a time may change the herd."""
        self.make_directory()
        return herd_lock(self.directory)

    # Its state.

    def condition(self, patience: float = ANSWER_SECONDS) -> Condition:
        """Whether it works. Waits at most `patience` seconds for its answer."""
        began = time.monotonic()
        while True:
            otherwise = State.UNREACHABLE
            process = processes.supervisor_of(self.directory)
            if process and process.is_frozen():
                return Condition(State.FROZEN, process)
            left = began + patience - time.monotonic()
            try:
                rpc.supervisor(self.socket_path, max(left, 0.1)).getState()
                return Condition(State.RUNNING, process)
            except rpc.NoAnswer as trouble:
                if trouble.silent:
                    return Condition(State.SILENT, process)
                if process is None:
                    return Condition(State.ABSENT)
            except xmlrpc.client.Fault:
                otherwise = State.STOPPING
            except PermissionError:
                raise Trouble(f"{self.socket_path} is not yours to use: ask as the user who started that herd, or set"
                              " HERD_STATE_DIR to a directory of your own") from None
            # Until then it may be starting or restarting.
            if time.monotonic() - began >= (ANSWER_SECONDS if otherwise is State.UNREACHABLE else patience):
                return Condition(otherwise, process)
            time.sleep(0.05)

    def trouble(self, condition: Condition) -> Trouble:
        """One line that describes a supervisor that does not work."""
        which = f"the supervisor (process {condition.pid})" if condition.pid else f"the supervisor of {self.directory}"
        if condition.state is State.FROZEN:
            return Trouble(f"{which} is frozen: scripts/herd up continues it, scripts/herd down stops it and all nodes")
        if condition.state is State.SILENT:
            return Trouble(f"{which} does not answer: scripts/herd up replaces it, scripts/herd down stops it and all"
                           " nodes")
        if condition.state is State.UNREACHABLE:
            return Trouble(f"{which} runs, but its socket {self.socket_path} is gone: scripts/herd up replaces it,"
                           " scripts/herd down stops it and all nodes")
        if condition.state is State.STOPPING:
            return Trouble(f"{which} is stopping or restarting all nodes: try again later")
        if condition.works:
            return Trouble(f"{which} did not answer for a moment: try again")
        orphans = processes.supervised_nodes(self.directory)
        if orphans:
            named = ", ".join(f"{node.name} (process {node.pid})" for node in orphans)
            return Trouble(f"the supervisor is gone, and {named} run without it: scripts/herd up restarts them under a"
                           " new one, scripts/herd down stops them")
        return Trouble(f"no herd is running on {self.directory}: start it with scripts/herd up", NONE_RUNNING)

    def require(self) -> None:
        """Trouble unless it works."""
        condition = self.condition()
        if not condition.works:
            raise self.trouble(condition)

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        """A call; Trouble if there is no answer."""
        try:
            return question(rpc.supervisor(self.socket_path))
        except rpc.NoAnswer:
            raise self.trouble(self.condition()) from None

    def processes(self) -> dict[str, dict[str, Any]]:
        """{name: the process information of supervisord}, of the nodes that should run."""
        return {info["name"]: info for info in self._ask(lambda call: call.getAllProcessInfo())}

    def started(self) -> set[str]:
        return {name for name, info in self.processes().items() if info["statename"] in STARTED_STATES}

    # Changing what runs.

    def launch(self) -> None:
        """Starts supervisord, which detaches itself and starts the nodes of its configuration. Waits for its answer."""
        if importlib.util.find_spec("supervisor") is None:
            raise Trouble(f"supervisor is not installed: {MISSING_SUPERVISOR}")
        try:
            ran = subprocess.run([sys.executable, "-m", "herd_ctl.supervisord", "-c", str(self.config_path)],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                 check=False, start_new_session=True, timeout=START_SECONDS,
                                 env=os.environ | {"PYTHONPATH": str(LIBRARY)}, **owner.for_owner())
        except subprocess.TimeoutExpired:
            raise Trouble(f"supervisord did not start within {START_SECONDS:.0f} s") from None
        if ran.returncode != 0:
            raise Trouble(f"supervisord did not start: {' '.join(ran.stdout.split())}")
        if not poll(lambda: self.condition().works, START_SECONDS):
            raise Trouble("supervisord does not answer")

    def reread(self) -> tuple[list[str], list[str]]:
        """Makes supervisord read its configuration; starts and ends nothing. Returns (changed, removed) programs."""
        _, changed, removed = self._ask(lambda call: call.reloadConfig())[0]
        return changed, removed

    def add(self, name: str) -> None:
        """Starts a node of the configuration that supervisord read last."""
        self._ask(lambda call: call.addProcessGroup(name))
        with contextlib.suppress(xmlrpc.client.Fault):  # supervisord also starts it by itself within a second
            self._ask(lambda call: call.startProcess(name, False))

    def remove(self, names: Collection[str]) -> list[str]:
        """Stops these nodes, all at once, and removes them from supervisord, so that it does not start them again.
        Returns those that ran. A frozen node is continued, so that it can stop; a node that hangs is killed after
        stopwaitsecs."""
        known = self.processes()
        left = [name for name in known if name in names]
        stopped = [name for name in left if known[name]["statename"] in STARTED_STATES]
        for name in left:
            self._tolerate(lambda call: call.stopProcess(name, False))
            frozen = processes.Process.open(known[name]["pid"]) if known[name]["pid"] else None
            if frozen and frozen.is_frozen():
                frozen.signal(signal.SIGCONT)
        deadline = time.monotonic() + STOP_SECONDS
        while left:
            if time.monotonic() > deadline:
                raise Trouble(f"{', '.join(left)} did not stop within {STOP_SECONDS:.0f} s: run scripts/herd down")
            for name in left:  # refused while it runs; it may have started just now
                self._tolerate(lambda call: call.stopProcess(name, False))
                self._tolerate(lambda call: call.removeProcessGroup(name))
            known = self.processes()
            left = [name for name in left if name in known]
            time.sleep(0.05)
        return stopped

    def signal(self, name: str, signal_name: str) -> None:
        self._ask(lambda call: call.signalProcess(name, signal_name))

    def shutdown(self) -> None:
        """Ends supervisord and with it every node."""
        process = processes.supervisor_of(self.directory)
        with contextlib.suppress(xmlrpc.client.Fault, rpc.NoAnswer):  # it may end before it answers
            rpc.supervisor(self.socket_path).shutdown()
        if not poll(lambda: process.has_ended() if process else not self.pid_path.exists(), STOP_SECONDS):
            raise Trouble("supervisord does not end")

    def _tolerate(self, question: Callable[[Any], Any]) -> None:
        """A call that may fail because the node is in another state by now."""
        with contextlib.suppress(xmlrpc.client.Fault):
            self._ask(question)
