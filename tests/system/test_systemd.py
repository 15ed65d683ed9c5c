"""Tests the package under a real systemd, which boots in a bare Debian (booted_debian.py): how nodes start, reload,
stop, freeze, are killed, come back after a boot, and leave. test_units.py tests the same commands with a program in the
place of systemd, at any time. As root:

    HERD_LONG=1 HERD_DEB=build/package/herd_0.1.0_amd64.deb python3 -m pytest tests/system/test_systemd.py

HERD_OLDER_DEB is the package that all tests but the last one use; the last one upgrades it to HERD_DEB. Without it, the
last one installs HERD_DEB again.
"""
import os
import re
import shutil
import time
from collections.abc import Iterator

import pytest

from booted_debian import BootedDebian, CannotBoot, why_not
from herd_fixture import LONG, REPOSITORY, wait_for
from talk import now

DEB = os.environ.get("HERD_DEB", "")
FIRST_DEB = os.environ.get("HERD_OLDER_DEB", DEB)
NAMES = ["Hill", "Jaquez", "Smith", "Campbell", "Singleton"]  # of the package's configuration
PORTS = dict(zip(NAMES, range(12140, 12145)))
WATCHDOG_SECONDS = 30
PATIENCE = 60  # seconds

pytestmark = pytest.mark.skipif(
    not LONG or not DEB,
    reason="takes minutes: set HERD_LONG, and HERD_DEB to a package that scripts/package has built")

# Sends a line to a node, and prints its reply.
ASK = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10) as connection:
    connection.sendall(sys.argv[2].encode() + b"\\n")
    connection.shutdown(socket.SHUT_WR)
    print(connection.makefile().read())
"""
# Until its standard input ends, asks all nodes again and again. Prints the least number that answered at one time.
PROBE = """
import select, socket, sys
def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as connection:
            connection.sendall(b"PING x\\n")
            return connection.recv(100) == b"PONG x\\n"
    except OSError:
        return False
least = 5
while not select.select([sys.stdin], [], [], 0.05)[0]:
    least = min(least, sum(answers(port) for port in range(12140, 12145)))
print(least)
"""


class Host(BootedDebian):
    """A host with the package and its five nodes."""

    def ask(self, name: str, text: str) -> str:
        (self.root / "root/ask.py").write_text(ASK, encoding="utf-8")
        return self.run(f"python3 /root/ask.py {PORTS[name]} '{text}'")

    def property(self, name: str, of: str) -> str:
        return self.run(f"systemctl show --value --property={of} herd@{name}").strip()

    def pids(self) -> dict[str, int]:
        """Of the nodes that run."""
        return {name: pid for name in NAMES if (pid := int(self.property(name, "MainPID")))}

    def states(self) -> dict[str, str]:
        """What `herd status` shows."""
        rows = [line.split() for line in self.run("herd status", status=None).splitlines()[1:]]
        return {row[0]: row[1] for row in rows}

    def wait_up(self, *names: str) -> None:
        wait_for(lambda: [name for name, state in self.states().items() if state == "up"] == list(names or NAMES),
                 f"{names or 'all nodes'} are up", PATIENCE, pause=0.5)


@pytest.fixture(name="host", scope="module")
def booted_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    if why_not():
        pytest.skip(why_not())
    made = Host(tmp_path_factory.mktemp("debian"))
    try:
        made.boot()
        shutil.copy(FIRST_DEB, made.root / "root/herd.deb")
        made.run("apt-get install -y -qq --no-install-recommends /root/herd.deb")
        assert made.pids() == {}, "the installation starts no node"
        made.run("herd up")
        yield made
    except CannotBoot as reason:
        pytest.skip(f"systemd does not boot here: {reason}")
    finally:
        made.close()


def test_up_starts_and_enables_the_nodes_which_have_few_rights(host: Host) -> None:
    assert host.states() == dict.fromkeys(NAMES, "up")
    assert host.run("systemctl is-system-running") == "running\n"
    shown = host.run("systemctl status herd@Hill --no-pager --lines=100")
    assert "enabled" in shown and "active (running)" in shown and "event=started" in shown
    for name, pid in host.pids().items():
        assert host.property(name, "StatusErrno") == "0" and host.property(name, "NRestarts") == "0"
        rights = host.run(f"grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/{pid}/status; id -u herd").split()
        assert rights[1:5] == [rights[-1]] * 4 and rights[-1] != "0"
        found = dict(zip(rights[5:-1:2], rights[6:-1:2]))
        assert found == {"CapEff:": "0" * 16, "CapBnd:": "0" * 16, "NoNewPrivs:": "1", "Seccomp:": "2"}, name
    judged = host.run("systemd-analyze security --no-pager --threshold=20 herd@Hill").splitlines()[-1]
    guide = (REPOSITORY / "docs/INSTALLING.md").read_text(encoding="utf-8")
    exposure = re.search(r"shows an exposure of ([0-9.]+)\.", guide)
    assert exposure and f" {exposure[1]} OK" in judged


def test_a_frozen_node_is_started_again_by_the_watchdog_and_the_others_answer(host: Host) -> None:
    assert host.ask("Campbell", f"IAMAT kiwi +34.068930-118.445127 {now()}").startswith("AT Campbell ")
    before = host.pids()
    began = time.monotonic()
    host.run("systemctl kill --kill-who=main --signal=SIGSTOP herd@Hill")
    assert host.ask("Smith", "WHEREIS kiwi").startswith("AT Campbell ")
    wait_for(lambda: host.property("Hill", "NRestarts") == "1", "the watchdog has started Hill again",
             WATCHDOG_SECONDS + PATIENCE, pause=0.5)
    print(f"started again after {time.monotonic() - began:.1f} s")
    host.wait_up()
    after = host.pids()
    assert [name for name in NAMES if after[name] != before[name]] == ["Hill"]
    assert "Watchdog timeout" in host.run("journalctl -u herd@Hill --no-pager")
    wait_for(lambda: host.ask("Hill", "WHEREIS kiwi").startswith("AT Campbell "), "Hill has the record", PATIENCE)


def test_a_killed_node_is_started_again(host: Host) -> None:
    before = host.pids()
    host.run("systemctl kill --kill-who=main --signal=SIGKILL herd@Smith")
    wait_for(lambda: host.pids().get("Smith", before["Smith"]) != before["Smith"], "Smith runs again", PATIENCE)
    host.wait_up()
    assert host.ask("Smith", "WHEREIS kiwi").startswith("AT Campbell ")


def test_a_rolling_restart_stops_one_node_at_a_time(host: Host) -> None:
    before = host.pids()
    (host.root / "root/probe.py").write_text(PROBE, encoding="utf-8")
    shown = host.run("mkfifo /root/end; (python3 /root/probe.py </root/end >/root/least) & exec 9>/root/end;"
                     " herd restart --rolling; echo >&9; wait; rm /root/end; echo least $(cat /root/least)")
    assert re.findall(r"(\w+) is back", shown) == NAMES and shown.endswith("least 4\n")
    after = host.pids()
    assert after.keys() == before.keys() and not set(after.values()) & set(before.values())


def test_reload_and_the_commands_of_systemd_work_as_usual(host: Host) -> None:
    before = host.pids()
    host.run("sed -i 's/^level = \"info\"/level = \"debug\"/' /etc/herd/herd.toml && systemctl reload herd@Hill")
    wait_for(lambda: "event=reloaded key=log.level" in host.run("herd logs -n 50 Hill"), "Hill has reloaded", PATIENCE)
    assert "Jaquez" in host.run("herd reload")
    assert host.pids() == before and host.property("Hill", "ActiveState") == "active"
    host.run("systemctl restart herd@Hill")  # returns when the node is ready
    assert host.ask("Hill", "WHEREIS kiwi").startswith("AT Campbell ")
    for stop in ("systemctl stop 'herd@*'", "systemctl stop herd.target"):
        host.run(stop)
        assert host.pids() == {} and set(host.states().values()) == {"stopped"}
        host.run("systemctl start herd.target")
        host.wait_up()


def test_after_a_loss_of_power_the_enabled_nodes_start_with_the_host(host: Host) -> None:
    assert "Stopped: Jaquez" in host.run("herd down Jaquez")
    assert host.run("systemctl is-enabled herd@Jaquez", status=1) == "disabled\n"
    host.power_off()
    host.boot()
    host.wait_up("Hill", "Smith", "Campbell", "Singleton")
    assert host.ask("Hill", "WHEREIS kiwi").startswith("AT Campbell ")
    host.run("herd up")
    host.wait_up()
    wait_for(lambda: host.ask("Jaquez", "WHEREIS kiwi").startswith("AT Campbell "), "Jaquez has the record", PATIENCE)


def test_the_unit_of_herd_sink_in_the_guide_works(host: Host) -> None:
    guide = (REPOSITORY / "docs/SINK.md").read_text(encoding="utf-8")
    unit, lines = re.search(r"```\n(\[Unit\]\n.*?)```\n", guide, re.DOTALL), host.root / "var/lib/herd/lines"
    assert unit
    (host.root / "etc/systemd/system/herd-sink.service").write_text(unit[1], encoding="utf-8")
    (host.root / "etc/herd/sink.toml").write_text(
        f'nodes = ["127.0.0.1:{PORTS["Hill"]}"]\noutput = "/var/lib/herd/lines"\n', encoding="utf-8")
    try:
        host.run("systemctl daemon-reload && systemctl enable --quiet --now herd-sink")
        for client in ("emu", "rhea"):
            host.ask("Campbell", f"IAMAT {client} +34-118 {now()}")
            wait_for(lambda: lines.exists() and f'"client": "{client}"' in lines.read_text(encoding="utf-8"),
                     "the sink writes the report", PATIENCE)
            host.run("systemctl restart herd-sink")
        assert lines.read_text(encoding="utf-8").count('"event": "new"') == 1  # the rest is resumed
    finally:
        host.run("systemctl disable --quiet --now herd-sink; rm /etc/systemd/system/herd-sink.service; "
                 "rm /etc/herd/sink.toml; systemctl daemon-reload")


def test_an_upgrade_restarts_the_nodes_and_a_purge_leaves_nothing_of_them(host: Host) -> None:
    before = host.pids()
    reply = host.ask("Hill", f"IAMAT upgraded +34.06-118.44 {now()}")
    assert reply.startswith("AT Hill ")
    shutil.copy(DEB, host.root / "root/herd.deb")
    host.run("apt-get install -y -qq --reinstall --no-install-recommends /root/herd.deb")
    host.wait_up()
    assert not set(host.pids().values()) & set(before.values())
    assert [host.ask(name, "WHATSAT upgraded 1 0").splitlines()[0] for name in NAMES] == [reply.strip()] * 5
    host.run("apt-get purge -y -qq herd")
    assert host.run("systemctl list-units --all --plain --no-legend 'herd*'") == ""
    assert host.run("systemctl list-unit-files --no-legend 'herd*'", status=None) == ""
    host.run("! pidof herd-node && ! getent passwd herd && ! find /etc/systemd /lib/systemd -name 'herd*' | grep .")
