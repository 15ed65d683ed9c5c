"""Tests a hundred thousand clients. They report at one node while another is killed and comes back. Then that node is
killed, loses its state, and gets all of it back from the others."""
import time

from herd_fixture import MakeHerd
from talk import AT, pipeline

COUNT = 100_000


def iamat(first: int, count: int) -> bytes:
    return b"".join(b"IAMAT client-%d %+.4f%+.4f 5\n" % (i, i % 180 - 90, i % 360 - 180)
                    for i in range(first, first + count))


def test_a_hundred_thousand_clients_survive_every_crash(make_herd: MakeHerd) -> None:
    herd = make_herd(log_level="info")
    herd.wait_linked()
    begin = time.monotonic()

    def report(what: str) -> None:
        print(f"{time.monotonic() - begin:6.2f} s: {what}")
    replies = pipeline(herd["Hill"], iamat(0, COUNT // 2))
    herd["Campbell"].kill()
    replies += pipeline(herd["Hill"], iamat(COUNT // 2, COUNT // 4))
    herd["Campbell"].start(wait=False)
    replies += pipeline(herd["Hill"], iamat(COUNT * 3 // 4, COUNT // 4))
    at_lines = {found[3]: found[0] for found in AT.finditer(replies)}
    assert len(at_lines) == COUNT and replies == b"".join(at_lines.values())
    report("all reported to Hill while Campbell was killed and started")
    herd["Campbell"].wait_ready()
    herd.wait_converged(COUNT, seconds=60)
    digest = herd["Hill"].status()["digest"]
    report("all nodes agree")
    herd["Hill"].kill()
    herd["Hill"].forget()
    herd["Hill"].start()
    herd.wait_converged(COUNT, seconds=60)
    assert {node.status()["digest"] for node in herd} == {digest}
    report("Hill was killed, lost its state, came back and knows all again")
    queries = b"".join(b"WHATSAT %s 1 0\n" % client for client in at_lines)
    for name in ("Hill", "Campbell"):
        assert {found[3]: found[0] for found in AT.finditer(pipeline(herd[name], queries))} == at_lines
    report("Hill and Campbell returned every client")
