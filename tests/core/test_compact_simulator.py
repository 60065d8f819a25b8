"""The simulator against sums done by hand, and against what must be true of any stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakestore.core.compact_simulator import Workload, simulate
from lakestore.errors import InvalidInputError
from lakestore.model.options import CompactOptions


def run(commits, *, keys=None, **options):
    simulation_options = {name: options.pop(name) for name in ("looks_up", "until_settled") if name in options}
    workload = Workload(commits=tuple(commits), keys=keys, row_bytes=10)
    return simulate(workload, CompactOptions(**options), **simulation_options)


def test_below_the_trigger_nothing_is_compacted():
    result = run([100] * 4)
    assert (result.compactions, result.write_amplification, result.worst_commit) == (0, 1.0, 1.0)
    assert [step.runs for step in result.steps] == [1, 2, 3, 4]
    assert result.read_amplification == 2.5
    assert result.space_amplification == 1.0


def test_the_fifth_commit_compacts_all_five():
    result = run([100] * 5)
    last = result.steps[-1]
    assert (last.causes, last.runs, last.runs_met) == (("size-amplification",), 1, 5)
    assert (last.read, last.compacted) == (5000, 5000)
    assert result.write_amplification == 2.0
    assert result.worst_commit == 6.0
    assert result.runs_max == 5


def test_the_same_keys_again_and_again():
    result = run([100] * 5, keys=100)
    assert [step.stored / step.live for step in result.steps] == [1, 2, 3, 4, 1]
    assert result.steps[-1].compacted == 1000


def test_half_of_the_keys_each_time():
    """Two runs of half the keys, drawn evenly, hold three quarters of them together."""
    workload = Workload(commits=(50, 50), keys=100)
    assert workload.merged([50, 50]) == 75
    assert workload.merged([50, 50, 50]) == 88
    assert run([50, 50], keys=100).steps[-1].live == 750


def test_a_single_file_goes_up_for_nothing():
    result = run([100], looks_up=True)
    assert result.steps[0].causes == ("force-level-0",)
    assert (result.steps[0].read, result.write_amplification, result.steps[0].runs) == (0, 1.0, 1)


def test_lookup_tables_write_more_and_read_less():
    plain, lookup = run([100] * 30, keys=1000), run([100] * 30, keys=1000, looks_up=True)
    assert lookup.write_amplification > plain.write_amplification
    assert lookup.read_amplification < plain.read_amplification


def test_full_compactions_every_few_commits():
    result = run([100] * 6, full_delta_commits=3, trigger=100, num_levels=3)
    assert [step.causes for step in result.steps] == [(), (), ("full",)] * 2
    assert [step.runs for step in result.steps] == [1, 2, 1, 2, 3, 1]


def test_time_passes_between_commits():
    result = run([100] * 4, optimization_interval_ms=90_000)
    assert [step.causes for step in result.steps] == [
        (),
        ("optimization-interval",),
        (),
        ("optimization-interval",),
    ]


def test_workloads_that_make_no_sense():
    with pytest.raises(InvalidInputError, match="at least one commit"):
        Workload(commits=())
    with pytest.raises(InvalidInputError, match="a commit of 20 distinct keys out of 10"):
        Workload(commits=(5, 20), keys=10)


@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=60),
    st.one_of(st.none(), st.integers(500, 2000)),
    st.integers(2, 9),
    st.booleans(),
)
def test_no_stream_runs_away(commits, keys, trigger, looks_up):
    result = run(commits, keys=keys, trigger=trigger, num_levels=trigger + 1, looks_up=looks_up, until_settled=True)
    assert result.write_amplification >= 1
    for step in result.steps:
        assert step.runs <= trigger
        assert step.runs_met <= trigger + 1
        assert step.stored >= step.live * 0.99, "rounding aside, nothing gets lost"
        assert step.live <= (sum(commits) if keys is None else keys) * 10
