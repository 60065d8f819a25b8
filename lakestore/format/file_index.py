"""The container of file indexes (Paimon ``FileIndexFormat``), big-endian.

    int64 magic, int32 version (1), int32 length of the head
    int32 columns; per column: its name, int32 indexes; per index: its kind, int32 start, int32 length
    int32 length of what later versions may add, and that
    the indexes, one after another

Names are Java's modified UTF-8 behind two bytes of length. A start of -1 says that the index holds nothing at all.
An index of a kind that nobody here knows is left alone.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from lakestore.errors import CorruptTableError, UnsupportedFormatError

MAGIC = 1493475289347502
VERSION = 1
EMPTY = -1
_START = struct.Struct(">qii")
_PLACE = struct.Struct(">ii")
_COUNT = struct.Struct(">i")
HEAD_GUESS = 4096
"""Bytes that hold most heads."""

Indexes = Mapping[str, Mapping[str, bytes | None]]
"""Bytes of each index, by column and kind; None for one that holds nothing."""


class ReadAt(Protocol):
    """Random access to an index file."""

    def size(self) -> int:
        """Bytes of the file."""
        ...

    def read_at(self, nbytes: int, offset: int) -> bytes:
        """Some of them."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """Where one index lies: its start is ``EMPTY`` for one that holds nothing."""

    column: str
    kind: str
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class BytesAt:
    """Bytes in memory as a file."""

    data: bytes

    def size(self) -> int:
        """Bytes of it."""
        return len(self.data)

    def read_at(self, nbytes: int, offset: int) -> bytes:
        """Some of them."""
        return self.data[offset : offset + nbytes]


def write_container(indexes: Indexes) -> bytes:
    """The container of those indexes."""
    head_length = _START.size + 2 * _COUNT.size
    for column, kinds in indexes.items():
        head_length += len(_utf(column)) + _COUNT.size + sum(len(_utf(kind)) + _PLACE.size for kind in kinds)
    head = [_START.pack(MAGIC, VERSION, head_length), _COUNT.pack(len(indexes))]
    body: list[bytes] = []
    at = head_length
    for column, kinds in indexes.items():
        head += [_utf(column), _COUNT.pack(len(kinds))]
        for kind, data in kinds.items():
            head += [_utf(kind), _PLACE.pack(EMPTY, 0) if data is None else _PLACE.pack(at, len(data))]
            if data is not None:
                body.append(data)
                at += len(data)
    return b"".join([*head, _COUNT.pack(0), *body])


def read_head(source: ReadAt, path: str) -> tuple[Part, ...]:
    """What indexes a container has.

    Raises:
        CorruptTableError: It is no container.
        UnsupportedFormatError: It is one of a later version.
    """
    size = source.size()
    first = bytes(source.read_at(min(size, HEAD_GUESS), 0))
    if len(first) < _START.size + 2 * _COUNT.size:
        raise CorruptTableError(f"{size} bytes are too short for a file index", path=path)
    magic, version, length = _START.unpack_from(first)
    if magic != MAGIC:
        raise CorruptTableError("it does not begin as a file index does", path=path)
    if version != VERSION:
        raise UnsupportedFormatError(f"{path}: a file index of version {version}; this release reads version {VERSION}")
    if not _START.size < length <= size:
        raise CorruptTableError(f"the head of the file index has {length} of {size} bytes", path=path)
    head = first[:length] if length <= len(first) else bytes(source.read_at(length, 0))
    try:
        return tuple(_parts(head, size))
    except (struct.error, UnicodeDecodeError, ValueError) as error:
        raise CorruptTableError(f"the head of the file index does not parse: {error}", path=path) from error


def read_part(source: ReadAt, part: Part, path: str) -> bytes:
    """The bytes of one index.

    Raises:
        CorruptTableError: The file is too short.
    """
    data = bytes(source.read_at(part.length, part.start))
    if len(data) != part.length:
        raise CorruptTableError(f"the file index ends inside the {part.kind} index of {part.column}", path=path)
    return data


def read_all(source: ReadAt, path: str) -> dict[str, dict[str, bytes | None]]:
    """All indexes of a container.

    Raises:
        CorruptTableError: It is no whole container.
        UnsupportedFormatError: It is one of a later version.
    """
    found: dict[str, dict[str, bytes | None]] = {}
    for part in read_head(source, path):
        data = None if part.start == EMPTY else read_part(source, part, path)
        found.setdefault(part.column, {})[part.kind] = data
    return found


def _parts(head: bytes, size: int) -> Iterator[Part]:
    at = _START.size
    (columns,) = _COUNT.unpack_from(head, at)
    at += _COUNT.size
    for _ in range(columns):
        column, at = _text(head, at)
        (kinds,) = _COUNT.unpack_from(head, at)
        at += _COUNT.size
        for _ in range(kinds):
            kind, at = _text(head, at)
            start, length = _PLACE.unpack_from(head, at)
            at += _PLACE.size
            if start != EMPTY and not (0 < start <= size and 0 <= length <= size - start):
                raise ValueError(f"the {kind} index of {column} lies outside of the file")
            yield Part(column, kind, start, length)


def _text(head: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">H", head, at)
    data = head[at + 2 : at + 2 + length]
    if len(data) != length:
        raise ValueError("a name is cut short")
    units = data.replace(b"\xc0\x80", b"\0").decode("utf-8", "surrogatepass")
    return units.encode("utf-16-be", "surrogatepass").decode("utf-16-be"), at + 2 + length


def _utf(text: str) -> bytes:
    """Modified UTF-8: surrogates one by one, and no zero byte."""
    units = text.encode("utf-16-be", "surrogatepass")
    halves = (units[place : place + 2].decode("utf-16-be", "surrogatepass") for place in range(0, len(units), 2))
    data = b"".join(half.encode("utf-8", "surrogatepass").replace(b"\0", b"\xc0\x80") for half in halves)
    return struct.pack(">H", len(data)) + data
