"""Sections, runs and bins, with bare numbers for keys."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from lakestore.core.pack import pack_ordered
from lakestore.core.sections import Run, oldest_first, sections_of
from lakestore.model.datafile import DataFile


def a_file(low, high, *, level=0, sequences=(0, 0), deletes=0, name=None):
    return DataFile(
        name=name or f"L{level}:{low}..{high}",
        size=1,
        row_count=1,
        min_key=bytes([low]),
        max_key=bytes([high]),
        min_sequence=sequences[0],
        max_sequence=sequences[1],
        schema_id=0,
        level=level,
        delete_row_count=deletes,
    )


def names(sections):
    return [[[file.name for file in run.files] for run in section.runs] for section in sections]


def rank(key):
    return key[0]


def test_files_that_share_no_key_are_sections_of_their_own():
    found = sections_of([a_file(5, 9), a_file(1, 4), a_file(10, 10)], rank)
    assert names(found) == [[["L0:1..4"]], [["L0:5..9"]], [["L0:10..10"]]]
    assert all(section.raw for section in found)


def test_a_shared_bound_keeps_files_together():
    found = sections_of([a_file(1, 4), a_file(4, 6)], rank)
    assert names(found) == [[["L0:1..4"], ["L0:4..6"]]]
    assert not found[0].raw


def test_files_of_a_level_stay_in_one_run():
    files = [a_file(1, 3, level=5), a_file(4, 6, level=5), a_file(7, 9, level=5), a_file(1, 3), a_file(3, 8)]
    (section,) = sections_of(files, rank)
    by_first = {run.files[0].name: [file.name for file in run.files] for run in section.runs}
    assert by_first["L5:1..3"] == ["L5:1..3", "L5:4..6", "L5:7..9"]
    assert len(section.runs) == 3


def test_files_with_retract_rows_are_not_raw():
    assert not sections_of([a_file(1, 2, deletes=1)], rank)[0].raw
    assert sections_of([a_file(1, 2, deletes=None)], rank)[0].raw


def test_order_of_runs_is_known_only_when_sequences_lie_apart():
    old, new, both = (Run((a_file(1, 9, sequences=s),)) for s in ((0, 4), (5, 9), (4, 5)))
    assert oldest_first([new, old]) == (old, new)
    assert oldest_first([new, old, both]) is None
    assert oldest_first([old, Run((a_file(1, 9, sequences=(4, 8)),))]) is None
    mixed = Run((a_file(1, 2, sequences=(0, 1)), a_file(3, 4, sequences=(8, 9))))
    assert oldest_first([mixed, Run((a_file(1, 9, sequences=(4, 5)),))]) is None


bounds = st.tuples(st.integers(0, 30), st.integers(0, 6), st.integers(0, 2))


@given(st.lists(bounds, max_size=20))
def test_sections_and_runs_keep_every_promise(drawn):
    files = [a_file(low, low + more, level=level, name=str(i)) for i, (low, more, level) in enumerate(drawn)]
    sections = sections_of(files, rank)
    flat = [file for section in sections for file in section.files]
    assert sorted(file.name for file in flat) == sorted(file.name for file in files)
    for section in sections:
        for run in section.runs:
            for one, two in itertools.pairwise(run.files):
                assert one.max_key < two.min_key
        depth = max(sum(file.min_key[0] <= key <= file.max_key[0] for file in section.files) for key in range(40))
        assert len(section.runs) == depth
    for one, two in itertools.pairwise(sections):
        assert max(file.max_key for file in one.files) < min(file.min_key for file in two.files)


def test_bins_fill_in_order():
    assert pack_ordered([3, 3, 3, 9, 1, 1], weight=int, target=6) == ((3, 3), (3,), (9,), (1, 1))
    assert pack_ordered([], weight=int, target=6) == ()


@given(st.lists(st.integers(0, 9)), st.integers(0, 20))
def test_bins_hold_everything_and_outgrow_the_target_only_alone(items, target):
    bins = pack_ordered(items, weight=int, target=target)
    assert [item for one in bins for item in one] == items
    assert all(len(one) == 1 or sum(one) <= target for one in bins)
