"""The public face: create, write, read, travel, refuse."""

import datetime as dt
from decimal import Decimal

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import lakestore as ls


@pytest.fixture
def lake(tmp_path):
    return ls.connect(tmp_path / "wh")


@pytest.fixture
def orders(lake):
    return lake.create_table(
        "shop.orders",
        schema={"id": "BIGINT", "status": "STRING", "qty": "INT"},
        primary_key=["id"],
        options={"bucket": 4},
    )


def rows(scan):
    return sorted(scan.to_pylist(), key=repr)


def test_upsert_delete_and_travel(orders):
    orders.upsert([{"id": 1, "status": "new", "qty": 3}, {"id": 2, "status": "new", "qty": 5}])
    orders.upsert([{"id": 1, "status": "paid", "qty": 3}])
    orders.delete("id = 2")
    assert rows(orders.scan()) == [{"id": 1, "status": "paid", "qty": 3}]
    assert orders.at(snapshot=1).count() == 2
    assert rows(orders.at(snapshot=2).scan("id = 1", ["status"])) == [{"status": "paid"}]
    assert [row["snapshot_id"] for row in orders.snapshots.list().to_pylist()] == [1, 2, 3]


def test_travel_by_time(orders):
    orders.upsert([{"id": 1, "status": "new", "qty": 3}])
    first = orders.snapshots.latest()
    moment = dt.datetime.fromtimestamp(first.time_millis / 1000, dt.UTC)
    orders.upsert([{"id": 2, "status": "new", "qty": 3}])
    assert orders.at(timestamp=first.time_millis).snapshot.id >= 1
    with pytest.raises(ls.NotFoundError, match="earliest"):
        orders.at(timestamp=moment - dt.timedelta(days=1))
    with pytest.raises(ls.NotFoundError, match="snapshot"):
        orders.at(snapshot=99)
    with pytest.raises(ls.InvalidInputError, match="exactly one"):
        orders.at()


@pytest.mark.parametrize(
    "make",
    [
        pa.table,
        pa.RecordBatch.from_pydict,
        lambda data: pa.table(data).to_reader(),
        lambda data: iter(pa.table(data).to_batches()),
        pd.DataFrame,
        pl.DataFrame,
        lambda data: duckdb.from_arrow(pa.table(data)),
        lambda data: pa.table(data).to_pylist(),
    ],
    ids=["table", "batch", "reader", "iterator", "pandas", "polars", "duckdb", "dicts"],
)
def test_anything_arrow_goes_in(orders, make):
    orders.upsert(make({"id": [1, 2], "status": ["a", None], "qty": [3, 4]}))
    assert rows(orders.scan()) == [{"id": 1, "status": "a", "qty": 3}, {"id": 2, "status": None, "qty": 4}]


def test_any_arrow_tool_takes_a_scan(orders):
    orders.upsert({"id": [1, 2], "status": ["a", "b"], "qty": [3, 4]})
    scan = orders.scan(ls.col("qty") > 3)
    assert pa.table(scan).num_rows == 1
    assert pl.DataFrame(scan)["id"].to_list() == [2]
    assert pd.DataFrame.from_arrow(scan)["status"].tolist() == ["b"]
    assert duckdb.sql("select sum(id) from scan").fetchall() == [(2,)]
    assert pa.schema(scan).names == ["id", "status", "qty"]
    assert scan.to_pandas().shape == (1, 3)
    assert scan.to_polars().height == 1
    assert scan.to_duckdb().fetchall() == [(2, "b", 4)]
    assert orders.count() == 2


def test_limit_and_select(orders):
    orders.upsert({"id": list(range(100)), "status": ["x"] * 100, "qty": [1] * 100})
    assert orders.scan(limit=7).to_arrow().num_rows == 7
    assert orders.scan(limit=0).to_arrow().num_rows == 0
    assert orders.scan(select=["qty", "id"]).to_arrow().column_names == ["qty", "id"]
    with pytest.raises(ls.NotFoundError, match="there are: id, status, qty"):
        orders.scan(select=["nope"])


def test_one_commit_of_many_batches(orders):
    with orders.writer() as writer:
        writer.upsert([{"id": 1, "status": "a", "qty": 1}, {"id": 2, "status": "a", "qty": 1}])
        writer.delete([{"id": 1}])
        assert orders.snapshots.latest() is None
        result = writer.commit()
    assert result.snapshot_ids == (1,)
    assert orders.scan(select=["id"]).to_pylist() == [{"id": 2}]


def test_leaving_without_commit_writes_nothing(orders, tmp_path):
    with orders.writer() as writer:
        writer.upsert([{"id": 1, "status": "a", "qty": 1}])
    with pytest.raises(RuntimeError, match="mine"), orders.writer() as writer:
        writer.upsert([{"id": 1, "status": "a", "qty": 1}])
        raise RuntimeError("mine")
    assert orders.snapshots.latest() is None
    assert not list(tmp_path.rglob("*.parquet"))


def test_delete_by_rows_with_required_columns(lake):
    table = lake.create_table(
        "t",
        schema={"id": "INT", "day": "DATE", "must": "STRING NOT NULL", "at": "TIMESTAMP(3)"},
        primary_key=["id", "day"],
        options={"bucket": 1},
    )
    day = dt.date(2024, 2, 29)
    table.upsert([{"id": i, "day": day, "must": "x", "at": None} for i in range(5)])
    table.delete([{"id": 1, "day": day}, {"id": 9, "day": day}])
    table.delete(pa.table({"day": [day], "id": pa.array([2], pa.int32())}))
    assert sorted(table.to_arrow()["id"].to_pylist()) == [0, 3, 4]
    with pytest.raises(ls.InvalidInputError, match="day"):
        table.delete([{"id": 1}])


def test_delete_where_keeps_unknown_rows(orders):
    orders.upsert([{"id": 1, "status": None, "qty": 1}, {"id": 2, "status": "a", "qty": 1}])
    orders.delete("status != 'b'")
    assert orders.scan(select=["id"]).to_pylist() == [{"id": 1}]


class TestOverwrite:
    @pytest.fixture
    def visits(self, lake):
        table = lake.create_table("visits", schema={"day": "STRING", "n": "INT"}, partition_by=["day"])
        table.insert([{"day": day, "n": n} for n, day in enumerate(["a", "a", "b", None])])
        return table

    def test_touched_partitions_go(self, visits):
        visits.overwrite([{"day": "a", "n": 7}])
        assert rows(visits.scan()) == rows_of([("a", 7), ("b", 2), (None, 3)])

    def test_named_partition_goes(self, visits):
        visits.overwrite([], where={"day": "a"})
        visits.overwrite([], where="day is null")
        assert rows(visits.scan()) == rows_of([("b", 2)])

    def test_whole_table_goes(self, visits):
        visits.overwrite([{"day": "c", "n": 1}], mode="table")
        assert rows(visits.scan()) == rows_of([("c", 1)])

    def test_rows_outside_are_refused(self, visits):
        with pytest.raises(ls.InvalidInputError, match="day"):
            visits.overwrite([{"day": "b", "n": 1}], where={"day": "a"})
        with pytest.raises(ls.InvalidInputError, match="partition"):
            visits.overwrite([], where="n = 1")
        assert visits.count() == 4

    def test_keyed_table_is_replaced(self, orders):
        orders.upsert({"id": [1, 2], "status": ["a", "b"], "qty": [3, 4]})
        orders.overwrite({"id": [2], "status": ["c"], "qty": [5]})
        assert rows(orders.scan()) == [{"id": 2, "status": "c", "qty": 5}]


def rows_of(pairs):
    return sorted(({"day": day, "n": n} for day, n in pairs), key=repr)


class TestRefused:
    """Bad input: a clear error, and the table unchanged."""

    @pytest.fixture(autouse=True)
    def _unchanged(self, orders, tmp_path):
        orders.upsert([{"id": 1, "status": "a", "qty": 1}])
        before = {path for path in tmp_path.rglob("*") if path.is_file()}
        yield
        assert {path for path in tmp_path.rglob("*") if path.is_file()} == before
        assert orders.snapshots.latest().id == 1
        assert orders.check(deep=True).ok

    @pytest.mark.parametrize(
        ("row", "words"),
        [
            ({"id": None, "status": "a", "qty": 1}, "id"),
            ({"id": 2, "status": "a", "qty": 1 << 40}, "qty"),
            ({"id": 2, "status": "a", "qty": "many"}, "qty"),
            ({"id": 2, "status": "a", "qty": 1.5}, "qty"),
            ({"status": "a", "qty": 1}, "id"),
            ({"id": 2, "status": "a", "qty": 1, "color": "red"}, "color"),
        ],
        ids=["null-key", "too-large", "wrong-type", "lossy", "missing-key", "extra-column"],
    )
    def test_bad_rows(self, orders, row, words):
        with pytest.raises(ls.InvalidInputError, match=words):
            orders.upsert([row])

    @pytest.mark.parametrize("data", [None, 7, "orders.csv", object()])
    def test_not_data(self, orders, data):
        with pytest.raises(ls.InvalidInputError, match="__arrow_c_stream__"):
            orders.upsert(data)

    def test_table_exists(self, lake, orders):
        with pytest.raises(ls.AlreadyExistsError, match="exists_ok"):
            lake.create_table("shop.orders", schema={"id": "INT"})
        assert lake.create_table("shop.orders", schema={"id": "INT"}, exists_ok=True).primary_key == ("id",)

    def test_unknown_table(self, lake):
        with pytest.raises(ls.NotFoundError, match="orders"):
            lake.table("shop.order")

    @pytest.mark.parametrize("name", ["../escape", "a/b.t", "shop..", "shop.a/../../b", "shop.x\0"])
    def test_path_that_leaves(self, lake, name):
        with pytest.raises(ls.InvalidInputError):
            lake.create_table(name, schema={"id": "INT"})

    @pytest.mark.parametrize(
        "options",
        [
            {"bucket": "many"},
            {"bucket": "0"},
            {"merge-engine": "nonsense"},
            {"sequence.field": "nope"},
            {"bukcet": "1"},
            {"file.format": "csv"},
            {"write-buffer-size": "lots"},
            {"deletion-vectors.enabled": "true"},
        ],
        ids=lambda options: next(iter(options)),
    )
    def test_bad_options(self, lake, options):
        key = next(iter(options))
        with pytest.raises(ls.LakestoreError, match=key):
            lake.create_table("bad.options", schema={"id": "INT"}, primary_key=["id"], options=options)
        assert lake.databases() == ["shop"]


def test_all_scalar_types_round_trip(lake):
    schema = {
        "id": "INT",
        "b": "BOOLEAN",
        "t": "TINYINT",
        "s": "SMALLINT",
        "l": "BIGINT",
        "f": "FLOAT",
        "d": "DOUBLE",
        "d5": "DECIMAL(5, 2)",
        "d18": "DECIMAL(18, 4)",
        "d38": "DECIMAL(38, 10)",
        "c": "CHAR(5)",
        "v": "VARCHAR(20)",
        "bin": "BINARY(4)",
        "bytes": "BYTES",
        "date": "DATE",
        "time": "TIME(3)",
        "ts0": "TIMESTAMP(0)",
        "ts3": "TIMESTAMP(3)",
        "ts6": "TIMESTAMP(6)",
        "ltz": "TIMESTAMP(6) WITH LOCAL TIME ZONE",
    }
    full = {
        "id": 1,
        "b": True,
        "t": -128,
        "s": 32767,
        "l": -(2**63),
        "f": 1.5,
        "d": -0.0,
        "d5": Decimal("-999.99"),
        "d18": Decimal("99999999999999.9999"),
        "d38": Decimal("-9999999999999999999999999999.9999999999"),
        "c": "a",
        "v": "é€😀",
        "bin": b"\x00\xff",
        "bytes": b"",
        "date": dt.date(1, 1, 1),
        "time": dt.time(23, 59, 59, 999000),
        "ts0": dt.datetime(9999, 12, 31, 23, 59, 59),
        "ts3": dt.datetime(1969, 12, 31, 23, 59, 59, 999000),
        "ts6": dt.datetime(1, 1, 1, 0, 0, 0, 1),
        "ltz": dt.datetime(2024, 2, 29, 12, 0, 0, 123456, dt.UTC),
    }
    nulls = dict.fromkeys(schema) | {"id": 2}
    for keys, options in ((["id"], {"bucket": 2}), ([], {})):
        table = lake.create_table(f"types.t{len(keys)}", schema=schema, primary_key=keys, options=options)
        table.insert([full, nulls])
        found = sorted(table.scan().to_pylist(), key=lambda row: row["id"])
        assert found == [full, nulls]
        assert str(found[0]["d"]) == "-0.0"


def test_keyed_table_without_bucket_is_told(lake):
    table = lake.create_table("t", schema={"id": "INT"}, primary_key=["id"])
    assert table.options["bucket"] == "1"
    assert any("bucket" in note for note in table.notes)


def test_memory_and_file_urls(tmp_path):
    for url in (f"memory://{tmp_path}/wh", f"file://{tmp_path}/wh", f"{tmp_path}/plain"):
        table = ls.connect(url).create_table("t", schema={"id": "INT"})
        table.insert([{"id": 1}])
        assert ls.connect(url).table("t").count() == 1


def test_lists(lake, orders):
    lake.create_table("other.t", schema={"id": "INT"})
    assert lake.databases() == ["other", "shop"]
    assert lake.tables("shop") == ["orders"]


def test_a_comment_that_is_no_text_makes_no_table(lake):
    with pytest.raises(ls.InvalidInputError, match=r"comment=5.*text"):
        lake.create_table("shop.odd", schema={"id": "BIGINT"}, comment=5)
    assert lake.databases() == []
    with pytest.raises(ls.InvalidInputError, match=r"comment=5.*text"):
        ls.set_comment(5)


def test_columns_come_as_a_list(orders):
    with pytest.raises(ls.InvalidInputError, match=r"e\.g\. \['id'\]"):
        orders.scan(select="id")


def test_a_missing_table_is_told_with_its_warehouse(lake, tmp_path):
    with pytest.raises(ls.NotFoundError, match=str(tmp_path / "wh")):
        lake.table("shop.nope")


def test_an_append_table_makes_no_changelog(lake):
    with pytest.raises(ls.InvalidInputError, match=r"changelog-producer.*no primary key"):
        lake.create_table("shop.odd", schema={"id": "BIGINT"}, options={"changelog-producer": "lookup"})
    assert lake.create_table("shop.fine", schema={"id": "BIGINT"}, options={"changelog-producer": "none"})


def test_seconds_and_bytes_are_numbers(lake, orders):
    with pytest.raises(ls.InvalidInputError, match=r"poll='x'.*a number"):
        orders.stream(poll="x")
    points = lake.create_table("shop.points", schema={"x": "INT"})
    points.insert([{"x": 1}])
    with pytest.raises(ls.InvalidInputError, match="memory=-1"):
        points.cluster_by("x", memory=-1)
