"""Tests scripts/herd init: herd-node accepts what it writes, its links are those of the graph, and it overwrites
nothing."""
import functools
import json
import os
import pathlib
import resource
import subprocess
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from herd_control import SCRIPT
from herd_fixture import BINARY

GRAPHS = ["ring", "star", "full", "line", "random"]


def init(place: pathlib.Path, *words: str, status: int = 0, before: Callable[[], None] | None = None) -> str:
    """Runs it in the directory; returns its output, or its error text if there is one."""
    ran = subprocess.run([SCRIPT, "init", *words], cwd=place, capture_output=True, text=True, timeout=30, check=False,
                         env=os.environ | {"HERD_BIN": BINARY}, preexec_fn=before)
    assert ran.returncode == status, f"{words}: status {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
    return ran.stderr or ran.stdout


def nodes_of(config: pathlib.Path) -> list[dict[str, Any]]:
    """The nodes as herd-node lists them: `peers` contains each link at both ends. Fails unless it accepts the file."""
    for word in ("--check", "--list"):
        ran = subprocess.run([BINARY, "--config", config, word], capture_output=True, text=True, timeout=30,
                             check=False)
        assert (ran.returncode, ran.stderr) == (0, ""), f"{ran.stderr}\n{config.read_text()}"
    return list(json.loads(ran.stdout)["nodes"])


def is_connected(links: dict[str, list[str]]) -> bool:
    seen, left = set(), ["n0"]
    while left:
        name = left.pop()
        if name not in seen:
            seen.add(name)
            left += links[name]
    return len(seen) == len(links)


@pytest.mark.parametrize("count", [1, 2, 3, 9, 64])
@pytest.mark.parametrize("graph", GRAPHS)
def test_herd_node_accepts_every_graph_and_finds_its_links(tmp_path: pathlib.Path, graph: str, count: int) -> None:
    output = init(tmp_path, "--nodes", str(count), "--graph", graph, "--output", "my herd.toml")
    assert output.startswith("Wrote my herd.toml: ")
    nodes = nodes_of(tmp_path / "my herd.toml")
    links = {node["name"]: node["peers"] for node in nodes}
    assert list(links) == [f"n{i}" for i in range(count)] and is_connected(links)
    degrees = sorted(len(peers) for peers in links.values())
    ends = [0] if count == 1 else [1, 1]
    expected = {"ring": [2] * count if count > 2 else ends, "line": ends + [2] * (count - 2),
                "full": [count - 1] * count, "star": ([1] * (count - 1) if count > 1 else []) + [count - 1]}
    if graph in expected:
        assert degrees == sorted(expected[graph])
    else:
        assert sum(degrees) == 2 * max(count - 1, min(count * 3 // 2, count * (count - 1) // 2))
    ports = [int(node[role].rpartition(":")[2]) for node in nodes for role in ("clients", "bus", "monitor", "http")]
    assert len(set(ports)) == 4 * count and max(ports) < 32768


def test_two_random_graphs_differ(tmp_path: pathlib.Path) -> None:
    assert len({init(tmp_path, "--nodes", "20", "--graph", "random", "--output", "-") for _ in range(3)}) == 3


def test_the_nodes_are_spread_over_the_hosts_and_only_those_of_this_host_are_local(tmp_path: pathlib.Path) -> None:
    output = init(tmp_path, "--nodes", "6", "--hosts", "127.0.0.1,192.0.2.7,2001:db8::7")
    assert "Wrote herd.toml: 6 nodes, links: ring, on 3 hosts" in output and "docs/HOSTS.md" in output
    buses = [node["bus"] for node in tomllib.loads((tmp_path / "herd.toml").read_text())["node"]]
    assert buses == ["tcp://127.0.0.1:12240", "tcp://192.0.2.7:12241", "tcp://[2001:db8::7]:12242",
                     "tcp://127.0.0.1:12243", "tcp://192.0.2.7:12244", "tcp://[2001:db8::7]:12245"]
    assert [node["local"] for node in nodes_of(tmp_path / "herd.toml")] == [True, False, False] * 2


def test_hosts_may_be_names(tmp_path: pathlib.Path) -> None:
    init(tmp_path, "--nodes", "3", "--hosts", "localhost,no-such-name.invalid")
    buses = [node["bus"] for node in tomllib.loads((tmp_path / "herd.toml").read_text())["node"]]
    assert buses == ["tcp://localhost:12240", "tcp://no-such-name.invalid:12241", "tcp://localhost:12242"]
    assert [node["local"] for node in nodes_of(tmp_path / "herd.toml")] == [True, False, True]


def test_the_written_comments_explain_every_key_of_the_first_node(tmp_path: pathlib.Path) -> None:
    text = init(tmp_path, "--nodes", "2", "--hosts", "127.0.0.1,127.0.0.2", "--output", "-")
    first = text.partition("[[node]]\n")[2].partition("[[node]]")[0].splitlines()
    keys = [i for i, line in enumerate(first) if line and not line.startswith("# ")]
    assert [first[i].partition(" =")[0] for i in keys] == ["name", "clients", "bus", "monitor", "http", "peers"]
    assert all(first[i - 1].startswith("# ") for i in keys) and "# bus_public = " in text
    assert max(map(len, text.splitlines())) <= 120
    alone = init(tmp_path, "--nodes", "2", "--output", "-")
    assert "bus_public" not in alone and "HOSTS.md" not in alone.partition("[[node]]")[0]


def test_no_file_is_overwritten_and_no_half_of_one_is_left(tmp_path: pathlib.Path) -> None:
    (tmp_path / "herd.toml").write_text("mine")
    assert "herd.toml exists already" in init(tmp_path, "--nodes", "1", status=2)
    assert (tmp_path / "herd.toml").read_text() == "mine"
    (tmp_path / "link.toml").symlink_to("nowhere")
    assert "exists already" in init(tmp_path, "--nodes", "1", "--output", "link.toml", status=2)
    assert "cannot be written (No such file or directory)" in init(tmp_path, "--nodes", "1", "--output", "no/x.toml",
                                                                   status=1)
    (tmp_path / "herd.toml").unlink()
    limit = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (100, 100))  # has the effect of a full disk
    assert "herd.toml cannot be written (File too large)" in init(tmp_path, "--nodes", "1", status=1, before=limit)
    assert not (tmp_path / "herd.toml").exists()


@pytest.mark.parametrize("words", [
    [], ["--nodes", "0"], ["--nodes", "65"], ["--nodes", "-1"], ["--nodes", "x"], ["--nodes", "3", "--graph", "tree"],
    ["--nodes", "3", "--hosts", "a,b_c"], ["--nodes", "3", "--hosts", "a,1.2.3.400"],
    ["--nodes", "3", "--hosts", "a.test,a.test"], ["--nodes", "3", "--hosts", ""],
    ["--nodes", "3", "--hosts", "127.0.0.1,"], ["--nodes", "3", "--hosts", "127.0.0.1,127.0.0.1"],
    ["--nodes", "3", "--hosts", "0.0.0.0"],
    ["--nodes", "3", "--hosts", "::"], ["--nodes", "3", "--hosts", "127.0.0.1:1"], ["--nodes", "3", "more"]])
def test_a_wrong_command_line_gives_one_line_and_writes_nothing(tmp_path: pathlib.Path, words: list[str]) -> None:
    error = init(tmp_path, *words, status=2)
    assert error.startswith("scripts/herd: ") and error.count("\n") == 1
    assert not list(tmp_path.iterdir())
