"""Data files as Parquet: physical and logical types, field ids, nullability, INT96, codecs, dictionaries."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakestore.core.ingest import to_schema
from lakestore.errors import InvariantError
from lakestore.format.parquet_footer import with_int96
from lakestore.format.parquet_write import ParquetFileWriter, repeating_columns
from lakestore.model.arrow import arrow_schema, assign_ids
from lakestore.model.options import FileOptions
from lakestore.model.rows import file_fields
from lakestore.model.schema import TableSchema
from lakestore.model.types import Field, parse_type_text

MOMENT = dt.datetime(2024, 2, 29, 23, 59, 59, 123_000)

# Paimon type, sample value, physical type, bytes of a fixed one, logical type as Arrow prints it.
LAYOUT = [
    ("BOOLEAN", True, "BOOLEAN", 0, "None"),
    ("TINYINT", -128, "INT32", 0, "Int(bitWidth=8, isSigned=true)"),
    ("SMALLINT", 7, "INT32", 0, "Int(bitWidth=16, isSigned=true)"),
    ("INT", 7, "INT32", 0, "None"),
    ("BIGINT", 7, "INT64", 0, "None"),
    ("FLOAT", 0.5, "FLOAT", 0, "None"),
    ("DOUBLE", 0.5, "DOUBLE", 0, "None"),
    ("DECIMAL(9, 2)", Decimal("-1.50"), "INT32", 0, "Decimal(precision=9, scale=2)"),
    ("DECIMAL(10, 2)", Decimal("1.50"), "INT64", 0, "Decimal(precision=10, scale=2)"),
    ("DECIMAL(18, 0)", Decimal(5), "INT64", 0, "Decimal(precision=18, scale=0)"),
    ("DECIMAL(19, 3)", Decimal("1.500"), "FIXED_LEN_BYTE_ARRAY", 9, "Decimal(precision=19, scale=3)"),
    ("DECIMAL(38, 0)", Decimal(10**37), "FIXED_LEN_BYTE_ARRAY", 16, "Decimal(precision=38, scale=0)"),
    ("CHAR(3)", "äbc", "BYTE_ARRAY", 0, "String"),
    ("STRING", "x", "BYTE_ARRAY", 0, "String"),
    ("BINARY(2)", b"\x00\xff", "BYTE_ARRAY", 0, "None"),
    ("BYTES", b"", "BYTE_ARRAY", 0, "None"),
    ("DATE", dt.date(1969, 12, 31), "INT32", 0, "Date"),
    ("TIME(0)", dt.time(1, 2, 3), "INT32", 0, "Time(isAdjustedToUTC=true, timeUnit=milliseconds)"),
    ("TIME(3)", dt.time(1, 2, 3, 4000), "INT32", 0, "Time(isAdjustedToUTC=true, timeUnit=milliseconds)"),
]
for precision in range(10):
    exact = MOMENT if precision >= 3 else MOMENT.replace(microsecond=0)
    for zoned in (False, True):
        unit = "milliseconds" if precision <= 3 else "microseconds"
        annotation = f"Timestamp(isAdjustedToUTC={str(zoned).lower()}, timeUnit={unit}, "
        LAYOUT.append(
            (
                f"TIMESTAMP({precision})" + (" WITH LOCAL TIME ZONE" if zoned else ""),
                exact.replace(tzinfo=dt.UTC) if zoned else exact,
                "INT64" if precision <= 6 else "INT96",
                0,
                annotation if precision <= 6 else "None",
            )
        )


def named(types: list[str]) -> tuple[Field, ...]:
    return assign_ids([(f"c{number}", parse_type_text(text), None) for number, text in enumerate(types)])


def written(rows: pa.Table, fields, **options) -> pa.BufferReader:
    sink = pa.BufferOutputStream()
    dictionary = options.pop("dictionary", ())
    with ParquetFileWriter(sink, fields, options=FileOptions(**options), dictionary=dictionary) as writer:
        writer.write(rows)
    return pa.BufferReader(sink.getvalue())


def rows_of(fields, values: list[list[object]]) -> pa.Table:
    shape = arrow_schema(fields)
    columns = [pa.array(column, field.type) for column, field in zip(values, shape, strict=True)]
    return pa.table(columns, schema=shape)


def test_every_type_has_paimons_physical_and_logical_type():
    fields = named([text for text, *_ in LAYOUT])
    rows = rows_of(fields, [[value, None, value] for _, value, *_ in LAYOUT])
    schema = pq.ParquetFile(written(rows, fields)).schema
    for number, (text, _, physical, width, logical) in enumerate(LAYOUT):
        column = schema.column(number)
        assert (column.physical_type, column.length) == (physical, width), text
        assert str(column.logical_type).startswith(logical), text
        assert column.max_definition_level == 1, text


@pytest.mark.parametrize("use_dictionary", [False, True])
def test_every_value_comes_back(use_dictionary):
    fields = named([text for text, *_ in LAYOUT])
    rows = rows_of(fields, [[value, None, value] for _, value, *_ in LAYOUT])
    dictionary = rows.column_names if use_dictionary else ()
    back = pq.read_table(written(rows, fields, dictionary=dictionary))
    for field in rows.schema:
        assert back[field.name].cast(field.type, safe=True).to_pylist() == rows[field.name].to_pylist(), field


def test_field_ids_and_nullability_of_a_primary_key_table():
    schema = TableSchema(
        id=0,
        fields=assign_ids(
            [
                ("id", parse_type_text("BIGINT NOT NULL"), None),
                ("name", parse_type_text("STRING"), None),
                ("at", parse_type_text("TIMESTAMP(9) NOT NULL"), None),
            ]
        ),
        primary_keys=("id",),
    )
    fields = file_fields(schema)
    values = [[1], [5], [0], [1], ["x"], [MOMENT]]
    file = pq.ParquetFile(written(rows_of(fields, values), fields))
    ids = {field.name: int(field.metadata[b"PARQUET:field_id"]) for field in file.schema_arrow if field.metadata}
    assert ids == {
        "_KEY_id": 1073741823,
        "_SEQUENCE_NUMBER": 2147483646,
        "_VALUE_KIND": 2147483645,
        "id": 0,
        "name": 1,
        "at": 2,
    }
    required = {file.schema.column(i).name: file.schema.column(i).max_definition_level == 0 for i in range(6)}
    assert required == {**dict.fromkeys(ids, True), "name": False}
    assert str(file.schema.column(2).logical_type) == "Int(bitWidth=8, isSigned=true)"


def test_pages_are_version_1_and_no_arrow_schema_is_embedded():
    fields = named(["INT"])
    file = pq.ParquetFile(written(rows_of(fields, [[1, 2]]), fields))
    assert b"ARROW:schema" not in (file.metadata.metadata or {})
    assert "PLAIN" in file.metadata.row_group(0).column(0).encodings


def test_statistics_are_written_but_not_for_int96():
    fields = named(["BIGINT", "STRING", "TIMESTAMP(9)"])
    rows = rows_of(fields, [[3, 1], ["b", "a"], [MOMENT, None]])
    group = pq.ParquetFile(written(rows, fields)).metadata.row_group(0)
    assert (group.column(0).statistics.min, group.column(0).statistics.max) == (1, 3)
    assert (group.column(1).statistics.min, group.column(1).statistics.max) == ("a", "b")
    assert group.column(2).statistics is None
    assert group.column(0).has_column_index


def raw_int96(nanos: int) -> tuple[int, int]:
    """Nanoseconds of the day and Julian day, as stored in the file."""
    fields = named(["TIMESTAMP(9) NOT NULL"])
    rows = pa.table([pa.array([nanos], pa.timestamp("ns"))], schema=arrow_schema(fields))
    buffer = written(rows, fields, compression="none").read()
    # The value stands after the page header, which is followed by nothing else in a NOT NULL column.
    day, of_day = divmod(nanos, 86_400_000_000_000)
    stored = of_day.to_bytes(8, "little", signed=True) + (2_440_588 + day).to_bytes(4, "little")
    assert buffer.count(stored) == 1
    return of_day, 2_440_588 + day


@pytest.mark.parametrize(
    ("nanos", "expected"),
    [
        (0, (0, 2_440_588)),
        (1, (1, 2_440_588)),
        (-1, (86_399_999_999_999, 2_440_587)),
        (86_400_000_000_000, (0, 2_440_589)),
        (-(2**63), (763_145_224_192, 2_333_836)),
    ],
)
def test_int96_counts_nanoseconds_from_midnight_also_before_1970(nanos, expected):
    assert raw_int96(nanos) == expected


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=40),
    start=st.integers(0, 5),
    cut=st.integers(0, 40),
    wide=st.lists(st.sampled_from([7, 8, 9]), min_size=1, max_size=20),
)
def test_int96_round_trip(values, start, cut, wide):
    """Slices, chunks, nulls and any mixture of wide and narrow timestamps; many columns make a long footer."""
    fields = named(["INT", *(f"TIMESTAMP({precision})" for precision in wide), "TIMESTAMP(3)"])
    ticks = pa.array(values, pa.int64())
    column = pa.chunked_array([ticks.slice(0, cut), ticks.slice(cut)]).slice(start)
    stamps = column.cast(pa.timestamp("ns"))
    millis = column.cast(pa.timestamp("ms"))
    numbers = pa.chunked_array([pa.array(range(len(column)), pa.int32())])
    rows = pa.Table.from_arrays([numbers, *[stamps] * len(wide), millis], schema=arrow_schema(fields))
    back = pq.read_table(written(rows, fields))
    assert back.num_rows == len(column)
    for name in rows.column_names[1:]:
        assert back[name].cast(pa.int64()).to_pylist() == column.to_pylist()


def test_int96_over_many_row_groups():
    fields = named(["TIMESTAMP(9)", "STRING"])
    nanos = pa.array(np.arange(-50_000, 50_000) * 86_399_999_999_999, pa.int64()).cast(pa.timestamp("ns"))
    rows = pa.table([nanos, pa.array(["text"] * len(nanos))], schema=arrow_schema(fields))
    file = pq.ParquetFile(written(rows, fields, row_group_rows=1000, dictionary=["c0"]))
    assert file.metadata.num_row_groups == 100
    assert file.read()["c0"].equals(pa.chunked_array([nanos]))


def test_footer_correction_refuses_what_is_no_such_file():
    fields = named(["INT"])
    data = written(rows_of(fields, [[1]]), fields).read()
    with pytest.raises(InvariantError, match="not 12 bytes wide"):
        with_int96(data, [("c0",)])
    with pytest.raises(InvariantError, match="not in the footer"):
        with_int96(data, [("other",)])
    with pytest.raises(InvariantError, match="did not end"):
        with_int96(data[:-1], [("c0",)])
    with pytest.raises(InvariantError, match="longer than what was kept"):
        with_int96(data[-20:], [("c0",)])
    assert with_int96(data, []) == data


def tail_of(footer: bytes) -> bytes:
    return b"pages" + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def test_footers_of_writers_to_come():
    """Unknown fields are carried along, far field numbers too; unknown Thrift types are refused."""
    known = bytes([0x29, 0x0C, 0x29, 0x0C])  # Fields 2 and 4: empty lists of structs.
    far = bytes([0x05, 0x50, 0x03])  # Field 40, i32, -2.
    assert with_int96(tail_of(known + far + b"\0"), []) == tail_of(known + far + b"\0")
    with pytest.raises(InvariantError, match="Thrift type 11"):
        with_int96(tail_of(known + bytes([0x1B, 0, 0])), [])


@pytest.mark.parametrize(
    ("codec", "stored"),
    [
        ("zstd", "ZSTD"),
        ("snappy", "SNAPPY"),
        ("gzip", "GZIP"),
        ("lz4", "LZ4"),
        ("none", "UNCOMPRESSED"),
        ("UNCOMPRESSED", "UNCOMPRESSED"),
    ],
)
def test_codecs(codec, stored):
    fields = named(["INT"])
    file = pq.ParquetFile(written(rows_of(fields, [list(range(100))]), fields, compression=codec))
    assert file.metadata.row_group(0).column(0).compression == stored
    assert file.read()["c0"].to_pylist() == list(range(100))


def test_row_groups():
    fields = named(["INT"])
    file = pq.ParquetFile(written(rows_of(fields, [list(range(25))]), fields, row_group_rows=10))
    assert [file.metadata.row_group(i).num_rows for i in range(3)] == [10, 10, 5]


def test_repeating_columns_get_a_dictionary():
    count = 50_000
    rng = np.random.default_rng(0)
    rows = pa.table(
        {
            "_KEY_id": pa.array(np.arange(count)),
            "_SEQUENCE_NUMBER": pa.array(np.zeros(count, np.int64)),
            "_VALUE_KIND": pa.array(np.zeros(count, np.int8)),
            "word": pa.array(rng.integers(0, 50, count)).cast(pa.string()),
            "number": pa.array(rng.random(count)),
            "nothing": pa.nulls(count, pa.int32()),
        }
    )
    assert repeating_columns(rows) == ["_VALUE_KIND", "word", "nothing"]
    assert repeating_columns(rows.slice(0, 0)) == [name for name in rows.column_names if name != "_SEQUENCE_NUMBER"]
    fields = assign_ids([("word", parse_type_text("STRING"), None), ("number", parse_type_text("DOUBLE"), None)])
    ready = to_schema(rows.select(["word", "number"]), fields)
    group = pq.ParquetFile(written(ready, fields, dictionary=["word"])).metadata.row_group(0)
    assert group.column(0).has_dictionary_page
    assert not group.column(1).has_dictionary_page


def test_an_abandoned_file_has_nothing_to_say():
    fields = named(["INT", "TIMESTAMP(9)"])
    sink = pa.BufferOutputStream()
    with pytest.raises(ZeroDivisionError), ParquetFileWriter(sink, fields, options=FileOptions()) as writer:
        writer.write(rows_of(fields, [[1], [MOMENT]]))
        raise ZeroDivisionError
    writer.close()  # Does nothing more.
