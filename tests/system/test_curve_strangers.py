"""Tests connections that speak CURVE byte by byte: messages and PINGs that come before the node has answered who is
there, and connections that break then. The node continues, nothing is admitted, and its links are undisturbed."""
import contextlib
from collections.abc import Iterator

import pytest

import zmtp
from curve_client import CurveClient
from herd_fixture import Herd, line, wait_for
from talk import now

PING = b"\x04PING\0\1"
TRIES = 40
Keys = tuple[str, str] | None


@pytest.fixture(scope="module", name="herd")
def encrypted_pair() -> Iterator[Herd]:
    herd = Herd.for_test(line(2), log_level="info", curve=True)
    herd.start()
    herd.wait_linked()
    yield herd
    herd.close()


def client(herd: Herd, keys: Keys = None) -> CurveClient:
    """A client of the bus of n0 that knows its public key, which is no secret."""
    assert herd.keys is not None
    return CurveClient(herd["n0"].bus_port, herd.keys.pairs["n0"][0].public, keys)


def keys_of_n1(herd: Herd) -> Keys:
    assert herd.keys is not None
    pair = herd.keys.pairs["n1"][0]
    return pair.public, pair.secret


def test_a_key_of_the_herd_is_admitted_and_a_strangers_is_not(herd: Herd) -> None:
    for keys, expected in ((keys_of_n1(herd), True), (None, False)):
        with contextlib.closing(client(herd, keys)) as connection:
            assert connection.is_admitted() == expected


@pytest.mark.parametrize("is_known", [False, True])
def test_messages_and_pings_before_the_answer_and_a_reset_do_not_end_the_node(herd: Herd, is_known: bool) -> None:
    keys = keys_of_n1(herd) if is_known else None
    damaged = herd["n0"].counter("bus_messages_damaged")
    for _ in range(TRIES):
        # An end is the node's right: it has refused the client, or it has too many connections like this one.
        with contextlib.suppress(OSError), contextlib.closing(client(herd, keys)) as connection:
            burst = [connection.message(b"x") for _ in range(50)]
            burst += [connection.message(PING, is_command=True) for _ in range(200)]
            connection.connection.sendall(connection.initiate() + b"".join(burst))
            zmtp.reset(connection.connection)
    assert herd["n0"].is_running
    if not is_known:
        assert herd["n0"].counter("bus_messages_damaged") == damaged  # no message of theirs came in
    reply = herd["n1"].say(f"IAMAT undisturbed +1+1 {now()}")
    wait_for(lambda: herd["n0"].knows("undisturbed") == reply.rstrip("\n"), "the link works")
