"""scripts/herd on several hosts, which are network namespaces (scripts/lib/herd_lab/hosts.py): each has an address and
a state directory of its own. Needs root."""
from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence

import pytest

from herd_control import SCRIPT
from herd_ctl.trouble import Trouble
from herd_fixture import BINARY
from herd_lab.endpoint import Endpoint
from herd_lab.hosts import Host, Hosts


def connect(names: Sequence[str], version: int = 4) -> Hosts:
    """Skips the test where no hosts can be made."""
    try:
        return Hosts.connect(names, version=version)
    except Trouble as trouble:
        pytest.skip(str(trouble))


class NetHost:
    """One of the hosts. Its commands run as on a machine of its own."""

    def __init__(self, host: Host, directory: pathlib.Path):
        self.host = host
        self.address = host.address
        self.directory = directory
        self.state = directory / "state"
        self.config = directory / "herd.toml"
        self.keys = self.state / "keys"
        self.etc = directory / "etc"  # its files are laid over those of /etc
        directory.mkdir()

    def run(self, *words: str, given: str | None = None, status: int = 0) -> str:
        """Runs a command of scripts/herd that must end with `status`; returns its output, then its errors."""
        ran = subprocess.run([*self.enter, SCRIPT, *words, "--config", self.config],
                             input=given, capture_output=True, text=True, timeout=90, check=False,
                             env=os.environ | {"HERD_STATE_DIR": str(self.state), "HERD_BIN": BINARY})
        assert ran.returncode == status, f"{self.host.name} {words}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout + ran.stderr

    def say(self, port: int, text: str) -> str:
        """Sends a line to a client port of this host, from this host; returns the reply, "" if nothing listens."""
        try:
            with Endpoint(port, self.host.namespace).connect(10) as connection:
                connection.sendall(text.encode() + b"\n")
                connection.shutdown(1)
                return b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        except OSError:
            return ""

    def report(self, port: int, seconds: float) -> list[float]:
        """Reports a client again and again to a client port of this host; returns the waits for the replies, sorted."""
        waits, end = [], time.monotonic() + seconds
        with Endpoint(port, self.host.namespace).connect(10) as connection:
            while time.monotonic() < end:
                began = time.monotonic()
                connection.sendall(f"IAMAT mover +1+2 {time.time():.9f}\n".encode())
                assert connection.recv(65536).startswith(b"AT ")
                waits.append(time.monotonic() - began)
                time.sleep(0.01)
        return sorted(waits)

    def set_names(self, names: dict[str, str], server: str = "127.0.0.1") -> None:
        """The names that this host knows, and its name server. Call it before the first command; later calls change
        the names only. The files are written in place, because they are mounted one by one."""
        self.etc.mkdir(exist_ok=True)
        lines = [f"{address} {name}" for name, address in {"localhost": "127.0.0.1", **names}.items()]
        (self.etc / "hosts").write_text("\n".join(lines) + "\n")
        (self.etc / "resolv.conf").write_text(f"nameserver {server}\n")

    @property
    def enter(self) -> list[str]:
        """The words before a command line that runs it on this host, with the host's own names if it has some."""
        if not self.etc.exists():
            return self.host.enter
        mount = ('mount --bind "$1/hosts" /etc/hosts && mount --bind "$1/resolv.conf" /etc/resolv.conf && shift &&'
                 ' exec "$@"')
        return [*self.host.enter, "unshare", "--mount", "sh", "-c", mount, "sh", str(self.etc)]


class ManyHosts:
    """Hosts, each with a directory for the configuration and the state. The herd is made by scripts/herd init."""

    def __init__(self, network: Hosts):
        self.network = network
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="herd-"))
        self.hosts = [NetHost(host, self.directory / host.name) for host in network]

    @classmethod
    def connect(cls, count: int) -> ManyHosts:
        """Skips the test where no hosts can be made."""
        return cls(connect([f"host{i}" for i in range(count)]))

    def close(self) -> None:
        """Stops the herd of every host."""
        for host in self.hosts:
            if host.config.exists():
                host.run("down")
            for log in sorted((host.state / "logs").glob("n*.log")):
                print(f"----- {host.host.name} {log.name}\n{log.read_text(errors='replace')[-3000:]}")
        self.network.end()
        shutil.rmtree(self.directory)
