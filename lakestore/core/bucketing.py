"""From keys to bucket numbers (Paimon option ``bucket-function.type``).

``default`` takes the murmur hash of the bucket key's BinaryRow (``core.hashing``), ``mod`` the value of a single
INT or BIGINT key. ``hive`` is in ``core.hive_hashing``.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lakestore.core.arrow_buffers import integers
from lakestore.core.values import conform
from lakestore.errors import ErrorKind, InvalidInputError, InvariantError
from lakestore.model.types import DataType, TypeRoot


def bucket_numbers(hashes: NDArray[np.int32], count: int) -> NDArray[np.int32]:
    """Bucket of each row under ``default``: the remainder of the hash, which takes its sign, made positive."""
    _require_count(count)
    return np.abs(np.fmod(hashes, np.int32(count)))


def bucket_number(hash_code: int, count: int) -> int:
    """Bucket of one row under ``default``."""
    _require_count(count)
    return abs(hash_code) % count


def mod_bucket_numbers(column: Any, kind: DataType, count: int) -> NDArray[np.int32]:  # noqa: ANN401 - pyarrow
    """Bucket of each row under ``mod``: the key modulo the bucket count, never negative; null goes to bucket 0.

    Args:
        column: The bucket key, Array or ChunkedArray.
        kind: Its type.
        count: Number of buckets.

    Raises:
        InvalidInputError: The key is neither INT nor BIGINT.
    """
    _require_count(count)
    require_mod_key((kind,))
    values = integers(conform(column, kind), pa.int64())
    numbers: NDArray[np.int32] = np.mod(values, np.int64(count)).astype(np.int32)
    return numbers


def require_mod_key(kinds: tuple[DataType, ...]) -> None:
    """Check that ``mod`` can take a bucket key of these types.

    Raises:
        InvalidInputError: It needs exactly one INT or BIGINT.
    """
    if len(kinds) != 1 or kinds[0].root not in {TypeRoot.INT, TypeRoot.BIGINT}:
        found = ", ".join(map(str, kinds)) or "none"
        raise InvalidInputError(
            f"bucket-function.type mod needs exactly one bucket key column of type INT or BIGINT, not {found}",
            kind=ErrorKind.INVALID_OPTION,
        )


def _require_count(count: int) -> None:
    if count < 1:
        raise InvariantError(f"rows cannot be spread over {count} buckets")
