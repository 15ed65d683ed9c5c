"""Tests the program in docs/WRITING-A-CLIENT.md, exactly as printed there, against real nodes."""
import pathlib
import subprocess
import sys
import types

import pytest

from herd_fixture import REPOSITORY, Herd, MakeHerd, alone, line, wait_for
from talk import AT, now

PAGE = (REPOSITORY / "docs/WRITING-A-CLIENT.md").read_text()
PROGRAM = PAGE.partition("\n```python\n")[2].partition("\n```\n")[0] + "\n"


@pytest.fixture(name="herd")
def two_nodes(make_herd: MakeHerd) -> Herd:
    herd = make_herd(line(2))
    herd.wait_linked()
    return herd


@pytest.fixture(name="client")
def program() -> types.ModuleType:
    module = types.ModuleType("client")
    exec(compile(PROGRAM, "docs/WRITING-A-CLIENT.md", "exec"), module.__dict__)
    return module


def addresses(herd: Herd) -> list[str]:
    return [f"127.0.0.1:{herd[name].clients_port}" for name in ("n0", "n1")]


def run(tmp_path: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "client.py"
    script.write_text(PROGRAM)
    return subprocess.run([sys.executable, str(script), *arguments], text=True, timeout=120, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_the_program_reports_and_asks(herd: Herd, tmp_path: pathlib.Path) -> None:
    done = run(tmp_path, "kiwi", *addresses(herd))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "('n0', '+34.0690200-118.4451270', ['Westwood', 'Beverly Hills', 'Century City'])\n"
    wait_for(lambda: herd["n0"].counter("iamat_stored") == 10, "ten reports are counted")


def test_the_program_continues_at_another_node_when_one_is_killed(herd: Herd, client: types.ModuleType,
                                                                  tmp_path: pathlib.Path) -> None:
    nodes_client = client.Herd(addresses(herd))
    assert nodes_client.report("kiwi", 1, -2, 10**9)
    wait_for(lambda: herd["n1"].knows("kiwi"), "the other node has the record")
    herd["n0"].kill()
    assert nodes_client.report("kiwi", 1, -2, 10**9)  # the same again
    assert nodes_client.near("kiwi", 1, 0) == ("n0", "+1.0000000-2.0000000", [])
    nodes_client.close()
    done = run(tmp_path, "later", *addresses(herd))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("('n1', ")


def test_the_program_gives_up_when_no_node_answers(herd: Herd, client: types.ModuleType) -> None:
    nodes = addresses(herd)
    herd["n0"].kill()
    herd["n1"].kill()
    nodes_client = client.Herd(nodes[:1], timeout=1)
    with pytest.raises(ConnectionError, match="no node answers"):
        nodes_client.report("kiwi", 1, 2, 3)


def test_the_program_recognises_refusals_and_numbers_that_a_node_would_drop(
        herd: Herd, client: types.ModuleType) -> None:
    nodes_client = client.Herd(addresses(herd))
    assert nodes_client.near("unknown", 1, 0) is None
    for latitude, longitude in ((90.5, 0), (0, -180.1), (float("nan"), 0), (0, float("inf"))):
        with pytest.raises(ValueError):
            nodes_client.report("kiwi", latitude, longitude, 1)
    assert nodes_client.report("tiny", 5.5e-06, -5.5e-06, 1)
    assert nodes_client.report("tiny", 90, -180, 2)
    assert (herd["n0"].knows("tiny") or "").endswith(" tiny +90.0000000-180.0000000 0.000000002")
    assert herd["n0"].counter("invalid_arguments") == 0


def test_a_dropped_command_is_found_as_the_page_describes(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1), settings={"clients": {"invalid_arguments": "drop"}})["n0"]
    assert node.say(f"IAMAT kiwi 34-118 {now()}\ndone-17\n") == "? done-17\n"
    reply, marker = node.say(f"IAMAT kiwi +34-118 {now()}\ndone-18\n").splitlines(keepends=True)
    assert AT.match(reply.encode()) and marker == "? done-18\n"


def test_the_longest_iamat_is_that_of_the_page(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1))["n0"]
    digits = "1" * 30
    longest = f"IAMAT {'x' * 255} +89.{digits}-179.{digits}/ 1520023934.918963997"
    assert f"The longest IAMAT has {len(longest)}." in PAGE
    assert node.say(longest).startswith("AT n0 ")
