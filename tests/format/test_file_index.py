"""File indexes byte by byte: against what Java wrote of the same rows, and against known figures.

``file_index_java.jsonl``: first the rows, in the canonical form of ``tests.golden.canon``; then the index of each kind
that Paimon 1.4.2 wrote for each column. Its bitmaps come in the order of a Java hash map, so of these what they say is
compared.
"""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lakestore.core.bloom import filter_size
from lakestore.core.index_keys import KeyRange, form_of, number_keys
from lakestore.core.xxhash64 import xxhash64
from lakestore.errors import CorruptTableError, InvalidInputError, UnsupportedFormatError
from lakestore.format.file_index import BytesAt, read_all, read_head, write_container
from lakestore.format.index_bitmap import BitmapReader, BitmapWriter
from lakestore.format.index_bloom import BloomWriter
from lakestore.format.index_bsi import BsiWriter
from lakestore.format.index_kinds import IndexCollector
from lakestore.format.index_range import RangeReader, RangeWriter
from lakestore.model.arrow import arrow_schema, assign_ids
from lakestore.model.file_index import IndexKind, IndexSpec
from lakestore.model.types import parse_type_text
from tests.golden import canon

LINES = [json.loads(line) for line in (Path(__file__).parent / "file_index_java.jsonl").read_text().splitlines()]
ROWS, JAVA = LINES[0]["rows"], LINES[1:]
SETTINGS = {
    ("bloom-filter", None): {"items": "200"},
    ("bitmap", "i"): {"index-block-size": "64 b"},
    ("range-bitmap", "i"): {"chunk-size": "12 b"},
    ("range-bitmap", "s"): {"chunk-size": "60 b"},
}
FIELDS = assign_ids(
    [(one["column"], parse_type_text(one["type"]), None) for one in JAVA if one["kind"] == "range-bitmap"]
)
INT = form_of(parse_type_text("INT"))
TEXT = form_of(parse_type_text("STRING"))


def settings_of(kind, column):
    return SETTINGS.get((kind, column)) or SETTINGS.get((kind, None)) or {}


@pytest.fixture(scope="module")
def table():
    return canon.table_of(ROWS, arrow_schema(FIELDS))


@pytest.mark.parametrize("vector", JAVA, ids=lambda one: f"{one['column']}-{one['kind']}")
def test_our_bytes_are_those_of_java(table, vector):
    kind, column = IndexKind(vector["kind"]), vector["column"]
    spec = IndexSpec(column=column, kind=kind, settings=settings_of(kind, column))
    collector = IndexCollector(FIELDS, [spec])
    collector.add(table.slice(0, 5))
    collector.add(table.slice(5))
    data, java = collector.finish()[column][kind], bytes.fromhex(vector["hex"])
    if kind is not IndexKind.BITMAP:
        assert data.hex() == java.hex()
        return
    form = form_of(next(field.type for field in FIELDS if field.name == column))
    ours, theirs = BitmapReader(data, form, "ours"), BitmapReader(java, form, "java")
    assert len(data) == len(java)
    assert ours.nulls() == theirs.nulls()
    assert ours._blocks == theirs._blocks
    assert ours.row_count == theirs.row_count == len(ROWS)
    column_keys = [number_keys(table[column].chunk(0).drop_null(), form)] if form.width else []
    keys = column_keys[0].tolist() if column_keys else [text.encode() for text in table[column].drop_null().to_pylist()]
    for key in keys:
        assert ours.where((KeyRange(low=key, high=key),)) == theirs.where((KeyRange(low=key, high=key),)) != set()


# What is written down elsewhere of the format.


def test_a_bloom_filter():
    writer = BloomWriter(INT, items=10, fpp=0.1)
    writer.add(pa.array([0, 1, 2], pa.int32()))
    writer.add(pa.array([3, None, 4], pa.int32()))
    assert writer.finish().hex() == "0000000389282150c000"


@pytest.mark.parametrize(
    ("items", "fpp", "size"), [(10, 0.1, (6, 3)), (1_000_000, 0.1, (599_067, 3)), (1, 0.5, (1, 6)), (5, 1e-9, (27, 30))]
)
def test_sizes_of_bloom_filters(items, fpp, size):
    assert filter_size(items, fpp) == size


@pytest.mark.parametrize(("items", "fpp"), [(0, 0.1), (10, 0), (10, 1), (-3, 0.1), (2**31 - 1, 1e-9)])
def test_no_such_bloom_filter(items, fpp):
    with pytest.raises(InvalidInputError):
        filter_size(items, fpp)


HASHES = {b"": 0xEF46DB3751D8E999, b"a": 0xD24EC4F1A98C6E5B, b"abc": 0x44BC2CF5AD770999}
HASHES[b"Nobody inspects the spammish repetition"] = 0xFBCEA83C8A378BF1


def test_hashes_of_texts():
    texts = list(HASHES)
    lengths = np.array([len(text) for text in texts], np.int64)
    data = np.frombuffer(b"".join(texts), np.uint8)
    assert xxhash64(data, np.cumsum(lengths) - lengths, lengths).tolist() == list(HASHES.values())


def slow_hash(data):
    """XXH64 by the letter, one value at a time."""
    primes = (11400714785074694791, 14029467366897019727, 1609587929392839161, 9650029242287828579, 2870177450012600261)
    one, two, three, four, five = primes
    mask = (1 << 64) - 1

    def rotate(value, bits):
        return (value << bits | value >> (64 - bits)) & mask

    def turn(lane, word):
        return rotate((lane + word * two) & mask, 31) * one & mask

    at, value = 0, five
    if len(data) >= 32:
        lanes = [(one + two) & mask, two, 0, -one & mask]
        while at + 32 <= len(data):
            for number in range(4):
                lanes[number] = turn(
                    lanes[number], int.from_bytes(data[at + 8 * number : at + 8 * number + 8], "little")
                )
            at += 32
        value = sum(rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & mask
        for lane in lanes:
            value = ((value ^ turn(0, lane)) * one + four) & mask
    value = (value + len(data)) & mask
    while at + 8 <= len(data):
        value = (rotate(value ^ turn(0, int.from_bytes(data[at : at + 8], "little")), 27) * one + four) & mask
        at += 8
    if at + 4 <= len(data):
        value = (rotate(value ^ (int.from_bytes(data[at : at + 4], "little") * one & mask), 23) * two + three) & mask
        at += 4
    for byte in data[at:]:
        value = rotate(value ^ (byte * five & mask), 11) * one & mask
    value = (value ^ value >> 33) * two & mask
    value = (value ^ value >> 29) * three & mask
    return value ^ value >> 32


def test_hashes_of_every_length():
    random = np.random.default_rng(5)
    texts = [random.bytes(length) for length in range(140)]
    lengths = np.array([len(text) for text in texts], np.int64)
    data = np.frombuffer(b"".join(texts), np.uint8)
    assert xxhash64(data, np.cumsum(lengths) - lengths, lengths).tolist() == [slow_hash(text) for text in texts]


VALUES = pa.array([5, 7, 5, None, 9, 7, None], pa.int32())
BODIES = (
    "3a30000001000000000001001000000003000600"
    "3a30000001000000000001001000000000000200"
    "3a30000001000000000001001000000001000500"
)


@pytest.mark.parametrize(
    ("version", "head"),
    [
        (1, "01000000070000000301000000000000000500000014000000070000002800000009fffffffb"),
        (
            2,
            (
                "020000000700000003010000000000000014000000010000000500000000000000280000000300000005000000140000001400000007"
                "000000280000001400000009fffffffbffffffff"
            ),
        ),
    ],
)
def test_both_versions_of_a_bitmap(version, head):
    writer = BitmapWriter(INT, version=version, block_bytes=16 * 1024)
    writer.add(VALUES)
    assert writer.finish().hex() == head + BODIES


def test_a_single_null_keeps_the_length_of_its_bitmap():
    writer = BitmapWriter(TEXT, version=2, block_bytes=16 * 1024)
    writer.add(pa.array(["a", "b", "a", None]))
    assert writer.finish().hex() == (
        "02000000040000000201fffffffc00000012000000010000000161000000000000001e00000002000000016100000000000000140000000162"
        "fffffffeffffffff3a3000000100000000000100100000000000"
        "0200"
    )


def test_a_value_longer_than_a_block_gets_no_bitmap():
    writer = BitmapWriter(TEXT, version=2, block_bytes=16)
    writer.add(pa.array(["a" * 20]))
    assert writer.finish() is None


def test_the_least_number_has_no_bit_slices():
    writer = BsiWriter(form_of(parse_type_text("BIGINT")))
    writer.add(pa.array([-(2**63), 1]))
    assert writer.finish() is None


def test_a_column_without_values():
    """Sixty-four empty slices, as Paimon makes them of a greatest number of -1."""
    writer = RangeWriter(INT, chunk_bytes=16 * 1024)
    writer.add(pa.nulls(3, pa.int32()))
    data = writer.finish()
    reader = RangeReader(data, INT, "p")
    assert list(reader.nulls()) == [0, 1, 2]
    assert len(reader.present()) == 0
    assert data[17 + 17 + 4 + 1] == 64


def test_the_container():
    data = write_container({"c": {"bloom-filter": bytes.fromhex("0000000389282150c000")}, "d": {"bitmap": None}})
    assert data.hex() == (
        "00054e4ed01a35ae000000010000004c0000000200016300000001000c626c6f6f6d2d66696c7465720000004c0000000a000164000000010006"
        "6269746d6170ffffffff0000000000000000"
        "0000000389282150c000"
    )
    assert read_all(BytesAt(data), "p") == {"c": {"bloom-filter": data[-10:]}, "d": {"bitmap": None}}


def test_names_are_in_modified_utf_8():
    data = write_container({"a\0\U0001f600": {"bsi": b"x"}})
    assert b"a\xc0\x80\xed\xa0\xbd\xed\xb8\x80" in data
    assert read_head(BytesAt(data), "p")[0].column == "a\0\U0001f600"


def test_long_heads_are_read_whole():
    indexes = {f"column-{number}": {"bitmap": b"x"} for number in range(500)}
    assert read_all(BytesAt(write_container(indexes)), "p") == indexes


def test_later_versions_and_other_files_are_refused():
    data = write_container({"c": {"bitmap": b"x"}})
    with pytest.raises(UnsupportedFormatError, match="version 2"):
        read_head(BytesAt(data[:8] + b"\0\0\0\2" + data[12:]), "p")
    for damaged in (b"", data[:20], b"PAR1" + data):
        with pytest.raises(CorruptTableError):
            read_head(BytesAt(damaged), "p")
