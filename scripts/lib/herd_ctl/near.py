"""near: the clients inside a circle, nearest first, as one node answers NEAR."""
from __future__ import annotations

import dataclasses
import json
import os
import re
import time
from typing import Any

from . import client_port
from .client_port import ANSWER_SECONDS, Conversation, Lost
from .herd import Herd
from .records import Record, Sighting
from .show import safe, table
from .trouble import Trouble

PAGE = 1000  # the most clients that one answer of a node has
UNSIGNED_POINT = re.compile(rb"\d+(\.\d*)?[+-]\d")


@dataclasses.dataclass
class Answer:
    node: str
    centre: Record | None = None  # if the centre is a client
    found: list[Sighting] = dataclasses.field(default_factory=list)
    has_more: bool = False


def question(given: Any, most: int, cursor: str) -> bytes:
    """The command for the next `most` clients; `given` is the command line."""
    words = ["NEAR", given.centre, given.km, str(most)]
    for name, value in (("match", given.match), ("newer", given.newer), ("after", cursor)):
        if value:
            words.append(f"{name}={value}")
    return os.fsencode(" ".join(words))


def _page(conversation: Conversation, answer: Answer, line: bytes) -> tuple[list[Sighting], str]:
    """Asks once. Returns the clients, and the cursor, which is empty at the end. ValueError for a wrong answer."""
    conversation.send(line)
    reply = conversation.line(ANSWER_SECONDS)
    if reply.startswith(b"? "):
        sign = ". Or is it a point? Then it begins with + or -" if UNSIGNED_POINT.match(line.split()[1]) else ""
        raise Trouble(f"{conversation.node.name} refuses the question: {conversation.why()}{sign}")
    if reply.startswith(b"AT "):
        answer.centre = Record.of(reply)
        reply = conversation.line(ANSWER_SECONDS)
    found = []
    while not reply.startswith(b"END "):
        word, rest = reply.split(b" ", 1)
        if word != b"IS":
            raise ValueError("no line of an answer")
        found.append(Sighting.of(rest))
        reply = conversation.line(ANSWER_SECONDS)
    _, _, *cursor = reply.split(b" ")
    return found, cursor[0].decode("ascii") if cursor else ""


def ask(conversation: Conversation, given: Any) -> Answer:
    """The whole answer, page by page. If clients move while it is read, each is shown once."""
    answer = Answer(conversation.node.name)
    known: dict[str, Sighting] = {}
    cursor = ""
    while len(known) < given.max:
        page, cursor = _page(conversation, answer, question(given, min(PAGE, given.max - len(known)), cursor))
        for one in page:
            known.setdefault(one.record.client, one)
        if not cursor or not page:
            break
    answer.found, answer.has_more = list(known.values()), bool(cursor)
    return answer


def near(herd: Herd, given: Any) -> int:
    """`given` is the command line: centre, km, max, match, newer, node, json."""
    nodes, token = client_port.candidates(herd, given.node), client_port.token(herd)
    while True:
        conversation = client_port.open_first(nodes, token)
        if conversation is None:
            raise client_port.no_answer(herd, given.node)
        with conversation:
            try:
                answer = ask(conversation, given)
                break
            except Lost as lost:
                nodes = [node for node in nodes if node is not conversation.node]
                if not nodes:
                    raise Trouble(f"{conversation.node.name} {lost}: see scripts/herd status") from None
            except ValueError:
                raise Trouble(f"{conversation.node.name} answers NEAR with something else: is it a node of another"
                              " release? Restart it with scripts/herd restart") from None
    if given.json:
        print(json.dumps(_document(given, answer), indent=2))
    else:
        _print(given, answer)
    return 0


def _document(given: Any, answer: Answer) -> dict[str, Any]:
    now = time.time()

    def aged(record: Record) -> dict[str, Any]:
        return {"age_s": round(now - float(record.time), 3)}

    centre = answer.centre
    return {"answered_by": answer.node, "centre": safe(given.centre), "km": float(given.km),
            "centre_record": centre.as_json() | aged(centre) if centre else None,
            "clients": [one.as_json() | aged(one.record) for one in answer.found], "has_more": answer.has_more}


def _print(given: Any, answer: Answer) -> None:
    now, centre = time.time(), answer.centre
    if centre:
        print(f"{centre.client} at {centre.coordinates}, {centre.age(now)} old, reported to {centre.node}")
    if answer.found:
        print(table(["KM", "BEARING", "CLIENT", "COORDINATES", "AGE", "NODE"],
                    [[one.km, one.direction, one.record.client, one.record.coordinates, one.record.age(now),
                      one.record.node] for one in answer.found], right=("KM", "AGE")))
    count = len(answer.found)
    clients = f"client{'s' if count > 1 else ''} within {given.km} km of {safe(given.centre)}, by {answer.node}"
    print(f"The nearest {count} {clients}; there are more (--max)" if answer.has_more else f"{count or 'No'} {clients}")
