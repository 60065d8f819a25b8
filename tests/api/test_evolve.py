"""``evolve=True``: the schema follows the rows, also when two writers bring columns at once."""

import json
import threading
from decimal import Decimal

import pyarrow as pa
import pytest
from typer.testing import CliRunner

import lakestore as ls
from lakestore.cli.main import app

COLUMNS = {"id": "INT", "n": "INT", "f": "FLOAT", "m": "DECIMAL(6, 2)", "s": "VARCHAR(4)", "t": "TIMESTAMP(3)"}


@pytest.fixture
def table(tmp_path):
    return ls.connect(tmp_path).create_table("db.t", schema=COLUMNS, primary_key=["id"], options={"bucket": 1})


def types(table):
    return {name: str(kind) for name, kind in zip(table.schema.names, table.schema.types, strict=True)}


def rows(table):
    return sorted(table.scan().to_arrow().to_pylist(), key=lambda row: row["id"])


def test_columns_that_the_table_lacks_are_added(table):
    table.upsert([{"id": 1, "n": 1}])
    more = pa.table({"color": ["red"], "id": pa.array([2], pa.int32()), "size": pa.array([7], pa.int16())})
    with pytest.raises(ls.InvalidInputError, match=r"'color' is not in the table .*evolve=True"):
        table.upsert(more)
    table.upsert(more, evolve=True)
    assert table.schema_id == 1
    assert list(types(table)) == [*COLUMNS, "color", "size"]
    assert (types(table)["color"], types(table)["size"]) == ("string", "int16")
    assert [(row["id"], row["n"], row["color"], row["size"]) for row in rows(table)] == [
        (1, 1, None, None),
        (2, None, "red", 7),
    ]
    table.upsert(more)
    assert table.schema_id == 1


def test_new_columns_are_nullable_whatever_the_rows_say(table):
    must = pa.schema([pa.field("id", pa.int32(), nullable=False), pa.field("x", pa.int64(), nullable=False)])
    table.insert(pa.table([pa.array([1], pa.int32()), pa.array([5])], schema=must), evolve=True)
    assert table.schema.field("x").nullable


WIDER = {
    "integer": ("n", pa.array([1], pa.int64()), "int64"),
    "float": ("f", pa.array([0.1], pa.float64()), "double"),
    "decimal": ("m", pa.array([Decimal("1.123")], pa.decimal128(9, 3)), "decimal128(9, 3)"),
    "decimal, each side": ("m", pa.array([Decimal("1.123")], pa.decimal128(4, 3)), "decimal128(7, 3)"),
    "integer to double": ("n", pa.array([1.5]), "double"),
    "timestamp, by value": ("t", pa.array([1], pa.timestamp("us")), "timestamp[us]"),
}


@pytest.mark.parametrize(("name", "values", "kind"), WIDER.values(), ids=WIDER)
def test_wider_types_widen_the_column(table, name, values, kind):
    table.upsert([{"id": 1, "n": 3}])
    table.upsert(pa.table({"id": pa.array([2], pa.int32()), name: values}), evolve=True)
    assert types(table)[name] == kind
    assert rows(table)[1][name] == values[0].as_py()
    assert rows(table)[0]["n"] == 3


KEPT = {
    "a narrower type": ("n", pa.array([1], pa.int8())),
    "finer timestamps that fit": ("t", pa.array([1000], pa.timestamp("us"))),
    "text without a length": ("s", pa.array(["abc"])),
    "a decimal with fewer digits": ("m", pa.array([Decimal("1.5")], pa.decimal128(2, 1))),
    "nothing but nulls": ("n", pa.nulls(1)),
}


@pytest.mark.parametrize(("name", "values"), KEPT.values(), ids=KEPT)
def test_types_that_suffice_stay(table, name, values):
    table.upsert(pa.table({"id": pa.array([2], pa.int32()), name: values}), evolve=True)
    assert table.schema_id == 0
    assert rows(table)[0][name] == values[0].as_py()


def test_python_values_widen_only_what_they_do_not_fit(table):
    table.upsert([{"id": 1, "n": 5, "m": Decimal("1.50")}], evolve=True)
    table.upsert({"id": [2], "n": [6]}, evolve=True)
    assert table.schema_id == 0
    table.upsert([{"id": 3, "n": 1 << 40, "x": "new"}], evolve=True)
    assert (types(table)["n"], types(table)["x"], table.schema_id) == ("int64", "string", 1)
    assert [row["n"] for row in rows(table)] == [5, 6, 1 << 40]


def test_keys_are_not_widened_by_type(table):
    table.upsert(pa.table({"id": pa.array([1], pa.int64())}), evolve=True)
    assert table.schema_id == 0
    with pytest.raises(ls.InvalidInputError, match="'id'"):
        table.upsert(pa.table({"id": pa.array([1 << 40], pa.int64())}), evolve=True)
    assert rows(table)[0]["id"] == 1


def test_what_no_change_helps_is_refused_as_ever(table):
    before = table.schema_id
    for column, match in [
        (pa.array(["word"]), r"'n'.*string"),
        (pa.array([[1]]), r"'n'.*list"),
    ]:
        with pytest.raises(ls.InvalidInputError, match=match):
            table.upsert(pa.table({"id": pa.array([1], pa.int32()), "n": column}), evolve=True)
    with pytest.raises(ls.InvalidInputError, match=r"'s'.*VARCHAR"):
        table.upsert([{"id": 1, "s": "far too long"}], evolve=True)
    with pytest.raises(ls.InvalidInputError, match=r"'x'.*nothing but nulls"):
        table.upsert([{"id": 1, "x": None}], evolve=True)
    with pytest.raises(ls.InvalidInputError, match=r"'x' cannot be added.*uint64"):
        table.upsert(pa.table({"id": [1], "x": pa.array([1], pa.uint64())}), evolve=True)
    assert table.refresh().schema_id == before
    assert table.snapshots.latest() is None


def test_overwrite_streams_and_row_kinds(table):
    table.upsert([{"id": 1}])
    table.overwrite([{"id": 2, "a": "x"}], evolve=True)
    assert [(row["id"], row["a"]) for row in rows(table)] == [(2, "x")]
    batches = pa.table({"id": pa.array([3, 4], pa.int32()), "b": [0.5, None]}).to_batches(max_chunksize=1)
    table.insert(pa.RecordBatchReader.from_batches(batches[0].schema, batches), evolve=True)
    kinds = pa.table({"id": pa.array([2, 5], pa.int32()), "op": ["-D", "+I"], "c": [None, "y"]})
    table.write(kinds, row_kind="op", evolve=True)
    assert [(row["id"], row["b"], row["c"]) for row in rows(table)] == [(3, 0.5, None), (4, None, None), (5, None, "y")]
    assert "op" not in table.schema.names
    table.insert([], evolve=True)
    assert len(rows(table)) == 3


def test_two_writers_that_evolve_at_once_end_with_the_columns_of_both(table):
    each = 6
    failures = []

    def write(word, start):
        own = ls.open_table(table.path)
        try:
            for number in range(each):
                own.insert([{"id": start + number, f"{word}{number}": number, f"both{number}": word}], evolve=True)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=write, args=(word, start)) for word, start in (("a", 0), ("b", 100))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    last = table.refresh()
    added = [f"{word}{number}" for word in ("a", "b", "both") for number in range(each)]
    assert sorted(last.schema.names) == sorted([*COLUMNS, *added])
    found = {row["id"]: row for row in rows(last)}
    for start, word in ((0, "a"), (100, "b")):
        for number in range(each):
            row = found[start + number]
            filled = {name: value for name, value in row.items() if value is not None and name != "id"}
            assert filled == {f"{word}{number}": number, f"both{number}": word}


def test_a_stale_table_follows_what_another_did(table):
    other = ls.open_table(table.path)
    other.insert([{"id": 1, "x": 1}], evolve=True)
    assert "x" not in table.schema.names
    table.insert([{"id": 2, "x": 2}], evolve=True)
    assert table.schema_id == 1
    assert [(row["id"], row["x"]) for row in rows(table)] == [(1, 1), (2, 2)]


def test_on_the_command_line(table, tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"id": 1, "color": "red"}) + "\n", encoding="utf-8")
    runner = CliRunner()
    refused = runner.invoke(app, ["write", table.path, str(file)])
    assert refused.exit_code != 0
    taken = runner.invoke(app, ["write", table.path, str(file), "--evolve"])
    assert taken.exit_code == 0, taken.output
    assert [(row["id"], row["color"]) for row in rows(table)] == [(1, "red")]
