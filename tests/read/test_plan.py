"""Plans: what is pruned by which rule, what is refused, and how splits are cut."""

from dataclasses import replace

import pytest

from lakestore.errors import CorruptTableError, InvalidInputError, NotFoundError, UnsupportedFormatError
from lakestore.events import ScanPlanned
from lakestore.format.bucket_rows import bucket_of_row
from lakestore.model.manifest import IndexEntry
from lakestore.model.options import BucketOptions, MergeOptions, ScanOptions, TableOptions
from lakestore.model.predicate import col
from lakestore.model.rows import MergeEngine
from lakestore.model.types import parse_type
from lakestore.read.plan import plan_scan
from tests.reading import HandMade, a_schema


def names(plan):
    return sorted(file.name for split in plan.splits for file in split.files)


def test_a_table_without_snapshots_plans_nothing():
    table = HandMade(a_schema({"a": "INT"}))
    plan = plan_scan(table.parts, schema=table.schema, options=table.options, snapshot=None)
    assert plan.splits == ()
    assert plan.snapshot_id is None
    assert plan.columns == ("a",)


def partitioned():
    table = HandMade(a_schema({"v": "INT", "day": "DATE", "p": "STRING"}, partition_by=["day", "p"]))
    for day in range(3):
        for p in ("x", "y", None):
            table.add([(day, day, p)], partition=(day, p), name=f"{day}{p}.parquet")
    return table


@pytest.mark.parametrize(
    ("where", "left"),
    [
        (col("day") == "1970-01-02", ["1None", "1x", "1y"]),
        ((col("day") > "1970-01-01") & (col("p") == "x"), ["1x", "2x"]),
        (col("p").is_null(), ["0None", "1None", "2None"]),
        ((col("p") == "y") | (col("v") == 0), ["0None", "0x", "0y", "1y", "2y"]),
        (col("p") == "z", []),
    ],
)
def test_partitions_prune(where, left):
    table = partitioned()
    plan = table.plan(where)
    assert names(plan) == [f"{name}.parquet" for name in left]
    report = plan.report
    assert report.files_left == len(left)
    read = 0 if report.manifests_skipped else 9
    assert report.files_by_partition + report.files_by_stats + report.files_left == read == report.files
    assert report.bytes == sum(entry.file.size for entry in table.entries[:read])
    assert report.bytes_left == sum(file.size for split in plan.splits for file in split.files)


def test_statistics_of_partition_columns_in_files_are_not_believed():
    """Files hold a copy of the partition columns; what counts is the partition in the manifest."""
    for key in ((), ("v", "p")):
        table = HandMade(a_schema({"v": "INT", "p": "INT"}, key=key, partition_by=["p"]))
        table.add([(1, 99)], partition=(5,))
        assert table.read(col("p") == 5) == [(1, 5)]
        assert table.read((col("p") == 5) | (col("v") == 7)) == [(1, 5)]
        assert names(table.plan((col("p") == 99) | (col("v") == 7))) == []


def test_manifests_prune_by_partition_bounds():
    table = partitioned()
    plan = table.plan(col("day") == "1970-01-02", manifests=3)
    assert (plan.report.manifests, plan.report.manifests_skipped) == (3, 2)
    assert names(plan) == ["1None.parquet", "1x.parquet", "1y.parquet"]
    assert plan.report.files_by_partition == 0
    (event,) = [one for one in table.events if isinstance(one, ScanPlanned)]
    assert (event.manifests_read, event.manifests_skipped, event.files_read) == (1, 2, 3)


def bucketed(count):
    table = HandMade(a_schema({"k": "BIGINT", "s": "STRING", "v": "INT"}, key=["k", "s"]))
    table.options = TableOptions(bucket=BucketOptions(count=count, key=("k",)))
    for bucket in range(count):
        table.add([(1, "a", bucket)], bucket=bucket, total_buckets=count, name=f"{bucket}.parquet")
    return table


def test_buckets_prune_by_the_hash_of_the_bucket_key():
    table = bucketed(8)
    types = table.schema.types(["k"])
    for value in (1, 5, -7):
        home = bucket_of_row((value,), types, count=8)
        plan = table.plan(col("k") == value)
        assert plan.report.files_by_bucket == 7
        assert plan.report.files_by_bucket + plan.report.files_by_key + plan.report.files_left == 8
        assert names(plan) == ([f"{home}.parquet"] if value == 1 else [])
    several = {bucket_of_row((value,), types, count=8) for value in (1, 2, 3)}
    assert table.plan(col("k").isin([1, 2, 3])).report.files_by_bucket == 8 - len(several)
    assert table.plan(col("k") > 5).report.files_by_bucket == 0
    assert table.plan(col("s") == "a").report.files_by_bucket == 0


def test_each_entry_is_pruned_by_its_own_bucket_count():
    table = bucketed(4)
    types = table.schema.types(["k"])
    table.entries = [replace(entry, total_buckets=2) for entry in table.entries if entry.bucket < 2]
    assert names(table.plan(col("k") == 1)) == [f"{bucket_of_row((1,), types, count=2)}.parquet"]
    table.entries = [replace(entry, total_buckets=-1) for entry in table.entries]
    assert len(names(table.plan(col("k") == 1))) == 2


def test_postponed_files_are_not_there_yet():
    table = HandMade(a_schema({"k": "INT"}, key=["k"]))
    file = table.add([(1,)])
    table.list(replace(file, name="later.parquet"), bucket=-2, total_buckets=-2)
    assert names(table.plan()) == [file.name]


def test_append_files_prune_by_statistics_of_their_own_schema():
    table = HandMade(a_schema({"a": "INT", "s": "STRING"}))
    table.add([(1, "aaa"), (5, "bbb")], name="old.parquet")
    table.add([(1, "a"), (5, "b")], name="none.parquet", stats=False)
    table.evolve(a_schema({"s": "STRING", "n": "INT", "b": "BIGINT"}, schema_id=1, ids=[1, 2, 0]))
    table.add([("c", 7, 9), ("d", 7, 9)], name="new.parquet")
    assert names(table.plan(col("b") == 3)) == ["none.parquet", "old.parquet"]
    assert names(table.plan(col("b") > 5)) == ["new.parquet", "none.parquet"]
    assert names(table.plan(col("n") == 7)) == ["new.parquet"]
    assert names(table.plan(col("n").is_null())) == ["none.parquet", "old.parquet"]
    assert names(table.plan(col("s") < "a")) == ["none.parquet"]
    assert table.plan(col("n") == 7).report.files_by_stats == 2


def keyed(**options):
    """Two files that overlap, one beside them that does not."""
    table = HandMade(a_schema({"k": "INT", "v": "INT"}, key=["k"]), TableOptions(**options))
    table.add([(1, 10), (5, 10)], sequences=[0, 1], level=1, name="old.parquet")
    table.add([(3, 20), (5, 20)], sequences=[2, 3], name="new.parquet")
    table.add([(8, 30), (9, 30)], sequences=[4, 5], name="far.parquet")
    return table


def test_key_predicates_prune_every_file():
    table = keyed()
    assert names(table.plan(col("k") == 9)) == ["far.parquet"]
    assert names(table.plan(col("k") <= 2)) == ["old.parquet"]
    assert table.plan(col("k") <= 2).report.files_by_key == 2
    assert names(table.plan(col("k") == 6)) == []


def test_value_predicates_never_part_files_that_overlap():
    table = keyed()
    assert names(table.plan(col("v") == 10)) == ["new.parquet", "old.parquet"]
    assert table.read(col("v") == 10) == [(1, 10)]
    assert names(table.plan(col("v") == 30)) == ["far.parquet"]
    assert names(table.plan(col("v") > 30)) == []
    assert table.plan(col("v") > 30).report.files_by_stats == 3
    assert names(table.plan((col("v") == 10) | (col("k") == 9))) == ["far.parquet", "new.parquet", "old.parquet"]


def test_keys_without_statistics_prune_by_the_least_and_greatest_key():
    table = HandMade(a_schema({"t": "TIMESTAMP(9)", "k": "INT"}, key=["t", "k"]))
    table.add([(1, 1), (5, 0)], name="low.parquet")
    table.add([(8, 1), (9, 0)], name="high.parquet")
    assert names(table.plan(col("t") > "1970-01-01 00:00:00.000000006")) == ["high.parquet"]
    assert names(table.plan(col("k") == 7)) == []


def test_raw_and_merged_splits():
    plan = keyed().plan()
    assert [(split.raw, [file.name for file in split.files]) for split in plan.splits] == [
        (True, ["far.parquet"]),
        (False, ["old.parquet", "new.parquet"]),
    ]


def test_a_file_with_retract_rows_is_no_raw_split():
    table = HandMade(a_schema({"k": "INT"}, key=["k"]))
    table.add([(1,), (2,)], kinds=[0, 3])
    assert [split.raw for split in table.plan().splits] == [False]
    assert table.read() == [(1,)]


def test_splits_are_packed_to_the_target():
    table = HandMade(a_schema({"a": "INT"}))
    for number in range(6):
        table.add([(number,)], sequences=[10 - number])
    size = table.entries[0].file.size
    table.options = TableOptions(scan=ScanOptions(split_target_bytes=2 * size, split_open_cost=1))
    plan = table.plan()
    assert [len(split.files) for split in plan.splits] == [2, 2, 2]
    ordered = [file.min_sequence for split in plan.splits for file in split.files]
    assert ordered == sorted(ordered)
    table.options = TableOptions(scan=ScanOptions(split_target_bytes=100, split_open_cost=50))
    assert len(table.plan().splits) == 6


def test_a_limit_without_predicate_leaves_splits_out():
    table = HandMade(a_schema({"a": "INT"}), TableOptions(scan=ScanOptions(split_target_bytes=1, split_open_cost=1)))
    for _ in range(5):
        table.add([(1,), (2,)])
    assert len(table.plan(limit=3).splits) == 2
    assert len(table.plan(col("a") == 1, limit=3).splits) == 5
    assert table.plan(limit=0).splits == ()


def test_predicates_and_columns_are_checked():
    table = keyed()
    with pytest.raises(NotFoundError, match="nope"):
        table.plan(columns=["nope"])
    with pytest.raises(NotFoundError, match="nope"):
        table.plan(col("nope") == 1)
    with pytest.raises(InvalidInputError):
        table.plan(col("v") == "text")


def with_index(table, monkeypatch, index_type):
    entry = IndexEntry(
        kind=table.entries[0].kind,
        partition=table.entries[0].partition,
        bucket=0,
        index_type=index_type,
        name="index-0",
        size=1,
        row_count=1,
    )
    table.index_manifest = "index-manifest-x-0"
    monkeypatch.setattr("lakestore.meta.manifests.Manifests.read_index", lambda self, name: [entry])
    return table


def test_deletion_vectors_are_refused(monkeypatch):
    with pytest.raises(UnsupportedFormatError, match=r"table db\.t at snapshot 7 has deletion vectors"):
        with_index(keyed(), monkeypatch, "DELETION_VECTORS").plan()
    assert len(with_index(keyed(), monkeypatch, "HASH").plan().splits) == 2


def test_level_zero_under_deletion_vectors_is_refused():
    table = keyed(deletion_vectors=True)
    with pytest.raises(UnsupportedFormatError, match=r"files of level 0.*compact"):
        table.plan()
    table.entries = [entry for entry in table.entries if entry.file.level]
    assert names(table.plan()) == ["old.parquet"]


def test_level_zero_of_first_row_is_hidden():
    plan = keyed(merge=MergeOptions(engine=MergeEngine.FIRST_ROW)).plan()
    assert names(plan) == ["old.parquet"]
    assert plan.report.files_hidden == 2


def test_other_formats_and_types_are_refused_before_reading():
    table = keyed()
    table.list(replace(table.entries[2].file, name="x.lance", min_key=table.entries[0].file.min_key))
    with pytest.raises(UnsupportedFormatError, match=r"file x\.lance is of format lance"):
        table.plan()


def test_special_columns_are_refused_only_when_wanted():
    schema = a_schema({"a": "INT", "b": "INT"})
    nested = replace(schema.fields[1], type=parse_type({"type": "ARRAY", "element": "VARIANT"}))
    table = HandMade(schema)
    table.add([(1, 2)])
    table.evolve(replace(schema, id=1, fields=(schema.fields[0], nested)))
    with pytest.raises(UnsupportedFormatError, match=r"column 'b' is ARRAY<VARIANT>"):
        table.plan()
    assert table.read(columns=["a"]) == [(1,)]


def test_damaged_key_bounds_are_told():
    table = keyed()
    table.entries = [replace(entry, file=replace(entry.file, min_key=b"\0")) for entry in table.entries]
    with pytest.raises(CorruptTableError, match="serialized row"):
        table.plan()
