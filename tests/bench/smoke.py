"""Two rows of the bench for half a second a side: it starts, checks replies and stops. No figure is judged."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    with tempfile.TemporaryDirectory() as folder:
        result = pathlib.Path(folder) / "result.json"
        subprocess.run(["/usr/bin/python3", "-m", "herd_ctl", "bench", "--rows", "alone", "five-memory",
                        "--rounds", "1", "--seconds", "0.5", "--json", result], check=True,
                       env=os.environ | {"PYTHONPATH": str(ROOT / "scripts/lib")})
        rows = {row["row"]: row for row in json.loads(result.read_text())["rows"]}
    assert set(rows) == {"alone", "five-memory"}, rows
    for row in rows.values():
        for side in row["sides"]:
            assert side["rounds"][0]["checked"] > 0, side
    assert rows["five-memory"]["sides"][0]["rounds"][0]["merged"] > 0, rows
    return 0


if __name__ == "__main__":
    sys.exit(main())
