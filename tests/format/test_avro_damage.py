"""Damaged Avro files: the same records or an error that names the file, never anything else, and never much memory."""

import io
import json
import random
import tracemalloc
import zlib

import fastavro
import pytest
import zstandard

from lakestore.errors import CorruptTableError, UnsupportedFormatError
from lakestore.format.avro_codec import BLOCK_BYTES_MAX
from lakestore.format.index_manifest import read_index_manifest
from lakestore.format.manifest_file import (
    read_manifest,
    read_manifest_list,
    write_manifest,
    write_manifest_list,
)
from lakestore.format.manifest_schema import MANIFEST
from tests.entries import TABLES, add, delete, golden_files

REFUSED = (CorruptTableError, UnsupportedFormatError)
ENTRIES = [add("a"), delete("b", level=5), add("c", value_stats_columns=None, embedded_index=None)]


def reader_of(path):
    for part, reader in (("manifest-list", read_manifest_list), ("index-manifest", read_index_manifest)):
        if path.name.startswith(part):
            return reader
    return read_manifest


def outcome(reader, data):
    """The records, or None when the bytes are refused with the file's name."""
    try:
        return reader(data, "/t/manifest/m")
    except REFUSED as error:
        assert "/t/manifest/m: " in str(error)
        return None


ONE_OF_EACH = [
    next(path for path in golden_files("manifest", prefix) if table in str(path))
    for prefix, table in [
        ("manifest-[!l]", "lsm_levels"),
        ("manifest-list-", "manifests_merged"),
        ("manifest-[!l]", "pypaimon_pk"),
        ("manifest-list-", "pypaimon_pk"),
        ("manifest-[!l]", "rust_pk_thin"),
        ("manifest-list-", "rust_pk_thin"),
        ("index-manifest-", "append_dv"),
        ("index-manifest-", "dynamic_bucket"),
    ]
]


@pytest.mark.parametrize("path", ONE_OF_EACH, ids=lambda path: str(path.relative_to(TABLES))[:40])
def test_golden_files_cut_anywhere(path):
    reader, data = reader_of(path), path.read_bytes()
    whole = reader(data, "p")
    assert whole or "rust" in str(path)
    lengths = {0, 1, len(data) // 2, len(data) - 1, *range(0, len(data), 7)}
    for length in lengths:
        part = outcome(reader, data[:length])
        assert part in (None, [], whole)
    header = data.index(data[-16:]) + 16
    assert [length for length in lengths if outcome(reader, data[:length]) is not None] in ([], [header])


@pytest.mark.parametrize("path", ONE_OF_EACH, ids=lambda path: str(path.relative_to(TABLES))[:40])
def test_golden_files_with_a_bit_flipped(path):
    """Their zstd frames have no checksum, so a flip may pass; but what is read is then well formed."""
    reader, data = reader_of(path), path.read_bytes()
    dice = random.Random(7)
    for at in [*range(len(data) - 700, len(data)), *dice.sample(range(len(data)), 300)]:
        outcome(reader, flip(data, at, dice.randrange(8)))


def flip(data, at, bit):
    return data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]


@pytest.mark.parametrize("kind", ["manifest", "list"])
def test_every_flip_of_a_bit_in_our_files_is_harmless_or_found(kind):
    if kind == "manifest":
        reader, data = read_manifest, write_manifest(ENTRIES, "zstd")
    else:
        metas = read_manifest_list(ONE_OF_EACH[1].read_bytes(), "p")
        reader, data = read_manifest_list, write_manifest_list(metas, "zstd")
    whole = reader(data, "p")
    found = 0
    for at in range(len(data)):
        for bit in (0, 3, 5, 7):
            seen = outcome(reader, flip(data, at, bit))
            found += seen is None
            assert seen in (None, whole), f"bit {bit} of byte {at}: {data[at - 20 : at + 20]}"
    assert found > len(data)


@pytest.mark.parametrize("compression", ["none", "deflate", "snappy", "zstd"])
def test_bytes_replaced_by_noise(compression):
    data = write_manifest(ENTRIES * 3, compression)
    dice = random.Random(compression)
    for _ in range(400):
        start = dice.randrange(len(data))
        size = dice.choice([1, 2, 9, 60])
        outcome(read_manifest, data[:start] + dice.randbytes(size) + data[start + size :])


@pytest.mark.parametrize(
    "data", [b"", b"O", b"Obj", b"Obj\x01", b"Obj\x02" + bytes(40), b"PAR1", bytes(100), b"\xff" * 100]
)
def test_what_is_no_avro_file(data):
    with pytest.raises(CorruptTableError, match=r"^p: "):
        read_manifest(data, "p")


def container(payload, count, *, codec=b"null", schema=None, length=None):
    """A container file of one block with whatever is given."""
    text = (schema or MANIFEST.schema).encode()
    header = {"avro.schema": text, "avro.codec": codec}
    out = io.BytesIO(b"")
    fastavro.schemaless_writer(out, {"type": "map", "values": "bytes"}, header)
    numbers = io.BytesIO()
    for number in (count, len(payload) if length is None else length):
        fastavro.schemaless_writer(numbers, "long", number)
    sync = bytes(16)
    return b"Obj\x01" + out.getvalue() + sync + numbers.getvalue() + payload + sync


def encoded(entries):
    """The bytes of entries without a frame, and their number."""
    data = write_manifest(entries, "none")
    start = data.index(data[-16:]) + 16
    stream = io.BytesIO(data[start:])
    count = fastavro.schemaless_reader(stream, "long", None)
    length = fastavro.schemaless_reader(stream, "long", None)
    return data[start + stream.tell() :][:length], count


HUGE = 1 << 62


@pytest.mark.parametrize(
    ("count", "length"), [(HUGE, None), (-1, None), (2, None), (0, HUGE), (3, -5), (3, 1 << 31), (4, None)]
)
def test_block_counts_and_lengths_that_lie(count, length):
    payload, real = encoded(ENTRIES)
    assert read_manifest(container(payload, real), "p") == ENTRIES
    with pytest.raises(CorruptTableError):
        read_manifest(container(payload, count, length=length), "p")


def test_a_record_followed_by_rubbish_is_damage():
    payload, count = encoded(ENTRIES)
    with pytest.raises(CorruptTableError, match="3 records"):
        read_manifest(container(payload + b"\0", count), "p")
    with pytest.raises(CorruptTableError):
        read_manifest(container(payload[:-1], count), "p")


@pytest.mark.parametrize(
    ("codec", "pack"),
    [
        (b"deflate", lambda raw: zlib.compress(raw, 9)[2:-4]),
        (b"zstandard", lambda raw: zstandard.ZstdCompressor(level=9).compress(raw)),
        (b"snappy", lambda raw: b"\xff\xff\xff\xff\x0f" + raw[:100]),
        (b"zstandard", lambda raw: zstandard.ZstdCompressor(level=9, write_content_size=False).compress(raw)),
    ],
)
def test_a_small_block_that_unpacks_to_a_giant_is_refused_early(codec, pack):
    payload = pack(bytes(BLOCK_BYTES_MAX * 4))
    assert len(payload) < 1_000_000
    data = container(payload, 5, codec=codec)
    tracemalloc.start()
    with pytest.raises(CorruptTableError, match=r"^p: a "):
        read_manifest(data, "p")
    assert tracemalloc.get_traced_memory()[1] < 512 * 1024 * 1024
    tracemalloc.stop()


def test_zeros_are_not_decoded_into_millions_of_records():
    """The version of the first record is looked at before the rest is decoded."""
    payload = zstandard.ZstdCompressor().compress(bytes(8 * 1024 * 1024))
    tracemalloc.start()
    with pytest.raises(UnsupportedFormatError, match="_VERSION 0"):
        read_manifest(container(payload, 200_000, codec=b"zstandard"), "p")
    assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
    tracemalloc.stop()


def test_a_truncated_zstd_frame_is_damage():
    payload, count = encoded(ENTRIES)
    frame = zstandard.ZstdCompressor(write_checksum=True).compress(payload)
    assert read_manifest(container(frame, count, codec=b"zstandard"), "p") == ENTRIES
    for cut in range(1, len(frame)):
        with pytest.raises(CorruptTableError):
            read_manifest(container(frame[:-cut], count, codec=b"zstandard"), "p")


def test_a_wrong_snappy_checksum_is_damage():
    data = write_manifest(ENTRIES, "snappy")
    with pytest.raises(CorruptTableError, match="checksum"):
        read_manifest(flip(data, len(data) - 17, 0), "p")


def changed(change):
    """Our schema after a change to its parsed form."""
    node = json.loads(MANIFEST.schema)
    replaced = change(node, {field["name"]: field for field in node["fields"][5]["type"]["fields"]})
    return json.dumps(node if replaced is None else replaced)


def named(name, **more):
    return {"type": "record", "name": name, "namespace": "n", **more}


BAD_SCHEMAS = {
    "not json": lambda node, file: 7,
    "another record": lambda node, file: named("r", fields=[]),
    "missing field": lambda node, file: node["fields"].pop(2),
    "wrong type": lambda node, file: file["_FILE_NAME"].update(type="bytes"),
    "null in a plain field": lambda node, file: file["_FILE_SIZE"].update(type=["null", "long"]),
    "two branches": lambda node, file: file["_FILE_SOURCE"].update(type=["null", "int", "string"]),
    "wrong items": lambda node, file: file["_EXTRA_FILES"]["type"].update(items="int"),
    "almost a known name": lambda node, file: file["_FILE_SOURCE"].update(name="_FILE_SOURCF"),
    "same name twice": lambda node, file: file["_FILE_SOURCE"].update(name="_LEVEL"),
    "unknown type": lambda node, file: file["_FILE_SOURCE"].update(type="n.Gone"),
    "no type": lambda node, file: file["_FILE_SOURCE"].pop("type"),
    "items of no bytes": lambda node, file: node["fields"].append(
        {"name": "x", "type": {"type": "array", "items": "null"}}
    ),
    "contains itself": lambda node, file: node["fields"].append(
        {"name": "x", "type": named("A", fields=[{"name": "x", "type": "n.A"}])}
    ),
    "union in a union": lambda node, file: node["fields"].append({"name": "x", "type": ["null", ["int"]]}),
    "fixed without size": lambda node, file: node["fields"].append(
        {"name": "x", "type": {"type": "fixed", "name": "f"}}
    ),
    "enum without symbols": lambda node, file: node["fields"].append(
        {"name": "x", "type": {"type": "enum", "name": "e"}}
    ),
    "field list": lambda node, file: node.update(fields={}),
    "nameless": lambda node, file: node.pop("name"),
}


@pytest.mark.parametrize("what", BAD_SCHEMAS)
def test_schemas_that_no_writer_writes(what):
    payload, count = encoded(ENTRIES)

    def change(node, file):
        result = BAD_SCHEMAS[what](node, file)
        return result if what in {"not json", "another record"} else None

    with pytest.raises(CorruptTableError, match=r"^p: 'avro.schema' in the header: "):
        read_manifest(container(payload, count, schema=changed(change)), "p")


def test_a_schema_that_doubles_at_every_level_is_refused():
    fields = [{"name": "_", "type": named("A0", fields=[{"name": "x", "type": "int"}])}]
    for level in range(1, 30):
        inner = [{"name": side, "type": f"n.A{level - 1}"} for side in "lr"]
        fields.append({"name": f"f{level}", "type": named(f"A{level}", fields=inner)})
    node = json.loads(MANIFEST.schema)
    node["fields"] += fields
    with pytest.raises(CorruptTableError, match="types"):
        read_manifest(container(b"", 0, schema=json.dumps(node)), "p")


def test_a_stats_record_may_be_defined_once_and_used_by_name():
    def change(node, file):
        file["_VALUE_STATS"]["type"] = "record__FILE__KEY_STATS"

    payload, count = encoded(ENTRIES)
    assert read_manifest(container(payload, count, schema=changed(change)), "p") == ENTRIES


def test_endless_numbers_are_damage():
    with pytest.raises(CorruptTableError, match="not a number"):
        read_manifest(b"Obj\x01" + b"\xff" * 30, "p")
