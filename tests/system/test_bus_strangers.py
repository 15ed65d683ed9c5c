"""Tests strangers and hostile peers at the bus, which send without an end, break at the worst moment, or only hold
connections; and a port that connects to itself. The node continues with bounded memory and undisturbed links."""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

import zmtp
from herd_fixture import REPOSITORY, Herd, line, wait_for
from talk import memory_peak, now, settled_memory

MEBIBYTE = 1 << 20
PING = zmtp.frame(b"\x04PING\0\1", flags=4)


@pytest.fixture(scope="module", name="pair")
def two_nodes() -> Iterator[Herd]:
    herd = Herd.for_test(line(2), log_level="info")
    herd.start()
    herd.wait_linked()
    yield herd
    herd.close()


@pytest.fixture(name="herd")
def undisturbed(pair: Herd) -> Iterator[Herd]:
    yield pair
    reply = pair["n1"].say(f"IAMAT undisturbed +1+1 {now()}")
    wait_for(lambda: pair["n0"].knows("undisturbed") == reply.rstrip("\n"), "the link works")


@pytest.mark.parametrize("part", [b"\x01\x03abc", b"\x01\x00", zmtp.frame(b"x" * 100_000, flags=1)])
def test_a_message_of_endless_parts_costs_its_connection(herd: Herd, part: bytes) -> None:
    node = herd["n0"]
    before, cut = settled_memory(node), node.counter("bus_connections_cut")
    with zmtp.connect(node.bus_port, b"DEALER") as stranger:
        taken = zmtp.flood(stranger, part * (65536 // len(part) + 1), 512 * MEBIBYTE)
    assert taken < 256 * MEBIBYTE
    wait_for(lambda: node.counter("bus_connections_cut") == cut + 1, "it is cut")
    assert memory_peak(node) - before < 64 * MEBIBYTE


def test_endless_messages_of_many_strangers_share_one_bound(herd: Herd) -> None:
    node = herd["n0"]
    before = settled_memory(node)
    with contextlib.ExitStack() as stack:
        strangers = [stack.enter_context(zmtp.connect(node.bus_port, b"DEALER")) for _ in range(20)]
        for stranger in strangers:
            with contextlib.suppress(ConnectionError):
                stranger.sendall(b"\x01\x03abc" * 60_000)  # 300 kB, which a single stranger may send
        wait_for(lambda: node.counter("bus_connections_cut") >= 17, "most are cut")
    assert memory_peak(node) - before < 64 * MEBIBYTE


def test_endless_complete_messages_cost_their_connection(herd: Herd) -> None:
    node = herd["n0"]
    before = settled_memory(node)
    with zmtp.connect(node.bus_port, b"DEALER") as stranger:
        zmtp.flood(stranger, b"\x00\x00" * 32768, 512 * MEBIBYTE)
    assert memory_peak(node) - before < 64 * MEBIBYTE


def burst(port: int) -> None:
    """Sends more messages than a queue can hold, then PINGs, then a reset."""
    stranger = zmtp.connect(port, b"DEALER")
    stranger.sendall(b"\x00\x01x" * 100 + PING * 700)
    zmtp.reset(stranger)


def test_connections_that_break_with_messages_and_pings_unread_do_not_end_the_node(herd: Herd) -> None:
    for _ in range(200):
        burst(herd["n0"].bus_port)
    assert herd["n0"].is_running


def test_connections_that_break_while_the_node_is_stopped_do_not_end_it(herd: Herd) -> None:
    node = herd["n0"]
    for _ in range(3):
        strangers = [zmtp.connect(node.bus_port, b"DEALER") for _ in range(20)]
        node.signal(signal.SIGSTOP)
        for number, stranger in enumerate(strangers):
            stranger.sendall(b"\x00\x01x" * 100 + PING * 700)
            if number % 2:
                zmtp.reset(stranger)
        node.signal(signal.SIGCONT)
        for stranger in strangers[::2]:
            zmtp.reset(stranger)
    assert node.get("/healthz")[0] == 200


def test_strangers_that_only_hold_connections_take_no_descriptors_of_clients(herd: Herd) -> None:
    node = herd["n0"]

    def descriptors() -> int:
        return len(os.listdir(f"/proc/{node.process.pid}/fd"))
    before = descriptors()
    with contextlib.ExitStack() as stack:
        for number in range(400):
            if number % 2:
                stack.enter_context(zmtp.connect(node.bus_port, b"DEALER"))
            else:
                stack.enter_context(socket.create_connection(("127.0.0.1", node.bus_port), timeout=20))
        wait_for(lambda: descriptors() < before + 64 + 8, lambda: f"{descriptors()} descriptors, {before} before")
        assert node.say(f"IAMAT kiwi +1+1 {now()}").startswith("AT n0 ")


# A port that connects to itself: in a network namespace with ten ports for outgoing connections, one of which is the
# port of the bus.

def connected_to_itself(port: int) -> bool:
    for table in ("tcp", "tcp6"):
        for entry in pathlib.Path(f"/proc/net/{table}").read_text("ascii").splitlines()[1:]:
            fields = entry.split()
            if fields[3] == "01" and fields[1] == fields[2] and int(fields[1].rpartition(":")[2], 16) == port:
                return True
    return False


def inside() -> None:
    """Runs in the namespace."""
    herd = Herd.for_test(line(2), log_level="info")
    try:
        herd.start()
        herd.wait_linked()
        port = herd["n1"].bus_port
        herd["n1"].kill()
        ports = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
        ports.write_text(f"{port - 8} {port + 1}", "ascii")
        # The test opens no connection until then, because n0 needs the few ports.
        wait_for(lambda: "it is connected to itself" in herd["n0"].log(), "n0 has met itself", 120)
        ports.write_text("32768 60999", "ascii")
        deadline = time.monotonic() + 10
        while connected_to_itself(port):
            assert time.monotonic() < deadline, "no such connection stays"
        herd["n1"].start()
        herd.wait_linked(90)
    finally:
        herd.close()


def test_a_port_that_connects_to_itself_is_free_for_its_node() -> None:
    probe = ["unshare", "-n", "sh", "-c", "ip link set lo up && test -w /proc/sys/net/ipv4/ip_local_port_range"]
    if os.geteuid() != 0 or subprocess.run(probe, check=False).returncode != 0:
        pytest.skip("needs root and a network namespace")
    ran = subprocess.run(["unshare", "-n", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", sys.executable, __file__],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                         env=os.environ | {"PYTHONPATH": str(REPOSITORY / "scripts/lib")})
    assert ran.returncode == 0, ran.stdout


if __name__ == "__main__":
    inside()
