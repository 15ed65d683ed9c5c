"""Tests a user with telnet: Debian's client, driven by expect, reports at one node and asks another."""
import re
import subprocess

import pytest

from herd_fixture import FIVE, REPOSITORY, Herd, MakeHerd, line, wait_for
from talk import now

EXPECT = r"""
set timeout 20
proc fail {what} {puts stderr "telnet: $what"; exit 1}
proc open_session {port} {
  global spawn_id
  spawn telnet 127.0.0.1 $port
  expect_before timeout {fail "no answer in time"} eof {fail "it ended too soon"}
  expect "Escape character is"
}
proc command {text} {
  send "\035"
  expect "telnet>"
  send "$text\r"
}
proc quit {} {
  command quit
  expect_before
  expect {timeout {fail "it does not quit"} "Connection closed." {} eof {}}
  expect {timeout {fail "it does not end"} eof {}}
  lassign [wait] pid spawned os_error status
  if {$os_error != 0} {fail "it ended with $status"}
}
"""


@pytest.fixture(name="herd")
def two_nodes(make_herd: MakeHerd) -> Herd:
    herd = make_herd(line(2))
    herd.wait_linked()
    return herd


def telnet(script: str) -> str:
    """Runs the script after the lines above; returns the output of telnet."""
    done = subprocess.run(["expect", "-c", EXPECT + script], text=True, timeout=60, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_client_reports_at_one_node_and_another_node_returns_it(herd: Herd) -> None:
    telnet(rf"""
open_session {herd["n0"].clients_port}
send "IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997\r"
expect -re {{AT n0 \+[0-9]+\.[0-9]{{9}} kiwi.cs.ucla.edu \+34.068930-118.445127 1520023934.918963997\r\n}}
send "IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997\r"
expect "IGNORE\r\n"
quit
""")
    wait_for(lambda: herd["n1"].knows("kiwi.cs.ucla.edu"), "the other node has the record")
    herd["n1"].wait_places()
    shown = telnet(rf"""
open_session {herd["n1"].clients_port}
send "WHATSAT kiwi.cs.ucla.edu 10 5\r"
expect -re {{AT n0 \+[0-9]+\.[0-9]{{9}} kiwi.cs.ucla.edu \+34.068930-118.445127 1520023934.918963997\r\n}}
expect -re {{"status":"OK"[^\r]*\}}\r\n\r\n}}
send "quit\r"
expect "? quit\r\n"
quit
""")
    assert shown.count('"place_id"') == 5


def test_option_negotiation_of_telnet_damages_no_line(herd: Herd) -> None:
    telnet(rf"""
open_session {herd["n0"].clients_port}
foreach sequence {{ayt nop ip ao brk ec el ga synch}} {{
  command "send $sequence"
  send "foo $sequence\r"
  expect "? foo $sequence\r\n"
}}
command "send do echo"
send "IAMAT telnet +1+1 5\r"
expect -re {{AT n0 [^ ]+ telnet \+1\+1 5\r?\n}}
quit
""")
    assert herd["n0"].knows("telnet")


@pytest.mark.parametrize("key", ["\\003", "\\034", "\\017"], ids=["interrupt", "abort", "discard output"])
def test_keys_that_make_telnet_ask_for_a_timing_mark_do_not_silence_the_session(herd: Herd, key: str) -> None:
    telnet(rf"""
open_session {herd["n0"].clients_port}
foreach word {{one two three}} {{
  send "$word\r"
  expect "? $word\r\n"
  send "{key}"
  send "after $word\r"
  expect "? after $word\r\n"
}}
quit
""")


def test_a_node_that_stops_ends_the_session(herd: Herd) -> None:
    session = subprocess.Popen(["telnet", "127.0.0.1", str(herd["n0"].clients_port)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    wait_for(lambda: herd["n0"].status()["connections"] == 1, "it is connected")
    herd["n0"].stop()
    output, _ = session.communicate(timeout=20)
    assert b"Connection closed by foreign host" in output


def test_nodes_give_the_replies_of_the_session_in_the_readme(make_herd: MakeHerd) -> None:
    """Byte for byte, except for the time and the difference."""
    herd = make_herd(FIVE)
    readme = (REPOSITORY / "README.md").read_text()
    session = re.search(r"^\$ telnet 127\.0\.0\.1 12140$.*?^```$", readme, re.M | re.S)
    assert session
    reported = re.search(r"^(IAMAT .* (\S+))\n(AT Hill .*\n)", session[0], re.M)
    queried = re.search(r"^(WHATSAT .*)\n(AT Hill .*\n\{(?:.*\n)*?\n)", session[0], re.M)
    assert reported and queried
    report, report_time, report_reply = reported.groups()
    query, query_reply = queried.groups()
    time = now()
    reply = herd["Hill"].say(report.replace(report_time, time))
    before, after = (reply.split()[2] for reply in (report_reply, reply))
    assert reply == report_reply.replace(report_time, time).replace(before, after)
    wait_for(lambda: herd["Campbell"].knows(report.split()[1]), "Campbell knows it")
    herd["Campbell"].wait_places()
    assert herd["Campbell"].say(query) == query_reply.replace(report_time, time).replace(before, after)
