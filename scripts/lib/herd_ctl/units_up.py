"""up, down, restart and logs for nodes that systemd runs."""
from __future__ import annotations

import contextlib
import json
import subprocess
from typing import Any

from . import keygen, owner, processes, started
from .daemon import STARTED_STATES
from .herd import Herd, Node
from .ready import Readiness
from .show import safe
from .trouble import Trouble
from .units import UNIT, Units, unit_of
from .up import check_free, print_herd, wake_and_reload

LAST_WORDS_BYTES = 4096


def up(herd: Herd, units: Units, names: list[str]) -> int:
    wanted = herd.choose_some(names)
    units.make_directory()
    keygen.prepare(herd)
    with units.lock():
        known = units.processes()
        running = {name for name, process in known.items() if process["statename"] in STARTED_STATES}
        _stop_removed(herd, units, known)
        check_free(herd, [node for node in wanted if node.name not in running])
        was = started.fingerprints(herd.state_dir, "fingerprint")
        changed = [node for node in wanted
                   if node.name in running and was.get(node.name) != node.fingerprint(herd.binary)]
        fresh = [node for node in wanted if node.name not in running]
        starter = UnitStarter(herd, units)
        try:
            units.enable([node.name for node in wanted])
            starter.bring_up(fresh, changed, known)
            wake_and_reload(herd, units, [node for node in wanted if node not in fresh and node not in changed])
            starter.readiness.wait(wanted)
        except BaseException:  # Ctrl-C too: no node of this call may stay half-started
            with contextlib.suppress(Trouble):  # the first error is the one to show
                units.stop([node.name for node in fresh if node.name not in known])
            raise
    print_herd(herd, units)
    return 0


def _stop_removed(herd: Herd, units: Units, known: dict[str, dict[str, Any]]) -> None:
    """Stops the units of nodes that the configuration does not have on this host any more."""
    local = {node.name for node in herd.local}
    removed = [name for name in known if name not in local]
    units.stop(removed)
    for name in removed:
        print(f"{name} is no longer in the configuration: stopped")


def restart(herd: Herd, units: Units, names: list[str], rolling: bool) -> int:
    running = units.started()
    wanted = [node for node in herd.choose(names) if names or node.name in running]
    if not wanted:
        raise Trouble("no node of this host is running: scripts/herd up starts them")
    with units.lock():
        starter = UnitStarter(herd, units)
        for group in [[node] for node in wanted] if rolling else [wanted]:
            starter.bring_up([], group, units.processes())
            if rolling:
                starter.readiness.wait(group)
                print(f"{group[0].name} is back", flush=True)
        starter.readiness.wait(wanted)
    print_herd(herd, units)
    return 0


def down(herd: Herd, units: Units, names: list[str]) -> int:
    """Never succeeds while one of these nodes runs."""
    wanted = [node.name for node in herd.choose(names)]
    with units.lock():
        known = units.processes()
        stopping = wanted if names else list(dict.fromkeys([*wanted, *known]))
        units.stop(stopping)
        stopped = sorted(name for name in stopping if name in known and known[name]["pid"])
        print(f"Stopped: {', '.join(stopped) or 'nothing was running'}")
        left = [node for node in processes.running_nodes(herd.state_dir, wanted).values() if node.name in wanted]
    if left:
        raise Trouble(f"{left[0].name} (process {left[0].pid}) runs, but systemd did not start it: stop it where it was"
                      " started")
    return 0


class UnitStarter:
    """Starts units, and waits until their nodes are ready."""

    def __init__(self, herd: Herd, units: Units):
        self.herd = herd
        self.units = units
        self.readiness = Readiness(herd, units, self._last_words)

    def bring_up(self, fresh: list[Node], again: list[Node], known: dict[str, Any]) -> None:
        """Starts `fresh`, and stops and starts `again`."""
        if not fresh and not again:
            print("All of them run already")
            return
        started.save(self.herd, [*fresh, *again], known)
        if again:
            self.units.restart([node.name for node in again])
        self.units.start([node.name for node in fresh])

    def _last_words(self, node: Node, _process: dict[str, Any]) -> str:
        lines = self.units.log_end(node.name, LAST_WORDS_BYTES).splitlines()
        return safe(lines[-1]) if lines else f"it logged nothing, see journalctl -u {unit_of(node.name)}"


def logs(herd: Herd, units: Units, names: list[str], follow: bool, count: int) -> int:
    """Lines of several nodes begin with the node's name."""
    chosen = [node.name for node in herd.choose(names)]
    width = max(len(name) for name in chosen) if len(chosen) > 1 else 0
    shown = sum(_show(units.journal_command([name], count), width) for name in chosen)
    if follow:
        _show(units.journal_command(chosen, 0, "--follow"), width)
    elif not shown and count:
        raise Trouble("the journal has no lines of these nodes: start them with scripts/herd up, or run this as root")
    return 0


def _show(command: list[str], width: int) -> int:
    """Prints what journalctl prints, until it ends; returns the number of lines."""
    count = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, **owner.for_caller()) as process:
        assert process.stdout is not None
        try:
            for count, line in enumerate(process.stdout, 1):
                name, text = entry_of(line)
                print(f"{name.ljust(width)} | {safe(text)}" if width else safe(text), flush=True)
        finally:
            process.kill()
    return count


def entry_of(line: bytes) -> tuple[str, bytes]:
    """The node and the text of one line of `journalctl --output=json`. A text that is not UTF-8 is a list of bytes."""
    fields = json.loads(line)
    unit = UNIT.fullmatch(fields.get("_SYSTEMD_UNIT", ""))
    message = fields.get("MESSAGE") or ""
    return unit[1] if unit else "", bytes(message) if isinstance(message, list) else message.encode()
