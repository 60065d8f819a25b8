"""The dictionary of a range bitmap (Paimon ``ChunkedDictionary``): distinct values in order, in chunks.

int32 length of the head; the head: int8 version, int32 chunks, int32 length of the offsets, int32 length of the chunk
heads; int32 offset of each chunk head; the chunk heads; the keys of all chunks.

A chunk head: int8 version, its first value, that value's number, int32 where its keys begin among all keys, int32 how
many more values it has, and then for numbers int32 length of the keys, int32 width of one; for text int32 length of
the offsets, int32 length of the keys. The keys of a text chunk are an int32 offset for each, then the values.
The first value stands in the head only; at a chunk size of 0 there are no others.
"""

import struct

import numpy as np

from lakestore.core.index_keys import Key, KeyForm
from lakestore.errors import CorruptTableError, UnsupportedFormatError
from lakestore.format.index_bytes import Cursor

VERSION = 1
_INT = struct.Struct(">i")
_TRIPLE = struct.Struct(">iii")


def write_dictionary(keys: list[bytes], form: KeyForm, *, chunk_bytes: int) -> bytes:
    """The dictionary of stored keys that ascend."""
    heads: list[bytes] = []
    bodies: list[bytes] = []
    at = place = 0
    while place < len(keys):
        end = _chunk_end(keys, place, form, chunk_bytes)
        more = keys[place + 1 : end]
        values = b"".join(more)
        if form.width is None:
            ends = np.cumsum([0, *map(len, more)])[:-1].astype(">i4").tobytes()
            sizes, body = (len(ends), len(values)), ends + values
        else:
            sizes, body = (len(values), form.width), values
        heads.append(bytes([VERSION]) + keys[place] + _TRIPLE.pack(place, at, len(more)) + struct.pack(">ii", *sizes))
        bodies.append(body)
        at += len(body)
        place = end
    offsets = np.cumsum([0, *map(len, heads)])[:-1].astype(">i4").tobytes()
    chunk_heads = b"".join(heads)
    head = bytes([VERSION]) + _TRIPLE.pack(len(heads), len(offsets), len(chunk_heads))
    return b"".join([_INT.pack(len(head)), head, offsets, chunk_heads, *bodies])


def _chunk_end(keys: list[bytes], place: int, form: KeyForm, chunk_bytes: int) -> int:
    """Where the chunk that begins at a place ends: keys, and offsets of text, each fit the size."""
    if form.width is not None:
        return min(len(keys), place + 1 + chunk_bytes // form.width)
    end, size = place + 1, 0
    while end < len(keys) and (end - place) * _INT.size <= chunk_bytes and size + len(keys[end]) <= chunk_bytes:
        size += len(keys[end])
        end += 1
    return end


class Dictionary:
    """Finds numbers of values.

    Args:
        cursor: Where it begins.
        form: How values become keys.

    Raises:
        CorruptTableError: It is none.
        UnsupportedFormatError: It is one of a later version.
    """

    def __init__(self, cursor: Cursor, form: KeyForm) -> None:
        self._form = form
        head = cursor.count()
        after = cursor.at + head
        version = cursor.number(1)
        if version > VERSION:
            raise UnsupportedFormatError(f"{cursor.path}: a dictionary of version {version}; version {VERSION} is read")
        self._chunks, offsets, heads = cursor.count(), cursor.count(), cursor.count()
        self._data, self._path = cursor.data, cursor.path
        self._heads_at = after + offsets
        self._keys_at = self._heads_at + heads
        self._offsets = np.frombuffer(Cursor(cursor.data, cursor.path, after).take(4 * self._chunks), ">i4")

    def below(self, key: Key, *, closed: bool) -> int:
        """How many values lie below a key; with it, where closed."""
        low, high = 0, self._chunks
        while low < high:
            middle = (low + high) // 2
            first = self._chunk(middle).key(self._form)
            if first < key or (closed and first == key):  # type: ignore[operator]  # keys of one form
                low = middle + 1
            else:
                high = middle
        return 0 if low == 0 else self._below_in(self._chunk(low - 1), key, closed=closed)

    def _chunk(self, place: int) -> Cursor:
        """The head of a chunk, behind its version."""
        cursor = Cursor(self._data, self._path, self._heads_at + int(self._offsets[place]))
        version = cursor.number(1)
        if version > VERSION:
            raise UnsupportedFormatError(f"{self._path}: a chunk of version {version}; version {VERSION} is read")
        return cursor

    def _below_in(self, cursor: Cursor, key: Key, *, closed: bool) -> int:
        """The first value of the chunk is among those below."""
        cursor.key(self._form)
        number, offset, size = cursor.number(), cursor.number(), cursor.count()
        if self._form.width is not None:
            keys = Cursor(self._data, self._path, self._keys_at + offset).keys(size, self._form)
            return number + 1 + int(np.searchsorted(keys, key, "right" if closed else "left"))
        ends, _ = cursor.count(), cursor.count()
        begin = self._keys_at + offset
        places = np.frombuffer(Cursor(self._data, self._path, begin).take(4 * size), ">i4")
        if ends != 4 * size:
            raise CorruptTableError(f"a chunk of {size} texts with {ends} bytes of offsets", path=self._path)
        low, high = 0, size
        while low < high:
            middle = (low + high) // 2
            text = Cursor(self._data, self._path, begin + ends + int(places[middle])).key(self._form)
            if text < key or (closed and text == key):  # type: ignore[operator]  # keys of one form
                low = middle + 1
            else:
                high = middle
        return number + 1 + low
