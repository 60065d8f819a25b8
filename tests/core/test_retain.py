"""Which snapshots expire: against the rules one by one, and against a plain loop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakestore.core.retain import covering, expiring_changelogs, expiring_snapshots, previous
from lakestore.errors import InvalidInputError
from lakestore.model.retain import Keep, RetainOptions

NOW = 1_000_000


def ids(keep, times, *, first=1, held=None):
    """Numbers that expire of snapshots that were made at those times, the first of which has that number."""
    found = expiring_snapshots(
        keep,
        earliest=first,
        latest=first + len(times) - 1,
        held_from=held,
        now_ms=NOW,
        time_of=dict(enumerate(times, first)).get,
    )
    return list(range(found.start, found.end))


OLD = [0] * 10
YOUNG = [NOW] * 10
KEEP = Keep(at_least=2, at_most=5, time_ms=100)


@pytest.mark.parametrize(
    ("keep", "times", "held", "gone"),
    [
        (KEEP, OLD, None, 8),
        (KEEP, YOUNG, None, 5),
        (KEEP, [*OLD[:7], *YOUNG[:3]], None, 6),
        (KEEP, OLD, 4, 3),
        (KEEP, YOUNG, 4, 3),
        (KEEP, OLD, 1, 0),
        (Keep(at_least=20, at_most=50, time_ms=0), OLD, None, 0),
        (Keep(at_least=1, at_most=1, time_ms=100, limit=3), YOUNG, None, 3),
        (Keep(at_least=1, time_ms=NOW), [0, *YOUNG], None, 0),
        (Keep(at_least=1, time_ms=NOW - 1), OLD, None, 9),
    ],
)
def test_rules(keep, times, held, gone):
    assert ids(keep, times, held=held) == list(range(1, gone + 1))


def test_a_snapshot_that_is_gone_does_not_stop_the_run():
    assert ids(KEEP, [None] * 10) == list(range(1, 9))


def test_contradicting_numbers_are_refused():
    with pytest.raises(InvalidInputError, match="num-retained"):
        ids(Keep(at_least=3, at_most=2), OLD)


@given(
    st.integers(1, 6), st.integers(0, 6), st.integers(0, 60), st.integers(1, 8), st.lists(st.integers(0, 50), max_size=12),
    st.integers(1, 5), st.one_of(st.none(), st.integers(1, 20)),
)  # fmt: skip
def test_each_that_goes_may_go_and_each_that_stays_has_a_reason(least, more, time_ms, limit, ages, first, held):
    keep = Keep(at_least=least, at_most=least + more, time_ms=time_ms, limit=limit)
    times = [NOW - age for age in sorted(ages, reverse=True)]
    if not times:
        return
    last = first + len(times) - 1
    gone = ids(keep, times, first=first, held=held)
    assert gone == list(range(first, first + len(gone)))

    def may_go(number):
        too_many = number <= last - keep.at_most
        old = number < last and times[number + 1 - first] < NOW - time_ms
        fine = number <= last - least and (held is None or number < held)
        return fine and (too_many or old)

    expected = 0
    while expected < min(limit, len(times)) and may_go(first + expected):
        expected += 1
    assert len(gone) == expected


def test_the_newest_changelog_stays():
    keep = Keep(at_least=1, at_most=1, time_ms=0)
    found = expiring_changelogs(
        keep, earliest=2, newest=6, latest=20, held_from=None, now_ms=NOW, time_of=lambda number: number
    )
    assert (found.start, found.end) == (2, 6)


@pytest.mark.parametrize(
    ("options", "decoupled"),
    [
        ({}, False),
        ({"changelog_ms": 3_600_000}, False),
        ({"changelog_ms": 3_600_001}, True),
        ({"changelog_at_least": 11}, True),
        ({"changelog_at_most": 5}, False),
    ],
)
def test_changelogs_outlive_snapshots_when_any_number_is_greater(options, decoupled):
    assert RetainOptions(**options).decoupled is decoupled


def test_neighbours():
    assert previous([2, 4, 8], 2) is None
    assert previous([2, 4, 8], 5) == 4
    assert covering([2, 4, 8], 5, 8) == [4]
    assert covering([2, 4, 8], 4, 9) == [4, 8]
    assert covering([2, 4, 8], 1, 2) == []
    assert covering([], 1, 9) == []
