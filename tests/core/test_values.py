"""Internal values: to and from Arrow, text and Python objects, at the edges of every type."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lakestore.core.values import array_of, conform, from_python, parse_text, scalars_of, to_text
from lakestore.errors import ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.model.arrow import arrow_type
from lakestore.model.types import parse_type, parse_type_text
from tests.golden.vectors import vectors

DAY = 86_400 * 10**9
MAX_LONG = (1 << 63) - 1
LTZ = "TIMESTAMP(6) WITH LOCAL TIME ZONE"


def kind_of(text):
    return parse_type_text(text)


EDGES = [
    ("BOOLEAN", [True, False, None]),
    ("TINYINT", [-128, 127]),
    ("SMALLINT", [-32768, 32767]),
    ("INT", [-(1 << 31), (1 << 31) - 1, None]),
    ("BIGINT", [-MAX_LONG - 1, MAX_LONG]),
    (
        "FLOAT",
        [0.0, -0.0, 1.5, float("inf"), float("-inf"), float("nan"), 3.4028234663852886e38, 1.401298464324817e-45],
    ),
    ("DOUBLE", [5e-324, -1.7976931348623157e308, 0.1, float("nan")]),
    ("DECIMAL(5, 2)", [Decimal("-999.99"), Decimal("0.00"), None]),
    ("DECIMAL(38, 10)", [Decimal("-9999999999999999999999999999.9999999999"), Decimal("0.0000000001")]),
    ("DECIMAL(38, 38)", [Decimal("0.99999999999999999999999999999999999999")]),
    ("CHAR(5)", ["abc", ""]),
    ("STRING", ["", "é😀\x00", "x" * 10_000]),
    ("BINARY(2)", [b"\x00\xff"]),
    ("BYTES", [b"", b"\x00", None]),
    ("DATE", [-(1 << 31), -719162, -1, 0, 2932896, (1 << 31) - 1, None]),
    ("TIME(3)", [0, 86_399_999]),
    ("TIMESTAMP(0)", [-62135596800 * 10**9, 253402300799 * 10**9]),
    ("TIMESTAMP(3)", [-62135596800 * 10**9 - 10**6, MAX_LONG * 10**6]),
    ("TIMESTAMP(6)", [-62135596800 * 10**9 - 1000, 253402300799999999 * 1000, None]),
    ("TIMESTAMP(9)", [-MAX_LONG - 1, -1, MAX_LONG]),
    (LTZ, [-1000, 0]),
]


@pytest.mark.parametrize(("text", "values"), EDGES)
def test_arrow_and_text_keep_every_value(text, values):
    kind = kind_of(text)
    array = array_of(values, kind)
    assert array.type == arrow_type(kind)
    assert repr(scalars_of(array, kind)) == repr(values)
    assert repr(scalars_of(pa.chunked_array([array.slice(1), array[:0], array]), kind)) == repr(values[1:] + values)
    for value in values:
        if value is not None:
            assert repr(parse_text(to_text(value, kind), kind)) == repr(value)


def test_vectors():
    for vector in vectors():
        for column, kind, value in zip(vector.columns, vector.types, vector.values, strict=True):
            assert repr(scalars_of(column, kind)) == repr([value])
            assert str(array_of([value], kind)) == str(column.combine_chunks())


TEXTS = [
    (None, "INT", "null"),
    (True, "BOOLEAN", "true"),
    (-5, "BIGINT", "-5"),
    (float("nan"), "DOUBLE", "NaN"),
    (float("-inf"), "FLOAT", "-Infinity"),
    (0.10000000149011612, "FLOAT", "0.1"),
    (3.4028234663852886e38, "FLOAT", "3.4028235e+38"),
    (16777216.0, "FLOAT", "16777216.0"),
    (0.1, "DOUBLE", "0.1"),
    (-0.0, "DOUBLE", "-0.0"),
    (Decimal("0.0000000001"), "DECIMAL(38, 10)", "0.0000000001"),
    (b"\x00\xff", "BYTES", "00ff"),
    (19782, "DATE", "2024-02-29"),
    (-719528, "DATE", "0000-01-01"),
    (-719529, "DATE", "-0001-12-31"),
    (2932897, "DATE", "+10000-01-01"),
    (45_296_789, "TIME(3)", "12:34:56.789"),
    (45_296_000, "TIME(0)", "12:34:56"),
    (45_296_000, "TIME(9)", "12:34:56.000"),
    (45_296_700, "TIME(0)", "12:34:56.7"),
    (0, "TIMESTAMP(0)", "1970-01-01 00:00:00"),
    (0, "TIMESTAMP(3)", "1970-01-01 00:00:00.000"),
    (-1, "TIMESTAMP(9)", "1969-12-31 23:59:59.999999999"),
    (1_500_000, "TIMESTAMP(3)", "1970-01-01 00:00:00.0015"),
    (1000, LTZ, "1970-01-01 00:00:00.000001Z"),
]


@pytest.mark.parametrize(("value", "text", "expected"), TEXTS)
def test_to_text(value, text, expected):
    assert to_text(value, kind_of(text)) == expected


READ = [
    ("TRUE", "BOOLEAN", True),
    (" 7 ", "INT", 7),
    ("1e3", "DOUBLE", 1000.0),
    ("0.1", "FLOAT", 0.10000000149011612),
    ("1e39", "FLOAT", float("inf")),
    ("1.5", "DECIMAL(4, 2)", Decimal("1.50")),
    ("-1E2", "DECIMAL(4, 1)", Decimal("-100.0")),
    ("1.500000", "DECIMAL(4, 2)", Decimal("1.50")),
    ("0E+100000", "DECIMAL(4, 2)", Decimal("0.00")),
    ("0.000", "DECIMAL(2, 2)", Decimal("0.00")),
    (" x ", "STRING", " x "),
    ("00FF", "BYTES", b"\x00\xff"),
    ("2024-02-29", "DATE", 19782),
    ("+10000-01-01", "DATE", 2932897),
    ("12:34", "TIME(0)", 45_240_000),
    ("12:34:56.789000", "TIME(3)", 45_296_789),
    ("2024-02-29", "TIMESTAMP(0)", 19782 * DAY),
    ("2024-02-29T23:59", "TIMESTAMP(3)", 19782 * DAY + 86_340 * 10**9),
    ("2024-02-29 23:59:59.123", "TIMESTAMP(3)", 19782 * DAY + 86_399_123 * 10**6),
    ("2024-02-29t00:00:00.000000001", "TIMESTAMP(9)", 19782 * DAY + 1),
    ("1969-12-31 23:59:59.999999", LTZ, -1000),
    ("1970-01-01T02:00:00+02:00", LTZ, 0),
    ("1969-12-31 18:30:00 -0530", LTZ, 0),
    ("1970-01-01 00:00:00Z", LTZ, 0),
    ("1970-01-01 01:00:00+01", LTZ, 0),
]


@pytest.mark.parametrize(("text", "kind", "value"), READ)
def test_parse_text(text, kind, value):
    assert repr(parse_text(text, kind_of(kind))) == repr(value)


UNREADABLE = [
    ("yes", "BOOLEAN"),
    ("1.5", "INT"),
    ("", "BIGINT"),
    ("x", "DOUBLE"),
    ("x", "DECIMAL(4, 2)"),
    ("NaN", "DECIMAL(4, 2)"),
    ("0g", "BYTES"),
    ("2023-02-29", "DATE"),
    ("2024-13-01", "DATE"),
    ("2024-1-1", "DATE"),
    ("24-01-01", "DATE"),
    ("999999999-01-01", "DATE"),
    ("2024-02-29 00:00:00", "DATE"),
    ("24:00:00", "TIME(0)"),
    ("12:60", "TIME(0)"),
    ("12", "TIME(0)"),
    ("2024-02-29 23", "TIMESTAMP(3)"),
    ("2024-02-29 23:59:59Z", "TIMESTAMP(3)"),
    ("2024-02-29 00:00:00+19:00", LTZ),
    ("2024-02-29Z", LTZ),
]


@pytest.mark.parametrize(("text", "kind"), UNREADABLE)
def test_unreadable_text_is_quoted(text, kind):
    with pytest.raises(InvalidInputError) as caught:
        parse_text(text, kind_of(kind))
    assert caught.value.kind is not ErrorKind.LOSSY_VALUE
    assert text.strip() in caught.value.message


TOO_FINE = [
    ("128", "TINYINT"),
    ("9223372036854775808", "BIGINT"),
    ("1.005", "DECIMAL(4, 2)"),
    ("100", "DECIMAL(4, 2)"),
    ("1E+100000", "DECIMAL(4, 2)"),
    ("1E-100000", "DECIMAL(4, 2)"),
    ("12:00:00.1", "TIME(0)"),
    ("12:00:00.0001", "TIME(9)"),
    ("2024-01-01 00:00:00.0001", "TIMESTAMP(3)"),
    ("2024-01-01 00:00:00.0000000001", "TIMESTAMP(9)"),
]


@pytest.mark.parametrize(("text", "kind"), TOO_FINE)
def test_text_beyond_the_type_is_lossy(text, kind):
    with pytest.raises(InvalidInputError) as caught:
        parse_text(text, kind_of(kind))
    assert caught.value.kind is ErrorKind.LOSSY_VALUE


PYTHON = [
    (None, "INT", None),
    (True, "BOOLEAN", True),
    (np.bool_(True), "BOOLEAN", True),
    (5, "TINYINT", 5),
    (5.0, "INT", 5),
    (Decimal("5.00"), "INT", 5),
    (np.int64(5), "SMALLINT", 5),
    (np.float32(0.5), "INT", "lossy"),
    (5.5, "INT", "lossy"),
    (float("nan"), "BIGINT", "lossy"),
    (float("inf"), "BIGINT", "lossy"),
    (128, "TINYINT", "lossy"),
    (1 << 63, "BIGINT", "lossy"),
    (True, "INT", "type"),
    ("5", "INT", "type"),
    (1, "BOOLEAN", "type"),
    (1, "DOUBLE", 1.0),
    ((1 << 53) + 1, "DOUBLE", "lossy"),
    (10**400, "DOUBLE", "lossy"),
    (Decimal("0.5"), "DOUBLE", 0.5),
    (Decimal("0.1"), "DOUBLE", "lossy"),
    (0.5, "FLOAT", 0.5),
    (0.1, "FLOAT", "lossy"),
    (np.float32(0.1), "FLOAT", 0.10000000149011612),
    (1e39, "FLOAT", "lossy"),
    (float("nan"), "FLOAT", float("nan")),
    (float("inf"), "FLOAT", float("inf")),
    (5, "DECIMAL(4, 2)", Decimal("5.00")),
    (0.1, "DECIMAL(4, 2)", Decimal("0.10")),
    ("0.1", "DECIMAL(4, 2)", Decimal("0.10")),
    (Decimal(100), "DECIMAL(4, 2)", "lossy"),
    (0.125, "DECIMAL(4, 2)", "lossy"),
    ("é", "STRING", "é"),
    (b"x", "STRING", "type"),
    (b"x", "BYTES", b"x"),
    (bytearray(b"x"), "BYTES", b"x"),
    ("x", "BYTES", "type"),
    (date(2024, 2, 29), "DATE", 19782),
    (datetime(2024, 2, 29), "DATE", 19782),
    (datetime(2024, 2, 29, 1), "DATE", "lossy"),
    (datetime(2024, 2, 29, tzinfo=UTC), "DATE", "type"),
    ("2024-02-29", "DATE", 19782),
    (np.datetime64("2024-02-29"), "DATE", 19782),
    (np.datetime64("2024-02-29T00", "ns"), "DATE", 19782),
    (np.datetime64("2024-02-29T01", "s"), "DATE", "lossy"),
    (19782, "DATE", "type"),
    (time(12, 34, 56, 789000), "TIME(3)", 45_296_789),
    (time(12, 34, 56, 789000), "TIME(0)", "lossy"),
    (time(0, 0, 0, 1), "TIME(9)", "lossy"),
    (time(1, tzinfo=UTC), "TIME(3)", "type"),
    ("12:34", "TIME(3)", 45_240_000),
    (datetime(1, 1, 1), "TIMESTAMP(3)", -62135596800 * 10**9),
    (datetime(9999, 12, 31, 23, 59, 59, 999999), "TIMESTAMP(6)", 253402300799999999 * 1000),
    (datetime(2024, 2, 29, microsecond=1), "TIMESTAMP(3)", "lossy"),
    (date(2024, 2, 29), "TIMESTAMP(3)", 19782 * DAY),
    (pd.Timestamp("2024-02-29 00:00:00.000000001"), "TIMESTAMP(9)", 19782 * DAY + 1),
    (pd.Timestamp("2024-02-29 00:00:00.000000001"), "TIMESTAMP(6)", "lossy"),
    (np.datetime64("2024-02-29T00:00:00.000001"), "TIMESTAMP(6)", 19782 * DAY + 1000),
    (np.datetime64("2024-02-29"), "TIMESTAMP(6)", 19782 * DAY),
    (np.datetime64("2024-02"), "TIMESTAMP(6)", "type"),
    (np.datetime64("NaT"), "TIMESTAMP(6)", "type"),
    (np.datetime64("2024-02-29"), LTZ, "type"),
    (datetime(2024, 2, 29, tzinfo=UTC), "TIMESTAMP(6)", "type"),
    (datetime(2024, 2, 29), LTZ, "type"),
    (date(2024, 2, 29), LTZ, "type"),
    (datetime(1970, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), LTZ, 0),
    (datetime(1969, 12, 31, 18, 30, tzinfo=timezone(timedelta(hours=-5, minutes=-30))), LTZ, 0),
    ("1970-01-01T02:00+02:00", LTZ, 0),
    (0, "TIMESTAMP(6)", "type"),
    ([1], "INT", "type"),
    ("1", "DOUBLE", "type"),
    ([1], "DECIMAL(4, 2)", "type"),
    (True, "DECIMAL(4, 2)", "type"),
]
EXPECTED_KIND = {"lossy": ErrorKind.LOSSY_VALUE, "type": ErrorKind.INVALID_TYPE}


@pytest.mark.parametrize(("value", "text", "expected"), PYTHON, ids=str)
def test_from_python(value, text, expected):
    if expected not in ("lossy", "type"):
        assert repr(from_python(value, kind_of(text))) == repr(expected)
        return
    with pytest.raises(InvalidInputError) as caught:
        from_python(value, kind_of(text))
    assert caught.value.kind is EXPECTED_KIND[expected]


def test_text_that_is_not_unicode_is_refused():
    with pytest.raises(InvalidInputError, match="no UTF-8 text"):
        from_python("\ud800", kind_of("STRING"))


OUT_OF_ARROW = [
    ("TINYINT", [128]),
    ("DATE", [1 << 31]),
    ("TIMESTAMP(9)", [MAX_LONG + 1]),
    ("TIMESTAMP(3)", [1]),
    ("TIMESTAMP(3)", ["x"]),
    ("INT", ["x"]),
    ("DECIMAL(3, 1)", [Decimal("1.25")]),
    ("STRING", [5]),
]


@pytest.mark.parametrize(("text", "values"), OUT_OF_ARROW)
def test_array_of_refuses_what_does_not_fit(text, values):
    with pytest.raises(InvalidInputError):
        array_of(values, kind_of(text))


def test_nested_types_have_no_scalars():
    array = parse_type({"type": "ARRAY", "element": "INT"})
    for call in (
        lambda: array_of([None], array),
        lambda: scalars_of(pa.array([[1]]), array),
        lambda: conform(pa.array([[1]]), array),
        lambda: to_text("x", array),
        lambda: parse_text("x", array),
        lambda: from_python([1], array),
    ):
        with pytest.raises(UnsupportedFormatError, match=r"ARRAY<INT>"):
            call()
