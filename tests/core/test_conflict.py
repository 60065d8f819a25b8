"""Conflicts of changes with live files, as data in and data out."""

import itertools
import math
from dataclasses import replace
from decimal import Decimal

import pytest

from lakestore.core.changes import Changes, ListFile, Lists, append_changes, compact_changes, next_snapshot
from lakestore.core.conflict import find_bucket_conflict, find_conflict, find_layout_conflict, rank_of
from lakestore.errors import ErrorKind
from lakestore.format.binary_row import decode_row
from lakestore.model.manifest import EntryKind, ManifestEntry
from lakestore.model.message import CommitMessage, CommitRequest, Overwrite
from lakestore.model.schema import TableSchema
from lakestore.model.snapshot import CommitKind
from lakestore.model.stats import EMPTY_ROW
from lakestore.model.types import Field, parse_type
from tests.commits import INT, a_file, keyed_schema


def by_key(data):
    return rank_of(decode_row(data, [INT]))


def an_entry(kind, name, *, level=0, keys=(0, 9), bucket=0, buckets=1, partition=EMPTY_ROW, **file):
    made = replace(a_file(name, level=level, keys=keys), **file)
    return ManifestEntry(kind=kind, partition=partition, bucket=bucket, total_buckets=buckets, file=made)


def add(name, **where):
    return an_entry(EntryKind.ADD, name, **where)


def delete(name, **where):
    return an_entry(EntryKind.DELETE, name, **where)


def changes(*entries, kind=CommitKind.COMPACT):
    return Changes(kind=kind, delta=tuple(entries))


def conflict_of(live, *delta, key_rank=by_key):
    found = find_conflict(live, changes(*delta), key_rank=key_rank)
    return None if found is None else found.kind


def test_a_compaction_fits_when_what_it_read_is_live():
    live = [add("a"), add("b"), add("old", level=5, keys=(20, 29))]
    assert conflict_of(live, delete("a"), delete("b"), add("ab", level=5, keys=(0, 9))) is None


@pytest.mark.parametrize(
    "difference",
    [
        {"level": 1},
        {"bucket": 1},
        {"partition": b"\0\0\0\1" + bytes(16)},
        {"extra_files": ("a.index",)},
        {"embedded_index": b"x"},
        {"external_path": "/elsewhere/a"},
    ],
    ids=lambda difference: next(iter(difference)),
)
def test_a_delete_must_name_the_very_same_file(difference):
    assert conflict_of([add("a", **difference)], delete("a")) is ErrorKind.FILE_GONE
    assert conflict_of([add("a", **difference)], delete("a", **difference)) is None


def test_a_file_is_deleted_once():
    assert conflict_of([add("a")], delete("a"), delete("a")) is ErrorKind.FILE_GONE


def test_a_live_file_is_not_added_again():
    assert conflict_of([add("a")], add("a")) is ErrorKind.FILE_ADDED_TWICE
    assert conflict_of([], add("a"), add("a")) is ErrorKind.FILE_ADDED_TWICE


def test_an_upgrade_moves_a_file_up():
    assert conflict_of([add("a")], delete("a"), add("a", level=5)) is None


def test_levels_above_0_do_not_overlap_in_a_primary_key_table():
    live = [add("old", level=5, keys=(5, 9))]
    assert conflict_of(live, add("new", level=5, keys=(0, 4))) is None
    assert conflict_of(live, add("new", level=5, keys=(0, 5))) is ErrorKind.LEVEL_OVERLAP
    assert conflict_of(live, add("new", level=5, keys=(7, 8))) is ErrorKind.LEVEL_OVERLAP
    assert conflict_of(live, add("new", level=4, keys=(0, 9))) is None
    assert conflict_of(live, add("new", level=5, keys=(0, 9), bucket=1)) is None
    assert conflict_of(live, delete("old", level=5, keys=(5, 9)), add("new", level=5)) is None


def test_level_0_and_append_tables_may_overlap():
    assert conflict_of([add("a")], add("b")) is None
    assert conflict_of([add("a", level=1)], add("b", level=1), key_rank=None) is None


def test_overlap_names_our_file_and_the_other():
    found = find_conflict([add("old", level=5)], changes(add("new", level=5)), key_rank=by_key)
    assert (found.entry.file.name, found.other.file.name) == ("new.parquet", "old.parquet")


def test_bucket_counts_agree_within_a_partition():
    other = b"\0\0\0\1" + bytes(16)
    assert conflict_of([add("a", buckets=2)], add("b", buckets=4)) is ErrorKind.BUCKET_COUNT_CHANGED
    assert conflict_of([add("a", buckets=2, partition=other)], add("b", buckets=4)) is None
    assert conflict_of([add("a", buckets=-1)], add("b", buckets=-1)) is None
    assert conflict_of([], add("a", buckets=2), add("b", buckets=4)) is ErrorKind.BUCKET_COUNT_CHANGED
    # A rescale takes every file of the partition away.
    assert conflict_of([add("a", buckets=2)], delete("a", buckets=2), add("b", buckets=4)) is None


def test_fresh_files_are_held_against_live_counts_only():
    fresh = changes(add("b", buckets=4), kind=CommitKind.APPEND)
    assert find_bucket_conflict([add("a", buckets=4)], fresh) is None
    assert find_bucket_conflict([add("a", buckets=2)], fresh).kind is ErrorKind.BUCKET_COUNT_CHANGED


def layout(before, after):
    found = find_layout_conflict(before, after)
    return None if found is None else found.kind


def test_what_a_new_schema_may_change():
    old = keyed_schema(bucket=2)
    column = Field(id=2, name="new", type=parse_type("INT"))
    assert layout(old, replace(old, id=1, fields=(*old.fields, column))) is None
    assert layout(old, replace(old, id=1, options={"bucket": "2", "file.format": "orc"})) is None
    renamed = tuple(replace(each, name="key" if each.name == "id" else each.name) for each in old.fields)
    assert layout(old, replace(old, id=1, fields=renamed, primary_keys=("key",))) is None


def test_what_a_new_schema_may_not_change():
    old = keyed_schema(bucket=2)
    assert layout(old, keyed_schema(bucket=4, schema_id=1)) is ErrorKind.BUCKET_COUNT_CHANGED
    assert layout(old, replace(old, id=1, primary_keys=())) is ErrorKind.SCHEMA_CHANGED
    assert layout(old, replace(old, id=1, primary_keys=("id", "v"))) is ErrorKind.SCHEMA_CHANGED
    assert layout(old, replace(old, id=1, options={"bucket": "2", "bucket-key": "v"})) is ErrorKind.SCHEMA_CHANGED
    mod = {"bucket": "2", "bucket-function.type": "mod"}
    assert layout(old, replace(old, id=1, options=mod)) is ErrorKind.SCHEMA_CHANGED
    plain = TableSchema(id=0, fields=old.fields)
    assert layout(plain, replace(plain, id=1, partition_keys=("v",))) is ErrorKind.SCHEMA_CHANGED


@pytest.mark.parametrize(
    "ascending",
    [
        [None, -5, -1, 0, 3],
        [None, -math.inf, -1.5, -0.0, 0.0, 1e-300, 2.0, math.inf, math.nan],
        [None, "", "a", "aé", "b", "é", "\uff5e", "😀"],
        [None, b"", b"\x00", b"\x00\x01", b"\x7f", b"\x80", b"\xff"],
        [None, Decimal("-1.5"), Decimal("0.00"), Decimal(2)],
        [None, False, True],
    ],
    ids=["int", "float", "text", "bytes", "decimal", "bool"],
)
def test_keys_sort_as_paimon_sorts_them(ascending):
    ranks = [rank_of((value,)) for value in ascending]
    assert all(one < two for one, two in itertools.pairwise(ranks))
    assert rank_of((1, 2)) < rank_of((1, 3)) < rank_of((2, 0))


# From requests to changes and snapshots.


def a_request(**parts):
    message = CommitMessage(
        partition=EMPTY_ROW,
        bucket=0,
        total_buckets=1,
        **{name: tuple(map(a_file, files)) for name, files in parts.items()},
    )
    return CommitRequest(user="u", messages=(message, replace(message, bucket=1)), identifier=7)


def named(entries):
    return [(entry.kind.name, entry.file.name.removesuffix(".parquet"), entry.bucket) for entry in entries]


def test_deletes_stand_before_adds_over_all_messages():
    made = append_changes(a_request(new_files=["n"], deleted_files=["d"], changelog_files=["c"]))
    assert made.kind is CommitKind.OVERWRITE
    assert named(made.delta) == [("DELETE", "d", 0), ("DELETE", "d", 1), ("ADD", "n", 0), ("ADD", "n", 1)]
    assert named(made.changelog) == [("ADD", "c", 0), ("ADD", "c", 1)]
    compact = compact_changes(a_request(compact_after=["n"], compact_before=["d"], compact_changelog=["c"]))
    assert compact.kind is CommitKind.COMPACT
    assert named(compact.delta) == named(made.delta)
    assert named(compact.changelog) == named(made.changelog)


def test_kind_of_the_append_part():
    assert append_changes(a_request(new_files=["n"])).kind is CommitKind.APPEND
    assert append_changes(replace(a_request(new_files=["n"]), overwrite=Overwrite())).kind is CommitKind.OVERWRITE
    assert append_changes(a_request(compact_before=["n"])).empty


def test_replacing_deletes_each_live_file_once():
    made = append_changes(a_request(new_files=["n"], deleted_files=["d"]))
    twice = made.replacing([add("x"), add("d", keys=None)])
    assert named(twice.delta) == [
        ("DELETE", "x", 0),
        ("DELETE", "d", 0),
        ("DELETE", "d", 1),
        ("ADD", "n", 0),
        ("ADD", "n", 1),
    ]


LISTS = Lists(base=ListFile(name="b", size=1), delta=ListFile(name="d", size=2))


def a_snapshot(base, request, made=None, **fixed):
    parts = {"schema_id": 0, "uuid": "mark", "time_millis": 5, **fixed}
    return next_snapshot(base, made or append_changes(request), request, LISTS, **parts)


def test_the_first_snapshot():
    first = a_snapshot(None, replace(a_request(new_files=["n"]), watermark=50, properties={}, operation="WRITE"))
    assert (first.id, first.total_record_count, first.delta_record_count) == (1, 2, 2)
    assert (first.watermark, first.next_row_id, first.properties, first.operation) == (50, 0, None, "WRITE")
    assert (first.uuid, first.commit_user, first.commit_identifier) == ("mark", "u", 7)
    assert (first.base_manifest_list_size, first.delta_manifest_list_size) == (1, 2)
    assert first.changelog_manifest_list is None
    assert first.changelog_record_count is None


def test_what_the_next_snapshot_carries_forward():
    base = replace(
        a_snapshot(None, a_request(new_files=["n"])),
        index_manifest="index",
        watermark=90,
        statistics="stat",
        next_row_id=17,
        properties={"not": "inherited"},
    )
    request = replace(a_request(deleted_files=["n"]), watermark=50)
    following = a_snapshot(base, request)
    assert (following.id, following.total_record_count, following.delta_record_count) == (2, 0, -2)
    assert (following.index_manifest, following.watermark, following.statistics) == ("index", 90, "stat")
    assert (following.next_row_id, following.properties) == (17, None)
    assert a_snapshot(base, replace(request, watermark=91)).watermark == 91
    assert a_snapshot(base, request, schema_id=1).statistics is None
