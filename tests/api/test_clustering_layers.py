"""Layouts that are kept up: by writers, by levels, and of partitions that nobody writes to any more."""

import datetime
import math
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

import lakestore as ls
from lakestore.api.context import TableContext
from lakestore.api.table import Table
from lakestore.env import Clock, Env
from lakestore.storage.local_store import LocalStore
from lakestore.storage.paths import TablePaths
from tests.compacting import live_files, snapshots_of

LAYERS = {
    "clustering.incremental": "true",
    "clustering.columns": "x,y",
    "num-sorted-run.compaction-trigger": "3",
}
COLUMNS = {"id": "BIGINT", "x": "DOUBLE", "y": "DOUBLE"}


@pytest.fixture
def lake(tmp_path):
    return ls.connect(tmp_path / "wh")


def points(number, rows=500):
    random = np.random.default_rng(number)
    return pa.table(
        {"id": np.arange(rows) + number * rows, "x": random.normal(size=rows), "y": random.normal(size=rows)}
    )


def levels(table):
    return sorted(file.level for files in live_files(table).values() for file in files)


def ids(table):
    return sorted(table.scan(select=["id"]).to_arrow()["id"].to_pylist())


@pytest.mark.parametrize("more", [{}, {"bucket": "2", "bucket-key": "id", "bucket-append-ordered": "false"}])
def test_the_policy_lays_out_a_part_at_a_time(lake, more):
    table = lake.create_table("a.t", schema=COLUMNS, options=LAYERS | more | {"write-only": "true"})
    for number in range(4):
        table.insert(points(number))
    report = table.compact()
    assert {one.output_level for one in report.buckets} == {3}
    assert set(levels(table)) == {3}
    assert str(table.snapshots.latest().commit_kind) == "COMPACT"
    assert table.compact().buckets == ()
    assert table.compact(full=True).buckets == (), "all of it is laid out by these columns"
    for number in range(4, 7):
        table.insert(points(number, rows=20))
    report = table.compact()
    assert {one.output_level for one in report.buckets} == {2}, "what is large stays where it is"
    assert set(levels(table)) == {2, 3}
    table.insert(points(7, rows=20))
    table.compact(full=True)
    assert set(levels(table)) == {3}
    assert ids(table) == sorted([*range(2000), *range(80, 160)])
    assert table.check(deep=True).ok


def test_other_columns_lay_out_everything_again(lake):
    table = lake.create_table("a.t", schema=COLUMNS, options=LAYERS)
    table.insert(points(0))
    table.compact(full=True)
    table = table.alter(ls.set_option("clustering.columns", "y"))
    assert [one.reason for one in table.compact(full=True).buckets] == ["all rows are to be laid out by y"]
    y = table.scan(select=["y"]).to_arrow()["y"].to_numpy()
    assert (np.diff(y) >= 0).all()
    assert table.compact(full=True).buckets == ()


def test_writers_leave_it_to_the_job_unless_the_table_has_buckets(lake):
    table = lake.create_table("a.t", schema=COLUMNS, options=LAYERS)
    bucketed = lake.create_table(
        "a.b", schema=COLUMNS, options=LAYERS | {"bucket": "1", "bucket-key": "id", "bucket-append-ordered": "false"}
    )
    for number in range(10):
        table.insert(points(number, rows=20))
        bucketed.insert(points(number, rows=20))
    assert levels(table) == [0] * 10
    assert max(levels(bucketed)) == 3
    assert ids(table) == ids(bucketed) == list(range(200))


def test_stream_readers_see_each_row_once(lake):
    table = lake.create_table("a.t", schema=COLUMNS, options=LAYERS)
    for number in range(6):
        table.insert(points(number, rows=20))
        table.compact(full=number % 2 == 0)
        if number == 3:
            table.cluster_by("y")
    assert "COMPACT" in {str(snapshot.commit_kind) for snapshot in snapshots_of(table)}
    with table.stream("from-snapshot=1", until=table.snapshots.latest().id) as stream:
        seen = [row["id"] for change in stream for row in change.batch.to_pylist()]
    assert sorted(seen) == list(range(120))
    for snapshot in snapshots_of(table):
        if str(snapshot.commit_kind) == "COMPACT":
            assert snapshot.delta_record_count == 0
            assert table.changes(between=(snapshot.id - 1, snapshot.id)).to_arrow().num_rows == 0


class LaterClock(Clock):
    """A clock that is ahead."""

    def __init__(self, ahead_ms):
        self._ahead = ahead_ms
        self._own = Env().clock

    def now_ms(self):
        return self._own.now_ms() + self._ahead

    def local_offset_ms(self, at_ms):
        return self._own.local_offset_ms(at_ms)

    def monotonic(self):
        return self._own.monotonic()

    def sleep(self, seconds):
        self._own.sleep(seconds)


def test_partitions_that_nobody_writes_to_come_along(lake):
    options = LAYERS | {
        "clustering.history-partition.idle-to-full-sort": "1 h",
        "clustering.history-partition.limit": "2",
    }
    schema = COLUMNS | {"day": "STRING"}
    table = lake.create_table("a.t", schema=schema, partition_by=["day"], options=options)
    for day in ("a", "b", "c", "now"):
        table.insert(points(ord(day[0])).append_column("day", pa.array([day] * 500)))
    assert table.compact(where="day = 'now'").buckets == (), "nothing is due, and nobody has been idle for an hour"
    later = Table(
        TableContext.open(LocalStore(), TablePaths(table.path), name="t", env=Env(clock=LaterClock(2 * 3_600_000)))
    )
    report = later.compact(where="day = 'now'")
    assert [(one.partition, one.output_level) for one in report.buckets] == [("day=a", 3), ("day=b", 3)]
    report = later.compact(where="day = 'now'")
    assert [one.partition for one in report.buckets] == ["day=c"]
    assert later.compact(where="day = 'now'").buckets == ()
    assert later.compact().buckets == ()
    assert table.count() == 2000


def test_writers_lay_out_what_they_hold(lake):
    table = lake.create_table("a.t", schema=COLUMNS, options={"clustering.columns": "x", "write-only": "true"})
    for number in range(3):
        table.insert(points(number))
    for files in live_files(table).values():
        assert len(files) == 3
    x = table.scan(select=["x"]).to_arrow()["x"].to_numpy().reshape(3, 500)
    assert (np.diff(x, axis=1) >= 0).all()
    assert ids(table) == list(range(1500))
    table.cluster_by()
    assert (np.diff(table.scan(select=["x"]).to_arrow()["x"].to_numpy()) >= 0).all()
    plain = lake.create_table("a.p", schema=COLUMNS, options=LAYERS)
    plain.insert(points(0))
    assert ids(plain) == plain.scan(select=["id"]).to_arrow()["id"].to_pylist(), "left to the job"


def test_a_writer_with_little_memory_lays_out_pieces(lake):
    options = {"clustering.columns": "x", "write-buffer-size": "16 kb"}
    table = lake.create_table("a.t", schema=COLUMNS, options=options)
    with table.writer() as writer:
        for number in range(6):
            writer.write(points(number))
        writer.commit()
    assert ids(table) == list(range(3000))
    x = table.scan(select=["x"]).to_arrow()["x"].to_numpy()
    falls = int((np.diff(x) < 0).sum())
    assert 0 < falls < 10


EVERY_TYPE = {
    "b": ("BOOLEAN", [True, None, False]),
    "i8": ("TINYINT", [-1, None, 5]),
    "i": ("INT", [2**31 - 1, None, -(2**31)]),
    "f": ("FLOAT", [math.nan, None, -0.0]),
    "d": ("DOUBLE", [math.inf, None, math.nan]),
    "small": ("DECIMAL(9, 2)", [Decimal("-1.50"), None, Decimal("2.25")]),
    "wide": ("DECIMAL(38, 10)", [Decimal(10) ** 27, None, -(Decimal(10) ** 27)]),
    "s": ("STRING", ["https://b", None, "https://a"]),
    "c": ("CHAR(3)", ["xyz", None, "abc"]),
    "y": ("BYTES", [b"\x00", None, b""]),
    "day": ("DATE", [datetime.date(1969, 12, 31), None, datetime.date(9999, 12, 31)]),
    "ts": ("TIMESTAMP(6)", [datetime.datetime(1, 1, 1), None, datetime.datetime(2026, 1, 1)]),
    "nanos": ("TIMESTAMP(9)", [datetime.datetime(1970, 1, 1), None, datetime.datetime(2026, 1, 1)]),
    "t": ("TIME(3)", [datetime.time(23, 59), None, datetime.time(0, 0)]),
}


@pytest.mark.parametrize("curve", ["order", "zorder", "hilbert"])
def test_every_type_can_be_laid_out_by(lake, curve):
    schema = {"id": "BIGINT"} | {name: text for name, (text, _) in EVERY_TYPE.items()}
    table = lake.create_table("a.t", schema=schema)
    for part in range(3):
        rows = [
            {"id": part * 27 + at}
            | {
                name: values[(at // 3**power + part) % 3]
                for power, (name, (_, values)) in enumerate(EVERY_TYPE.items())
            }
            for at in range(27)
        ]
        table.insert(rows)
    before = sorted(map(repr, table.scan().to_arrow().to_pylist()))
    for name in EVERY_TYPE:
        table.cluster_by(name, "i", curve=curve)
        assert sorted(map(repr, table.scan().to_arrow().to_pylist())) == before, name
        if curve == "order":
            column = table.scan(select=[name]).to_arrow()[name].combine_chunks()
            nulls = column.is_null().to_pylist()
            assert nulls == sorted(nulls, reverse=True), f"{name}: nulls come first"


def test_what_has_no_order_is_refused_by_name(lake):
    schema = {"id": "BIGINT", "tags": "ARRAY<STRING>"}
    schema = pa.schema([("id", pa.int64()), ("tags", pa.list_(pa.string()))])
    table = lake.create_table("a.t", schema=schema)
    table.insert([{"id": 1, "tags": ["a"]}])
    with pytest.raises(ls.InvalidInputError, match="list<"):
        table.cluster_by("tags")
    assert table.snapshots.latest().id == 1
    for options, message in (
        ({"clustering.columns": "tags"}, "types that have an order"),
        ({"clustering.columns": "nope"}, "columns of this table"),
        ({"clustering.strategy": "peano"}, "zorder"),
        ({"clustering.incremental": "true", "bucket": "2", "bucket-key": "id"}, "bucket-append-ordered"),
    ):
        with pytest.raises(ls.InvalidInputError, match=message):
            lake.create_table("a.x", schema=schema, options=options)


def test_a_failure_on_the_way_leaves_nothing(lake, tmp_path):
    table = lake.create_table("a.t", schema=COLUMNS)
    for number in range(3):
        table.insert(points(number, rows=20_000))
    files = sorted((tmp_path / "wh").rglob("data-*"))
    calls = []

    def fail(partition, rows):
        calls.append(rows)
        raise OSError("the cable is out")

    with pytest.raises(OSError, match="cable"):
        table.cluster_by("x", "y", progress=fail)
    assert calls
    assert sorted((tmp_path / "wh").rglob("data-*")) == files
    assert table.snapshots.latest().id == 3
