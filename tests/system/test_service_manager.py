"""Tests what a node reports to systemd: that it is ready, reloads, stops and lives. The test has systemd's socket."""
import os
import pathlib
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from herd_fixture import MakeHerd, Node, alone, wait_for

WATCHDOG_S = 1.0


class Systemd:
    """The socket that NOTIFY_SOCKET names, and what came."""

    def __init__(self, path: pathlib.Path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind(os.fsencode(path))
        self.signs_of_life: list[float] = []
        self.states: list[str] = []

    def read(self) -> None:
        while True:
            try:
                text = self.socket.recv(4096).decode()
            except BlockingIOError:
                return
            if text == "WATCHDOG=1":
                self.signs_of_life.append(time.monotonic())
            else:
                self.states.append(text)

    def wait_states(self, count: int) -> list[str]:
        def enough() -> bool:
            self.read()
            return len(self.states) >= count
        wait_for(enough, lambda: f"{count} states, not {self.states}")
        return self.states


@pytest.fixture
def systemd(tmp_path: pathlib.Path) -> Iterator[Systemd]:
    made = Systemd(tmp_path / "notify")
    yield made
    made.socket.close()


def start(make_herd: MakeHerd, tmp_path: pathlib.Path) -> Node:
    herd = make_herd(alone(1), start=False,
                     settings={"places": {"providers": ["google"]}, "http": {"ready_timeout": "0s"}})
    herd.environment |= {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))}
    herd.start()
    return herd["n0"]


def test_a_node_reports_each_change_of_its_state(make_herd: MakeHerd, systemd: Systemd, tmp_path: pathlib.Path) -> None:
    node = start(make_herd, tmp_path)
    assert systemd.wait_states(1) == ["READY=1"]
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    node.process.send_signal(signal.SIGHUP)
    _, reloading, ready = systemd.wait_states(3)
    kind, _, moment = reloading.partition("\nMONOTONIC_USEC=")
    assert kind == "RELOADING=1" and ready == "READY=1"
    assert before - 1_000_000 <= int(moment) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    node.stop()
    assert systemd.wait_states(4)[3:] == ["STOPPING=1"]


def test_signs_of_life_come_while_the_loop_runs_and_only_then(make_herd: MakeHerd, systemd: Systemd,
                                                              tmp_path: pathlib.Path) -> None:
    node = start(make_herd, tmp_path)

    def alive(count: int) -> bool:
        systemd.read()
        return len(systemd.signs_of_life) >= count
    wait_for(lambda: alive(3), "three signs of life")
    node.process.send_signal(signal.SIGSTOP)
    wait_for(lambda: pathlib.Path(f"/proc/{node.process.pid}/stat").read_text().split()[2] == "T", "it is frozen")
    systemd.read()
    known = len(systemd.signs_of_life)
    deadline = time.monotonic() + WATCHDOG_S
    while time.monotonic() < deadline:
        systemd.read()
        assert len(systemd.signs_of_life) == known
        time.sleep(0.05)
    node.process.send_signal(signal.SIGCONT)
    wait_for(lambda: alive(known + 2), "it lives again")
