"""scripts/herd from outside: every command, what it prints, its exit status, and what it leaves running."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

import pytest

from herd_fixture import BINARY, Herd, line, wait_for

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "scripts/herd"
NOBODY = 65534


class Control:
    """scripts/herd with a configuration and a state directory of its own. The nodes are run by supervisord, so only
    ports, clients and HTTP of the Herd are of use here."""

    def __init__(self, count=3):
        self.herd = Herd(line(count))
        self.environment = os.environ | self.herd.environment | {"HERD_BIN": BINARY}

    def popen(self, *words):
        return subprocess.Popen([SCRIPT, *words, "--config", self.herd.config_path], env=self.environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *words, status=0):
        """Runs a command that must end with that status; its output and, on trouble, what it said."""
        process = self.popen(*words)
        output, errors = process.communicate(timeout=90)
        assert process.returncode == status, f"{words}: status {process.returncode}\n{output}\n{errors}"
        return output if status in (0, 3, 4) and not errors else errors

    def trouble(self, *words, status=1):
        """As run, of what must be refused with one line."""
        said = self.run(*words, status=status)
        assert said.startswith("scripts/herd: ") and said.count("\n") == 1, said
        return said

    def pids(self):
        output = subprocess.run([SCRIPT, "status", "--json", "--config", self.herd.config_path], env=self.environment,
                                stdout=subprocess.PIPE, text=True, check=False).stdout
        return {row["node"]: row["pid"] for row in json.loads(output)["nodes"]}

    def supervisor_pid(self):
        file = self.herd.state_dir / "supervisord.pid"
        return int(file.read_text()) if file.exists() else None

    def edit(self, old, new):
        text = self.herd.config_path.read_text()
        assert old in text
        self.herd.config_path.write_text(text.replace(old, new))

    def close(self):
        self.herd.write_config()  # a test may have broken it
        self.run("down")
        for log in sorted((self.herd.state_dir / "logs").glob("*.log")):
            print(f"----- {log.name}\n{log.read_text(errors='replace')[-3000:]}")
        assert self.supervisor_pid() is None
        self.herd.close()


@pytest.fixture
def make_control():
    made = []

    def make(*arguments):
        made.append(Control(*arguments))
        return made[-1]

    yield make
    for control in made:
        control.close()


@pytest.fixture
def control(make_control):
    return make_control()


def test_up_prints_the_nodes_and_a_session_that_works_as_pasted(control):
    output = control.run("up")
    for node in control.herd:
        assert re.search(rf"^{node.name} +{node.clients_port} +\d/{1 if node.name != 'n1' else 2}$", output, re.M)
    telnets = re.findall(r"^telnet 127\.0\.0\.1 (\d+)$", output, re.M)
    assert telnets == [str(control.herd["n0"].clients_port), str(control.herd["n2"].clients_port)]
    told = re.search(r"^IAMAT .*$", output, re.M)[0]
    asked = re.search(r"^WHATSAT .*$", output, re.M)[0]
    line_told = control.herd["n0"].say(told)
    assert line_told.startswith("AT n0 +")
    wait_for(lambda: control.herd["n2"].say(asked).startswith(line_told), "the other node knows it")


def test_a_second_up_touches_nothing(control):
    control.run("up")
    before = control.pids()
    assert all(before.values())
    control.run("up")
    assert control.pids() == before


def test_status_says_how_many_are_up_by_its_exit_status(control):
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


def test_status_for_programs_counts_clients_and_updates(control):
    control.run("up")
    control.herd["n0"].say("IAMAT kiwi +1+2 5")
    wait_for(lambda: control.herd["n2"].knows("kiwi"), "the report is everywhere")
    rows = json.loads(control.run("status", "--json"))["nodes"]
    assert [row["clients"] for row in rows] == [1, 1, 1]
    assert len({row["digest"] for row in rows}) == 1
    assert [(row["peers_up"], row["peers"]) for row in rows] == [(1, 1), (2, 2), (1, 1)]
    assert all(row["updates_per_s"] == 0 and row["uptime_s"] >= 0 for row in rows)


def test_a_killed_node_comes_back_by_itself(control):
    control.run("up")
    before = control.pids()
    assert f"process {before['n1']}" in control.run("kill", "n1")
    wait_for(lambda: control.pids()["n1"] not in (None, before["n1"]), "another process")
    wait_for(lambda: control.popen("status").wait() == 0, "all up")
    after = control.pids()
    assert (after["n0"], after["n2"]) == (before["n0"], before["n2"])


def test_a_restart_is_of_all_or_of_some_at_once_or_rolling(control):
    control.run("up")
    first = control.pids()
    control.run("restart", "n0")
    second = control.pids()
    assert second["n0"] != first["n0"] and second["n1"] == first["n1"]
    output = control.run("restart", "--rolling")
    assert re.findall(r"^(\w+) is back$", output, re.M) == ["n0", "n1", "n2"]
    third = control.pids()
    assert all(third[name] and third[name] != second[name] for name in third)


def test_a_reload_changes_what_can_change_live_and_names_the_rest(control):
    control.run("up")
    before = control.pids()
    long_line = "x" * 100
    assert control.herd["n0"].say(long_line) == f"? {long_line}\n"
    control.herd.settings = {"clients": {"max_line_bytes": 80}}
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


def test_up_reloads_nodes_whose_live_settings_changed_without_a_restart(control):
    control.run("up")
    before = control.pids()
    control.herd.settings = {"clients": {"max_line_bytes": 80}}
    control.herd.write_config()
    assert "n0 reads the configuration again" in control.run("up")
    assert "reads the configuration" not in control.run("up")
    assert control.pids() == before


def test_nodes_come_and_go_with_the_configuration(control):
    control.run("up")
    before = control.pids()
    control.herd.graph = {"n0": ["n1"], "n1": ["n3"], "n3": []}
    control.herd.write_config()
    assert "New: n3. Run scripts/herd up\nRemoved: n2. Run scripts/herd up\n" in control.run("reload")
    assert "n2 is no more in the configuration: stopped" in control.run("up")
    after = control.pids()
    assert set(after) == {"n0", "n1", "n3"} and all(after.values())
    assert after["n0"] == before["n0"]  # nothing of it changed
    with pytest.raises(OSError):
        control.herd["n2"].connect()


def test_a_bad_configuration_is_named_by_line_and_harms_nothing(control):
    control.run("up")
    before = control.pids()
    control.edit('peers = ["n1"]', 'peers = ["n7"]\nhtpp = ""')
    said = control.run("reload", status=2)
    assert re.search(r"herd\.toml:7: n0: `peers` names \"n7\"", said) and re.search(r"herd\.toml:8: .*`htpp`", said)
    assert "n7" in control.run("up", status=2)
    control.herd.write_config()
    assert control.pids() == before


@pytest.mark.parametrize("role", ["clients", "bus", "monitor", "http"])
def test_a_busy_port_is_named_and_nothing_is_left_running(control, role):
    port = getattr(control.herd["n1"], f"{role}_port")
    with socket.create_server(("127.0.0.1", port)):
        assert f"n1 cannot start: port {port} ({role}) is taken" in control.trouble("up")
        control.run("status", status=4)
        control.run("up", "n0", "n2")
        assert f"port {port}" in control.trouble("up")
        assert control.pids()["n0"] and control.pids()["n2"]
    control.run("up")


def test_a_node_that_fails_is_quoted_and_only_what_this_up_started_is_stopped(control):
    nodes = control.herd.state_dir / "nodes"
    nodes.mkdir(parents=True)
    (nodes / "n1").write_text("no directory")
    said = control.trouble("up")
    assert "n1 did not start: " in said and str(nodes / "n1") in said
    control.run("status", status=4)
    assert control.supervisor_pid() is None
    control.run("up", "n0")
    kept = control.pids()["n0"]
    assert "n1 did not start: " in control.trouble("up")
    assert control.pids() == {"n0": kept, "n1": None, "n2": None}
    (nodes / "n1").unlink()
    control.run("up")


def test_an_interrupted_up_leaves_nothing_behind(control):
    # supervisord counts a node as running after a second, so there is time to interrupt.
    process = subprocess.Popen([SCRIPT, "up", "--config", control.herd.config_path], env=control.environment,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    wait_for(control.supervisor_pid, "the supervisor is there")
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "Interrupted\n")
    assert control.supervisor_pid() is None
    control.run("status", status=4)


def test_a_node_that_runs_by_hand_is_named_with_its_process(control):
    control.herd["n1"].start()
    said = control.trouble("up")
    assert f"n1 runs already, outside of this supervisor: stop process {control.herd['n1'].process.pid} first" in said
    control.run("status", status=4)
    control.herd["n1"].stop()


def test_where_shows_what_each_node_says_and_marks_differences(control):
    control.herd.graph = {"n0": ["n1"], "n1": [], "n2": []}  # n2 is on its own
    control.herd.write_config()
    assert "no node answers" in control.trouble("where", "kiwi", status=4)
    control.run("up")
    assert "No node knows this client" in control.run("where", "kiwi")
    control.herd["n0"].say("IAMAT kiwi +1+2 5")
    wait_for(lambda: control.herd["n1"].knows("kiwi"), "the report is at n1")
    rows = {row[3:5]: row for row in control.run("where", "kiwi", status=3).splitlines()[1:4]}
    assert re.fullmatch(r" +n0 +n0 +\+\d+\.\d{9} s +\+1\+2 +5", rows["n0"])
    assert rows["n1"].split()[1:] == rows["n0"].split()[1:]
    assert re.fullmatch(r"\* +n2 +unknown here", rows["n2"])
    control.herd["n2"].say("IAMAT kiwi +3+4 6")
    output = control.run("where", "kiwi", status=3)
    assert [row[0] for row in output.splitlines()[1:4]] == ["*", "*", " "]
    control.herd["n0"].say("IAMAT kiwi +5+6 7")
    control.herd["n2"].say("IAMAT kiwi +5+6 7")
    control.herd["n0"].say("IAMAT evil\x9b31m\u202e +1+1 7")  # C2 9B is ESC [ to many terminals
    hostile = control.run("where", "evil\x9b31m\u202e", status=3)
    assert "unknown here" in hostile and hostile.replace("\n", "").isprintable()
    for client in ("a b", "", "x" * 256, "a\x07"):
        control.trouble("where", client, status=2)


def test_logs_show_each_nodes_lines_and_follow_them(control):
    assert "no logs in" in control.trouble("logs")
    control.run("up")
    output = control.run("logs", "-n", "1")
    assert re.findall(r"^(\w+) \| ", output, re.M) == ["n0", "n1", "n2"]
    assert control.run("logs", "n1", "-n", "1").count("\n") == 1
    follower = control.popen("logs", "-f", "-n", "0", "n0")
    try:
        # Told again and again: the first reports may come before the follower has opened the log.
        told = iter(range(1, 10_000))
        os.set_blocking(follower.stdout.fileno(), False)
        seen = []

        def followed():
            control.herd["n0"].say(f"IAMAT \x1b[31m{next(told)} 1 2 3 4 5")
            control.herd["n0"].say("WHATSAT kiwi 99 1")  # invalid, so it is a warning
            seen.extend(follower.stdout.readlines())
            return any("WHATSAT" in text for text in seen)
        wait_for(followed, "the follower shows it")
        assert "\x1b" not in "".join(seen)
    finally:
        follower.send_signal(signal.SIGINT)
        follower.communicate(timeout=20)
    assert follower.returncode == 130


def test_two_herds_live_side_by_side(make_control):
    one, other = make_control(1), make_control(1)
    one.run("up")
    other.run("up")
    assert one.pids()["n0"] != other.pids()["n0"]
    one.run("down")
    other.run("status")


def test_wrong_words_are_one_line_and_status_2(control):
    for words in (["bogus"], ["up", "--bogus"], ["kill"], ["where"], ["status", "more"], ["logs", "-n", "x"],
                  ["up", "n9"], ["down", "n9"], ["kill", "n9"], ["logs", "n9"], ["restart", "n9"]):
        control.trouble(*words, status=2)
    assert "it has n0, n1, n2" in control.trouble("kill", "n9", status=2)
    for words in (["kill", "n0"], ["restart"], ["reload"]):
        assert "no herd is running" in control.trouble(*words, status=4)
    assert control.run("down") == "No herd is running\n"
    assert "COMMAND" in control.run("help")
    control.run("up", "n0")
    assert "n1 is not running" in control.trouble("kill", "n1")


def test_a_state_directory_too_long_for_a_socket_is_said_so(control):
    control.environment |= {"HERD_STATE_DIR": str(control.herd.directory / ("x" * 100))}
    assert "too long for a socket" in control.trouble("up")
    control.environment |= control.herd.environment


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs wants root")
def test_a_full_disk_is_said_so_and_nothing_is_left_running(control):
    state = control.herd.state_dir
    state.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", state], check=False).returncode != 0:
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        with open(state / "ballast", "wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(b"x" * 4096)
        assert re.search(rf"{state}/\S+ cannot be written \(No space left on device\): make room", control.trouble("up"))
        control.run("status", status=4)
        assert control.supervisor_pid() is None
        (state / "ballast").unlink()
        control.run("up")
    finally:
        control.run("down")
        subprocess.run(["umount", "-l", state], check=True)


def test_a_state_directory_of_somebody_else_is_said_so(control):
    directory, state = control.herd.directory, control.herd.state_dir
    directory.chmod(0o755)
    script, binary = SCRIPT, BINARY
    options = {}
    if os.geteuid() == 0:  # root may write everywhere
        options = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        script = shutil.copytree(REPOSITORY / "scripts", directory / "scripts") / "herd"  # where anybody may run it
        binary = shutil.copy(BINARY, directory)
    state.mkdir(mode=0o555)
    (state / "logs").mkdir(mode=0o555)

    def run(*words):
        ran = subprocess.run([script, *words, "--config", control.herd.config_path], text=True, cwd=directory,
                             env=control.environment | {"HERD_BIN": str(binary)}, stdin=subprocess.DEVNULL,
                             capture_output=True, timeout=60, check=False, **options)
        return ran.returncode, ran.stderr
    status, said = run("up")
    assert status == 1 and said.startswith(f"scripts/herd: {state}/herd.lock cannot be written (Permission denied): ")
    assert said.count("\n") == 1
    assert run("status") == (4, "") and run("down") == (0, "")
    state.chmod(0o700)
    if options:  # the herd runs, and is root's
        control.run("up")
        for words in ("status", "down", "reload"):
            status, said = run(words)
            assert status == 1 and said.startswith(f"scripts/herd: {state}/supervisor.sock is not yours to use: ")
            assert said.count("\n") == 1
        control.run("status")


def test_nodes_of_another_host_are_shown_as_remote_and_never_started(control):
    control.edit(f'clients = "127.0.0.1:{control.herd["n2"].clients_port}"',
                 f'clients = "192.0.2.1:{control.herd["n2"].clients_port}"')  # nobody's address (RFC 5737)
    assert re.search(r"^n2 +\d+ +remote$", control.run("up"), re.M)
    rows = {row["node"]: row for row in json.loads(control.run("status", "--json"))["nodes"]}
    assert {name: row["state"] for name, row in rows.items()} == {"n0": "up", "n1": "up", "n2": "remote"}
    assert rows["n2"]["pid"] is None and rows["n1"]["peers_up"] == 1
    assert re.search(r"^n2 +remote +-", control.run("status"), re.M)
    for command in ("up", "down", "restart", "kill", "logs"):
        assert "n2 is not of this host" in control.trouble(command, "n2", status=2)
    control.run("where", "kiwi", status=3)  # n2 does not answer
    control.run("down")
    control.run("status", status=4)


def test_a_missing_binary_is_said_so(control):
    control.environment |= {"HERD_BIN": "/nowhere/herd-node"}
    assert "/nowhere/herd-node is not built yet: run scripts/herd up" in control.trouble("status")
    broken = control.herd.directory / "herd-node"
    broken.write_bytes(b"")
    broken.chmod(0o755)
    control.environment |= {"HERD_BIN": str(broken)}
    assert f"{broken}: Exec format error" in control.trouble("status")
    control.environment |= {"HERD_BIN": BINARY}


def test_paths_with_blanks_and_letters_of_any_kind_work(control):
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
