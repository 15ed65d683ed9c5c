"""export: all records of a running node, as lines of JSON."""
from __future__ import annotations

import contextlib
import os
import pathlib
import sys
import time
from collections.abc import Iterator
from typing import Any, TextIO

from . import client_port, record_lines
from .client_port import ANSWER_SECONDS, Conversation, Lost
from .herd import Herd
from .record_lines import Exported
from .trouble import PERMISSIONS, Trouble, writing

COMMAND, TAG = b"WATCH export ALL", b"export"
RECORDS = (b"HERE", b"ENTER", b"MOVE")
LINES_AT_ONCE = 1000


def _records(conversation: Conversation) -> Iterator[Exported]:
    """The snapshot of a watch of all clients: what a node sends before READY is complete, also while clients report. A
    client that reports in between may come twice, the newer record last. ValueError for a wrong answer."""
    conversation.send(COMMAND)
    answer = conversation.line(ANSWER_SECONDS)
    if answer.startswith(b"? "):
        raise Trouble(f"{conversation.node.name} refuses to show all records: {conversation.why()}")
    while True:
        mark, tag, _, name, *rest = conversation.line(ANSWER_SECONDS).split(b" ", 4)
        if mark != b"!" or tag != TAG:
            raise ValueError("no event of this watch")
        if name == b"READY":
            return
        if name == b"END":
            raise Lost("stops")
        if name in RECORDS and not rest[0].startswith(b"AT "):
            raise Trouble("the token in $HERD_TOKEN may see only events: use one of level latest or all")
        if name in RECORDS:
            yield Exported.of_line(rest[0])


@contextlib.contextmanager
def _output(path: str | None) -> Iterator[TextIO]:
    """Standard output, or a file that replaces an older one only when it is complete."""
    if path is None or path == "-":
        yield sys.stdout
        return
    target = pathlib.Path(path)
    fresh = target.with_name(target.name + ".new")
    with writing(target, PERMISSIONS + "write to another directory"):
        try:
            with open(fresh, "w", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, target)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise


def _write(conversation: Conversation, herd: Herd, output: TextIO) -> int:
    """Returns the number of records."""
    output.write(record_lines.head(herd.name, conversation.node.name, time.time()) + "\n")
    count, lines = 0, []
    for record in _records(conversation):
        lines.append(record_lines.as_json(record))
        if len(lines) == LINES_AT_ONCE:
            output.write("\n".join(lines) + "\n")
            count, lines = count + len(lines), []
    count += len(lines)
    output.write("\n".join([*lines, record_lines.end(count)]) + "\n")
    output.flush()
    return count


def export(herd: Herd, given: Any) -> int:
    """`given` is the command line: output, node."""
    conversation = client_port.open_first(client_port.candidates(herd, given.node), client_port.token(herd))
    if conversation is None:
        raise client_port.no_answer(herd, given.node)
    name = conversation.node.name
    with conversation, _output(given.output) as output:
        try:
            count = _write(conversation, herd, output)
        except Lost as lost:
            raise Trouble(f"{name} {lost}: the export is not complete; try again with --node and another"
                          " node") from None
        except ValueError:
            raise Trouble(f"{name} answers WATCH in another form: is it a node of another release?") from None
    print(f"{count} records of {name}", file=sys.stderr)
    return 0
