"""Which partition and bucket each row belongs to, for whole tables at once.

1. Number the distinct partitions of the rows: one dictionary per partition column, combined column by column.
2. Compute the bucket of every row (``bucket-function.type``); a single bucket needs no hashing.
3. One stable sort by (partition number, bucket) puts each group's rows together, in arrival order.
4. Copy each group out on its own, so that a buffered group keeps nothing but its own rows alive.

Invariant: every row comes out exactly once, and rows of one group keep their order.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lakestore.format.binary_row import encode_columns
from lakestore.format.bucket_rows import buckets_of
from lakestore.model.options import BucketOptions
from lakestore.model.schema import TableSchema
from lakestore.model.stats import EMPTY_ROW

_MANY = 1 << 31
"""Products of distinct counts above this are numbered anew, so that they never overflow."""


def bucket_keys(schema: TableSchema, options: BucketOptions) -> tuple[str, ...]:
    """Columns that rows are bucketed by: ``bucket-key``, or the primary key within a partition."""
    return options.key or schema.trimmed_primary_keys


def route(rows: pa.Table, schema: TableSchema, options: BucketOptions) -> Iterator[tuple[bytes, int, pa.Table]]:
    """Groups of rows by partition and bucket: serialized partition, bucket number, rows in arrival order.

    Args:
        rows: At least the table's partition and bucket-key columns; others are carried along.
        schema: The table's schema.
        options: Bucket count (anything below 1 means bucket 0 only), key and function.
    """
    if not len(rows):
        return
    partitions, codes = _partitions(rows, schema)
    count = max(options.count, 1)
    if count == 1 and len(partitions) == 1:
        yield partitions[0], 0, rows
        return
    if count > 1:
        codes = codes * count + _buckets(rows, schema, options)
    yield from _groups(rows, partitions, codes, count)


def _partitions(rows: pa.Table, schema: TableSchema) -> tuple[list[bytes], NDArray[np.int64]]:
    """Serialized partitions, and for each row the number of its own among them."""
    if not schema.partition_keys:
        return [EMPTY_ROW], np.zeros(len(rows), np.int64)
    columns = _key_columns(rows, schema.partition_keys)
    codes, firsts = _numbered(columns)
    picked = [column.take(pa.array(firsts)) for column in columns]
    encoded = encode_columns(picked, schema.partition_types)
    return [encoded.serialized(index) for index in range(len(firsts))], codes


def _key_columns(rows: pa.Table, names: Sequence[str]) -> list[pa.Array]:
    """The columns, each in one piece, with one bit pattern for NaN: equal keys must go the same way."""
    columns = []
    for name in names:
        column = rows.column(name).combine_chunks()
        if pa.types.is_floating(column.type):
            column = pc.if_else(pc.is_nan(column), pa.scalar(math.nan, column.type), column)
        columns.append(column)
    return columns


def _numbered(columns: Sequence[pa.Array]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the combinations of values from 0 in order of appearance: number per row, first row per number."""
    codes = np.zeros(len(columns[0]), np.int64)
    distinct = 1
    for column in columns:
        own, count = _column_codes(column)
        if distinct * count > _MANY:
            codes, distinct = _dense(codes)
        codes = codes * count + own
        distinct *= count
    codes, distinct = _dense(codes)
    firsts = np.empty(distinct, np.int64)
    firsts[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    return codes, firsts


def _column_codes(column: pa.Array) -> tuple[NDArray[np.int64], int]:
    """Number of each value of one column, null included, and how many there are."""
    if pa.types.is_floating(column.type):
        # By bits: -0.0 and 0.0 are different partitions.
        column = column.view(pa.int32() if pa.types.is_float32(column.type) else pa.int64())
    encoded = pc.dictionary_encode(column, null_encoding="encode")
    return encoded.indices.to_numpy().astype(np.int64), len(encoded.dictionary)


def _dense(codes: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    encoded = pc.dictionary_encode(pa.array(codes))
    return encoded.indices.to_numpy().astype(np.int64), len(encoded.dictionary)


def _buckets(rows: pa.Table, schema: TableSchema, options: BucketOptions) -> NDArray[np.int32]:
    names = bucket_keys(schema, options)
    columns = _key_columns(rows, names)
    return buckets_of(columns, schema.types(names), count=options.count, function=options.function)


def _groups(
    rows: pa.Table, partitions: Sequence[bytes], codes: NDArray[np.int64], count: int
) -> Iterator[tuple[bytes, int, pa.Table]]:
    whole = rows.combine_chunks()
    # NumPy sorts 16-bit numbers by radix, several times faster.
    small = codes.astype(np.uint16) if len(partitions) * count <= 1 << 16 else codes
    order = np.argsort(small, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    for start, stop in zip(starts, [*starts[1:], len(ordered)], strict=True):
        partition, bucket = divmod(int(ordered[start]), count)
        if stop - start == len(rows):
            yield partitions[partition], bucket, rows
        else:
            yield partitions[partition], bucket, whole.take(pa.array(order[start:stop]))
