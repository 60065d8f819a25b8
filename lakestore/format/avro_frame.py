"""Avro object container files, the frame around every manifest and every Avro data file.

Reading, with every length proven against the file's size before it is used:

1. Header: magic, metadata (``avro.schema``, ``avro.codec``), the file's sync marker.
2. Per block: number of records, byte length, payload, the sync marker again. The payload is unpacked under a limit.
3. The payload is given to fastavro as one Avro array, since an array is its item count, its items and a zero: one
   call decodes a whole block. The records must use up the payload exactly.

Writing is the reverse. Zstd frames carry a checksum, so that a flipped bit is found by whoever reads the file.

Invariant: memory stays within a small multiple of one block and of ``READ_BYTES``.
"""

import io
import struct
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, cast

import fastavro

from lakestore.errors import CorruptTableError
from lakestore.format.avro_codec import check_codec, pack, unpack
from lakestore.format.avro_schema import Schema

Record = dict[str, Any]

MAGIC = b"Obj\x01"
SYNC_BYTES = 16
READ_BYTES = 1024 * 1024
"""Bytes asked of the file at a time, at least."""

_DECODE_ERRORS = (
    EOFError,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    AttributeError,
    struct.error,
)
"""All that fastavro raises on bytes that do not fit the schema; ``UnicodeDecodeError`` is a ``ValueError``."""


class Readable(Protocol):
    """What bytes come from, in order."""

    def read(self, size: int, /) -> bytes:
        """At most that many bytes; none at the end."""
        ...


class _Cursor:
    """Reads Avro's varints and byte strings in order.

    Args:
        source: The file, at its begin.
        size: Its bytes.
        path: What messages call it.
    """

    def __init__(self, source: Readable, size: int, path: str) -> None:
        self.at = 0
        self.size = size
        self.path = path
        self._source = source
        self._held = b""
        self._begin = 0

    @property
    def left(self) -> int:
        """Bytes that follow."""
        return self.size - self.at

    def take(self, count: int, what: str) -> bytes:
        """The next ``count`` bytes."""
        if not 0 <= count <= self.left:
            raise CorruptTableError(
                f"{what} at byte {self.at}: {count} bytes announced, {self.left} left; the file is cut off or damaged",
                path=self.path,
            )
        while len(self._held) - self._begin < count:
            self._fill(count - len(self._held) + self._begin, what)
        self._begin += count
        self.at += count
        return self._held[self._begin - count : self._begin]

    def _fill(self, missing: int, what: str) -> None:
        more = self._source.read(max(missing, READ_BYTES))
        if not more:
            raise CorruptTableError(
                f"{what} at byte {self.at}: the file ends, though it should have {self.size} bytes", path=self.path
            )
        self._held = self._held[self._begin :] + more
        self._begin = 0

    def long(self, what: str) -> int:
        """The next zigzag varint."""
        value = shift = 0
        while True:
            byte = self.take(1, what)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)
            if shift > 63:
                raise CorruptTableError(f"{what} at byte {self.at}: not a number", path=self.path)


class Frame:
    """One open container file, read once from begin to end.

    Args:
        source: The file, at its begin.
        size: Its bytes.
        path: What messages call it.

    Attributes:
        schema: Text of the schema in the header.
        codec: Name of the codec in the header.

    Raises:
        CorruptTableError: The header is damaged.
        UnsupportedFormatError: The codec is unknown.
    """

    def __init__(self, source: Readable, size: int, path: str) -> None:
        self._path = path
        self._cursor = _Cursor(source, size, path)
        self.schema, self.codec, self._sync = _read_header(self._cursor)
        check_codec(self.codec, path)

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """How many records each block has, and its unpacked payload; blocks without records are left out.

        Raises:
            CorruptTableError: A block is damaged.
        """
        cursor = self._cursor
        while cursor.left:
            count = cursor.long("block")
            payload = unpack(self.codec, cursor.take(cursor.long("block"), "block"), self._path)
            if cursor.take(SYNC_BYTES, "sync marker") != self._sync:
                raise CorruptTableError(f"sync marker missing before byte {cursor.at}", path=self._path)
            if not 0 <= count <= len(payload):
                raise CorruptTableError(f"a block of {len(payload)} bytes announces {count} records", path=self._path)
            if count:
                yield count, payload


def _read_header(cursor: _Cursor) -> tuple[bytes, str, bytes]:
    """Schema text, codec and sync marker."""
    if cursor.size < len(MAGIC) or cursor.take(len(MAGIC), "magic") != MAGIC:
        raise CorruptTableError("not an Avro file: it does not begin with 'Obj' and a 1", path=cursor.path)
    metadata: dict[bytes, bytes] = {}
    while count := cursor.long("header"):
        if count < 0:
            cursor.long("header")
        for _ in range(abs(count)):
            key = cursor.take(cursor.long("header"), "header key")
            metadata[key] = cursor.take(cursor.long("header"), "header value")
    if b"avro.schema" not in metadata:
        raise CorruptTableError("the header has no 'avro.schema'", path=cursor.path)
    codec = metadata.get(b"avro.codec", b"null").decode("utf-8", "replace")
    return metadata[b"avro.schema"], codec, cursor.take(SYNC_BYTES, "sync marker")


def decode_one(schema: Schema, payload: bytes, path: str) -> Any:  # noqa: ANN401 - whatever the schema says
    """The first record of a block.

    Raises:
        CorruptTableError: It does not fit the schema.
    """
    try:
        return fastavro.schemaless_reader(io.BytesIO(payload), schema, None)
    except _DECODE_ERRORS as error:
        raise _misfit(error, path) from error


def decode_block(many: Schema, count: int, payload: bytes, path: str, *, wanted: Schema | None = None) -> list[Any]:
    """All records of a block.

    Args:
        many: Parsed schema of an array of the file's records.
        count: How many records the block announces.
        payload: The block, unpacked.
        path: What messages call the file.
        wanted: Parsed schema of an array of records with the wanted fields only; None for all.

    Raises:
        CorruptTableError: They do not fit the schema.
    """
    stream = io.BytesIO(varint(count) + payload + b"\0")
    try:
        records = cast("list[Any]", fastavro.schemaless_reader(stream, many, wanted))
    except _DECODE_ERRORS as error:
        raise _misfit(error, path) from error
    if len(records) != count or stream.read(1):
        raise CorruptTableError(
            f"a block announces {count} records, but its {len(payload)} bytes hold something else", path=path
        )
    return records


def _misfit(error: Exception, path: str) -> CorruptTableError:
    return CorruptTableError(
        f"records do not fit the schema in the header ({type(error).__name__}: {error})", path=path
    )


def header(schema: str, codec: str) -> bytes:
    """The begin of a file, up to the sync marker."""
    parts = [MAGIC, varint(2)]
    for text in ("avro.schema", schema, "avro.codec", codec):
        raw = text.encode()
        parts += (varint(len(raw)), raw)
    return b"".join((*parts, b"\0"))


def encode_records(many: Schema, records: Sequence[Any]) -> bytes:
    """The payload of a block of at least one record, unpacked; ``many`` is the parsed schema of an array of them."""
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, many, records)
    return stream.getvalue()[len(varint(len(records))) : -1]


def block(count: int, payload: bytes, sync: bytes) -> bytes:
    """The bytes of a block in the file; ``payload`` is packed."""
    return b"".join((varint(count), varint(len(payload)), payload, sync))


def packed_block(codec: str, count: int, raw: bytes, sync: bytes, *, level: int) -> bytes:
    """The bytes of a block in the file, its payload packed here."""
    return block(count, pack(codec, raw, level=level), sync)


def varint(value: int) -> bytes:
    """A count that is not negative, as Avro writes longs: zigzag, seven bits to a byte."""
    rest = value << 1
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)
