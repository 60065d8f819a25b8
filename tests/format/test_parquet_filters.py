"""Bloom filters and page indexes of Parquet files: as other writers leave them there, asked about everything."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakestore.core.bind import bind
from lakestore.core.filter import mask
from lakestore.core.index_rows import rows_that_may
from lakestore.core.where import parse_where
from lakestore.errors import CorruptTableError
from lakestore.format.parquet_read import open_parquet
from lakestore.format.roaring import no_rows
from lakestore.model.arrow import arrow_schema, assign_ids
from lakestore.model.types import parse_type_text

ROWS = 30_000
GAP = 5_000
"""Rows of a page."""
KINDS = {
    "i": "INT",
    "b": "BIGINT",
    "f": "FLOAT",
    "d": "DOUBLE",
    "s": "STRING",
    "x": "BYTES",
    "n": "DECIMAL(9, 2)",
    "m": "DECIMAL(18, 3)",
    "day": "DATE",
    "t3": "TIMESTAMP(3)",
    "t6": "TIMESTAMP(6)",
    "tiny": "TINYINT",
}
FIELDS = assign_ids([(name, parse_type_text(text), None) for name, text in KINDS.items()])


def rows():
    """Pages of 5,000 rows; values leave a gap after each page, and every seventh row is null."""
    steps = np.arange(ROWS) + np.arange(ROWS) // GAP * 40_000
    floats = (steps / 4).astype(np.float32)
    floats[GAP - 1 : 2 * GAP : GAP] = np.nan
    floats[0] = -0.0
    nulls = np.arange(ROWS) % 7 == 3
    columns = {
        "i": steps.astype(np.int32),
        "b": steps * 1_000_003,
        "f": floats,
        "d": floats.astype(np.float64),
        "s": [f"{step:09}é" for step in steps],
        "x": [b"%09d" % step for step in steps],
        "n": [Decimal(int(step)).scaleb(-2) for step in steps],
        "m": [Decimal(int(step)).scaleb(-3) for step in steps],
        "day": steps.astype("datetime64[D]"),
        "t3": steps.astype("datetime64[ms]"),
        "t6": steps.astype("datetime64[us]"),
        "tiny": (steps % 90).astype(np.int8),
    }
    schema = arrow_schema(FIELDS)
    arrays = [pa.array(values, schema.field(name).type, mask=nulls) for name, values in columns.items()]
    return pa.Table.from_arrays(arrays, schema=schema)


def file_of(table, *, bloom, **more):
    out = pa.BufferOutputStream()
    filters = {name: {"ndv": ROWS, "fpp": 0.001} for name in KINDS} if bloom else None
    pq.write_table(
        table,
        out,
        row_group_size=ROWS,
        write_page_index=True,
        max_rows_per_page=GAP,
        store_decimal_as_integer=True,
        bloom_filter_options=filters,
        use_dictionary=False,
        write_batch_size=500,
        **more,
    )
    return out.getvalue()


class Filters:
    def __init__(self, find):
        self.find = find

    def of(self, column):
        found = self.find(0, column, parse_type_text(KINDS[column]))
        return () if found is None else (found,)

    def nothing(self):
        return no_rows()


@pytest.fixture(scope="module")
def table():
    return rows()


@pytest.fixture(scope="module")
def source(table):
    with open_parquet(pa.BufferReader(file_of(table, bloom=True)), "x.parquet") as opened:
        yield opened


GAP_VALUE = 20_000
"""A number between the values of the first two pages, within the bounds of the row group."""
ABSENT = {
    "i": f"i = {GAP_VALUE}",
    "b": f"b = {GAP_VALUE * 1_000_003}",
    "f": f"f = {GAP_VALUE / 4}",
    "d": f"d = {GAP_VALUE / 4}",
    "s": f"s = '{GAP_VALUE:09}é'",
    "x": f"x = X'{(b'%09d' % GAP_VALUE).hex()}'",
    "n": "n = 200.00",
    "m": "m = 20.000",
    "day": f"day = '{dt.date(1970, 1, 1) + dt.timedelta(GAP_VALUE)}'",
    "t3": "t3 = '1970-01-01 00:00:20'",
    "t6": "t6 = '1970-01-01 00:00:00.020000'",
}


@pytest.mark.parametrize("column", ABSENT)
def test_both_know_what_is_absent(source, column):
    where = bind(parse_where(ABSENT[column]), FIELDS)
    for find in (source.bloom_filter, source.page_index):
        found = rows_that_may(where, Filters(find))
        assert found is not None
        assert len(found) == 0


def test_ranges_that_fall_between_pages(source):
    for where in (
        "i > 10000 and i < 40000",
        "not (s < '000010000') and s < '000040000'",
        "t3 > '1970-01-01 00:00:10' and t3 < '1970-01-01 00:00:40'",
    ):
        assert len(rows_that_may(bind(parse_where(where), FIELDS), Filters(source.page_index))) == 0


WHERES = [
    "{} = {}",
    "{} <> {}",
    "{} >= {}",
    "{} < {}",
    "not ({} > {})",
    "not ({} in ({}))",
    "{} is null or {} = {}",
    "{} is not null and {} <= {}",
]


@pytest.mark.parametrize("column", ABSENT)
def test_no_row_is_lost(table, source, column):
    """Of values that are there, in all sorts of predicates."""
    literals = {"x": "X'{}'"}.get(column, "'{}'" if column in {"s", "day", "t3", "t6"} else "{}")
    for place in (0, 1, GAP, GAP - 1, ROWS - 1, 17_000):
        value = table[column][place].as_py()
        if value is None or value != value:
            continue
        literal = literals.format(value.hex() if isinstance(value, bytes) else value)
        for template in WHERES:
            text = template.format(*[column] * (template.count("{}") - 1), literal)
            where = bind(parse_where(text), FIELDS)
            kept = set(np.flatnonzero(np.asarray(mask(where, table).fill_null(False))))
            for find in (source.bloom_filter, source.page_index):
                found = rows_that_may(where, Filters(find))
                assert found is None or kept <= set(found), text


def test_zero_has_no_sign(source):
    where = bind(parse_where("d = 0.0"), FIELDS)
    assert 0 in rows_that_may(where, Filters(source.page_index))
    assert rows_that_may(where, Filters(source.bloom_filter)) is None


def test_small_types_are_told_by_their_filters_too(source):
    assert len(rows_that_may(bind(parse_where("tiny = 99"), FIELDS), Filters(source.bloom_filter))) == 0
    assert len(rows_that_may(bind(parse_where("tiny > 90"), FIELDS), Filters(source.page_index))) == 0


def test_files_without_have_nothing_to_tell(table):
    out = pa.BufferOutputStream()
    pq.write_table(table.slice(0, 100), out)
    with open_parquet(pa.BufferReader(out.getvalue()), "x") as opened:
        for find in (opened.bloom_filter, opened.page_index):
            assert find(0, "i", parse_type_text("INT")) is None
            assert find(0, "nope", parse_type_text("INT")) is None


def test_types_that_differ_are_not_asked(source):
    for find in (source.bloom_filter, source.page_index):
        assert find(0, "i", parse_type_text("BIGINT")) is None
        assert find(0, "t6", parse_type_text("TIMESTAMP(3)")) is None
        assert find(0, "n", parse_type_text("DECIMAL(18, 3)")) is None


def test_damage_is_told(table):
    data = bytearray(file_of(table, bloom=True))
    metadata = pq.read_metadata(pa.BufferReader(bytes(data)))
    data[metadata.row_group(0).column(0).bloom_filter_offset] = 0xFF
    with (
        open_parquet(pa.BufferReader(bytes(data)), "x.parquet") as opened,
        pytest.raises(CorruptTableError, match=r"x\.parquet"),
    ):
        opened.bloom_filter(0, "i", parse_type_text("INT"))
