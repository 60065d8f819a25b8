"""Paimon's bloom filter (``BloomFilter64``): how large, which bits a value sets, and what it hashes to (``FastHash``).

Text and bytes are hashed with XXH64. Numbers, dates, times and timestamps are one signed 64-bit number (floats by
their bits), mixed by Thomas Wang's function with arithmetic shifts. The two halves of a hash give all its positions.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lakestore.core.arrow_buffers import byte_spans
from lakestore.core.index_keys import Key, KeyForm, number_keys, stored_numbers
from lakestore.core.xxhash64 import xxhash64
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.types import DataType, TypeRoot

ITEMS, FPP = 1_000_000, 0.1
_INT_MAX = (1 << 31) - 1
_LN2 = math.log(2)

UNFIT = frozenset({TypeRoot.BOOLEAN, TypeRoot.DECIMAL})
"""Types with keys for which Paimon has no hash."""


def filter_size(items: int, fpp: float) -> tuple[int, int]:
    """Bytes of a filter for so many values at that share of false hits, and how many bits each value sets.

    Raises:
        InvalidInputError: There is no such filter.
    """
    if items < 1 or not 0 < fpp < 1:
        raise InvalidInputError(
            f"a bloom filter for {items} items with a false positive share of {fpp}: expected at least 1 item, and a"
            " share between 0 and 1",
            kind=ErrorKind.INVALID_OPTION,
        )
    bits = min(int(-items * math.log(fpp) / (_LN2 * _LN2)), _INT_MAX)
    bits += 8 - bits % 8
    if bits > _INT_MAX:
        raise InvalidInputError(
            f"a bloom filter for {items} items with a false positive share of {fpp} has over 2**31 bits; take less",
            kind=ErrorKind.INVALID_OPTION,
        )
    return bits // 8, max(1, math.floor(bits / items * _LN2 + 0.5))


def hashable(kind: DataType) -> bool:
    """Whether values of a type that has keys have a hash."""
    return kind.root not in UNFIT


def hash_column(column: Any, form: KeyForm) -> NDArray[np.int64] | None:  # noqa: ANN401 - pyarrow has no types
    """The hashes of a column without nulls; None if a value has no key."""
    if form.width is None:
        spans = byte_spans(column)
        return xxhash64(spans.data, spans.starts, spans.lengths).view(np.int64)
    keys = number_keys(column, form)
    return None if keys is None else _mixed(stored_numbers(keys, form).astype(np.int64))


def hash_keys(keys: Sequence[Key], form: KeyForm) -> NDArray[np.int64]:
    """The hashes of keys."""
    if form.width is not None:
        return _mixed(stored_numbers(np.array(keys, np.int64), form).astype(np.int64))
    texts = [key for key in keys if isinstance(key, bytes)]
    lengths = np.array([len(text) for text in texts], np.int64)
    data = np.frombuffer(b"".join(texts), np.uint8)
    return xxhash64(data, np.cumsum(lengths) - lengths, lengths).view(np.int64)


def positions(hashes: NDArray[np.int64], *, functions: int, bits: int) -> NDArray[np.int64]:
    """The bits of each hash, a row for each function."""
    words = hashes.view(np.uint64)
    low = (words & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    high = (words >> np.uint64(32)).astype(np.uint32)
    turns = np.arange(1, functions + 1, dtype=np.uint32)[:, None]
    with np.errstate(over="ignore"):
        mixed = (low + turns * high).view(np.int32)
    return np.where(mixed < 0, ~mixed, mixed).astype(np.int64) % bits


def _mixed(key: NDArray[np.int64]) -> NDArray[np.int64]:
    with np.errstate(over="ignore"):
        key = ~key + (key << 21)
        key = key ^ (key >> 24)
        key = key + (key << 3) + (key << 8)
        key = key ^ (key >> 14)
        key = key + (key << 2) + (key << 4)
        key = key ^ (key >> 28)
        return key + (key << 31)
