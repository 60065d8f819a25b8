"""The bitmap index of a column: the rows of each value (Paimon ``BitmapFileIndex``), in two versions.

Version 1: int8 version, int32 rows, int32 distinct values, int8 whether there are nulls, [int32 null offset],
then per value the value and int32 offset, then the bitmaps.

Version 2: the same to the null offset, [int32 null length], int32 blocks; per block its first value and int32 offset;
int32 size of the blocks; the blocks: int32 values, per value the value, int32 offset, int32 length; then the bitmaps.

An offset below 0 stands for one row, -1 minus the offset; else it is where the bitmap begins among the bitmaps.
Values ascend here; version 1 of other writers has them in any order.
"""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyroaring import BitMap

from lakestore.core.index_groups import Groups, RowCollector
from lakestore.core.index_keys import Key, KeyForm, KeyRange
from lakestore.errors import CorruptTableError, UnsupportedFormatError
from lakestore.format.index_bytes import Cursor, key_bytes
from lakestore.format.roaring import bitmap_bytes, bitmap_of, read_bitmap, union_of

VERSIONS = (1, 2)
_INT = struct.Struct(">i")
_PAIR = struct.Struct(">ii")
_NO_LENGTH = -1


class BitmapWriter:
    """Gathers a column while its file is written.

    Args:
        form: How its values become keys.
        version: Setting ``version``.
        block_bytes: Setting ``index-block-size``.
    """

    def __init__(self, form: KeyForm, *, version: int, block_bytes: int) -> None:
        self._form = form
        self._version = version
        self._block_bytes = block_bytes
        self._rows = RowCollector(form)

    def add(self, column: Any) -> None:  # noqa: ANN401 - pyarrow has no types
        """The next rows."""
        self._rows.add(column)

    def finish(self) -> bytes | None:
        """The index; None if a value has no key, or one too long for a block."""
        groups = self._rows.groups()
        if groups is None:
            return None
        null_bytes = bitmap_bytes(bitmap_of(groups.nulls))
        null_count = len(groups.nulls)
        head = [bytes([self._version]), _PAIR.pack(groups.row_count, len(groups)), bytes([null_count > 0])]
        if null_count:
            head.append(_INT.pack(-1 - int(groups.nulls[0]) if null_count == 1 else 0))
            if self._version > 1:
                head.append(_INT.pack(len(null_bytes)))
        body = [null_bytes] if null_count > 1 else []
        places = self._places(groups, body)
        if self._version == 1:
            keys = key_bytes(groups, self._form)
            head += [key + _INT.pack(offset) for key, (offset, _) in zip(keys, places, strict=True)]
            return b"".join([*head, *body])
        blocks = self._blocks(groups, places)
        return None if blocks is None else b"".join([*head, *blocks, *body])

    def _places(self, groups: Groups, body: list[bytes]) -> list[tuple[int, int]]:
        """Offset and length of the bitmap of each value, which is put to the body unless it is one row."""
        rows, starts = groups.by_key()
        at = sum(map(len, body))
        places: list[tuple[int, int]] = []
        for begin, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            if end - begin == 1:
                places.append((-1 - int(rows[begin]), _NO_LENGTH))
                continue
            data = bitmap_bytes(bitmap_of(rows[begin:end]))
            places.append((at, len(data)))
            body.append(data)
            at += len(data)
        return places

    def _blocks(self, groups: Groups, places: list[tuple[int, int]]) -> list[bytes] | None:
        keys = key_bytes(groups, self._form)
        firsts: list[bytes] = []
        blocks: list[list[bytes]] = []
        size = self._block_bytes + 1
        for key, place in zip(keys, places, strict=True):
            entry = key + _PAIR.pack(*place)
            if size + len(entry) > self._block_bytes:
                firsts.append(key)
                blocks.append([])
                size = _INT.size
                if size + len(entry) > self._block_bytes:
                    return None
            blocks[-1].append(entry)
            size += len(entry)
        head, body, at = [_INT.pack(len(blocks))], [], 0
        for key, block in zip(firsts, blocks, strict=True):
            head += [key, _INT.pack(at)]
            data = b"".join([_INT.pack(len(block)), *block])
            body.append(data)
            at += len(data)
        return [*head, _INT.pack(at), *body]


@dataclass(frozen=True, slots=True)
class _Place:
    offset: int
    length: int | None


class BitmapReader:
    """Asks a bitmap index.

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
        self._data = data
        self._path = path
        cursor = Cursor(data, path)
        self._version = cursor.number(1)
        if self._version not in VERSIONS:
            raise UnsupportedFormatError(f"{path}: a bitmap index of version {self._version}; 1 and 2 are read")
        self.row_count, distinct = cursor.number(), cursor.count()
        self._null: _Place | None = None
        if cursor.number(1):
            offset = cursor.number()
            self._null = _Place(offset, cursor.number() if self._version > 1 else None)
        if self.row_count < 0:
            raise CorruptTableError(f"a bitmap index of {self.row_count} rows", path=path)
        if self._version == 1:
            self._found = self._all_places(cursor, distinct)
        else:
            self._blocks = [(cursor.key(form), cursor.number()) for _ in range(cursor.count())]
            size = cursor.number()
            self._blocks_at, self._bodies_at = cursor.at, cursor.at + size

    def where(self, ranges: tuple[KeyRange, ...]) -> BitMap | None:
        """The rows with a value in the ranges; None unless each range is one key."""
        keys = [one.point for one in ranges]
        known = [key for key in keys if key is not None]
        if len(known) < len(keys):
            return None
        places = [self._place(key) for key in known]
        return union_of(self._bitmap(place) for place in places if place is not None)

    def nulls(self) -> BitMap:
        """The rows without a value."""
        return BitMap() if self._null is None else self._bitmap(self._null)

    def present(self) -> BitMap:
        """The rows with a value."""
        return BitMap(range(self.row_count)) - self.nulls()

    def _all_places(self, cursor: Cursor, distinct: int) -> dict[Key, _Place]:
        found = {cursor.key(self.form): _Place(cursor.number(), None) for _ in range(distinct)}
        self._bodies_at = cursor.at
        return found

    def _place(self, key: Key) -> _Place | None:
        if self._version == 1:
            return self._found.get(key)
        low, high = 0, len(self._blocks)
        while low < high:
            middle = (low + high) // 2
            if self._blocks[middle][0] <= key:  # type: ignore[operator]  # keys of one form
                low = middle + 1
            else:
                high = middle
        return None if low == 0 else self._place_in(self._blocks[low - 1][1], key)

    def _place_in(self, offset: int, key: Key) -> _Place | None:
        """The place of a key in a block."""
        cursor = Cursor(self._data, self._path, self._blocks_at + offset)
        count = cursor.count()
        if self.form.width is None:
            for _ in range(count):
                found, place = cursor.key(self.form), _Place(cursor.number(), cursor.number())
                if found == key:
                    return place
            return None
        begin = cursor.at
        keys = cursor.keys(count, self.form, then="ii")
        at = int(np.searchsorted(keys, key))
        if at == count or int(keys[at]) != key:
            return None
        entry = Cursor(self._data, self._path, begin + at * (self.form.width + 8) + self.form.width)
        return _Place(entry.number(), entry.number())

    def _bitmap(self, place: _Place) -> BitMap:
        if place.offset < 0:
            return BitMap([-1 - place.offset])
        length = place.length if place.length is not None and place.length > 0 else None
        return read_bitmap(self._data, self._bodies_at + place.offset, length=length, path=self._path)
