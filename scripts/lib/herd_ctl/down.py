"""down and kill: the commands that end nodes."""
from __future__ import annotations

import sys
import xmlrpc.client

from . import order
from .daemon import Daemon, State
from .herd import Herd
from .trouble import Trouble

HURRIED_SECONDS = 3.0  # for nodes that had the time of supervisord already


def down(herd: Herd, daemon: Daemon, names: list[str]) -> int:
    """Never succeeds while one of these nodes runs."""
    wanted = {node.name for node in herd.choose(names)}
    condition = daemon.condition()
    if condition.state is not State.ABSENT or order.orphans(daemon, condition):
        with daemon.lock():
            stopped = _stop_some(daemon, wanted) if names else _stop_all(daemon)
        print(f"Stopped: {', '.join(sorted(stopped)) or 'nothing was running'}")
    else:
        print("No herd is running")
    left = [node for node in order.by_hand(herd) if node.name in wanted]
    if left:
        raise Trouble(f"{left[0].name} (process {left[0].pid}) runs, but scripts/herd did not start it: stop it where"
                      " it was started")
    return 0


def _stop_all(daemon: Daemon) -> set[str]:
    condition = order.continued(daemon)
    if not condition.works:
        if condition.state is not State.ABSENT:
            print(f"The supervisor (process {condition.pid}) does not work: it is stopped with all nodes")
        return set(order.end_all(daemon))
    stopped = set(daemon.started())
    try:
        daemon.remove(list(daemon.processes()))
        daemon.shutdown()
    except (Trouble, xmlrpc.client.Fault) as trouble:
        print(f"{trouble}. The supervisor is stopped with all nodes", file=sys.stderr)
        return stopped | set(order.end_all(daemon, HURRIED_SECONDS))
    return stopped | set(order.end_all(daemon))  # orphans of an earlier supervisor


def _stop_some(daemon: Daemon, wanted: set[str]) -> set[str]:
    condition = order.continued(daemon)
    if not condition.works and condition.state is not State.ABSENT:
        raise daemon.trouble(condition)
    refused = None
    try:
        daemon.forget(wanted)  # first: a supervisor that restarts must not start them
    except Trouble as trouble:
        refused = trouble
    stopped = set(daemon.remove(wanted)) if condition.works else set()
    stopped |= set(order.end_nodes(daemon, wanted))
    if refused:
        raise Trouble(f"stopped, but {refused}: else they start again with the supervisor")
    return stopped


def kill(herd: Herd, daemon: Daemon, name: str) -> int:
    herd.choose([name])
    daemon.require()
    process = daemon.processes().get(name)
    if process is None or not process["pid"]:
        waits = ": the supervisor waits before it starts it again" if process else ""
        raise Trouble(f"{name} is not running{waits}")
    daemon.signal(name, "KILL")
    print(f"{name} (process {process['pid']}) is killed: the supervisor starts it again")
    return 0
