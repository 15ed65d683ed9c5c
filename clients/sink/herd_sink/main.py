"""The command herd-sink."""
from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import ssl
import sys
import types
from collections.abc import Awaitable, Callable

from herd_client import Herd, HerdError

from . import schema, settings
from .batch import Bounds
from .json_lines import JsonLines, read_place
from .sink import Sink, Target, watch_maker, watch_text
from .trouble import BAD_USAGE, FAILED, Trouble

STOP_SECONDS = 10.0  # for the batch that is being written, after SIGTERM

log = logging.getLogger("herd-sink")


def main(words: list[str] | None = None) -> int:
    try:
        given = settings.read(words)
        if given.print_sql:
            print(schema.CREATE.strip() + schema.CREATE_POINTS.rstrip())
            return 0
        logging.basicConfig(
            level=given.log_level.upper(),
            stream=sys.stderr,
            format="%(asctime)s %(levelname)s %(message)s",
        )
        if given.status:
            return asyncio.run(_show_status(given))
        return asyncio.run(_run(given))
    except Trouble as trouble:
        print(f"herd-sink: {trouble}", file=sys.stderr)
        return trouble.status
    except HerdError as error:
        print(f"herd-sink: {error}", file=sys.stderr)
        return FAILED
    except ValueError as error:  # of an address, a pattern or a token
        print(f"herd-sink: {error}", file=sys.stderr)
        return BAD_USAGE
    except KeyboardInterrupt:
        return 0


def _opener(
    given: argparse.Namespace, watch: str, sees_all: bool
) -> Callable[[], Awaitable[Target]]:
    """A function that opens the target where it is now."""
    if given.output is None:
        postgres = _postgres()

        async def open_database() -> Target:
            opened: Target = await postgres.Postgres.open(
                given.database, given.schema, watch, sees_all, given.database_timeout
            )
            return opened

        return open_database
    last: list[JsonLines] = []  # the former output of this process, at most one

    async def open_output() -> Target:
        previous = last[0].place if last else None
        last[:] = [await JsonLines.open(given.output, watch, given.cursor_file, sees_all, previous)]
        return last[0]

    return open_output


async def _run(given: argparse.Namespace) -> int:
    context = ssl.create_default_context(cafile=given.ca) if given.tls or given.ca else None
    watch = watch_text(given.match, given.every)
    counts = given.match is None and given.every is None
    bounds = Bounds(given.batch_rows, given.batch_bytes, given.batch_ms / 1000)
    async with Herd(
        given.nodes, token=os.environ.get("HERD_TOKEN") or None, tls=context, timeout=given.node_timeout
    ) as herd:
        sink = Sink(
            watch_maker(herd, given.match, given.every), _opener(given, watch, counts), bounds
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _stop, sink)
        loop.add_signal_handler(signal.SIGHUP, sink.reopen)
        await sink.run()
    log.info("stopped: %d events written", sink.rows)
    return 0


def _stop(sink: Sink) -> None:
    sink.stop()
    asyncio.get_running_loop().call_later(STOP_SECONDS, _end_at_once)


def _end_at_once() -> None:
    """The target takes nothing. A kill loses nothing either: the target has the cursor."""
    log.warning("the target does not take the last batch: ended without it")
    os._exit(FAILED)


async def _show_status(given: argparse.Namespace) -> int:
    if given.output is None:
        shown = await _postgres().read_status(given.database, given.schema)
    else:
        shown = read_place(given.output, given.cursor_file)
    if given.json:
        print(json.dumps(shown))
    else:
        for name, value in shown.items():
            print(f"{name:<10} {'-' if value is None else value}")
    return 0


def _postgres() -> types.ModuleType:
    """The module needs psycopg, which a sink of JSON lines does not."""
    try:
        from . import postgres
    except ImportError:
        raise Trouble(
            "--database needs psycopg 3: apt-get install python3-psycopg, and Debian's Python"
        ) from None
    return postgres
