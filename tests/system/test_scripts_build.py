"""Tests scripts/lib/build in a clone that was copied or moved, with a stand-in for cmake that notes how it is called,
and scripts/lib/failed_tests.py after runs of ctest."""
import os
import pathlib
import shutil
import subprocess

import pytest

LIB = pathlib.Path(__file__).resolve().parents[2] / "scripts/lib"
BUILD, FAILED_TESTS = LIB / "build", LIB / "failed_tests.py"


@pytest.mark.parametrize("is_moved", [False, True])
def test_a_moved_clone_is_built_again_from_its_own_sources(tmp_path: pathlib.Path, is_moved: bool) -> None:
    clone, stub = tmp_path / "clone", tmp_path / "stub"
    (clone / "scripts/lib").mkdir(parents=True)
    shutil.copy(BUILD, clone / "scripts/lib/build")
    release = clone / "build/release"
    release.mkdir(parents=True)
    made_in = tmp_path / "former" if is_moved else clone
    (release / "CMakeCache.txt").write_text(f"CMAKE_HOME_DIRECTORY:INTERNAL={made_in}\n")
    (clone / "CMakePresets.json").write_text("{}")
    (release / "build.ninja").write_text("")
    os.utime(clone / "CMakePresets.json", (1, 1))
    stub.mkdir()
    (stub / "cmake").write_text(f'#!/bin/sh\necho "$1" >>{stub}/calls\n')
    (stub / "cmake").chmod(0o755)
    ran = subprocess.run([clone / "scripts/lib/build", "herd-node"], env={"PATH": f"{stub}:{os.environ['PATH']}"},
                         capture_output=True, text=True, check=True)
    assert (stub / "calls").read_text().split() == ["--preset"] * is_moved + ["--build"]
    assert (f"build/release was made in {made_in}: building all of it again here\n" in ran.stdout) == is_moved
    assert (release / "build.ninja").exists() != is_moved


def test_the_output_of_failed_tests_is_printed(tmp_path: pathlib.Path) -> None:
    (tmp_path / "CTestTestfile.cmake").write_text(
        'add_test("is not found" "/is/not/found")\nadd_test("fails (1)" sh "-c" "seq 1 70; exit 1")\n'
        'add_test("fails not" echo fine)\n')
    subprocess.run(["ctest", "--test-dir", tmp_path], stdout=subprocess.DEVNULL, check=False)
    printed = subprocess.run([FAILED_TESTS, tmp_path / "Testing/Temporary"], capture_output=True, text=True, check=True)
    sections = dict(section.split("\n", 1) for section in printed.stdout.split("\n===== failed: ")[1:])
    assert sections == {
        "is not found": "(no output: the summary of ctest says why it failed)\n",
        "fails (1), the last 60 of 70 lines": "".join(f"{number}\n" for number in range(11, 71))}


@pytest.mark.parametrize("words, status", [(["--help"], 0), ([], 2), (["a", "b"], 2)])
def test_the_usage_of_failed_tests(words: list[str], status: int) -> None:
    ran = subprocess.run([FAILED_TESTS, *words], capture_output=True, text=True, check=False)
    assert ran.returncode == status and "usage: scripts/lib/failed_tests.py [-h] FOLDER" in ran.stdout + ran.stderr
