"""The range bitmap of a column (Paimon ``RangeBitmap``): its distinct values numbered in order, and each row's number.

int32 length of the head; the head: int8 version, int32 rows, int32 distinct values, [least, greatest], int32 length of
the dictionary; the dictionary (``index_dictionary``); the numbers, bit by bit: int32 length of their head; the head:
int8 version, int8 slices, int32 length of the bitmap of rows with a value, int32 length of the directory, and that:
int32 offset, int32 length of each slice; then the bitmap and the slices.
"""

import struct
from typing import Any

from pyroaring import BitMap

from lakestore.core.index_groups import Groups, RowCollector
from lakestore.core.index_keys import KeyForm, KeyRange
from lakestore.errors import CorruptTableError, UnsupportedFormatError
from lakestore.format.index_bytes import Cursor, key_bytes
from lakestore.format.index_dictionary import Dictionary, write_dictionary
from lakestore.format.index_slices import at_most, slices_of
from lakestore.format.roaring import bitmap_bytes, bitmap_of, read_bitmap

VERSION = 1
_INT = struct.Struct(">i")
_NOTHING_SLICES = 64
"""Slices of a column without any value: Paimon sizes them by a greatest number of -1."""


class RangeWriter:
    """Gathers a column while its file is written.

    Args:
        form: How its values become keys.
        chunk_bytes: Setting ``chunk-size``.
    """

    def __init__(self, form: KeyForm, *, chunk_bytes: int) -> None:
        self._form = form
        self._chunk_bytes = chunk_bytes
        self._rows = RowCollector(form)

    def add(self, column: Any) -> None:  # noqa: ANN401 - pyarrow has no types
        """The next rows."""
        self._rows.add(column)

    def finish(self) -> bytes | None:
        """The index; None if a value has no key."""
        groups = self._rows.groups()
        if groups is None:
            return None
        keys = key_bytes(groups, self._form)
        dictionary = write_dictionary(keys, self._form, chunk_bytes=self._chunk_bytes)
        ends = [keys[0], keys[-1]] if keys else []
        head = b"".join(
            [struct.pack(">bii", VERSION, groups.row_count, len(groups)), *ends, _INT.pack(len(dictionary))]
        )
        return b"".join([_INT.pack(len(head)), head, dictionary, *_numbers(groups)])


class RangeReader:
    """Asks a range bitmap.

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
        self._data, self._path = data, path
        cursor = Cursor(data, path)
        head = cursor.count()
        after = cursor.at + head
        _check_version(cursor)
        self.row_count, self._distinct = cursor.number(), cursor.number()
        if self.row_count < 0:
            raise CorruptTableError(f"a range bitmap of {self.row_count} rows", path=path)
        if self._distinct > 0:
            cursor.key(form)
            cursor.key(form)
        size = cursor.count()
        self._dictionary = Dictionary(Cursor(data, path, after), form)
        self._numbers_at = after + size
        self._rows: BitMap | None = None
        self._slices: list[BitMap] | None = None

    def where(self, ranges: tuple[KeyRange, ...]) -> BitMap:
        """The rows with a value in the ranges."""
        found = BitMap()
        for one in ranges:
            low = 0 if one.low is None else self._dictionary.below(one.low, closed=one.low_open)
            high = self._distinct if one.high is None else self._dictionary.below(one.high, closed=not one.high_open)
            if low < high:
                rows, slices = self._load()
                found |= at_most(rows, slices, high - 1) - at_most(rows, slices, low - 1)
        return found

    def nulls(self) -> BitMap:
        """The rows without a value."""
        return BitMap(range(self.row_count)) - self.present()

    def present(self) -> BitMap:
        """The rows with a value."""
        return self._load()[0] if self._distinct > 0 else BitMap()

    def _load(self) -> tuple[BitMap, list[BitMap]]:
        if self._rows is None or self._slices is None:
            cursor = Cursor(self._data, self._path, self._numbers_at)
            head = cursor.count()
            body = cursor.at + head
            _check_version(cursor)
            count, rows_length, _ = cursor.number(1), cursor.count(), cursor.count()
            self._rows = read_bitmap(self._data, body, length=rows_length, path=self._path)
            body += rows_length
            places = [(cursor.number(), cursor.number()) for _ in range(count)]
            self._slices = [
                read_bitmap(self._data, body + offset, length=length, path=self._path) for offset, length in places
            ]
        return self._rows, self._slices


def _numbers(groups: Groups) -> list[bytes]:
    count = max((len(groups) - 1).bit_length(), 1) if len(groups) else _NOTHING_SLICES
    slices = [bitmap_bytes(one) for one in slices_of(groups.present, groups.codes, min(count, 63))]
    slices += [bitmap_bytes(BitMap())] * (count - len(slices))
    present = bitmap_bytes(bitmap_of(groups.present))
    directory = []
    at = 0
    for one in slices:
        directory.append(struct.pack(">ii", at, len(one)))
        at += len(one)
    places = b"".join(directory)
    head = struct.pack(">bbii", VERSION, count, len(present), len(places)) + places
    return [_INT.pack(len(head)), head, present, *slices]


def _check_version(cursor: Cursor) -> None:
    version = cursor.number(1)
    if version > VERSION:
        raise UnsupportedFormatError(f"{cursor.path}: a range bitmap of version {version}; version {VERSION} is read")
