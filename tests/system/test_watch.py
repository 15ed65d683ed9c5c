"""Tests that the check of a trial's memory and descriptors (scripts/lib/herd_lab/watch.py) can fail."""
from collections.abc import Callable

from herd_lab.watch import MIB, Sample, Usage, p99_ms


def usage_of(samples: list[Sample]) -> Usage:
    usage = Usage(["n0"])
    usage.samples = {"n0": samples}
    return usage


def samples(memory: Callable[[int], int], descriptors: Callable[[int], int] = lambda at: 30) -> list[Sample]:
    return [Sample(at, memory(at), descriptors(at)) for at in range(400)]


def test_flat_usage_with_peaks_is_flat() -> None:
    assert not usage_of(samples(lambda at: 42 * MIB + (25 * MIB if at % 50 == 0 else 0))).not_flat(400)


def test_memory_that_grows_is_reported() -> None:
    problems = usage_of(samples(lambda at: 42 * MIB + at * MIB // 10)).not_flat(400)
    assert len(problems) == 1 and problems[0].startswith("n0 takes more and more memory: ")
    assert not usage_of(samples(lambda at: 42 * MIB + at * MIB // 10)).not_flat(100)  # too short


def test_descriptors_that_are_not_closed_are_reported() -> None:
    problems = usage_of(samples(lambda at: 42 * MIB, lambda at: 30 + at // 10)).not_flat(400)
    assert len(problems) == 1 and problems[0].startswith("n0 takes more and more descriptors: ")


def test_growth_and_peaks_are_those_of_the_worst_node() -> None:
    usage = usage_of(samples(lambda at: 42 * MIB + (25 * MIB if at == 50 else 0)))
    assert usage.growth_mib() == 25.0 and usage.peaks() == (67.0, 30)


def test_the_slowest_percent_counts() -> None:
    assert p99_ms([0.001] * 98 + [0.5] * 2) == 500.0 and p99_ms([]) is None
