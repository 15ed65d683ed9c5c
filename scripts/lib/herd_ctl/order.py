"""A herd that has lost its supervisor, or whose supervisor does not answer: which nodes run, and the way back."""
from __future__ import annotations

import signal
import sys
import time
from collections.abc import Collection
from typing import Any

from . import processes
from .daemon import PATIENCE_SECONDS, Condition, Daemon, State
from .herd import Herd
from .processes import Process, RunningNode
from .trouble import Trouble


def observed(herd: Herd, daemon: Daemon) -> dict[str, dict[str, Any]]:
    """What /proc shows of the nodes, in the form of supervisord's getAllProcessInfo."""
    now = time.time()
    return {name: {"name": name, "statename": "RUNNING", "pid": node.pid, "now": now,
                   "start": now - processes.age(node.pid)}
            for name, node in processes.running_nodes(daemon.directory, [node.name for node in herd.local]).items()}


def by_hand(herd: Herd) -> list[RunningNode]:
    """Nodes of this state directory that no supervisor of scripts/herd started: they are never stopped by it."""
    running = processes.running_nodes(herd.state_dir, [node.name for node in herd.local])
    return [node for node in running.values() if not node.supervised]


def orphans(daemon: Daemon, condition: Condition) -> list[RunningNode]:
    """Nodes that a supervisor started which is gone. Those of the one that works are its children."""
    return [node for node in processes.supervised_nodes(daemon.directory)
            if not condition.works or (condition.pid and processes.parent(node.pid) != condition.pid)]


def mended(daemon: Daemon) -> Condition:
    """The condition of the supervisor, after a frozen one has been told to go on."""
    condition = daemon.condition(PATIENCE_SECONDS)
    if condition.state is State.FROZEN and condition.process:
        condition.process.signal(signal.SIGCONT)
        after = daemon.condition(PATIENCE_SECONDS)
        if after.works:
            print(f"The supervisor (process {condition.pid}) was frozen: it is continued")
        return after
    return condition


def adopt(daemon: Daemon) -> list[str]:
    """Leads back to a state that `up` can start from: a supervisor that works and no orphans, or no supervisor and no
    node. Returns the nodes that had to be stopped for that; they are to be started again."""
    condition = mended(daemon)
    if condition.works:
        lost = orphans(daemon, condition)
        _end(lost)
    else:
        lost = orphans(daemon, condition)
        if lost:
            daemon.write_config([node.name for node in lost])  # before: on a full disk they go on as they are
        if condition.state is not State.ABSENT:
            print(f"The supervisor (process {condition.pid}) does not work: it is replaced")
        elif lost:
            print("The supervisor is gone: a new one takes its place")
        end_all(daemon)
    if lost:
        print(f"Stopped, to start under a supervisor again: {', '.join(node.name for node in lost)}")
    return [node.name for node in lost]


def end_all(daemon: Daemon, patience: float = processes.PATIENCE_SECONDS) -> list[str]:
    """Ends the supervisor and every node that one started, and kills what has not ended after so long. Returns the
    names of the nodes."""
    supervisor = processes.supervisor_of(daemon.directory)
    nodes = processes.supervised_nodes(daemon.directory)
    ending = [node.process for node in nodes]
    if supervisor:
        ending.insert(0, supervisor)  # asked first, so that it starts nothing again
    elif daemon.condition().state is not State.ABSENT:
        raise Trouble(f"{daemon.socket_path} belongs to a process that cannot be recognised as a supervisor of this"
                      " herd: end it by hand")
    processes.ask_to_end(ending)
    processes.wait_ended(ending, patience)
    while supervisor:
        processes.kill([supervisor])
        supervisor = processes.supervisor_of(daemon.directory)  # another one if that was about to detach itself
    asked = [process.pid for process in ending]
    left = processes.supervised_nodes(daemon.directory)
    _kill([node.process for node in left if node.pid in asked])
    _end([node for node in left if node.pid not in asked])  # what it started last
    daemon.socket_path.unlink(missing_ok=True)
    daemon.pid_path.unlink(missing_ok=True)
    return [node.name for node in nodes]


def end_nodes(daemon: Daemon, names: Collection[str]) -> list[str]:
    """Ends those of the orphans; returns their names."""
    found = [node for node in processes.supervised_nodes(daemon.directory) if node.name in names]
    _end(found)
    return [node.name for node in found]


def _end(nodes: list[RunningNode]) -> None:
    ending = [node.process for node in nodes]
    processes.ask_to_end(ending)
    _kill(processes.wait_ended(ending, processes.PATIENCE_SECONDS))


def _kill(left: list[Process]) -> None:
    left = [process for process in left if not process.has_ended()]
    for process in left:
        print(f"Process {process.pid} does not end by itself: killed", file=sys.stderr)
    processes.kill(left)


def frozen_nodes(directory: Any, names: Collection[str]) -> list[RunningNode]:
    found = processes.running_nodes(directory, names)
    return [node for node in found.values() if node.process.is_frozen()]


def warn_of_frozen(herd: Herd) -> None:
    """A line for each node of this host that is stopped by a signal: it explains an answer that is missing."""
    for node in frozen_nodes(herd.state_dir, [node.name for node in herd.local]):
        print(f"scripts/herd: {node.name} (process {node.pid}) is frozen: kill -CONT {node.pid} continues it,"
              f" scripts/herd kill {node.name} starts it anew", file=sys.stderr)
