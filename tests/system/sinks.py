"""The program herd-sink for tests: started, killed, and compared with a node."""
from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import pathlib
import re
import resource
import signal
import subprocess
import unittest.mock
from typing import Any

import herd_sink.main
from herd_fixture import REPOSITORY, Node, wait_for
from herd_lab.processes import end_with_parent
from postgres_server import PostgresServer
from python_clients import address

PROGRAM = REPOSITORY / "clients/sink/herd-sink"
SECONDS = 60.0  # for whatever a test waits for

Row = tuple[str, ...]  # client, coordinates, time in nanoseconds, node


class SinkProcess:
    """One sink. Its log is kept over restarts."""

    def __init__(
        self, log: pathlib.Path, *words: str, stdout: int | None = None, **environment: str
    ):
        self.words = words
        self.log_path = log
        self.stdout = stdout
        self.environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process, "it was never started"
        return self._process

    def start(self) -> None:
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM, *self.words],
                stdin=subprocess.DEVNULL,
                stderr=log,
                stdout=self.stdout or log,
                preexec_fn=end_with_parent,
                env=os.environ | self.environment,
            )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self, status: int = 0) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(SECONDS) == status, self.log()

    def ends(self, status: int) -> str:
        """Waits until it ends by itself; returns its log."""
        assert self.process.wait(SECONDS) == status, self.log()
        return self.log()

    def log(self) -> str:
        return self.log_path.read_text() if self.log_path.exists() else ""

    def wait_log(self, text: str, count: int = 1) -> None:
        def found() -> bool:
            assert self.process.poll() is None, self.log()
            return self.log().count(text) >= count

        wait_for(found, lambda: f"{text!r} in the log of the sink:\n{self.log()}", SECONDS)

    def memory_peak(self) -> int:
        """In bytes."""
        return self._memory("VmHWM")

    def memory(self) -> int:
        """What is resident now, in bytes."""
        return self._memory("VmRSS")

    def _memory(self, name: str) -> int:
        found = re.search(
            rf"{name}:\s+(\d+) kB", pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        )
        assert found
        return int(found[1]) * 1024

    def limit_files(self, size: int) -> None:
        """No file of it may grow beyond this: the effect of a full disk."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def close(self) -> None:
        if self._process and self._process.poll() is None:
            self.kill()
        print(f"----- {self.log_path.name}\n{self.log()[-4000:]}")


def database_sink(
    log: pathlib.Path,
    server: PostgresServer,
    schema: str,
    *nodes: Node,
    words: tuple[str, ...] = (),
) -> SinkProcess:
    return SinkProcess(
        log,
        *[address(node) for node in nodes],
        "--database",
        server.conninfo,
        "--schema",
        schema,
        *words,
    )


def outcome(*words: str, **environment: str) -> tuple[int, str]:
    """The status and the errors of one call, in this process: that takes far less time. SIGALRM
    ends one that does not end by itself."""
    errors = io.StringIO()
    with unittest.mock.patch.dict(os.environ, environment), contextlib.redirect_stderr(errors):
        signal.alarm(int(SECONDS))
        try:
            return herd_sink.main.main(list(words)), errors.getvalue()
        finally:
            signal.alarm(0)
            logging.getLogger().handlers.clear()


def nanoseconds(time: str) -> str:
    whole, _, fraction = time.partition(".")
    return str(int(whole) * 10**9 + int(fraction.ljust(9, "0")))


def records_of(node: Node) -> set[Row]:
    """All records of a node."""
    return {
        (words[3], words[4], nanoseconds(words[5]), words[1])
        for line in node.say("WATCH t ALL").splitlines()
        if " HERE " in line
        for words in [line.partition(" HERE ")[2].split(" ")]
    }


def positions(server: PostgresServer, schema: str) -> set[Row]:
    return set(
        server.query(f"SELECT client, coordinates, time_ns, node FROM {schema}.herd_positions")
    )


def state(server: PostgresServer, schema: str) -> dict[str, Any]:
    """The row of herd_cursor."""
    [[row]] = server.query(f"SELECT row_to_json(c) FROM {schema}.herd_cursor c")
    found: dict[str, Any] = json.loads(row)
    return found


def wait_equal(server: PostgresServer, schema: str, node: Node, seconds: float = SECONDS) -> None:
    """Waits until the positions are the records of the node."""
    wanted = records_of(node)
    wait_for(
        lambda: positions(server, schema) == wanted,
        lambda: f"the positions of {len(wanted)} clients, different: "
        f"{sorted(positions(server, schema) ^ wanted)[:6]}",
        seconds,
    )


def check_history(server: PostgresServer, schema: str) -> None:
    """No report is there twice, and those of a client ascend, up to a reset."""
    [[repeated]] = server.query(
        f"SELECT count(*) - count(DISTINCT (client, time_ns, coordinates))"
        f" FROM {schema}.herd_history WHERE event = 'report'"
    )
    assert repeated == "0"
    [[wrong]] = server.query(
        f"""
        SELECT count(*) FROM (SELECT time_ns, lag(time_ns) OVER (PARTITION BY client ORDER BY id)
                              AS former FROM {schema}.herd_history) h WHERE time_ns <= former"""
    )
    assert wrong == "0"
