"""Runs rows of the benchmark with a fraction of a second for each side: they start, check replies and stop. The figures
do not matter. It uses the release build, or $HERD_BIN."""
from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("HERD_BIN", ROOT / "build/release/bin/herd-node"))
# One row of each way to measure. Sides with missing programs skip themselves.
ROWS = ("closed-50", "alone-tls", "five-memory", "hop", "hop-curve", "handshakes", "connections-tls", "strangers-tls",
        "strangers-bus", "observed", "connections", "idle", "start-one")
# Rows of clients that ask and watch, with a hundredth of the clients.
ASKING_ROWS = ("first-question", "near", "near-loaded", "within", "index", "watch", "watch-hop", "fan-out")


BENCH_SECONDS = 480  # for one call; a quiet machine needs one minute, a busy one four


def bench(*words: str | pathlib.Path) -> None:
    """Runs the benchmark. If it takes too long, it prints where it is, and it and its servers are killed."""
    command = ["/usr/bin/python3", "-X", "faulthandler", "-m", "herd_ctl", "bench", "--rounds", "1", "--seconds", "0.2",
               *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "scripts/lib"), "HERD_BIN": str(BINARY)}
    with subprocess.Popen(command, env=environment, start_new_session=True) as process:
        try:
            status = process.wait(BENCH_SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            process.wait()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    assert status == 0, f"bench ended with status {status}"


def run(folder: pathlib.Path) -> tuple[dict[str, Any], str]:
    """The result of the rows as JSON, and as a page."""
    result, page = folder / "result.json", folder / "page.md"
    bench("--quick", "--rows", *ROWS, *ASKING_ROWS, "--json", result, "--markdown", page)
    return json.loads(result.read_text()), page.read_text()


def run_against_itself(folder: pathlib.Path) -> list[dict[str, Any]]:
    """The sides of a row that compares the build with itself."""
    result = folder / "against.json"
    bench("--rows", "alone", "--against", BINARY, "--json", result)
    sides: list[dict[str, Any]] = json.loads(result.read_text())["rows"][0]["sides"]
    return sides


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        result, page = run(pathlib.Path(folder))
        first, other = run_against_itself(pathlib.Path(folder))
        turn = subprocess.run([BINARY.parent / "longest-turn", "20000"], check=True,
                              capture_output=True, text=True)
    rows = {row["row"]: row["sides"] for row in result["rows"]}
    assert set(rows) == {*ROWS, *ASKING_ROWS} and not result["failed"], result["failed"]
    for name in ("closed-50", "alone-tls", "five-memory", "hop", "hop-curve", "strangers-tls", "strangers-bus",
                 *ASKING_ROWS[1:]):
        for side in rows[name]:
            assert side["rounds"][0]["checked"] > 0, side
    assert 0 < rows["first-question"][0]["rounds"][0]["value"] < 60, rows["first-question"]
    assert rows["watch"][0]["rounds"][0]["events"] > 0 and rows["fan-out"][0]["rounds"][0]["sends"] > 0, rows
    assert rows["five-memory"][0]["rounds"][0]["merged"] > 0, rows
    assert {"herd of five", "bare ZeroMQ relay, two hops"} <= {side["side"] for side in rows["hop"]}, rows["hop"]
    for name in ("strangers-tls", "strangers-bus"):
        assert rows[name][0]["rounds"][0]["strangers"] > 100, rows[name]
    assert rows["connections"][0]["rounds"][0]["connections"] > 0, rows
    assert {"idle processor time of five nodes together"} <= {target["what"] for target in result["targets"]}, result
    assert other["side"] == f"{first['side']}, {BINARY}", (first, other)
    assert other["rounds"][0]["checked"] > 0 and other["ratios"]["value"]["median"] > 0, other
    for name in (*ROWS, *ASKING_ROWS):
        assert f"| {name} |" in page, page
    assert json.loads(turn.stdout)["clients"] == 20_000, turn.stdout
    return 0


if __name__ == "__main__":
    sys.exit(main())
