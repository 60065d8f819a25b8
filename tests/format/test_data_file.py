"""Data files of every format: what is refused, what stands in the bytes, projection, damage."""

import io
import json
import os
import random
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.orc
import pytest

import lakestore as ls
from lakestore.core.file_formats import FORMATS, check_files, require_format
from lakestore.errors import CorruptTableError, ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.format.avro_data_schema import schema_text
from lakestore.format.data_file import dictionary_columns, open_sink, open_source
from lakestore.format.orc_types import from_file
from lakestore.model.arrow import arrow_schema, assign_ids
from lakestore.model.options import FileOptions
from lakestore.model.types import DataType, TypeRoot, parse_type

NESTED = {
    "id": "INT NOT NULL",
    "who": {
        "type": "ROW",
        "fields": [
            {"id": 0, "name": "name", "type": "STRING"},
            {"id": 0, "name": "at", "type": "TIME(3)"},
            {"id": 0, "name": "big", "type": "STRING"},
        ],
    },
    "many": {
        "type": "ARRAY",
        "element": {
            "type": "ROW",
            "fields": [{"id": 0, "name": "k", "type": "BIGINT"}, {"id": 0, "name": "big", "type": "STRING"}],
        },
    },
    "pairs": {"type": "MAP", "key": "INT NOT NULL", "value": "DECIMAL(20, 3)"},
    "words": {"type": "MAP", "key": "STRING NOT NULL", "value": "DATE"},
    "bag": {"type": "MULTISET", "element": "STRING NOT NULL"},
}


def fields_of(columns):
    return assign_ids([(name, parse_type(kind), None) for name, kind in columns.items()])


def file_of(form, fields, tables, **options):
    """The bytes of a file."""
    sink = pa.BufferOutputStream()
    chosen = FileOptions(format=form, **options)
    writer = open_sink(sink, fields, options=chosen, dictionary=dictionary_columns(chosen, tables[0]))
    for table in tables:
        writer.write(table)
    writer.close()
    return sink.getvalue().to_pybytes()


def opened(form, data, fields, rows):
    return open_source(form, pa.BufferReader(data), "memory:///f", fields=fields, rows=rows)


def read(form, data, fields, rows, *, batch=1 << 20, **options):
    source = opened(form, data, fields, rows)
    names = [field.name for field in fields]
    return list(source.batches(names, rows=batch, **options))


def nested_rows(count=3):
    fields = fields_of(NESTED)
    rows = [
        {
            "id": number,
            "who": {"name": f"n{number}", "at": number, "big": "x" * 2000} if number % 3 else None,
            "many": [{"k": number, "big": "y" * 2000}, None] if number % 2 else [],
            "pairs": [(number, Decimal("-1.500")), (7, None)],
            "words": [("a", number), ("b", None)],
            "bag": [("z", 2)],
        }
        for number in range(1, count + 1)
    ]
    return fields, pa.Table.from_pylist(rows, schema=arrow_schema(fields))


@pytest.mark.parametrize("form", ["CSV", "json", "lance", "vortex", "mosaic", "text", "blob"])
def test_other_formats_are_refused_by_name(form):
    with pytest.raises(UnsupportedFormatError, match=f"file x is of format {form}; .*parquet, orc, avro"):
        require_format(form, "file x")
    with pytest.raises(UnsupportedFormatError, match=f"file.format={form}"):
        check_files((), FileOptions(format=form))
    with pytest.raises(UnsupportedFormatError, match=f"file.format={form}"):
        check_files((), FileOptions(format_per_level={3: form}))
    with pytest.raises(UnsupportedFormatError, match=f"file.format={form}"):
        check_files((), FileOptions(changelog_format=form))


@pytest.mark.parametrize(
    ("form", "codec"),
    [("orc", "gzip"), ("avro", "lz4"), ("avro", "gzip"), ("parquet", "zlib"), ("parquet", "deflate"), ("orc", "null")],
)
def test_codecs_that_a_format_lacks_are_refused_by_name(form, codec):
    with pytest.raises(UnsupportedFormatError, match=rf"file\.compression='{codec}': {form} files .* zstd"):
        check_files((), FileOptions(format=form, compression=codec))
    with pytest.raises(UnsupportedFormatError, match=codec):
        check_files((), FileOptions(format=form, compression_per_level={0: codec}))


@pytest.mark.parametrize("form", FORMATS)
def test_codecs_and_types_that_no_format_has(form):
    with pytest.raises(InvalidInputError, match="brotli") as caught:
        check_files((), FileOptions(format=form, compression="brotli"))
    assert caught.value.kind is ErrorKind.INVALID_OPTION
    with pytest.raises(UnsupportedFormatError, match="'tags' is ARRAY<VARIANT>: this release does not write VARIANT"):
        check_files(fields_of({"tags": {"type": "ARRAY", "element": "VARIANT"}}), FileOptions(format=form))


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("t", "TIMESTAMP(7)", r"TIMESTAMP\(7\): .*at most 6"),
        ("t", "TIMESTAMP(9) WITH LOCAL TIME ZONE", "at most 6"),
        ("t", "TIME(6)", "at most 3"),
        ("1st", "INT", "column '1st': in Avro"),
        ("a b", "INT", "column 'a b'"),
        ("x", {"type": "ROW", "fields": [{"id": 0, "name": "a.b", "type": "INT"}]}, "column 'a.b'"),
    ],
)
def test_what_avro_cannot_hold_is_refused_before_a_byte(name, kind, message):
    fields = fields_of({name: kind})
    with pytest.raises(UnsupportedFormatError, match=message):
        check_files(fields, FileOptions(format_per_level={0: "avro"}))
    check_files(fields, FileOptions(format="orc"))
    sink = pa.BufferOutputStream()
    with pytest.raises(UnsupportedFormatError, match=message):
        open_sink(sink, fields, options=FileOptions(format="avro"), dictionary=())
    assert sink.tell() == 0


AVRO = {
    "k": ("INT NOT NULL", "int"),
    "flag": ("BOOLEAN", ["null", "boolean"]),
    "tiny": ("TINYINT", ["null", "int"]),
    "c": ("CHAR(3)", ["null", "string"]),
    "raw": ("BINARY(3)", ["null", "bytes"]),
    "d": ("DATE NOT NULL", {"type": "int", "logicalType": "date"}),
    "at": ("TIME(0)", ["null", {"type": "int", "logicalType": "time-millis"}]),
    "m": ("DECIMAL(9, 2) NOT NULL", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}),
    "t0": ("TIMESTAMP(0) NOT NULL", {"type": "long", "logicalType": "timestamp-millis"}),
    "t6": ("TIMESTAMP(6) NOT NULL", {"type": "long", "logicalType": "timestamp-micros"}),
    "z3": ("TIMESTAMP(3) WITH LOCAL TIME ZONE", ["null", {"type": "long", "logicalType": "local-timestamp-millis"}]),
    "z6": (
        "TIMESTAMP(6) WITH LOCAL TIME ZONE NOT NULL",
        {"type": "long", "logicalType": "local-timestamp-micros"},
    ),
}


def test_the_avro_schema_is_paimons():
    schema = json.loads(schema_text(fields_of({name: kind for name, (kind, _) in AVRO.items()})))
    assert (schema["type"], schema["name"], schema["namespace"]) == (
        "record",
        "record",
        "org.apache.paimon.avro.generated",
    )
    assert {field["name"]: field["type"] for field in schema["fields"]} == {
        name: kind for name, (_, kind) in AVRO.items()
    }
    assert all(("default" in field) == isinstance(field["type"], list) for field in schema["fields"])


def test_nested_avro_schemas_are_paimons():
    _, who, many, pairs, words, bag = json.loads(schema_text(fields_of(NESTED)))["fields"]
    assert who["type"][1]["name"] == "record_who"
    assert many["type"][1]["items"][1]["name"] == "record_many"
    entry = pairs["type"][1]
    assert (entry["logicalType"], entry["items"]["name"]) == ("map", "record_pairs")
    assert [field["name"] for field in entry["items"]["fields"]] == ["key", "value"]
    assert words["type"] == ["null", {"type": "map", "values": ["null", {"type": "int", "logicalType": "date"}]}]
    assert bag["type"] == ["null", {"type": "map", "values": ["null", "int"]}]


@pytest.mark.parametrize(
    ("codec", "stored"),
    [("null", "null"), ("none", "null"), ("deflate", "deflate"), ("snappy", "snappy"), ("zstd", "zstandard")],
)
def test_fastavro_reads_avro_files(codec, stored):
    fields, table = nested_rows(50)
    data = file_of("avro", fields, [table], compression=codec)
    reader = fastavro.reader(io.BytesIO(data))
    assert reader.metadata["avro.codec"] == stored
    if stored == "zstandard":
        return  # Needs a package of its own.
    rows = list(reader)
    assert [row["id"] for row in rows] == list(range(1, 51))
    assert rows[0]["pairs"] == [{"key": 1, "value": Decimal("-1.500")}, {"key": 7, "value": None}]
    assert rows[0]["bag"] == {"z": 2}


@pytest.mark.parametrize("codec", ["zstd", "snappy", "lz4", "zlib", "none"])
def test_codecs_of_orc_files(codec):
    fields, table = nested_rows(50)
    data = file_of("orc", fields, [table], compression=codec)
    assert pa.orc.ORCFile(pa.BufferReader(data)).compression == {"none": "UNCOMPRESSED"}.get(codec, codec.upper())
    assert pa.Table.from_batches(read("orc", data, fields, 50)).num_rows == 50


def test_orc_columns_carry_their_ids_and_times_are_numbers():
    fields, table = nested_rows()
    schema = pa.orc.ORCFile(pa.BufferReader(file_of("orc", fields, [table]))).schema
    assert [field.metadata[b"paimon.id"] for field in schema] == [str(field.id).encode() for field in fields]
    assert schema.field("who").type.field("at").type == pa.int32()


@pytest.mark.parametrize("form", ["orc", "avro"])
def test_only_wanted_members_are_handed_out(form):
    fields, table = nested_rows(20)
    data = file_of(form, fields, [table])

    def only(field, *names):
        kind = field.type if field.type.root is TypeRoot.ROW else field.type.element
        kept = tuple(member for member in kind.fields if member.name in names)
        row = DataType(root=TypeRoot.ROW, fields=kept)
        return row if field.type.root is TypeRoot.ROW else DataType(root=TypeRoot.ARRAY, element=row)

    narrow = {"who": only(fields[1], "at"), "many": only(fields[2], "k"), "pairs": fields[3].type}
    source = opened(form, data, fields, 20)
    (batch,) = source.batches(["pairs", "who", "many"], rows=100, narrow=narrow)
    assert batch.schema.names == ["pairs", "who", "many"]
    for found, whole in zip(batch.to_pylist(), table.to_pylist(), strict=True):
        assert found["who"] == (whole["who"] and {"at": whole["who"]["at"]})
        assert found["many"] == [one and {"k": one["k"]} for one in whole["many"]]
        assert found["pairs"] == whole["pairs"]
    assert list(source.batches(["id"], rows=100, groups=[])) == []


def test_a_table_is_not_created_or_altered_to_what_its_format_cannot_hold(tmp_path):
    lake = ls.connect(tmp_path)
    fine = {"t": "TIMESTAMP(9)", "n": "INT"}
    with pytest.raises(UnsupportedFormatError, match=r"column 't', type TIMESTAMP\(9\): Avro"):
        lake.create_table("db.t", schema=fine, options={"file.format": "avro"})
    with pytest.raises(UnsupportedFormatError, match=r"'gzip': orc files"):
        lake.create_table("db.t", schema=fine, options={"file.format": "orc", "file.compression": "gzip"})
    table = lake.create_table("db.t", schema=fine, options={"file.format": "orc"})
    with pytest.raises(UnsupportedFormatError, match="at most 6 digits"):
        table.alter(ls.set_option("file.format", "avro"))
    table.alter(ls.drop_column("t"), ls.set_option("file.format", "avro"))


@pytest.mark.parametrize("form", FORMATS)
def test_many_stripes_and_blocks(form):
    fields = fields_of({"n": "BIGINT", "word": "STRING", "x": "DOUBLE"})
    count = 60_000
    dice = np.random.default_rng(5)
    words = pa.array([None if number % 11 == 0 else f"w{number % 300}" for number in range(count)])
    table = pa.table({"n": dice.integers(0, 1 << 60, count), "word": words, "x": dice.random(count)})
    parts = [table.slice(start, 7_000) for start in range(0, count, 7_000)]
    data = file_of(form, fields, parts, target_bytes=400_000)
    batches = read(form, data, fields, count, batch=10_000)
    assert max(batch.num_rows for batch in batches) <= 10_000
    assert pa.Table.from_batches(batches).equals(table)
    if form == "orc":
        assert pa.orc.ORCFile(pa.BufferReader(data)).nstripes > 1


@pytest.mark.parametrize("form", ["orc", "avro"])
def test_files_cut_off_are_damaged(form):
    fields, table = nested_rows(200)
    data = file_of(form, fields, [table])
    for length in {0, 1, 3, 20, len(data) // 3, len(data) // 2, len(data) - 30, len(data) - 1}:
        with pytest.raises(CorruptTableError, match="memory:///f"):
            read(form, data[:length], fields, 200)


def test_avro_bytes_that_flip_are_found_or_harmless():
    """Every block has a checksum, so rows are never other rows."""
    fields, table = nested_rows(200)
    data = file_of("avro", fields, [table])
    whole = pa.Table.from_batches(read("avro", data, fields, 200))
    dice = random.Random(3)
    begin = data.index(b"avro.codec") + 40
    found = 0
    for _ in range(150):
        at = dice.randrange(begin, len(data))
        flipped = data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1 :]
        try:
            assert pa.Table.from_batches(read("avro", flipped, fields, 200)).equals(whole)
        except (CorruptTableError, UnsupportedFormatError):
            found += 1
    assert found > 100


def test_avro_files_of_another_length_than_the_manifest_says():
    fields, table = nested_rows(5)
    data = file_of("avro", fields, [table])
    with pytest.raises(CorruptTableError, match="has 5 rows, the manifest says 6"):
        read("avro", data, fields, 6)


def avro_file(schema, records):
    sink = io.BytesIO()
    fastavro.writer(sink, schema, records)
    return sink.getvalue()


def record(kind):
    return {"type": "record", "name": "r", "fields": [{"name": "a", "type": kind}]}


FOREIGN = {
    "no logical type": ("long", [1500], "TIMESTAMP(3)", [1_500]),
    "another unit": ({"type": "long", "logicalType": "timestamp-micros"}, [1_500_000], "TIMESTAMP(3)", [1_500]),
    "null last": (["int", "null"], [None, 3], "INT", [None, 3]),
    "fixed decimal": (
        {"type": "fixed", "size": 4, "name": "f", "logicalType": "decimal", "precision": 9, "scale": 2},
        [Decimal("-1.25")],
        "DECIMAL(9, 2)",
        [Decimal("-1.25")],
    ),
    "a narrower number": ("int", [5], "BIGINT", [5]),
    "a wider number that fits": ("long", [5], "INT", [5]),
}


@pytest.mark.parametrize(("schema", "values", "kind", "expected"), FOREIGN.values(), ids=FOREIGN)
def test_other_spellings_of_avro(schema, values, kind, expected):
    fields = fields_of({"a": kind})
    data = avro_file(record(schema), [{"a": value} for value in values])
    (batch,) = read("avro", data, fields, len(values))
    found = batch.column(0)
    assert (found.cast(pa.int64()) if pa.types.is_timestamp(found.type) else found).to_pylist() == expected


WRONG = {
    "text for a number": ("string", ["x"], "INT"),
    "a number too large": ("long", [1 << 40], "INT"),
    "a finer time": ({"type": "long", "logicalType": "timestamp-micros"}, [1], "TIMESTAMP(3)"),
    "a decimal too large": ({"type": "bytes"}, [b"\x7f" * 16], "DECIMAL(5, 2)"),
    "a decimal of no bytes": ({"type": "bytes"}, [b""], "DECIMAL(5, 2)"),
    "a union of many": (["null", "int", "string"], [1], "INT"),
    "a list for a number": ({"type": "array", "items": "int"}, [[1]], "INT"),
}


@pytest.mark.parametrize(("schema", "values", "kind"), WRONG.values(), ids=WRONG)
def test_avro_values_that_do_not_fit_are_damage(schema, values, kind):
    data = avro_file(record(schema), [{"a": value} for value in values])
    with pytest.raises(CorruptTableError, match="memory:///f: column 'a' cannot be read as"):
        read("avro", data, fields_of({"a": kind}), len(values))


def test_avro_files_that_hold_no_rows():
    for schema in ("int", ["null", "int"], {"type": "array", "items": "int"}):
        data = avro_file(schema, [] if isinstance(schema, dict) else [1])
        with pytest.raises(CorruptTableError, match="does not hold rows"):
            opened("avro", data, fields_of({"a": "INT"}), 1)


def test_a_map_with_a_key_twice_is_refused_in_avro():
    fields = fields_of({"words": NESTED["words"]})
    table = pa.table(
        [pa.array([[("a", 1), ("a", 2)]], arrow_schema(fields).field(0).type)], schema=arrow_schema(fields)
    )
    with pytest.raises(InvalidInputError, match="a map has a key twice"):
        file_of("avro", fields, [table])


def test_rows_too_large_for_a_block_are_halved_or_refused():
    fields = fields_of({"s": "BYTES"})
    wide = pa.table({"s": pa.array([b"x" * (1 << 20)] * 3)})
    data = file_of("avro", fields, [wide], compression="none")
    assert pa.Table.from_batches(read("avro", data, fields, 3)).equals(wide)
    with pytest.raises(InvalidInputError, match="rows of at most 67108864 bytes"):
        file_of("avro", fields, [pa.table({"s": pa.array([b"x" * ((64 << 20) + 1)])})])


def test_blanks_that_javas_orc_pads_char_with_are_cut_off():
    kind = parse_type({"type": "ARRAY", "element": "CHAR(3)"})
    array = pa.array([["a  ", None, "abc"], None, [" b "]])
    assert from_file(array, kind, padded=True).to_pylist() == [["a", None, "abc"], None, [" b"]]
    assert from_file(array, kind, padded=False).to_pylist() == array.to_pylist()
    fields = fields_of({"c": "CHAR(3)"})
    data = file_of("orc", fields, [pa.table({"c": ["a ", "b"]})])
    assert read("orc", data, fields, 2)[0].column(0).to_pylist() == ["a ", "b"]


def test_orc_timestamps_that_arrow_cannot_hold_are_named():
    sink = io.BytesIO()
    pa.orc.write_table(pa.table({"a": pa.array([10**13], pa.timestamp("ms")), "b": [1]}), sink)
    fields = fields_of({"a": "TIMESTAMP(3)", "b": "BIGINT"})
    with pytest.raises(UnsupportedFormatError, match=r"memory:///f: .*out of range.* from 1678 to 2261 only"):
        read("orc", sink.getvalue(), fields, 1)
    (batch,) = opened("orc", sink.getvalue(), fields, 1).batches(["b"], rows=10)
    assert batch.column("b").to_pylist() == [1]


def test_missing_time_zones_say_what_to_do():
    code = (
        "import pyarrow as pa, sys; sys.path.insert(0, sys.argv[1]); import tests.format.test_data_file as t;"
        "fields = t.fields_of({'t': 'TIMESTAMP(3)'});"
        "t.file_of('orc', fields, [pa.table({'t': pa.array([1], pa.timestamp('ms'))})])"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code, root],
        env={**os.environ, "TZDIR": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "install the tzdata package" in done.stderr
