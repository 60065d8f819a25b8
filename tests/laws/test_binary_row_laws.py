"""Laws of BinaryRow, buckets and statistics, over random schemas and values.

* Whole columns encode to what their rows encode to one by one, however the columns are cut into chunks.
* What is encoded is decoded unchanged.
* A bucket depends on the row alone, and lies below the count.
* Statistics cover every value, in the order that readers compare by, and count every null.
"""

import itertools
import math
import struct
from decimal import Context, Decimal

import numpy as np
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lakestore.core.hashing import hash_row, murmur_rows
from lakestore.core.values import array_of, scalars_of
from lakestore.format.binary_row import decode_row, encode_columns, encode_row
from lakestore.format.bucket_rows import bucket_of_row, buckets_of
from lakestore.format.column_stats import StatsCollector, partition_stats
from lakestore.model.options import BucketFunction
from lakestore.model.stats import StatsKind, StatsMode
from lakestore.model.types import Field, parse_type_text

MAX_LONG = (1 << 63) - 1


def whole(bits):
    limit = 1 << (bits - 1)
    return st.integers(-limit, limit - 1) | st.sampled_from([-limit, -1, 0, 1, limit - 1])


def decimals(precision, scale):
    limit = 10**precision - 1
    numbers = st.integers(-limit, limit) | st.sampled_from([-limit, -1, 0, 1, limit])
    edges = [sign * ((1 << bits) + by) for bits in range(7, 128, 8) for sign in (1, -1) for by in (-1, 0, 1)]
    numbers |= st.sampled_from([edge for edge in edges if abs(edge) <= limit] or [0])
    return numbers.map(lambda number: Decimal(number).scaleb(-scale, Context(prec=50)))


def ticks(step, lowest=-MAX_LONG, highest=MAX_LONG):
    return st.integers(lowest, highest).map(lambda tick: tick * step)


TEXT = st.text(max_size=40) | st.text("ab\U0010ffff\ud7ff\ue000", max_size=20)
VALUES = {
    "BOOLEAN": st.booleans(),
    "TINYINT": whole(8),
    "SMALLINT": whole(16),
    "INT": whole(32),
    "BIGINT": whole(64),
    "FLOAT": st.floats(width=32),
    "DOUBLE": st.floats(),
    "DECIMAL(1, 1)": decimals(1, 1),
    "DECIMAL(18, 4)": decimals(18, 4),
    "DECIMAL(19, 0)": decimals(19, 0),
    "DECIMAL(38, 38)": decimals(38, 38),
    "CHAR(3)": st.text(max_size=3),
    "STRING": TEXT,
    "BINARY(9)": st.binary(max_size=9),
    "BYTES": st.binary(max_size=40),
    "DATE": whole(32),
    "TIME(3)": st.integers(0, 86_399_999),
    "TIMESTAMP(0)": ticks(10**9, -(MAX_LONG // 1000), MAX_LONG // 1000),
    "TIMESTAMP(3)": ticks(10**6),
    "TIMESTAMP(6)": ticks(1000),
    "TIMESTAMP(9)": ticks(1),
    "TIMESTAMP(3) WITH LOCAL TIME ZONE": ticks(10**6),
    "TIMESTAMP(6) WITH LOCAL TIME ZONE": ticks(1000),
}
NO_BOUNDS = {"TIMESTAMP(9)"}


@st.composite
def tables(draw, *, kinds=tuple(VALUES), columns=6):
    """Type texts and rows."""
    names = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=columns))
    fields = [st.none() | VALUES[name] for name in names]
    return names, draw(st.lists(st.tuples(*fields), max_size=12))


def types_of(names):
    return [parse_type_text(name) for name in names]


def columns_of(rows, types):
    return [array_of([row[i] for row in rows], kind) for i, kind in enumerate(types)]


def cut(array, places):
    ends = [0, *sorted(min(place, len(array)) for place in places), len(array)]
    return pa.chunked_array([array[start:end] for start, end in itertools.pairwise(ends)], array.type)


def plain(values):
    """Comparable, with -0.0 apart from 0.0 and NaN equal to itself."""
    return [struct.pack(">d", value) if isinstance(value, float) else value for value in values]


@given(tables(), st.lists(st.integers(0, 12), max_size=3))
@example((["INT"] * 57 + ["TIMESTAMP(6)", "STRING"], [(None,) * 59, (1,) * 57 + (1000, "x" * 9)]), [1])
@settings(max_examples=150, deadline=None)
def test_columns_encode_as_rows_do_and_rows_come_back(table, places):
    names, rows = table
    types = types_of(names)
    expected = [encode_row(row, types) for row in rows]
    encoded = encode_columns([cut(column, places) for column in columns_of(rows, types)], types)
    assert [encoded.serialized(i) for i in range(len(encoded))] == expected
    assert all(len(row) % 8 == 4 for row in expected)
    for row, data in zip(rows, expected, strict=True):
        assert plain(decode_row(data, types)) == plain(row)


@given(tables(), st.lists(st.integers(0, 11), max_size=12))
@settings(max_examples=50, deadline=None)
def test_taken_rows_are_those_rows(table, picks):
    names, rows = table
    picks = [pick for pick in picks if pick < len(rows)]
    encoded = encode_columns(columns_of(rows, types_of(names)), types_of(names))
    taken = encoded.take(np.array(picks, np.int64))
    assert [taken.row(i) for i in range(len(taken))] == [encoded.row(pick) for pick in picks]


@given(tables(columns=3), st.integers(1, 1 << 20))
@settings(max_examples=100, deadline=None)
def test_a_bucket_is_the_rows_own(table, count):
    names, rows = table
    types = types_of(names)
    columns = columns_of(rows, types)
    encoded = encode_columns(columns, types)
    codes = [hash_row(encoded.row(i)) for i in range(len(rows))]
    assert murmur_rows(encoded.data, encoded.offsets).tolist() == codes
    buckets = buckets_of(columns, types, count=count).tolist()
    assert buckets == [abs(code) % count for code in codes]
    assert buckets == [bucket_of_row(row, types, count=count) for row in rows]


HIVE_KINDS = tuple(
    name for name in VALUES if not name.startswith("TIMESTAMP") and "(19" not in name and "38" not in name
)


@given(tables(columns=3, kinds=HIVE_KINDS), st.integers(1, 1 << 20))
@settings(max_examples=50, deadline=None)
def test_a_hive_bucket_is_the_rows_own(table, count):
    names, rows = table
    types, hive = types_of(names), BucketFunction.HIVE
    buckets = buckets_of(columns_of(rows, types), types, count=count, function=hive).tolist()
    assert buckets == [bucket_of_row(row, types, count=count, function=hive) for row in rows]
    assert all(0 <= bucket < count for bucket in buckets)


def order(value):
    return value.encode() if isinstance(value, str) else value


MODES = st.sampled_from([StatsMode(kind=StatsKind.FULL), StatsMode(kind=StatsKind.COUNTS)]) | st.integers(1, 5).map(
    lambda length: StatsMode(kind=StatsKind.TRUNCATE, length=length)
)


@given(tables(), st.data(), st.lists(st.integers(0, 12), max_size=2))
@settings(max_examples=150, deadline=None)
def test_statistics_cover_every_value(table, data, places):
    names, rows = table
    types = types_of(names)
    fields = [Field(id=i, name=f"c{i}", type=kind) for i, kind in enumerate(types)]
    modes = [data.draw(MODES) for _ in types]
    columns = columns_of(rows, types)
    collector = StatsCollector(fields, modes)
    ends = [0, *sorted(places), 12]
    for start, end in itertools.pairwise(ends):
        collector.add({field.name: column[start:end] for field, column in zip(fields, columns, strict=True)})
    stats, covered = collector.finish()
    assert covered is None
    lows, highs = decode_row(stats.min_values, types), decode_row(stats.max_values, types)
    for i, (name, mode) in enumerate(zip(names, modes, strict=True)):
        values = [row[i] for row in rows if row[i] is not None]
        assert stats.null_counts[i] == len(rows) - len(values)
        assert (lows[i] is None) == (highs[i] is None)
        has_nan = any(isinstance(value, float) and math.isnan(value) for value in values)
        if mode.kind is StatsKind.COUNTS or name in NO_BOUNDS or has_nan or not values:
            assert lows[i] is None
        elif lows[i] is not None:
            assert all(order(lows[i]) <= order(value) <= order(highs[i]) for value in values)
            assert mode.kind is StatsKind.FULL or not isinstance(lows[i], str) or len(highs[i]) <= mode.length
        else:
            assert mode.kind is StatsKind.TRUNCATE, "only cutting may lose the bounds"


@given(tables(columns=3))
@settings(max_examples=50, deadline=None)
def test_partition_statistics_cover_every_partition(table):
    names, rows = table
    types = types_of(names)
    stats = partition_stats([encode_row(row, types) for row in rows], types)
    lows, highs = decode_row(stats.min_values, types), decode_row(stats.max_values, types)
    for i in range(len(types)):
        values = [row[i] for row in rows if row[i] is not None]
        assert stats.null_counts[i] == len(rows) - len(values)
        if any(isinstance(value, float) and math.isnan(value) for value in values) or not values:
            assert (lows[i], highs[i]) == (None, None)
        else:
            assert all(order(lows[i]) <= order(value) <= order(highs[i]) for value in values)


@given(tables(columns=3))
@settings(max_examples=50, deadline=None)
def test_arrow_keeps_every_internal_value(table):
    names, rows = table
    types = types_of(names)
    for i, column in enumerate(columns_of(rows, types)):
        assert plain(scalars_of(column, types[i])) == plain([row[i] for row in rows])
