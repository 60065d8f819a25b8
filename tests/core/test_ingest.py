"""Rows from anywhere into a table's columns: what is taken, what is refused, and what the message names."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from lakestore.core.ingest import to_schema
from lakestore.errors import ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.model.arrow import arrow_schema, assign_ids
from lakestore.model.types import Field, parse_type_text


def fields(**types: str) -> tuple[Field, ...]:
    return assign_ids([(name, parse_type_text(text), None) for name, text in types.items()])


def take(array: pa.Array | pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    """One column through ``to_schema``."""
    out = to_schema(pa.table({"x": array}), fields(x=kind))
    assert out.schema == arrow_schema(fields(x=kind))
    return out["x"]


def refusal(array: pa.Array, kind: str, **arguments) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        to_schema(pa.table({"x": array}), fields(x=kind), **arguments)
    return caught.value


NS = 1_700_000_000_123_456_789
WHOLE_MS = 1_700_000_000_123_000_000
NOON = dt.datetime(2026, 11, 20, 12, 30, 15, 250_000)

TAKEN = [
    # Text in every wrapping.
    (pa.array(["a", None, "é"], pa.large_string()), "STRING", ["a", None, "é"]),
    (pa.array(["a", None, "longer than twelve"], pa.string_view()), "STRING", ["a", None, "longer than twelve"]),
    (pa.array(["a", None, "a"]).dictionary_encode(), "STRING", ["a", None, "a"]),
    (pa.array(["a", None, "a"], pa.large_string()).dictionary_encode(), "STRING", ["a", None, "a"]),
    (
        pa.DictionaryArray.from_arrays(pa.array([1, None, 0]), pa.array(["b", "a"], pa.string_view())),
        "VARCHAR(1)",
        ["a", None, "b"],
    ),
    (pa.RunEndEncodedArray.from_arrays([2, 3], pa.array(["x", "y"])), "STRING", ["x", "x", "y"]),
    (pa.array(["ab"]), "CHAR(2)", ["ab"]),
    # Bytes.
    (pa.array([b"\x00", None], pa.large_binary()), "BYTES", [b"\x00", None]),
    (pa.array([b"\x00", None], pa.binary_view()), "BYTES", [b"\x00", None]),
    (pa.array([b"ab", None], pa.binary(2)), "BINARY(2)", [b"ab", None]),
    (pa.array([b"u" * 16], pa.binary(16)).cast(pa.uuid()), "BINARY(16)", [b"u" * 16]),
    # Integers by value.
    (pa.array([1, None, -(2**31)], pa.int32()), "BIGINT", [1, None, -(2**31)]),
    (pa.array([127, -128, None], pa.int64()), "TINYINT", [127, -128, None]),
    (pa.array([2**63 - 1], pa.uint64()), "BIGINT", [2**63 - 1]),
    (pa.array([255], pa.uint8()), "SMALLINT", [255]),
    (pa.array([1, 2, 1]).dictionary_encode(), "INT", [1, 2, 1]),
    (pa.array([Decimal("7.00")], pa.decimal128(10, 2)), "INT", [7]),
    (pa.array([Decimal("7.00")], pa.decimal32(5, 2)), "INT", [7]),
    # Floats.
    (pa.array([0.5, float("inf"), None], pa.float32()), "DOUBLE", [0.5, float("inf"), None]),
    (pa.array([0.5, -0.25, None]), "FLOAT", [0.5, -0.25, None]),
    (pa.array(np.array([1.5], np.float16)), "FLOAT", [1.5]),
    (pa.array([2**53, -3]), "DOUBLE", [float(2**53), -3.0]),
    # Decimals.
    (pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)), "DECIMAL(5, 1)", [Decimal("1.5"), None]),
    (pa.array([Decimal("1.5")], pa.decimal128(2, 1)), "DECIMAL(38, 10)", [Decimal("1.5000000000")]),
    (pa.array([Decimal("1.5")], pa.decimal256(60, 1)), "DECIMAL(3, 1)", [Decimal("1.5")]),
    (pa.array([Decimal("1.5")], pa.decimal64(15, 1)), "DECIMAL(3, 1)", [Decimal("1.5")]),
    (pa.array([2**64 - 1], pa.uint64()), "DECIMAL(20, 0)", [Decimal(2**64 - 1)]),
    (pa.array([-12, None], pa.int64()), "DECIMAL(4, 2)", [Decimal("-12.00"), None]),
    # Dates and times.
    (pa.array([dt.date(1969, 12, 31), None], pa.date64()), "DATE", [dt.date(1969, 12, 31), None]),
    (pa.array([dt.datetime(2026, 1, 2), None]), "DATE", [dt.date(2026, 1, 2), None]),
    (pa.array([1, None], pa.time32("s")), "TIME(0)", [dt.time(0, 0, 1), None]),
    (pa.array([1_000_000, None], pa.time64("ns")), "TIME(3)", [dt.time(0, 0, 0, 1000), None]),
    (pa.array([2000], pa.time64("us")), "TIME(3)", [dt.time(0, 0, 0, 2000)]),
    # Timestamps of other units, as long as nothing is lost.
    (
        pa.array([WHOLE_MS, None], pa.timestamp("ns")),
        "TIMESTAMP(3)",
        [dt.datetime(2023, 11, 14, 22, 13, 20, 123000), None],
    ),
    (pa.array([NOON], pa.timestamp("us")), "TIMESTAMP(9)", [NOON]),
    (pa.array([NOON.replace(microsecond=0)], pa.timestamp("s")), "TIMESTAMP(6)", [NOON.replace(microsecond=0)]),
    (pa.array([dt.date(2026, 1, 2)]), "TIMESTAMP(0)", [dt.datetime(2026, 1, 2)]),
    (
        pa.array([NOON], pa.timestamp("us", "+02:00")),
        "TIMESTAMP(3) WITH LOCAL TIME ZONE",
        [NOON.replace(tzinfo=dt.UTC)],
    ),
    # Nothing at all.
    (pa.nulls(2), "STRING", [None, None]),
    (pa.nulls(2), "DECIMAL(10, 2)", [None, None]),
    (pa.nulls(2), "TIMESTAMP(6) WITH LOCAL TIME ZONE", [None, None]),
    (pa.array([True, None]), "BOOLEAN", [True, None]),
]


@pytest.mark.parametrize(("array", "kind", "expected"), TAKEN, ids=lambda value: str(getattr(value, "type", "")))
def test_taken(array, kind, expected):
    assert take(array, kind).to_pylist() == expected


def test_decimal_keeps_the_declared_scale():
    assert str(take(pa.array([Decimal("1.5")]), "DECIMAL(10, 4)")[0].as_py()) == "1.5000"


LOSSY = [
    (pa.array([1, 128], pa.int64()), "TINYINT", "128"),
    (pa.array([1, 2**31], pa.int64()), "INT", "2147483648"),
    (pa.array([0, 2**63], pa.uint64()), "BIGINT", "9223372036854775808"),
    (pa.array([1.0, 0.1]), "FLOAT", "0.1"),
    (pa.array([1.0, 1e300]), "FLOAT", "1e+300"),
    (pa.array([1, 2**53 + 1]), "DOUBLE", "9007199254740993"),
    (pa.array([Decimal("1.20"), Decimal("1.23")]), "DECIMAL(10, 1)", "1.23"),
    (pa.array([Decimal("1.0"), Decimal("100.0")]), "DECIMAL(3, 1)", "100.0"),
    (pa.array([9, 10]), "DECIMAL(3, 2)", "10"),
    (pa.array([Decimal("1.0"), Decimal("1.5")]), "INT", "1.5"),
    (pa.array([WHOLE_MS, NS], pa.timestamp("ns")), "TIMESTAMP(3)", "2023-11-14 22:13:20.123456789"),
    (pa.array([0, NS], pa.timestamp("ns")), "TIMESTAMP(6)", "22:13:20.123456789"),
    (pa.array([NS - 89, NS], pa.timestamp("ns")), "TIMESTAMP(7)", "22:13:20.123456789"),
    (pa.array([0, 10**11], pa.timestamp("s")), "TIMESTAMP(9)", "5138-11-16"),
    (pa.array([0, 250], pa.timestamp("ms")), "TIMESTAMP(1)", "00:00:00.250"),
    (pa.array([0, 1], pa.timestamp("ms", "UTC")), "TIMESTAMP(0) WITH LOCAL TIME ZONE", "00:00:00.001"),
    (pa.array([0, 1], pa.timestamp("us")), "DATE", "00:00:00.000001"),
    (pa.array([0, 1], pa.time64("us")), "TIME(3)", "00:00:00.000001"),
    (pa.array([0, 1], pa.time32("ms")), "TIME(0)", "00:00:00.001"),
    (pa.array(["ab", "abc"]), "VARCHAR(2)", "'abc'"),
    (pa.array(["éé", "ééé"]), "CHAR(2)", "'ééé'"),
    (pa.array([b"ab", b"abc"]), "VARBINARY(2)", "b'abc'"),
    (pa.array([b"ab", b"a\xff"]).view(pa.string()), "STRING", "xff"),
    (pa.array([b"ab", b"a\xff"], pa.large_binary()).view(pa.large_string()), "STRING", "xff"),
    (pa.array([0, 2**62], pa.timestamp("s")), "TIMESTAMP(0)", "4611686018427387904"),
]


@pytest.mark.parametrize(("array", "kind", "shown"), LOSSY, ids=lambda value: str(getattr(value, "type", "")))
def test_a_value_that_would_change_is_named(array, kind, shown):
    error = refusal(array, kind, first_row=40)
    assert error.kind is ErrorKind.LOSSY_VALUE
    assert "row 41, column 'x'" in error.message
    assert shown in error.message
    assert kind in error.message


@pytest.mark.parametrize(("array", "kind", "shown"), LOSSY, ids=lambda value: str(getattr(value, "type", "")))
def test_the_first_good_value_alone_passes(array, kind, shown):
    assert len(take(array.slice(0, 1), kind)) == 1


CROSSED = [
    (pa.array([1.0]), "BIGINT"),
    (pa.array([1.0]), "DECIMAL(10, 2)"),
    (pa.array([Decimal("1.0")]), "DOUBLE"),
    (pa.array([1]), "STRING"),
    (pa.array(["1"]), "INT"),
    (pa.array(["x"]), "BYTES"),
    (pa.array([b"x"]), "STRING"),
    (pa.array([True]), "INT"),
    (pa.array([1]), "BOOLEAN"),
    (pa.array([0], pa.timestamp("us", "UTC")), "TIMESTAMP(6)"),
    (pa.array([0], pa.timestamp("us")), "TIMESTAMP(6) WITH LOCAL TIME ZONE"),
    (pa.array([0], pa.timestamp("us", "UTC")), "DATE"),
    (pa.array([dt.date(2026, 1, 1)]), "TIMESTAMP(6) WITH LOCAL TIME ZONE"),
    (pa.array([0]), "TIMESTAMP(6)"),
    (pa.array([0], pa.time32("s")), "TIMESTAMP(6)"),
    (pa.array([0], pa.duration("s")), "BIGINT"),
    (pa.array([Decimal("1.0")], pa.decimal128(2, 1)), "BYTES"),
]


@pytest.mark.parametrize(("array", "kind"), CROSSED, ids=lambda value: str(getattr(value, "type", value)))
def test_kinds_never_cross_silently(array, kind):
    error = refusal(array, kind)
    assert error.kind is ErrorKind.INVALID_TYPE
    assert "'x'" in error.message
    assert str(array.type) in error.message


def test_zones_are_explained():
    assert "America/Bogota" in refusal(pa.array([0], pa.timestamp("s", "America/Bogota")), "TIMESTAMP(6)").message
    assert "assume_timezone" in refusal(pa.array([0], pa.timestamp("s")), "TIMESTAMP_LTZ(6)").message


def test_columns_are_matched_by_name():
    want = fields(a="INT", b="STRING", c="DOUBLE")
    rows = pa.table({"c": [1.5, 2.5], "a": pa.array([1, 2], pa.int32())})
    out = to_schema(rows, want)
    assert out.schema == arrow_schema(want)
    assert out.to_pydict() == {"a": [1, 2], "b": [None, None], "c": [1.5, 2.5]}


def test_a_record_batch_is_as_good_as_a_table():
    batch = pa.record_batch({"a": pa.array([1, 2])})
    assert to_schema(batch, fields(a="INT"))["a"].to_pylist() == [1, 2]


def test_extra_column():
    with pytest.raises(InvalidInputError, match=r"'surplus'.*'a', 'b'") as caught:
        to_schema(pa.table({"a": [1], "surplus": [2]}), fields(a="BIGINT", b="INT"))
    assert caught.value.kind is ErrorKind.EXTRA_COLUMN


def test_doubled_column():
    rows = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(InvalidInputError, match="'a' appears 2 times"):
        to_schema(rows, fields(a="BIGINT"))


def test_missing_not_null_column():
    with pytest.raises(InvalidInputError, match=r"'b'.*missing") as caught:
        to_schema(pa.table({"a": [1]}), fields(a="BIGINT", b="INT NOT NULL"))
    assert caught.value.kind is ErrorKind.MISSING_COLUMN


def test_missing_key_column():
    with pytest.raises(InvalidInputError, match=r"'b'.*part of the key"):
        to_schema(pa.table({"a": [1]}), fields(a="BIGINT", b="INT"), keys=["b"])


def test_null_where_none_may_be():
    error = refusal(pa.array([1, None, None]), "BIGINT NOT NULL", first_row=100)
    assert error.kind is ErrorKind.INVALID_VALUE
    assert "row 101, column 'x'" in error.message
    assert "2 of 3 rows" in error.message


def test_null_in_a_key():
    error = refusal(pa.array([1, None]), "BIGINT", keys=["x"])
    assert error.kind is ErrorKind.NULL_KEY
    assert "row 1, column 'x'" in error.message


def test_nulls_alone_do_not_enter_a_not_null_column():
    assert refusal(pa.nulls(3), "STRING NOT NULL").kind is ErrorKind.INVALID_VALUE


def test_the_row_counts_across_chunks():
    column = pa.chunked_array([pa.array([1, 2]), pa.array([3, 2**40, 2**41]), pa.array([5])])
    error = refusal(column, "INT", first_row=10)
    assert "row 13," in error.message
    assert str(2**40) in error.message


def test_long_values_are_cut_in_messages():
    assert len(refusal(pa.array(["x" * 10_000]), "VARCHAR(5)").message) < 400


def test_equal_types_are_not_copied():
    array = pa.array(range(1000), pa.int64())
    rows = pa.table({"x": array, "s": pa.array(["a"] * 1000)})
    before = pa.total_allocated_bytes()
    out = to_schema(rows, fields(x="BIGINT", s="STRING"))
    assert pa.total_allocated_bytes() == before
    assert out["x"].chunk(0).buffers()[1].address == array.buffers()[1].address


def test_no_rows():
    out = to_schema(pa.table({"x": pa.array([], pa.null())}), fields(x="DECIMAL(5, 2)", y="STRING"))
    assert out.num_rows == 0
    assert out.schema == arrow_schema(fields(x="DECIMAL(5, 2)", y="STRING"))


def test_slices_of_wrapped_columns():
    column = pa.array(["a", None, "b", "c"]).dictionary_encode().slice(1, 2)
    assert take(column, "STRING").to_pylist() == [None, "b"]


def test_types_without_arrow_form():
    with pytest.raises(UnsupportedFormatError, match="VARIANT"):
        to_schema(pa.table({"x": [1]}), fields(x="VARIANT"))
