"""What users hand in, as a stream of tables."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from lakestore.core.ingest import to_schema
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.arrow import assign_ids
from lakestore.model.types import parse_type_text
from lakestore.write.input import BATCH_BYTES, batches

TABLE = pa.table({"a": [1, 2, 3], "s": ["x", None, "z"]})


class OnlyStream:
    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


class OnlyArray:
    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch

    def __arrow_c_array__(self, requested_schema=None):
        return self._batch.__arrow_c_array__(requested_schema)


def fields(**types):
    return assign_ids([(name, parse_type_text(text), None) for name, text in types.items()])


FORMS = {
    "table": TABLE,
    "batch": TABLE.to_batches()[0],
    "reader": lambda: pa.RecordBatchReader.from_batches(TABLE.schema, TABLE.to_batches(max_chunksize=2)),
    "stream": OnlyStream(TABLE),
    "array": OnlyArray(TABLE.to_batches()[0]),
    "dicts": [{"a": 1, "s": "x"}, {"a": 2}, {"s": "z", "a": 3}],
    "generator of dicts": lambda: (row for row in [{"a": 1, "s": "x"}, {"a": 2, "s": None}, {"a": 3, "s": "z"}]),
    "columns": {"a": [1, 2, 3], "s": ["x", None, "z"]},
    "numpy columns": {"a": np.array([1, 2, 3]), "s": pa.array(["x", None, "z"])},
    "list of batches": TABLE.to_batches(max_chunksize=1),
    "generator of anything": lambda: iter(
        [TABLE.slice(0, 1), OnlyStream(TABLE.slice(1, 1)), TABLE.to_batches()[0].slice(2)]
    ),
    "polars": pl.DataFrame({"a": [1, 2, 3], "s": ["x", None, "z"]}),
    "pandas": pd.DataFrame({"a": [1, 2, 3], "s": ["x", None, "z"]}),
    "duckdb": lambda: duckdb.sql("select * from (values (1, 'x'), (2, NULL), (3, 'z')) t(a, s)"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_rows(form):
    data = FORMS[form]
    data = data() if callable(data) else data
    want = fields(a="BIGINT", s="STRING")
    rows = pa.concat_tables([to_schema(part, want) for part in batches(data, fields=want)])
    assert rows.to_pydict() == TABLE.to_pydict()


@pytest.mark.parametrize("data", ["orders.csv", b"x", None, 7, Path("x"), 1.5])
def test_what_is_no_rows_at_all(data):
    with pytest.raises(InvalidInputError, match=type(data).__name__) as caught:
        list(batches(data))
    assert caught.value.kind is ErrorKind.INVALID_TYPE


def test_a_path_is_explained():
    with pytest.raises(InvalidInputError, match="load the file first"):
        batches("orders.parquet")


def test_items_that_are_no_batches():
    with pytest.raises(InvalidInputError, match="item of the iterable is a int"):
        list(batches([TABLE, 7]))


def test_nothing():
    assert list(batches([])) == []
    assert [len(part) for part in batches(TABLE.slice(0, 0))] == [0]


def test_large_input_is_cut_and_small_input_is_joined():
    table = pa.table({"a": range(1000)})
    assert [len(part) for part in batches(table, batch_rows=300)] == [300, 300, 300, 100]
    small = (table.slice(start, 10) for start in range(0, 1000, 10))
    assert [len(part) for part in batches(small, batch_rows=256)] == [250, 250, 250, 250]


def test_batches_are_bounded_in_bytes():
    table = pa.table({"text": pa.array(["x" * 1_000_000] * 100)})
    parts = list(batches(table))
    assert len(parts) == 4
    assert all(part.nbytes <= BATCH_BYTES for part in parts)
    assert sum(map(len, parts)) == 100


def test_streams_are_read_on_demand():
    taken = []

    def source():
        for number in range(10):
            taken.append(number)
            yield pa.table({"a": range(100)})

    stream = batches(source(), batch_rows=100)
    next(stream)
    assert len(taken) <= 2


def test_batches_of_different_columns_are_kept_apart():
    parts = list(batches([pa.table({"a": [1]}), pa.table({"b": [2]}), pa.table({"b": [3]})]))
    assert [part.column_names for part in parts] == [["a"], ["b"]]
    assert [len(part) for part in parts] == [1, 2]


def test_pandas_row_labels_are_dropped_unless_they_have_a_name():
    frame = pd.DataFrame({"a": [1, 2, 3]})
    filtered = frame[frame.a != 2]
    assert next(batches(filtered)).column_names == ["a"]
    assert next(batches(pa.Table.from_pandas(filtered))).column_names == ["a"]
    named = filtered.set_index(pd.Index([7, 8], name="key"))
    assert sorted(next(batches(named)).column_names) == ["a", "key"]


def test_pandas_text_categories_and_zones():
    frame = pd.DataFrame(
        {
            "s": pd.Series(["x", None], dtype="str"),
            "c": pd.Categorical(["u", "v"]),
            "t": pd.to_datetime(["2026-01-02", "2026-01-03"]),
            "z": pd.to_datetime(["2026-01-02T10:00:00+02:00", None], utc=True),
        }
    )
    want = fields(s="STRING", c="STRING", t="TIMESTAMP(3)", z="TIMESTAMP_LTZ(6)")
    assert to_schema(next(batches(frame)), want).to_pylist() == [
        {
            "s": "x",
            "c": "u",
            "t": dt.datetime(2026, 1, 2),
            "z": dt.datetime(2026, 1, 2, 8, tzinfo=dt.UTC),
        },
        {"s": None, "c": "v", "t": dt.datetime(2026, 1, 3), "z": None},
    ]


def test_polars_categories_and_enums():
    frame = pl.DataFrame(
        {
            "c": pl.Series(["u", "v"], dtype=pl.Categorical),
            "e": pl.Series(["b", None], dtype=pl.Enum(["a", "b"])),
            "d": pl.Series([Decimal("1.50"), None]),
        }
    )
    want = fields(c="STRING", e="STRING", d="DECIMAL(10, 1)")
    assert to_schema(next(batches(frame)), want).to_pydict() == {
        "c": ["u", "v"],
        "e": ["b", None],
        "d": [Decimal("1.5"), None],
    }


def test_python_values_of_every_type():
    want = fields(
        a="TINYINT", b="DOUBLE", c="FLOAT", d="DECIMAL(38, 2)", e="STRING", f="BYTES", g="DATE", h="TIME(3)",
        i="TIMESTAMP(6)", j="TIMESTAMP_LTZ(6)", k="BOOLEAN", l="STRING",
    )  # fmt: skip
    zone = dt.timezone(dt.timedelta(hours=2))
    rows = [
        {
            "a": 7, "b": 1, "c": 0.1, "d": 10**30, "e": "x", "f": b"y", "g": dt.date(2026, 1, 2), "h": dt.time(1, 2),
            "i": dt.datetime(2026, 1, 2, 3), "j": dt.datetime(2026, 1, 2, 3, tzinfo=zone), "k": True, "l": None,
        },
        {"a": None, "b": 2.5, "d": Decimal("-1.25")},
    ]  # fmt: skip
    out = to_schema(next(batches(rows, fields=want)), want).to_pylist()
    assert out[0]["c"] == float(np.float32(0.1))
    assert out[0]["d"] == Decimal(10**30)
    assert out[0]["j"] == dt.datetime(2026, 1, 2, 1, tzinfo=dt.UTC)
    assert {name: out[0][name] for name in "abefghikl"} == {name: rows[0][name] for name in "abefghikl"}
    assert out[1] == {**dict.fromkeys("abcdefghijkl"), "b": 2.5, "d": Decimal("-1.25")}


LOSSY = [
    ({"x": dt.datetime(2026, 1, 2, 5)}, "DATE", ErrorKind.LOSSY_VALUE),
    ({"x": dt.datetime(2026, 1, 2, tzinfo=dt.UTC)}, "TIMESTAMP(6)", ErrorKind.INVALID_TYPE),
    ({"x": dt.datetime(2026, 1, 2)}, "TIMESTAMP_LTZ(6)", ErrorKind.INVALID_TYPE),
    ({"x": 1.5}, "INT", ErrorKind.INVALID_TYPE),
    ({"x": True}, "INT", ErrorKind.INVALID_TYPE),
    ({"x": 1e300}, "FLOAT", ErrorKind.LOSSY_VALUE),
    ({"x": 2**40}, "INT", ErrorKind.LOSSY_VALUE),
    ({"x": Decimal("1.25")}, "DECIMAL(10, 1)", ErrorKind.LOSSY_VALUE),
    ({"x": 1.5}, "DECIMAL(10, 1)", ErrorKind.INVALID_TYPE),
    ({"x": 10**40}, "DECIMAL(10, 1)", ErrorKind.LOSSY_VALUE),
    ({"x": Decimal("NaN")}, "DECIMAL(10, 1)", ErrorKind.INVALID_TYPE),
]


@pytest.mark.parametrize(("row", "kind", "error"), LOSSY, ids=str)
def test_python_values_never_change_silently(row, kind, error):
    want = fields(x=kind)
    with pytest.raises(InvalidInputError, match="'x'") as caught:
        for part in batches([row], fields=want):
            to_schema(part, want)
    assert caught.value.kind is error


def test_a_value_that_makes_no_column_is_named():
    rows = [{"x": number} for number in range(100)] + [{"x": "text"}, {"x": 5}]
    with pytest.raises(InvalidInputError, match=r"row 100, column 'x'.*'text' \(str\)"):
        list(batches(rows))


def test_rows_are_counted_over_the_whole_input():
    rows = [{"x": number} for number in range(100)] + [{"x": object()}]
    with pytest.raises(InvalidInputError, match="row 100, column 'x'"):
        list(batches(rows, batch_rows=30))
    with pytest.raises(InvalidInputError, match="row 50 is a list"):
        list(batches([{"x": 1}] * 50 + [[1]], batch_rows=30))


def test_columns_of_different_length():
    with pytest.raises(InvalidInputError, match=r"\{'a': 2, 'b': 1\}"):
        batches({"a": [1, 2], "b": [1]})
    with pytest.raises(InvalidInputError, match="column 'a' is a int"):
        batches({"a": 1})


def test_rows_without_columns_are_not_lost_silently():
    with pytest.raises(InvalidInputError, match="empty dicts"):
        list(batches([{}, {}]))
