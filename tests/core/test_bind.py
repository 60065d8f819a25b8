"""Binding: what each literal becomes on each type of column, and what is refused."""

import math
from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal

import numpy as np
import pytest

from lakestore.core.bind import MAX_DEPTH, bind
from lakestore.core.where import parse_where
from lakestore.core.where_text import to_text
from lakestore.errors import ErrorKind, InvalidInputError, NotFoundError
from lakestore.model.arrow import assign_ids
from lakestore.model.predicate import Compare, CompareOp, IsIn, Like, Not, col
from lakestore.model.types import parse_type, parse_type_text

FIELDS = assign_ids(
    [
        (name, parse_type_text(text), None)
        for name, text in {
            "tiny": "TINYINT",
            "qty": "INT",
            "big": "BIGINT",
            "price": "DECIMAL(6, 2)",
            "f": "FLOAT",
            "g": "DOUBLE",
            "s": "VARCHAR(3)",
            "x": "VARBINARY(3)",
            "ok": "BOOLEAN",
            "day": "DATE",
            "t": "TIME(3)",
            "ts": "TIMESTAMP(3)",
            "ts9": "TIMESTAMP(9)",
            "z": "TIMESTAMP(6) WITH LOCAL TIME ZONE",
        }.items()
    ]
    + [("list", parse_type({"type": "ARRAY", "element": "INT"}), None)]
)
NEVER, ALWAYS = "{0} IS NULL AND NULL", "{0} IS NOT NULL OR NULL"

BOUND = {
    "qty > 1.5": "qty >= 2",
    "qty >= 1.5": "qty >= 2",
    "qty < 1.5": "qty <= 1",
    "qty <= 1.5": "qty <= 1",
    "qty < -1.5": "qty <= -2",
    "qty = 1.5": NEVER,
    "qty != 1.5": ALWAYS,
    "qty = 2.0": "qty = 2",
    "qty > 2e0": "qty > 2",
    "qty > 2147483647": "qty > 2147483647",
    "qty > 2147483648": NEVER,
    "qty <= 2147483648": ALWAYS,
    "qty != 2147483648": ALWAYS,
    "qty < -2147483649": NEVER,
    "qty >= -2147483649": ALWAYS,
    "tiny = 128": NEVER,
    "tiny = -128": "tiny = -128",
    "big < 9223372036854775808": ALWAYS,
    "big = 9007199254740993": "big = 9007199254740993",
    "big > double 'Infinity'": NEVER,
    "big >= double '-Infinity'": ALWAYS,
    "big < double 'NaN'": NEVER,
    "big != double 'NaN'": ALWAYS,
    "qty = null": "NULL",
    "qty in (1, 1.0, 2.5, 3000000000, 2)": "qty IN (1, 2)",
    "qty in (2.5, 3000000000)": NEVER,
    "qty in (1, null)": "qty IN (1) OR NULL",
    "qty in (null)": "qty IS NULL AND NULL OR NULL",
    "qty in ()": "FALSE",
    "qty not in (1, 1)": "qty NOT IN (1)",
    "price = 1.5": "price = 1.50",
    "price = 1": "price = 1.00",
    "price > 1.005": "price >= 1.01",
    "price <= 1.005": "price <= 1.00",
    "price = 1.005": NEVER,
    "price = 1.1e0": "price = 1.10",
    "price < 10000": ALWAYS,
    "price > 9999.99": "price > 9999.99",
    "price >= 9999.991": NEVER,
    "g = 0.1": "g = 0.1e0",
    "g = 1": "g = 1.0e0",
    "g > 9007199254740993": "g >= 9007199254740994.0e0",
    "g <= 9007199254740993": "g <= 9007199254740992.0e0",
    "g = 9007199254740993": NEVER,
    "g != 9007199254740993": ALWAYS,
    "g = double 'NaN'": NEVER,
    "g != double 'NaN'": ALWAYS,
    "g <= double 'NaN'": NEVER,
    "g < double 'Infinity'": "g < DOUBLE 'Infinity'",
    "f = 0.1": "f = 0.1e0",
    "g in (0.5, double 'NaN')": "g IN (0.5e0)",
    "s = 'longer than it'": "s = 'longer than it'",
    "s like 'a%'": "s LIKE 'a%'",
    "x >= X'ff'": "x >= X'ff'",
    "ok": "ok = TRUE",
    "ok in (true, false)": "ok IN (TRUE, FALSE)",
    "day = '2026-03-07'": "day = '2026-03-07'",
    "day = date '2026-03-07'": "day = '2026-03-07'",
    "day > timestamp '2026-03-07 12:00:00'": "day >= '2026-03-08'",
    "day < timestamp '2026-03-07 12:00:00'": "day <= '2026-03-07'",
    "day = timestamp '2026-03-07 12:00:00'": NEVER,
    "day = '-0044-03-15'": "day = '-0044-03-15'",
    "t = '23:59:01.5'": "t = '23:59:01.500'",
    "t > time '00:00:00.0015'": "t >= '00:00:00.002'",
    "t > time '23:59:59.9999'": NEVER,
    "ts = '2026-03-07 10:00:00'": "ts = '2026-03-07 10:00:00.000'",
    "ts >= date '2026-03-07'": "ts >= '2026-03-07 00:00:00.000'",
    "ts > '2026-03-07 10:00:00.0005'": "ts >= '2026-03-07 10:00:00.001'",
    "ts9 = '2026-03-07 10:00:00.000000001'": "ts9 = '2026-03-07 10:00:00.000000001'",
    "ts9 < '2262-04-12 00:00:00'": ALWAYS,
    "ts9 > '1600-01-01'": ALWAYS,
    "z = '2026-03-07 10:00:00+02:00'": "z = '2026-03-07 08:00:00.000000Z'",
    "z = timestamp '2026-03-07 10:00:00-01:30'": "z = '2026-03-07 11:30:00.000000Z'",
    "list is not null": "list IS NOT NULL",
}


@pytest.mark.parametrize("text", BOUND)
def test_binds(text):
    bound = bind(parse_where(text), FIELDS)
    assert to_text(bound, FIELDS) == BOUND[text].format(text.split()[0])
    assert bind(parse_where(to_text(bound, FIELDS)), FIELDS) == bound


def value_of(predicate):
    bound = bind(predicate, FIELDS)
    assert isinstance(bound, Compare)
    return bound.value


@pytest.mark.parametrize(
    ("predicate", "value"),
    [
        (col("qty") == np.int64(3), 3),
        (col("g") == np.float32(0.5), 0.5),
        (col("g") == np.int8(3), 3.0),
        (col("ok") == np.bool_(True), True),
        (col("s") == np.str_("a"), "a"),
        (col("x") == bytearray(b"a"), b"a"),
        (col("day") == np.datetime64("2026-03-07"), 20519),
        (col("day") == datetime(2026, 3, 7), 20519),
        (col("ts9") == np.datetime64("2026-03-07T00:00:00.000000001"), 20519 * 86_400 * 10**9 + 1),
        (col("ts") == np.datetime64("1970-01-01T00:00", "m"), 0),
        (col("t") == time(0, 0, 0, 1000), 1),
        (col("ts") == datetime(1969, 12, 31, 23, 59, 59, 999_000), -1_000_000),
        (col("z") == datetime(1970, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), 0),
        (col("price") == 1.1, Decimal("1.10")),
    ],
)
def test_python_and_numpy_values(predicate, value):
    found = value_of(predicate)
    assert found == value
    assert type(found) is type(value)


def test_pandas_timestamps_keep_their_nanoseconds():
    pandas = pytest.importorskip("pandas")
    assert value_of(col("ts9") == pandas.Timestamp("1970-01-01T00:00:00.000000001")) == 1
    assert value_of(col("z") == pandas.Timestamp("1970-01-01T00:00:00", tz="Europe/Berlin")) == -3600 * 10**9
    assert to_text(bind(col("ts9") == pandas.NaT, FIELDS)) == "NULL"
    assert to_text(bind(col("ts9") == np.datetime64("NaT"), FIELDS)) == "NULL"


@pytest.mark.parametrize(
    ("predicate", "message"),
    [
        ("qty = '5'", "column 'qty' is INT and cannot be compared with '5'; it compares with a number"),
        ("qty = true", "compares with a number"),
        ("g = true", "compares with a number"),
        ("price = '1.5'", "compares with a number"),
        ("ok = 1", "compares with TRUE or FALSE"),
        ("ok = 'true'", "compares with TRUE or FALSE"),
        ("s = 1", "compares with text in single quotes"),
        ("s = date '2026-03-07'", "compares with text in single quotes"),
        ("x = 'a'", "compares with bytes"),
        ("day = 1", "compares with a date"),
        ("day = '7 March'", "column 'day' is DATE: cannot read '7 March'"),
        ("day = timestamp '2026-03-07 00:00:00Z'", "compares with a date"),
        ("t = '25:00:00'", "column 't' is TIME(3): cannot read '25:00:00'"),
        ("t = timestamp '2026-03-07 00:00:00'", "compares with a time"),
        ("ts = 0", "compares with a timestamp without a zone"),
        ("ts = timestamp '2026-03-07 00:00:00Z'", "compares with a timestamp without a zone"),
        ("ts = '2026-03-07 00:00:00Z'", "column 'ts' is TIMESTAMP(3): '2026-03-07 00:00:00Z' has a time zone"),
        ("z = timestamp '2026-03-07 00:00:00'", "compares with a timestamp with a zone"),
        ("z = '2026-03-07 00:00:00'", "compares with a timestamp with a zone"),
        ("z = '2026-03-07'", "compares with a timestamp with a zone"),
        ("z = date '2026-03-07'", "compares with a timestamp with a zone"),
        ("list = 1", "such columns only take IS NULL"),
        ("qty in (1, 'a')", "cannot be compared with 'a'"),
        ("qty like '1%'", "LIKE works on text; column 'qty' is INT"),
        (r"s like 'a\b'", "a backslash stands only before"),
        (r"s like 'a\'", "a backslash stands only before"),
        (Like(column="s", pattern=5), "LIKE takes a pattern as text"),
        (col("s") == "\ud800", "surrogates not allowed"),
        (col("qty") == [1], "cannot be compared with [1]"),
        (col("qty") == np.datetime64(1, "ns"), "compares with a number"),
        (col("ts") == np.datetime64(1, "ps"), "compares with a timestamp"),
        (col("z") == np.datetime64(1, "ns"), "compares with a timestamp with a zone"),
        (col("z") == datetime(2026, 3, 7), "compares with a timestamp with a zone"),
        (col("ts") == datetime(2026, 3, 7, tzinfo=UTC), "compares with a timestamp without a zone"),
        (col("t") == time(1, tzinfo=UTC), "compares with a time"),
    ],
)
def test_refuses_what_does_not_compare(predicate, message):
    with pytest.raises(InvalidInputError) as caught:
        bind(parse_where(predicate) if isinstance(predicate, str) else predicate, FIELDS)
    assert caught.value.kind is ErrorKind.INVALID_PREDICATE
    assert message in caught.value.message


@pytest.mark.parametrize(
    "text", ["nope = 1", "nope is null", "nope like 'a'", "nope in (1)", "not (qty = 1 or nope = 1)"]
)
def test_unknown_columns_are_named(text):
    with pytest.raises(NotFoundError, match="column 'nope' not found; there are: tiny, qty, big") as caught:
        bind(parse_where(text), FIELDS)
    assert caught.value.kind is ErrorKind.COLUMN_NOT_FOUND


def test_a_column_in_another_case_is_proposed():
    with pytest.raises(NotFoundError, match=r"did you mean 'qty'\?"):
        bind(parse_where("QTY = 1"), FIELDS)


def test_depth_is_limited_and_chains_are_flat():
    deep = col("qty") == 1
    for _ in range(MAX_DEPTH):
        deep = Not(child=deep)
    with pytest.raises(InvalidInputError, match="levels deep"):
        bind(deep, FIELDS)
    chain = col("qty") == 0
    for n in range(1, 3000):
        chain = chain | (col("qty") == n)
    assert len(bind(chain, FIELDS).children) == 3000


def test_huge_decimals_cost_nothing():
    assert to_text(bind(col("qty") < Decimal("1e999999"), FIELDS)) == ALWAYS.format("qty")
    assert to_text(bind(col("qty") > Decimal("1e-999999"), FIELDS)) == "qty >= 1"
    assert to_text(bind(col("g") < Decimal("-1e999999"), FIELDS)) == "g <= DOUBLE '-Infinity'"


def test_bound_literals_have_no_nan_and_no_null():
    bound = bind(IsIn(column="g", values=(1, None, math.nan)), FIELDS)
    assert to_text(bound) == "g IN (1.0e0) OR NULL"
    assert bind(Compare(column="g", op=CompareOp.NE, value=math.nan), FIELDS) == bind(
        Compare(column="g", op=CompareOp.NE, value=Decimal("NaN")), FIELDS
    )
