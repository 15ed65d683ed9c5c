"""Helpers for tests of the Python client library (clients/python)."""
from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import herd_client
from herd_client import Event, Kind, Watch
from herd_fixture import Node

T = TypeVar("T")

SECONDS = 30.0  # for whatever a test waits for


def address(node: Node) -> str:
    return f"127.0.0.1:{node.clients_port}"


def client_of(*nodes: Node, **settings: Any) -> herd_client.Herd:
    return herd_client.Herd([address(node) for node in nodes], **settings)


def run(test: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(test, 2 * SECONDS))


async def eventually(condition: Callable[[], Awaitable[T]], what: str) -> T:
    end = time.monotonic() + SECONDS
    while not (found := await condition()):
        assert time.monotonic() < end, f"not within {SECONDS} s: {what}"
        await asyncio.sleep(0.02)
    return found


async def events_to(watch: Watch, kind: Kind) -> list[Event]:
    """The next events up to one of this kind."""
    found = []
    async for event in watch:
        found.append(event)
        if event.kind is kind:
            return found
    raise AssertionError("a watch does not end")


def shown(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.kind.value, event.client) for event in events]
