"""A herd without a working supervisor: which nodes run, and how to get back to a supervisor that works."""
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
    """The running nodes according to /proc, in the form of supervisord's getAllProcessInfo."""
    now = time.time()
    return {name: {"name": name, "statename": "RUNNING", "pid": node.pid, "now": now,
                   "start": now - processes.age(node.pid)}
            for name, node in processes.running_nodes(daemon.directory, [node.name for node in herd.local]).items()}


def by_hand(herd: Herd) -> list[RunningNode]:
    """Nodes of this state directory that neither a supervisor of scripts/herd nor systemd started. scripts/herd never
    stops them."""
    running = processes.running_nodes(herd.state_dir, [node.name for node in herd.local])
    return [node for node in running.values() if not node.supervised and not processes.unit_of(node.pid)]


def orphans(daemon: Daemon, condition: Condition) -> list[RunningNode]:
    """Nodes of a supervisor that is gone. The nodes of a working supervisor are its children."""
    return [node for node in processes.supervised_nodes(daemon.directory)
            if not condition.works or (condition.pid and processes.parent(node.pid) != condition.pid)]


def is_missed(daemon: Daemon, condition: Condition) -> bool:
    """Whether something is wrong with the supervisor. Where none runs and no node of one, the herd is stopped, or was
    started in another way."""
    return not condition.works and (condition.state is not State.ABSENT or bool(orphans(daemon, condition)))


def continued(daemon: Daemon) -> Condition:
    """Continues the supervisor if it is frozen; returns its condition after that."""
    condition = daemon.condition(PATIENCE_SECONDS)
    if condition.state is State.FROZEN and condition.process:
        condition.process.signal(signal.SIGCONT)
        after = daemon.condition(PATIENCE_SECONDS)
        if after.works:
            print(f"The supervisor (process {condition.pid}) was frozen: it is continued")
        return after
    return condition


def adopt(daemon: Daemon) -> list[str]:
    """Prepares for `up`: afterwards a supervisor works and there are no orphans, or there is no supervisor and no node.
    Returns the nodes that it stopped for this, which the caller must start again."""
    condition = continued(daemon)
    if condition.works:
        lost = orphans(daemon, condition)
        _end(lost)
    else:
        lost = orphans(daemon, condition)
        if lost:
            daemon.write_config([node.name for node in lost])  # first: if the disk is full, they run on as they are
        if condition.state is not State.ABSENT:
            print(f"The supervisor (process {condition.pid}) does not work: it is replaced")
        elif lost:
            print("The supervisor is gone: a new one takes its place")
        end_all(daemon)
    if lost:
        print(f"Stopped, to start under a supervisor again: {', '.join(node.name for node in lost)}")
    return [node.name for node in lost]


def end_all(daemon: Daemon, patience: float = processes.PATIENCE_SECONDS) -> list[str]:
    """Ends the supervisor and every supervised node; kills those that have not ended after `patience` seconds. Returns
    the names of the nodes."""
    supervisor = processes.supervisor_of(daemon.directory)
    nodes = processes.supervised_nodes(daemon.directory)
    ending = [node.process for node in nodes]
    if supervisor:
        ending.insert(0, supervisor)  # first, so that it starts no node again
    elif daemon.condition().state is not State.ABSENT:
        raise Trouble(f"{daemon.socket_path} belongs to a process that is not recognised as a supervisor of this"
                      " herd: end it by hand")
    processes.ask_to_end(ending)
    processes.wait_ended(ending, patience)
    while supervisor:
        processes.kill([supervisor])
        supervisor = processes.supervisor_of(daemon.directory)  # another one, if this one was about to detach itself
    asked = [process.pid for process in ending]
    left = processes.supervised_nodes(daemon.directory)
    _kill([node.process for node in left if node.pid in asked])
    _end([node for node in left if node.pid not in asked])  # nodes that the supervisor started last
    daemon.socket_path.unlink(missing_ok=True)
    daemon.pid_path.unlink(missing_ok=True)
    return [node.name for node in nodes]


def end_nodes(daemon: Daemon, names: Collection[str]) -> list[str]:
    """Ends the orphans with these names; returns the names of those that it found."""
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
    """Prints a line for each node of this host that is stopped by a signal, because it does not answer."""
    for node in frozen_nodes(herd.state_dir, [node.name for node in herd.local]):
        print(f"scripts/herd: {node.name} (process {node.pid}) is frozen: kill -CONT {node.pid} continues it,"
              f" scripts/herd kill {node.name} starts it anew", file=sys.stderr)
