"""Records a release for tests/compat: its journal, a session of a client, and a session of the bus.

    HERD_BIN=build/release/bin/herd-node /usr/bin/python3 tests/system/record_compat.py

It writes tests/compat/VERSION, where VERSION is that of the program. It refuses to replace an existing folder: what a
release has written never changes. Exit status: 0 done, 1 it failed, 2 bad usage.
"""
from __future__ import annotations

import argparse
import json
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts/lib"))

import compat  # noqa: E402
from bus_peers import ACK, BATCH, HELLO, WELCOME  # noqa: E402
from compat import BYE, DIGEST, PING, PONG  # noqa: E402
from herd_fixture import BINARY, Herd, Ports, wait_for  # noqa: E402

OWN = ("IAMAT own0 +1+2 1700000000", "IAMAT own1 +1.5-2.25/ 1700000001.5")
OTHERS = ("IAMAT others0 -1-2 1700000002", "IAMAT own0 +3+4 1700000003", "IAMAT others1 +5+6 1700000004")


def record_client() -> str:
    herd = compat.one_node()
    try:
        herd.start()
        return compat.record_client(herd["n0"])
    finally:
        herd.close()


def record_herd(folder: pathlib.Path) -> None:
    """The bus of two nodes, and the journal of n0 after a restart."""
    ports = Ports.claim()
    relayed = {name: ports.take() for name in ("n0", "n1")}
    herd = Herd.for_test({"n0": ["n1"], "n1": []}, settings={**compat.LIGHT, "http": {"ready_timeout": "0s"}},
                         bus_public={("n1", "n0"): relayed["n0"], ("n0", "n1"): relayed["n1"]}, ports=ports)
    relay = compat.Relay(herd, relayed)
    try:
        herd["n0"].start()
        for line in OWN:
            assert herd["n0"].say(line).startswith("AT ")
        herd["n1"].start()
        herd.wait_linked()
        for line in OTHERS:
            assert herd["n1"].say(line).startswith("AT ")
        herd.wait_converged(clients=4)
        wanted = {HELLO, WELCOME, BATCH, ACK, DIGEST, PING, PONG}
        for name in ("n0", "n1"):
            wait_for(lambda: wanted <= relay.seen(name), lambda: f"{wanted - relay.seen(name)} to {name}", 60)
        herd["n1"].stop()
        wait_for(lambda: BYE in relay.seen("n0"), "BYE")
        (folder / "bus.jsonl").write_text(relay.close(), encoding="ascii")
        herd["n0"].stop()
        herd["n0"].start()
        assert herd["n0"].say("IAMAT own0 +7+8/ 1700000005").startswith("AT ")
        herd["n0"].stop()
        shutil.copyfile(herd["n0"].state_dir / "journal", folder / "journal")
        herd["n0"].start()
        status = herd["n0"].status()
        facts = {name: status[name] for name in ("clients", "digest", "feed_id")}
        facts["records"] = {name: herd["n0"].knows(name) for name in ("own0", "own1", "others0", "others1")}
        (folder / "journal.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="ascii")
    finally:
        relay.ends.set()
        herd.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", help="of the folder (default: the version of the program)")
    given = parser.parse_args()
    version = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    folder = compat.FOLDER / (given.name or version)
    if folder.exists():
        print(f"record_compat.py: {folder} exists already, and a release is recorded only once", file=sys.stderr)
        return 1
    folder.mkdir(parents=True)
    try:
        (folder / "client.txt").write_text(record_client(), encoding="utf-8")
        record_herd(folder)
    except BaseException:
        shutil.rmtree(folder)
        raise
    print(f"{folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
