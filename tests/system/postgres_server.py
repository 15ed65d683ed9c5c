"""A private PostgreSQL server for tests, of Debian's package postgresql. It listens on a Unix
socket in a directory of its own, and ends with the test."""
from __future__ import annotations

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from herd_fixture import wait_for
from herd_lab.processes import end_with_parent

SETTINGS = """
listen_addresses = ''
fsync = off                 # a test kills processes, not the machine
max_connections = 20
shared_buffers = 16MB
log_min_messages = warning
"""
RULES = """
local all postgres trust
local all all scram-sha-256
"""


def binaries() -> pathlib.Path:
    """The directory of initdb and postgres; the test is skipped without them."""
    pytest.importorskip("psycopg", reason="python3-psycopg is not installed: scripts/deps --dev")
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("postgresql is not installed: scripts/deps --dev")
    return found[-1].parent


class PostgresServer:
    """One server. initdb refuses root: then the processes run as another user."""

    def __init__(self) -> None:
        self._bin = binaries()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="herd-pg-"))
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            other = pwd.getpwnam("postgres")
            self._user = {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}
            os.chown(self.directory, other.pw_uid, other.pw_gid)
        self.directory.chmod(0o755)  # the socket is for all users; the data have 0700
        self._data = self.directory / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._run(
            "initdb",
            "-D",
            str(self._data),
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
            "-A",
            "trust",
        )
        (self._data / "pg_hba.conf").write_text(RULES)
        with open(self._data / "postgresql.conf", "a", encoding="utf-8") as file:
            file.write(f"{SETTINGS}\nunix_socket_directories = '{self.directory}'\n")

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [str(self._bin / program), *words],
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"LC_ALL": "C"},
            **self._user,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @property
    def conninfo(self) -> str:
        """For the superuser, who needs no password."""
        return f"host={self.directory} user=postgres dbname=postgres"

    def conninfo_of(self, user: str) -> str:
        return f"host={self.directory} user={user} dbname=postgres"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process, "it was never started"
        return self._process

    def start(self) -> None:
        with open(self.directory / "log", "ab") as log:
            self._process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", str(self._data)],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent,
                env=os.environ | {"LC_ALL": "C"},
                **self._user,
            )
        wait_for(self.answers, "PostgreSQL is ready", 60)

    def answers(self) -> bool:
        assert self.process.poll() is None, (self.directory / "log").read_text()[-2000:]
        return (
            subprocess.run(
                [str(self._bin / "pg_isready"), "-q", "-h", str(self.directory)], check=False
            ).returncode
            == 0
        )

    def query(self, statement: str) -> list[tuple[str, ...]]:
        """The rows as texts."""
        done = subprocess.run(
            [
                str(self._bin / "psql"),
                "-XAtq",
                "-F",
                "\t",
                "-v",
                "ON_ERROR_STOP=1",
                "-d",
                self.conninfo,
                "-c",
                statement,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [tuple(line.split("\t")) for line in done.stdout.splitlines()]

    def stop(self) -> None:
        """In order, and at once: sessions end."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)

    def kill(self) -> None:
        """All processes at once: a crash."""
        self.signal_all(signal.SIGKILL)
        self.process.wait(60)

    def signal_all(self, number: signal.Signals) -> None:
        """To the server and its sessions, which have process groups of their own."""
        pids = [self.process.pid]
        for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                if (
                    int(entry.read_text().rpartition(")")[2].split()[1]) == self.process.pid
                ):  # its parent
                    pids.append(int(entry.parent.name))
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def close(self) -> None:
        if self._process and self._process.poll() is None:
            self.signal_all(signal.SIGCONT)
            self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


@contextlib.contextmanager
def running_server() -> Iterator[PostgresServer]:
    """A server that runs until the context ends."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.close()
