"""Avro object container files, the frame around every manifest: header, blocks of records, sync markers.

Reading, with every length proven against the bytes at hand before it is used:

1. Header: magic, metadata (``avro.schema``, ``avro.codec``), the file's sync marker.
2. Per block: number of records, byte length, payload, the sync marker again. The payload is unpacked under a limit.
3. The payload is given to fastavro as one Avro array, since an array is its item count, its items and a zero: one
   call decodes a whole block. The records must use up the payload exactly.

Writing is the reverse. The sync marker is a hash of the contents, so equal records give equal bytes, and zstd frames
carry a checksum, so that a flipped bit is found by whoever reads the file.

Invariant: bytes either decode to records of the writer's schema, or ``CorruptTableError`` or
``UnsupportedFormatError`` names the file; memory stays within a small multiple of the file and of ``BLOCK_BYTES_MAX``.
"""

import hashlib
import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import fastavro
from fastavro.schema import SchemaParseException

from lakestore.errors import CorruptTableError, ErrorKind, UnsupportedFormatError
from lakestore.format.avro_codec import check_codec, codec_of, pack, unpack
from lakestore.format.avro_schema import Schema, SchemaError, check_matches, safe_schema

Record = dict[str, Any]

_MAGIC = b"Obj\x01"
_SYNC_BYTES = 16
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FileKind:
    """One kind of Avro file.

    Attributes:
        what: What one record is, for messages.
        version: The only ``_VERSION`` that is read.
        schema: Avro schema text of the records.
    """

    what: str
    version: int
    schema: str


class _Cursor:
    """Reads Avro's varints and byte strings from memory."""

    def __init__(self, data: bytes, path: str) -> None:
        self.data = data
        self.at = 0
        self.path = path

    def take(self, count: int, what: str) -> bytes:
        """The next ``count`` bytes."""
        left = len(self.data) - self.at
        if not 0 <= count <= left:
            raise CorruptTableError(
                f"{what} at byte {self.at}: {count} bytes announced, {left} left; the file is cut off or damaged",
                path=self.path,
            )
        self.at += count
        return self.data[self.at - count : self.at]

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


def _read_header(cursor: _Cursor) -> tuple[bytes, str, bytes]:
    """Schema text, codec and sync marker."""
    if cursor.data[:4] != _MAGIC:
        raise CorruptTableError("not an Avro file: it does not begin with 'Obj' and a 1", path=cursor.path)
    cursor.at = len(_MAGIC)
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
    return metadata[b"avro.schema"], codec, cursor.take(_SYNC_BYTES, "sync marker")


def read_blocks(data: bytes, path: str, kind: FileKind) -> Iterator[list[Record]]:
    """Decode a container file block by block.

    Fields that ``kind.schema`` allows to be null may be missing from a file, and then are from its records.

    Args:
        data: The file's bytes.
        path: Its path, for messages.
        kind: What the file holds.

    Raises:
        CorruptTableError: The bytes are damaged.
        UnsupportedFormatError: The codec or the ``_VERSION`` is unknown.
    """
    cursor = _Cursor(data, path)
    text, codec, sync = _read_header(cursor)
    check_codec(codec, path)
    try:
        schemas = _compiled(text, kind)
    except (SchemaError, SchemaParseException) as error:
        raise CorruptTableError(f"'avro.schema' in the header: {error}", path=path) from error
    while cursor.at < len(data):
        count = cursor.long("block")
        payload = unpack(codec, cursor.take(cursor.long("block"), "block"), path)
        if cursor.take(_SYNC_BYTES, "sync marker") != sync:
            raise CorruptTableError(f"sync marker missing before byte {cursor.at}", path=path)
        if not 0 <= count <= len(payload):
            raise CorruptTableError(f"a block of {len(payload)} bytes announces {count} records", path=path)
        if count:
            yield _decode(schemas, count, payload, path, kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    """A file's schema, ready for fastavro: of one record, and of an array of them."""

    one: Schema
    many: Schema


@lru_cache(maxsize=64)
def _compiled(text: bytes | str, kind: FileKind) -> _Compiled:
    schema = safe_schema(text)
    check_matches(schema, safe_schema(kind.schema))
    return _Compiled(one=fastavro.parse_schema(schema), many=fastavro.parse_schema({"type": "array", "items": schema}))


def _decode(schemas: _Compiled, count: int, payload: bytes, path: str, kind: FileKind) -> list[Record]:
    """Decode a block; its first record alone before the rest, for a foreign version may hold anything."""
    stream = io.BytesIO(_varint(count) + payload + b"\0")
    try:
        first: Any = fastavro.schemaless_reader(io.BytesIO(payload), schemas.one, None)
        _check_version(first, path, kind)
        records: Any = fastavro.schemaless_reader(stream, schemas.many, None)
    except _DECODE_ERRORS as error:
        raise CorruptTableError(
            f"records do not fit the schema in the header ({type(error).__name__}: {error})", path=path
        ) from error
    if len(records) != count or stream.read(1):
        raise CorruptTableError(
            f"a block announces {count} records, but its {len(payload)} bytes hold something else", path=path
        )
    for record in records:
        _check_version(record, path, kind)
    return cast("list[Record]", records)


def _check_version(record: Record | None, path: str, kind: FileKind) -> None:
    if record is None:
        raise CorruptTableError(f"a null stands in the place of a {kind.what}", path=path)
    if record["_VERSION"] != kind.version:
        raise UnsupportedFormatError(
            f"{path}: {kind.what} of _VERSION {record['_VERSION']}; this release reads {kind.version} only: recreate"
            " the table with a current Paimon if it is older, upgrade LakeStore if it is newer",
            kind=ErrorKind.UNSUPPORTED_VERSION,
        )


class Encoder:
    """Builds one container file in memory, block by block.

    Args:
        schema: Avro schema text; it goes into the header as it is.
        compression: Value of option ``manifest.compression``.

    Raises:
        InvalidInputError: The compression is unknown.
    """

    def __init__(self, schema: str, *, compression: str) -> None:
        self._text = schema
        self._codec = codec_of(compression)
        self._schema = _encoding_schema(schema)
        self._blocks: list[tuple[int, bytes]] = []
        self.size = 0
        """Bytes of all blocks so far; the header comes on top."""

    def add(self, records: Sequence[Record]) -> None:
        """Append one block of records; none make no block."""
        if not records:
            return
        stream = io.BytesIO()
        fastavro.schemaless_writer(stream, self._schema, records)
        raw = stream.getvalue()[len(_varint(len(records))) : -1]
        self._blocks.append((len(records), pack(self._codec, raw)))
        self.size += len(self._blocks[-1][1]) + _SYNC_BYTES

    def finish(self) -> bytes:
        """The whole file."""
        header = _MAGIC + _varint(2)
        for key, value in (("avro.schema", self._text), ("avro.codec", self._codec)):
            header += _text(key) + _text(value)
        header += b"\0"
        digest = hashlib.sha256(header)
        for _, payload in self._blocks:
            digest.update(payload)
        sync = digest.digest()[:_SYNC_BYTES]
        parts = [header, sync]
        for count, payload in self._blocks:
            parts += (_varint(count), _varint(len(payload)), payload, sync)
        return b"".join(parts)


@lru_cache(maxsize=16)
def _encoding_schema(text: str) -> Schema:
    return fastavro.parse_schema({"type": "array", "items": safe_schema(text)})


def _text(value: str) -> bytes:
    raw = value.encode()
    return _varint(len(raw)) + raw


def _varint(value: int) -> bytes:
    """A count that is not negative, as Avro writes longs: zigzag, seven bits to a byte."""
    rest = value << 1
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)
