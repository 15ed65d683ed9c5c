"""watch: the events of one WATCH as they come. If its node is lost, the watch resumes at the next one."""
from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from . import client_port, probe
from .client_port import ANSWER_SECONDS, Conversation, Lost
from .herd import Herd, Node
from .records import Sighting
from .show import safe
from .trouble import Trouble

TAG = b"scripts"
QUIET_SECONDS = 5.0  # without a line: then the node is asked whether it is there
PAUSE_SECONDS = 1.0  # between two attempts to find a node
OPTIONS = ("match", "slack", "dwell", "every", "beat")
OF_RECORDS = ("here", "enter", "move", "leave", "centre")
STOPPING = "stopping"  # why a watch ends when its node stops
ENDS = {"not allowed": "the token does not allow it any more: scripts/herd token list shows the tokens",
        "too many": "it has more members than the nodes allow: watch a smaller area, or use --match"}


class Event:
    """One line of the watch. ValueError if the line has another form."""

    def __init__(self, line: bytes):
        mark, tag, number, name, *rest = line.split(b" ", 4)
        if mark != b"!" or tag != TAG or not number.isdigit():
            raise ValueError("no event of this watch")
        self.number = number
        self.name = name.decode("ascii").lower()
        self.text = safe(rest[0]) if rest else ""  # a count, a reason, a time, or a client
        # A token with `level = "events"` gets only the client.
        self.sighting = Sighting.of(rest[0]) if self.name in OF_RECORDS and " " in self.text else None

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"event": self.name, "number": int(self.number)}
        if self.sighting:
            return shown | self.sighting.as_json()
        if self.name == "ready":
            return shown | {"count": int(self.text)}
        if self.name == "gone":
            return shown | {"client": self.text.removeprefix("reset ")}
        return shown | {{"tick": "time", "end": "reason"}.get(self.name, "client"): self.text}

    def as_text(self) -> str:
        if not self.sighting:
            return f"{self.name:<8}{self.text}"
        record, km = self.sighting.record, self.sighting.km
        circle = f"{km:>10} km  {self.sighting.direction:<10}" if km is not None else ""
        return f"{self.name:<8}{circle}{record.client}  {record.coordinates}  {record.age(time.time())}  {record.node}"


class Watcher:
    """Keeps one watch alive at some node, and prints its events."""

    def __init__(self, herd: Herd, given: Any):
        """`given` is the command line: what, match, slack, dwell, every, beat, once, json, node."""
        self.herd = herd
        self.given = given
        self.token = client_port.token(herd)
        self.nodes = client_port.candidates(herd, None)  # in the order in which they are tried
        if given.node:
            [first] = client_port.candidates(herd, given.node)
            self.nodes = [first] + [node for node in self.nodes if node is not first]
        self.feed = b""
        self.number = b"0"      # of the last event: where to resume
        self.has_begun = False  # whether a node has accepted the watch

    def run(self) -> int:
        """Returns when the snapshot is complete, if only that is asked for; else it ends by Trouble or Ctrl-C."""
        while True:
            with self._open() as conversation:
                try:
                    self._begin(conversation)
                    if self._follow(conversation):
                        return 0
                except Lost as lost:
                    self._leave(conversation.node, lost)
                except ValueError:
                    raise Trouble(f"{conversation.node.name} answers WATCH in another form: is it a node of another"
                                  " release? Restart it with scripts/herd restart") from None

    def _open(self) -> Conversation:
        """Waits for a node; before the watch has begun, only for seconds."""
        is_noted = False
        while (conversation := client_port.open_first(self.nodes, self.token)) is None:
            if not self.has_begun:
                raise client_port.no_answer(self.herd)
            if not is_noted:
                print("scripts/herd: no node answers: trying again until one does, or Ctrl-C", file=sys.stderr)
                is_noted = True
            time.sleep(PAUSE_SECONDS)
        return conversation

    def _leave(self, node: Node, lost: Lost) -> None:
        """Takes the next node. Before the watch has begun, each one is tried once."""
        self.nodes = [other for other in self.nodes if other is not node]
        if self.has_begun:
            self.nodes.append(node)
            print(f"scripts/herd: {node.name} {lost}: the watch goes on at another node", file=sys.stderr)
            time.sleep(PAUSE_SECONDS)

    def _begin(self, conversation: Conversation) -> None:
        """Sends WATCH and reads its answer. Trouble if the first node refuses it; Lost if a later one does, which may
        not know the client in the middle yet."""
        words = [self.given.what, *(f"{name}={value}" for name in OPTIONS if (value := getattr(self.given, name)))]
        place = b" from=" + self.feed + b":" + self.number if self.number != b"0" else b""
        conversation.send(b"WATCH " + TAG + b" " + os.fsencode(" ".join(words)) + place)
        reply = conversation.line(ANSWER_SECONDS)
        if reply.startswith(b"? "):
            reason = f"refuses the watch: {conversation.why()}"
            raise Lost(reason) if self.has_begun else Trouble(f"{conversation.node.name} {reason}")
        word, tag, self.feed, state = reply.split(b" ")
        if (word, tag) != (b"WATCHING", TAG):
            raise ValueError("no answer to WATCH")
        self.has_begun = True
        name, state_text = conversation.node.name, safe(state)
        self._show({"event": "watching", "node": name, "feed": safe(self.feed), "state": state_text},
                   f"Watching {safe(self.given.what)} at {name}: {state_text}")

    def _follow(self, conversation: Conversation) -> bool:
        """Prints events. Returns True when the snapshot is complete, if only that is asked for."""
        is_asked = False  # whether the node was asked if it is there
        while True:
            lines = conversation.lines(probe.TIMEOUT if is_asked else QUIET_SECONDS)
            if not lines and is_asked:
                raise Lost("does not answer")
            is_asked = not lines
            if is_asked:
                conversation.send(b"PING")
            for event in [Event(line) for line in lines if line.startswith(b"! ")]:
                self._take(event)
                if event.name == "ready" and self.given.once:
                    return True
            sys.stdout.flush()

    def _take(self, event: Event) -> None:
        if event.name == "end" and event.text == STOPPING:
            raise Lost("stops")
        if event.name == "end":
            raise Trouble(f"the watch has ended ({event.text}): {ENDS.get(event.text, 'see scripts/herd logs')}")
        self._show(event.as_json(), event.as_text())
        self.number = event.number

    def _show(self, document: dict[str, Any], text: str) -> None:
        print(json.dumps(document) if self.given.json else text)


def watch(herd: Herd, given: Any) -> int:
    """The whole command; Ctrl-C is its usual end."""
    try:
        return Watcher(herd, given).run()
    except KeyboardInterrupt:
        return 0
