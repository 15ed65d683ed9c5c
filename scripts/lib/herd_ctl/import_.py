"""import: reports the records of an export to a running node, each with its own time."""
from __future__ import annotations

import collections
import contextlib
import itertools
import json
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from . import client_port, record_lines
from .client_port import Conversation, Lost
from .herd import Herd
from .record_lines import Exported
from .show import safe
from .trouble import BAD_USAGE, Trouble

AT_ONCE = 500          # records that are asked for, and then reported, before their replies are awaited
REPLY_SECONDS = 10.0   # at `ack = "fsync"` with replicas a reply may take `ack_timeout`
SHOWN_REFUSALS = 5


class Importer:
    """Counts: `stored`, `known` (this record or a newer one is there already), `refused`."""

    def __init__(self, conversation: Conversation):
        self.conversation = conversation
        self.counts: collections.Counter[str] = collections.Counter(stored=0, known=0, refused=0)

    def take(self, records: list[Exported]) -> None:
        """Reports those records of which the node has no newer one."""
        answers = self._exchange([b"WHEREIS " + record.client for record in records])
        if len(answers) != len(records):
            raise ValueError("not one answer for each WHEREIS")
        wanted = [record for record, answer in zip(records, answers) if _is_newer(record, answer)]
        self.counts["known"] += len(records) - len(wanted)
        replies = self._exchange([record.iamat() for record in wanted])
        if len(replies) == len(wanted) and not any(reply.startswith(b"? ") for reply in replies):
            self.counts["stored"] += len(wanted)
            return
        for record in wanted:  # the node is silent about wrong ones: find out which, one by one
            self._take_one(record)

    def _take_one(self, record: Exported) -> None:
        [reply] = self._exchange([record.iamat()]) or [b"? "]
        if not reply.startswith(b"? "):
            self.counts["stored"] += 1
            return
        self.counts["refused"] += 1
        if self.counts["refused"] <= SHOWN_REFUSALS:
            print(f"scripts/herd: {self.conversation.node.name} refuses {safe(record.client)} at"
                  f" {record.time}: {self.conversation.why()}", file=sys.stderr)

    def _exchange(self, lines: list[bytes]) -> list[bytes]:
        """The replies to these commands; a PING shows their end."""
        if not lines:
            return []
        self.conversation.send(b"\n".join([*lines, b"PING"]))
        return list(iter(lambda: self.conversation.line(REPLY_SECONDS), b"PONG"))


def _is_newer(record: Exported, answer: bytes) -> bool:
    """Whether the record is newer than that of WHEREIS. ValueError if that is no answer."""
    if answer.startswith(b"? "):
        return True
    return record.order > Exported.of_line(answer).order


def _chunks(records: Iterator[Exported]) -> Iterator[list[Exported]]:
    """Of AT_ONCE records. If the file has a mistake, the records before it come first, then the Trouble."""
    while True:
        chunk: list[Exported] = []
        try:
            for record in itertools.islice(records, AT_ONCE):
                chunk.append(record)
        except Trouble as trouble:
            yield chunk
            raise trouble
        if not chunk:
            return
        yield chunk


@contextlib.contextmanager
def _input(path: str) -> Iterator[TextIO]:
    if path == "-":
        yield sys.stdin
        return
    try:
        file = open(path, encoding="ascii")
    except OSError as error:
        raise Trouble(f"{path} cannot be read ({error.strerror}): name a file of scripts/herd export, or - for the"
                      " standard input", BAD_USAGE) from None
    with file:
        yield file


def import_(herd: Herd, given: Any) -> int:
    """`given` is the command line: file, node, json. The exit status is 1 if a record was refused."""
    conversation = client_port.open_first(client_port.candidates(herd, given.node), client_port.token(herd))
    if conversation is None:
        raise client_port.no_answer(herd, given.node)
    name = conversation.node.name
    importer = Importer(conversation)
    with conversation, _input(given.file) as lines:
        records = record_lines.read(lines, given.file if given.file != "-" else "standard input")
        try:
            for chunk in _chunks(records):
                importer.take(chunk)
        except Lost as lost:
            raise Trouble(f"{name} {lost}: run this again, with --node and another node; what is imported already is"
                          " left out") from None
        except UnicodeDecodeError:
            raise Trouble(f"{given.file} is no file of scripts/herd export: it is not plain ASCII") from None
        except ValueError:
            raise Trouble(f"{name} answers in another form: is it a node of another release?") from None
    counts = dict(importer.counts)
    if given.json:
        print(json.dumps({"node": name, "records": sum(counts.values())} | counts))
    else:
        print(f"{sum(counts.values())} records for {name}: {counts['stored']} stored, {counts['known']} known already"
              f" or older, {counts['refused']} refused")
    return 1 if counts["refused"] else 0
