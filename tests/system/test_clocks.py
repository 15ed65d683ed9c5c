"""Tests wrong clocks of nodes (scripts/lib/herd_lab/clocks.py): peers notice and report them, and only the times of
clients decide which report is newer."""
import os
import time
from collections.abc import Iterator

import pytest

from herd_fixture import BINARY, FIVE, Herd, Node, line, wait_for
from herd_lab import clocks
from herd_lab.faults import CLOCK
from herd_lab.plan import make_plan
from herd_lab.prove import Trial

pytestmark = [pytest.mark.skipif(clocks.faketime() is None, reason=f"wants the package {clocks.PACKAGE}"),
              pytest.mark.skipif(bool(os.environ.get("HERD_SANITIZED")), reason="a sanitizer wants to be loaded first")]


@pytest.fixture(name="pair")
def two_nodes_and_their_clocks() -> Iterator[tuple[Herd, clocks.Clocks]]:
    herd = Herd.for_test(line(2), settings={"clients": {"invalid_arguments": "reply"}}, log_level="info")
    both = clocks.Clocks.install(herd)
    herd.start()
    herd.wait_linked()
    yield herd, both
    herd.close()
    both.end()


def skew(node: Node, peer: str) -> float:
    """Seconds that the peer's clock is ahead, as the node measures it."""
    return node.status()["links"][peer]["skew_us"] / 1e6


@pytest.mark.parametrize("ahead, state", [(3, "off"), (-3600, "far")])
def test_the_peer_reports_a_wrong_clock_and_its_end(pair: tuple[Herd, clocks.Clocks], ahead: int, state: str) -> None:
    herd, both = pair
    both.set("n1", ahead)
    wait_for(lambda: abs(skew(herd["n0"], "n1") - ahead) < 0.5, "it is measured")
    wait_for(lambda: f"event=clock_skew peer=n1 state={state}" in herd["n0"].log(), "it is logged")
    assert abs(skew(herd["n1"], "n0") + ahead) < 0.5  # to that node the right clock is wrong by the same amount
    both.set("n1", 0)
    wait_for(lambda: "event=clock_skew peer=n1 state=well" in herd["n0"].log(), "its end is logged")


def test_the_times_of_clients_decide_which_report_is_newest(pair: tuple[Herd, clocks.Clocks]) -> None:
    herd, both = pair
    n0, n1 = herd
    both.set("n1", -86_400)
    wait_for(lambda: skew(n0, "n1") < -86_000, "n1's clock is a day slow")
    now = time.time()
    assert n0.say(f"IAMAT kiwi +1+1 {now - 90_500:.3f}").startswith("AT n0 +90")
    assert n1.say(f"IAMAT kiwi +2+2 {now - 87_500:.3f}").startswith("AT n1 +1")  # by its own clock: 1,100 s
    wait_for(lambda: "+2+2" in (n0.knows("kiwi") or ""), "the later report counts at both")
    assert n1.say(f"IAMAT kiwi +3+3 {now:.3f}") == f"? IAMAT kiwi +3+3 {now:.3f}\n"  # a day ahead of n1's clock
    assert n0.say(f"IAMAT kiwi +4+4 {now:.3f}").startswith("AT n0 ")
    wait_for(lambda: "+4+4" in (n1.knows("kiwi") or ""), "the update of a peer is merged")
    herd.wait_converged(clients=1)


def test_nothing_acknowledged_is_lost_by_clocks_that_jump_while_nodes_die() -> None:
    plan = make_plan(seconds=5, kills=2, freezes=0, more={CLOCK: 4}, connections=5, depth=8)
    outcome = Trial.prepare(BINARY, FIVE, plan).run()
    print(outcome.plan.line(), outcome.line(), sep="\n")
    assert outcome.is_good, f"{outcome.line()} {outcome.problems} kept in {outcome.kept_in}"
    assert outcome.acknowledged > 500 and outcome.more == {CLOCK: 4}
