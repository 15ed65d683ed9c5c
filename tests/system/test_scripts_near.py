"""Tests scripts/herd near with real nodes: the table and the JSON document, more clients than one answer has, tokens,
TLS, and nodes that are frozen or down."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import time

from certificates import herd_with_tls
from herd_control import SCRIPT
from herd_fixture import BINARY, Herd, MakeHerd, alone, line, wait_for
from herd_lab.bulk import tell_many
from talk import now


def near(herd: Herd, *words: str, status: int = 0) -> str:
    """The output of a command that must end with `status`; of one that fails its error text, which is one line, except
    that a line more names each frozen node."""
    ran = subprocess.run([SCRIPT, "near", *words, "--config", herd.config_path], capture_output=True, text=True,
                         timeout=60, check=False,
                         env=os.environ | herd.environment | {"HERD_BIN": BINARY})
    assert ran.returncode == status, f"{ran.returncode}\n{ran.stdout}\n{ran.stderr}"
    if status in (1, 2):
        assert ran.stderr.startswith("scripts/herd: ") and ran.stderr.count("\n") == 1, ran.stderr
    return ran.stderr if status else ran.stdout


def report(herd: Herd, *places: str) -> None:
    """Reports `client coordinates` each at the first node."""
    node = next(iter(herd))
    node.say("\n".join(f"IAMAT {place} {now()}" for place in places))
    wait_for(lambda: all(other.knows(places[-1].split()[0]) for other in herd.running), "all nodes have the reports")


def test_the_nearest_clients_are_listed_with_distance_and_bearing(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2))
    report(herd, "north +1.01+2", "west +1+1.98", "far -1+2", "middle +1+2")
    output = near(herd, "middle", "5").splitlines()
    assert output[0].startswith("middle at +1+2, ") and output[-1] == "2 clients within 5 km of middle, by n0"
    assert output[2].split()[:5] == ["1.112", "000°", "N", "north", "+1.01+2"]
    assert output[3].split()[:5] == ["2.224", "270°", "W", "west", "+1+1.98"]
    document = json.loads(near(herd, "+1+2", "0.5", "--json", "--node", "n1"))
    assert document["answered_by"] == "n1" and document["centre_record"] is None and not document["has_more"]
    assert [(client["client"], client["km"], client["bearing"]) for client in document["clients"]] == [
        ("middle", 0.0, 0)]
    assert -60 < document["clients"][0]["age_s"] < 60
    assert "far" in near(herd, "-1+2/", "1") and "No client within 1 km" in near(herd, "-45-45", "1")
    assert "north" not in near(herd, "middle", "5", "--match", "w*")
    nearest = near(herd, "middle", "5", "--max", "1")
    assert "The nearest 1 client within 5 km of middle, by n0; there are more (--max)" in nearest


def test_old_reports_can_be_left_out(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1))
    herd["n0"].say(f"IAMAT old +1+2 5\nIAMAT new +1+2 {now()}")
    output = near(herd, "+1+2", "1", "--newer", "60")
    assert "new" in output and "old" not in output


def test_more_clients_than_one_answer_has_come_in_pages(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1))
    tell_many(herd["n0"].clients_port, 2500)
    every = json.loads(near(herd, "+0+0", "20016", "--max", "10000", "--json"))
    assert len({client["client"] for client in every["clients"]}) == len(every["clients"]) == 2500
    distances = [client["km"] for client in every["clients"]]
    assert distances == sorted(distances) and not every["has_more"]
    some = json.loads(near(herd, "+0+0", "20016", "--max", "1500", "--json"))
    assert some["clients"][0]["client"] == every["clients"][0]["client"] and some["has_more"]
    assert [one["client"] for one in some["clients"]] == [one["client"] for one in every["clients"][:1500]]


def test_mistakes_have_the_reason_of_the_node(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1))
    assert "n0 refuses the question: " in near(herd, "unknown", "5", status=1)
    assert "n0 refuses the question: " in near(herd, "+91+0", "5", status=1)
    assert "Then it begins with + or -" in near(herd, "34.07-118.44", "5", status=1)
    for words in (["kiwi"], ["kiwi", "x"], ["kiwi", "20017"], ["kiwi", "5", "--max", "0"], ["a b", "5"],
                  ["kiwi", "5", "--match", "a"], ["kiwi", "5", "--node", "n7"], ["kiwi", "5", "--bogus"]):
        near(herd, *words, status=2)


def test_a_node_that_is_frozen_or_down_costs_seconds_at_most(make_herd: MakeHerd) -> None:
    herd = make_herd(line(3))
    report(herd, "kiwi +1+2")
    herd["n0"].kill()
    herd["n1"].signal(signal.SIGSTOP)
    began = time.monotonic()
    assert "1 client within 5 km of +1+2, by n2" in near(herd, "+1+2", "5")
    herd["n2"].signal(signal.SIGSTOP)
    assert "no node answers" in near(herd, "+1+2", "5", status=4).splitlines()[-1]
    assert time.monotonic() - began < 30
    for name in ("n1", "n2"):
        herd[name].signal(signal.SIGCONT)


def test_tls_nodes_are_asked_over_tls(make_herd: MakeHerd) -> None:
    herd = herd_with_tls(make_herd)
    assert "No client within 5 km of +1+2, by n0" in near(herd, "+1+2", "5")


def test_nodes_with_the_commands_of_the_seed_are_named(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1), settings={"clients": {"commands": "seed"}})
    assert "n0 answers only IAMAT and WHATSAT" in near(herd, "kiwi", "5", status=1)
