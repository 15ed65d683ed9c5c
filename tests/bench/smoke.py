"""Rows of the bench for a fraction of a second a side: it starts, checks replies and stops. No figure is judged."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# One of each way to measure. Sides whose programs are missing skip themselves.
ROWS = ("closed-50", "five-memory", "hop", "connections", "idle", "start-one")


def bench(*words):
    subprocess.run(["/usr/bin/python3", "-m", "herd_ctl", "bench", "--rounds", "1", "--seconds", "0.2", *words],
                   check=True, env=os.environ | {"PYTHONPATH": str(ROOT / "scripts/lib")})


def run(folder):
    result, page = folder / "result.json", folder / "page.md"
    bench("--rows", *ROWS, "--json", result, "--markdown", page)
    return json.loads(result.read_text()), page.read_text()


def run_against_itself(folder):
    """The sides of a row that compares the build with itself."""
    result = folder / "against.json"
    bench("--rows", "alone", "--against", os.environ["HERD_BIN"], "--json", result)
    return json.loads(result.read_text())["rows"][0]["sides"]


def main():
    with tempfile.TemporaryDirectory() as folder:
        result, page = run(pathlib.Path(folder))
        first, other = run_against_itself(pathlib.Path(folder))
        turn = subprocess.run([pathlib.Path(os.environ["HERD_BIN"]).parent / "longest-turn", "20000"], check=True,
                              capture_output=True, text=True)
    rows = {row["row"]: row["sides"] for row in result["rows"]}
    assert set(rows) == set(ROWS) and not result["failed"], result["failed"]
    for name in ("closed-50", "five-memory", "hop"):
        for side in rows[name]:
            assert side["rounds"][0]["checked"] > 0, side
    assert rows["five-memory"][0]["rounds"][0]["merged"] > 0, rows
    assert {"herd of five", "bare ZeroMQ relay, two hops"} <= {side["side"] for side in rows["hop"]}, rows["hop"]
    assert rows["connections"][0]["rounds"][0]["connections"] > 0, rows
    assert {"idle processor time of five nodes together"} <= {target["what"] for target in result["targets"]}, result
    assert other["side"] == f"{first['side']}, {os.environ['HERD_BIN']}", (first, other)
    assert other["rounds"][0]["checked"] > 0 and other["ratios"]["value"]["median"] > 0, other
    for name in ROWS:
        assert f"| {name} |" in page, page
    assert json.loads(turn.stdout)["clients"] == 20_000, turn.stdout
    return 0


if __name__ == "__main__":
    sys.exit(main())
