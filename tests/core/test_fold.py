"""Folding of manifest entries, against plain Python and against every cut of a history."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakestore.core.fold import deleted_ids, describe_manifest, merge_entries, scan_merge
from lakestore.errors import CorruptTableError
from lakestore.model.manifest import EntryKind
from lakestore.model.stats import ColumnStats
from tests.entries import add, an_entry, delete


def test_a_delete_cancels_its_add_wherever_they_stand():
    assert scan_merge([add("a"), add("b"), delete("a")]) == [add("b")]
    assert scan_merge([delete("a"), add("b"), add("a")]) == [add("b")]


def test_a_move_to_another_level_is_another_file():
    moved = add("a", level=5)
    assert scan_merge([add("a"), delete("a"), moved]) == [moved]


@pytest.mark.parametrize(
    "other",
    [
        {"part": bytes(12) + b"1"},
        {"bucket": 1},
        {"level": 1},
        {"extra_files": ()},
        {"embedded_index": None},
        {"external_path": "elsewhere"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_every_part_of_the_identity_counts(other):
    assert scan_merge([add("a"), delete("a", **other)]) == [add("a")]
    assert merge_entries([add("a"), delete("a", **other)]) == [add("a"), delete("a", **other)]


@pytest.mark.parametrize("other", [{"size": 1}, {"row_count": 1}, {"schema_id": 9}, {"total_buckets": 9}])
def test_nothing_else_does(other):
    assert scan_merge([add("a"), delete("a", **other)]) == []


def test_deletes_found_elsewhere_count():
    assert scan_merge([add("a"), add("b")], deleted_ids([delete("b")])) == [add("a")]


def test_a_merge_of_some_entries_keeps_deletes_of_files_elsewhere():
    assert merge_entries([add("a"), delete("x"), delete("a"), add("b")]) == [delete("x"), add("b")]
    assert merge_entries([delete("x"), delete("x")]) == [delete("x")]


@pytest.mark.parametrize("merge", [scan_merge, merge_entries])
def test_a_file_added_twice_is_damage(merge):
    with pytest.raises(CorruptTableError, match=r"data-a\.parquet .*level 3.*bucket 2"):
        merge([add("a", level=3, bucket=2), add("b"), add("a", level=3, bucket=2, size=7)])
    assert merge([add("a"), add("a"), delete("a")]) == []


@st.composite
def histories(draw):
    """Entries in the order in which commits would make them: a file is added once and deleted at most once."""
    entries, live = [], []
    for number in range(draw(st.integers(0, 12))):
        if live and draw(st.booleans()):
            entries.append(delete(live.pop(draw(st.integers(0, len(live) - 1)))))
        else:
            live.append(str(number))
            entries.append(add(live[-1]))
    return entries, {f"data-{name}.parquet" for name in live}


@given(histories(), st.data())
def test_merging_any_part_early_changes_nothing(history, data):
    entries, live = history
    assert {entry.file.name for entry in scan_merge(entries)} == live
    start = data.draw(st.integers(0, len(entries)))
    end = data.draw(st.integers(start, len(entries)))
    merged = [*entries[:start], *merge_entries(entries[start:end]), *entries[end:]]
    assert scan_merge(merged) == scan_merge(entries)
    assert scan_merge(data.draw(st.permutations(merged))) is not None
    assert merge_entries(merge_entries(entries)) == merge_entries(entries)
    if start == 0:
        assert all(entry.kind is EntryKind.ADD for entry in merge_entries(entries[:end]))


def test_a_manifest_is_described_by_counts_and_bounds_of_all_its_entries():
    stats = ColumnStats(min_values=b"x")
    entries = [add("a", bucket=3, level=2, schema_id=5), delete("b", bucket=1, level=4), add("c", bucket=2)]
    meta = describe_manifest("m", 77, entries, stats)
    assert (meta.name, meta.size, meta.added_files, meta.deleted_files) == ("m", 77, 2, 1)
    assert (meta.min_bucket, meta.max_bucket, meta.min_level, meta.max_level) == (1, 3, 0, 4)
    assert (meta.schema_id, meta.partition_stats) == (5, stats)
    assert (meta.min_row_id, meta.max_row_id) == (None, None)


def test_row_ids_are_bounded_only_when_every_file_has_them():
    rows = [an_entry("a", first_row_id=10, row_count=5), an_entry("b", first_row_id=0, row_count=4)]
    meta = describe_manifest("m", 1, rows, ColumnStats())
    assert (meta.min_row_id, meta.max_row_id) == (0, 14)
    assert describe_manifest("m", 1, [*rows, add("c")], ColumnStats()).min_row_id is None
