"""Hive's bucket function (Paimon ``HiveBucketFunction``), many rows at a time.

The fields' hashes are combined as ``31 * h + f`` from 0, in 32-bit arithmetic; the bucket is the hash without its
sign bit, modulo the bucket count. Null hashes to 0, numbers to their bits, -0.0 as 0.0.

Text and bytes hash to the polynomial of their signed bytes in 31. Since 31 is odd it has an inverse modulo 2**32,
so the polynomial of every value comes from one running sum over all bytes: with P[j] the sum of
``byte[i] * 31**-i`` for i < j, the value in ``start:end`` hashes to ``(P[end] - P[start]) * 31**(end - 1)``.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lakestore.core.arrow_buffers import byte_spans, decimal_words, integers
from lakestore.core.values import conform
from lakestore.errors import InvariantError, UnsupportedFormatError
from lakestore.model.types import BINARIES, STRINGS, DataType, TypeRoot

_BASE = np.uint32(31)
_INVERSE = np.uint32(pow(31, -1, 1 << 32))
_COMPACT_PRECISION = 18

Hashes = NDArray[np.uint32]


def hive_bucket_numbers(columns: Sequence[Any], kinds: Sequence[DataType], count: int) -> NDArray[np.int32]:
    """Bucket of each row.

    Args:
        columns: The bucket key columns, Arrays or ChunkedArrays of equal length, at least one.
        kinds: Their types.
        count: Number of buckets.

    Raises:
        UnsupportedFormatError: A key is a TIMESTAMP, which Hive's function does not take, or a DECIMAL of more than
            18 digits, which is not built.
    """
    if count < 1 or not columns:
        raise InvariantError(f"{len(columns)} key columns cannot be spread over {count} buckets")
    state = np.zeros(len(columns[0]), np.uint32)
    for column, kind in zip(columns, kinds, strict=True):
        require_hive_key(kind)
        state *= _BASE
        state += _hash(conform(column, kind), kind)
    return ((state & np.uint32(0x7FFFFFFF)) % np.uint32(count)).astype(np.int32)


def require_hive_key(kind: DataType) -> None:
    """Check that a bucket key of that type can be hashed.

    Raises:
        UnsupportedFormatError: It cannot.
    """
    wide = kind.root is TypeRoot.DECIMAL and (kind.precision or 0) > _COMPACT_PRECISION
    if wide or (kind.root not in {*_INTS, *STRINGS, *BINARIES, *_OTHERS}):
        raise UnsupportedFormatError(f"bucket-function.type hive with a bucket key of type {kind} is not supported")


def _hash(column: Any, kind: DataType) -> Hashes:  # noqa: ANN401 - pyarrow has no types
    if kind.root in {*STRINGS, *BINARIES}:
        return _polynomial(column)
    if kind.root is TypeRoot.DECIMAL:
        return _decimal(column, kind.scale or 0)
    if kind.root in {TypeRoot.FLOAT, TypeRoot.DOUBLE}:
        return _floating(np.asarray(column.fill_null(0.0) if column.null_count else column))
    if kind.root is TypeRoot.BIGINT:
        return _fold(integers(column, pa.int64()))
    bits: Hashes = integers(column, pa.int32()).view(np.uint32)
    return bits


def _fold(values: NDArray[np.int64]) -> Hashes:
    bits = values.view(np.uint64)
    return (bits ^ (bits >> np.uint64(32))).astype(np.uint32)


def _floating(values: NDArray[Any]) -> Hashes:
    # Adding 0.0 turns -0.0 into 0.0; Java's floatToIntBits knows one NaN only.
    plain = np.where(np.isnan(values), values.dtype.type("nan"), values + values.dtype.type(0))
    if values.dtype == np.float64:
        return _fold(plain.view(np.int64))
    bits: Hashes = plain.view(np.uint32)
    return bits


def _decimal(column: Any, scale: int) -> Hashes:  # noqa: ANN401 - pyarrow has no types
    """``BigDecimal.hashCode`` of the value without trailing zeros: 31 * hash of the unscaled value + scale."""
    whole = np.ascontiguousarray(decimal_words(column)[:, 0]).view(np.int64)
    scales = np.full(len(whole), scale, np.int64)
    for _ in range(scale):
        shorter = (scales > 0) & (whole % 10 == 0)
        if not shorter.any():
            break
        whole = np.where(shorter, whole // 10, whole)
        scales -= shorter
    size = np.abs(whole).view(np.uint64)
    high, low = (size >> np.uint64(32)).astype(np.uint32), size.astype(np.uint32)
    hashes = high * _BASE + low
    negative = whole < 0
    hashes[negative] = np.uint32(0) - hashes[negative]
    return hashes * _BASE + scales.astype(np.uint32)


def _polynomial(column: Any) -> Hashes:  # noqa: ANN401 - pyarrow has no types
    spans = byte_spans(column)
    data = spans.data.view(np.int8).astype(np.uint32)
    falling = _powers(_INVERSE, len(data))
    sums = np.zeros(len(data) + 1, np.uint32)
    np.add.accumulate(data * falling, out=sums[1:])
    ends = spans.starts + spans.lengths
    # An empty value has an empty sum, so its factor does not matter.
    hashes: Hashes = (sums[ends] - sums[spans.starts]) * _powers(_BASE, len(data))[ends - 1]
    return hashes


def _powers(base: np.uint32, count: int) -> Hashes:
    powers = np.full(count, base, np.uint32)
    powers[0] = 1
    np.multiply.accumulate(powers, out=powers)
    return powers


_INTS = (TypeRoot.TINYINT, TypeRoot.SMALLINT, TypeRoot.INT, TypeRoot.BIGINT, TypeRoot.DATE, TypeRoot.TIME)
_OTHERS = (TypeRoot.BOOLEAN, TypeRoot.FLOAT, TypeRoot.DOUBLE, TypeRoot.DECIMAL)
