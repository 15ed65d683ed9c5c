"""Tests the commands: every reply byte for byte, both sides of every bound, and lines that are no command. Most
tests use a node that answers invalid arguments with "? ", so that each line has a reply; other tests check that the
default is no reply. test_client_lines.py tests how bytes become lines, test_client_limits.py the cost of a client."""
import itertools
import re
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from herd_fixture import Herd, MakeHerd, Node, alone, line, wait_for
from talk import AT, fresh, now, pipeline, place_reply, read_all

fresh_names = (f"client-{number}" for number in itertools.count())


def herd_with(policy: str) -> Herd:
    herd = Herd.for_test(line(2), settings={"clients": {"invalid_arguments": policy}})
    herd.start()
    herd.wait_linked()
    for node in herd:
        node.wait_places()
    return herd


@pytest.fixture(scope="module", name="node")
def node_that_replies() -> Iterator[Node]:
    herd = herd_with("reply")
    yield herd["n0"]
    herd.close()


@pytest.fixture(scope="module", name="silent")
def node_that_drops() -> Iterator[Node]:
    herd = herd_with("drop")
    yield herd["n0"]
    herd.close()


def at(reply: str | bytes) -> list[str]:
    """The fields of a reply of one AT line."""
    found = AT.fullmatch(reply.encode() if isinstance(reply, str) else reply)
    assert found, reply
    return [field.decode() for field in found.groups()]


def nanoseconds(text: str) -> int:
    """The nanoseconds of a time or difference with nine fraction digits."""
    sign = -1 if text.startswith("-") else 1
    seconds, fraction = text.lstrip("+-").split(".")
    return sign * (int(seconds) * 10**9 + int(fraction))


DIGITS = "123456789012345678901234567890"  # the most digits that a coordinate may have after its point


def report(node: Node, coordinates: str = "+34.068930-118.445127", when: str = "5") -> str:
    """Reports a new client; returns its name."""
    client = next(fresh_names)
    assert node.say(f"IAMAT {client} {coordinates} {when}").startswith("AT ")
    return client


# IAMAT.

def test_iamat_is_answered_with_exact_copies(node: Node) -> None:
    command = "IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997"
    name, _, *copies = at(node.say(command))
    assert name == "n0" and copies == command.split()[1:]


def test_the_difference_is_the_nodes_clock_minus_the_clients_time_to_the_nanosecond(node: Node) -> None:
    for when in (now(), "1520023934.918963997", f"{int(time.time()) + 100}.000000001"):
        before = nanoseconds(now())
        difference = at(node.say(f"IAMAT {next(fresh_names)} +1+1 {when}"))[1]
        after = nanoseconds(now())
        assert re.fullmatch(r"[+-](0|[1-9]\d*)\.\d{9}", difference)
        assert before <= nanoseconds(when) + nanoseconds(difference) <= after
        assert difference[0] == ("-" if nanoseconds(when) > after else "+")


def test_an_exact_duplicate_is_answered_with_ignore(node: Node) -> None:
    client = report(node, "+1+1", "5")
    command = f"IAMAT {client} +1+1 5"
    assert node.say(command) == "IGNORE\n"
    assert node.say(f"IAMAT\t{client}  +1+1 5 ") == "IGNORE\n"
    wait_for(lambda: node.herd["n1"].say(command) == "IGNORE\n", "the other node also takes it for a duplicate")
    before = fresh(node)
    assert node.say(command) == "IGNORE\n"
    after = fresh(node)
    assert after["digest"] == before["digest"]
    assert after["counters"]["iamat_duplicate"] == before["counters"]["iamat_duplicate"] + 1
    assert after["counters"]["iamat_stored"] == before["counters"]["iamat_stored"]


@pytest.mark.parametrize("coordinates, when", [
    ("+1+1", "5.0"), ("+1+1", "05"), ("+1.0+1", "5"), ("+1+1/", "5"), ("+2+2", "5"), ("+1+1", "4"),
    ("+2+2", "4.999999999")])
def test_a_report_that_is_neither_newer_nor_a_duplicate_is_answered_with_at_and_not_stored(
        node: Node, coordinates: str, when: str) -> None:
    client = report(node, "+1+1", "5")
    known = node.knows(client)
    digest = fresh(node)["digest"]
    assert at(node.say(f"IAMAT {client} {coordinates} {when}"))[2:] == [client, coordinates, when]
    assert node.knows(client) == known
    assert fresh(node)["digest"] == digest


def test_a_nanosecond_newer_is_newer(node: Node) -> None:
    client = report(node, "+1+1", "5")
    assert at(node.say(f"IAMAT {client} +1+1 5.000000001"))[2:] == [client, "+1+1", "5.000000001"]
    assert (node.knows(client) or "").endswith(f" {client} +1+1 5.000000001")
    assert node.say(f"IAMAT {client} +1+1 5.000000001") == "IGNORE\n"


@pytest.mark.parametrize("client", ["x" * 255, "!", "?", "AT", "IAMAT", "ünïcode-鳥", "\\x41", '"', "%s%n", "{}"])
def test_a_client_is_1_to_255_bytes_of_any_kind(node: Node, client: str) -> None:
    name = client.encode()[:255]
    for command in (b"IAMAT " + name + b" +1+1 5", b"WHATSAT " + name + b" 1 0"):
        found = AT.match(node.say(command))
        assert found and found[3] == name


def test_a_client_that_is_not_utf8_is_echoed_byte_for_byte(node: Node) -> None:
    client = b"\x80" + bytes(range(0x80, 0xFF)) + b"\xc3"
    for command in (b"IAMAT " + client + b" +1+1 5", b"WHATSAT " + client + b" 1 0"):
        found = AT.match(node.say(command))
        assert found and found[3] == client


def test_a_client_of_256_bytes_is_invalid(node: Node) -> None:
    for command in (f"IAMAT {'x' * 256} +1+1 5", f"WHATSAT {'x' * 256} 1 0", f"IAMAT {'ü' * 128} +1+1 5"):
        assert node.say(command) == f"? {command}\n"


@pytest.mark.parametrize("coordinates", [
    "+0+0", "-0-0", "+90+180", "-90-180", "+90.000+180.000000000000000", "-90.0-180.0", "+89.999999999999999-179.9",
    "+1.123456789012345-2.123456789012345", "+01+001", "+00.5-000.5", "+1+01", "+34.068930-118.445127",
    "+34.068930-118.445127/", "+90+180/", "+51.507350900000001-0.12775829999999999",
    "+51.50735090000000127475-0.12775829999999998799/", f"-89.{DIGITS}-179.{DIGITS}/",
    f"+90.{'0' * 30}-180.{'0' * 30}/"])
def test_coordinates_that_are_valid(node: Node, coordinates: str) -> None:
    client = report(node, coordinates)
    assert at(f"{node.knows(client)}\n")[3] == coordinates


@pytest.mark.parametrize("coordinates", [
    "+90.000000000000001+0", "-90.000000000000001+0", "+91+0", "-91+0", "+99.9+0", "+0+180.000000000000001",
    "+0-180.000000000000001", "+0+181", "+0-999", "+3404-11826", "34+118", "+34118", "+34", "+34+", "+", "+-", "++1+1",
    "+-1+1", "+1-+1", "+001+1", "+1+0001", "+1.+1", "+1+1.", "+.5+1", "+1+.5", f"+1.{DIGITS}0+1",
    f"+1+1.{DIGITS}0/", f"+90.{'0' * 29}1+0", f"+0-180.{'0' * 29}1/", "+90.18446744073709551616+0",
    "+1e1+1", "+1+1e1", "+1+5.55e-17", "+1+1+1", "+1+1//", "+1/+1", "/+1+1", "+1+1/+1", "+1+1/1", "+1+/", "+1,5+1",
    "+0x1+1", "+nan+nan", "+1+1N", "+１+1"])
def test_coordinates_that_are_invalid(node: Node, coordinates: str) -> None:
    command = f"IAMAT {next(fresh_names)} {coordinates} 5"
    assert node.say(command) == f"? {command}\n"


@pytest.mark.parametrize("when", ["0", "0.0", "00", "1", "1520023934.918963997", "0000000005", "5.000000000", "1.1"])
def test_times_that_are_valid(node: Node, when: str) -> None:
    client = report(node, when=when)
    assert at(f"{node.knows(client)}\n")[4] == when


@pytest.mark.parametrize("when", [
    "-1", "-0", "+1", "1.", ".5", ".", "1e9", "12345678901", "00000000001", "1.1234567890", "9223372036", "9999999999",
    "9223372036.0", "0x10", "1,5", "1.5.5", "nan", "inf", "１", "1_000"])
def test_times_that_are_invalid(node: Node, when: str) -> None:
    command = f"IAMAT {next(fresh_names)} +1+1 {when}"
    assert node.say(command) == f"? {command}\n"


def test_a_time_may_be_max_future_ahead_of_the_nodes_clock_and_not_more(node: Node) -> None:
    client, far = next(fresh_names), next(fresh_names)
    ahead = int(time.time()) + 300
    assert at(node.say(f"IAMAT {client} +1+1 {ahead}"))[1].startswith(("-299.", "-300.0"))
    for when in (ahead + 10, 9223372035, "9223372035.999999999"):
        command = f"IAMAT {far} +1+1 {when}"
        assert node.say(command) == f"? {command}\n"
    assert node.knows(far) is None


def test_only_the_node_that_a_client_reports_to_checks_its_clock(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), start=False, settings={"clients": {"max_future": "24h"}})
    herd["n0"].start(wait=False)
    herd["n0"].wait_ready()
    herd.settings = {"clients": {"max_future": "0s"}}
    herd.write_config()
    herd["n1"].start()
    command = f"IAMAT ahead +1+1 {int(time.time()) + 3600}"
    assert herd["n1"].say(command) == ""
    assert herd["n0"].say(command).startswith("AT n0 -")
    wait_for(lambda: herd["n1"].knows("ahead"), "the other node has taken it")


# WHATSAT.

def test_every_node_returns_the_at_line_of_the_origin(node: Node) -> None:
    client = next(fresh_names)
    reply = node.say(f"IAMAT {client} +34.068930-118.445127 {now()}")
    other = node.herd["n1"]
    wait_for(lambda: other.knows(client), "it is known at the other node")
    for each in (node, other):
        assert place_reply(each.say(f"WHATSAT {client} 10 5".encode()))[0] == reply.encode()
    newer = other.say(f"IAMAT {client} +1+1 {now()}")
    wait_for(lambda: node.knows(client) == newer.rstrip("\n"), "the newer one replaces it")
    assert newer.startswith("AT n1 ")


def test_the_document_has_the_shape_of_a_nearby_search(node: Node) -> None:
    client = report(node)
    _, _, document = place_reply(node.say(f"WHATSAT {client} 10 5".encode()))
    assert set(document) == {"html_attributions", "results", "status", "info_messages"} and document["status"] == "OK"
    assert ["google has no key" in message for message in document["info_messages"]] == [True]
    assert isinstance(document["html_attributions"], list) and len(document["results"]) == 5
    for result in document["results"]:
        location = result["geometry"]["location"]
        assert abs(location["lat"] - 34.06893) < 0.1 and abs(location["lng"] + 118.445127) < 0.12
        assert result["name"] and result["place_id"] and isinstance(result["types"], list)


@pytest.mark.parametrize("most", range(0, 21))
def test_at_most_max_results_come_and_the_nearest_first(node: Node, most: int) -> None:
    client = report(node)
    document = place_reply(node.say(f"WHATSAT {client} 50 {most}".encode()))[2]
    assert len(document["results"]) == most and document["status"] == "OK"
    of_all = place_reply(node.say(f"WHATSAT {client} 50 20".encode()))[2]
    assert document["results"] == of_all["results"][:most]


def test_the_document_with_max_0(node: Node) -> None:
    client = report(node)
    assert node.say(f"WHATSAT {client} 10 0").endswith(
        f' {client} +34.068930-118.445127 5\n{{"html_attributions":[],"results":[],"status":"OK"}}\n\n')


def test_over_the_open_sea_there_are_zero_results(node: Node) -> None:
    client = report(node, "+0.0-140.0")
    at, _, document = node.say(f"WHATSAT {client} 50 20").partition("\n")
    assert at.endswith(f" {client} +0.0-140.0 5") and document.endswith("}\n\n")
    assert document.startswith('{"html_attributions":[],"results":[],"status":"ZERO_RESULTS","info_messages":["google')


def test_the_whole_reply_comes_in_one_read(node: Node) -> None:
    client = report(node)
    with node.connect() as connection:
        for _ in range(20):
            connection.sendall(f"WHATSAT {client} 50 20\n".encode())
            assert len(place_reply(connection.recv(1 << 20))[2]["results"]) == 20


@pytest.mark.parametrize("radius", ["0", "00", "50", "50.000000000", "49.999999999", "0.000000001", "000000010"])
def test_radiuses_that_are_valid(node: Node, radius: str) -> None:
    assert place_reply(node.say(f"WHATSAT {report(node)} {radius} 1".encode()))[2]["status"] in ("OK", "ZERO_RESULTS")


@pytest.mark.parametrize("radius", ["50.000000001", "51", "100", "-1", "-0", "+1", "1e1", "1.", ".5", "0.0000000001",
                                    "0000000001", "nan", "inf", "0x1", "1,5"])
def test_radiuses_that_are_invalid(node: Node, radius: str) -> None:
    for client in (report(node), "unknown"):  # checked before the client is looked up
        assert node.say(f"WHATSAT {client} {radius} 1") == f"? WHATSAT {client} {radius} 1\n"


@pytest.mark.parametrize("most", ["0", "00", "05", "9", "20"])
def test_numbers_of_places_that_are_valid(node: Node, most: str) -> None:
    assert place_reply(node.say(f"WHATSAT {report(node)} 50 {most}".encode()))[2]["status"] == "OK"


@pytest.mark.parametrize("most", ["21", "99", "-1", "+1", "001", "020", "1.0", "1.", "x", "0x1"])
def test_numbers_of_places_that_are_invalid(node: Node, most: str) -> None:
    for client in (report(node), "unknown"):
        assert node.say(f"WHATSAT {client} 50 {most}") == f"? WHATSAT {client} 50 {most}\n"


def test_an_unknown_client_is_answered_with_a_copy(silent: Node) -> None:
    assert silent.say(" WHATSAT  unknown 10 5 \r\n") == "?  WHATSAT  unknown 10 5 \n"


def test_replies_have_the_order_of_commands_also_around_lookups(node: Node) -> None:
    client, other = report(node), next(fresh_names)
    command = f"IAMAT {other} +1+1 5\nWHATSAT {client} 50 20\nIAMAT {other} +1+1 6\nfoo\nWHATSAT {client} 1 0\n"
    replies = pipeline(node, command.encode() * 20)
    pattern = (rb"AT n0 \S+ %s \+1\+1 5\n(?=AT)|AT n0 \S+ %s \S+ 5\n\{(?:[^\n]|\n(?!\n))*\}\n\n|"
               rb"AT n0 \S+ %s \+1\+1 6\n|IGNORE\n|\? foo\n" % (other.encode(), client.encode(), other.encode()))
    found = re.findall(pattern, replies)
    assert b"".join(found) == replies
    assert [reply[:2] for reply in found] == [b"AT", b"AT", b"AT", b"? ", b"AT"] + (
        [b"AT", b"AT", b"IG", b"? ", b"AT"] * 19)


def test_a_lookup_while_the_places_are_being_read_retains_its_reply_slot(make_herd: MakeHerd) -> None:
    herd = make_herd(line(1), start=False, settings={"places": {"timeout": "60s"}})
    herd["n0"].start(wait=False)

    def connected() -> socket.socket | None:
        try:
            return herd["n0"].connect()
        except OSError:
            return None
    with wait_for(connected, "it listens") as connection:
        connection.sendall(b"IAMAT early +34.06-118.44 5\nWHATSAT early 50 3\nIAMAT early +34.06-118.44 6\n")
        connection.shutdown(1)
        first, rest = read_all(connection).split(b"\n", 1)
    lookup, last = rest[:rest.index(b"\n\n") + 2], rest[rest.index(b"\n\n") + 2:]
    assert place_reply(lookup)[0] == first + b"\n" and len(place_reply(lookup)[2]["results"]) == 3
    assert at(last)[2:] == ["early", "+34.06-118.44", "6"]


def test_a_lookup_that_takes_too_long_is_answered(make_herd: MakeHerd) -> None:
    herd = make_herd(line(1), start=False, settings={"places": {"timeout": "10ms"}})

    def answered_in_time() -> dict[str, Any]:  # reading the places takes longer than this, unless the test is late
        herd["n0"].start(wait=False)
        try:
            wait_for(lambda: "event=started" in herd["n0"].log(), "it is there")
            return place_reply(herd["n0"].say(b"IAMAT a +1+1 5\nWHATSAT a 50 3\n").split(b"\n", 1)[1])[2]
        finally:
            herd["n0"].kill()
            herd["n0"].log_path.unlink()
    document = wait_for(lambda: (found := answered_in_time())["status"] == "UNKNOWN_ERROR" and found, "a timeout")
    assert document["results"] == [] and "took too long" in document["error_message"]


# What is not a command.

@pytest.mark.parametrize("command", [
    "x", "iamat a +1+1 5", "Iamat a +1+1 5", "IAMATS a +1+1 5", "IAMA a +1+1 5", "whatsat a 1 1", "IAMAT", "WHATSAT",
    "IAMAT a", "IAMAT a +1+1", "IAMAT a +1+1 5 6", "IAMAT a +1 +1 5", "WHATSAT a", "WHATSAT a 1", "WHATSAT a 1 1 1",
    "AT n0 +0.1 a +1+1 5", "AT", "AT n1 +0.263873386 kiwi +1+1 1520023934", "IGNORE", "? x", "quit", "GET / HTTP/2.0",
    "a b c d", "a " * 500, "\\", "\\x01"])
def test_unknown_commands_are_answered_with_a_copy(silent: Node, command: str) -> None:
    assert silent.say(command + "\r\n") == f"? {command}\n"
    assert silent.knows("a") is None and silent.knows("kiwi") is None


def test_invalid_arguments_are_dropped_counted_and_logged_and_later_replies_come(silent: Node) -> None:
    before = fresh(silent)["counters"]
    command = "IAMAT bad +91+0 5\nfoo\nWHATSAT bad 51 1\nIAMAT bad +1+1 x\x7f\nbar\n"
    command += "IAMAT bad +1+1 9223372035.999999999\nIAMAT bad +1+1 9223372036\nend"
    assert silent.say(command) == "? foo\n? IAMAT bad +1+1 x\\x7f\n? bar\n? end\n"
    after = fresh(silent)["counters"]
    assert after["invalid_arguments"] == before["invalid_arguments"] + 4
    assert after["unknown_commands"] == before["unknown_commands"] + 4
    for text, reason in (("IAMAT bad +91+0 5", "latitude is not within -90 and +90"),
                         ("WHATSAT bad 51 1", "radius is not within 0 and 50 kilometres"),
                         ("IAMAT bad +1+1 9223372035.999999999", "time is further ahead"),
                         ("IAMAT bad +1+1 9223372036", "time is not below 9223372036 seconds")):
        wanted = (rf' warning n0 event=invalid_arguments from=127.0.0.1:\d+ reason="{re.escape(reason)}.*" '
                  rf"text={re.escape(text)}\n")
        wait_for(lambda: re.search(wanted, silent.log()), f"{wanted} in the log")


def test_invalid_arguments_cannot_fill_the_log(silent: Node) -> None:
    count = 5000
    assert pipeline(silent, b"WHATSAT flood 51 1\n" * count + b"end") == b"? end\n"
    wait_for(lambda: "event=warnings_suppressed kind=invalid_arguments" in silent.log(), "what was left out is counted")
    assert silent.log().count("warning n0 event=invalid_arguments") < 1000


def test_the_added_commands_answer_in_order_and_quit_ends_the_connection(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1))["n0"]
    with node.connect() as connection:
        connection.sendall(b"PING\nPING a\nINFO\nHELP QUIT\nfoo\nWHY\nIAMAT kiwi +91+0 5\nWHY\nQUIT\nPING b\n")
        pong, word, info, quit_help, end, unknown, why, dropped, *rest = read_all(connection).decode().splitlines()
    assert (pong, word, end, unknown) == ("PONG", "PONG a", "END 1", "? foo") and not rest
    assert re.fullmatch(r"INFO herd=\S+ node=n0 version=\d+\.\d+\.\d+ protocol=1 auth=none tls=off time=\d{10}\.\d{9}"
                        r" max_line=1024 commands=IAMAT,WHATSAT,WHEREIS,NEAR,WITHIN,COUNT,WATCH,UNWATCH,PING,INFO,"
                        r"HELP,WHY,QUIT", info)
    assert quit_help.startswith("QUIT: ") and why == "WHY unknown command: HELP lists the commands"
    assert dropped == "WHY latitude is not within -90 and +90"


def test_with_the_commands_of_the_seed_all_others_are_unknown(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1), settings={"clients": {"commands": "seed"}})["n0"]
    lines = ["PING", "PING a", "INFO", "HELP", "WHY", "AUTH a", "QUIT", "foo"]
    assert node.say("\n".join(lines)) == "".join(f"? {line}\n" for line in lines)
