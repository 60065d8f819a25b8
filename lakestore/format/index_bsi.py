"""The bit-sliced index of a numeric column (Paimon ``BitSliceIndexBitmapFileIndex``).

int8 version, int32 rows; then for the values from 0 up, and again for those below 0 by their amounts: int8 whether
there are any, and if so int8 version, int64 least (always 0 in what Paimon writes) and greatest, the bitmap of the
rows, int32 slices, and for each bit of the value less the least the bitmap of the rows that have it.

The least BIGINT has no amount in 64 bits: Paimon fails on it, and a file that holds it gets no such index here.
"""

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from lakestore.core.index_groups import RowCollector
from lakestore.core.index_keys import KeyForm, KeyRange
from lakestore.errors import CorruptTableError, UnsupportedFormatError
from lakestore.format.index_bytes import Cursor
from lakestore.format.index_slices import at_most, slices_of
from lakestore.format.roaring import bitmap_bytes, bitmap_length, bitmap_of, read_bitmap

VERSION = 1
_HEAD = struct.Struct(">bi")
_HALF = struct.Struct(">bqq")
_COUNT = struct.Struct(">i")
_LEAST = -(1 << 63)
_MOST_SLICES = 64


class BsiWriter:
    """Gathers a column while its file is written.

    Args:
        form: How its values become keys.
    """

    def __init__(self, form: KeyForm) -> None:
        self._rows = RowCollector(form)

    def add(self, column: Any) -> None:  # noqa: ANN401 - pyarrow has no types
        """The next rows."""
        self._rows.add(column)

    def finish(self) -> bytes | None:
        """The index; None if a value has none."""
        groups = self._rows.groups()
        if groups is None or groups.numbers is None or _LEAST in groups.numbers:
            return None
        values = groups.numbers[groups.codes]
        positive = values >= 0
        return b"".join(
            [
                _HEAD.pack(VERSION, groups.row_count),
                *_half(groups.present[positive], values[positive]),
                *_half(groups.present[~positive], -values[~positive]),
            ]
        )


class BsiReader:
    """Asks a bit-sliced index.

    Args:
        data: Its bytes.
        form: How values become keys.
        path: What messages call it.

    Raises:
        CorruptTableError: It is none.
        UnsupportedFormatError: It is one of a later version.
    """

    def __init__(self, data: bytes, form: KeyForm, path: str) -> None:
        self.form = form
        self.exact = not form.lossy
        cursor = Cursor(data, path)
        _check_version(cursor)
        self.row_count = cursor.number()
        if self.row_count < 0:
            raise CorruptTableError(f"a bsi index of {self.row_count} rows", path=path)
        self._positive = _Half(cursor)
        self._negative = _Half(cursor)

    def where(self, ranges: tuple[KeyRange, ...]) -> BitMap:
        """The rows with a value in the ranges."""
        found = BitMap()
        for one in ranges:
            low = None if one.low is None else int(one.low) + one.low_open
            high = None if one.high is None else int(one.high) - one.high_open
            found |= self._at_most(high) - (BitMap() if low is None else self._at_most(low - 1))
        return found

    def nulls(self) -> BitMap:
        """The rows without a value."""
        return BitMap(range(self.row_count)) - self.present()

    def present(self) -> BitMap:
        """The rows with a value."""
        return self._positive.rows | self._negative.rows

    def _at_most(self, bound: int | None) -> BitMap:
        if bound is None or bound >= 0:
            return self._negative.rows | self._positive.at_most(bound)
        return self._negative.rows - self._negative.at_most(-bound - 1)


class _Half:
    """The values on one side of 0, by their amounts."""

    def __init__(self, cursor: Cursor) -> None:
        self.rows = BitMap()
        self._least, self._slices = 0, list[BitMap]()
        if not cursor.number(1):
            return
        _check_version(cursor)
        self._least, _ = cursor.number(8), cursor.number(8)
        self.rows = _next_bitmap(cursor)
        count = cursor.number()
        if not 0 <= count <= _MOST_SLICES:
            raise CorruptTableError(f"a bsi index of {count} slices", path=cursor.path)
        self._slices = [_next_bitmap(cursor) for _ in range(count)]

    def at_most(self, bound: int | None) -> BitMap:
        """The rows whose amount is not above the bound; all for None."""
        return self.rows if bound is None else at_most(self.rows, self._slices, bound - self._least)


def _half(rows: NDArray[np.uint32], amounts: NDArray[np.int64]) -> list[bytes]:
    if not len(rows):
        return [b"\0"]
    greatest = int(amounts.max())
    slices = slices_of(rows, amounts, greatest.bit_length())
    return [
        b"\1",
        _HALF.pack(VERSION, 0, greatest),
        bitmap_bytes(bitmap_of(rows)),
        _COUNT.pack(len(slices)),
        *map(bitmap_bytes, slices),
    ]


def _next_bitmap(cursor: Cursor) -> BitMap:
    length = bitmap_length(cursor.data, cursor.at, path=cursor.path)
    found = read_bitmap(cursor.data, cursor.at, length=length, path=cursor.path)
    cursor.at += length
    return found


def _check_version(cursor: Cursor) -> None:
    version = cursor.number(1)
    if version > VERSION:
        raise UnsupportedFormatError(f"{cursor.path}: a bsi index of version {version}; version {VERSION} is read")
