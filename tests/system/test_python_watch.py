"""Tests watches of the Python client library (clients/python) against real nodes, also across lost
and frozen ones and by programs that read slowly; and its examples."""
import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest
from herd_client import All, Client, Cursor, Event, Kind, Members, Near, WatchEnded
from herd_fixture import REPOSITORY, MakeLightHerd, Node, alone, line, wait_for
from python_clients import SECONDS, address, client_of, events_to, run, shown

EXAMPLES = REPOSITORY / "clients/python/examples"


def test_a_watch_gives_the_members_and_then_each_change(light_node: Node) -> None:
    async def test() -> None:
        async with client_of(light_node) as herd:
            await herd.report("w-kiwi", 44.0, -118.0)
            await herd.report("w-emu", 44.01, -118.0)
            members = Members()
            async with herd.watch(Near("w-kiwi", 5), slack=0.1, dwell=0, every=0) as watch:
                events = await events_to(watch, Kind.READY)
                assert shown(events) == [
                    ("NEW", ""),
                    ("CENTRE", "w-kiwi"),
                    ("HERE", "w-emu"),
                    ("READY", ""),
                ]
                assert (events[2].km, events[2].bearing, events[3].text) == (1.112, 0, "1")
                await herd.report("w-emu", 44.02, -118.0)
                await herd.report("w-rhea", 44.0, -118.0)
                await herd.report("w-emu", 45.0, -118.0)
                events += await events_to(watch, Kind.LEAVE)
                for event in events:
                    members.apply(event)
            assert list(members) == ["w-rhea"]
            numbers = [event.number for event in events]
            assert numbers == sorted(numbers) and watch.cursor == Cursor(
                watch_feed(events), numbers[-1]
            )

    run(test())


def watch_feed(events: list[Event]) -> str:
    cursor = events[-1].cursor
    assert cursor
    return cursor.feed


def test_a_watch_resumes_after_its_cursor_without_a_gap_and_without_a_repeat(
    light_node: Node,
) -> None:
    async def test() -> None:
        async with client_of(light_node) as herd:
            for name in ("r-a", "r-b", "r-c"):
                await herd.report(name, 1, 1)
            async with herd.watch(Client("r-*")) as watch:
                await events_to(watch, Kind.READY)
                await herd.report("r-a", 2, 2)
                await events_to(watch, Kind.MOVE)
            await herd.report("r-b", 2, 2)
            async with herd.watch(Client("r-*"), resume=watch.cursor) as resumed:
                assert shown(await events_to(resumed, Kind.READY)) == [
                    ("RESUMED", ""),
                    ("HERE", "r-b"),
                    ("READY", ""),
                ]
            # The same with a connection that is cut under the watch.
            async with herd.watch(Client("r-*"), resume=resumed.cursor) as watch:
                await events_to(watch, Kind.READY)
                assert watch._stream is not None
                watch._stream.close()
                await herd.report("r-c", 2, 2)
                assert shown(await events_to(watch, Kind.READY)) == [
                    ("RESUMED", ""),
                    ("HERE", "r-c"),
                    ("READY", ""),
                ]

    run(test())


def test_a_watch_begins_anew_at_the_next_node_when_its_node_is_killed(
    make_light_herd: MakeLightHerd,
) -> None:
    herd = make_light_herd(line(2))
    herd.wait_linked()

    async def test() -> None:
        async with client_of(herd["n0"], herd["n1"], timeout=3) as client:
            await client.report("a", 1, 1)
            await client.report("b", 1, 1)
            herd.wait_converged(2)
            members = Members()
            async with client.watch(All()) as watch:
                for event in await events_to(watch, Kind.READY):
                    members.apply(event)
                assert watch.cursor
                herd["n0"].kill()
                events = await events_to(watch, Kind.READY)
                assert shown(events)[0] == ("NEW", "") and events[0].text == address(herd["n1"])
                assert events[0].cursor is None and events[-1].cursor
                for event in events:
                    members.apply(event)
                assert set(members) == {"a", "b"}
                # A node that stops in order says so, and the watch waits for one that comes back.
                herd["n1"].stop()
                herd["n1"].start()
                assert shown(await events_to(watch, Kind.READY))[0] == ("NEW", "")

    run(test())


def test_a_watch_notices_a_frozen_node(make_light_herd: MakeLightHerd) -> None:
    herd = make_light_herd(line(2))

    async def test() -> None:
        async with client_of(herd["n0"], herd["n1"], timeout=0.5) as client:
            async with client.watch(All(), beat=5) as watch:
                watch._quiet = 1.0  # instead of 5.5 s
                await events_to(watch, Kind.READY)
                herd["n0"].signal(signal.SIGSTOP)
                assert (await anext(watch)).text == address(herd["n1"])
                herd["n0"].signal(signal.SIGCONT)

    run(test())


def test_a_program_that_reads_slowly_gets_the_newest_state_in_bounded_memory(
    light_node: Node,
) -> None:
    clients, rounds = 2000, 10

    async def test() -> None:
        async with client_of(light_node) as herd, herd.watch(All(), match="slow-*") as watch:
            await events_to(watch, Kind.READY)
            reports = "".join(
                f"IAMAT slow-{at} +{turn}.0+2.0 {turn}\n"
                for turn in range(1, rounds + 1)
                for at in range(clients)
            )
            assert (await asyncio.to_thread(light_node.say, reports)).count(
                "AT n0"
            ) == clients * rounds
            assert len(watch._events) == 0  # nothing was read without being asked for
            members, most, count = Members(), 0, 0
            while members.keys() != {f"slow-{at}" for at in range(clients)} or any(
                record is None or record.time != str(rounds) for record in members.values()
            ):
                taken = await watch.take(50, SECONDS)
                assert taken, "no event came"
                most = max(most, len(watch._events))
                count += len(taken)
                for event in taken:
                    members.apply(event)
            assert most <= (1 << 16) // len(
                "! w 1099511627777 MOVE AT n0"
            )  # the events of one read
            assert count < clients * rounds, "the node conflates"
            assert await watch.take(1, 0.05) == []

    run(test())


def test_a_call_that_is_cancelled_loses_no_event(light_node: Node) -> None:
    async def test() -> None:
        async with client_of(light_node) as herd, herd.watch(Client("emu-7")) as watch:
            await events_to(watch, Kind.READY)
            waiting = asyncio.ensure_future(watch.take(1))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            await herd.report("emu-7", 1, 1)
            assert shown(await watch.take(10)) == [("ENTER", "emu-7")]

    run(test())


def test_a_watch_with_too_many_members_ends_with_its_reason(make_light_herd: MakeLightHerd) -> None:
    node = make_light_herd(alone(1), watches={"max_members": 1})["n0"]

    async def test() -> None:
        async with client_of(node) as herd:
            await herd.report("a", 1, 1)
            async with herd.watch(Near((1, 1), 1)) as watch:
                assert shown(await events_to(watch, Kind.READY))[1:] == [
                    ("HERE", "a"),
                    ("READY", ""),
                ]
                await herd.report("b", 1, 1)
                with pytest.raises(WatchEnded, match="watch a smaller area"):
                    await events_to(watch, Kind.MOVE)

    run(test())


# The examples.


def start_example(name: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(EXAMPLES / name), *words],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(EXAMPLES.parent)},
    )


def output_of(name: str, *words: str) -> str:
    process = start_example(name, *words)
    shown_text, warned = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, warned
    return shown_text


def test_the_examples_do_what_they_say(light_node: Node) -> None:
    fence = start_example(
        "geofence.py", "64", "-118", "1", address(light_node), "--match", "truck-*"
    )
    try:
        wait_for(lambda: light_node.status()["watches"]["watches"] == 1, "the geofence watches")
        assert (
            output_of(
                "phone.py",
                "truck-1",
                address(light_node),
                "--latitude",
                "64",
                "--longitude",
                "-118",
                "--reports",
                "1",
            )
            == "truck-1 is at 64.000000 -118.000000\n"
        )
        assert (
            output_of("dispatcher.py", "64.001,-118", address(light_node), "--newer", "60")
            == "truck-1 0.111 km 180°\n"
        )
        light_node.say(f"IAMAT truck-1 +65-118 {time.time_ns() // 10**9 + 1}")
        assert fence.stdout
        assert [fence.stdout.readline(), fence.stdout.readline()] == [
            "enter truck-1\n",
            "leave truck-1\n",
        ]
    finally:
        fence.send_signal(signal.SIGINT)
        fence.communicate(timeout=SECONDS)
    assert fence.returncode == 0


def test_the_examples_explain_themselves_and_their_errors(light_node: Node) -> None:
    wrong = {
        "phone.py": ["a b", address(light_node)],
        "geofence.py": ["91", "0", "1", address(light_node)],
        "dispatcher.py": ["kiwi", address(light_node), "--km", "-1"],
    }
    helping = {name: start_example(name, "--help") for name in wrong}
    failing = {name: start_example(name, *words) for name, words in wrong.items()}
    for name, process in helping.items():
        assert "usage:" in process.communicate(timeout=SECONDS)[0] and process.returncode == 0, name
    for name, process in failing.items():
        warned = process.communicate(timeout=SECONDS)[1]
        assert process.returncode == 2 and warned.count("\n") == 1, warned
        assert warned.startswith(name.removesuffix(".py") + ": ")
