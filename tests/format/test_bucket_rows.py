"""Bucket numbers: Java's for the default function; mod and hive against plain Python."""

import struct
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from lakestore.core.bucketing import bucket_number, bucket_numbers
from lakestore.core.values import array_of
from lakestore.errors import InvalidInputError, InvariantError, UnsupportedFormatError
from lakestore.format.bucket_rows import bucket_of_row, buckets_of, require_bucket_key
from lakestore.model.options import BucketFunction
from lakestore.model.types import parse_type, parse_type_text
from tests.golden.vectors import vectors

MOD, HIVE = BucketFunction.MOD, BucketFunction.HIVE


def buckets(values, *kinds, count, function=BucketFunction.DEFAULT):
    """Buckets of rows, asked as columns and one by one."""
    types = [parse_type_text(kind) for kind in kinds]
    rows = [value if isinstance(value, tuple) else (value,) for value in values]
    columns = [array_of([row[i] for row in rows], kind) for i, kind in enumerate(types)]
    together = buckets_of(columns, types, count=count, function=function).tolist()
    assert together == [bucket_of_row(row, types, count=count, function=function) for row in rows]
    return together


def test_default_gives_the_buckets_of_java():
    for vector in vectors():
        if vector.has_wide_null:
            continue
        for count, bucket in vector.buckets.items():
            assert buckets_of(vector.columns, vector.types, count=count).tolist() == [bucket]
            assert bucket_of_row(vector.values, vector.types, count=count) == bucket


def test_nulls_that_take_room_go_where_java_puts_them():
    # Seen on disk: Java writes a null TIMESTAMP(6) key to bucket 5 of 16 and a null DECIMAL(20, 2) key to 8.
    assert buckets([None], "TIMESTAMP(6)", count=16) == [5]
    assert buckets([None], "DECIMAL(20, 2)", count=16) == [8]


def test_the_remainder_takes_the_sign_of_the_hash_and_loses_it():
    codes = [-(1 << 31), -7, -4, -1, 0, 1, 4, 7, (1 << 31) - 1]
    assert bucket_numbers(np.array(codes, np.int32), 4).tolist() == [0, 3, 0, 1, 0, 1, 0, 3, 3]
    assert [bucket_number(code, 4) for code in codes] == [0, 3, 0, 1, 0, 1, 0, 3, 3]


def test_mod():
    assert buckets([-3, 17, 5, 0, None], "INT", count=4, function=MOD) == [1, 1, 1, 0, 0]
    big = [-(1 << 63), (1 << 63) - 1, -1, 12]
    assert buckets(big, "BIGINT", count=5, function=MOD) == [value % 5 for value in big]


@pytest.mark.parametrize("kinds", [("STRING",), ("SMALLINT",), ("INT", "INT"), ()])
def test_mod_takes_one_whole_number(kinds):
    types = [parse_type_text(kind) for kind in kinds]
    with pytest.raises(InvalidInputError, match="exactly one bucket key column of type INT or BIGINT"):
        require_bucket_key(types, MOD)


# ---- hive, as Paimon's HiveHasher does it


def hive(value, kind):
    if value is None:
        return 0
    if isinstance(value, Decimal):
        whole, scale = int(value.scaleb(kind.scale)), kind.scale
        while scale and whole % 10 == 0:
            whole, scale = whole // 10, scale - 1
        magnitude = abs(whole)
        code = (magnitude >> 32) * 31 + (magnitude & 0xFFFFFFFF)
        return 31 * (code if whole >= 0 else -code) + scale
    if isinstance(value, float):
        form = "<f" if kind.root == "FLOAT" else "<d"
        bits = int.from_bytes(struct.pack(form, value + 0.0), "little")
        return bits ^ bits >> 32
    if isinstance(value, str | bytes):
        code = 0
        for byte in value.encode() if isinstance(value, str) else value:
            code = code * 31 + (byte - 256 if byte > 127 else byte)
        return code
    return (value & (1 << 64) - 1) ^ (value & (1 << 64) - 1) >> 32 if kind.root == "BIGINT" else int(value)


def hive_bucket(row, types, count):
    code = 0
    for value, kind in zip(row, types, strict=True):
        code = (31 * code + hive(value, kind)) & 0xFFFFFFFF
    return (code & 0x7FFFFFFF) % count


HIVE_VALUES = [
    ("BOOLEAN", [True, False, None]),
    ("TINYINT", [-128, 0, 127, None]),
    ("SMALLINT", [-32768, 7]),
    ("INT", [-(1 << 31), -1, 12345]),
    ("BIGINT", [-3, 1234567890123, -(1 << 63), (1 << 63) - 1, None]),
    ("DATE", [-719162, 19723]),
    ("TIME(3)", [0, 86399999]),
    ("FLOAT", [0.0, -0.0, 1.5, float("inf"), float("nan"), None]),
    ("DOUBLE", [0.0, -0.0, -2.5, float("-inf"), float("nan"), 1e300]),
    ("STRING", ["", "a", "abcdefgh", "é😀", None, "x" * 1000, "ÿ"]),
    ("BYTES", [b"", b"\x00", b"\xff\xfe\x80", None]),
    ("DECIMAL(18, 4)", [Decimal("0.0000"), Decimal("123.4500"), Decimal("-99999999999999.9999"), None]),
    ("DECIMAL(5, 0)", [Decimal(100), Decimal(-7)]),
]


@pytest.mark.parametrize(("kind", "values"), HIVE_VALUES)
@pytest.mark.parametrize("count", [1, 4, 16, 97])
def test_hive(kind, values, count):
    types = [parse_type_text(kind)]
    assert buckets(values, kind, count=count, function=HIVE) == [hive_bucket((v,), types, count) for v in values]


def test_hive_as_java_has_it():
    assert buckets([-3, 1234567890123], "BIGINT", count=4, function=HIVE) == [2, 0]
    assert buckets([-3, 1234567890123], "BIGINT", count=16, function=HIVE) == [2, 4]
    assert buckets(["abcdefgh"], "STRING", count=16, function=HIVE) == [4]
    assert buckets([Decimal("123.45")], "DECIMAL(10, 2)", count=16, function=HIVE) == [9]


def test_hive_of_several_columns_and_chunks():
    kinds = [parse_type_text(kind) for kind in ("STRING", "INT", "DECIMAL(9, 2)")]
    rows = [("ab", 1, Decimal("1.10")), (None, None, None), ("", -5, Decimal("0.00"))] * 30_000
    columns = []
    for i, kind in enumerate(kinds):
        whole = array_of([row[i] for row in rows], kind)
        columns.append(pa.chunked_array([whole.slice(0, 10), whole.slice(10, 0), whole.slice(10)]))
    found = buckets_of(columns, kinds, count=7, function=HIVE).tolist()
    assert found == [hive_bucket(row, kinds, 7) for row in rows[:3]] * 30_000


@pytest.mark.parametrize("kind", ["TIMESTAMP(3)", "TIMESTAMP(6) WITH LOCAL TIME ZONE", "DECIMAL(19, 0)"])
def test_hive_refuses_what_it_has_not(kind):
    with pytest.raises(UnsupportedFormatError, match="type hive with a bucket key"):
        require_bucket_key([parse_type_text(kind)], HIVE)


# ---- every function


def test_nested_keys_are_refused():
    array = parse_type({"type": "ARRAY", "element": "INT"})
    for function in BucketFunction:
        with pytest.raises((UnsupportedFormatError, InvalidInputError)):
            require_bucket_key([array], function)
    require_bucket_key([parse_type_text("STRING"), parse_type_text("INT")], BucketFunction.DEFAULT)


def test_more_rows_than_a_block():
    values = pa.chunked_array([pa.array(range(-100_000, 0)), pa.array(range(100_000))])
    kind = [parse_type_text("BIGINT")]
    found = buckets_of([values], kind, count=5)
    assert len(found) == 200_000
    for place in (0, 65_535, 65_536, 99_999, 100_000, 199_999):
        assert found[place] == bucket_of_row([place - 100_000], kind, count=5)
    assert buckets_of([values.slice(0, 0)], kind, count=5).tolist() == []


def test_calls_that_cannot_be_meant():
    kind = [parse_type_text("INT")]
    with pytest.raises(InvariantError):
        buckets_of([], [], count=4)
    with pytest.raises(InvariantError):
        buckets_of([pa.array([1]), pa.array([1, 2])], kind * 2, count=4)
    for function in BucketFunction:
        with pytest.raises(InvariantError, match="0 buckets"):
            buckets_of([pa.array([1], pa.int32())], kind, count=0, function=function)
