"""A test of real nodes that explains how such tests are written. Copy it, and name the copy test_<subject>.py.

What it tests: a report that one node acknowledges is known at every node, also at one that was down at that time.

A test of nodes consists of four things:
1. The fixture `make_herd` (tests/system/conftest.py) starts real processes on free ports with a state directory of
   their own, and ends them with the test. A graph is a dictionary of links, or `line(3)`, `ring(5)`, `full(4)`.
2. `node.say(text)` sends lines as a client does and returns all replies. `node.knows(client)` asks for one record.
3. `wait_for(condition, what)` waits for a condition with a deadline. Never wait for a fixed time: that is either too
   short on a busy machine or a waste on an idle one.
4. Assertions about what users see: replies, /status.json, log lines. A test's name is the claim that it checks.

Run it alone with `scripts/test -R "system: example"`. If it fails, pytest prints the logs of all nodes.
"""
from herd_fixture import MakeHerd, line, wait_for
from talk import now


def test_a_report_is_known_at_a_node_that_was_down(make_herd: MakeHerd) -> None:
    # Three nodes in a row: n0 - n1 - n2. All are ready when make_herd returns.
    herd = make_herd(line(3))

    # SIGKILL: the node has no time to say goodbye. The fixture fails the test if a node ends without being asked to.
    herd["n2"].kill()

    # A client reports to n0, which acknowledges with an AT line.
    reply = herd["n0"].say(f"IAMAT kiwi +34.068930-118.445127 {now()}")
    assert reply.startswith("AT n0 ")
    at_line = reply.splitlines()[0]

    # The neighbour learns it within milliseconds, but a test gives it as long as a busy machine may need.
    wait_for(lambda: herd["n1"].knows("kiwi") == at_line, "n1 knows kiwi as n0 does")

    # The node that was down catches up when it returns.
    herd["n2"].start()
    wait_for(lambda: herd["n2"].knows("kiwi") == at_line, "n2 knows kiwi as n0 does")

    # Every node now has the same digest, that is, the same store.
    herd.wait_converged()
    assert len({herd[name].status()["digest"] for name in ("n0", "n1", "n2")}) == 1
