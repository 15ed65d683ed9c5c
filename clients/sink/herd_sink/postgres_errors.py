"""Which errors of PostgreSQL pass by themselves, and what to do about the others."""
from __future__ import annotations

import psycopg

from .trouble import Away, Trouble

# Beginnings of SQLSTATEs that an operator of the database, or time, removes: connection, rollback,
# resources (also a full disk), locks, shutdown, I/O, internal; and a server that only reads.
_PASSING = ("08", "40", "53", "55", "57", "58", "XX", "25006")

# Errors of a connection have no SQLSTATE in libpq, only a text.
_WRONG_CONNECTION = (
    "authentication failed",
    "no password supplied",
    "does not exist",
    "no pg_hba.conf entry",
    "definition of service",
    "not found",
    "permission denied for database",
    "invalid ",
    "certificate verify failed",
    "role ",
    "not permitted",
    "does not support SSL",
)

_REMEDIES = {
    "28P01": "correct the password in ~/.pgpass or the service file",
    "42501": "grant the rights of docs/SINK.md, or run herd-sink --print-sql | psql as the owner",
    "42P01": "run herd-sink --print-sql | psql as the owner of the schema",
    "42703": "the tables have other columns than this release writes: see docs/SINK.md, Upgrading",
}


def text_of(error: BaseException) -> str:
    """The first line; psycopg adds the statement and its parameters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def of_session(error: psycopg.Error, participle: str) -> Away | Trouble:
    """For an error of a statement. `participle`: what cannot be done with the database, "read" or
    "written"."""
    if error.sqlstate is None or error.sqlstate.startswith(_PASSING):
        return Away(f"the database cannot be {participle}: {text_of(error)}")
    remedy = _REMEDIES.get(error.sqlstate, "see the log of the database")
    return Trouble(f"the database refuses: {text_of(error)} (SQLSTATE {error.sqlstate}): {remedy}")


def of_connection(error: psycopg.Error) -> Away | Trouble:
    """For an error of connecting. A text in another language than English counts as passing."""
    text = text_of(error)
    if any(part in text for part in _WRONG_CONNECTION) and "No such file" not in text:
        return Trouble(
            f"cannot use the database: {text}: correct --database, or the password in ~/.pgpass or"
            " the service file"
        )
    return Away(f"the database cannot be reached: {text}")
