"""Filtering rows: three-valued logic, IEEE floats, LIKE, and Arrow's many forms of one column."""

import math
import pickle
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from lakestore.core.bind import bind
from lakestore.core.filter import keep, mask, matches_values
from lakestore.core.like import like_expression, like_prefix
from lakestore.core.where import parse_where
from lakestore.errors import ErrorKind, NotFoundError
from lakestore.model.arrow import fields_from_arrow
from lakestore.model.predicate import And, Compare, CompareOp, Constant, IsIn, IsNull, Like, Not, Or

T, F, U = True, False, None
TRUTHS = pa.table({"p": [T, T, T, F, F, F, U, U, U], "q": [T, F, U] * 3})


def outcomes(where, table):
    predicate = bind(parse_where(where), fields_from_arrow(table.schema))
    found = mask(predicate, table)
    assert isinstance(found, pa.BooleanArray)
    return found.to_pylist()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("p and q", [T, F, U, F, F, F, U, F, U]),
        ("p or q", [T, T, T, T, F, U, T, U, U]),
        ("not p", [F, F, F, T, T, T, U, U, U]),
        ("p is null", [F, F, F, F, F, F, T, T, T]),
        ("p = null", [U] * 9),
        ("p != true", [F, F, F, T, T, T, U, U, U]),
        ("p in (true, null)", [T, T, T, U, U, U, U, U, U]),
        ("p not in (true, null)", [F, F, F, U, U, U, U, U, U]),
        ("p in ()", [F] * 9),
        ("p and null", [U, U, U, F, F, F, U, U, U]),
        ("null or true", [T] * 9),
        ("not null", [U] * 9),
        ("not (p or null)", [F, F, F, U, U, U, U, U, U]),
        ("p > false", [T, T, T, F, F, F, U, U, U]),
    ],
)
def test_three_valued_logic(where, expected):
    assert outcomes(where, TRUTHS) == expected


def test_delete_where_not_equal_keeps_rows_without_a_value():
    table = pa.table({"x": [1, 2, None]})
    predicate = bind(parse_where("x != 1"), fields_from_arrow(table.schema))
    assert keep(predicate, table).to_pylist() == [{"x": 2}]
    assert keep(Not(child=predicate), table).to_pylist() == [{"x": 1}]


FLOATS = [0.0, -0.0, math.nan, math.inf, 0.1, None]


@pytest.mark.parametrize("kind", [pa.float32(), pa.float64()])
@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("x = 0", [T, T, F, F, F, U]),
        ("x != 0", [F, F, T, T, T, U]),
        ("x in (0, 5)", [T, T, F, F, F, U]),
        ("x < 0", [F, F, F, F, F, U]),
        ("x >= 0", [T, T, F, T, T, U]),
        ("not (x >= 0)", [F, F, T, F, F, U]),
        ("x = double 'Infinity'", [F, F, F, T, F, U]),
        ("x in (double 'NaN')", [F, F, F, F, F, U]),
        ("x != double 'NaN'", [T, T, T, T, T, U]),
    ],
)
def test_floats_compare_as_ieee_does(kind, where, expected):
    assert outcomes(where, pa.table({"x": pa.array(FLOATS, kind)})) == expected


def test_a_float_column_compares_as_the_doubles_that_it_holds():
    table = pa.table({"x": pa.array([0.1, 0.5], pa.float32())})
    assert outcomes("x = 0.1", table) == [F, F]
    assert outcomes("x > 0.1", table) == [T, T]
    assert outcomes("x = 0.10000000149011612", table) == [T, F]
    assert outcomes("x in (0.1, 0.5)", table) == [F, T]


def test_wide_decimals_are_exact():
    values = [Decimal(12345678901234567890123456789012345678), Decimal(12345678901234567890123456789012345679)]
    table = pa.table({"x": pa.array(values, pa.decimal128(38, 0))})
    assert outcomes("x > 12345678901234567890123456789012345678", table) == [F, T]
    assert outcomes("x in (12345678901234567890123456789012345679.0)", table) == [F, T]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize(
    ("nanos", "expected"),
    [
        (1_000_000_000, {"<": F, "<=": T, "=": T, "!=": F, ">=": T, ">": F}),
        (1_500_000_000, {"<": T, "<=": T, "=": F, "!=": T, ">=": F, ">": F}),
        (10**30, {"<": T, "<=": T, "=": F, "!=": T, ">=": F, ">": F}),
        (-(10**30), {"<": F, "<=": F, "=": F, "!=": T, ">=": T, ">": T}),
    ],
)
def test_timestamps_of_any_unit(unit, nanos, expected):
    ticks = {"s": 1, "ms": 1000, "us": 10**6, "ns": 10**9}[unit]
    table = pa.table({"x": pa.array([ticks, None], pa.timestamp(unit))})
    found = {op: mask(Compare(column="x", op=CompareOp(op), value=nanos), table).to_pylist() for op in expected}
    assert found == {op: [outcome, U] for op, outcome in expected.items()}
    assert mask(IsIn(column="x", values=(nanos, 5)), table).to_pylist() == [expected["="], U]


def test_one_list_works_on_columns_of_several_types():
    floats = IsIn(column="x", values=(0.1, 0.5))
    for kind, expected in ((pa.float32(), [F, T]), (pa.float64(), [T, T]), (pa.float32(), [F, T])):
        assert mask(floats, pa.table({"x": pa.array([0.1, 0.5], kind)})).to_pylist() == expected
    moments = IsIn(column="x", values=(1_500_000_000, 2_000_000_000))
    for unit, ticks, expected in (("s", [1, 2], [F, T]), ("ms", [1500, 2000], [T, T]), ("ns", [1, 2], [F, F])):
        assert mask(moments, pa.table({"x": pa.array(ticks, pa.timestamp(unit))})).to_pylist() == expected
    again = pickle.loads(pickle.dumps(moments))
    assert again == moments
    assert hash(again) == hash(moments)
    assert matches_values(again, {"x": 1_500_000_000}) is T


WORDS = ["ab", "a%b", "a_b", "a\nb", "A%B", "a\\b", "", "é", "日本", None]


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("a%b", ["ab", "a%b", "a_b", "a\nb", "a\\b"]),
        (r"a\%b", ["a%b"]),
        (r"a\_b", ["a_b"]),
        (r"a\\b", ["a\\b"]),
        ("a_b", ["a%b", "a_b", "a\nb", "a\\b"]),
        ("_", ["é"]),
        ("__", ["ab", "日本"]),
        ("", [""]),
        ("%", WORDS[:-1]),
        ("%b", ["ab", "a%b", "a_b", "a\nb", "a\\b"]),
        (r"%\%%", ["a%b", "A%B"]),
        ("a.b", []),
        ("[a]b", []),
        ("ab", ["ab"]),
    ],
)
def test_like(pattern, matches):
    expected = [None if word is None else word in matches for word in WORDS]
    predicate = Like(column="x", pattern=pattern)
    for kind in (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())):
        assert mask(predicate, pa.table({"x": pa.array(WORDS, pa.string()).cast(kind)})).to_pylist() == expected
    assert [matches_values(predicate, {"x": word}) for word in WORDS] == expected
    prefix, whole = like_prefix(pattern)
    assert all(word.startswith(prefix) for word in matches)
    assert not whole or matches in ([], [prefix])
    assert [word for word in WORDS[:-1] if like_expression(pattern).fullmatch(word)] == matches


@pytest.mark.parametrize("kind", [pa.string_view(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_other_forms_of_text_compare(kind):
    table = pa.table({"x": pa.array(["a", "b", None], pa.string()).cast(kind)})
    assert mask(Compare(column="x", op=CompareOp.GE, value="b"), table).to_pylist() == [F, T, U]
    assert mask(IsIn(column="x", values=("a", "c")), table).to_pylist() == [T, F, U]


def test_batches_chunks_and_slices():
    table = pa.table({"x": pa.chunked_array([[1, None], [], [3, 4]], pa.int64())})
    predicate = Compare(column="x", op=CompareOp.GT, value=2)
    assert mask(predicate, table).to_pylist() == [F, U, T, T]
    assert mask(predicate, table.slice(1, 2)).to_pylist() == [U, T]
    batch = pa.record_batch({"x": [1, 3]})
    assert isinstance(keep(predicate, batch), pa.RecordBatch)
    assert keep(predicate, batch).to_pydict() == {"x": [3]}


def test_keep_copies_nothing_when_all_rows_stay():
    table = pa.table({"x": [1, 2]})
    assert keep(None, table) is table
    assert keep(Constant(value=True), table) is table
    assert keep(Compare(column="x", op=CompareOp.GT, value=0), table) is table
    nothing = keep(Constant(value=None), table)
    assert nothing.num_rows == 0
    assert nothing.schema == table.schema


def test_no_rows_at_all():
    table = pa.table({"x": pa.array([], pa.int64())})
    for predicate in (Constant(value=None), Compare(column="x", op=CompareOp.EQ, value=1), IsNull(column="x")):
        assert mask(predicate, table).to_pylist() == []
        assert keep(predicate, table).num_rows == 0


def test_a_missing_column_is_an_error_not_null():
    table = pa.table({"x": [1]})
    for predicate in (IsNull(column="y"), Compare(column="y", op=CompareOp.EQ, value=1)):
        with pytest.raises(NotFoundError, match="needs column 'y'; the rows have: x") as caught:
            mask(predicate, table)
        assert caught.value.kind is ErrorKind.COLUMN_NOT_FOUND
        with pytest.raises(NotFoundError, match="there are values for: x"):
            matches_values(predicate, {"x": 1})


def test_empty_ands_and_ors():
    table = pa.table({"x": [1, 2]})
    for predicate, expected in ((And(children=()), T), (Or(children=()), F)):
        assert mask(predicate, table).to_pylist() == [expected] * 2
        assert matches_values(predicate, {}) is expected


def test_a_million_rows_take_no_time_per_row():
    numbers = np.arange(1_000_000)
    table = pa.table({"x": numbers, "y": numbers % 7})
    predicate = bind(
        parse_where("x between 10 and 999989 and y in (1, 2) or x is null"), fields_from_arrow(table.schema)
    )
    assert keep(predicate, table).num_rows == int(
        ((numbers >= 10) & (numbers <= 999989) & np.isin(numbers % 7, [1, 2])).sum()
    )
