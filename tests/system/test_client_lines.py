"""Tests how a node splits the bytes of a client into lines: line ends, blanks, pipelining, the half-close, lines that
are too long, telnet sequences and control bytes. The meaning of lines is tested in test_client_protocol.py."""
import socket
from collections.abc import Iterator

import pytest

from herd_fixture import Herd, Node, alone, wait_for
from talk import AT, fresh, in_segments, pipeline, read_all

IAC = b"\xff"
WILL_ECHO, DO_ECHO, NOP, AYT = b"\xff\xfb\x01", b"\xff\xfd\x01", b"\xff\xf1", b"\xff\xf6"


@pytest.fixture(scope="module", name="node")
def one_node() -> Iterator[Node]:
    herd = Herd.for_test(alone(1))
    herd.start()
    herd["n0"].wait_places()
    yield herd["n0"]
    herd.close()


@pytest.fixture(autouse=True)
def node_survives(node: Node) -> Iterator[None]:
    yield
    assert node.is_running and node.say(b"still there") == b"? still there\n"


def at(reply: bytes) -> tuple[bytes, ...]:
    """The fields of a reply of one AT line."""
    found = AT.fullmatch(reply)
    assert found, reply
    return found.groups()


# Line ends and blanks.

@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r\0"])
def test_a_line_ends_with_lf_crlf_or_cr_nul(node: Node, end: bytes) -> None:
    assert node.say(b"one" + end + b"two" + end) == b"? one\n? two\n"


@pytest.mark.parametrize("end", [b"\r\n", b"\r\0"])
def test_a_line_end_may_be_split_over_segments(node: Node, end: bytes) -> None:
    assert in_segments(node, b"one" + end[:1], end[1:] + b"two" + end) == b"? one\n? two\n"


def test_a_line_may_arrive_in_any_pieces(node: Node) -> None:
    assert in_segments(node, b"o", b"n", b"e\nt", b"wo\n", b"\n", b"thr", b"ee") == b"? one\n? two\n? three\n"


def test_a_cr_within_a_line_is_a_blank(node: Node) -> None:
    assert node.say(b"IAMAT cr\r+1+1\r5\n").startswith(b"AT n0 ")
    assert node.say(b"a\rb\n") == b"? a\rb\n"
    assert node.say(b"a\r\r\n") == b"? a\r\n"


def test_fields_are_separated_by_one_or_more_of_space_tab_cr_ff_and_vt(node: Node) -> None:
    reply = node.say(b" \t\r\f\vIAMAT\t \fblanks\v\v+1+1\r \r5\f\n")
    assert at(reply)[2:] == (b"blanks", b"+1+1", b"5")


@pytest.mark.parametrize("blank", [b"", b" ", b"\t", b"\r", b"\f", b"\v", b" \t\r\f\v "])
def test_a_blank_line_is_ignored(node: Node, blank: bytes) -> None:
    assert node.say(blank + b"\n" + blank + b"\r\n" + b"x\n" + blank + b"\n") == b"? x\n"


def test_a_copy_has_the_original_blanks_of_the_line(node: Node) -> None:
    assert node.say(b" \tfoo \f bar\v \r\n") == b"?  \tfoo \f bar\v \n"


# Pipelining and the half-close.

def test_thousands_of_commands_are_pipelined_and_answered_in_order(node: Node) -> None:
    count = 20_000
    replies = pipeline(node, b"".join(b"IAMAT p%d +1+1 5\nfoo %d\n" % (i, i) for i in range(count))).splitlines(True)
    assert len(replies) == 2 * count
    assert [at(reply)[2] for reply in replies[::2]] == [b"p%d" % i for i in range(count)]
    assert replies[1::2] == [b"? foo %d\n" % i for i in range(count)]


def test_bytes_without_a_line_end_at_the_half_close_are_a_last_line(node: Node) -> None:
    with node.connect() as connection:
        connection.sendall(b"one\nIAMAT last +1+1 5")
        connection.shutdown(socket.SHUT_WR)
        first, last = read_all(connection).splitlines(True)
    assert first == b"? one\n" and at(last)[2] == b"last"


def test_a_half_close_without_any_line_is_answered_with_the_end(node: Node) -> None:
    for data in (b"", b"  ", b"\r", b"\n"):
        with node.connect() as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            assert read_all(connection) == b""


def test_every_command_before_the_half_close_is_answered_also_lookups(node: Node) -> None:
    commands = b"IAMAT half +34.06-118.44 5\n" + b"WHATSAT half 50 1\n" * 100 + b"end"
    replies = pipeline(node, commands)
    assert replies.count(b"AT n0 ") == 101 and replies.count(b'"status":"OK"') == 100
    assert replies.endswith(b"\n\n? end\n")


# Lines that are too long.

@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r\0"])
def test_a_line_of_1024_bytes_is_the_longest(node: Node, end: bytes) -> None:
    longest = b"x" * 1024
    assert node.say(longest + end + b"y" + end) == b"? " + longest + b"\n? y\n"
    assert node.say(longest + b"x" + end + b"y" + end) == b"? " + b"x" * 64 + b"\n"


def test_a_last_line_of_1024_bytes_is_the_longest(node: Node) -> None:
    assert in_segments(node, b"x" * 1024) == b"? " + b"x" * 1024 + b"\n"
    assert in_segments(node, b"x" * 1025) == b"? " + b"x" * 64 + b"\n"
    assert in_segments(node, b"x" * 1000, b"x" * 25) == b"? " + b"x" * 64 + b"\n"


def test_a_too_long_line_is_shown_by_its_first_64_bytes_escaped_counted_and_logged(node: Node) -> None:
    before = fresh(node)["counters"]["lines_too_long"]
    assert node.say(b"\x01 \t\\" + b"z" * 1021 + b"\n") == b"? \\x01 \t\\" + b"z" * 60 + b"\n"
    assert fresh(node)["counters"]["lines_too_long"] == before + 1
    node.wait_log("event=line_too_long", r"head=\x01 \x09\\zzz")


def test_a_too_long_line_ends_the_connection_by_a_half_close(node: Node) -> None:
    before = fresh(node)["connections"]
    with node.connect() as connection:
        connection.sendall(b"x" * 1025)
        assert read_all(connection) == b"? " + b"x" * 64 + b"\n"
        for _ in range(8):
            connection.sendall(b"IAMAT discarded +1+1 5\n" * 1000)  # later bytes are discarded
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
        wait_for(lambda: node.status()["connections"] == before, "the node has closed")
    assert node.knows("discarded") is None


def test_replies_before_a_too_long_line_are_not_destroyed_by_later_bytes(node: Node) -> None:
    commands = b"".join(b"first %d\n" % i for i in range(1000))
    with node.connect() as connection:
        connection.sendall(commands + b"x" * 900_000)
        assert read_all(connection) == b"".join(b"? first %d\n" % i for i in range(1000)) + b"? " + b"x" * 64 + b"\n"


def test_a_client_that_stays_after_a_too_long_line_is_closed_after_a_second(node: Node) -> None:
    before = fresh(node)["connections"]
    with node.connect() as connection:
        connection.sendall(b"x" * 2000)
        assert read_all(connection) == b"? " + b"x" * 64 + b"\n"
        assert fresh(node)["connections"] == before + 1
        wait_for(lambda: node.status()["connections"] == before, "the node has closed")


def test_a_client_that_continues_to_send_after_a_too_long_line_is_closed_after_a_mebibyte(node: Node) -> None:
    before = fresh(node)["counters"]["bytes_in"]
    with node.connect() as connection:
        with pytest.raises(OSError):
            for _ in range(10_000):
                connection.sendall(b"x" * 100_000)
    assert 1 << 20 < fresh(node)["counters"]["bytes_in"] - before <= (1 << 20) + (64 << 10) * 2


# Telnet.

@pytest.mark.parametrize("sequence", [WILL_ECHO, b"\xff\xfc\x03", DO_ECHO, b"\xff\xfe\x22", NOP, AYT, b"\xff\xf2",
                                      b"\xff\xfa\x18\x00xterm\xff\xf0", b"\xff\xfa\x22\n\r\n\xff\xff\n\xff\xf0",
                                      b"\xff\xfb\n", b"\xff\xfd\r", WILL_ECHO + NOP + DO_ECHO],
                         ids=lambda sequence: sequence.hex())
def test_telnet_sequences_are_skipped_at_any_position(node: Node, sequence: bytes) -> None:
    line = b"foo bar"
    for position in range(len(line) + 1):
        assert node.say(line[:position] + sequence + line[position:] + b"\n") == b"? foo bar\n"
    assert node.say(b"foo\r" + sequence + b"\nbar\n" + sequence) == b"? foo\n? bar\n"
    reply = node.say(b"IAM" + sequence + b"AT tel" + sequence + b"net +1+1 " + sequence + b"5\r\n")
    assert reply == b"IGNORE\n" or at(reply)[2] == b"telnet"


@pytest.mark.parametrize("sequence", [WILL_ECHO, AYT, b"\xff\xfa\x18\nab\xff\xf0"], ids=lambda sequence: sequence.hex())
def test_telnet_sequences_split_over_segments_are_skipped(node: Node, sequence: bytes) -> None:
    for at in range(1, len(sequence)):
        assert in_segments(node, b"fo" + sequence[:at], sequence[at:] + b"o\n") == b"? foo\n"


def test_a_sequence_that_the_half_close_cuts_off_is_skipped(node: Node) -> None:
    for sequence in (IAC, b"\xff\xfb", b"\xff\xfa\x18", b"\xff\xfa\x18\xff"):
        assert in_segments(node, b"foo" + sequence) == b"? foo\n"
        assert in_segments(node, sequence) == b""


def test_iac_iac_is_the_byte_ff_which_no_command_may_contain(node: Node) -> None:
    assert node.say(b"IAMAT a\xff\xffb +1+1 5\n") == b"? IAMAT a\\xffb +1+1 5\n"
    assert in_segments(node, b"a" + IAC, IAC + b"b\n") == b"? a\\xffb\n"
    assert node.say(b"\xff\xff\xff\xf1\n") == b"? \\xff\n"


def test_a_subnegotiation_longer_than_the_longest_line_is_a_line_too_long(node: Node) -> None:
    begin, end = b"\xff\xfa", b"\xff\xf0"
    assert node.say(b"foo" + begin + b"s" * 1024 + end + b"\n") == b"? foo\n"
    assert node.say(b"foo" + begin + b"s" * 1025 + end + b"\nbar\n") == b"? foo\n"


def test_telnets_urgent_synch_does_not_damage_the_line(node: Node) -> None:
    with node.connect() as connection:
        connection.sendall(b"foo\xff\xf4\xff")
        connection.send(b"\xf2", socket.MSG_OOB)  # IAC DM, as telnet's "send synch" does
        connection.sendall(b" bar\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection) == b"? foo bar\n"


# Control bytes.

@pytest.mark.parametrize("byte", [*(b for b in range(0x20) if b not in b"\t\n\v\f\r"), 0x7F], ids=hex)
def test_a_control_byte_makes_a_line_invalid_and_is_shown_escaped(node: Node, byte: int) -> None:
    control, escaped = bytes([byte]), b"\\x%02x" % byte
    assert node.say(b"IAMAT c +1+1 5" + control + b"\n") == b"? IAMAT c +1+1 5" + escaped + b"\n"
    assert node.say(control + b"\n") == b"? " + escaped + b"\n"
    assert node.say(b"IAMAT c" + control + b" +1+1 5 " + control + b"\\\n") == (
        b"? IAMAT c" + escaped + b" +1+1 5 " + escaped + b"\\\n")


def test_bytes_above_7f_are_not_control_bytes(node: Node) -> None:
    high = bytes(range(0x80, 0xFF))
    assert node.say(high + b"\n") == b"? " + high + b"\n"
    assert node.say("ünïcode 鳥\n".encode()) == "? ünïcode 鳥\n".encode()


def test_control_bytes_in_the_log_are_escaped(node: Node) -> None:
    node.say(b"IAMAT \x1b[31m +1+1 5\n")
    node.say(b"x" * 1030 + b"\x1b\n")
    assert "\x1b" not in node.wait_log(r"\x1b[31m", "head=" + "x" * 64)
