"""Clients' ids as text that every database and every JSON parser accepts."""
from __future__ import annotations


def readable(client: str) -> str:
    r"""The id itself, nearly always. An id may be any bytes: one that is not UTF-8 is written as
    \xNN, and so that no two ids have one text, a backslash is written twice."""
    if "\\" in client:
        client = client.replace("\\", "\\\\")
    if client.isascii():
        return client
    return client.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
