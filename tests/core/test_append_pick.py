"""Which small files are written together: Paimon's picks, and what a pack may never do."""

from hypothesis import given
from hypothesis import strategies as st

from lakestore.core.append_pick import AppendPickOptions, pick_ordered, pick_unordered
from lakestore.model.datafile import DataFile, FileSource
from lakestore.model.stats import EMPTY_ROW, NO_STATS

MB = 1 << 20
OPTIONS = AppendPickOptions(target_bytes=10 * MB, open_cost=MB, min_files=5)


def file(name, size, first=0, rows=10, last=None):
    return DataFile(
        name=name,
        size=size,
        row_count=rows,
        min_key=EMPTY_ROW,
        max_key=EMPTY_ROW,
        key_stats=NO_STATS,
        value_stats=NO_STATS,
        value_stats_columns=None,
        min_sequence=first,
        max_sequence=first + rows - 1 if last is None else last,
        schema_id=0,
        level=0,
        delete_row_count=0,
        creation_time=0,
        source=FileSource.APPEND,
    )


def in_line(sizes, rows=10):
    """Files whose rows follow each other."""
    return [file(f"f{at}", size, first=at * rows, rows=rows) for at, size in enumerate(sizes)]


def names(packs):
    return [[one.name for one in pack] for pack in packs]


def test_five_small_files_are_enough_and_four_are_not():
    assert names(pick_unordered(in_line([MB] * 5), OPTIONS)) == [["f0", "f1", "f2", "f3", "f4"]]
    assert pick_unordered(in_line([MB] * 4), OPTIONS) == ()
    assert names(pick_unordered(in_line([MB] * 4), OPTIONS, full=True)) == [["f0", "f1", "f2", "f3"]]
    assert pick_unordered(in_line([MB]), OPTIONS, full=True) == ()


def test_a_pack_is_closed_when_it_would_fill_two_files():
    packs = pick_unordered(in_line([4 * MB] * 9), OPTIONS)
    assert [len(pack) for pack in packs] == [4, 4]  # 4 x (4 + 1) MB = 2 x 10 MB; one file is left
    packs = pick_unordered(in_line([MB // 8] * 64), OPTIONS)
    assert sum(map(len, packs)) == 64
    assert len(packs[0]) < 20, "opening a file weighs something, too"


def test_files_from_seven_tenths_on_are_full():
    sizes = [7 * MB, 7 * MB - 1]
    assert names(pick_unordered(in_line([*sizes, MB, MB, MB, MB]), OPTIONS, full=True)) == [
        ["f1", "f2", "f3", "f4", "f5"]
    ]


def test_buckets_only_take_files_that_follow_each_other():
    sizes = [MB, MB, MB, 30 * MB, MB, MB, MB, MB, MB, MB]
    assert names(pick_ordered(in_line(sizes), OPTIONS)) == [["f4", "f5", "f6", "f7", "f8"]]


def test_a_large_file_is_not_written_again_for_small_ones_behind_it():
    assert pick_ordered(in_line([10 * MB, MB, MB, MB, MB]), OPTIONS) == ()
    assert names(pick_ordered(in_line([10 * MB, MB, MB, MB, MB, MB]), OPTIONS)) == [["f1", "f2", "f3", "f4", "f5"]]


def test_full_leaves_large_files_at_the_front_and_wants_most_of_the_rest_to_be_small():
    assert names(pick_ordered(in_line([9 * MB, MB, 9 * MB, MB]), OPTIONS, full=True)) == [["f1", "f2", "f3"]]
    assert pick_ordered(in_line([MB, 9 * MB, 9 * MB]), OPTIONS, full=True) == ()
    assert pick_ordered(in_line([MB, MB]), OPTIONS, full=True) == ()


def test_equal_numbers_of_writers_that_did_not_know_of_each_other_keep_their_places():
    alike = [file(f"f{at}", MB, first=0, rows=10) for at in range(7)]
    assert pick_ordered(alike, OPTIONS) == ()
    assert names(pick_ordered(alike[:5], OPTIONS)) == [["f0", "f1", "f2", "f3", "f4"]]


FILES = st.lists(st.tuples(st.integers(0, 12 * MB), st.integers(1, 5), st.integers(0, 3)), max_size=40)


@given(FILES, st.booleans())
def test_no_file_is_in_two_packs_and_order_stays(drawn, full):
    files, first = [], 0
    for at, (size, rows, gap) in enumerate(drawn):
        files.append(file(f"f{at}", size, first=first, rows=rows))
        first += max(rows + gap - 1, 0)  # now and then two files share a number
    for pick in (pick_unordered, pick_ordered):
        packs = pick(files, OPTIONS, full=full)
        taken = [one.name for pack in packs for one in pack]
        assert len(taken) == len(set(taken))
        assert all(len(pack) >= 2 for pack in packs)
    order = sorted(files, key=lambda one: one.min_sequence)
    after = []
    for at, one in enumerate(order):
        pack = next((pack for pack in packs if one in pack), None)
        if pack is None:
            after.append((one.min_sequence, at, [one.name]))
        elif pack[0] is one:
            after.append((one.min_sequence, at, [each.name for each in pack]))
    read = [name for _, _, group in sorted(after, key=lambda entry: entry[0]) for name in group]
    assert read == [one.name for one in order]
