"""The files of a bucket as levels and sorted runs, in Paimon's order."""

from lakestore.core.levels import Levels
from tests.trees import fresh, tree, tree_file


def names(files):
    return [file.name for file in files]


def test_level_0_is_ordered_newest_first():
    files = [
        tree_file(0, 1, name="later-time", min_sequence=5, max_sequence=9, creation_time=7),
        tree_file(0, 1, name="z", min_sequence=5, max_sequence=9, creation_time=5),
        tree_file(0, 1, name="a", min_sequence=5, max_sequence=9, creation_time=5),
        tree_file(0, 1, name="longer", min_sequence=2, max_sequence=9),
        tree_file(0, 1, name="newest", min_sequence=10, max_sequence=12),
        tree_file(0, 1, name="oldest", min_sequence=0, max_sequence=1),
    ]
    assert names(Levels.of(files, num_levels=6).level0) == ["newest", "longer", "a", "z", "later-time", "oldest"]


def test_a_file_without_a_time_counts_as_oldest_in_a_tie():
    files = [tree_file(0, 1, name="a"), tree_file(0, 1, name="b", creation_time=None)]
    assert names(Levels.of(files, num_levels=6).level0) == ["b", "a"]


def test_runs_are_level_0_one_by_one_then_the_levels_that_hold_files():
    levels = tree((0, 3), (3, 7), (0, 2), (3, 8), (1, 5))
    assert [(run.level, run.size, len(run.files)) for run in levels.runs] == [
        (0, 3, 1),
        (0, 2, 1),
        (1, 5, 1),
        (3, 15, 2),
    ]
    assert levels.size == 25
    assert levels.highest == 3
    assert names(levels.files) == ["f000", "f002", "f004", "f001", "f003"]


def test_files_above_level_0_are_sorted_by_key_where_its_order_is_known():
    files = [
        tree_file(2, 1, name="a", min_key=b"\3"),
        tree_file(2, 1, name="b", min_key=b"\1"),
        tree_file(2, 1, name="c", min_key=b"\2"),
    ]
    assert names(Levels.of(files, num_levels=6).runs[0].files) == ["a", "b", "c"]
    assert names(Levels.of(files, num_levels=6, rank=lambda key: key).runs[0].files) == ["b", "c", "a"]


def test_a_file_above_the_top_level_raises_the_number_of_levels():
    assert tree((0, 1), num_levels=3).max_level == 2
    assert tree((0, 1), (7, 1), num_levels=3).max_level == 7


def test_an_empty_bucket():
    levels = fresh()
    assert (levels.runs, levels.level0, levels.size, levels.highest) == ((), (), 0, -1)


def test_after_a_compaction_the_new_files_stand_for_the_old():
    levels = tree((0, 3), (0, 2), (5, 9))
    merged = tree_file(4, 5, name="merged")
    after = levels.after(levels.level0, [merged])
    assert [(run.level, run.size) for run in after.runs] == [(4, 5), (5, 9)]


def test_a_file_that_goes_up_keeps_its_name():
    levels = tree((0, 3))
    after = levels.after(levels.files, [tree_file(5, 3, name="f000")])
    assert [(file.name, file.level) for file in after.files] == [("f000", 5)]
