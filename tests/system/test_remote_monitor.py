"""Tests a monitor beyond loopback: viewers with a key read it, strangers do not, and a reload removes viewers. The
program of a viewer is that of docs/MONITORING.md."""
import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from functools import partial

import pytest
import zmq

import zmtp
from herd_control import SCRIPT
from herd_ctl.reset import say
from herd_fixture import BINARY, REPOSITORY, Herd, MakeHerd, Node, alone, wait_for
from herd_lab.keys import KeyPair, new_key_pair
from talk import memory_peak, now, settled_memory

PROGRAM = re.search(r"```python\n(.*?)```", (REPOSITORY / "docs/MONITORING.md").read_text(encoding="utf-8"), re.S)
MEBIBYTE = 1 << 20


class RemoteHerd:
    """One node, the monitor of which is at all addresses of the host, and scripts/herd for its configuration."""

    def __init__(self, herd: Herd):
        self.herd = herd
        self.node: Node = herd["n0"]
        text = herd.config_path.read_text()
        herd.config_path.write_text(text.replace('monitor = "tcp://127.0.0.1', 'monitor = "tcp://0.0.0.0'))

    def keygen(self, *words: str) -> None:
        subprocess.run([SCRIPT, "keygen", *words, "--config", self.herd.config_path], cwd=self.herd.directory,
                       check=True, timeout=60, stdout=subprocess.DEVNULL,
                       env=os.environ | self.herd.environment | {"HERD_BIN": BINARY})

    def new_viewer(self, name: str) -> pathlib.Path:
        """The file of a new viewer, which a running node knows."""
        self.keygen("--viewer", name)
        if self.node.was_launched:
            self.reload()
        return self.herd.directory / f"{name}.viewer"

    def reload(self) -> None:
        before = self.node.log().count("event=viewers_reloaded")
        self.node.signal(signal.SIGHUP)
        wait_for(lambda: self.node.log().count("event=viewers_reloaded") > before, "the viewers are read again")


@pytest.fixture(name="remote")
def remote_herd(make_herd: MakeHerd) -> RemoteHerd:
    remote = RemoteHerd(make_herd(alone(1), start=False, settings={"monitor": {"allow_remote": True}}, curve=True))
    remote.keygen("--viewer", "alice")
    remote.node.start()
    return remote


class Viewer:
    """A SUB socket; without `pair` in plain text."""

    def __init__(self, port: int, pair: KeyPair | None, server: str = ""):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.SUB)
        self.socket.linger = 0
        if pair:
            self.socket.curve_serverkey = server.encode()
            self.socket.curve_publickey = pair.public.encode()
            self.socket.curve_secretkey = pair.secret.encode()
        self.socket.subscribe("herd.")
        self.socket.connect(f"tcp://127.0.0.1:{port}")

    def reads(self, seconds: float = 10) -> bool:
        """Whether a message comes after those that are there."""
        while self.socket.poll(0):
            self.socket.recv_multipart()
        return bool(self.socket.poll(int(seconds * 1000)))

    def close(self) -> None:
        self.context.destroy(linger=0)


@pytest.fixture(name="viewers")
def closing() -> Iterator[list[Viewer]]:
    made: list[Viewer] = []
    yield made
    for viewer in made:
        viewer.close()


def viewer_of(remote: RemoteHerd, file: pathlib.Path) -> Viewer:
    keys = tomllib.loads(file.read_text())
    return Viewer(remote.node.monitor_port, KeyPair(keys["public"], keys["secret"]), keys["node"][0]["public"])


def server_key(remote: RemoteHerd) -> str:
    assert remote.herd.keys is not None
    return remote.herd.keys.pairs["n0"][0].public


def test_the_program_of_the_guide_reads_the_events_with_the_file_of_its_viewer(remote: RemoteHerd,
                                                                               tmp_path: pathlib.Path) -> None:
    assert PROGRAM, "docs/MONITORING.md has the program of a viewer"
    program, output = tmp_path / "viewer.py", tmp_path / "output"
    program.write_text(PROGRAM[1])
    with output.open("wb") as file, subprocess.Popen(
            [sys.executable, "-u", program, remote.herd.directory / "alice.viewer"], stdout=file) as viewer:
        try:
            wait_for(lambda: output.read_text().startswith('herd.INFO.stats.n0 {"v":1,"node":"n0","seq":1,'),
                     "it prints the first event")
        finally:
            viewer.kill()


def test_tap_reads_an_encrypted_monitor_with_the_file_of_a_viewer(remote: RemoteHerd) -> None:
    def tap(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([SCRIPT, "tap", "--seconds", "3", *words, "--config", remote.herd.config_path], text=True,
                              capture_output=True, timeout=30, check=False,
                              env=os.environ | remote.herd.environment | {"HERD_BIN": BINARY})

    shown = tap("--viewer", str(remote.herd.directory / "alice.viewer"))
    assert shown.returncode == 0 and "n0          stats" in shown.stdout, shown
    refused = tap()
    assert refused.returncode == 2 and "add --viewer FILE" in refused.stderr, refused


def test_strangers_read_nothing_and_the_log_names_their_keys(remote: RemoteHerd, viewers: list[Viewer]) -> None:
    node, port = remote.node, remote.node.monitor_port
    random = new_key_pair(pathlib.Path(BINARY))
    assert remote.herd.keys is not None
    own = remote.herd.keys.pairs["n0"][0]
    viewers += [viewer_of(remote, remote.herd.directory / "alice.viewer"), Viewer(port, None),
                Viewer(port, random, own.public), Viewer(port, own, own.public), Viewer(port, random, random.public)]
    assert viewers[0].reads()
    assert not any(stranger.reads(1) for stranger in viewers[1:])
    node.wait_log("event=viewer_refused from=127.0.0.1:", f"key={random.public}", "event=viewer_cut")
    wait_for(lambda: node.counter("monitor_viewers_refused") >= 2, "they are counted")
    assert viewers[0].reads()
    assert own.secret not in node.log()


def test_a_removed_viewer_is_out_after_a_reload_and_in_again_with_a_new_key(remote: RemoteHerd,
                                                                            viewers: list[Viewer]) -> None:
    bob = remote.new_viewer("bob")
    viewers += [viewer_of(remote, remote.herd.directory / "alice.viewer"), viewer_of(remote, bob)]
    assert all(viewer.reads() for viewer in viewers)
    remote.keygen("--remove-viewer", "bob")
    assert viewers[1].reads(), "until the reload"
    remote.reload()
    remote.node.wait_log("event=viewer_cut", "its key was removed from viewers.toml")
    assert not viewers[1].reads(2.5)
    assert viewers[0].reads()
    bob.unlink()
    viewers.append(viewer_of(remote, remote.new_viewer("bob")))
    assert viewers[2].reads()
    assert not viewers[1].reads(1)


def test_a_mistake_in_the_file_of_the_viewers_changes_nothing_until_it_is_corrected(remote: RemoteHerd,
                                                                                    viewers: list[Viewer]) -> None:
    file = remote.herd.state_dir / "keys/viewers.toml"
    good = file.read_text()
    viewers.append(viewer_of(remote, remote.herd.directory / "alice.viewer"))
    assert viewers[0].reads()
    file.write_text(good[:-10])
    answer = say(remote.node.state_dir, b"reload")
    assert answer and [reason.startswith(f"{file}:") for reason in answer["refused"]] == [True]
    remote.node.wait_log("event=viewers_refused", "event=reload_mistake at=")
    assert viewers[0].reads()
    file.write_text("")
    remote.reload()
    remote.node.wait_log("event=key_at_risk", "no viewer may connect to the monitor yet")
    assert not viewers[0].reads(1)


def test_a_node_with_another_key_is_found_again_with_its_new_one(remote: RemoteHerd, viewers: list[Viewer]) -> None:
    assert remote.herd.keys is not None
    remote.keygen("--rotate", "n0")
    remote.keygen("--retire", "n0")
    remote.reload()
    keys = tomllib.loads((remote.herd.directory / "alice.viewer").read_text())
    alice = KeyPair(keys["public"], keys["secret"])
    fresh = tomllib.loads((remote.herd.state_dir / "keys/public.toml").read_text())["node"][0]["keys"][0]
    assert fresh != server_key(remote)
    port = remote.node.monitor_port
    viewers += [Viewer(port, alice, fresh), Viewer(port, alice, server_key(remote))]
    assert viewers[0].reads()
    assert not viewers[1].reads(1)


def captured_hello(server: str) -> bytes:
    """A valid greeting and HELLO of a stranger for a node with this public key. It can be sent again and again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        stranger = Viewer(listener.getsockname()[1], new_key_pair(pathlib.Path(BINARY)), server)
        try:
            with listener.accept()[0] as connection:
                connection.settimeout(10)
                connection.sendall(zmtp.greeting(mechanism=b"CURVE"))
                got = b""
                while len(got) < 64 + 202:
                    piece = connection.recv(1000)
                    assert piece, "it says HELLO"
                    got += piece
                return got
        finally:
            stranger.close()


def knock(node: Node, hello: bytes, until: threading.Event, answers: list[int]) -> None:
    while not until.is_set():
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", node.monitor_port), 1) as stranger:
            stranger.sendall(hello)
            got = b""
            while len(got) < 64 + 170 and (piece := stranger.recv(1000)):
                got += piece
            answers.append(len(got))


def p99_of_reports(node: Node, count: int) -> float:
    """In seconds, of IAMAT one after another on one connection."""
    took = []
    with node.connect() as connection:
        for _ in range(count):
            begin = time.perf_counter()
            connection.sendall(f"IAMAT kiwi +1+1 {now()}\n".encode())
            assert connection.recv(1000).endswith(b"\n")
            took.append(time.perf_counter() - begin)
            time.sleep(0.002)
    return sorted(took)[int(count * 0.99)]


def test_strangers_that_knock_without_a_pause_do_not_delay_clients_or_fill_memory(
        remote: RemoteHerd, viewers: list[Viewer]) -> None:
    node = remote.node
    viewers.append(viewer_of(remote, remote.herd.directory / "alice.viewer"))
    assert viewers[0].reads()
    hello = captured_hello(server_key(remote))
    before, quiet = settled_memory(node), p99_of_reports(node, 500)
    until, answers = threading.Event(), list[int]()
    strangers = [threading.Thread(target=partial(knock, node, hello, until, answers)) for _ in range(4)]
    for stranger in strangers:
        stranger.start()
    try:
        loud = p99_of_reports(node, 500)
        assert viewers[0].reads()
    finally:
        until.set()
        for stranger in strangers:
            stranger.join()
    print(f"p99 of IAMAT: {quiet * 1000:.2f} ms, with strangers {loud * 1000:.2f} ms; {len(answers)} WELCOMEs")
    assert answers.count(64 + 170) > 10, "a valid HELLO is answered"
    assert loud < 0.1
    assert memory_peak(node) - before < 8 * MEBIBYTE
