"""Reading the monitors of several nodes with one subscriber: the events of docs/MONITORING.md, the losses, and which
nodes are silent. Monitors beyond loopback are encrypted: they need the file of a viewer (scripts/herd keygen --viewer).

python3-zmq is needed only here, so it is imported only by the commands that read monitors."""
from __future__ import annotations

import dataclasses
import datetime
import json
import pathlib
import sys
import time
import tomllib
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Any

from . import order, ports
from .herd import Herd, Node, is_loopback, reachable
from .show import safe
from .trouble import BAD_USAGE, NONE_RUNNING, Trouble

try:
    import zmq
except ImportError:
    raise Trouble("the monitors speak ZeroMQ: install Debian's python3-zmq, or run scripts/deps") from None

LEVELS = ("INFO", "WARNING", "ERROR")
KINDS = ("stats", "client", "peer", "places", "node")
STATS = "herd.INFO.stats."  # once per second from each node: also the sign that it is there
FIRST_SECONDS = 5.0   # for the first event of any node
SILENT_SECONDS = 3.0  # after this a node without an event is named, if another one has sent some
MAX_EVENT_BYTES = 1 << 20
MAX_QUEUED = 100_000  # events that wait for this program; beyond it they are lost, and counted by `seq`


@dataclasses.dataclass(frozen=True)
class Event:
    """One message of a monitor. `fields` has v, node, seq, timestamp, event and those of the event."""

    topic: str
    node: str
    name: str
    fields: dict[str, Any]

    @staticmethod
    def of(frames: Sequence[bytes]) -> Event:
        """ValueError for anything else."""
        topic, body = frames
        fields = json.loads(body)
        return Event(topic.decode("utf-8"), str(fields["node"]), str(fields["event"]), fields)

    @property
    def level(self) -> str:
        return self.topic.split(".")[1]

    @property
    def kind(self) -> str:
        return self.topic.split(".")[2]


@dataclasses.dataclass(frozen=True)
class Source:
    """A monitor. `key`: the public key of its node if the monitor is encrypted."""

    node: str
    endpoint: str
    key: str | None = None


@dataclasses.dataclass(frozen=True)
class ViewerKeys:
    public: str
    secret: str = dataclasses.field(repr=False)


def prefixes_of(topic: str | None) -> list[str]:
    """The prefixes to subscribe to for a topic, a kind or a level; all events without one."""
    if topic is None:
        return ["herd."]
    if topic in KINDS:
        return [f"herd.{level}.{topic}." for level in LEVELS]
    if topic.upper() in LEVELS:
        return [f"herd.{topic.upper()}."]
    if topic.startswith("herd."):
        return [topic]
    raise Trouble(f"{topic!r} is no topic: write a kind ({', '.join(KINDS)}), a level ({', '.join(LEVELS)}), or the"
                  " beginning of a topic such as herd.INFO.client.Hill", BAD_USAGE)


def read_viewer(path: str) -> tuple[ViewerKeys, list[Source]]:
    """The keys and nodes of NAME.viewer."""
    try:
        table = tomllib.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        return (ViewerKeys(table["public"], table["secret"]),
                [Source(node["name"], node["monitor"], node["public"]) for node in table["node"]])
    except OSError as error:
        raise Trouble(f"{path} cannot be read ({error.strerror}): name a file that scripts/herd keygen --viewer NAME"
                      " makes", BAD_USAGE) from None
    except (ValueError, KeyError, TypeError):
        raise Trouble(f"{path} is no file of a viewer: scripts/herd keygen --viewer NAME makes one",
                      BAD_USAGE) from None


def _endpoint(node: Node) -> str:
    assert node.monitor is not None
    host, port = reachable(node.monitor)
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"


def sources_of(herd: Herd, viewer: str | None, chosen: Collection[str]) -> tuple[ViewerKeys | None, list[Source]]:
    """The monitors that can be read from here, of the `chosen` nodes or of all. Names the others, and why; Trouble if
    there is none."""
    keys, encrypted = read_viewer(viewer) if viewer else (None, [])
    known = {source.node: source for source in encrypted}
    found, missing = [], []
    for node in [herd.find(name) for name in chosen] or herd.nodes:
        if node.name in known:
            found.append(known[node.name])
        elif node.monitor is None:
            missing.append(f"{node.name} has no `monitor`")
        elif not is_loopback(node.monitor[0]):
            missing.append(f"the monitor of {node.name} is encrypted: add --viewer FILE, which scripts/herd keygen"
                           " --viewer NAME makes")
        elif not node.local:
            missing.append(f"the monitor of {node.name} is a loopback address of another host")
        else:
            found.append(Source(node.name, _endpoint(node)))
    if not found:
        raise Trouble("no monitor can be read: " + "; ".join(missing), BAD_USAGE)
    for sentence in missing:
        print(f"scripts/herd: {sentence}", file=sys.stderr)
    return keys, found


def require_one(herd: Herd, sources: Sequence[Source]) -> None:
    """Trouble if all of these nodes are of this host and none runs, because no process listens at their monitors."""
    nodes = [herd.find(source.node) for source in sources]
    if any(not node.local or node.monitor is None or ports.is_used(node.monitor[1]) for node in nodes):
        return
    names = ", ".join(node.name for node in nodes)
    raise Trouble(f"{names} {'does not run' if len(nodes) == 1 else 'do not run'}: scripts/herd up starts"
                  f" {'it' if len(nodes) == 1 else 'them'}", NONE_RUNNING)


class Viewer:
    """A subscriber of several monitors (a context manager). Names silent nodes, and lost events, on standard error."""

    def __init__(self, herd: Herd, sources: Sequence[Source], keys: ViewerKeys | None, prefixes: Sequence[str]):
        self.herd = herd
        self.sources = {source.node: source for source in sources}
        self._prefixes = tuple(prefixes)
        self._sequence: dict[str, int] = {}  # the last `seq` of each topic
        self._began = time.monotonic()
        self._seen = dict.fromkeys(self.sources, self._began)  # when each node sent its last event
        self._heard: set[str] = set()   # nodes that have sent an event
        self._silent: set[str] = set()  # nodes that were named
        self._context: Any = zmq.Context()
        self._socket: Any = self._context.socket(zmq.SUB)
        self._socket.linger = 0
        self._socket.rcvhwm = MAX_QUEUED
        self._socket.maxmsgsize = MAX_EVENT_BYTES
        if any(":" in source.endpoint.removeprefix("tcp://").rpartition(":")[0] for source in sources):
            self._socket.ipv6 = True
        for prefix in {STATS, *prefixes}:
            self._socket.subscribe(prefix)
        for source in sorted(sources, key=lambda source: source.key is not None):
            self._connect(source, keys)

    def _connect(self, source: Source, keys: ViewerKeys | None) -> None:
        if source.key and keys:  # for this connection and all later ones, so plain monitors come first
            self._socket.curve_publickey, self._socket.curve_secretkey = keys.public.encode(), keys.secret.encode()
            self._socket.curve_serverkey = source.key.encode()
        self._socket.connect(source.endpoint)

    def receive(self, seconds: float) -> Event | None:
        """The next event that was asked for; None after `seconds`. Trouble if no node sends anything at all."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            ready = self._socket.poll(max(1, min(200, round(left * 1000))))
            event = self._read() if ready else None
            self._watch_silence()
            if event and event.topic.startswith(self._prefixes):
                return event
        return None

    def _read(self) -> Event | None:
        try:
            event = Event.of(self._socket.recv_multipart())
        except (ValueError, KeyError, TypeError):
            return None  # another program
        if event.node in self._silent:
            self._silent.discard(event.node)
            print(f"scripts/herd: {event.node} sends events again", file=sys.stderr)
        self._seen[event.node] = time.monotonic()
        self._heard.add(event.node)
        self._count(event)
        return event

    def _count(self, event: Event) -> None:
        number = event.fields.get("seq")
        if not isinstance(number, int):
            return
        last = self._sequence.get(event.topic)
        self._sequence[event.topic] = number
        if last is not None and number > last + 1:
            print(f"scripts/herd: {number - last - 1} events of {safe(event.topic)} were lost: this reader is too"
                  " slow for them", file=sys.stderr)

    def _watch_silence(self) -> None:
        now = time.monotonic()
        if not self._heard:
            if now - self._began > FIRST_SECONDS:
                raise self._no_event()
            return
        silent = {node for node, seen in self._seen.items() if now - seen > SILENT_SECONDS} - self._silent
        if not silent:
            return
        self._silent |= silent
        frozen = {node.name: node.pid for node in order.frozen_nodes(self.herd.state_dir, silent)}
        for node in sorted(silent):
            why = (f"(process {frozen[node]}) is frozen: kill -CONT {frozen[node]} continues it" if node in frozen
                   else "sends nothing: see scripts/herd status")
            print(f"scripts/herd: {node} {why}", file=sys.stderr)

    def _no_event(self) -> Trouble:
        """The error if no node sends anything; names the frozen nodes."""
        names = ", ".join(self.sources)
        frozen = [node for node in order.frozen_nodes(self.herd.state_dir, self.sources) if node.name in self.sources]
        if not frozen:
            return Trouble(f"no monitor of {names} sends anything: see scripts/herd status", NONE_RUNNING)
        which = ", ".join(f"{node.name} (process {node.pid})" for node in frozen)
        pids = " ".join(str(node.pid) for node in frozen)
        one = len(frozen) == 1
        return Trouble(f"no monitor of {names} sends anything; {which} {'is' if one else 'are'} frozen:"
                       f" kill -CONT {pids} continues {'it' if one else 'them'}", NONE_RUNNING)

    def require_event(self) -> None:
        """Waits until some node has sent an event, and discards that event. Trouble if none has sent one FIRST_SECONDS
        after the beginning."""
        while not self._heard and (left := self._began + FIRST_SECONDS - time.monotonic()) > 0:
            if self._socket.poll(max(1, round(left * 1000))):
                self._read()
        if not self._heard:
            raise self._no_event()

    def silent_nodes(self) -> list[str]:
        """The nodes that have not sent anything for SILENT_SECONDS."""
        return sorted(self._silent)

    def heard_all(self) -> bool:
        """Whether each node has sent an event: then its subscriptions are in force."""
        return self._heard >= set(self.sources)

    def close(self) -> None:
        self._context.destroy(linger=0)

    def __enter__(self) -> Viewer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def microseconds(event: Event) -> int:
    """The timestamp of an event, in microseconds since 1970. ValueError if it has another form."""
    moment = datetime.datetime.strptime(event.fields["timestamp"], "%Y-%m-%dT%H:%M:%S.%fZ")
    since = moment.replace(tzinfo=datetime.timezone.utc) - datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
    return since // datetime.timedelta(microseconds=1)
