"""Law: ingest takes exactly the values that Python, asked one by one, can hold unchanged; else it names the first."""

import math
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakestore.core.ingest import to_schema
from lakestore.core.values import scalars_of
from lakestore.errors import InvalidInputError
from lakestore.model.arrow import assign_ids
from lakestore.model.types import INTEGERS, DataType, TypeRoot, parse_type_text

TICKS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
BITS = {TypeRoot.TINYINT: 8, TypeRoot.SMALLINT: 16, TypeRoot.INT: 32, TypeRoot.BIGINT: 64}
DAY = 86_400 * 10**9


def decimal(unscaled: int, scale: int) -> Decimal:
    """Built of digits: arithmetic on decimals rounds to 28 of them."""
    return Decimal((int(unscaled < 0), tuple(int(digit) for digit in str(abs(unscaled))), -scale))


def holds(value: object, kind: DataType) -> object:
    """The internal value that an exact column of that type holds, or an exception. One value, plain Python."""
    if value is None:
        return None
    if kind.root in INTEGERS:
        number = Fraction(value)
        limit = 2 ** (BITS[kind.root] - 1)
        if number.denominator != 1 or not -limit <= number < limit:
            raise ValueError
        return int(number)
    if kind.root is TypeRoot.DECIMAL:
        scaled = Fraction(value) * 10**kind.scale
        if scaled.denominator != 1 or abs(scaled) >= 10**kind.precision:
            raise ValueError
        return decimal(int(scaled), kind.scale)
    if kind.root in {TypeRoot.FLOAT, TypeRoot.DOUBLE}:
        if isinstance(value, int) and abs(value) > (2**24 if kind.root is TypeRoot.FLOAT else 2**53):
            raise ValueError
        with np.errstate(over="ignore"):
            stored = float(np.float32(value)) if kind.root is TypeRoot.FLOAT else float(value)
        if not math.isnan(stored) and stored != value:
            raise ValueError
        return stored
    if kind.root is TypeRoot.DATE:
        if value % DAY or not -(2**31) <= value // DAY < 2**31:
            raise ValueError
        return value // DAY
    unit = 10 ** (9 - kind.precision)
    if value % unit:
        raise ValueError
    if kind.root is TypeRoot.TIME:
        return value // 10**6
    arrow_unit = {0: "ms", 1: "ms", 2: "ms", 3: "ms", 4: "us", 5: "us", 6: "us"}.get(kind.precision, "ns")
    if not -(2**63) <= value // TICKS[arrow_unit] < 2**63:
        raise ValueError
    return value


def ticks(unit: str, zone: str | None = None) -> st.SearchStrategy:
    """Timestamps: (Arrow type, raw numbers, what they mean in nanoseconds)."""
    small = st.integers(-(10**6), 10**6)
    whole = st.integers(-(10**4), 10**4).map(lambda value: value * DAY // TICKS[unit])
    raw = st.lists(st.none() | small | whole | st.integers(-(2**62), 2**62), max_size=6)
    kind = pa.timestamp(unit, zone)
    return raw.map(lambda values: (pa.array(values, pa.int64()).cast(kind), scaled(values, TICKS[unit])))


def scaled(values: list[int | None], by: int) -> list[int | None]:
    return [None if value is None else value * by for value in values]


def plain(kind: pa.DataType, values: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(st.none() | values, max_size=6).map(lambda items: (pa.array(items, kind), items))


def integers(bits: int, signed: bool) -> st.SearchStrategy:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    kind = getattr(pa, f"{'int' if signed else 'uint'}{bits}")()
    edges = st.sampled_from([0, 1, low, high, min(high, 127), min(high, 128), min(high, 2**24 + 1)])
    return plain(kind, edges | st.integers(low, high))


def decimals(precision: int, scale: int) -> st.SearchStrategy:
    raw = st.integers(-(10**precision) + 1, 10**precision - 1) | st.sampled_from([0, 10, 100, -1000])
    values = raw.filter(lambda value: abs(value) < 10**precision)
    return plain(pa.decimal128(precision, scale), values.map(lambda value: decimal(value, scale)))


def times(kind: pa.DataType, unit: str) -> st.SearchStrategy:
    per_day = DAY // TICKS[unit]
    raw = st.lists(st.none() | st.integers(0, per_day - 1) | st.sampled_from([0, per_day // 24]), max_size=6)
    storage = pa.int32() if unit in {"s", "ms"} else pa.int64()
    return raw.map(lambda values: (pa.array(values, storage).cast(kind), scaled(values, TICKS[unit])))


NUMBERS = st.one_of(
    *(integers(bits, signed) for bits in (8, 16, 32, 64) for signed in (True, False)),
    decimals(5, 2),
    decimals(18, 4),
    decimals(38, 0),
)
NUMERIC = st.sampled_from(
    ["TINYINT", "SMALLINT", "INT", "BIGINT", "DECIMAL(3, 1)", "DECIMAL(10, 2)", "DECIMAL(20, 0)", "DECIMAL(38, 10)"]
)
CASES = st.one_of(
    st.tuples(NUMBERS, NUMERIC),
    st.tuples(
        st.one_of(
            plain(pa.float64(), st.floats() | st.sampled_from([0.5, -0.0, 2.0**127])),
            plain(pa.float32(), st.floats(width=32)),
            integers(64, signed=True),
            integers(32, signed=False),
        ),
        st.sampled_from(["FLOAT", "DOUBLE"]),
    ),
    st.tuples(
        st.one_of(*(ticks(unit) for unit in TICKS)),
        st.sampled_from(["DATE", *(f"TIMESTAMP({precision})" for precision in range(10))]),
    ),
    st.tuples(
        st.one_of(*(ticks(unit, "+05:30") for unit in TICKS)),
        st.sampled_from([f"TIMESTAMP({precision}) WITH LOCAL TIME ZONE" for precision in range(10)]),
    ),
    st.tuples(
        st.one_of(
            times(pa.time32("s"), "s"),
            times(pa.time32("ms"), "ms"),
            times(pa.time64("us"), "us"),
            times(pa.time64("ns"), "ns"),
        ),
        st.sampled_from(["TIME(0)", "TIME(1)", "TIME(2)", "TIME(3)"]),
    ),
)
ENCODINGS = ("plain", "dictionary", "sliced", "chunked")


def encoded(array: pa.Array, encoding: str) -> pa.Array | pa.ChunkedArray:
    if encoding == "dictionary" and not pa.types.is_decimal(array.type):
        return array.dictionary_encode()
    if encoding == "sliced":
        return pa.concat_arrays([array, array]).slice(len(array))
    if encoding == "chunked":
        half = len(array) // 2
        return pa.chunked_array([array.slice(0, half), array.slice(half)])
    return array


@settings(max_examples=400, deadline=None)
@given(case=CASES, encoding=st.sampled_from(ENCODINGS), first_row=st.integers(0, 5))
def test_ingest_is_exact(case, encoding, first_row):
    (array, values), text = case
    kind = parse_type_text(text)
    fields = assign_ids([("x", kind, None)])
    expected = []
    bad = None
    for number, value in enumerate(values):
        try:
            expected.append(holds(value, kind))
        except (ValueError, OverflowError):
            bad = number
            break
    rows = pa.table({"x": encoded(array, encoding)})
    if bad is None:
        got = scalars_of(to_schema(rows, fields, first_row=first_row)["x"], kind)
        assert [repr(value) for value in got] == [repr(value) for value in expected]
        return
    with pytest.raises(InvalidInputError) as caught:
        to_schema(rows, fields, first_row=first_row)
    assert int(re.search(r"row (\d+)", caught.value.message)[1]) == first_row + bad
