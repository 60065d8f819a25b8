"""From bucket-key columns to bucket numbers, under any of Paimon's bucket functions.

Rows go through in blocks, so that their encoded form never exists as a whole.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lakestore.core.bucketing import bucket_number, bucket_numbers, mod_bucket_numbers, require_mod_key
from lakestore.core.hashing import hash_row, murmur_rows
from lakestore.core.hive_hashing import hive_bucket_numbers, require_hive_key
from lakestore.core.values import Internal, array_of
from lakestore.errors import InvariantError
from lakestore.format.binary_row import encode_row
from lakestore.format.binary_rows import encode_columns
from lakestore.model.options import BucketFunction
from lakestore.model.types import DataType

_BLOCK_ROWS = 65_536
_ARITY_BYTES = 4


def buckets_of(
    columns: Sequence[Any],
    types: Sequence[DataType],
    *,
    count: int,
    function: BucketFunction = BucketFunction.DEFAULT,
) -> NDArray[np.int32]:
    """Bucket of each row.

    Args:
        columns: The bucket-key columns in key order: Arrays or ChunkedArrays of equal length, at least one.
        types: Their types.
        count: Number of buckets.
        function: Option ``bucket-function.type``.

    Raises:
        InvalidInputError: A column does not hold its type, or ``mod`` cannot take this key.
        UnsupportedFormatError: A type cannot be hashed.
    """
    if not columns or len({len(column) for column in columns}) != 1:
        raise InvariantError(f"bucket keys of lengths {[len(column) for column in columns]}")
    total = len(columns[0])
    buckets = np.empty(total, np.int32)
    for begin in range(0, total, _BLOCK_ROWS):
        block = [column.slice(begin, _BLOCK_ROWS) for column in columns]
        buckets[begin : begin + _BLOCK_ROWS] = _buckets_of_block(block, types, count, function)
    return buckets


def bucket_of_row(
    values: Sequence[Internal],
    types: Sequence[DataType],
    *,
    count: int,
    function: BucketFunction = BucketFunction.DEFAULT,
) -> int:
    """Bucket of one key in internal values; as ``buckets_of``."""
    if function is BucketFunction.DEFAULT:
        return bucket_number(hash_row(encode_row(values, types)[_ARITY_BYTES:]), count)
    columns = [array_of([value], kind) for value, kind in zip(values, types, strict=True)]
    return int(buckets_of(columns, types, count=count, function=function)[0])


def require_bucket_key(types: Sequence[DataType], function: BucketFunction) -> None:
    """Check that a bucket function takes keys of these types.

    Raises:
        InvalidInputError: ``mod`` with anything but one INT or BIGINT.
        UnsupportedFormatError: A type cannot be hashed.
    """
    if function is BucketFunction.MOD:
        require_mod_key(tuple(types))
    for kind in types:
        if function is BucketFunction.HIVE:
            require_hive_key(kind)
        encode_columns([array_of([], kind)], [kind])


def _buckets_of_block(
    columns: Sequence[Any], types: Sequence[DataType], count: int, function: BucketFunction
) -> NDArray[np.int32]:
    if function is BucketFunction.MOD:
        require_mod_key(tuple(types))
        return mod_bucket_numbers(columns[0], types[0], count)
    if function is BucketFunction.HIVE:
        return hive_bucket_numbers(columns, types, count)
    rows = encode_columns(columns, types)
    return bucket_numbers(murmur_rows(rows.data, rows.offsets), count)
