"""up, restart and reload: the commands that start nodes or make them read their configuration again."""
from __future__ import annotations

import signal
import sys
import time
from collections.abc import Collection, Iterable
from typing import Any

from . import keygen, order, ports, probe, processes, reset, started
from .daemon import STARTED_STATES, Daemon
from .herd import Herd, Node, reachable
from .logs import Tail
from .ready import Readiness
from .show import safe, table
from .trouble import Trouble

RELOAD_SECONDS = 2.5  # in which a node that runs well has read its files


def up(herd: Herd, daemon: Daemon, names: list[str]) -> int:
    wanted = herd.choose_some(names)
    daemon.make_directory()  # before the keys, which are in it unless `keys_dir` is set
    keygen.prepare(herd)
    with daemon.lock():
        check_free(herd, wanted)
        lost = order.adopt(daemon)
        rescued = [node for node in herd.local if node.name in lost]
        if rescued:  # they ran before, so they stay even if the others fail to start
            Starter(herd, daemon).bring_up(rescued)
        starter = Starter(herd, daemon)
        try:
            starter.bring_up(wanted, rescued)
        except BaseException:  # Ctrl-C too: no node of this call may stay half-started
            starter.undo()
            raise
    print_herd(herd, daemon)
    return 0


def restart(herd: Herd, daemon: Daemon, names: list[str], rolling: bool) -> int:
    wanted = herd.choose(names)
    daemon.require()
    with daemon.lock():
        starter = Starter(herd, daemon)
        for group in [[node] for node in wanted] if rolling else [wanted]:
            daemon.remove([node.name for node in group])
            starter.bring_up(group)
            if rolling:
                print(f"{group[0].name} is back")
    print_herd(herd, daemon)
    return 0


def reload(herd: Herd, daemon: Daemon) -> int:
    """Makes every running node read the configuration again, and prints which changes need `up`. The exit status is 1
    if a node refuses a part of it, or is frozen."""
    daemon.require()
    with daemon.lock():
        known = daemon.processes()
        nodes = [node for node in herd.local if known.get(node.name, {}).get("statename") == "RUNNING"]
        stopped = {node.name for node in order.frozen_nodes(herd.state_dir, [node.name for node in nodes])}
        frozen = [node.name for node in nodes if node.name in stopped]
        refused = make_reload(herd, daemon, nodes, frozen)
        accepted = [node for node in nodes if node.name not in refused]
        started.save_live(herd, accepted)
        done = ", ".join(node.name for node in accepted if node.name not in frozen)
        if not refused and not frozen:
            print(f"Reloaded: {done or 'no node runs'}")
        elif done:
            print(f"These read all of it: {done}")
        for name in frozen:
            print(f"{name} does not answer: it reads the configuration when it is continued")
        for name, reasons in refused.items():
            for reason in reasons:
                print(f"scripts/herd: {name} refused a part: {safe(reason)}", file=sys.stderr)
        was = started.fingerprints(herd.state_dir, "fingerprint")
        stale = [node.name for node in nodes if was.get(node.name) != node.fingerprint(herd.binary)]
        fresh = [node.name for node in herd.local if node.name not in known]
        gone = sorted(set(known) - {node.name for node in herd.local})
        for change, which in (("Changed beyond what a reload can do", stale), ("New or stopped", fresh),
                              ("Removed", gone)):
            if which:
                print(f"{change}: {', '.join(which)}. Run scripts/herd up")
    order.warn_of_frozen(herd)
    return 1 if refused or frozen else 0


def make_reload(herd: Herd, daemon: Daemon, nodes: list[Node], frozen: Collection[str]) -> dict[str, list[str]]:
    """Makes running nodes read the configuration again. Returns the reasons of those that refused a part of it. Those
    of `frozen` get a signal only."""
    def ask(node: Node) -> dict[str, Any] | None:
        try:
            return reset.say(herd.state_dir / "nodes" / node.name, b"reload", RELOAD_SECONDS)
        except Trouble as trouble:
            return {"result": "done", "refused": [str(trouble)]}

    answers = probe.of_all(ask, [node for node in nodes if node.name not in frozen])
    refused = {}
    for node in nodes:
        answer = answers.get(node.name)
        if answer is None or answer["result"] != "done":  # frozen, without its socket, or of an older release
            daemon.signal(node.name, "HUP")
        elif answer["refused"]:
            refused[node.name] = answer["refused"]
    return refused


def check_free(herd: Herd, nodes: Iterable[Node]) -> None:
    """Trouble if one of the nodes cannot start: a user runs it by hand, or another program uses its ports."""
    running = processes.running_nodes(herd.state_dir, [node.name for node in nodes])
    for node in nodes:
        if node.name not in running:
            taken = ports.taken(node)
            if taken:
                raise Trouble(f"{node.name} cannot start: {taken}: end that program, or give the node another port in"
                              f" {herd.config}. Nothing was started")
        elif not running[node.name].supervised:
            raise Trouble(f"{node.name} runs already, outside of this supervisor: stop process {running[node.name].pid}"
                          " first, or set HERD_STATE_DIR to have a second herd. Nothing was started")


def wake_and_reload(herd: Herd, daemon: Daemon, nodes: list[Node]) -> None:
    """For running nodes: continues frozen ones, and makes those with changed live settings read them."""
    for frozen in order.frozen_nodes(herd.state_dir, [node.name for node in nodes]):
        frozen.process.signal(signal.SIGCONT)
        print(f"{frozen.name} (process {frozen.pid}) was frozen: it is continued")
    live = started.fingerprints(herd.state_dir, "live")
    changed = [node for node in nodes if live.get(node.name) != node.live_fingerprint()]
    for node in changed:
        daemon.signal(node.name, "HUP")
        print(f"{node.name} reads the configuration again")
    if changed:
        started.save_live(herd, changed)


class Starter:
    """Starts nodes and remembers which ones, so that undo() can stop them."""

    def __init__(self, herd: Herd, daemon: Daemon):
        self.herd = herd
        self.daemon = daemon
        self.logs: dict[str, Tail] = {}  # of the nodes that this object started, since their start
        self.fresh: set[str] = set()     # those that were not to run before
        self.readiness = Readiness(herd, daemon, self._last_words)
        self.launched = False

    def bring_up(self, wanted: list[Node], rescued: Collection[Node] = ()) -> None:
        """`rescued`: nodes that this command has just started."""
        daemon = self.daemon
        runs = daemon.condition().works
        known = daemon.processes() if runs else {}
        known = {name: info for name, info in known.items() if info["statename"] != "STOPPED"}
        to_start = [node for node in wanted if known.get(node.name, {}).get("statename") not in STARTED_STATES]
        check_free(self.herd, to_start)
        self.fresh |= {node.name for node in to_start if node.name not in known}
        daemon.write_config(known.keys() | {node.name for node in wanted})
        if runs:
            to_start = self._apply(wanted, to_start)
        if not to_start and not rescued:
            print("All of them run already")
        started.save(self.herd, to_start, known)
        for node in to_start:
            self.logs[node.name] = Tail(node.name, daemon.log_path(node.name))
            self.logs[node.name].last(0)
        if runs:
            for node in to_start:
                daemon.add(node.name)
        else:
            self.launched = True  # set early: Ctrl-C may come while it detaches itself
            daemon.launch()
        wake_and_reload(self.herd, daemon, [node for node in wanted if node not in to_start])
        self.readiness.wait(wanted)

    def undo(self) -> None:
        """Stops the nodes that did not run before. A node that waits for its next start is left as it was."""
        if self.launched:
            order.end_all(self.daemon)
        elif self.fresh:
            self.daemon.forget(self.fresh)
            if self.daemon.condition().works:
                self.daemon.remove(self.fresh)
            order.end_nodes(self.daemon, self.fresh)  # in case the supervisor has just ended

    def _apply(self, wanted: list[Node], to_start: list[Node]) -> list[Node]:
        """Makes a running supervisor read its configuration; returns the nodes of `wanted` that must be started."""
        changed, removed = self.daemon.reread()
        for name in self.daemon.remove(removed):
            print(f"{name} is no longer in the configuration: stopped")
        starting = [node for node in wanted if node in to_start or node.name in changed]
        restarted = [node.name for node in starting if node not in to_start]
        if restarted:
            print(f"The configuration or the program has changed: {', '.join(restarted)} restarted")
        self.daemon.remove([node.name for node in starting])
        return starting

    def _last_words(self, node: Node, process: dict[str, Any]) -> str:
        tail = self.logs.get(node.name)
        lines = [line for line in tail.more() if line.strip()] if tail else []
        if lines:
            return safe(lines[-1])
        return f"{process.get('spawnerr') or 'it logged nothing'}, see {self.daemon.log_path(node.name)}"


def print_herd(herd: Herd, daemon: Daemon) -> None:
    running = daemon.started()
    local = [node for node in herd.local if node.name in running]
    statuses = probe.of_all(probe.read_status, local)
    rows = []
    for node in herd.nodes:
        status = statuses.get(node.name)
        state = f"{probe.peers_up(status)}/{len(node.peers)}" if status else "-" if node.local else "remote"
        rows.append([node.name, node.clients[1], state])
    print(table(["NODE", "CLIENT PORT", "PEERS UP"], rows, right=("CLIENT PORT", "PEERS UP")))
    if local:
        print_session(local)


def session_command(node: Node) -> str:
    """The command of a session with the node as a client."""
    host, port = reachable(node.clients)
    if node.speaks_tls:
        return f"openssl s_client -quiet -connect {f'[{host}]' if ':' in host else host}:{port}"
    return f"telnet {host} {port}"


def print_session(nodes: list[Node]) -> None:
    """Prints lines to paste: a report at the first node, and a query at another."""
    first = nodes[0]
    other = next((node for node in nodes if node.name == "Campbell"), nodes[-1])
    now = time.time_ns()
    print("\nTo talk to it, paste these, a line at a time:\n")
    print(session_command(first))
    print(f"IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 {now // 10**9}.{now % 10**9:09}")
    how = "Ctrl-C leaves openssl" if other.speaks_tls else "Ctrl-] and then quit leave telnet"
    print(f"\nand ask another node ({how}):\n")
    print(session_command(other))
    print("WHATSAT kiwi.cs.ucla.edu 10 3")
