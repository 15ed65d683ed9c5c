"""Tests what herd-sink says about wrong usage, and where psycopg is not installed. No node and no
database runs."""
import os
import pathlib
import subprocess

from sinks import PROGRAM, SECONDS, outcome


def test_wrong_usage_is_one_line_and_status_2(tmp_path: pathlib.Path) -> None:
    config = tmp_path / "sink.toml"
    config.write_text('nodes = ["127.0.0.1:1"]\ncolour = "red"\n')
    wrong_type = tmp_path / "type.toml"
    wrong_type.write_text('batch_rows = "many"\n')
    node, database, output = (
        "127.0.0.1:1",
        ["--database", ""],
        ["--output", str(tmp_path / "output")],
    )
    for words, part in (
        ([node], "either --database or --output"),
        ([node, *database, *output], "either --database or --output"),
        ([node, "--database", "host=x password=secret"], "has a password"),
        ([node, "--database", "postgresql://me:secret@host/db"], "has a password"),
        (database, "no nodes"),
        ([node, *database, "--batch-rows", "0"], "--batch-rows is 0"),
        ([node, *database, "--cursor-file", "x"], "--cursor-file is for --output"),
        ([node, *output, "--ca", str(tmp_path / "none")], "does not exist"),
        ([node, "--output", "-", "--status"], "--status needs"),
        (["--config", str(config)], "unknown option colour"),
        (["--config", str(wrong_type)], "wrong type"),
        (["--config", str(tmp_path / "none")], "cannot be read"),
        (["host", *output], "no address"),
        ([node, *output, "--match", "bus"], "does not end with *"),
    ):
        status, error = outcome(*words)
        assert status == 2 and error.count("\n") == 1 and part in error and "secret" not in error, (
            words,
            error,
        )


def test_without_psycopg_the_package_is_named(tmp_path: pathlib.Path) -> None:
    # A process of its own: in this one, another test may have imported herd_sink.postgres already.
    (tmp_path / "psycopg.py").write_text("raise ImportError\n")
    ended = subprocess.run(
        [PROGRAM, "127.0.0.1:1", "--database", ""],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert ended.returncode == 1 and ended.stderr.count("\n") == 1, ended.stderr
    assert "apt-get install python3-psycopg" in ended.stderr
