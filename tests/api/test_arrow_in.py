"""What people hand in: every kind of table object, every spelling of a column, nested ones too, through to a read."""

import datetime as dt
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import lakestore as ls
from lakestore.errors import ErrorKind

ROWS = {"n": [1, 2], "s": ["a", None], "at": [dt.datetime(2026, 1, 2, 3, 4, 5, 6), None]}
SCHEMA = pa.schema([("n", pa.int64()), ("s", pa.string()), ("at", pa.timestamp("us"))])
PLAIN = pa.table(ROWS, schema=SCHEMA)
READ_BACK = [dict(zip(ROWS, row, strict=True)) for row in zip(*ROWS.values(), strict=True)]


class Stream:
    """Nothing but a stream."""

    def __arrow_c_stream__(self, requested_schema=None):
        return PLAIN.__arrow_c_stream__(requested_schema)


def spelled(**columns):
    """The rows with some columns of other Arrow types."""
    table = PLAIN
    for name, kind in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, table[name].cast(kind))
    return table


ACCEPTED = {
    "table": PLAIN,
    "record batch": PLAIN.to_batches()[0],
    "record batch reader": PLAIN.to_reader(),
    "only a stream": Stream(),
    "list of batches": PLAIN.to_batches(),
    "list of dicts": READ_BACK,
    "dict of lists": ROWS,
    "dict of arrays": {"n": np.array([1, 2], np.int32), "s": ["a", None], "at": PLAIN["at"]},
    "pandas": PLAIN.to_pandas(),
    "pandas str": pd.DataFrame(ROWS).astype({"s": "str"}),
    "polars": pl.from_arrow(PLAIN),
    "polars categorical": pl.from_arrow(PLAIN).with_columns(pl.col("s").cast(pl.Categorical)),
    "polars enum": pl.from_arrow(PLAIN).with_columns(pl.col("s").cast(pl.Enum(["a", "b"]))),
    "large_string": spelled(s=pa.large_string()),
    "string_view": spelled(s=pa.string_view()),
    "dictionary": PLAIN.set_column(1, "s", PLAIN["s"].dictionary_encode()),
    "timestamp[ns]": spelled(at=pa.timestamp("ns")),
    "int32 into int64": spelled(n=pa.int32()),
    "uint8 into int64": spelled(n=pa.uint8()),
    "reordered columns": PLAIN.select(["at", "n", "s"]),
}


def table_of(warehouse, schema):
    return ls.connect(warehouse).create_table("db.t", schema=schema, options={"bucket": -1})


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name, tmp_path):
    table = table_of(tmp_path, SCHEMA)
    table.insert(ACCEPTED[name])
    assert table.to_arrow().equals(PLAIN)


def test_a_duckdb_relation_is_accepted(tmp_path):
    table = table_of(tmp_path, SCHEMA)
    with duckdb.connect() as connection:
        table.insert(connection.from_arrow(PLAIN))
    assert table.to_arrow().equals(PLAIN)


def test_a_missing_nullable_column_is_filled(tmp_path):
    table = table_of(tmp_path, SCHEMA)
    table.insert(PLAIN.drop_columns(["s"]))
    assert table.scan().to_pylist() == [{**row, "s": None} for row in READ_BACK]


REFUSED = {
    "extra column": (PLAIN.append_column("x", PLAIN["n"]), ErrorKind.EXTRA_COLUMN, "column 'x' is not in the table"),
    "too fine": (
        PLAIN.set_column(2, "at", pa.array([1000, 1001], pa.timestamp("ns"))),
        ErrorKind.LOSSY_VALUE,
        "row 1, column 'at': the value 1970-01-01 00:00:00.000001001",
    ),
    "too large": (
        PLAIN.set_column(0, "n", pa.array([1, 2**63], pa.uint64())),
        ErrorKind.LOSSY_VALUE,
        "row 1, column 'n': the value 9223372036854775808",
    ),
    "a zone where there is none": (
        PLAIN.set_column(2, "at", pa.array([0, 1], pa.timestamp("us", "UTC"))),
        ErrorKind.INVALID_TYPE,
        "time zone UTC",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, tmp_path):
    table = table_of(tmp_path, SCHEMA)
    data, kind, message = REFUSED[name]
    with pytest.raises(ls.InvalidInputError, match=message) as caught:
        table.insert(data)
    assert caught.value.kind is kind
    assert table.snapshots.list().num_rows == 0


# ---- nested

NESTED = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        ("address", pa.struct([("city", pa.string()), ("zip", pa.int32())])),
        ("tags", pa.list_(pa.string())),
        ("prices", pa.map_(pa.string(), pa.decimal128(10, 2))),
        ("items", pa.list_(pa.struct([("sku", pa.string()), ("at", pa.timestamp("ns"))]))),
    ]
)
NOON = dt.datetime(2026, 11, 21, 12, 0, 0, 5)
NESTED_ROWS = [
    {
        "id": 1,
        "address": {"city": "Rome", "zip": 1},
        "tags": ["a", None],
        "prices": {"x": Decimal("1.5"), "y": None},
        "items": [{"sku": "s", "at": NOON}, None],
    },
    {"id": 2, "address": {"zip": 2}, "tags": [], "prices": {}, "items": []},
    {"id": 3},
]
EXPECTED = pa.Table.from_pylist(
    [{**row, "prices": None if row.get("prices") is None else list(row["prices"].items())} for row in NESTED_ROWS],
    NESTED,
)
NESTED_ACCEPTED = {
    "dicts": NESTED_ROWS,
    "columns": {name: [row.get(name) for row in NESTED_ROWS] for name in NESTED.names},
    "pairs": [{**row, "prices": list(row["prices"].items())} if "prices" in row else row for row in NESTED_ROWS],
    "arrow": EXPECTED,
    "tuples and arrays": [
        {**row, "tags": None if row.get("tags") is None else np.array(row["tags"], object)} for row in NESTED_ROWS
    ],
}


def nested_table(warehouse):
    return ls.connect(warehouse).create_table("db.t", schema=NESTED, primary_key=["id"], options={"bucket": 1})


@pytest.mark.parametrize("name", NESTED_ACCEPTED)
def test_nested_values_are_accepted(name, tmp_path):
    table = nested_table(tmp_path)
    table.upsert(NESTED_ACCEPTED[name])
    assert table.to_arrow().sort_by("id").equals(EXPECTED)
    assert not table.check().findings


@pytest.mark.parametrize(
    ("made", "columns"),
    [
        (pl.from_arrow, ["id", "address", "tags", "items"]),
        (duckdb.from_arrow, NESTED.names),
        (lambda table: table.to_pandas(), ["id", "address", "tags"]),
    ],
    ids=["polars", "duckdb", "pandas"],
)
def test_nested_frames_of_other_libraries_are_accepted(made, columns, tmp_path):
    """Polars has no maps; pandas hands over pairs for maps, and counts for times inside lists."""
    table = nested_table(tmp_path)
    table.upsert(made(EXPECTED.select(columns)))
    assert table.scan(select=columns).to_arrow().sort_by("id").equals(EXPECTED.select(columns))


def test_polars_maps_are_lists_of_key_and_value(tmp_path):
    table = nested_table(tmp_path)
    table.upsert(pl.DataFrame({"id": [1], "prices": [[{"key": "x", "value": Decimal("1.5")}]]}))
    assert table.scan(select=["prices"]).to_pylist() == [{"prices": [("x", Decimal("1.50"))]}]


NESTED_REFUSED = {
    "another member": ({"address": {"cty": "x"}}, "column 'address.cty' is not in the table"),
    "text for a row": ({"address": "Rome"}, "row 1, column 'address': the value 'Rome' .str. is no ROW"),
    "text for a list": ({"tags": "ab"}, "row 1, column 'tags': the value 'ab' .str. is no ARRAY<STRING>"),
    "a number among texts": ({"tags": ["a", 5]}, r"row 1, column 'tags\[1\]': the value '5' .int."),
    "a null key": ({"prices": {None: 1}}, r"row 1, column 'prices\[0\]': the key is null"),
    "no pair": ({"prices": [("a", 1, 2)]}, r"row 1, column 'prices\[0\]': .* expected pairs of key and value"),
    "a key twice": (
        {"prices": [("a", 1), ("b", 1), ("a", 2)]},
        r"row 1, column 'prices\[2\]': the map has a key twice: .?a",
    ),
    "too many digits": ({"prices": {"x": Decimal("1.555")}}, r"row 1, column 'prices\[0\].value': the value Decimal"),
    "too large": ({"address": {"zip": 2**31}}, "row 1, column 'address.zip': the value 2147483648"),
    "not whole": ({"address": {"zip": 1.5}}, "column 'address.zip': values of Arrow type double are not taken for INT"),
    "a zone": (
        {"items": [None, {"at": NOON.replace(tzinfo=dt.UTC)}]},
        r"column 'items.element.at': values of Arrow type timestamp\[us, tz=UTC\] are not taken for TIMESTAMP\(9\)",
    ),
}


@pytest.mark.parametrize("name", NESTED_REFUSED)
def test_nested_values_are_refused_by_row_and_path(name, tmp_path):
    table = nested_table(tmp_path)
    values, message = NESTED_REFUSED[name]
    with pytest.raises(ls.InvalidInputError, match=message):
        table.upsert([{"id": 0}, {"id": 1, **values}])
    assert table.snapshots.list().num_rows == 0
