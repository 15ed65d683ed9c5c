"""The facts that doctor judges: what nodes report, their processes, logs, keys, ports and disks. Everything is gathered
at once and with deadlines, so that a frozen node or a disk that hangs costs seconds only once. No judgement here."""
from __future__ import annotations

import calendar
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time
from typing import Any

from . import files, order, ports, probe, samples, started
from .daemon import Daemon
from .herd import Herd, Node
from .key_files import KeyFolder
from .samples import Pair
from .trouble import Trouble

CHECK_SECONDS = 4.0    # for herd-node --check
SETTLE_SECONDS = 3.0   # digests that still differ after it do not differ because an update is on its way
DISK_SECONDS = 2.0     # for one write and sync of a small file
LOG_BYTES = 1 << 18    # of the end of each log
LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+Z (\w+) \S+ event=(\w+)(.*)")


@dataclasses.dataclass
class LogLine:
    age_s: float
    level: str
    event: str
    rest: str


@dataclasses.dataclass
class Disk:
    """The file system of the state directory. `sync_s`: of one small file; None if it did not end in time, or if the
    directory cannot be written. `error` says why."""

    path: str
    free: int
    total: int
    sync_s: float | None = None
    error: str = ""


@dataclasses.dataclass
class Facts:
    """Of one node. None is an unknown value."""

    name: str
    local: bool = True
    state: str = "up"                # samples.state_of()
    pid: int | None = None
    pair: Pair | None = None
    not_ready: str = ""              # the reason of /readyz
    version: str | None = None
    open_files: tuple[int, int] | None = None  # in use, and the limit
    key_trouble: str = ""            # why the node cannot use its keys, or peers cannot know it
    ports: list[str] = dataclasses.field(default_factory=list)  # taken by other programs, while the node does not run
    log: list[LogLine] = dataclasses.field(default_factory=list)
    peers: list[str] = dataclasses.field(default_factory=list)
    address: str = ""                # of its bus
    changed: str = ""                # "restart" or "reload": what the present configuration needs
    pages_refused: bool = False      # it is ready, but its pages need another token

    @property
    def status(self) -> dict[str, Any] | None:
        return self.pair.newest.status if self.pair else None


@dataclasses.dataclass
class HerdFacts:
    herd: str
    nodes: list[Facts] = dataclasses.field(default_factory=list)
    program_version: str | None = None  # of the herd-node that a start would use
    config_mistakes: list[str] = dataclasses.field(default_factory=list)
    config_warnings: list[str] = dataclasses.field(default_factory=list)
    supervisor: str = ""             # what is wrong with it
    disk: Disk | None = None
    settled: bool = True             # False: digests differed all the time although no store changed

    @property
    def running(self) -> list[Facts]:
        """The nodes with a status."""
        return [node for node in self.nodes if node.status is not None]


def gather(herd: Herd, daemon: Daemon) -> HerdFacts:
    condition = daemon.condition()
    processes = samples.process_states(herd, daemon, condition)
    facts = HerdFacts(herd.name)
    facts.supervisor = str(daemon.trouble(condition)) if order.is_missed(daemon, condition) else ""
    steps = [threading.Thread(target=step, args=(herd, facts), daemon=True) for step in (_check, _examine_disk)]
    for thread in steps:
        thread.start()
    asked = samples.asked_nodes(herd)
    answers = probe.of_all(_ask, asked)
    deadline = time.monotonic() + CHECK_SECONDS
    facts.nodes = [_node(herd, daemon, node, processes.get(node.name), answers.get(node.name)) for node in herd.nodes]
    facts.settled = _settles(herd, facts)
    for thread in steps:
        thread.join(max(0.0, deadline - time.monotonic()))
    return facts


def of_broken_configuration(config: str, trouble: str) -> HerdFacts:
    """Nothing runs, and the configuration cannot be read."""
    return HerdFacts(pathlib.Path(config).name, config_mistakes=trouble.splitlines())


def _ask(node: Node) -> tuple[Pair, str, str | None]:
    """The samples, why it is not ready, and its version."""
    pair = samples.take_pair(node)
    reason, version = "", None
    deadline = time.monotonic() + probe.TIMEOUT / 2
    with contextlib.suppress(OSError):
        if not pair.newest.ready and pair.newest.status is not None:
            reason = probe.page(node, "/readyz", deadline)[1].decode(errors="replace").strip()
        if pair.newest.status is not None:
            metrics = probe.page(node, "/metrics", deadline)[1].decode(errors="replace")
            found = re.search(r'^herd_node_info\{[^}]*version="([^"]*)"', metrics, re.M)
            version = found[1] if found else None
    return pair, reason.partition(": ")[2], version


def _node(herd: Herd, daemon: Daemon, node: Node, process: dict[str, Any] | None,
          answer: tuple[Pair, str, str | None] | None) -> Facts:
    pair, reason, version = answer or (None, "", None)
    state = samples.state_of(node, process, pair.newest if pair else None)
    pid = process["pid"] or None if process else None
    facts = Facts(node.name, node.local, state, pid, pair, reason, version, peers=node.peers,
                  address=str(node.entry["bus_public"]))
    facts.pages_refused = bool(node.pages_need_token and pair and pair.newest.ready and pair.newest.status is None)
    if not node.local:
        return facts
    facts.key_trouble = _key_trouble(herd, node)
    facts.log = log_of(daemon, node)
    facts.open_files = _open_files(pid) if pid else None
    if pid is None:
        taken = ports.taken(node)
        facts.ports = [taken] if taken else []
    elif not herd.as_started:
        facts.changed = _changed(herd, node)
    return facts


def _changed(herd: Herd, node: Node) -> str:
    """What the node needs so that the present configuration is in force."""
    with contextlib.suppress(OSError):  # the program is missing
        present = {"restart": ("fingerprint", node.fingerprint(herd.binary)),
                   "reload": ("live", node.live_fingerprint())}
        for need, (kind, text) in present.items():
            if started.fingerprints(herd.state_dir, kind).get(node.name, text) != text:
                return need
    return ""


def _key_trouble(herd: Herd, node: Node) -> str:
    """Empty if the key files are as the node needs them, or if the bus is not encrypted."""
    if herd.keys_dir is None:
        return ""
    folder = KeyFolder(herd.keys_dir)
    try:
        pairs, public = folder.secrets(node.name), folder.public().nodes
    except Trouble as trouble:
        return str(trouble)
    if not pairs:
        return f"{folder.secret_path(node.name)} is missing"
    if pairs[0].public not in public.get(node.name, []):
        return f"{folder.public_path} does not contain the key in use of {node.name}"
    unknown = [peer for peer in node.peers if peer not in public]
    return f"{folder.public_path} has no key of its peer {', '.join(unknown)}" if unknown else ""


def log_of(daemon: Daemon, node: Node) -> list[LogLine]:
    """The lines at the end of the log of a node of this host."""
    file = node.settings.get("log.file")
    return (read_log(pathlib.Path(file), time.time()) if file else
            lines_of(daemon.log_end(node.name, LOG_BYTES), time.time()))


def read_log(path: pathlib.Path, now: float) -> list[LogLine]:
    """The lines at the end of a log that have an event; none without a file."""
    return lines_of(files.end_of(path, LOG_BYTES), now)


def lines_of(log: bytes, now: float) -> list[LogLine]:
    """The lines of a log that have an event."""
    parts = (_text_line(line) or _json_line(line) for line in log.decode(errors="replace").splitlines())
    return [_log_line(now, *found) for found in parts if found]


def _log_line(now: float, moment: str, level: str, event: str, rest: str) -> LogLine:
    return LogLine(now - calendar.timegm(time.strptime(moment[:19], "%Y-%m-%dT%H:%M:%S")), level, event, rest)


def _text_line(line: str) -> tuple[str, str, str, str] | None:
    match = LINE.match(line)
    return (match[1], match[2], match[3], match[4].strip()) if match else None


def _json_line(line: str) -> tuple[str, str, str, str] | None:
    """Of a log with `[log] format = "json"`."""
    if not line.startswith("{"):
        return None
    try:
        fields = json.loads(line)
        known = [str(fields.pop(key)) for key in ("time", "level", "event")]
        time.strptime(known[0][:19], "%Y-%m-%dT%H:%M:%S")
    except (ValueError, KeyError):  # the first line may be cut, and texts without an event have no such field
        return None
    fields.pop("node", None)
    return known[0], known[1], known[2], " ".join(f"{key}={value}" for key, value in fields.items())


def _open_files(pid: int) -> tuple[int, int] | None:
    try:
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
        found = re.search(r"^Max open files +(\d+)", limits, re.M)
        return (len(os.listdir(f"/proc/{pid}/fd")), int(found[1])) if found else None
    except OSError:
        return None


def _check(herd: Herd, facts: HerdFacts) -> None:
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        version = subprocess.run([herd.binary, "--version"], capture_output=True, text=True, check=False,
                                 timeout=CHECK_SECONDS)
        facts.program_version = version.stdout.split()[-1] if version.stdout.split() else None
        ran = subprocess.run([herd.binary, "--config", herd.config, "--check"], capture_output=True, text=True,
                             check=False, timeout=CHECK_SECONDS)
        lines = ran.stderr.strip().splitlines()
        if ran.returncode:
            facts.config_mistakes = lines or [f"herd-node --check ended with status {ran.returncode}"]
        else:
            facts.config_warnings = lines


def _examine_disk(herd: Herd, facts: HerdFacts) -> None:
    directory = herd.state_dir
    try:
        usage = shutil.disk_usage(directory)
    except OSError:
        return  # there is no state directory yet
    facts.disk = Disk(str(directory), usage.free, usage.total, error=f"a write of a small file takes more than"
                      f" {DISK_SECONDS:.0f} s")
    began = time.monotonic()
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"doctor")
            file.flush()
            os.fsync(file.fileno())
        facts.disk.sync_s, facts.disk.error = time.monotonic() - began, ""
    except OSError as error:
        facts.disk.error = error.strerror or str(error)


def _settles(herd: Herd, facts: HerdFacts) -> bool:
    """Whether the running nodes of the herd have equal digests at some moment, or their stores change all the time."""
    nodes = [node for node in samples.asked_nodes(herd) if facts_of(facts, node.name).status is not None]
    deadline = time.monotonic() + SETTLE_SECONDS
    seen: list[dict[str, Any]] = []
    while True:
        latest = probe.of_all(probe.read_status, nodes)
        statuses = {name: status for name, status in latest.items() if status}
        if len({status["digest"] for status in statuses.values()}) <= 1:
            return True
        seen.append({name: probe.updates(status) for name, status in statuses.items()})
        if time.monotonic() > deadline:
            return seen[0] != seen[-1]
        time.sleep(0.3)


def facts_of(facts: HerdFacts, name: str) -> Facts:
    return next(node for node in facts.nodes if node.name == name)
