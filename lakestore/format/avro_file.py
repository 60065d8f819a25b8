"""Avro files of records that have a ``_VERSION``: manifests, manifest lists, index manifests.

The frame is ``avro_frame``'s; here the file's own schema is held against the one that is known, and versions are
checked. The sync marker is a hash of the contents, so equal records give equal bytes.

Invariant: bytes either decode to records of the writer's schema, or ``CorruptTableError`` or
``UnsupportedFormatError`` names the file.
"""

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import fastavro
from fastavro.schema import SchemaParseException

from lakestore.errors import CorruptTableError, ErrorKind, UnsupportedFormatError
from lakestore.format.avro_codec import codec_of, pack
from lakestore.format.avro_frame import (
    SYNC_BYTES,
    Frame,
    Record,
    block,
    decode_block,
    decode_one,
    encode_records,
    header,
)
from lakestore.format.avro_schema import Schema, SchemaError, check_matches, safe_schema


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
    frame = Frame(io.BytesIO(data), len(data), path)
    try:
        schemas = _compiled(frame.schema, kind)
    except (SchemaError, SchemaParseException) as error:
        raise CorruptTableError(f"'avro.schema' in the header: {error}", path=path) from error
    for count, payload in frame.blocks():
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
    _check_version(decode_one(schemas.one, payload, path), path, kind)
    records = decode_block(schemas.many, count, payload, path)
    for record in records:
        _check_version(record, path, kind)
    return records


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
        self._blocks.append((len(records), pack(self._codec, encode_records(self._schema, records))))
        self.size += len(self._blocks[-1][1]) + SYNC_BYTES

    def finish(self) -> bytes:
        """The whole file."""
        begin = header(self._text, self._codec)
        digest = hashlib.sha256(begin)
        for _, payload in self._blocks:
            digest.update(payload)
        sync = digest.digest()[:SYNC_BYTES]
        return b"".join((begin, sync, *(block(count, payload, sync) for count, payload in self._blocks)))


@lru_cache(maxsize=16)
def _encoding_schema(text: str) -> Schema:
    return fastavro.parse_schema({"type": "array", "items": safe_schema(text)})
