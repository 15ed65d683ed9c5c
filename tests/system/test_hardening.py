"""Tests that herd-node is built so that an error in memory ends it before it can be used: what the compiler and the
linker left in the program. A debug build has only what the linker adds."""
import os
import pathlib
import platform
import re
import subprocess

import pytest

from herd_fixture import BINARY

RELEASE = pytest.mark.skipif(os.environ.get("HERD_HARDENED") != "1", reason="needs a release build, run by ctest")
FEWEST_TARGETS = 1000  # endbr64: one at each function that can be called by its address


def readelf(*words: str) -> str:
    return subprocess.run(["readelf", "--wide", *words, BINARY], check=True, capture_output=True, text=True).stdout


def test_relocations_are_read_only_and_resolved_at_the_start() -> None:
    assert re.search(r"^ +GNU_RELRO ", readelf("--segments"), re.M)
    assert re.search(r"\(FLAGS_1\) +Flags: .*\bNOW\b", readelf("--dynamic"))


def test_the_stack_and_written_memory_are_not_executable() -> None:
    segments = readelf("--segments")
    assert re.search(r"^ +GNU_STACK .* RW +0x", segments, re.M)
    assert not re.search(r"^ +LOAD .* RWE +0x", segments, re.M)


def test_the_program_is_loaded_at_a_random_address() -> None:
    assert re.search(r"^ +Type: +DYN ", readelf("--file-header"), re.M)
    assert re.search(r"\(FLAGS_1\) +Flags: .*\bPIE\b", readelf("--dynamic"))


@RELEASE
def test_frames_have_a_canary_and_functions_of_the_library_check_bounds() -> None:
    symbols = readelf("--dyn-syms")
    assert "__stack_chk_fail" in symbols
    assert len(set(re.findall(r"\b__\w+_chk\b", symbols))) >= 3


@RELEASE
@pytest.mark.skipif(platform.machine() != "x86_64", reason="-fcf-protection exists on x86 only")
def test_indirect_calls_have_marked_targets() -> None:
    assert pathlib.Path(BINARY).read_bytes().count(b"\xf3\x0f\x1e\xfa") > FEWEST_TARGETS
