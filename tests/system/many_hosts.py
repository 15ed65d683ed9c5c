"""Several hosts on one machine: network namespaces that a bridge connects, each with an address of its own and a state
directory of its own. The bridge is in a namespace too, so no packet leaves it. Needs root."""
from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from herd_control import SCRIPT
from herd_fixture import BINARY


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)


class NetHost:
    """One of the hosts. Its commands run as on a machine of its own."""

    def __init__(self, namespace: str, address: str, directory: pathlib.Path):
        self.namespace = namespace
        self.address = address
        self.directory = directory
        self.state = directory / "state"
        self.config = directory / "herd.toml"
        self.keys = self.state / "keys"
        directory.mkdir()

    def run(self, *words: str, given: str | None = None, status: int = 0) -> str:
        """Runs a command of scripts/herd that must end with `status`; returns its output, then its errors."""
        ran = subprocess.run(["ip", "netns", "exec", self.namespace, SCRIPT, *words, "--config", self.config],
                             input=given, capture_output=True, text=True, timeout=90, check=False,
                             env=os.environ | {"HERD_STATE_DIR": str(self.state), "HERD_BIN": BINARY})
        assert ran.returncode == status, f"{self.namespace} {words}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout + ran.stderr

    def say(self, port: int, text: str) -> str:
        """Sends a line to a client port of this host, from this host; returns the reply."""
        program = ("import socket, sys\n"
                   "with socket.create_connection(('127.0.0.1', int(sys.argv[1])), 10) as connection:\n"
                   "    connection.sendall(sys.argv[2].encode() + b'\\n')\n"
                   "    connection.shutdown(socket.SHUT_WR)\n"
                   "    print(b''.join(iter(lambda: connection.recv(65536), b'')).decode(), end='')\n")
        words = ["ip", "netns", "exec", self.namespace, "/usr/bin/python3", "-c", program, str(port), text]
        return subprocess.run(words, capture_output=True, text=True, timeout=30, check=False).stdout

    def set_link(self, state: str) -> None:
        """`state` is "up" or "down": the network cable."""
        _ip("-n", self.namespace, "link", "set", "eth0", state)


class ManyHosts:
    def __init__(self, count: int):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="herd-"))
        prefix = f"herd{os.getpid()}"
        self.bridge = f"{prefix}-bridge"
        self.hosts = [NetHost(f"{prefix}-{i}", f"10.77.0.{i + 1}", self.directory / f"host{i}") for i in range(count)]

    @classmethod
    def connect(cls, count: int) -> ManyHosts:
        """Skips the test where there are no network namespaces."""
        if os.geteuid() != 0 or shutil.which("ip") is None:
            pytest.skip("network namespaces need root and the command ip")
        made = cls(count)
        try:
            _ip("netns", "add", made.bridge)
        except subprocess.CalledProcessError as error:
            shutil.rmtree(made.directory)
            pytest.skip(f"network namespaces cannot be made here: {error.stderr!r}")
        _ip("-n", made.bridge, "link", "add", "bridge", "type", "bridge")
        _ip("-n", made.bridge, "link", "set", "bridge", "up")
        for i, host in enumerate(made.hosts):
            _ip("netns", "add", host.namespace)
            _ip("-n", host.namespace, "link", "set", "lo", "up")
            _ip("-n", made.bridge, "link", "add", f"port{i}", "type", "veth", "peer", "name", "eth0", "netns",
                host.namespace)
            _ip("-n", made.bridge, "link", "set", f"port{i}", "master", "bridge", "up")
            _ip("-n", host.namespace, "addr", "add", f"{host.address}/24", "dev", "eth0")
            _ip("-n", host.namespace, "link", "set", "eth0", "up")
        return made

    def close(self) -> None:
        """Stops the herd of every host."""
        for host in self.hosts:
            if host.config.exists():
                host.run("down")
            for log in sorted((host.state / "logs").glob("n*.log")):
                print(f"----- {host.namespace} {log.name}\n{log.read_text(errors='replace')[-3000:]}")
        for namespace in (self.bridge, *(host.namespace for host in self.hosts)):
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True)
        shutil.rmtree(self.directory)
