"""A hundred thousand clients told to one node, while another is killed and comes back; then the one that was told is
killed and loses its state, and gets all of it back from the others."""
import time

from talk import AT, pipeline

COUNT = 100_000


def iamat(first, count):
    return b"".join(b"IAMAT client-%d %+.4f%+.4f 5\n" % (i, i % 180 - 90, i % 360 - 180)
                    for i in range(first, first + count))


def test_a_hundred_thousand_clients_outlive_every_crash(make_herd):
    herd = make_herd(log_level="info")
    herd.wait_linked()
    begin = time.monotonic()

    def report(what):
        print(f"{time.monotonic() - begin:6.2f} s: {what}")
    replies = pipeline(herd["Hill"], iamat(0, COUNT // 2))
    herd["Campbell"].kill()
    replies += pipeline(herd["Hill"], iamat(COUNT // 2, COUNT // 4))
    herd["Campbell"].start(wait=False)
    replies += pipeline(herd["Hill"], iamat(COUNT * 3 // 4, COUNT // 4))
    told = {found[3]: found[0] for found in AT.finditer(replies)}
    assert len(told) == COUNT and replies == b"".join(told.values())
    report("all are told to Hill, Campbell killed and started meanwhile")
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
    asked = b"".join(b"WHATSAT %s 1 0\n" % client for client in told)
    for name in ("Hill", "Campbell"):
        assert {found[3]: found[0] for found in AT.finditer(pipeline(herd[name], asked))} == told
    report("Hill and Campbell were asked for every one")
