"""The picture of an LSM: its runs, where their keys lie, and the forecast, which must come true."""

import pyarrow as pa
import pytest

import lakestore as ls
from lakestore.errors import InvalidInputError


def rows(*ids, day="a", value="x"):
    return pa.table({"id": pa.array(ids, pa.int64()), "day": [day] * len(ids), "v": [value] * len(ids)})


@pytest.fixture
def make(tmp_path):
    """Makes tables whose writers do not compact."""

    def made(*, key=("id",), partition=(), kind="BIGINT", **options):
        lake = ls.connect(tmp_path)
        return lake.create_table(
            "d.t",
            schema={"id": f"{kind} NOT NULL", "day": "STRING NOT NULL", "v": "STRING"},
            primary_key=key,
            partition_by=partition,
            options={"bucket": 1 if key else -1, "write-only": True}
            | {k.replace("_", "-"): v for k, v in options.items()},
        )

    return made


def the_bucket(table):
    (bucket,) = table.levels().buckets
    return bucket


def test_an_empty_table(make):
    picture = make().levels()
    assert (picture.snapshot_id, picture.buckets, picture.files, picture.rows) == (None, (), 0, 0)


def test_runs_and_where_their_keys_lie(make):
    table = make()
    table.upsert(rows(0, 100))
    table.upsert(rows(25, 50))
    bucket = the_bucket(table)
    newest, oldest = bucket.runs
    assert [(run.level, run.rows, run.picked) for run in bucket.runs] == [(0, 2, False)] * 2
    assert (newest.files[0].start, newest.files[0].end) == (0.25, 0.5)
    assert (oldest.files[0].start, oldest.files[0].end) == (0.0, 1.0)
    assert (newest.files[0].min_key, newest.files[0].max_key) == ("25", "50")
    assert bucket.next is None
    assert bucket.full_bytes == bucket.bytes == newest.bytes + oldest.bytes
    assert bucket.amplification == pytest.approx(newest.bytes * 100 / oldest.bytes)


def test_keys_without_a_distance_lie_by_rank(make):
    table = make(kind="STRING")
    for pair in (["a", "z"], ["b", "c"]):
        table.upsert(pa.table({"id": pair, "day": ["a", "a"], "v": ["x", "x"]}))
    newest, _ = the_bucket(table).runs
    assert (newest.files[0].start, newest.files[0].end) == pytest.approx((1 / 3, 2 / 3))


def test_the_forecast_comes_true(make):
    table = make(**{"num-sorted-run.compaction-trigger": 3})
    for number in range(3):
        table.upsert(rows(number, number + 10))
    bucket = the_bucket(table)
    planned = bucket.next
    assert (planned.runs, planned.files, planned.bytes, planned.output_level) == (3, 3, bucket.bytes, 3)
    assert planned.drops_deletes
    assert all(run.picked for run in bucket.runs)
    (done,) = table.compact().buckets
    assert (done.files_before, done.bytes_before, done.output_level, done.reason) == (
        planned.files,
        planned.bytes,
        planned.output_level,
        planned.reason,
    )
    after = the_bucket(table)
    assert ([(run.level, run.rows) for run in after.runs], after.next, after.full_bytes) == ([(3, 6)], None, 0)


def test_partitions(make):
    table = make(key=("id", "day"), partition=("day",))
    table.upsert(pa.concat_tables([rows(1, day="a"), rows(2, 3, day="b")]))
    assert [(bucket.partition, bucket.runs[0].rows) for bucket in table.levels().buckets] == [
        ("day=a", 1),
        ("day=b", 2),
    ]
    assert [bucket.partition for bucket in table.levels("day = 'b'").buckets] == ["day=b"]
    with pytest.raises(InvalidInputError, match=r"levels\(where=…\) chooses whole partitions"):
        table.levels("id = 1")


def test_an_append_table_has_files_but_no_levels(make):
    table = make(key=())
    table.insert(rows(1, 2))
    table.insert(rows(3))
    picture = table.levels()
    (bucket,) = picture.buckets
    assert not picture.keyed
    assert [file.rows for file in bucket.runs[0].files] == [2, 1]
    assert (bucket.next, bucket.full_bytes) == (None, 0)


def test_json_has_all_of_it(make):
    table = make()
    table.upsert(rows(1))
    found = table.levels().to_dict()
    assert (found["files"], found["rows"], found["snapshot_id"]) == (1, 1, 1)
    assert found["buckets"][0]["runs"][0]["files"][0]["min_key"] == "1"
