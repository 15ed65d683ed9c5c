"""Tests each rule of scripts/herd doctor with a planted fault, and that a herd without faults has no finding. No node
runs: the facts are values."""
from __future__ import annotations

import contextlib
import json
import os
import pathlib
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from herd_ctl import doctor, doctor_facts, ports
from herd_ctl.doctor_facts import Disk, Facts, HerdFacts, LogLine
from herd_ctl.doctor_rules import GROWING, RULES, judge
from herd_ctl.samples import Pair, Sample
from herds_on_paper import link_on_paper, status_on_paper

GIBIBYTE = 1 << 30
OTHER = {"incarnation": "30d1a7c58e6f9b24", "address": "tcp://192.0.2.9:1", "host": "192.0.2.9"}


def facts(*names: str) -> HerdFacts:
    """A herd without faults in which every node is a peer of each other one."""
    names = names or ("n0", "n1", "n2")
    nodes = [Facts(name, pid=7, version="0.1.0", open_files=(40, 1024), peers=[peer for peer in names if peer != name],
                   pair=pair(status_on_paper(name, [peer for peer in names if peer != name]))) for name in names]
    return HerdFacts("test", nodes, "0.1.0", disk=Disk("/state", 50 * GIBIBYTE, 100 * GIBIBYTE, 0.005))


def pair(status: dict[str, Any]) -> Pair:
    return Pair(Sample(0.0, True, status | {"counters": dict(status["counters"])}, 0.001),
                Sample(2.0, True, status, 0.001))


def status(herd: HerdFacts, name: str) -> dict[str, Any]:
    found = doctor_facts.facts_of(herd, name).status
    assert found is not None
    return found


def cut(herd: HerdFacts, one: str, other: str, state: str = "down") -> None:
    status(herd, one)["links"][other] = link_on_paper(state=state, lag=3)
    status(herd, other)["links"][one] = link_on_paper(state=state, lag=3)


def partition(herd: HerdFacts) -> None:
    cut(herd, "n0", "n2")
    cut(herd, "n1", "n2")


def skew(herd: HerdFacts) -> None:
    for name in ("n0", "n1"):
        status(herd, name)["links"]["n2"]["skew_us"] = 5_000_000
        status(herd, "n2")["links"][name]["skew_us"] = -5_000_000


def digests(herd: HerdFacts) -> None:
    status(herd, "n1")["digest"] = "00000000000000ff"
    herd.settled = False


def flap(herd: HerdFacts) -> None:
    herd.nodes[0].log = [LogLine(60.0 * age, "info", "link_lost", "peer=n1 lag=0") for age in (9, 4, 2, 1)]


def fail_provider(herd: HerdFacts) -> None:
    status(herd, "n0")["places"] = {"google": {"state": "resting", "message": "REQUEST_DENIED"},
                                    "embedded": {"state": "ready", "message": ""}}


def conflict(herd: HerdFacts) -> None:
    status(herd, "n0")["links"]["n1"]["contender"] = OTHER


def on_node(**changes: Any) -> Callable[[HerdFacts], None]:
    def plant(herd: HerdFacts) -> None:
        for name, value in changes.items():
            setattr(herd.nodes[0], name, value)
    return plant


def on_herd(**changes: Any) -> Callable[[HerdFacts], None]:
    def plant(herd: HerdFacts) -> None:
        for name, value in changes.items():
            setattr(herd, name, value)
    return plant


def on_status(**changes: Any) -> Callable[[HerdFacts], None]:
    return lambda herd: status(herd, "n0").update(changes)


# (rule, how the fault is planted, a part of the sentence, a part of what to do)
PLANTED: list[tuple[str, Callable[[HerdFacts], None], str, str]] = [
    ("configuration", on_herd(config_mistakes=["herd.toml:3: unknown key"]), "herd.toml:3", "correct it"),
    ("configuration", on_herd(config_warnings=["port 40000 may be taken"]), "port 40000", "herd.toml"),
    ("changed", on_node(changed="restart"), "n0", "restart --rolling"),
    ("changed", on_node(changed="reload"), "n0", "scripts/herd reload"),
    ("supervisor", on_herd(supervisor="the supervisor (process 5) is frozen: scripts/herd up continues it"),
     "process 5) is frozen", "scripts/herd up"),
    ("processes", on_node(state="frozen", pair=None), "n0 (process 7) is frozen", "kill -CONT 7"),
    ("processes", on_node(state="silent", pair=None), "does not answer", "scripts/herd kill n0"),
    ("processes", on_node(state="stopped", pid=None, pair=None), "n0 does not run", "scripts/herd up n0"),
    ("processes", on_node(state="retrying", pair=None, log=[LogLine(1, "error", "cannot_start", "reason=x")]),
     "ends each time", "scripts/herd logs n0"),
    ("processes", on_node(state="not ready", not_ready="the first synchronisation waits for n1"), "waits for n1",
     "its log"),
    ("ports", on_node(ports=["port 12140 of its `clients` is used by nginx (process 9)"]), "nginx", "another port"),
    ("keys", on_node(key_trouble="keys/n0.secret is missing"), "keys/n0.secret is missing", "keygen n0"),
    ("names", conflict, "refuses a second process named n1, at tcp://192.0.2.9:1", "stop one of the two"),
    ("pages", on_node(pages_refused=True), "n0", "$HERD_TOKEN"),
    ("partition", partition, "n2 cannot reach n0 and n1", "firewalls"),
    ("links", lambda herd: cut(herd, "n0", "n1"), "the link from n0 to n1 is down", "bus_public"),
    ("links", lambda herd: status(herd, "n0")["links"].update(far=link_on_paper(state="down")), "hears of far", "host"),
    ("flapping", flap, "from n0 to n1 is unsteady: it was lost 4 times", "packet loss"),
    ("refused", on_node(log=[LogLine(1, "warning", "peer_refused", 'peer=n9 reason="it speaks version 3 of the bus'
                                     ' protocol, this node 2: upgrade n0 to the release of n9" suppressed=4')]),
     "n0 refuses n9: it speaks version 3 of the bus protocol, this node 2: upgrade n0", "docs/PROTOCOL.md"),
    ("clocks", skew, "the clock of n2 is 5.0 s ahead", "time service"),
    ("digests", digests, "the stores differ", "two minutes"),
    ("divergences", on_status(counters={"bus_divergences_healed": 3}), "n0 has repaired 3", "memory"),
    ("journal", on_status(journal={"state": "failing", "trouble": "No space left on device"}), "No space left", "room"),
    ("disk", on_herd(disk=Disk("/state", 10 << 20, 100 * GIBIBYTE, 0.005)), "is full: 10 MiB", "remove files"),
    ("disk", on_herd(disk=Disk("/state", 2 * GIBIBYTE, 100 * GIBIBYTE, 0.005)), "almost full", "remove files"),
    ("disk", on_herd(disk=Disk("/state", 50 * GIBIBYTE, 100 * GIBIBYTE, 1.5)), "is slow: ", "iostat"),
    ("disk", on_herd(disk=Disk("/state", 50 * GIBIBYTE, 100 * GIBIBYTE, None, "Read-only file system")), "Read-only",
     "mount options"),
    ("files", on_node(open_files=(850, 1024)), "850 of 1024 files", "ulimit"),
    ("versions", on_node(version="0.0.9"), "n0 runs another version than the program here, 0.1.0", "--rolling"),
    ("providers", fail_provider, "n0 gets no places from google: REQUEST_DENIED", "docs/PLACES.md"),
    *[("counters", on_status(counters={counter: 4}), f"n0 {what.partition(' (')[0]}", remedy[:20])
      for counter, (what, remedy) in GROWING.items()]]


@pytest.mark.parametrize("rule, plant, text, remedy", PLANTED, ids=lambda one: one if isinstance(one, str) else "")
def test_a_planted_fault_is_found_by_its_rule_with_a_remedy(rule: str, plant: Callable[[HerdFacts], None], text: str,
                                                            remedy: str) -> None:
    herd = facts()
    plant(herd)
    found = judge(herd)
    assert [one for one in found if one.rule == rule and text in one.text and remedy in one.remedy], found
    assert {one.rule for one in found} <= {rule}, "no other rule is misled"


def test_every_rule_has_a_planted_fault() -> None:
    assert {rule for rule, *_ in PLANTED} == set(RULES)


def test_a_herd_without_faults_has_no_finding_and_status_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert judge(facts()) == [] and judge(facts("alone")) == []
    assert doctor.show(facts(), False) == doctor.WELL
    assert capsys.readouterr().out == f"The herd test is well: 3 of 3 nodes examined, {len(RULES)} rules\n"


def test_the_status_is_1_for_warnings_and_2_for_faults_which_come_first(capsys: pytest.CaptureFixture[str]) -> None:
    herd = facts()
    flap(herd)
    assert doctor.show(herd, False) == doctor.WARNINGS
    assert "0 faults, 1 warning: " in capsys.readouterr().out
    herd.nodes[1].key_trouble = "\x1b[2J"
    assert doctor.show(herd, True) == doctor.FAULTS
    document = json.loads(capsys.readouterr().out)
    assert document["status"] == "faults" and [one["severity"] for one in document["findings"]] == ["fault", "warning"]
    assert doctor.show(herd, False) == doctor.FAULTS and "\x1b" not in capsys.readouterr().out


def test_a_stopped_herd_is_one_fault_and_a_broken_configuration_another() -> None:
    herd = facts()
    for node in herd.nodes:
        node.state, node.pair, node.pid = "stopped", None, None
    assert [one.text for one in judge(herd)] == ["no node of this host runs"]
    broken = doctor_facts.of_broken_configuration("/etc/herd.toml", "herd.toml:1: a\nherd.toml:2: b")
    assert [one.rule for one in judge(broken)] == ["configuration", "configuration"]


def test_a_link_to_a_node_that_does_not_run_is_no_finding_of_its_own() -> None:
    herd = facts()
    herd.nodes[2].state, herd.nodes[2].pair = "frozen", None
    for name in ("n0", "n1"):
        status(herd, name)["links"]["n2"] = link_on_paper(state="half")
    assert [one.rule for one in judge(herd)] == ["processes"]


def test_nodes_of_other_hosts_that_report_are_no_partition() -> None:
    herd = facts("n0", "n1")
    cut(herd, "n0", "n1")
    for name in ("n0", "n1"):  # through a node of another host
        status(herd, name)["reports"] = {"far": {"age_s": 0.5}}
    assert [one.rule for one in judge(herd)] == ["links", "links"]
    status(herd, "n1")["reports"]["far"]["age_s"] = 20.0
    assert "partition" in {one.rule for one in judge(herd)}


def test_a_store_that_changes_and_an_old_lost_link_are_no_findings() -> None:
    herd = facts()
    digests(herd)
    herd.settled = True
    herd.nodes[0].log = [LogLine(700.0 + age, "info", "link_lost", "peer=n1 lag=0") for age in range(9)]
    status(herd, "n0")["places"] = {"google": {"state": "no_key", "message": "x"}, "embedded": {"state": "ready"}}
    assert judge(herd) == []


def test_a_skewed_clock_is_found_along_a_line_and_far_ones_are_faults() -> None:
    herd = facts("n0", "n1", "n2", "n3")
    for name in ("n0", "n1", "n2", "n3"):  # a line: only neighbours are linked
        neighbours = {f"n{int(name[1]) + step}" for step in (-1, 1)}
        links = status(herd, name)["links"]
        for peer in set(links) - neighbours:
            del links[peer]
    status(herd, "n2")["links"]["n3"]["skew_us"] = -40_000_000
    status(herd, "n3")["links"]["n2"]["skew_us"] = 40_000_000
    [found] = judge(herd)
    assert found.is_fault and "the clock of n3 is 40.0 s slow" in found.text and "n2 measures -40.0 s" in found.evidence


def test_the_end_of_a_log_is_read_with_the_age_of_its_events(tmp_path: pathlib.Path) -> None:
    log = tmp_path / "n0.log"
    log.write_text("no event\n2026-11-23T14:03:56.123Z info n0 event=link_lost peer=n1 lag=12\n"
                   "2026-11-23T14:03:57.000Z error n0 event=cannot_start reason=\"a b\"\n")
    lines = doctor_facts.read_log(log, 1795442646.0)
    assert [(line.age_s, line.level, line.event) for line in lines] == [
        (10.0, "info", "link_lost"), (9.0, "error", "cannot_start")]
    assert lines[0].rest == "peer=n1 lag=12" and doctor_facts.read_log(tmp_path / "none", 0.0) == []
    log.write_text('cut off"}\n{"time":"2026-11-23T14:03:56.123Z","level":"info","node":"n0","event":"link_lost",'
                   '"peer":"n1","lag":"12"}\n{"time":"2026-11-23T14:03:57.000Z","level":"info","text":"no event"}\n')
    assert doctor_facts.read_log(log, 1795442646.0) == lines[:1]
    log.write_bytes(b"\xff" * (1 << 20))
    assert doctor_facts.read_log(log, time.time()) == []


def test_the_holder_of_a_port_is_named() -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        found = ports.holder(server.getsockname()[1])
        assert found is not None and found[0] == os.getpid()
    assert ports.holder(1) is None
