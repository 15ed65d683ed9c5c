"""Tests what every release has written and sent (tests/compat): today's node reads its journals, and answers its
clients and its nodes as it did. Also journals of a release that does not exist yet, and nodes that speak other versions
of the bus."""
from __future__ import annotations

import json
import pathlib
import shutil
import time
from typing import Any

import pytest

import compat
from bus_peers import WELCOME, Impostor
from compat import LIGHT
from herd_ctl import doctor_facts
from herd_ctl.doctor_rules import judge
from herd_fixture import MakeHerd, Node, alone, line, wait_for
from record_compat import OWN

RELEASES = sorted(path for path in compat.FOLDER.iterdir() if path.is_dir())
EACH = pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)


def refused(node: Node) -> str:
    """The last line of a node that does not start."""
    node.start(wait=False)
    assert node.process.wait(20) == 1
    node.may_die = True
    return node.log().splitlines()[-1]


def test_there_is_a_recording_of_each_kind_for_each_release() -> None:
    assert RELEASES
    for release in RELEASES:
        assert {path.name for path in release.iterdir()} == {"journal", "journal.json", "client.txt", "bus.jsonl"}


@EACH
def test_the_journal_of_a_release_is_read_to_the_same_records_and_continued(make_herd: MakeHerd,
                                                                            release: pathlib.Path) -> None:
    facts: dict[str, Any] = json.loads((release / "journal.json").read_text())
    herd = make_herd(line(2), start=False, settings=LIGHT | {"http": {"ready_timeout": "0s"}})
    node = herd["n0"]
    node.state_dir.mkdir(parents=True)
    shutil.copyfile(release / "journal", node.state_dir / "journal")
    node.start()
    for turn in range(2):
        status = node.status()
        assert (status["digest"], status["clients"]) == (facts["digest"], facts["clients"])
        assert status["feed_id"] == facts["feed_id"]  # the journal of the node itself, not a copy
        assert {name: node.knows(name) for name in facts["records"]} == facts["records"]
        assert node.say(f"IAMAT own1 +9+9 {1700000009 + turn}").startswith("AT n0 ")
        node.kill()
        node.start()
        facts["records"]["own1"] = node.knows("own1")
        facts["digest"] = node.status()["digest"]
    herd["n1"].start()
    herd.wait_converged(clients=facts["clients"])


@EACH
def test_a_client_of_a_release_gets_the_recorded_answers(make_herd: MakeHerd, release: pathlib.Path) -> None:
    herd = make_herd(alone(1), settings=LIGHT)
    compat.replay_client(herd["n0"], (release / "client.txt").read_text(encoding="utf-8"))


@EACH
def test_a_node_of_a_release_is_accepted_and_answered(make_herd: MakeHerd, release: pathlib.Path) -> None:
    herd = make_herd(line(2), start=False, settings=LIGHT | {"http": {"ready_timeout": "0s"}})
    herd["n0"].start()
    for report in OWN:
        assert herd["n0"].say(report).startswith("AT ")
    compat.replay_bus(herd, compat.BusSession((release / "bus.jsonl").read_text()))
    assert herd["n0"].status()["clients"] == 4
    assert (herd["n0"].knows("own0") or "").endswith(" own0 +3+4 1700000003")
    assert (herd["n0"].knows("others1") or "").startswith("AT n1 ")
    assert "event=peer_refused" not in herd["n0"].log() and "event=feed_renewed" not in herd["n0"].log()


@pytest.mark.parametrize("text, reason", [
    (b"HJ99 in a form of the future", "a newer release of herd, in format HJ99"),
    (b"HJ01 of long ago", "an older release of herd, in format HJ01"),
    (b"\x7fELF", "it does not begin like a journal"),
], ids=["newer", "too old", "unknown"])
def test_a_journal_that_cannot_be_read_is_refused_in_one_line_and_stays_as_it_is(
        make_herd: MakeHerd, text: bytes, reason: str) -> None:
    herd = make_herd(alone(1), start=False, settings=LIGHT)
    journal = herd["n0"].state_dir / "journal"
    journal.parent.mkdir(parents=True)
    journal.write_bytes(text * 10)
    said = refused(herd["n0"])
    assert reason in said and "--discard-journal" in said
    assert journal.read_bytes() == text * 10
    assert {path.name for path in journal.parent.iterdir()} <= {"journal", "lock"}


def test_two_neighbouring_versions_of_the_bus_link_at_the_lower_one(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), start=False, settings=LIGHT | {"http": {"ready_timeout": "0s"}})
    herd["n0"].start()
    with Impostor.start(herd) as newer:
        newer.hello(versions=(2, 3))
        assert newer.receive(WELCOME)[2:4] == [newer.incarnation, newer.feed]
        incarnation = newer.meet()
        newer.batch(incarnation, (0, 1), [0, 1, 0, "of-a-newer-node", "+1+1", "5", 0, "a field of the future"])
        wait_for(lambda: herd["n0"].knows("of-a-newer-node"), "its updates are merged")
    assert "event=peer_refused" not in herd["n0"].log()


def test_a_version_that_cannot_be_mixed_is_reported_by_log_and_doctor(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), start=False, settings=LIGHT | {"http": {"ready_timeout": "0s"}})
    herd["n0"].start()
    with Impostor.start(herd) as newer:
        newer.hello(versions=(3, 4))
        herd["n0"].wait_log("event=peer_refused peer=n1")
    facts = doctor_facts.HerdFacts("local", [
        doctor_facts.Facts("n0", log=doctor_facts.read_log(herd["n0"].log_path, time.time()), peers=["n1"])])
    found = [one for one in judge(facts) if one.rule == "refused"]
    assert [one.text for one in found] == [
        "n0 refuses n1: it speaks versions 3 to 4 of the bus protocol, this node 2: upgrade n0 to the release of n1"]
