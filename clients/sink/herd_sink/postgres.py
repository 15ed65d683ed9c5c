"""PostgreSQL as the target: positions, history and cursor change in one transaction."""
from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import logging
import os
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any

import psycopg
from herd_client import Cursor, Event, Record
from psycopg import sql

from . import schema
from .batch import last_address
from .postgres_errors import of_connection, of_session, text_of
from .steps import Begin, Ready, Removals, Reports, steps_of
from .texts import readable
from .trouble import Away, Trouble

CONNECT_SECONDS = 10.0

# The column of points rewrites the table. If one of these stops that, the session can go on.
WITHOUT_POINTS = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.QueryCanceled,  # it takes longer than --database-timeout
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DiskFull,
)

log = logging.getLogger("herd-sink")


@dataclasses.dataclass
class State:
    """The row of herd_cursor."""

    watch: str
    feed: str | None
    address: str | None  # of the node with this feed
    number: int
    generation: int  # of the snapshot that the positions belong to
    is_complete: bool  # whether that snapshot is
    pending: int  # changes after `number` that are written: a resumed watch gives no numbers
    reports: int  # rows of reports in the history
    conflated: int | None
    snapshots: int
    version: int

    @property
    def cursor(self) -> Cursor | None:
        return Cursor(self.feed, int(self.number)) if self.feed else None

    def begin(self) -> None:
        """A new snapshot. Changes between the feeds cannot be counted."""
        self.feed, self.number, self.pending = None, 0, 0
        self.generation += 1
        self.snapshots += 1
        self.is_complete = False

    def ready(self, cursor: Cursor | None) -> None:
        """A new snapshot is complete: from here on, changes are counted."""
        self.is_complete = True
        self.feed, self.number = cursor or (None, 0)
        self.pending = 0

    def advance(self, cursor: Cursor | None, written: int) -> None:
        """`written` changes of the feed are in the tables. Others up to `cursor` were conflated."""
        if not self.is_complete or cursor is None:
            return
        if self.feed is None:  # the feed was empty when the snapshot began
            self.feed, self.number = cursor
        elif cursor.number == self.number:
            self.pending += written
        else:
            missed = cursor.number - int(self.number) - self.pending - written
            if self.conflated is not None:
                self.conflated += max(0, missed)
            self.number, self.pending = cursor.number, 0


def as_row(place: int, record: Record) -> dict[str, Any]:
    latitude, longitude = record.point
    return {
        "n": place,
        "client": readable(record.client),
        "time_ns": record.time_ns,
        "coordinates": record.coordinates,
        "latitude": latitude,
        "longitude": longitude,
        "node": record.node,
        "difference": record.difference,
    }


class Postgres:
    """One session. After an Away it is of no use: open another one, which reads where the database
    is."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], timeout: float):
        self._connection = connection
        self._timeout = timeout
        self.state: State

    @classmethod
    async def open(
        cls, database: str, schema_name: str, watch: str, counts: bool, timeout: float
    ) -> Postgres:
        """Connects, makes missing tables, and reads the cursor. Away if the database is not there,
        Trouble if it refuses. `counts`: whether conflated changes can be counted."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = await psycopg.AsyncConnection.connect(
                    database,
                    application_name="herd-sink",
                    autocommit=True,
                    connect_timeout=10,
                    prepare_threshold=None,
                    keepalives_idle=30,
                    tcp_user_timeout=int(timeout * 1000),
                )
        except TimeoutError:
            raise Away(f"the database does not answer within {CONNECT_SECONDS:g} s") from None
        except psycopg.ProgrammingError as error:
            raise Trouble(f"--database is no connection string: {text_of(error)}") from None
        except psycopg.Error as error:
            raise of_connection(error) from None
        opened = cls(connection, timeout)
        try:
            await opened._prepare(schema_name, watch, counts)
        except BaseException:
            await opened.close()
            raise
        return opened

    @property
    def cursor(self) -> Cursor | None:
        return self.state.cursor

    @property
    def address(self) -> str | None:
        return self.state.address

    @property
    def conflated(self) -> int | None:
        return self.state.conflated

    def count_no_more(self) -> None:
        self.state.conflated = None

    async def close(self) -> None:
        with contextlib.suppress(psycopg.Error):
            await self._connection.close()

    async def write(self, events: list[Event]) -> None:
        """One transaction. After an error, the state of this object may be wrong."""
        state = self.state
        async with self._deadline(), self._connection.transaction():
            written = 0
            state.address = last_address(events) or state.address
            for step in steps_of(events):
                if isinstance(step, Begin):
                    state.begin()
                elif isinstance(step, Reports):
                    written += await self._write_reports(step)
                elif isinstance(step, Removals):
                    clients = [readable(client) for client in step.clients]
                    written += await self._execute(
                        schema.REMOVE, {"clients": clients, "event": step.event}
                    )
                elif isinstance(step, Ready) and not state.is_complete:
                    await self._execute(schema.SWEEP, {"generation": state.generation})
                    state.ready(step.cursor)
                    written = 0
            state.advance(events[-1].cursor, written)
            if await self._execute(schema.WRITE_STATE, dataclasses.asdict(state)) != 1:
                raise Trouble(
                    "another herd-sink has written to this schema: stop it, or use another --schema"
                )
        state.version += 1

    async def _write_reports(self, step: Reports) -> int:
        """How many changes that is: one for each row, unless the database has exactly it
        already."""
        rows = [as_row(place, record) for place, record in enumerate(step.records)]
        values = {"rows": json.dumps(rows), "generation": self.state.generation}
        self.state.reports += await self._execute(schema.ADD_HISTORY, values)
        changed = await self._execute(schema.SET_POSITIONS, values)
        return len(rows) - len({row["client"] for row in rows}) + changed

    async def _prepare(self, schema_name: str, watch: str, counts: bool) -> None:
        async with self._deadline():
            await self._check(schema_name)
            await self._create(schema_name)
            found = await self._rows(schema.READ_STATE)
            if not found:
                await self._execute(schema.FIRST_STATE, (watch, 0 if counts else None))
                found = await self._rows(schema.READ_STATE)
        self.state = State(*found[0])
        if self.state.watch != watch:
            # Another watch has other members: it begins with a snapshot, which corrects the
            # positions.
            self.state.watch, self.state.feed = watch, None
            self.state.conflated = 0 if counts else None

    async def _check(self, schema_name: str) -> None:
        encoding = self._connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise Trouble(f"the database has the encoding {encoding}: use one with UTF8")
        await self._execute(f"SET statement_timeout = {int(self._timeout * 1000)}")
        found = await self._rows(schema.LOCK, (schema_name,))
        if not found:
            raise Trouble(
                f"the database has no schema {schema_name}: create it, or correct --schema"
            )
        if not found[0][0]:
            raise Away("another herd-sink writes to this schema: stop it, or use another --schema")
        await self._execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(schema_name)))

    async def _create(self, schema_name: str) -> None:
        """Makes what is missing. So a sink that finds all tables needs no right to create any."""
        missing = [name for name in schema.TABLES if not await self._has_table(name)]
        try:
            if missing:
                await self._execute(schema.CREATE)
        except psycopg.errors.InsufficientPrivilege as error:
            raise Trouble(
                f"cannot make {', '.join(missing)} in the schema"
                f" {schema_name}: {text_of(error)}: run herd-sink --print-sql | psql as its owner"
            ) from None
        await self._create_points()
        for name in schema.TABLES:
            if not (await self._rows(schema.HAS_RIGHTS, (name,)))[0][0]:
                user = self._connection.info.user
                raise Trouble(
                    f"the user {user} may not write the table {name}: as its owner, run GRANT"
                    f" SELECT, INSERT, UPDATE, DELETE ON {', '.join(schema.TABLES)} TO {user}"
                )

    async def _create_points(self) -> None:
        """The tables are of use without points: the sink goes on if it cannot make the column."""
        if not (await self._rows(schema.LACKS_POINTS))[0][0]:
            return
        try:
            await self._execute(schema.CREATE_POINTS)
        except WITHOUT_POINTS as error:
            log.warning(
                "herd_positions has no column position: %s: for points of PostGIS, run herd-sink"
                " --print-sql | psql as the owner of the table",
                text_of(error),
            )

    async def _has_table(self, name: str) -> bool:
        return bool((await self._rows("SELECT to_regclass(%s) IS NOT NULL", (name,)))[0][0])

    async def _execute(self, statement: Any, values: Any = None) -> int:
        """The number of rows that it changed."""
        return (await self._connection.execute(statement, values)).rowcount

    async def _rows(self, statement: str, values: Any = None) -> list[Any]:
        return await (await self._connection.execute(statement, values)).fetchall()

    @contextlib.asynccontextmanager
    async def _deadline(self) -> AsyncIterator[None]:
        """Raises Away or Trouble for errors of the database inside. A server that does not answer
        for the timeout and some seconds, because it is frozen, loses the connection: nothing else
        ends a statement then."""
        handle = asyncio.get_running_loop().call_later(self._timeout + 5, self._cut)
        try:
            yield
        except psycopg.Error as error:
            raise of_session(error, "written") from None
        finally:
            handle.cancel()

    def _cut(self) -> None:
        with contextlib.suppress(OSError, psycopg.Error):
            with socket.socket(fileno=os.dup(self._connection.fileno())) as copy:
                copy.shutdown(socket.SHUT_RDWR)


async def read_status(database: str, schema_name: str) -> Mapping[str, Any]:
    """What the tables say about the sink; Trouble if they do not."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            connection = await psycopg.AsyncConnection.connect(
                database, autocommit=True, connect_timeout=10
            )
            async with connection:
                await connection.execute(
                    sql.SQL("SET search_path TO {}").format(sql.Identifier(schema_name))
                )
                row = await (await connection.execute(schema.STATUS)).fetchone()
    except TimeoutError:
        raise Trouble(
            f"the database does not answer within {CONNECT_SECONDS:g} s: is it there?"
        ) from None
    except psycopg.Error as error:
        found = of_session(error, "read") if error.sqlstate else of_connection(error)
        raise found if isinstance(found, Trouble) else Trouble(str(found)) from None
    if row is None:
        raise Trouble("the tables are empty: no herd-sink has written to them")
    watch, feed, number, snapshots, reports, conflated, positions, age = row
    return {
        "watch": watch,
        "cursor": f"{feed}:{number}" if feed else None,
        "age_s": round(age, 1),
        "positions": positions,
        "reports": reports,
        "conflated": conflated,
        "snapshots": snapshots,
    }
