"""Manifests, manifest lists and index manifests against those of Java, pypaimon and paimon-rust."""

import io
import json
from dataclasses import fields, replace

import fastavro
import pytest

from lakestore.errors import CorruptTableError, ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.format.avro_file import Encoder
from lakestore.format.index_manifest import read_index_manifest
from lakestore.format.manifest_file import (
    BLOCK_ENTRIES,
    encode_manifests,
    read_manifest,
    read_manifest_list,
    write_manifest,
    write_manifest_list,
)
from lakestore.format.manifest_schema import INDEX_MANIFEST, MANIFEST, MANIFEST_LIST
from lakestore.model.datafile import DataFile, FileSource
from lakestore.model.manifest import EntryKind, ManifestMeta
from lakestore.model.stats import ColumnStats
from tests.entries import TABLES, a_file, add, an_entry, delete, golden_files
from tests.plain_avro import plain_records, with_zstd_frames, writer_schema

MANIFESTS = golden_files("manifest", "manifest-[!l]")
LISTS = golden_files("manifest", "manifest-list-")
INDEXES = golden_files("manifest", "index-manifest-")
CODECS = {"zstd": "zstandard", "ZSTD": "zstandard", "snappy": "snappy", "deflate": "deflate", "none": "null"}


def test_there_are_golden_files_of_all_kinds():
    assert min(len(MANIFESTS), len(LISTS), len(INDEXES)) >= 9


def test_golden_manifests_survive():
    for path in MANIFESTS:
        entries = read_manifest(path.read_bytes(), str(path))
        assert entries, path
        assert read_manifest(write_manifest(entries, "zstd"), "again") == entries


def test_golden_lists_survive_and_describe_their_manifests():
    for path in LISTS:
        metas = read_manifest_list(path.read_bytes(), str(path))
        assert read_manifest_list(write_manifest_list(metas, "zstd"), "again") == metas
        for meta in metas:
            manifest = path.parent / meta.name
            if not manifest.exists():
                continue  # Its snapshots expired, and a tag's list still names it or nothing does.
            entries = read_manifest(manifest.read_bytes(), meta.name)
            assert meta.size == manifest.stat().st_size
            assert meta.deleted_files == sum(entry.kind is EntryKind.DELETE for entry in entries)
            assert meta.added_files == len(entries) - meta.deleted_files


def test_golden_values_agree_with_plain_fastavro():
    """Field by field against another reading of the same bytes, of each of the three writers."""
    for table in ("lsm_levels", "part_types", "pypaimon_part_append", "rust_pk_thin"):
        for path in sorted((TABLES / table / "golden.db/t/manifest").glob("manifest-[!l]*")):
            data = path.read_bytes()
            schema = writer_schema(data)[0]
            for entry, record in zip(read_manifest(data, "p"), plain_records(data), strict=True):
                file, other = entry.file, record["_FILE"]
                assert (entry.kind, entry.partition, entry.bucket) == (
                    record["_KIND"],
                    record["_PARTITION"],
                    record["_BUCKET"],
                )
                assert (file.name, file.size, file.row_count) == (
                    other["_FILE_NAME"],
                    other["_FILE_SIZE"],
                    other["_ROW_COUNT"],
                )
                assert (file.min_key, file.max_key) == (other["_MIN_KEY"], other["_MAX_KEY"])
                assert file.value_stats.min_values == other["_VALUE_STATS"]["_MIN_VALUES"]
                assert list(file.value_stats.null_counts) == other["_VALUE_STATS"]["_NULL_COUNTS"]
                assert file.creation_time == round(other["_CREATION_TIME"].timestamp() * 1000)
                assert file.level == other["_LEVEL"]
                known = ["_VALUE_STATS_COLS", "_EXTERNAL_PATH", "_FIRST_ROW_ID", "_WRITE_COLS"]
                ours = [file.value_stats_columns, file.external_path, file.first_row_id, file.write_columns]
                assert [value if value is None else list(value) for value in ours] == [
                    other.get(name) for name in known
                ], schema


def test_golden_index_manifests():
    for path in INDEXES:
        data = path.read_bytes()
        entries = read_index_manifest(data, str(path))
        assert {entry.index_type for entry in entries} <= {"HASH", "DELETION_VECTORS"}
        for entry, record in zip(entries, plain_records(data), strict=True):
            index_file = path.parent.parent / "index" / entry.name
            assert entry.size == index_file.stat().st_size
            ranges = record["_DELETIONS_VECTORS_RANGES"]
            assert (entry.vectors is None) == (ranges is None)
            for mine, theirs in zip(entry.vectors or (), ranges or (), strict=True):
                assert (mine.data_file, mine.offset, mine.length) == (theirs["f0"], theirs["f1"], theirs["f2"])
                assert mine.cardinality is None


def common_part(ours, theirs):
    """Our schema without the fields that came after theirs was written."""
    if isinstance(ours, list):
        assert len(ours) == len(theirs)
        return [common_part(mine, other) for mine, other in zip(ours, theirs, strict=True)]
    if not isinstance(ours, dict):
        return ours
    node = dict(ours)
    if "fields" in node:
        names = [field["name"] for field in theirs["fields"]]
        assert [field["name"] for field in node["fields"]][: len(names)] == names
        pairs = zip(node["fields"][: len(names)], theirs["fields"], strict=True)
        node["fields"] = [{**mine, "type": common_part(mine["type"], other["type"])} for mine, other in pairs]
    if "items" in node:
        node["items"] = common_part(node["items"], theirs["items"])
    if isinstance(node.get("type"), dict | list):
        node["type"] = common_part(node["type"], theirs["type"])
    return node


@pytest.mark.parametrize(("kind", "files"), [(MANIFEST, MANIFESTS), (MANIFEST_LIST, LISTS), (INDEX_MANIFEST, INDEXES)])
def test_the_schema_is_javas_to_the_letter(kind, files):
    """Names, order, nullability, defaults and record names of all fields that a Java file has."""
    ours = json.loads(kind.schema)
    javas = 0
    for path in files:
        theirs, metadata = writer_schema(path.read_bytes())
        if isinstance(theirs, list) or theirs["name"] != "record" or "rust" in str(path):
            continue
        javas += 1
        assert metadata == {"avro.codec": "zstandard"}
        assert common_part(ours, theirs) == theirs
    assert javas >= 9


def test_a_manifest_has_six_plain_top_level_fields_and_all_newer_ones_inside():
    ours = json.loads(MANIFEST.schema)
    assert [field["name"] for field in ours["fields"]] == [
        "_VERSION",
        "_KIND",
        "_PARTITION",
        "_BUCKET",
        "_TOTAL_BUCKETS",
        "_FILE",
    ]
    assert not any(isinstance(field["type"], list) for field in ours["fields"])
    assert [field["name"] for field in ours["fields"][5]["type"]["fields"]][-5:] == [
        "_FILE_SOURCE",
        "_VALUE_STATS_COLS",
        "_EXTERNAL_PATH",
        "_FIRST_ROW_ID",
        "_WRITE_COLS",
    ]


def test_every_attribute_of_a_file_is_stored():
    """A field added to the record but not to the file would be lost at the first rewrite."""
    full = a_file(
        level=3,
        external_path="s3://elsewhere/x",
        first_row_id=0,
        write_columns=(),
        write_columns_sequences=(4, 5),
        value_stats_columns=(),
    )
    other = DataFile(name="n", size=0, row_count=0, min_sequence=0, max_sequence=0, schema_id=0)
    (entry,) = read_manifest(write_manifest([replace(an_entry(), file=full)], "zstd"), "p")
    for field in fields(DataFile):
        assert getattr(entry.file, field.name) == getattr(full, field.name), field.name
        assert getattr(full, field.name) != getattr(other, field.name), f"{field.name} has its default here"
    assert read_manifest(write_manifest([replace(an_entry(), file=other)], "zstd"), "p")[0].file == other


def test_the_field_after_2_0_is_written_only_when_an_entry_carries_it():
    assert b"_WRITE_COLS_SEQUENCES" not in write_manifest([add("a")], "zstd")
    assert b"_WRITE_COLS_SEQUENCES" in write_manifest([add("a"), add("b", write_columns_sequences=(1,))], "zstd")


def test_every_attribute_of_a_description_is_stored():
    full = ManifestMeta(
        name="m",
        size=1,
        added_files=2,
        deleted_files=3,
        partition_stats=ColumnStats(min_values=b"a", max_values=b"b", null_counts=(1, None)),
        schema_id=4,
        min_bucket=-2,
        max_bucket=6,
        min_level=1,
        max_level=5,
        min_row_id=0,
        max_row_id=9,
    )
    assert read_manifest_list(write_manifest_list([full], "zstd"), "p") == [full]


@pytest.mark.parametrize("compression", CODECS)
def test_other_readers_read_what_we_write(compression):
    entries = [an_entry(str(number)) for number in range(BLOCK_ENTRIES + 3)]
    data = write_manifest(entries, compression)
    assert read_manifest(data, "p") == entries
    _, metadata = writer_schema(data)
    assert metadata == {"avro.codec": CODECS[compression]}
    records = plain_records(data)
    assert [record["_FILE"]["_FILE_NAME"] for record in records] == [entry.file.name for entry in entries]
    assert {record["_VERSION"] for record in records} == {2}
    assert records[0]["_FILE"]["_CREATION_TIME"].timestamp() * 1000 == entries[0].file.creation_time


@pytest.mark.parametrize("compression", CODECS)
def test_we_read_what_fastavro_writes(compression):
    schema = fastavro.parse_schema(json.loads(MANIFEST.schema))
    entries = [an_entry(str(number)) for number in range(700)]
    records = list(fastavro.reader(io.BytesIO(write_manifest(entries, "none"))))
    stream = io.BytesIO()
    if CODECS[compression] != "zstandard":
        fastavro.writer(stream, schema, records, codec=CODECS[compression])
    else:
        fastavro.writer(packed := io.BytesIO(), schema, records, codec="null")
        stream = with_zstd_frames(packed.getvalue())
    assert read_manifest(stream.getvalue(), "p") == entries


def test_equal_entries_give_equal_bytes():
    assert write_manifest([add("a"), delete("b")], "zstd") == write_manifest([add("a"), delete("b")], "zstd")
    assert write_manifest([add("a")], "zstd") != write_manifest([add("b")], "zstd")


def test_empty_files_exist_and_hold_nothing():
    assert read_manifest(write_manifest([], "zstd"), "p") == []
    assert read_manifest_list(write_manifest_list([], "zstd"), "p") == []
    assert plain_records(write_manifest_list([], "zstd")) == []
    assert list(encode_manifests([], "zstd", target_bytes=1)) == []


def test_manifests_roll_at_the_target_and_lose_nothing():
    entries = [an_entry(str(number)) for number in range(10 * BLOCK_ENTRIES + 1)]
    whole = len(write_manifest(entries, "none"))
    files = list(encode_manifests(entries, "none", target_bytes=whole // 4))
    assert 3 <= len(files) <= 6
    assert [entry for part, _ in files for entry in part] == entries
    for part, data in files:
        assert read_manifest(data, "p") == list(part)
        assert len(data) < whole // 4 + 200_000


def test_an_unknown_compression_is_refused():
    with pytest.raises(InvalidInputError, match=r"manifest.compression 'lzo'.*zstd"):
        write_manifest([add("a")], "lzo")


def old_schema(drop, *, union=False, stats_union=False):
    """Our schema as an older or another writer would have it."""
    node = json.loads(MANIFEST.schema)
    file = node["fields"][5]["type"]
    file["fields"] = [field for field in file["fields"] if field["name"] not in drop]
    if stats_union:
        for field in file["fields"][5:7]:
            field["type"] = ["null", field["type"]]
    return ["null", node] if union else node


NEWER = ["_DELETE_ROW_COUNT", "_EMBEDDED_FILE_INDEX", "_FILE_SOURCE", "_VALUE_STATS_COLS", "_EXTERNAL_PATH"]
NEWEST = ["_FIRST_ROW_ID", "_WRITE_COLS"]


def written_with(schema, entries, **changes):
    """The entries as a file of that schema."""
    records = list(fastavro.reader(io.BytesIO(write_manifest(entries, "none"))))
    for record in records:
        record.update(changes)
    stream = io.BytesIO()
    fastavro.writer(stream, fastavro.parse_schema(schema), records)
    return stream.getvalue()


@pytest.mark.parametrize("union", [False, True])
def test_what_older_writers_did_not_know_is_none(union):
    data = written_with(old_schema(NEWER + NEWEST, union=union, stats_union=union), [add("a"), delete("b")])
    blank = {
        "delete_row_count": None,
        "embedded_index": None,
        "source": None,
        "value_stats_columns": None,
    }
    assert read_manifest(data, "p") == [add("a", **blank), delete("b", **blank)]


def test_a_null_in_the_place_of_stats_means_that_nothing_is_known():
    schema = old_schema([], stats_union=True)
    data = written_with(schema, [add("a")])
    record = next(fastavro.reader(io.BytesIO(data)))
    record["_FILE"]["_KEY_STATS"] = None
    stream = io.BytesIO()
    fastavro.writer(stream, fastavro.parse_schema(schema), [record])
    assert read_manifest(stream.getvalue(), "p")[0].file.key_stats.null_counts is None


def test_fields_from_the_future_are_passed_over():
    node = json.loads(MANIFEST.schema)
    file = node["fields"][5]["type"]
    stats = file["fields"][5]["type"]["name"]
    file["fields"].append({"name": "_NEW", "type": ["null", {"type": "map", "values": stats}], "default": None})
    file["fields"].append(
        {"name": "_ENUM", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"]}, "default": "A"}
    )
    records = list(fastavro.reader(io.BytesIO(write_manifest([add("a")], "none"))))
    records[0]["_FILE"] |= {"_NEW": {"k": records[0]["_FILE"]["_KEY_STATS"]}, "_ENUM": "B"}
    stream = io.BytesIO()
    fastavro.writer(stream, fastavro.parse_schema(node), records)
    assert read_manifest(stream.getvalue(), "p") == [add("a")]


def test_another_version_is_refused_by_name():
    data = written_with(json.loads(MANIFEST.schema), [add("a")], _VERSION=1)
    with pytest.raises(UnsupportedFormatError, match=r"^p: manifest entry of _VERSION 1; .* 2 only") as caught:
        read_manifest(data, "p")
    assert caught.value.kind is ErrorKind.UNSUPPORTED_VERSION


def test_an_unknown_codec_is_refused_with_a_remedy():
    schema = fastavro.parse_schema(json.loads(MANIFEST.schema))
    stream = io.BytesIO()
    fastavro.writer(stream, schema, [], codec="bzip2")
    with pytest.raises(UnsupportedFormatError, match=r"codec 'bzip2' .*zstandard.*manifest.compression"):
        read_manifest(stream.getvalue(), "p")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"_KIND": 2}, "_KIND"),
        ({"_KIND": -1}, "_KIND"),
    ],
)
def test_unknown_values_of_entries_are_damage(changes, named):
    with pytest.raises(CorruptTableError, match=named):
        read_manifest(written_with(json.loads(MANIFEST.schema), [add("a")], **changes), "p")


@pytest.mark.parametrize(
    ("field", "value"), [("_FILE_SOURCE", 2), ("_LEVEL", -1), ("_FILE_SIZE", -1), ("_ROW_COUNT", -5)]
)
def test_unknown_values_of_files_are_damage(field, value):
    records = list(fastavro.reader(io.BytesIO(write_manifest([add("a")], "none"))))
    records[0]["_FILE"] |= {field: value, "_CREATION_TIME": None}
    encoder = Encoder(MANIFEST.schema, compression="none")
    encoder.add(records)
    with pytest.raises(CorruptTableError, match=r"^p: .*(source|SOURCE|negative)"):
        read_manifest(encoder.finish(), "p")


def test_file_source_is_an_enum_again():
    (entry,) = read_manifest(write_manifest([add("a", source=FileSource.COMPACT)], "zstd"), "p")
    assert entry.file.source is FileSource.COMPACT
    assert entry.kind is EntryKind.ADD
