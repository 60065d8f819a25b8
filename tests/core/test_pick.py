"""What is compacted next: the rules one by one, with the cases by which Paimon's own strategy is known."""

import pytest

from lakestore.core.levels import Levels
from lakestore.core.pick import Cause, PickState, drops_deletes, full, last_full_ms, pick
from lakestore.model.options import CompactOptions, LookupMode, OffPeak
from tests.trees import fresh, sizes_of, tree, tree_file

NOON = 12 * 3_600_000
AT_NOON = PickState(now_ms=NOON)
NEVER = 10**12
"""Percent of size amplification that nothing reaches."""


def options(**changes):
    return CompactOptions(**{"trigger": 3, "max_amplification": 25, **changes})


def picked(levels, state=AT_NOON, *, looks_up=False, **changes):
    return pick(levels, options(**changes), state, looks_up=looks_up)


# Size amplification.


def test_amplification_takes_all_runs_to_the_top():
    unit = picked(fresh(1, 2, 3, 3, num_levels=3))
    assert (sizes_of(unit), unit.output_level, unit.cause) == ([1, 2, 3, 3], 2, Cause.AMPLIFICATION)
    assert "newer ones are 200% of the oldest, allowed are 25%" in unit.reason


def test_amplification_as_one_file_after_another_arrives():
    seen, sizes = [], [1]
    for _ in range(18):
        sizes = [1, *sizes]
        unit = picked(fresh(*sizes, num_levels=4), trigger=1, size_ratio=0)
        if unit is not None and unit.cause is Cause.AMPLIFICATION:
            sizes = [sum(sizes)]
        seen.append(sizes)
    assert seen == [
        *([2], [3], [4], [1, 4], [6], [1, 6], [8], [1, 8], [1, 1, 8], [11], [1, 11], [1, 1, 11], [14]),
        *([1, 14], [1, 1, 14], [1, 1, 1, 14], [18], [1, 18]),
    ]


def test_amplification_beside_an_empty_oldest_run():
    assert picked(fresh(1, 1, 0)).cause is Cause.AMPLIFICATION
    assert picked(fresh(0, 0, 0)).cause is Cause.RATIO


# Size ratio.


def test_ratio_takes_runs_of_like_size():
    unit = picked(tree((0, 1), (1, 1), (2, 1), (3, 50), num_levels=4))
    assert (sizes_of(unit), unit.output_level, unit.cause) == ([1, 1, 1], 2, Cause.RATIO)


def test_ratio_as_one_file_after_another_arrives():
    """Every run at a level of its own; what is taken comes back as the newest run."""
    seen, sizes = [], [1, 1, 1, 1]
    for _ in range(23):
        sizes = [1, *sizes]
        levels = tree(*enumerate(sizes), num_levels=len(sizes) + 1)
        unit = picked(levels, trigger=5, max_amplification=NEVER)
        if unit is not None:
            assert unit.cause is Cause.RATIO
            sizes = [unit.size, *sizes[len(unit.files) :]]
        seen.append(sizes)
    assert seen == [
        *([5], [1, 5], [1, 1, 5], [1, 1, 1, 5], [4, 5], [1, 4, 5], [1, 1, 4, 5], [3, 4, 5], [1, 3, 4, 5]),
        *([2, 3, 4, 5], [1, 2, 3, 4, 5], [16], [1, 16], [1, 1, 16], [1, 1, 1, 16], [4, 16], [1, 4, 16]),
        *([1, 1, 4, 16], [3, 4, 16], [1, 3, 4, 16], [2, 3, 4, 16], [1, 2, 3, 4, 16], [11, 16]),
    ]


def test_ratio_has_a_tolerance():
    levels = tree((0, 8), (1, 9), (2, 10), num_levels=4)
    assert picked(levels, trigger=2, max_amplification=NEVER, size_ratio=10).cause is Cause.COUNT
    assert sizes_of(picked(levels, trigger=2, max_amplification=NEVER, size_ratio=20)) == [8, 9, 10]


def test_the_tolerance_is_met_exactly():
    assert picked(tree((0, 100), (1, 101), (5, NEVER)), trigger=3, size_ratio=1).cause is Cause.RATIO
    assert picked(tree((0, 100), (1, 102), (5, NEVER)), trigger=3, size_ratio=1) is None


@pytest.mark.parametrize(("hour", "taken"), [(1, False), (2, True), (7, True), (8, False), (23, False)])
def test_off_peak_hours_take_more(hour, taken):
    state = PickState(now_ms=NOON * 2 + hour * 3_600_000 + 59 * 60_000)
    off_peak = OffPeak(start_hour=2, end_hour=8, ratio=100)
    unit = picked(tree((0, 10), (1, 15), (5, 9999)), state, off_peak=off_peak)
    assert (unit is not None) is taken


@pytest.mark.parametrize(("hour", "ratio"), [(21, 0), (22, 9), (23, 9), (0, 9), (5, 9), (6, 0), (10, 0)])
def test_off_peak_hours_may_span_midnight(hour, ratio):
    assert OffPeak(start_hour=22, end_hour=6, ratio=9).ratio_at(hour) == ratio


# Run count.


def test_run_count_takes_the_surplus_and_what_is_of_like_size():
    unit = picked(tree((0, 1), (1, 2), (2, 3), (3, 50), num_levels=4))
    assert (sizes_of(unit), unit.output_level, unit.cause) == ([1, 2, 3], 2, Cause.COUNT)
    assert unit.reason == "4 runs, allowed are 3"


def test_run_count_goes_on_to_level_2_where_sizes_match():
    levels = tree((0, 10), (0, 20), (1, 97), (2, 100), num_levels=3)
    unit = picked(levels, max_amplification=200)
    assert (sizes_of(unit), unit.output_level) == ([10, 20, 97, 100], 2)


def test_as_many_runs_as_allowed_stay():
    assert picked(tree((0, 1), (1, 20), (2, 300), num_levels=3)) is None


def test_fewer_runs_than_the_trigger_stay():
    assert picked(fresh(1, 1)) is None
    assert picked(fresh()) is None


# Where the output goes.


def test_nothing_goes_to_level_0():
    unit = picked(tree((0, 1), (0, 1), (1, 1), (2, 50), num_levels=3))
    assert (sizes_of(unit), unit.output_level) == ([1, 1, 1], 1)
    unit = picked(tree((0, 1), (0, 2), (1, 3), (2, 50), num_levels=3))
    assert (sizes_of(unit), unit.output_level) == ([1, 2, 3], 1)


def test_all_of_level_0_comes_along_whatever_its_size():
    unit = picked(fresh(1, 1, 1, 1024, 1024 * 1024), trigger=5, max_amplification=200)
    assert (sizes_of(unit), unit.output_level) == ([1, 1, 1, 1024, 1024 * 1024], 5)


def test_level_1_comes_along_although_it_is_larger():
    unit = picked(tree((0, 1), (0, 1), (0, 1), (1, 50), (5, 9999)), trigger=4)
    assert (sizes_of(unit), unit.output_level) == ([1, 1, 1, 50], 4)


def test_output_goes_right_below_the_next_run():
    unit = picked(tree((0, 1), (0, 1), (0, 1), (4, 9999)), max_amplification=200)
    assert (sizes_of(unit), unit.output_level) == ([1, 1, 1], 3)


# Early full compactions.


def interval_pick(levels, now_ms, last_full=None):
    return picked(levels, PickState(now_ms=now_ms, last_full_ms=last_full), optimization_interval_ms=1000)


def test_the_interval_asks_for_a_full_compaction():
    levels = tree((0, 1), (1, 3), (2, 100))
    assert sizes_of(interval_pick(levels, 0)) == [1, 3, 100]
    assert interval_pick(levels, 0).output_level == 5
    assert interval_pick(levels, 1000, last_full=0) is None
    assert interval_pick(levels, 1001, last_full=0).cause is Cause.INTERVAL


def test_files_at_the_top_tell_when_it_was():
    levels = Levels.of(
        [
            tree_file(0, 1, name="new", creation_time=2000),
            tree_file(5, 90, name="top", creation_time=1000),
            tree_file(5, 90, name="older", creation_time=10),
            tree_file(5, 90, name="untold", creation_time=None),
        ],
        num_levels=6,
    )
    assert last_full_ms(levels) == 1000
    assert interval_pick(levels, 2000) is None
    assert interval_pick(levels, 2001).cause is Cause.INTERVAL
    assert interval_pick(levels, 2001, last_full=1500) is None


def test_one_run_is_compacted_already():
    everything = {"optimization_interval_ms": 1, "total_size_threshold": NEVER, "incremental_size_threshold": 0}
    assert picked(tree((5, 5)), **everything) is None
    assert picked(tree((0, 5)), **everything) is None
    assert picked(fresh(), **everything) is None


def test_small_buckets_are_compacted_whole():
    assert picked(fresh(100, 200), total_size_threshold=301).cause is Cause.TOTAL_SIZE
    assert picked(fresh(500, 500), total_size_threshold=1000) is None


def test_much_below_the_top_level_is_compacted():
    assert picked(fresh(400, 200), incremental_size_threshold=500).cause is Cause.INCREMENTAL_SIZE
    assert picked(fresh(100, 200), incremental_size_threshold=500) is None
    big_top = {"trigger": 9, "incremental_size_threshold": 500}
    assert picked(tree((0, 100), (0, 300), (5, 900)), **big_top) is None
    assert picked(tree((0, 100), (0, 300), (0, 300), (5, 900)), **big_top).output_level == 5


# Level 0 must not stay.


@pytest.mark.parametrize("asked", [{"looks_up": True}, {"force_up_level0": True}], ids=["lookup", "force"])
@pytest.mark.parametrize(
    ("runs", "taken", "level"),
    [
        ([(0, 1), (0, 1)], [1, 1], 2),
        ([(0, 1), (1, 10)], [1, 10], 2),
        ([(0, 1), (0, 5), (2, 10)], [1, 5], 1),
        ([(0, 1), (0, 5), (0, 10), (0, 20)], [1, 5, 10, 20], 2),
        ([(0, 1), (1, 99), (2, 100)], [1, 99, 100], 2),
        ([(0, 1), (1, 99), (2, 102)], [1, 99], 1),
        ([(0, 7)], [7], 2),
    ],
)
def test_level_0_is_emptied(asked, runs, taken, level):
    unit = picked(tree(*runs, num_levels=3), trigger=5, max_amplification=200, **asked)
    assert (sizes_of(unit), unit.output_level, unit.cause) == (taken, level, Cause.LEVEL_0)


def test_level_0_that_is_empty_asks_for_nothing():
    assert picked(tree((2, 10), num_levels=3), trigger=5, looks_up=True) is None


def test_the_other_rules_come_first():
    assert picked(fresh(1, 2, 2, 2, num_levels=3), looks_up=True).cause is Cause.AMPLIFICATION


@pytest.mark.parametrize("skipped", range(5))
def test_gentle_lookups_wait(skipped):
    unit = picked(
        tree((0, 1), (2, 2), num_levels=3),
        PickState(now_ms=0, skipped=skipped),
        looks_up=True,
        trigger=5,
        lookup_mode=LookupMode.GENTLE,
        lookup_max_interval=5,
    )
    assert sizes_of(unit) == ([1] if skipped == 4 else None)


def test_gentle_lookups_count_the_files_that_wait():
    gentle = {"looks_up": True, "trigger": 9, "lookup_mode": LookupMode.GENTLE, "lookup_max_interval": 3}
    assert picked(tree((0, 1), (0, 1), (5, 99)), **gentle) is None
    assert sizes_of(picked(tree((0, 1), (0, 1), (0, 1), (5, 99)), **gentle)) == [1, 1, 1]


def test_gentleness_is_only_for_lookups():
    gentle = {"force_up_level0": True, "trigger": 9, "lookup_mode": LookupMode.GENTLE}
    assert sizes_of(picked(fresh(1), **gentle)) == [1]


# Full compactions on request.


def test_full_takes_everything_to_the_top():
    unit = full(tree((0, 1), (2, 5), (5, 9)))
    assert (sizes_of(unit), unit.output_level, unit.file_by_file) == ([1, 5, 9], 5, False)
    assert sizes_of(full(fresh(7))) == [7]
    assert full(tree((4, 7))).output_level == 5


def test_full_of_what_is_compacted_is_nothing():
    assert full(fresh()) is None
    assert full(tree((5, 5), (5, 6))) is None


def test_full_rewrites_files_at_the_top_one_by_one_where_they_must_be():
    levels = Levels.of(
        [
            tree_file(5, 1, name="fine"),
            tree_file(5, 2, name="expired"),
            tree_file(5, 3, name="deletes", delete_row_count=1),
            tree_file(5, 4, name="silent", delete_row_count=None),
        ],
        num_levels=6,
    )
    unit = full(levels, must_rewrite=lambda file: file.name == "expired")
    assert ([file.name for file in unit.files], unit.output_level) == (["deletes", "expired"], 5)
    assert unit.file_by_file
    assert len(full(levels, rewrite_all=True).files) == 4


# Deletes.


@pytest.mark.parametrize(("level", "dropped"), [(0, False), (1, False), (2, False), (3, True), (5, True)])
def test_deletes_go_where_nothing_older_can_be(level, dropped):
    levels = tree((0, 1), (1, 1), (3, 1))
    assert drops_deletes(levels, level) is dropped
    assert drops_deletes(levels, level, deletion_vectors=True) is (level > 0)
