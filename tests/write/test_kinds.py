"""Row kinds in every form that users hand them in."""

import numpy as np
import pyarrow as pa
import pytest

from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.rows import RowKind
from lakestore.write.kinds import SHORTS, with_kinds
from tests.writing import table_schema

SCHEMA = table_schema({"k": "INT", "v": "STRING"}, key=["k"])
PARTS = [pa.table({"k": [1, 2]}), pa.table({"k": [3]})]
MIXED = ["+I", "-U", "-D"]


def told(row_kind, tables=PARTS, **options):
    return [
        (rows, None if kinds is None else kinds.to_pylist())
        for rows, kinds in with_kinds(tables, row_kind, SCHEMA, **options)
    ]


def test_nobody_says():
    assert [kinds for _, kinds in told(None)] == [None, None]


@pytest.mark.parametrize("kind", [RowKind.DELETE, "-D"])
def test_one_kind_for_all_rows(kind):
    assert [kinds for _, kinds in told(kind)] == [[3, 3], [3]]


@pytest.mark.parametrize(
    "array",
    [
        pa.array(MIXED),
        pa.array(MIXED, pa.large_string()),
        pa.array(MIXED, pa.string_view()),
        pa.array(MIXED).dictionary_encode(),
        pa.chunked_array([["+I"], ["-U", "-D"]]),
        pa.array([0, 1, 3], pa.int8()),
        np.array([0, 1, 3]),
        [RowKind.INSERT, RowKind.UPDATE_BEFORE, RowKind.DELETE],
        MIXED,
        tuple(MIXED),
    ],
    ids=str,
)
def test_an_array_runs_beside_the_rows(array):
    assert [kinds for _, kinds in told(array)] == [[0, 1], [3]]


def test_a_column_of_kinds_is_taken_out_of_the_rows():
    tables = [
        pa.table({"op": ["+U", "-D"], "k": [1, 2]}),
        pa.table({"k": [3], "op": pa.array(["+I"]).dictionary_encode()}),
    ]
    (first, kinds), (second, more) = told("op", tables)
    assert (first.column_names, kinds) == (["k"], [2, 3])
    assert (second.column_names, more) == (["k"], [0])


@pytest.mark.parametrize(
    ("row_kind", "message"),
    [
        (["+I"], "row_kind has 1 values for 3 rows"),
        (["+I", "insert", "-D"], "row 1, row_kind: 'insert' is no row kind; expected one of"),
        ([0, 1, 7], r"row 2, row_kind: 7 is no row kind; expected 0 \(\+I\)"),
        (["+I", None, "-D"], "row 1, row_kind: None"),
        (pa.array([0.0, 1.0, 3.0]), "Arrow type double are no row kinds"),
        (complex(1, 2), "row_kind is a complex: expected a RowKind"),
        ("op", r"row_kind='op': the rows have no such column; there are \['k'\]"),
        ("insert", "the rows have no such column.*Expected one of"),
        ("v", "row_kind='v' is a column of the table.*rowkind.field"),
    ],
    ids=str,
)
def test_what_is_no_row_kind_is_named(row_kind, message):
    with pytest.raises(InvalidInputError, match=message):
        told(row_kind)


def test_rows_of_a_column_are_counted_over_batches():
    tables = [pa.table({"k": [1, 2], "op": ["+I", "+I"]}), pa.table({"k": [3], "op": ["?"]})]
    with pytest.raises(InvalidInputError, match=r"row 2, column 'op': '\?' is no row kind"):
        told("op", tables)


def test_the_tables_own_column_says_the_kinds():
    with pytest.raises(InvalidInputError, match=r"rowkind.field says that column 'v' holds"):
        told("-D", rowkind_field="v")


def test_a_missing_column_has_a_kind_of_error_of_its_own():
    with pytest.raises(InvalidInputError) as caught:
        told("op")
    assert caught.value.kind is ErrorKind.MISSING_COLUMN
    assert all(short in caught.value.message for short in SHORTS)
