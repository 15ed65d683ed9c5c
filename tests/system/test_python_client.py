"""Tests the Python client library (clients/python) against real nodes: replies, refusals, lost and
frozen nodes, tokens and TLS."""
import asyncio
import hashlib
import pathlib
import signal
import ssl
import time

import herd_client
import pytest
from certificates import SETTINGS, context_for
from herd_client import All, Cursor, Kind, Near, NotAllowed, Refused, Unavailable, Within
from herd_fixture import MakeLightHerd, Node, alone, line
from herd_lab.certificate import write_certificate
from python_clients import SECONDS, address, client_of, events_to, eventually, run, shown

TOKEN, PART = "herd_" + "g" * 43, "herd_" + "p" * 43


# Commands.


def test_reports_and_queries_are_answered_with_values(light_node: Node) -> None:
    async def test() -> None:
        async with client_of(light_node) as herd:
            stored = await herd.report("kiwi", 34.0, -118.0, time_ns=1_700_000_000_000_000_005)
            assert stored and stored == await herd.whereis("kiwi")
            assert (
                stored.client,
                stored.node,
                stored.coordinates,
                stored.point,
                stored.time,
                stored.time_ns,
            ) == (
                "kiwi",
                "n0",
                "+34.0000000-118.0000000",
                (34.0, -118.0),
                "1700000000.000000005",
                1_700_000_000_000_000_005,
            )
            assert (
                await herd.report("kiwi", 34.0, -118.0, time_ns=1_700_000_000_000_000_005) is None
            )  # IGNORE
            await asyncio.gather(
                *(herd.report(f"bus-{at}", 34.0 + at / 100, -118.0) for at in range(1, 6))
            )
            found = await herd.near("kiwi", 3, match="bus-*", newer=60)
            assert found.centre == stored and found.after is None
            assert [(one.record.client, one.km, one.bearing) for one in found.clients] == [
                ("bus-1", 1.112, 0),
                ("bus-2", 2.224, 0),
            ]
            first = await herd.within((33, -119), (35, -117), 4)
            rest = await herd.within((33, -119), (35, -117), 4, after=first.after)
            assert len(first.clients) == 4 and len(rest.clients) == 2 and rest.after is None
            assert {record.client for record in first.clients + rest.clients} == {"kiwi"} | {
                f"bus-{at}" for at in range(1, 6)
            }
            assert await herd.count(Within((33, -119), (35, -117)), match="bus-*") == 5
            assert await herd.count(Near((34.0, -118.0), 1.2)) == 2
            places = await herd.places("kiwi", 1)
            assert (
                places and places.record == stored and places.document["status"] == "REQUEST_DENIED"
            )  # no key
            assert await herd.whereis("emu") is None and await herd.places("emu", 1) is None
            assert await herd.ping() < SECONDS
            assert (await herd.info())["node"] == "n0"

    run(test())


def test_ids_of_any_bytes_come_back_as_they_were_reported(light_node: Node) -> None:
    names = ["\N{BUS}", b"\xfe\x80".decode("utf-8", "surrogateescape"), "\u00a0", "'--", "\\x41"]

    async def test() -> None:
        async with client_of(light_node) as herd:
            for name in names:
                await herd.report(name, 51, 2)
            assert sorted(
                record.client for record in (await herd.within((50, 0), (52, 3))).clients
            ) == sorted(names)

    run(test())


def test_a_refusal_has_the_reason_and_a_dropped_report_shifts_no_reply(light_node: Node) -> None:
    async def test() -> None:
        async with client_of(light_node) as herd:
            late = time.time_ns() + 10**13
            outcomes = await asyncio.gather(
                herd.report("d1", 1, 1),
                herd.report("d2", 1, 1, time_ns=late),
                herd.report("d3", 1, 1),
                herd.whereis("d1"),
                return_exceptions=True,
            )
            assert isinstance(outcomes[1], Refused)
            assert [getattr(outcome, "client", "") for outcome in outcomes] == [
                "d1",
                "",
                "d3",
                "d1",
            ]
            with pytest.raises(Refused, match="time is further ahead"):
                await herd.report("d2", 1, 1, time_ns=late)
            with pytest.raises(Refused, match="the client in the centre is not known"):
                await herd.near("nemo", 1)
            with pytest.raises(Refused, match="the client in the centre is not known"):
                await anext(herd.watch(Near("nemo", 1)))

    run(test())


def test_values_that_a_node_would_drop_are_refused_before_they_are_sent() -> None:
    async def test() -> None:
        herd = herd_client.Herd(["127.0.0.1:1"])
        nan = float("nan")
        for latitude, longitude in ((90.1, 0), (0, -180.1), (nan, 0), (0, nan), (float("inf"), 0)):
            with pytest.raises(ValueError, match="no coordinates"):
                await herd.report("a", latitude, longitude)
        for name in (
            "",
            "a b",
            "a\n",
            "\x7f",
            "a" * 256,
            b"\xff".decode("utf-8", "surrogateescape"),
        ):
            with pytest.raises(ValueError, match="no client's id"):
                await herd.report(name, 1, 1)
        for moment in (-1, 9_223_372_036 * 10**9):
            with pytest.raises(ValueError, match="no time"):
                await herd.report("a", 1, 1, time_ns=moment)
        for wrong in (
            herd.near("a", 20_017),
            herd.near("a", -1),
            herd.near("a", 1, 1001),
            herd.near("a", 1, newer=1e9),
            herd.near("a", 1, match="a"),
            herd.places("a", 51),
            herd.places("a", 1, 21),
        ):
            with pytest.raises(ValueError):
                await wrong
        for text in ("", "host", "host:0", "host:65536", ":1", "::1:1", "host:x"):
            with pytest.raises(ValueError, match="no address"):
                herd_client.Herd([text])
        for beat in (4, 3601):
            with pytest.raises(ValueError, match="beat"):
                herd.watch(All(), beat=beat)
        for text in (
            "",
            "5",
            "0123456789abcdef",
            "0123456789abcdeF:1",
            "0123456789abcdef:18446744073709551616",
        ):
            with pytest.raises(ValueError, match="no cursor"):
                Cursor.of(text)

    run(test())


# Nodes that are lost.


def test_when_a_node_is_killed_each_command_is_executed_by_the_next_one(
    make_light_herd: MakeLightHerd,
) -> None:
    herd = make_light_herd(line(2))
    herd.wait_linked()

    async def test() -> None:
        async with client_of(herd["n0"], herd["n1"], timeout=3) as client:
            assert (await client.info())["node"] == "n0"
            commands = [
                asyncio.ensure_future(client.report(f"bus-{at}", 1, 2)) for at in range(3000)
            ]
            await commands[500]
            herd["n0"].kill()
            await asyncio.gather(*commands)
            assert (await client.info())["node"] == "n1"
            # Those that only the killed node had, if any, come back with it.
            herd["n0"].start()
            await eventually(lambda: holds(client, 3000), "the next node knows all")

    run(test())


async def holds(client: herd_client.Herd, count: int) -> bool:
    return await client.count(Near((1, 2), 1)) == count


def test_a_frozen_node_costs_one_timeout_and_then_the_next_one_answers(
    make_light_herd: MakeLightHerd,
) -> None:
    herd = make_light_herd(line(2))

    async def test() -> None:
        async with client_of(herd["n0"], herd["n1"], timeout=1.0) as client:
            assert (await client.info())["node"] == "n0"
            herd["n0"].signal(signal.SIGSTOP)
            began = time.monotonic()
            assert (await client.info())["node"] == "n1"
            assert time.monotonic() - began >= 1.0
            # A frozen node accepts connections: a new client asks it, and goes on too.
            async with client_of(herd["n0"], herd["n1"], timeout=0.5) as other:
                assert (await other.info())["node"] == "n1"
            herd["n0"].signal(signal.SIGCONT)

    run(test())


def test_without_a_node_a_command_ends_at_its_deadline_and_says_why() -> None:
    async def test() -> None:
        async with herd_client.Herd(["127.0.0.1:1"], deadline=0.3) as herd:
            with pytest.raises(
                Unavailable, match="no node answered within 0.3 s: 127.0.0.1:1 cannot be reached"
            ):
                await herd.report("a", 1, 1)
        with pytest.raises(herd_client.HerdError, match="closed"):
            await herd.report("a", 1, 1)

    run(test())


def test_a_report_waits_for_a_node_that_is_away(make_light_herd: MakeLightHerd) -> None:
    herd = make_light_herd(alone(1), start=False)

    async def test() -> None:
        async with client_of(herd["n0"]) as client:
            report = asyncio.ensure_future(client.report("kiwi", 1, 2, time_ns=5 * 10**9))
            done, _ = await asyncio.wait({report}, timeout=0.3)
            assert not done
            herd["n0"].start()
            record = await report
            assert record and record.time == "5.000000000"

    run(test())


def test_another_program_at_the_port_is_no_node(light_node: Node) -> None:
    async def test() -> None:
        async with herd_client.Herd(
            [f"127.0.0.1:{light_node.http_port}", address(light_node)]
        ) as herd:
            assert (await herd.info())["node"] == "n0"
        async with herd_client.Herd([f"127.0.0.1:{light_node.http_port}"], deadline=1) as herd:
            with pytest.raises(Unavailable, match="does not speak herd's protocol"):
                await herd.ping()

    run(test())


# Tokens and TLS.


def tokens(**rights: str) -> str:
    """A file of tokens; rights are those of PART."""

    def entry(name: str, token: str, tell: str, level: str) -> str:
        digest = hashlib.sha256(token.encode()).hexdigest()
        return (
            f'[[token]]\nname = "{name}"\nsha256 = "{digest}"\n'
            f'tell = ["{tell}"]\nsee = ["*"]\nlevel = "{level}"\n'
        )

    return entry("all", TOKEN, "*", "all") + entry("part", PART, "truck-*", "events")


def with_tokens(make_light_herd: MakeLightHerd) -> Node:
    herd = make_light_herd(alone(1), start=False, clients={"auth": "token"})
    path: pathlib.Path = herd.config_path.parent / "tokens.toml"
    path.write_text(tokens())
    path.chmod(0o600)
    herd.start()
    return herd["n0"]


def test_a_token_is_shown_on_each_connection(make_light_herd: MakeLightHerd) -> None:
    node = with_tokens(make_light_herd)

    async def test() -> None:
        async with client_of(node, token=TOKEN) as herd, client_of(node, token=PART) as part:
            await herd.report("kiwi", 1, 1)
            with pytest.raises(Refused, match="does not work on this connection"):
                await part.whereis("kiwi")
            with pytest.raises(Refused):
                await part.report("kiwi", 1, 1)
            await part.report("truck-1", 1, 1)
            async with part.watch(All()) as watch:  # level=events: no records
                events = await events_to(watch, Kind.READY)
                assert sorted(shown(events)) == [
                    ("ENTER", "kiwi"),
                    ("ENTER", "truck-1"),
                    ("NEW", ""),
                    ("READY", ""),
                ]
                assert all(event.record is None for event in events)
        async with client_of(node, token="herd_wrong") as herd:
            with pytest.raises(NotAllowed, match="refuses the token"):
                await herd.ping()
        async with client_of(node) as herd:
            with pytest.raises(Refused, match="AUTH"):
                await herd.report("kiwi", 1, 1)

    run(test())


def test_a_token_is_accepted_where_none_is_needed(light_node: Node) -> None:
    async def test() -> None:
        async with client_of(light_node, token=TOKEN) as herd:
            assert await herd.report("token-1", 1, 1)

    run(test())


def test_a_node_with_the_commands_of_the_seed_takes_reports(make_light_herd: MakeLightHerd) -> None:
    node = make_light_herd(alone(1), clients={"commands": "seed"})["n0"]

    async def test() -> None:
        async with client_of(node) as herd:
            assert await herd.report("kiwi", 1, 1)
            assert await herd.places("kiwi", 1) and await herd.places("emu", 1) is None
            with pytest.raises(Refused):
                await herd.whereis("kiwi")
            with pytest.raises(Refused):
                await anext(herd.watch(All()))

    run(test())


def test_tls_works_and_a_certificate_that_is_not_trusted_is_named(
    make_light_herd: MakeLightHerd,
) -> None:
    herd = make_light_herd(alone(1), start=False, clients=SETTINGS)
    write_certificate(herd.directory)
    herd.start()

    async def test() -> None:
        async with client_of(herd["n0"], tls=context_for(herd)) as client:
            await client.report("kiwi", 1, 1)
            async with client.watch(All()) as watch:
                assert shown(await events_to(watch, Kind.READY))[1:] == [
                    ("HERE", "kiwi"),
                    ("READY", ""),
                ]
        async with client_of(herd["n0"], tls=ssl.create_default_context(), deadline=1) as client:
            with pytest.raises(
                Unavailable, match="its certificate is not valid: self-signed certificate"
            ):
                await client.ping()
        async with client_of(herd["n0"], deadline=1) as client:
            with pytest.raises(Unavailable, match="This port speaks TLS"):
                await client.ping()

    run(test())
