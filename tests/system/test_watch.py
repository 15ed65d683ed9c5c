"""The judge of what a trial takes of memory and descriptors (scripts/lib/herd_lab/watch.py): it must be able to fail."""
from herd_fixture import REPOSITORY  # noqa: F401  it makes the next import possible
from herd_lab.watch import MIB, Sample, Usage, p99_ms


def usage_of(samples):
    usage = Usage([])
    usage.samples = {"n0": samples}
    return usage


def samples(memory, descriptors=lambda at: 30):
    return [Sample(at, memory(at), descriptors(at)) for at in range(400)]


def test_what_is_flat_is_flat_also_with_peaks():
    assert not usage_of(samples(lambda at: 42 * MIB + (25 * MIB if at % 50 == 0 else 0))).not_flat(400)


def test_memory_that_grows_is_said():
    problems = usage_of(samples(lambda at: 42 * MIB + at * MIB // 10)).not_flat(400)
    assert len(problems) == 1 and problems[0].startswith("n0 takes more and more memory: ")
    assert not usage_of(samples(lambda at: 42 * MIB + at * MIB // 10)).not_flat(100)  # too short to be judged


def test_descriptors_that_are_not_closed_are_said():
    problems = usage_of(samples(lambda at: 42 * MIB, lambda at: 30 + at // 10)).not_flat(400)
    assert len(problems) == 1 and problems[0].startswith("n0 takes more and more descriptors: ")


def test_growth_and_peaks_are_those_of_the_worst():
    usage = usage_of(samples(lambda at: 42 * MIB + (25 * MIB if at == 50 else 0)))
    assert usage.growth_mib() == 25.0 and usage.peaks() == (67.0, 30)


def test_the_slowest_percent_counts():
    assert p99_ms([0.001] * 98 + [0.5] * 2) == 500.0 and p99_ms([]) is None
