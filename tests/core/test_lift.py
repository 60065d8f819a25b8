"""Emptying level 0 within commits, and merging the rest beside them: the tree stays in order whatever the timing."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakestore.core.levels import Levels
from lakestore.core.lift import after_lift, can_lift, lift
from lakestore.core.pick import Cause, PickState, settle
from lakestore.model.options import CompactOptions, LookupMode
from tests.trees import sizes_of, tree, tree_file

NOW = PickState(now_ms=0)


def lifted(*runs, num_levels=6):
    levels = tree(*runs, num_levels=num_levels)
    unit = lift(levels)
    return sizes_of(unit), unit.output_level, {file.size: level for file, level in unit.raised}


def test_nothing_is_lifted_without_fresh_files():
    assert lift(tree((3, 10), (5, 100))) is None
    assert lift(tree()) is None


def test_the_first_files_go_to_the_top():
    assert lifted((0, 1)) == ([1], 5, {})
    assert lifted((0, 1), (0, 2)) == ([1, 2], 5, {})


def test_files_go_right_below_the_next_run_whatever_its_size():
    assert lifted((0, 1), (5, 1)) == ([1], 4, {})
    assert lifted((0, 1), (0, 2), (2, 1), (5, 9)) == ([1, 2], 1, {})


def test_runs_move_up_into_gaps_where_there_is_no_room_below():
    assert lifted((0, 1), (1, 2), (5, 9)) == ([1], 3, {2: 4})
    assert lifted((0, 1), (1, 2), (2, 3), (5, 9)) == ([1], 2, {2: 3, 3: 4})
    assert lifted((0, 1), (1, 2), (3, 4), (4, 5), (5, 9)) == ([1], 1, {2: 2})


def test_without_a_gap_level_1_is_merged_and_stays():
    assert lifted((0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 9)) == ([1, 2], 1, {})
    assert lifted((0, 1), (1, 2), (2, 9), num_levels=3) == ([1, 2], 1, {})


def test_a_single_run_at_level_1_is_merged_to_the_top():
    assert lifted((0, 1), (1, 2), num_levels=2) == ([1, 2], 1, {})
    assert lifted((0, 1), (1, 2)) == ([1, 2], 5, {})


def test_settling_leaves_level_1_alone():
    options = CompactOptions()
    assert settle(tree((1, 9), (3, 9), (4, 9), (5, 9)), options, NOW) is None
    unit = settle(tree((0, 7), (1, 9), (2, 1), (3, 1), (4, 1), (5, 100)), options, NOW)
    assert (sizes_of(unit), unit.output_level, unit.cause) == ([1, 1, 1], 4, Cause.COUNT)
    unit = settle(tree((1, 9), (2, 10), (3, 10), (4, 10), (5, 1)), options, NOW)
    assert (sizes_of(unit), unit.output_level, unit.cause) == ([10, 10, 10, 1], 5, Cause.AMPLIFICATION)


def test_settling_of_many_levels_goes_by_the_ordinary_rules():
    options = CompactOptions(trigger=4, num_levels=9)
    unit = settle(tree((6, 1), (7, 1), (8, 100), num_levels=9), options, NOW)
    assert (sizes_of(unit), unit.output_level, unit.cause) == ([1, 1], 7, Cause.RATIO)
    assert settle(tree((7, 1), (8, 100), num_levels=9), options, NOW) is None


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, True),
        ({"trigger": 3, "num_levels": 4}, True),
        ({"trigger": 2, "num_levels": 6}, False),
        ({"trigger": 5, "num_levels": 5}, False),
        ({"optimization_interval_ms": 1}, False),
        ({"total_size_threshold": 1}, False),
        ({"incremental_size_threshold": 1}, False),
        ({"lookup_mode": LookupMode.GENTLE}, False),
    ],
)
def test_when_the_options_leave_it_to_us(options, expected):
    assert can_lift(CompactOptions(**options)) is expected


class Bucket:
    """A bucket whose commits are lifted, while a settling may take as long as it likes."""

    def __init__(self, num_levels):
        self.levels = Levels.of([], num_levels=num_levels)
        self.clock = 0
        self.under_way = None
        self.merged = 0

    def file(self, level, size, first, last):
        self.clock += 1
        return tree_file(level, size, name=f"f{self.clock:04}", min_sequence=first, max_sequence=last)

    def done(self, unit):
        """The tree after a compaction; None if another one has taken one of its files."""
        raised = [file for file, _ in unit.raised]
        live = {(file.name, file.level) for file in self.levels.files}
        gone = [*unit.files, *raised]
        if not {(file.name, file.level) for file in gone} <= live:
            return None
        moved = [
            tree_file(level, file.size, name=file.name, min_sequence=file.min_sequence, max_sequence=file.max_sequence)
            for file, level in unit.raised
        ]
        made = self.file(
            unit.output_level,
            sum(file.size for file in unit.files),
            min(file.min_sequence for file in unit.files),
            max(file.max_sequence for file in unit.files),
        )
        return self.levels.after(gone, [*moved, made])

    def commit(self, size, files):
        fresh = [self.file(0, size, 10 * self.clock + at, 10 * self.clock + at) for at in range(files)]
        self.levels = self.levels.after([], fresh)
        self.levels = self.done(lift(self.levels))

    def check(self):
        runs = self.levels.runs
        assert not self.levels.level0
        assert len({run.level for run in runs}) == len(runs)
        assert all(len(run.files) == 1 for run in runs), "two runs share a level"
        for newer, older in pairwise(runs):
            assert newer.files[0].min_sequence > older.files[0].max_sequence
        assert all(0 < run.level <= self.levels.max_level for run in runs)


STEPS = st.lists(st.tuples(st.integers(1, 100), st.integers(1, 2), st.booleans(), st.booleans()), max_size=40)


@given(STEPS, st.integers(3, 6))
def test_the_tree_stays_in_order_whatever_the_timing(steps, trigger):
    options = CompactOptions(trigger=trigger, num_levels=trigger + 1)
    assert can_lift(options)
    bucket = Bucket(options.num_levels)
    for size, files, ends, begins in steps:
        bucket.commit(size, files)
        bucket.check()
        if ends and bucket.under_way is not None:
            after = bucket.done(bucket.under_way)
            assert after is not None, "a lift took files that were being settled"
            bucket.levels, bucket.under_way = after, None
            bucket.check()
        if begins and bucket.under_way is None:
            bucket.under_way = settle(bucket.levels, options, NOW)


@given(st.integers(3, 6), st.integers(4, 60))
def test_settling_always_makes_room(trigger, commits):
    """With a settling after each commit no commit has to merge."""
    options = CompactOptions(trigger=trigger, num_levels=trigger + 1)
    bucket = Bucket(options.num_levels)
    for _ in range(commits):
        fresh = bucket.file(0, 50, bucket.clock, bucket.clock)
        bucket.levels = bucket.levels.after([], [fresh])
        unit = lift(bucket.levels)
        assert unit.files == (fresh,)
        bucket.levels = bucket.done(unit)
        unit = settle(bucket.levels, options, NOW)
        if unit is not None:
            bucket.levels = bucket.done(unit)
        bucket.check()


@given(STEPS, st.integers(3, 6))
def test_what_a_lift_will_leave_is_known_before(steps, trigger):
    bucket = Bucket(trigger + 1)
    for size, files, ends, _ in steps:
        fresh = [bucket.file(0, size, 10 * bucket.clock + at, 10 * bucket.clock + at) for at in range(files)]
        bucket.levels = bucket.levels.after([], fresh)
        foreseen = after_lift(bucket.levels)
        bucket.levels = bucket.done(lift(bucket.levels))
        assert [run.level for run in foreseen.runs] == [run.level for run in bucket.levels.runs]
        unit = settle(bucket.levels, CompactOptions(trigger=trigger, num_levels=trigger + 1), NOW) if ends else None
        bucket.levels = bucket.levels if unit is None else bucket.done(unit)
