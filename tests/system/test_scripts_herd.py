"""Tests scripts/herd from outside: the output of every command, its exit status, and the processes that it leaves
running. Errors are in test_scripts_herd_trouble.py."""
import json
import os
import re
import signal
import subprocess

import pytest

from herd_control import Control, MakeControl
from herd_fixture import BINARY, wait_for
from talk import piped


def test_up_prints_the_nodes_and_a_session_that_works_when_pasted(control: Control) -> None:
    output = control.run("up")
    for node in control.herd:
        assert re.search(rf"^{node.name} +{node.clients_port} +\d/{1 if node.name != 'n1' else 2}$", output, re.M)
    telnets = re.findall(r"^telnet 127\.0\.0\.1 (\d+)$", output, re.M)
    assert telnets == [str(control.herd["n0"].clients_port), str(control.herd["n2"].clients_port)]
    [report] = re.findall(r"^IAMAT .*$", output, re.M)
    [query] = re.findall(r"^WHATSAT .*$", output, re.M)
    at_line = control.herd["n0"].say(report)
    assert at_line.startswith("AT n0 +")
    wait_for(lambda: control.herd["n2"].say(query).startswith(at_line), "the other node knows it")


def test_a_second_up_changes_nothing(control: Control) -> None:
    control.run("up")
    before = control.pids()
    assert all(before.values())
    control.run("up")
    assert control.pids() == before


def test_the_exit_status_of_status_depends_on_how_many_nodes_are_up(control: Control) -> None:
    assert "stopped" in control.run("status", status=4)
    control.run("up", "n1")
    assert control.pids()["n0"] is None
    control.run("status", status=3)
    control.run("up")
    output = control.run("status")
    head, *rows = output.splitlines()
    assert head.split() == ["NODE", "STATE", "PID", "UPTIME", "PORT", "PEERS", "CLIENTS", "DIGEST", "UPD/S"]
    assert [row.split()[:2] for row in rows] == [["n0", "up"], ["n1", "up"], ["n2", "up"]]
    assert max(map(len, output.splitlines())) <= 100
    control.run("down", "n2")
    assert control.pids()["n2"] is None
    control.run("status", status=3)
    assert control.run("down").startswith("Stopped: n0, n1")
    control.run("status", status=4)


def test_status_as_json_counts_clients_and_updates(control: Control) -> None:
    control.run("up")
    control.herd["n0"].say("IAMAT kiwi +1+2 5")
    wait_for(lambda: control.herd["n2"].knows("kiwi"), "the report is everywhere")
    rows = json.loads(control.run("status", "--json"))["nodes"]
    assert [row["clients"] for row in rows] == [1, 1, 1]
    assert len({row["digest"] for row in rows}) == 1
    assert [(row["peers_up"], row["peers"]) for row in rows] == [(1, 1), (2, 2), (1, 1)]
    assert all(row["updates_per_s"] == 0 and row["uptime_s"] >= 0 for row in rows)


def test_a_killed_node_comes_back_by_itself(control: Control) -> None:
    control.run("up")
    before = control.pids()
    assert f"process {before['n1']}" in control.run("kill", "n1")
    wait_for(lambda: control.pids()["n1"] not in (None, before["n1"]), "another process")
    wait_for(lambda: control.popen("status").wait() == 0, "all up")
    after = control.pids()
    assert (after["n0"], after["n2"]) == (before["n0"], before["n2"])


def test_a_restart_of_all_or_of_some_nodes_at_once_or_rolling(control: Control) -> None:
    control.run("up")
    first = control.pids()
    control.run("restart", "n0")
    second = control.pids()
    assert second["n0"] != first["n0"] and second["n1"] == first["n1"]
    output = control.run("restart", "--rolling")
    assert re.findall(r"^(\w+) is back$", output, re.M) == ["n0", "n1", "n2"]
    third = control.pids()
    assert all(third[name] and third[name] != second[name] for name in third)


def test_a_reload_changes_live_settings_and_names_the_others(control: Control) -> None:
    control.run("up")
    before = control.pids()
    long_line = "x" * 100
    assert control.herd["n0"].say(long_line) == f"? {long_line}\n"
    control.herd.settings = {"clients": {"commands": "seed", "max_line_bytes": 80}}
    control.herd.write_config()
    assert control.run("reload") == "Reloaded: n0, n1, n2\n"
    wait_for(lambda: control.herd["n0"].say(long_line) == f"? {long_line[:64]}\n", "the new bound holds")
    control.herd.settings |= {"bus": {"max_batch": 100}}
    control.herd.write_config()
    assert "Changed beyond what a reload can do: n0, n1, n2. Run scripts/herd up" in control.run("reload")
    assert control.pids() == before
    control.run("up")
    after = control.pids()
    assert all(after[name] not in (None, before[name]) for name in after)


def test_up_reloads_nodes_whose_live_settings_changed_without_a_restart(control: Control) -> None:
    control.run("up")
    before = control.pids()
    control.herd.settings = {"clients": {"commands": "seed", "max_line_bytes": 80}}
    control.herd.write_config()
    assert "n0 reads the configuration again" in control.run("up")
    assert "reads the configuration" not in control.run("up")
    assert control.pids() == before


def test_nodes_come_and_go_with_the_configuration(control: Control) -> None:
    control.run("up")
    before = control.pids()
    control.herd.graph = {"n0": ["n1"], "n1": ["n3"], "n3": []}
    control.herd.write_config()
    assert "New or stopped: n3. Run scripts/herd up\nRemoved: n2. Run scripts/herd up\n" in control.run("reload")
    assert "n2 is no longer in the configuration: stopped" in control.run("up")
    after = control.pids()
    assert set(after) == {"n0", "n1", "n3"} and all(after.values())
    assert after["n0"] == before["n0"]  # it did not change
    control.herd.settings = {"bus": {"max_in_flight": 2}}
    control.herd.write_config()
    assert "The configuration or the program has changed: n0, n1, n3 restarted\n" in control.run("up")
    with pytest.raises(OSError):
        control.herd["n2"].connect()


def test_a_reload_names_the_node_that_refused_a_part(control: Control) -> None:
    control.herd.settings = {"bus": {"curve": True}}
    control.herd.write_config()
    control.run("up")
    before = control.pids()
    control.herd.graph = {"n0": ["n1"], "n1": [], "n2": []}
    control.herd.write_config()
    with open(control.herd.state_dir / "keys/public.toml", "a", encoding="ascii") as keys:
        keys.write("nonsense\n")
    refused = control.run("reload", status=1)
    names = re.findall(r"^scripts/herd: (n\d) refused a part: .*public\.toml", refused, re.M)
    assert names == ["n0", "n1", "n2"], refused
    wait_for(lambda: "event=peer_removed peer=n2" in control.run("logs", "n1"), "n1 has removed its link to n2")
    assert control.pids() == before


def test_where_shows_the_record_of_each_node_and_marks_differences(control: Control) -> None:
    control.herd.graph = {"n0": ["n1"], "n1": [], "n2": []}  # n2 has no peers
    control.herd.write_config()
    assert "no node answers" in control.trouble("where", "kiwi", status=4)
    control.run("up")
    assert "No node knows where this client is" in control.run("where", "kiwi")
    control.herd["n0"].say("IAMAT kiwi +1+2 5")
    wait_for(lambda: control.herd["n1"].knows("kiwi"), "the report is at n1")
    rows = {row[3:5]: row for row in control.run("where", "kiwi", status=3).splitlines()[1:4]}
    assert re.fullmatch(r" +n0 +n0 +\+\d+\.\d{9} s +\+1\+2 +5", rows["n0"])
    assert rows["n1"].split()[1:] == rows["n0"].split()[1:]
    assert re.fullmatch(r"\* +n2 +unknown here", rows["n2"])
    control.herd["n2"].say("IAMAT kiwi +3+4 6")
    output = control.run("where", "kiwi", status=3)
    assert [row[0] for row in output.splitlines()[1:4]] == ["*", "*", " "]
    control.herd["n0"].say("IAMAT evil\x9b31m\u202e +1+1 7")  # C2 9B is ESC [ to many terminals
    hostile = control.run("where", "evil\x9b31m\u202e", status=3)
    assert "unknown here" in hostile and hostile.replace("\n", "").isprintable()
    shown = json.loads(control.run("where", "kiwi", "--json", status=3))
    assert shown["client"] == "kiwi" and shown["known"]
    assert [node.pop("differs") for node in shown["nodes"]] == [True, True, False]
    difference = shown["nodes"][2].pop("difference_s")
    assert re.fullmatch(r"\+\d+\.\d{9}", difference)
    assert shown["nodes"][2] == {"node": "n2", "answers": True, "told": "n2", "coordinates": "+3+4", "time": "6"}
    unknown = json.loads(control.run("where", "unknown", "--json"))
    assert not unknown["known"] and all(node["answers"] and node["told"] is None for node in unknown["nodes"])
    for client in ("a b", "", "x" * 256, "a\x07"):
        control.trouble("where", client, status=2)


def test_logs_show_lines_of_json_as_they_are(control: Control) -> None:
    control.herd.settings = {**control.herd.settings, "log": {"format": "json"}}
    control.herd.write_config()
    control.run("up")
    output = control.run("logs", "n0", "-n", "1000")
    assert '"node":"n0","event":"started"' in output
    assert all(json.loads(line)["node"] == "n0" for line in output.splitlines())


def test_logs_show_each_nodes_lines_and_follow_them(control: Control) -> None:
    assert "no logs in" in control.trouble("logs")
    control.run("up")
    output = control.run("logs", "-n", "1")
    assert re.findall(r"^(\w+) \| ", output, re.M) == ["n0", "n1", "n2"]
    assert control.run("logs", "n1", "-n", "1").count("\n") == 1
    follower = control.popen("logs", "-f", "-n", "0", "n0")
    try:
        # Repeated, because the first reports may come before the follower has opened the log.
        numbers = iter(range(1, 10_000))
        shown = piped(follower.stdout)
        os.set_blocking(shown.fileno(), False)
        seen: list[str] = []

        def followed() -> bool:
            control.herd["n0"].say(f"IAMAT \x1b[31m{next(numbers)} 1 2 3 4 5")
            control.herd["n0"].say("WHATSAT kiwi 99 1")  # an invalid command, which is a warning
            seen.extend(shown.readlines())
            return any("WHATSAT" in text for text in seen)
        wait_for(followed, "the follower shows it")
        assert "\x1b" not in "".join(seen)
    finally:
        follower.send_signal(signal.SIGINT)
        follower.communicate(timeout=20)
    assert follower.returncode == 130


def test_two_herds_run_side_by_side(make_control: MakeControl) -> None:
    one, other = make_control(1), make_control(1)
    one.run("up")
    other.run("up")
    assert one.pids()["n0"] != other.pids()["n0"]
    one.run("down")
    other.run("status")


def allow_plaintext(control: Control) -> None:
    """Permits addresses of clients beyond loopback."""
    control.herd.settings = {"clients": {"allow_plaintext": True}}
    control.herd.write_config()


def test_nodes_of_another_host_are_shown_as_remote_and_never_started(control: Control) -> None:
    allow_plaintext(control)
    control.edit(f'clients = "127.0.0.1:{control.herd["n2"].clients_port}"',
                 f'clients = "192.0.2.1:{control.herd["n2"].clients_port}"')  # an address for documentation (RFC 5737)
    assert re.search(r"^n2 +\d+ +remote$", control.run("up"), re.M)
    rows = {row["node"]: row for row in json.loads(control.run("status", "--json"))["nodes"]}
    assert {name: row["state"] for name, row in rows.items()} == {"n0": "up", "n1": "up", "n2": "remote"}
    assert rows["n2"]["pid"] is None and rows["n1"]["peers_up"] == 1
    assert re.search(r"^n2 +remote +-", control.run("status"), re.M)
    for command in ("up", "down", "restart", "kill", "logs"):
        assert "n2 runs on another host" in control.trouble(command, "n2", status=2)
    control.run("where", "kiwi", status=3)  # n2 does not answer
    control.run("down")
    control.run("status", status=4)


def test_status_shows_what_local_peers_know_about_a_node_of_another_host(control: Control) -> None:
    allow_plaintext(control)
    elsewhere = control.herd.directory / "elsewhere.toml"  # the configuration as the other host sees it
    elsewhere.write_text(control.herd.config_path.read_text())
    control.edit(f'clients = "127.0.0.1:{control.herd["n2"].clients_port}"',
                 f'clients = "192.0.2.1:{control.herd["n2"].clients_port}"')
    control.run("up")
    with subprocess.Popen([BINARY, "--config", elsewhere, "n2"], stderr=subprocess.DEVNULL,
                          env=control.environment | {"HERD_STATE_DIR": control.herd.directory / "other"}) as remote:
        try:
            wait_for(lambda: re.search(r"^n2 +n1 +up +0 +\d+\.\d ms +127\S+$", control.run("status"), re.M),
                     "the link is up")
            rows = {row["node"]: row for row in json.loads(control.run("status", "--json"))["nodes"]}
        finally:
            remote.terminate()
    assert rows["n0"]["seen_by"] == rows["n1"]["seen_by"] == []
    [seen] = rows["n2"]["seen_by"]
    address = f"tcp://127.0.0.1:{control.herd['n2'].bus_port}"
    assert seen.pop("round_trip_us") > 0 and seen == {"node": "n1", "state": "up", "lag": 0, "address": address}
    assert rows["n2"]["state"] == "remote" and rows["n2"]["pid"] is None
    control.herd["n0"].say("IAMAT kiwi +1+2 5")
    wait_for(lambda: re.search(r"^n2 +n1 +down +1 +- ", control.run("status"), re.M), "the link is down and it lags")
    control.run("down", "n1")  # the only one that knows it
    assert re.search(r"^n2 +- +- +- +- +-$", control.run("status", status=3), re.M)


def test_nodes_with_any_address_of_this_host_run_here(control: Control) -> None:
    allow_plaintext(control)
    ports = [node.bus_port for node in control.herd]
    control.edit(f'bus = "tcp://127.0.0.1:{ports[0]}"', f'bus = "tcp://127.0.0.2:{ports[0]}"')
    control.edit(f'clients = "127.0.0.1:{control.herd["n1"].clients_port}"',
                 f'clients = "0.0.0.0:{control.herd["n1"].clients_port}"')
    control.run("up")
    assert all(control.pids().values())
    control.run("restart", "n1")
    assert control.run("down") == "Stopped: n0, n1, n2\n"


def test_paths_with_blanks_and_letters_of_any_kind_work(control: Control) -> None:
    directory = control.herd.directory / "a; b ü"
    directory.mkdir()
    plain = control.herd.config_path
    control.herd.config_path = directory / "my 'own' herd.toml"
    control.herd.write_config()
    control.environment |= {"HERD_STATE_DIR": str(directory)}
    control.run("up")
    control.run("down")
    control.herd.config_path = plain
    control.environment |= control.herd.environment
