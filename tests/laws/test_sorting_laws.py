"""Normalised keys sort exactly as Python sorts the keys themselves."""

import math
import struct
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakestore.core.sorting import (
    argsort,
    count_below,
    find_rows,
    first_out_of_order,
    group_starts,
    normalise,
    normalise_together,
)


def _float_order(value, code):
    if math.isnan(value):
        return (1, 0)
    bits = struct.unpack(code[0], struct.pack(code[1], value))[0]
    return (0, bits if bits >= 0 else -(bits & code[2]) - 1)


def python_key(value, kind):
    """A tuple that Python compares as Paimon compares the value: null lowest."""
    if value is None:
        return (0,)
    if pa.types.is_float32(kind):
        return (1, _float_order(value, ("<i", "<f", 0x7FFFFFFF)))
    if pa.types.is_float64(kind):
        return (1, _float_order(value, ("<q", "<d", 0x7FFFFFFFFFFFFFFF)))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return (1, value.encode())
    return (1, value)


def _ints(bits):
    near = st.integers(-3, 3)
    return near | st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


_TEXT = (
    st.text("ab0é\x00￿😀", max_size=4)
    | st.text("a0", min_size=7, max_size=19)
    | st.text("xyß", min_size=60, max_size=90)
)
_DIGITS = st.integers(0, 10**12).map(lambda n: f"user-{n:012d}")
TYPES = {
    "bool": (pa.bool_(), st.booleans()),
    "int8": (pa.int8(), _ints(8)),
    "int16": (pa.int16(), _ints(16)),
    "int32": (pa.int32(), _ints(32)),
    "int64": (pa.int64(), _ints(64)),
    "float": (pa.float32(), st.floats(width=32) | st.sampled_from([0.0, -0.0, math.nan, -math.nan])),
    "double": (pa.float64(), st.floats() | st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf])),
    "decimal": (pa.decimal128(18, 2), _ints(50).map(lambda n: Decimal(n).scaleb(-2))),
    "decimal wide": (pa.decimal128(38, 5), _ints(120).map(lambda n: Decimal(n).scaleb(-5))),
    "string": (pa.string(), _TEXT),
    "digits": (pa.string(), _DIGITS),
    "binary": (pa.binary(), st.binary(max_size=20)),
    "fixed": (pa.binary(), st.binary(min_size=11, max_size=11)),
    "date": (pa.date32(), _ints(32)),
    "time": (pa.time32("ms"), st.integers(0, 86_399_999)),
    "timestamp": (pa.timestamp("us"), _ints(64)),
    "zoned": (pa.timestamp("ms", "UTC"), _ints(64)),
}


def arrow(values, kind):
    if pa.types.is_date32(kind) or pa.types.is_time32(kind):
        return pa.array(values, pa.int32()).view(kind)
    if pa.types.is_timestamp(kind):
        return pa.array(values, pa.int64()).view(kind)
    return pa.array(values, kind)


@st.composite
def tables(draw, min_parts=1, max_parts=3):
    """Parts of rows: (types, parts of columns, parts of Python keys)."""
    names = draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=3))
    kinds = [TYPES[name][0] for name in names]
    row = st.tuples(*(TYPES[name][1] if draw(st.booleans()) else TYPES[name][1] | st.none() for name in names))
    pool = draw(st.lists(row, min_size=1, max_size=8))
    some = st.lists(st.sampled_from(pool), max_size=12)
    rows = draw(st.lists(some, min_size=min_parts, max_size=max_parts))
    parts = [[arrow([one[i] for one in part], kind) for i, kind in enumerate(kinds)] for part in rows]
    keys = [
        [tuple(python_key(value, kind) for value, kind in zip(one, kinds, strict=True)) for one in part]
        for part in rows
    ]
    return kinds, parts, keys


@given(tables(max_parts=1))
@settings(max_examples=400, deadline=None)
def test_argsort_is_pythons_stable_sort(table):
    _, (columns,), (keys,) = table
    words = normalise(columns)
    order = argsort(words)
    assert order.tolist() == sorted(range(len(keys)), key=keys.__getitem__)
    starts = group_starts(words, order)
    wanted = [i == 0 or keys[order[i]] != keys[order[i - 1]] for i in range(len(keys))]
    assert starts.tolist() == wanted


@given(tables(min_parts=2))
@settings(max_examples=400, deadline=None)
def test_words_of_parts_compare_with_each_other(table):
    _, parts, keys = table
    words = normalise_together(parts)
    rows = [(own.row(i), key) for own, part in zip(words, keys, strict=True) for i, key in enumerate(part)]
    for word, key in rows:
        for other_word, other_key in rows:
            assert (word < other_word) == (key < other_key)
            assert (word == other_word) == (key == other_key)


@given(tables(max_parts=1))
@settings(max_examples=200, deadline=None)
def test_descending_turns_values_round_and_leaves_nulls_lowest(table):
    _, (columns,), (keys,) = table
    words = normalise(columns[:1], descending=True)
    values = [key[0] for key in keys]
    for i, one in enumerate(values):
        for j, other in enumerate(values):
            wanted = one < other if one == (0,) or other == (0,) else other < one
            assert (words.row(i) < words.row(j)) == wanted


@given(tables(max_parts=1), st.data())
@settings(max_examples=200, deadline=None)
def test_cutting_counts_rows_below(table, data):
    _, (columns,), (keys,) = table
    if not keys:
        return
    words = normalise(columns)
    order = argsort(words)
    ascending = words.take(order)
    at = data.draw(st.integers(0, len(keys) - 1))
    bound = keys[at]
    assert count_below(ascending, words.row(at)) == sum(key < bound for key in keys)
    expected = [i for i in range(1, len(keys)) if not keys[i - 1] < keys[i]]
    assert first_out_of_order(words) == (expected[0] if expected else None)
    assert first_out_of_order(ascending, strictly=False) is None


@given(tables(max_parts=1), st.integers(0, 12))
@settings(max_examples=100, deadline=None)
def test_slices_and_chunks_change_nothing(table, cut):
    _, (columns,), (keys,) = table
    cut = min(cut, len(keys))
    chunked = [pa.chunked_array([column[:cut], column[cut:]]) for column in columns]
    assert argsort(normalise(chunked)).tolist() == argsort(normalise(columns)).tolist()
    sliced = [column[cut:] for column in columns]
    rest = keys[cut:]
    assert argsort(normalise(sliced)).tolist() == sorted(range(len(rest)), key=rest.__getitem__)


def test_common_keys_take_one_word():
    numbers = np.arange(0, 2_000_000, 997)
    users = pa.array([f"user-{n:010d}" for n in numbers])
    ids = pa.array(numbers, pa.int64())
    shops = pa.array(numbers % 1000, pa.int32())
    for columns in ([users], [ids], [ids, shops], [users, shops], [shops, users]):
        assert len(normalise(columns).words) == 1


def test_equal_rows_take_no_word():
    same = normalise([pa.array([7, 7, 7]), pa.array(["x", "x", "x"])])
    assert same.words == ()
    assert argsort(same).tolist() == [0, 1, 2]
    assert group_starts(same).tolist() == [True, False, False]
    assert count_below(same, ()) == 0


def test_zero_bytes_at_the_end_count():
    texts = ["a\0b", "a", "a\0\0", "a\0", "", "\0"]
    for kind in (pa.string(), pa.large_string(), pa.binary()):
        order = argsort(normalise([pa.array(texts).cast(kind)]))
        assert [texts[i] for i in order] == sorted(texts)


def test_every_nan_is_the_same_and_greatest():
    for kind, bits in (
        (np.uint32, [0x7FC00000, 0xFFC00000, 0x7F800001, 0x7F800000]),
        (np.uint64, [0x7FF8000000000000, 0xFFF8000000000000, 0x7FF0000000000001, 0x7FF0000000000000]),
    ):
        values = pa.array(np.array(bits, kind).view(np.float32 if kind is np.uint32 else np.float64))
        words = normalise([values])
        assert words.row(0) == words.row(1) == words.row(2) > words.row(3)


def test_nested_columns_are_no_keys():
    from lakestore.errors import InvariantError

    with pytest.raises(InvariantError, match="list"):
        normalise([pa.array([[1], [2]])])


_FAR = st.integers(0, 2**63 - 1)


@given(
    st.sets(st.integers(0, 60), max_size=40),
    st.lists(st.integers(0, 80), max_size=60),
    st.sampled_from([1, 3, 1_000_003, 2**56]),
    _FAR,
)
def test_rows_are_found_by_key(held, wanted, step, start):
    """Keys that lie close together are found by another way than others."""
    start = min(start, 2**63 - 1 - 80 * step) - 2**62
    keys, asked = normalise_together(
        [[pa.array([start + step * value for value in values], pa.int64())] for values in (sorted(held), wanted)]
    )
    places = {value: row for row, value in enumerate(sorted(held))}
    assert find_rows(asked, keys).tolist() == [places.get(value, -1) for value in wanted]


_WIDE = {
    "uuid": ([pa.string()], st.tuples(st.uuids().map(str))),
    "pair": ([pa.int64(), pa.int64()], st.tuples(*[st.integers(-(2**63), 2**63 - 1)] * 2)),
    "near": ([pa.int64(), pa.int64()], st.tuples(*[st.sampled_from([0, 1, 255, 256, -1, 2**62, -(2**62)])] * 2)),
    "decimal": ([pa.decimal128(38, 0)], st.tuples(st.integers(-(10**37), 10**37).map(Decimal))),
    "text": ([pa.string()], st.tuples(_TEXT)),
    "bytes": ([pa.binary()], st.tuples(st.binary(max_size=20))),
}
"""Keys that take more than one word."""


@pytest.mark.parametrize("name", _WIDE)
@given(st.data())
def test_rows_are_found_by_keys_of_several_words(name, data):
    kinds, rows = _WIDE[name]
    held = data.draw(st.sets(rows, max_size=20))
    held = sorted(held, key=lambda row: [python_key(value, kind) for value, kind in zip(row, kinds, strict=True)])
    wanted = [*held, *data.draw(st.lists(rows, max_size=20))]
    keys, asked = normalise_together(
        [[arrow([row[at] for row in part], kind) for at, kind in enumerate(kinds)] for part in (held, wanted)]
    )
    places = {row: number for number, row in enumerate(held)}
    assert find_rows(asked, keys).tolist() == [places.get(row, -1) for row in wanted]
