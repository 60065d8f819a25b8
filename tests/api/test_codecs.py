"""Formats and codecs of data files, as the files themselves tell: of a table, of its levels, and altered in between."""

from pathlib import Path

import fastavro
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

import lakestore as ls
from lakestore.core.file_formats import CODECS, FORMATS

ROWS = [{"id": number, "s": f"{number * 7919 % 10_007:x}" * 6} for number in range(3000)]
NAMED = {
    "parquet": {"zstd": "ZSTD", "snappy": "SNAPPY", "gzip": "GZIP", "lz4": "LZ4", "none": "UNCOMPRESSED"},
    "orc": {"zstd": "ZSTD", "snappy": "SNAPPY", "lz4": "LZ4", "zlib": "ZLIB", "none": "UNCOMPRESSED"},
    "avro": {"zstd": "zstandard", "snappy": "snappy", "deflate": "deflate", "none": "null"},
}


def told_by(file):
    """Format and codec as they stand in the file."""
    if file.suffix == ".parquet":
        return "parquet", pq.ParquetFile(file).metadata.row_group(0).column(0).compression
    if file.suffix == ".orc":
        return "orc", pyarrow.orc.ORCFile(file).compression
    with file.open("rb") as source:
        return "avro", fastavro.reader(source).codec


def files_of(table):
    return [path for path in Path(table.path).rglob("bucket-*/*") if path.is_file()]


def made(folder, **options):
    options = {"bucket": 1, "write-only": True, **{key.replace("_", "."): value for key, value in options.items()}}
    return ls.connect(folder).create_table(
        "t", schema={"id": "INT", "s": "STRING"}, primary_key=["id"], options=options
    )


def by_id(table):
    return sorted(table.scan().to_pylist(), key=lambda row: row["id"])


@pytest.mark.parametrize(("form", "codec"), [(form, codec) for form in FORMATS for codec in CODECS[form]])
def test_codec(tmp_path, form, codec):
    table = made(tmp_path, file_format=form, file_compression=codec.upper())
    table.upsert(ROWS[:500])
    table.upsert(ROWS[400:600])
    table.compact(full=True)
    plain = {"zstandard": "zstd", "uncompressed": "none", "null": "none"}.get(codec, codec)
    assert {told_by(file) for file in files_of(table)} == {(form, NAMED[form][plain])}
    assert by_id(table) == ROWS[:600]


def size_at(folder, form, level):
    table = made(folder / f"{level}", **{"file.format": form, "file.compression.zstd-level": level})
    table.upsert(ROWS)
    assert by_id(table) == ROWS
    (file,) = files_of(table)
    return file.stat().st_size


@pytest.mark.parametrize("form", FORMATS)
def test_levels_of_zstd(tmp_path, form):
    fast, usual, most = (size_at(tmp_path, form, level) for level in (1, 3, 19))
    assert fast != most
    assert (usual == most) == (form == "orc")


@pytest.mark.parametrize(
    ("formats", "codecs"),
    [
        ("0:avro,5:orc", "0:snappy,5:lz4"),
        ("5:avro", "0:none,5:deflate"),
        ("0:orc", "0:zlib"),
        ("", "0:lz4,5:gzip"),
    ],
)
def test_files_of_each_level(tmp_path, formats, codecs):
    table = made(tmp_path, **{"file.format.per.level": formats, "file.compression.per.level": codecs})
    chosen = {**dict.fromkeys("05", "parquet"), **dict(pair.split(":") for pair in formats.split(",") if pair)}
    packed = {**dict.fromkeys("05", "zstd"), **dict(pair.split(":") for pair in codecs.split(","))}
    table.upsert(ROWS[:500])
    table.upsert(ROWS[400:600])
    table.compact(full=True)
    table.upsert(ROWS[:1])
    found = table.system("files").to_pylist()
    assert sorted(one["level"] for one in found) == [0, 5]
    for one in found:
        level = str(one["level"])
        file = Path(one["file_path"].removeprefix("file://"))
        assert told_by(file) == (chosen[level], NAMED[chosen[level]][packed[level]]), level
    assert by_id(table) == ROWS[:600]


def test_altered_in_between(tmp_path):
    """Old files stay in the format and codec that they were written in."""
    table = made(tmp_path)
    wanted = [("orc", "zlib"), ("avro", "deflate"), ("parquet", "gzip")]
    for number, (form, codec) in enumerate(wanted):
        table = table.alter(ls.set_option("file.format", form), ls.set_option("file.compression", codec))
        table.upsert(ROWS[number * 100 : number * 100 + 150])
    assert sorted(told_by(file) for file in files_of(table)) == sorted(
        (form, NAMED[form][codec]) for form, codec in wanted
    )
    assert by_id(table) == ROWS[:350]
    with pytest.raises(ls.UnsupportedFormatError, match="avro files are written with one of"):
        table.alter(ls.set_option("file.format", "avro"))
