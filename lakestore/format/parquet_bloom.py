"""Parquet's split-block bloom filters, as a column chunk may have one: a header, then blocks of eight 32-bit words.

A value is hashed with XXH64 over its plain bytes. The upper half of the hash chooses the block; the lower half, times
eight odd constants, one bit in each word of it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from lakestore.core.index_keys import Key, KeyForm, KeyRange, stored_numbers
from lakestore.core.xxhash64 import xxhash64, xxhash64_numbers
from lakestore.errors import CorruptTableError, InvariantError
from lakestore.format.parquet_footer import read_struct
from lakestore.model.file_index import RowSet

_HEADER_MAX = 64
_WORDS = 8
_BLOCK_BYTES = 32
_SALT = np.array(
    [0x47B6137B, 0x44974D91, 0x8824AD5B, 0xA2B7289D, 0x705495C7, 0x2DF1424B, 0x9EFC4947, 0x5C6BFB31], np.uint32
)
_FIRST_OF_UNION = 1


class ParquetBloom:
    """Asks the bloom filter of one column chunk.

    Args:
        data: The filter with its header.
        form: How values become keys.
        width: Bytes of a number as the file stores it; None for text and bytes.
        path: What messages call the file.

    Raises:
        CorruptTableError: It is none.
    """

    row_count: int | None = None
    exact = True

    def __init__(self, data: bytes, form: KeyForm, *, width: int | None, path: str) -> None:
        self.form = form
        self._width = width
        size, at = _header(data, path)
        self._blocks: NDArray[np.uint32] | None = None
        if size is not None:
            if size % _BLOCK_BYTES or not size or at + size > len(data):
                raise CorruptTableError(f"a Parquet bloom filter of {size} bytes", path=path)
            self._blocks = np.frombuffer(data, "<u4", size // 4, at).reshape(-1, _WORDS)

    def where(self, ranges: tuple[KeyRange, ...]) -> RowSet | None:
        """No row, if the filter says that no value is in the ranges; None if it cannot say."""
        keys = [one.point for one in ranges]
        known = [key for key in keys if key is not None]
        if self._blocks is None or len(known) < len(keys) or (known and self._has_any(self._blocks, known)):
            return None
        nothing: RowSet = BitMap()
        return nothing

    def nulls(self) -> RowSet | None:
        """Nothing is known of nulls."""
        return None

    def present(self) -> RowSet | None:
        """Nothing is known of nulls."""
        return None

    def _has_any(self, blocks: NDArray[np.uint32], keys: Sequence[Key]) -> bool:
        hashes = self._hashes(keys)
        low = (hashes & np.uint64(0xFFFFFFFF)).astype(np.uint32)
        chosen = ((hashes >> np.uint64(32)) * np.uint64(len(blocks))) >> np.uint64(32)
        with np.errstate(over="ignore"):
            bits = (low[:, None] * _SALT) >> np.uint32(27)
        masks = np.left_shift(np.uint32(1), bits)
        return bool(((blocks[chosen.astype(np.int64)] & masks) != 0).all(axis=1).any())

    def _hashes(self, keys: Sequence[Key]) -> NDArray[np.uint64]:
        if self._width is not None:
            numbers = stored_numbers(np.array(keys, np.int64), self.form)
            return xxhash64_numbers(numbers.astype(f"<i{self._width}"))
        texts = [key for key in keys if isinstance(key, bytes)]
        lengths = np.array([len(text) for text in texts], np.int64)
        return xxhash64(np.frombuffer(b"".join(texts), np.uint8), np.cumsum(lengths) - lengths, lengths)


def _header(data: bytes, path: str) -> tuple[int | None, int]:
    """Bytes of the blocks, and where they begin; None for a filter of a kind that is not known."""
    try:
        header, at = read_struct(data[:_HEADER_MAX])
        size: Any = header[1][1]
        kinds = [next(iter(header[number][1])) for number in (2, 3, 4)]
    except (IndexError, KeyError, StopIteration, TypeError, InvariantError) as error:
        raise CorruptTableError(f"the header of a Parquet bloom filter does not parse: {error!r}", path=path) from error
    return (int(size) if set(kinds) == {_FIRST_OF_UNION} else None), at
