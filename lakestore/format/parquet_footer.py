"""Turning 12-byte columns of a finished Parquet file into INT96 columns, in its footer.

Paimon stores TIMESTAMP(7) to (9) as INT96 and the other precisions as INT64. Arrow writes all timestamps of a
file as INT96 or none, so the wide ones are written as FIXED_LEN_BYTE_ARRAY(12), whose pages are byte for byte
those of INT96, and the footer is corrected before it goes out:

1. Read the footer (``FileMetaData``, Thrift compact protocol) into a plain tree.
2. Change the type in the schema elements and in the column chunks of the columns, which go by their whole path.
3. Write the tree back. Whatever else the footer holds, known here or not, is carried along.

Invariant: pages and offsets stay as they are; only the footer changes its length.
"""

import struct
from collections.abc import Collection, Iterator
from typing import Any

from lakestore.errors import InvariantError

_MAGIC = b"PAR1"
_INT96 = 3
_FIXED_LEN_BYTE_ARRAY = 7

_TRUE, _FALSE, _BYTE, _BINARY, _LIST, _STRUCT = 1, 2, 3, 8, 9, 12
_VARINTS = frozenset({4, 5, 6})
_LONG_LIST = 15

Struct = dict[int, tuple[int, Any]]
"""Fields of a Thrift struct: id to (wire type, value), in file order. A list is (wire type of items, items)."""

_Path = tuple[bytes, ...]


def with_int96(tail: bytes, columns: Collection[tuple[str, ...]]) -> bytes:
    """The end of a Parquet file with some of its 12-byte leaf columns declared INT96.

    Args:
        tail: The last bytes of the file, at least the whole footer.
        columns: Paths of the columns, part by part.

    Raises:
        InvariantError: The bytes are not the end of a Parquet file, or a column is not 12 bytes wide.
    """
    if len(tail) < 8 or tail[-4:] != _MAGIC:
        raise InvariantError("the Parquet writer did not end its file with a footer")
    length = struct.unpack("<I", tail[-8:-4])[0]
    start = len(tail) - 8 - length
    if start < 0:
        raise InvariantError("the Parquet footer is longer than what was kept of the file")
    footer = _Reader(tail[start:-8]).struct()
    _declare(footer, frozenset(tuple(part.encode() for part in path) for path in columns))
    out = bytearray()
    _write_struct(out, footer)
    return bytes(tail[:start]) + bytes(out) + struct.pack("<I", len(out)) + _MAGIC


def without_int96(footer: bytes, width: int) -> bytes:
    """A whole Parquet file without pages, whose footer declares INT96 columns as byte arrays of that width.

    The other way round, for reading: Arrow then hands out the bytes that are there, whatever they mean.

    Args:
        footer: The footer with its length and magic, as at the end of a file.
        width: 12.
    """
    tree = _Reader(footer[:-8]).struct()
    for element in _items(tree, 2):
        if element.get(1, (0, None))[1] == _INT96:
            element[1] = (element[1][0], _FIXED_LEN_BYTE_ARRAY)
            element[2] = (element[1][0], width)
    for group in _items(tree, 4):
        for chunk in _items(group, 1):
            column = chunk[3][1]
            if column[1][1] == _INT96:
                column[1] = (column[1][0], _FIXED_LEN_BYTE_ARRAY)
    out = bytearray()
    _write_struct(out, tree)
    return _MAGIC + bytes(out) + struct.pack("<I", len(out)) + _MAGIC


def read_struct(data: bytes) -> tuple[Struct, int]:
    """The Thrift struct at the start of some bytes, and where it ends.

    Raises:
        IndexError: They end inside it.
        InvariantError: They hold what no Parquet metadata holds.
    """
    reader = _Reader(data)
    return reader.struct(), reader.at


def _declare(footer: Struct, columns: frozenset[_Path]) -> None:
    """Change the types, by the field numbers of parquet.thrift."""
    found = set()
    for path, element in _leaf_elements(_items(footer, 2)):
        if path in columns:
            if element[1][1] != _FIXED_LEN_BYTE_ARRAY or element.get(2, (0, 0))[1] != 12:
                raise InvariantError(f"Parquet column {path!r} is not 12 bytes wide: cannot become INT96")
            element[1] = (element[1][0], _INT96)
            del element[2]
            found.add(path)
    if found != columns:
        raise InvariantError(f"Parquet columns {sorted(columns - found)} are not in the footer")
    for group in _items(footer, 4):
        for chunk in _items(group, 1):
            column = chunk[3][1]
            if tuple(column[3][1][1]) in columns:
                column[1] = (column[1][0], _INT96)


def _leaf_elements(elements: list[Struct]) -> Iterator[tuple[_Path, Struct]]:
    """The schema elements that hold values, each with its path; a walk down from the root."""
    waiting: list[tuple[_Path, int]] = [((), len(elements))]
    for element in elements[1:]:
        while not waiting[-1][1]:
            waiting.pop()
        holder, left = waiting[-1]
        waiting[-1] = (holder, left - 1)
        path = (*holder, element[4][1])
        if 5 in element:
            waiting.append((path, element[5][1]))
        else:
            yield path, element


def _items(holder: Struct, field: int) -> list[Any]:
    items: list[Any] = holder[field][1][1]
    return items


class _Reader:
    """Reads values of the Thrift compact protocol one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def struct(self) -> Struct:
        fields: Struct = {}
        number = 0
        while head := self._byte():
            kind, delta = head & 0x0F, head >> 4
            number = number + delta if delta else _unzigzag(self._varint())
            value = kind == _TRUE if kind in {_TRUE, _FALSE} else self._value(kind)
            fields[number] = (kind, value)
        return fields

    def _value(self, kind: int) -> Any:  # noqa: ANN401 - a tree of anything
        if kind in _VARINTS:
            return _unzigzag(self._varint())
        if kind == _BINARY:
            return self._bytes(self._varint())
        if kind == _LIST:
            return self._list()
        if kind == _STRUCT:
            return self.struct()
        if kind == _BYTE:
            return self._byte()
        if kind in {_TRUE, _FALSE}:
            return self._byte() == _TRUE
        raise InvariantError(f"Parquet footer holds Thrift type {kind}, which no Parquet footer has")

    def _list(self) -> tuple[int, list[Any]]:
        head = self._byte()
        count, kind = head >> 4, head & 0x0F
        if count == _LONG_LIST:
            count = self._varint()
        return kind, [self._value(kind) for _ in range(count)]

    def _varint(self) -> int:
        result = shift = 0
        while (byte := self._byte()) & 0x80:
            result |= (byte & 0x7F) << shift
            shift += 7
        return result | byte << shift

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def _bytes(self, count: int) -> bytes:
        self.at += count
        return self._data[self.at - count : self.at]


def _unzigzag(value: int) -> int:
    return value >> 1 ^ -(value & 1)


def _write_struct(out: bytearray, fields: Struct) -> None:
    previous = 0
    for number, (kind, value) in fields.items():
        wire = (_TRUE if value else _FALSE) if kind in {_TRUE, _FALSE} else kind
        if 0 < number - previous <= 15:
            out.append((number - previous) << 4 | wire)
        else:
            out.append(wire)
            _write_varint(out, _zigzag(number))
        if kind not in {_TRUE, _FALSE}:
            _write_value(out, kind, value)
        previous = number
    out.append(0)


def _write_value(out: bytearray, kind: int, value: Any) -> None:  # noqa: ANN401 - a tree of anything
    if kind in _VARINTS:
        _write_varint(out, _zigzag(value))
    elif kind == _BINARY:
        _write_varint(out, len(value))
        out += value
    elif kind == _LIST:
        item_kind, items = value
        if len(items) < _LONG_LIST:
            out.append(len(items) << 4 | item_kind)
        else:
            out.append(_LONG_LIST << 4 | item_kind)
            _write_varint(out, len(items))
        for item in items:
            _write_value(out, item_kind, item)
    elif kind == _STRUCT:
        _write_struct(out, value)
    else:
        out.append(value)


def _write_varint(out: bytearray, value: int) -> None:
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1
