"""Avro container files read by the book, with nothing of ours: the other opinion in tests of manifests."""

import io
import json

import fastavro
import zstandard

SYNC = {"type": "fixed", "name": "sync", "size": 16}
HEADER = fastavro.parse_schema(
    {
        "type": "record",
        "name": "header",
        "fields": [
            {"name": "magic", "type": {"type": "fixed", "name": "magic", "size": 4}},
            {"name": "meta", "type": {"type": "map", "values": "bytes"}},
            {"name": "sync", "type": SYNC},
        ],
    }
)
BLOCK = fastavro.parse_schema(
    {
        "type": "record",
        "name": "block",
        "fields": [
            {"name": "count", "type": "long"},
            {"name": "payload", "type": "bytes"},
            {"name": "sync", "type": SYNC},
        ],
    }
)
"""The Avro specification describes its container files as Avro records."""


def writer_schema(data):
    """The schema and the other metadata in a file's header."""
    header = fastavro.schemaless_reader(io.BytesIO(data), HEADER, None)
    metadata = {key: value.decode() for key, value in header["meta"].items()}
    return json.loads(metadata.pop("avro.schema")), metadata


def plain_records(data):
    """All records as fastavro reads them; it has no zstd of its own, so such files are unpacked first."""
    header = fastavro.schemaless_reader(stream := io.BytesIO(data), HEADER, None)
    if header["meta"]["avro.codec"] != b"zstandard":
        return list(fastavro.reader(io.BytesIO(data)))
    header["meta"]["avro.codec"] = b"null"
    fastavro.schemaless_writer(plain := io.BytesIO(), HEADER, header)
    while stream.tell() < len(data):
        block = fastavro.schemaless_reader(stream, BLOCK, None)
        block["payload"] = zstandard.ZstdDecompressor().decompressobj().decompress(block["payload"])
        fastavro.schemaless_writer(plain, BLOCK, block)
    return list(fastavro.reader(io.BytesIO(plain.getvalue())))


def with_zstd_frames(data):
    """An uncompressed file's blocks as zstd frames without size or checksum, as Java's streams write them."""
    header = fastavro.schemaless_reader(stream := io.BytesIO(data), HEADER, None)
    header["meta"]["avro.codec"] = b"zstandard"
    fastavro.schemaless_writer(packed := io.BytesIO(), HEADER, header)
    while stream.tell() < len(data):
        block = fastavro.schemaless_reader(stream, BLOCK, None)
        frame = zstandard.ZstdCompressor().compressobj()
        block["payload"] = frame.compress(block["payload"]) + frame.flush()
        fastavro.schemaless_writer(packed, BLOCK, block)
    return packed
