"""Altering a table: one new schema file, old rows under the new schema, races, and what is asked of the store."""

import json
import threading
import time
from pathlib import Path

import pyarrow as pa
import pytest

import lakestore as ls
from lakestore.api.catalog import Lake
from lakestore.env import Env
from lakestore.storage.fsspec_store import open_store
from lakestore.testing.recording import RecordingStore

PARTS_OF_A_CALL = {"read", "write", "finish", "close", "discard"}


@pytest.fixture
def lake(tmp_path):
    return ls.connect(tmp_path / "wh")


@pytest.fixture
def orders(lake):
    table = lake.create_table("shop.orders", schema={"id": "BIGINT", "qty": "INT", "x": "STRING"}, primary_key=["id"])
    table.upsert([{"id": 1, "qty": 2, "x": "a"}, {"id": 2, "qty": 3, "x": "b"}])
    return table


def rows(scan):
    return sorted(scan.to_pylist(), key=lambda row: row.get("id", row.get("number")))


def test_many_changes_are_one_schema(orders):
    altered = orders.alter(
        ls.add_column("color", "STRING", after="id", comment="as ordered"),
        ls.rename_column("qty", "quantity"),
        ls.change_type("quantity", "BIGINT"),
        ls.drop_column("x"),
        ls.set_option("write-only", True),
        ls.set_comment("all orders"),
    )
    assert (orders.schema_id, altered.schema_id) == (0, 1)
    assert altered.schema.names == ["id", "color", "quantity"]
    assert altered.options["write-only"] == "true"
    assert orders.schema.names == ["id", "qty", "x"]
    altered.upsert([{"id": 2, "quantity": 2**40, "color": "red"}])
    assert rows(altered.scan()) == [
        {"id": 1, "color": None, "quantity": 2},
        {"id": 2, "color": "red", "quantity": 2**40},
    ]
    assert rows(altered.scan("quantity = 2 and color is null", ["id"])) == [{"id": 1}]
    assert rows(altered.at(snapshot=1).scan()) == [{"id": 1, "qty": 2, "x": "a"}, {"id": 2, "qty": 3, "x": "b"}]
    assert altered.check(deep=True).ok


def test_a_key_column_can_be_renamed(orders):
    altered = orders.alter(ls.rename_column("id", "number"))
    altered.upsert([{"number": 1, "qty": 9, "x": "z"}])
    altered.delete("number = 2")
    assert altered.primary_key == ("number",)
    assert rows(altered.scan()) == [{"number": 1, "qty": 9, "x": "z"}]
    assert altered.check(deep=True).ok


def test_a_dropped_name_used_again_is_another_column(orders):
    again = orders.alter(ls.drop_column("x"), ls.add_column("x", "STRING"))
    assert {row["x"] for row in rows(again.scan())} == {None}
    assert again.count("x = 'a'") == 0


def test_a_table_object_keeps_its_schema_until_refreshed(orders):
    orders.alter(ls.add_column("color", "STRING"))
    assert orders.schema.names == ["id", "qty", "x"]
    assert orders.refresh().schema.names == ["id", "qty", "x", "color"]


CASTS = [
    ("INT", "STRING", [1, None], ["1", None], "v = '1'"),
    ("STRING", "INT", ["12.9", "-3"], [12, -3], "v < 0"),
    ("DECIMAL(6, 3)", "DECIMAL(6, 1)", [1, 2], [1, 2], "v > 1.5"),
    ("BIGINT", "TINYINT", [300, 1], [44, 1], "v = 44"),
    ("BIGINT", "SMALLINT", [70_000], [4464], "v = 4464"),
    ("INT", "TINYINT", [-129], [127], "v > 0"),
    ("DOUBLE", "BIGINT", [1.9, -1.9], [1, -1], "v >= 1"),
    ("BOOLEAN", "DOUBLE", [True, False], [1.0, 0.0], "v = 1"),
]


@pytest.mark.parametrize(("old", "new", "written", "read", "where"), CASTS, ids=[f"{c[0]} to {c[1]}" for c in CASTS])
def test_old_values_are_cast_and_predicates_see_the_new_ones(lake, old, new, written, read, where):
    table = lake.create_table("t", schema={"n": "INT", "v": old})
    table.insert([{"n": at, "v": value} for at, value in enumerate(written)])
    altered = table.alter(ls.change_type("v", new))
    found = {row["n"]: row["v"] for row in altered.scan().to_pylist()}
    assert found == dict(enumerate(read))
    assert altered.scan(where).to_arrow().num_rows == 1


def test_a_value_without_a_counterpart_is_shown_with_its_file(lake):
    table = lake.create_table("t", schema={"n": "INT", "v": "STRING"})
    table.insert([{"n": 1, "v": "seven"}])
    altered = table.alter(ls.change_type("v", "INT"))
    with pytest.raises(ls.InvalidInputError, match=r"data-.*column 'v' was written as STRING, and the value 'seven'"):
        altered.to_arrow()
    assert altered.scan(select=["n"]).to_pylist() == [{"n": 1}]
    assert altered.alter(ls.change_type("v", "STRING")).scan().to_pylist() == [{"n": 1, "v": "seven"}]


def test_nulls_from_before_not_null_are_an_error_and_not_a_null(lake):
    option = "alter-column-null-to-not-null.disabled"
    table = lake.create_table("t", schema={"n": "INT", "v": "INT"}, options={option: "false"})
    table.insert([{"n": 1, "v": None}])
    altered = table.alter(ls.set_nullable("v", False))
    assert not altered.schema.field("v").nullable
    with pytest.raises(ls.InvalidInputError, match="column 'v' is NOT NULL now"):
        altered.to_arrow()
    assert altered.scan(select=["n"]).to_pylist() == [{"n": 1}]


def test_defaults_are_written_and_not_read_into_old_rows(orders):
    altered = orders.alter(ls.add_column("color", "STRING"), ls.set_default("color", "red"), ls.set_default("qty", "1"))
    altered.upsert([{"id": 3}, {"id": 4, "qty": 8, "color": "blue"}])
    found = {row["id"]: (row["qty"], row["color"]) for row in altered.scan().to_pylist()}
    assert found == {1: (2, None), 2: (3, None), 3: (1, "red"), 4: (8, "blue")}


def test_types_may_be_arrow_types_and_schema_objects(lake):
    table = lake.create_table("t", schema={"n": "INT"})
    altered = table.alter(
        ls.add_column("a", pa.decimal128(10, 2)),
        ls.add_column("b", {"type": "ARRAY", "element": "INT"}),
        ls.change_type("n", pa.int64()),
    )
    assert altered.schema.types == [pa.int64(), pa.decimal128(10, 2), pa.list_(pa.field("element", pa.int32()))]


def test_zone_and_bucket_changes_come_with_a_note(lake):
    table = lake.create_table("t", schema={"id": "INT", "ts": "TIMESTAMP(3)"}, primary_key=["id"])
    table.upsert([{"id": 1, "ts": None}])
    altered = table.alter(ls.change_type("ts", "TIMESTAMP(3) WITH LOCAL TIME ZONE"), ls.set_option("bucket", 4))
    assert ["in UTC" in note or "old number" in note for note in altered.notes] == [True, True]
    with pytest.raises(ls.LakestoreError, match="bucket"):
        altered.upsert([{"id": 1, "ts": None}])


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (list, ls.InvalidInputError, "no changes"),
        (lambda: ["drop x"], ls.InvalidInputError, "got a str"),
        (lambda: [ls.drop_column("nothing")], ls.NotFoundError, "there are: id, qty, x"),
        (lambda: [ls.add_column("y", "INT", first=True, after="id")], ls.InvalidInputError, "one place"),
        (lambda: [ls.move_column("x")], ls.InvalidInputError, "say where to"),
        (lambda: [ls.add_column("y", "NUMBER")], ls.InvalidInputError, "not a Paimon type"),
        (lambda: [ls.drop_column("id")], ls.InvalidInputError, "primary key"),
    ],
)
def test_refused_changes_write_nothing(orders, change, error, words):
    with pytest.raises(error, match=words):
        orders.alter(*change())
    assert orders.refresh().schema_id == 0


def test_two_tables_altered_at_once_both_get_their_change(lake, orders):
    names = [f"c{number}" for number in range(6)]
    tables = [lake.table("shop.orders") for _ in names]
    barrier = threading.Barrier(len(names))

    def alter(table, name):
        barrier.wait()
        table.alter(ls.add_column(name, "INT"))

    threads = [threading.Thread(target=alter, args=pair) for pair in zip(tables, names, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = orders.refresh()
    assert set(last.schema.names) == {"id", "qty", "x", *names}
    assert last.schema_id == len(names)


def test_a_change_made_impossible_by_the_one_that_came_first_is_refused(lake, orders):
    other = lake.table("shop.orders")
    orders.alter(ls.drop_column("x"))
    with pytest.raises(ls.NotFoundError, match="'x' not found; there are: id, qty"):
        other.alter(ls.rename_column("x", "y"))


def requests(recording):
    return [(operation, Path(path).name) for operation, path in recording.log if operation not in PARTS_OF_A_CALL]


def recorded(path):
    store, root = open_store(path)
    recording = RecordingStore(store)
    table = Lake(recording, root, Env()).table("shop.orders")
    recording.forget()
    return recording, table


def test_a_column_change_lists_the_schemas_and_puts_one(lake, orders, tmp_path):
    recording, table = recorded(tmp_path / "wh")
    altered = table.alter(ls.add_column("color", "STRING"), ls.rename_column("qty", "quantity"))
    assert requests(recording) == [("list", "schema"), ("put_if_absent", "schema-1")]
    altered.alter(ls.drop_column("x"))
    assert requests(recording)[2:] == [("list", "schema"), ("put_if_absent", "schema-2")]


def test_an_option_change_asks_for_a_snapshot_and_a_type_change_for_the_schemas(lake, orders, tmp_path):
    recording, table = recorded(tmp_path / "wh")
    table.alter(ls.set_option("write-only", True))
    asked = requests(recording)
    assert asked[-2:] == [("list", "schema"), ("put_if_absent", "schema-1")]
    assert {name for _, name in asked[:-2]} <= {"LATEST", "EARLIEST", "snapshot-1", "snapshot-2", "snapshot"}
    recording.forget()
    table.alter(ls.change_type("qty", "BIGINT"))
    assert requests(recording) == [("list", "schema"), ("list", "schema"), ("put_if_absent", "schema-2")]


def test_other_engines_read_the_schema_as_it_is_written(orders):
    orders.alter(ls.set_comment("how many", column="qty"), ls.set_default("qty", "1"))
    node = json.loads((Path(orders.path) / "schema" / "schema-1").read_text())
    assert node["fields"][1] == {"id": 1, "name": "qty", "type": "INT", "description": "how many", "defaultValue": "1"}
    assert "comment" not in node
    assert (node["id"], node["highestFieldId"], node["version"]) == (1, 2, 3)


def test_altering_takes_no_time_of_its_own(lake, orders, tmp_path):
    """A few milliseconds beyond the store, whatever the table holds: no file but schemas is looked at."""
    recording, table = recorded(tmp_path / "wh")
    best = 1.0
    for number in range(5):
        started = time.perf_counter()
        table = table.alter(ls.add_column(f"c{number}", "INT"))
        best = min(best, time.perf_counter() - started)
    assert best < 0.05  # measured: 1 ms with the store; the bound leaves room for a busy machine
    assert all("schema" in path for _, path in recording.log)
