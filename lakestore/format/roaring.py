"""32-bit Roaring bitmaps in their portable form, as file indexes hold them.

Where bitmaps follow one another without their lengths, the length of each is told from its own header.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from pyroaring import BitMap

from lakestore.errors import CorruptTableError
from lakestore.model.file_index import RowSet

_NO_RUNS, _RUNS = 12346, 12347
_ARRAY_MAX = 4096
_BITSET_BYTES = 8192
_OFFSETS_FROM = 4


def no_rows() -> RowSet:
    """No row."""
    rows: RowSet = BitMap()
    return rows


def bitmap_of(rows: Any) -> BitMap:  # noqa: ANN401 - a NumPy array
    """A bitmap of ascending rows."""
    return BitMap(np.ascontiguousarray(rows, np.uint32))


def bitmap_bytes(bitmap: BitMap) -> bytes:
    """A bitmap as Java writes it: runs where they are smaller."""
    bitmap.run_optimize()
    return bytes(bitmap.serialize())


def read_bitmap(data: bytes, start: int, *, path: str, length: int | None = None) -> BitMap:
    """The bitmap at a place.

    Raises:
        CorruptTableError: There is none.
    """
    if not 0 <= start < len(data) or (length is not None and not 0 < length <= len(data) - start):
        raise CorruptTableError(f"a bitmap of the file index lies outside of it, at byte {start}", path=path)
    end = len(data) if length is None else start + length
    try:
        return BitMap.deserialize(data[start:end])
    except (ValueError, IndexError, RuntimeError) as error:
        raise CorruptTableError(
            f"the bytes of the file index from {start} are no Roaring bitmap: {error}", path=path
        ) from error


def bitmap_length(data: bytes, start: int, *, path: str) -> int:
    """Bytes of the bitmap at a place, told from its header.

    Raises:
        CorruptTableError: There is none.
    """
    cookie, at = _int(data, start, path), start + 4
    runs = b""
    if cookie & 0xFFFF == _RUNS:
        count = (cookie >> 16) + 1
        runs = data[at : at + (count + 7) // 8]
        at += len(runs)
    elif cookie == _NO_RUNS:
        count, at = _int(data, at, path), at + 4
    else:
        raise CorruptTableError(f"the bytes of the file index from {start} are no Roaring bitmap", path=path)
    headers = at
    at += 4 * count
    if not runs or count >= _OFFSETS_FROM:
        at += 4 * count
    for place in range(count):
        if runs and runs[place // 8] >> place % 8 & 1:
            at += 2 + 4 * _short(data, at, path)
            continue
        values = _short(data, headers + 4 * place + 2, path) + 1
        at += 2 * values if values <= _ARRAY_MAX else _BITSET_BYTES
    return at - start


def union_of(bitmaps: Iterable[BitMap]) -> BitMap:
    """All rows of all of them."""
    return BitMap.union(BitMap(), *bitmaps)


def _int(data: bytes, at: int, path: str) -> int:
    return int.from_bytes(_cut(data, at, 4, path), "little")


def _short(data: bytes, at: int, path: str) -> int:
    return int.from_bytes(_cut(data, at, 2, path), "little")


def _cut(data: bytes, at: int, size: int, path: str) -> bytes:
    piece = data[at : at + size]
    if len(piece) != size:
        raise CorruptTableError("the file index ends inside a Roaring bitmap", path=path)
    return piece
