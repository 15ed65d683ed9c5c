"""Waits until nodes that were just started are ready, under supervisord or systemd."""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from . import probe, processes
from .daemon import STARTED_STATES
from .herd import Herd, Node
from .trouble import Trouble

READY_SECONDS = 30  # added to ready_timeout: for a slow machine
PAUSE_SECONDS = 0.05
NO_PROCESS = {"statename": "gone", "pid": 0}

# The last line that a node logged since it was started, else why it could not start. The second argument is the
# manager's entry of its process.
LastWords = Callable[[Node, dict[str, Any]], str]


class Manager(Protocol):
    """What starts and watches the processes of nodes."""

    def processes(self) -> dict[str, dict[str, Any]]: ...


class Readiness:
    """Remembers the processes, so that one that ends and is started again is noticed."""

    def __init__(self, herd: Herd, manager: Manager, last_words: LastWords):
        self.seconds = herd.ready_timeout + READY_SECONDS
        self.manager = manager
        self.last_words = last_words
        self.pids: dict[str, int] = {}

    def wait(self, nodes: list[Node]) -> None:
        deadline = time.monotonic() + self.seconds
        waiting = list(nodes)
        while waiting:
            known = self.manager.processes()
            for node in waiting:
                self._check(node, known.get(node.name, NO_PROCESS))
            # A process counts as RUNNING after a second. Until then another program may answer on its port.
            ready = probe.of_all(probe.is_ready, waiting)
            waiting = [node for node in waiting
                       if not ready[node.name] or known[node.name]["statename"] != "RUNNING"]
            if waiting and time.monotonic() > deadline:
                raise Trouble(f"{waiting[0].name} is not ready after {self.seconds:.0f} s:"
                              f" {self.last_words(waiting[0], NO_PROCESS)}")
            time.sleep(PAUSE_SECONDS)

    def _check(self, node: Node, process: dict[str, Any]) -> None:
        """Trouble if the process that this call started has ended, even if a new one runs by now, or is frozen."""
        pid = process["pid"]
        if process["statename"] not in STARTED_STATES or (pid and self.pids.setdefault(node.name, pid) != pid):
            raise Trouble(f"{node.name} did not start: {self.last_words(node, process)}")
        if pid and processes.state(pid) == processes.FROZEN:
            raise Trouble(f"{node.name} (process {pid}) is frozen: kill -CONT {pid} continues it, scripts/herd kill"
                          f" {node.name} starts it anew")
