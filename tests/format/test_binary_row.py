"""BinaryRow against Java's bytes: row by row, column by column, and back."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from lakestore.core.hashing import hash_row, murmur_rows
from lakestore.core.values import array_of
from lakestore.errors import CorruptTableError, InvalidInputError, InvariantError, UnsupportedFormatError
from lakestore.format.binary_row import BinaryRows, decode_row, encode_columns, encode_row
from lakestore.model.types import DataType, Field, TypeRoot, parse_type, parse_type_text
from tests.golden.vectors import vectors

MS = 10**6


def kinds(*texts):
    return tuple(parse_type_text(text) for text in texts)


def columns_of(rows, types):
    return [array_of([row[i] for row in rows], kind) for i, kind in enumerate(types)]


def serialized(rows: BinaryRows):
    return [rows.serialized(i) for i in range(len(rows))]


def same(left, right):
    """Equal, types and zeros' signs and NaN included."""
    return repr(left) == repr(right)


# ---- Java's rows


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector.name)
def test_vectors(vector):
    assert same(decode_row(vector.serialized, vector.types), vector.values)
    mine = encode_row(vector.values, vector.types)
    assert encode_columns(vector.columns, vector.types).serialized(0) == mine
    if not vector.has_wide_null:  # Paimon 0.9 wrote such nulls without room in some places; see WIDE_NULLS
        assert mine == vector.serialized


WIDE_NULLS = [
    ("TIMESTAMP(6)", "00000001000100000000000000000000100000000000000000000000", -340882661),
    ("TIMESTAMP(4) WITH LOCAL TIME ZONE", "00000001000100000000000000000000100000000000000000000000", -340882661),
    ("DECIMAL(20, 2)", "000000010001000000000000000000001000000000000000000000000000000000000000", -1380280760),
]

ROWS = [
    ("", (), "000000000000000000000000", -1670924195),
    ("INT", (1,), "0000000100000000000000000100000000000000", 1465514398),
    ("BIGINT", (1,), "0000000100000000000000000100000000000000", 1465514398),
    ("BOOLEAN", (True,), "0000000100000000000000000100000000000000", 1465514398),
    ("TINYINT", (1,), "0000000100000000000000000100000000000000", 1465514398),
    ("SMALLINT", (1,), "0000000100000000000000000100000000000000", 1465514398),
    ("INT", (0,), "0000000100000000000000000000000000000000", -300363099),
    ("INT", (-1,), "000000010000000000000000ffffffff00000000", 1133687267),
    ("INT", (123456789,), "00000001000000000000000015cd5b0700000000", -1751827701),
    ("INT", (None,), "0000000100010000000000000000000000000000", -1748325344),
    ("BIGINT", (-3,), "000000010000000000000000fdffffffffffffff", -1512827124),
    ("BIGINT", (1234567890123,), "000000010000000000000000cb04fb711f010000", -1873221036),
    ("SMALLINT", (7,), "0000000100000000000000000700000000000000", -348168691),
    ("TINYINT", (-1,), "000000010000000000000000ff00000000000000", 2004758659),
    ("FLOAT", (1.5,), "0000000100000000000000000000c03f00000000", -173842779),
    ("DOUBLE", (-0.0,), "0000000100000000000000000000000000000080", 302122119),
    ("DOUBLE", (2.5,), "0000000100000000000000000000000000000440", 727599657),
    ("STRING", ("",), "0000000100000000000000000000000000000080", 302122119),
    ("STRING", ("a",), "0000000100000000000000006100000000000081", 943281246),
    ("CHAR(7)", ("abcdefg",), "0000000100000000000000006162636465666787", -1431907323),
    ("VARCHAR(9)", ("abcdefgh",), "00000001000000000000000008000000100000006162636465666768", -843760178),
    (
        "STRING",
        ("hello world",),
        "0000000100000000000000000b0000001000000068656c6c6f20776f726c640000000000",
        161593394,
    ),
    ("STRING", ("é",), "000000010000000000000000c3a9000000000082", -1531579217),
    ("BYTES", (b"\x00\xff\x10",), "00000001000000000000000000ff100000000083", 2082148600),
    ("DATE", (19723,), "0000000100000000000000000b4d000000000000", -1439008885),
    ("TIME(3)", (3661001,), "000000010000000000000000c9dc370000000000", -965879349),
    ("TIMESTAMP(3)", (1704067200123 * MS,), "0000000100000000000000007bf451c28c010000", 985649424),
    (
        "TIMESTAMP(6)",
        (1704067200123456000,),
        "00000001000000000000000040f50600100000007bf451c28c010000",
        941252157,
    ),
    (
        "TIMESTAMP(9)",
        (1704067200123456789,),
        "00000001000000000000000055f80600100000007bf451c28c010000",
        -1093231341,
    ),
    ("TIMESTAMP(6)", (-MS + 1000,), "000000010000000000000000e803000010000000ffffffffffffffff", 371681455),
    ("DECIMAL(10, 2)", (Decimal("123.45"),), "0000000100000000000000003930000000000000", 767607022),
    ("DECIMAL(10, 2)", (Decimal("-123.45"),), "000000010000000000000000c7cfffffffffffff", 280263423),
    (
        "DECIMAL(20, 2)",
        (Decimal("123.45"),),
        "000000010000000000000000020000001000000030390000000000000000000000000000",
        -118192725,
    ),
    (
        "DECIMAL(38, 0)",
        (Decimal(-1),),
        "0000000100000000000000000100000010000000ff000000000000000000000000000000",
        907730780,
    ),
    ("INT;STRING", (1, "abc"), "00000002000000000000000001000000000000006162630000000083", 261371745),
    (
        "BIGINT;STRING;INT",
        (42, "hello world", None),
        "0000000300040000000000002a000000000000000b00000020000000000000000000000068656c6c6f20776f726c640000000000",
        1545117721,
    ),
    *((kind, (None,), row, code) for kind, row, code in WIDE_NULLS),
]


@pytest.mark.parametrize(("types", "values", "row", "code"), ROWS)
def test_rows(types, values, row, code):
    types = kinds(*filter(None, types.split(";")))
    assert encode_row(values, types).hex() == row
    columns = encode_columns(columns_of([values], types), types, rows=1)
    assert columns.serialized(0).hex() == row
    assert hash_row(columns.row(0)) == code
    assert murmur_rows(columns.data, columns.offsets).tolist() == [code]
    assert same(decode_row(bytes.fromhex(row), types), values)


@pytest.mark.parametrize(
    ("arity", "header"), [(0, 8), (1, 8), (56, 8), (57, 16), (120, 16), (121, 24), (184, 24), (185, 32)]
)
def test_header_width(arity, header):
    types = kinds("INT") * arity
    values = tuple(None if i % 3 == 0 else i for i in range(arity))
    row = encode_row(values, types)
    assert len(row) == 4 + header + 8 * arity
    assert encode_columns(columns_of([values], types), types, rows=1).serialized(0) == row
    assert decode_row(row, types) == values


def test_nulls_of_other_writers_are_read():
    # pypaimon and paimon-rust reserve no room for wide nulls.
    row = bytes.fromhex("0000000200030000000000000000000000000000" + "00" * 8)
    assert decode_row(row, kinds("TIMESTAMP(6)", "DECIMAL(38, 2)")) == (None, None)


def test_nested_types_have_no_vectorised_form():
    """Keys and partitions are never nested, so that nobody needs it."""
    array = parse_type({"type": "ARRAY", "element": "INT"})
    with pytest.raises(UnsupportedFormatError, match=r"ARRAY<INT>"):
        encode_columns([pa.array([[1]])], (array,))
    row_kind = DataType(root=TypeRoot.ROW, fields=(Field(id=0, name="a", type=kinds("INT")[0]),))
    with pytest.raises(UnsupportedFormatError, match=r"ROW<a INT>"):
        encode_columns([pa.array([{"a": 1}])], (row_kind,))


# ---- nonsense


BROKEN = [
    ("INT", "", "cannot hold"),
    ("INT", "000000", "cannot hold"),
    ("INT", "0000000200000000000000000100000000000000", "counts 2 fields"),
    ("INT", "00000001000000000000000001000000", "cannot hold"),
    ("INT;INT", "0000000200000000000000000100000000000000", "cannot hold"),
    ("STRING", "00000001000000000000000008000000110000006162636465666768", "bytes 17 to 25"),
    ("STRING", "0000000100000000000000000800000010000000616263646566", "bytes 16 to 24"),
    ("STRING", "000000010000000000000000ff00000000000081", "utf-8"),
    ("STRING", "0000000100000000000000006161616161616188", "8 bytes in an 8-byte slot"),
    ("DECIMAL(20, 0)", "0000000100000000000000001100000010000000" + "01" * 24, "17 bytes"),
    ("DECIMAL(20, 0)", "0000000100000000000000000000000010000000" + "01" * 16, "0 bytes"),
    ("DECIMAL(20, 0)", "0000000100000000000000001000000010000000" + "7f" * 16, "too many digits"),
    ("TIMESTAMP(6)", "00000001000000000000000040420f0010000000" + "00" * 8, "1000000 nanoseconds"),
    ("TIMESTAMP(6)", "0000000100000000000000000000000018000000" + "00" * 8, "bytes 24 to 32"),
]


@pytest.mark.parametrize(("types", "row", "message"), BROKEN)
def test_nonsense_is_named(types, row, message):
    with pytest.raises(CorruptTableError, match=message) as caught:
        decode_row(bytes.fromhex(row), kinds(*types.split(";")), path="manifest-1")
    assert caught.value.path == "manifest-1"


WRONG = [
    ("TINYINT", 128),
    ("INT", 1 << 31),
    ("BIGINT", -(1 << 63) - 1),
    ("INT", 1.5),
    ("INT", "1"),
    ("FLOAT", 1e39),
    ("FLOAT", "x"),
    ("STRING", b"x"),
    ("BYTES", "x"),
    ("BOOLEAN", 1),
    ("DECIMAL(4, 2)", Decimal("92233720368547758.08")),
    ("DECIMAL(4, 2)", Decimal("1.001")),
    ("DECIMAL(4, 2)", 1.5),
    ("DECIMAL(30, 2)", Decimal("NaN")),
    ("TIMESTAMP(3)", 1),
    ("TIMESTAMP(3)", (1 << 63) * MS),
    ("TIMESTAMP(9)", (1 << 63) * MS),
    ("DATE", 1 << 31),
]


def test_a_sum_with_more_digits_than_its_type_is_kept():
    assert decode_row(encode_row((Decimal("182.50"),), kinds("DECIMAL(4, 2)")), kinds("DECIMAL(4, 2)")) == (
        Decimal("182.50"),
    )


@pytest.mark.parametrize(("kind", "value"), WRONG)
def test_values_outside_their_type_are_refused(kind, value):
    with pytest.raises(InvalidInputError):
        encode_row((value,), kinds(kind))


# ---- columns


MIXED = kinds("STRING", "DECIMAL(25, 4)", "INT", "BYTES", "TIMESTAMP(6)", "BOOLEAN", "DECIMAL(9, 2)", "DATE")
MIXED_ROWS = [
    ("a", Decimal("-1.0000"), 1, b"12345678", 1001000, True, Decimal("0.01"), 5),
    (None, None, None, None, None, None, None, None),
    ("longer than seven", Decimal("123456789012345678901.2345"), -5, b"", -1000, False, Decimal("-9.99"), -5),
    ("", Decimal("0.0000"), 0, b"x" * 7, 0, True, None, 0),
    ("é" * 100, None, 7, b"\xff" * 33, None, None, Decimal("1.00"), None),
    (None, Decimal("-170141183460469231731.6873"), None, None, 253402300799999999000, True, None, 1),
]


def test_columns_of_all_shapes():
    expected = [encode_row(row, MIXED) for row in MIXED_ROWS]
    whole = columns_of(MIXED_ROWS, MIXED)
    assert serialized(encode_columns(whole, MIXED)) == expected
    chunked = [pa.chunked_array([c.slice(0, 2), c.slice(2, 0), c.slice(2, 1), c.slice(3)]) for c in whole]
    assert serialized(encode_columns(chunked, MIXED)) == expected
    sliced = [pa.concat_arrays([c, c, c]).slice(len(c) + 1, 4) for c in whole]
    assert serialized(encode_columns(sliced, MIXED)) == expected[1:5]
    for width in range(len(MIXED)):
        rows = encode_columns(whole[:width], MIXED[:width], rows=len(MIXED_ROWS))
        assert serialized(rows) == [encode_row(row[:width], MIXED[:width]) for row in MIXED_ROWS]


def test_no_rows():
    empty = [c.slice(0, 0) for c in columns_of(MIXED_ROWS, MIXED)]
    rows = encode_columns(empty, MIXED)
    assert (len(rows), rows.data.size, rows.offsets.tolist()) == (0, 0, [0])
    assert len(encode_columns([pa.chunked_array([], pa.string())], kinds("STRING"))) == 0
    assert len(encode_columns([], ())) == 0


def test_take():
    rows = encode_columns(columns_of(MIXED_ROWS, MIXED), MIXED)
    picked = rows.take(np.array([4, 0, 0, 2]))
    assert serialized(picked) == [rows.serialized(i) for i in (4, 0, 0, 2)]
    assert len(rows.take(np.array([], np.int64))) == 0


OTHER_SPELLINGS = [
    (pa.array(["a", None, "0123456789"]), "STRING", pa.large_string()),
    (pa.array(["a", None, "0123456789"]), "STRING", pa.string_view()),
    (pa.array(["a", None, "0123456789"]), "STRING", pa.dictionary(pa.int8(), pa.string())),
    (pa.array([b"a", None, b"0123456789"]), "BYTES", pa.large_binary()),
    (pa.array([b"a", None, b"0123456789"]), "BYTES", pa.binary_view()),
    (pa.array([b"abcd", None]), "BINARY(4)", pa.binary(4)),
    (pa.array([1, None, -1], pa.int64()), "BIGINT", pa.int8()),
    (pa.array([1, None, 255], pa.int64()), "BIGINT", pa.uint8()),
    (pa.array([5, None], pa.int32()).cast(pa.date32()), "DATE", pa.date64()),
    (pa.array([5000, None], pa.int32()).cast(pa.time32("ms")), "TIME(3)", pa.time32("s")),
    (pa.array([5, None], pa.int32()).cast(pa.time32("ms")), "TIME(3)", pa.time64("us")),
    (pa.array([5, None], pa.int64()).cast(pa.timestamp("ms")), "TIMESTAMP(3)", pa.timestamp("ns")),
    (pa.array([5, None], pa.int64()).cast(pa.timestamp("us")), "TIMESTAMP(6)", pa.timestamp("ns")),
    (pa.array([5000000, None]).cast(pa.timestamp("us")), "TIMESTAMP(6)", pa.timestamp("s")),
    (pa.array([1.5, None], pa.float64()), "DOUBLE", pa.float32()),
    (pa.array([Decimal("1.50"), None]).cast(pa.decimal128(20, 2)), "DECIMAL(20, 2)", pa.decimal128(4, 1)),
    (pa.array([None, None], pa.int32()), "INT", pa.null()),
    (pa.array([None, None], pa.timestamp("us")), "TIMESTAMP(6)", pa.null()),
]


@pytest.mark.parametrize(("plain", "kind", "form"), OTHER_SPELLINGS)
def test_other_arrow_spellings_give_the_same_bytes(plain, kind, form):
    other = pa.nulls(len(plain)) if form == pa.null() else plain.cast(form)
    mine, theirs = (encode_columns([column], kinds(kind)) for column in (plain, other))
    assert serialized(mine) == serialized(theirs)


REFUSED = [
    (pa.array([1]), "STRING", "int64 does not hold"),
    (pa.array(["1"]), "INT", "string does not hold"),
    (pa.array([1.0]), "FLOAT", "double does not hold"),
    (pa.array([1]), "DATE", "int64 does not hold"),
    (pa.array([1 << 40]), "INT", "cannot hold"),
    (pa.array([1], pa.timestamp("us")), "TIMESTAMP(6) WITH LOCAL TIME ZONE", "does not hold"),
    (pa.array([1], pa.timestamp("us", "UTC")), "TIMESTAMP(6)", "does not hold"),
    (pa.array([1], pa.timestamp("us")), "TIMESTAMP(3)", "finer than milliseconds"),
    (pa.array([1 << 60], pa.timestamp("s")), "TIMESTAMP(0)", "beyond"),
    (pa.array([Decimal("1.23")]), "DECIMAL(3, 1)", "cannot hold"),
]


@pytest.mark.parametrize(("column", "kind", "message"), REFUSED)
def test_columns_of_another_kind_are_refused(column, kind, message):
    with pytest.raises(InvalidInputError, match=message):
        encode_columns([column], kinds(kind))


def test_columns_of_unequal_length_are_refused():
    with pytest.raises(InvariantError, match="unequal"):
        encode_columns([pa.array([1]), pa.array([1, 2])], kinds("BIGINT", "BIGINT"))
