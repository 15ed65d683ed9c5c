"""Tests how the Python client library (clients/python) connects: connect() without a node, and
close() during an attempt."""
import asyncio
import contextlib

import herd_client
import pytest
from herd_client import Unavailable
from herd_fixture import Node
from python_clients import SECONDS, address, run


def test_connect_fails_after_one_attempt_at_each_address_and_names_all(light_node: Node) -> None:
    async def test() -> None:
        async with herd_client.Herd(["127.0.0.1:1", "localhost:1"]) as herd:
            with pytest.raises(Unavailable) as raised:
                await herd.connect()
            text = str(raised.value)
            assert text.startswith(
                "no node answers: 127.0.0.1:1 cannot be reached: Connection refused;"
                " localhost:1 cannot be reached: "
            )
            assert text.endswith("Connection refused: start a node, or correct the addresses")
        with pytest.raises(herd_client.HerdError, match="closed"):
            await herd.connect()
        async with herd_client.Herd(["127.0.0.1:1", address(light_node)]) as herd:
            await herd.connect()
            await herd.connect()  # nothing is left to do
            assert (await herd.info())["node"] == "n0"

    run(test())


@pytest.mark.parametrize("word", ["connect", "ping"])
def test_a_connection_that_is_made_during_close_is_closed_too(word: str) -> None:
    async def test() -> None:
        asked, closed, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def answer_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            asked.set()
            await closed.wait()
            writer.write(b"PONG herd-client\n")
            with contextlib.suppress(ConnectionResetError):
                await reader.read()
            ended.set()
            writer.close()

        server = await asyncio.start_server(answer_late, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        herd = herd_client.Herd([f"127.0.0.1:{port}"], timeout=2 * SECONDS)
        async with server, herd:
            attempt = asyncio.ensure_future(herd.connect() if word == "connect" else herd.ping())
            await asked.wait()
            await herd.close()
            closed.set()
            with pytest.raises(herd_client.HerdError, match="this herd was closed"):
                await attempt
            async with asyncio.timeout(SECONDS):
                await ended.wait()

    run(test())
