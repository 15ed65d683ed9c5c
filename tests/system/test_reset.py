"""Tests the reset of a client by an operator, through the admin socket of a running node: scripts/herd reset-client."""
import json
import os
import pathlib
import socket
import stat
import subprocess

import pytest

from herd_fixture import BINARY, REPOSITORY, Herd, MakeHerd, Node, line, wait_for

SCRIPT = REPOSITORY / "scripts/herd"
AHEAD = 250  # seconds that a report with a wrong time is ahead of the clock: within max_future


def reset(herd: Herd, *words: str | bytes, status: int = 0) -> str:
    """Runs the command; returns its one line."""
    ran = subprocess.run([SCRIPT, "reset-client", "--config", herd.config_path, *words], stdin=subprocess.DEVNULL,
                         env=os.environ | herd.environment | {"HERD_BIN": BINARY}, capture_output=True, check=False)
    assert ran.returncode == status, (ran.returncode, ran.stdout, ran.stderr)
    output = ran.stdout if status == 0 else ran.stderr
    assert output.count(b"\n") == 1 and not (ran.stdout and ran.stderr), (ran.stdout, ran.stderr)
    return output.decode()


def poison(node: Node, client: str) -> int:
    """Sends a report with a wrong time: reports with the right time do not count after it. Returns the right time."""
    ahead = node.say(f"IAMAT {client} +1+2 1").split()  # its difference is the time of the node, less a second
    time = int(float(ahead[2])) + 1 + AHEAD
    assert node.say(f"IAMAT {client} +7+8 {time}").startswith("AT ")
    return time - AHEAD


def test_a_reset_client_is_unknown_everywhere_until_it_reports_again(make_herd: MakeHerd) -> None:
    herd = make_herd(line(3), log_level="info")
    herd.wait_linked()
    now = poison(herd["n0"], "kiwi")
    herd.wait_converged(1)
    assert herd["n2"].say(f"IAMAT kiwi +3+4 {now}").startswith("AT ")
    assert (herd["n2"].knows("kiwi") or "").split()[4] == "+7+8"
    assert reset(herd, "kiwi") == ("kiwi is reset at n0, which sends the reset to all nodes: WHATSAT replies ? "
                                   "until the client reports again\n")
    for node in herd:
        wait_for(lambda: node.say("WHATSAT kiwi 1 0") == "? WHATSAT kiwi 1 0\n", f"{node.name} has the reset")
    assert reset(herd, "kiwi") == "kiwi is reset already, and has not reported since\n"
    assert herd["n2"].say(f"IAMAT kiwi +3+4 {now}").startswith("AT n2 ")
    for node in herd:
        wait_for(lambda: (node.knows("kiwi") or "").endswith(f" kiwi +3+4 {now}"), f"{node.name} knows it")
    assert herd["n0"].counter("clients_reset") == 1
    herd["n0"].wait_log("event=client_reset client=kiwi epoch=1")


def test_a_reset_survives_the_end_of_all_nodes(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), log_level="info")
    herd.wait_linked()
    poison(herd["n1"], "kiwi")
    herd.wait_converged(1)
    answer = json.loads(reset(herd, "--json", "kiwi"))
    assert answer == {"result": "done", "node": "n0", "epoch": 1, "client": "kiwi"}
    for node in herd:
        node.kill()
    herd.start()
    for node in herd:
        wait_for(lambda: node.say("WHATSAT kiwi 1 0") == "? WHATSAT kiwi 1 0\n", f"{node.name} remembers it")


def test_a_node_that_does_not_know_the_client_is_skipped(make_herd: MakeHerd) -> None:
    herd = make_herd({"n0": [], "n1": []}, log_level="info")
    herd["n1"].say("IAMAT kiwi +1+2 5")
    assert reset(herd, "kiwi").startswith("kiwi is reset at n1, ")
    herd["n0"].kill()
    assert reset(herd, "kiwi") == "kiwi is reset already, and has not reported since\n"


def test_a_reset_waits_until_it_is_durable_as_a_report_does(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), log_level="info", settings={"updates": {"replicas": 1, "ack_timeout": "1s"}})
    herd.wait_linked()
    assert herd["n0"].say("IAMAT kiwi +1+2 5").startswith("AT ")
    herd["n1"].kill()
    assert "not yet durable as `ack` and `replicas` require" in reset(herd, "kiwi", status=1)
    herd["n1"].start()
    assert reset(herd, "kiwi") == "kiwi is reset already, and has not reported since\n"


def test_a_failed_reset_is_reported_in_one_line(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), log_level="info")
    assert reset(herd, "kiwi", status=1) == "scripts/herd: no running node of this host knows a client 'kiwi'\n"
    ids: list[tuple[str | bytes, str]] = [
        ("two words", "two words"), ("a\tb", "a\\x09b"), ("", ""), (b"a\xff", "a\\xff"), ("\x1b[31m", "\\x1b[31m"),
        ("x" * 256, "x" * 256)]
    for wrong, shown in ids:
        assert reset(herd, wrong, status=2) == (
            f"scripts/herd: '{shown}' is not a client's id: use 1 to 255 bytes without blanks and control bytes\n")
    assert reset(herd, status=2).startswith("scripts/herd: the following arguments are required: CLIENT")
    for node in herd:
        node.stop()
    assert reset(herd, "kiwi", status=4) == (
        "scripts/herd: no node of this host is running: scripts/herd up starts them\n")


def test_any_id_can_be_reset(make_herd: MakeHerd) -> None:
    herd = make_herd({"n0": []}, log_level="info")
    for client in (b"x" * 255, "père".encode(), b"\xf0\x80", b"-", b"up", b"%s{}\"\\"):
        assert herd["n0"].say(b"IAMAT " + client + b" +1+2 5").startswith(b"AT ")
        words = [b"--", client] if client.startswith(b"-") else [client]
        assert " is reset at n0, " in reset(herd, *words)
        assert herd["n0"].say(b"WHATSAT " + client + b" 1 0").startswith(b"? ")


def control_of(herd: Herd, name: str) -> pathlib.Path:
    return herd.state_dir / "nodes" / name / "control"


def say_raw(herd: Herd, data: bytes) -> bytes:
    """Sends a line to the socket itself."""
    directory = os.open(control_of(herd, "n0").parent, os.O_PATH)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(f"/proc/self/fd/{directory}/control")
            connection.sendall(data)
            return connection.makefile("rb").readline()
    finally:
        os.close(directory)


def test_only_the_owner_may_use_the_socket_and_it_is_removed_with_the_node(make_herd: MakeHerd) -> None:
    herd = make_herd({"n0": []}, log_level="info")
    mode = control_of(herd, "n0").stat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
    herd["n0"].kill()
    assert control_of(herd, "n0").exists()
    herd["n0"].start()  # the socket of a killed node is replaced
    assert b"unknown" in say_raw(herd, b"reset-client kiwi\n")
    herd["n0"].stop()
    assert not control_of(herd, "n0").exists()


def wait_answering(herd: Herd) -> None:
    def answers() -> bool:
        try:
            return b"unknown" in say_raw(herd, b"reset-client nothing\n")
        except OSError:
            return False
    wait_for(answers, "the socket answers")


def test_a_removed_socket_is_created_again(make_herd: MakeHerd) -> None:
    herd = make_herd({"n0": []}, log_level="info")
    herd["n0"].say("IAMAT kiwi +1+2 5")
    control_of(herd, "n0").unlink()
    wait_answering(herd)
    assert reset(herd, "kiwi").startswith("kiwi is reset at n0, ")
    herd["n0"].wait_log("event=socket_made_again")
    herd["n0"].stop()
    assert not control_of(herd, "n0").exists()


def test_a_node_that_cannot_create_its_socket_is_named_and_creates_it_when_it_can(make_herd: MakeHerd) -> None:
    herd = make_herd({"n0": [], "n1": []}, log_level="info")
    control_of(herd, "n0").unlink()
    (control_of(herd, "n0") / "in the way").mkdir(parents=True)
    herd["n0"].wait_log("event=socket_missing")
    output = reset(herd, "kiwi", status=1)
    assert ("no running node of this host knows a client 'kiwi', but not all nodes could be asked: n0 runs (process "
            in output)
    herd["n1"].kill()
    output = reset(herd, "kiwi", status=1)
    assert output.startswith(f"scripts/herd: n0 runs (process {herd['n0'].process.pid}), but its socket "), output
    (control_of(herd, "n0") / "in the way").rmdir()
    control_of(herd, "n0").rmdir()
    wait_answering(herd)


def test_a_replaced_socket_is_created_again(make_herd: MakeHerd) -> None:
    herd = make_herd({"n0": []}, log_level="info")
    inode = control_of(herd, "n0").stat().st_ino
    control_of(herd, "n0").rename(control_of(herd, "n0").with_name("moved"))
    control_of(herd, "n0").write_text("not a socket")
    wait_for(lambda: stat.S_ISSOCK(control_of(herd, "n0").stat().st_mode), "it is made again")
    assert control_of(herd, "n0").stat().st_ino != inode
    wait_answering(herd)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_refused(make_herd: MakeHerd) -> None:
    herd = make_herd({"n0": []}, log_level="info")
    ran = subprocess.run(
        ["/usr/bin/python3", "-c",
         "import sys; sys.path.insert(0, sys.argv[1])\n"
         "from herd_ctl.reset import say\nfrom herd_ctl.trouble import Trouble\n"
         "import os; os.setgid(65534); os.setuid(65534)\n"
         "try: say(sys.argv[2], b'reset-client kiwi')\n"
         "except Trouble as trouble: print(trouble)\n",
         REPOSITORY / "scripts/lib", control_of(herd, "n0").parent], capture_output=True, text=True, check=False)
    assert ran.stdout.endswith("belongs to another user: run this as the user that runs the herd\n"), ran.stderr


@pytest.mark.parametrize("line", [b"\n", b"reset-client\n", b"reset-client two words\n", b"nonsense\n",
                                  b"reset-client " + b"x" * 300 + b"\n", b"x" * 5000 + b"\n"])
def test_an_unknown_command_is_answered_with_an_error(make_herd: MakeHerd, line: bytes) -> None:
    herd = make_herd({"n0": []}, log_level="info")
    assert json.loads(say_raw(herd, line))["result"] == "error"
    assert herd["n0"].say("IAMAT kiwi +1+2 5").startswith("AT ")
