"""Curves visit every cell once, Hilbert's from neighbour to neighbour; sorting loses no row, whatever the memory."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakestore.core import coordinates, hilbert, zorder
from lakestore.core.coordinates import leading_word, scale_of
from lakestore.core.curve import Curve, fit
from lakestore.core.sorting import first_out_of_order, normalise
from lakestore.data.range_sort import RangeSorter, order_of, random_rows
from lakestore.storage.scratch import Scratch

FEW = settings(max_examples=60, deadline=None)


def grid(columns, bits):
    """All points of a small cube: one array for each column."""
    axes = np.meshgrid(*[np.arange(2**bits, dtype=np.uint64)] * columns, indexing="ij")
    return [axis.reshape(-1) for axis in axes]


@pytest.mark.parametrize(("columns", "bits"), [(2, 4), (2, 5), (3, 3), (4, 2), (5, 2)])
def test_hilbert_goes_from_neighbour_to_neighbour_through_every_cell(columns, bits):
    points = grid(columns, bits)
    values = zorder.z_values(hilbert._transposed(points, bits))
    assert sorted(values.tolist()) == list(range(2 ** (bits * columns)))
    walk = np.stack(points)[:, np.argsort(values)].astype(np.int64)
    assert (np.abs(np.diff(walk, axis=1)).sum(axis=0) == 1).all()


@FEW
@given(st.integers(1, 16), st.data())
def test_z_values_interleave_bit_by_bit(columns, data):
    bits = zorder.bits_per_column(columns)
    rows = data.draw(st.lists(st.tuples(*[st.integers(0, 2**bits - 1)] * columns), min_size=1, max_size=20))
    found = zorder.z_values([np.array(axis, np.uint64) for axis in zip(*rows, strict=True)])
    for row, value in zip(rows, found.tolist(), strict=True):
        text = "".join(str(point >> bit & 1) for bit in range(bits - 1, -1, -1) for point in row)
        assert value == int(text, 2)


TYPED = st.one_of(
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)).map(lambda v: pa.array(v, pa.int64())),
    st.lists(st.none() | st.floats(allow_nan=False)).map(lambda v: pa.array(v, pa.float64())),
    st.lists(st.none() | st.text(max_size=14)).map(lambda v: pa.array(v, pa.string())),
    st.lists(st.none() | st.binary(max_size=12)).map(lambda v: pa.array(v, pa.binary())),
    st.lists(st.none() | st.booleans()).map(lambda v: pa.array(v, pa.bool_())),
    st.lists(st.none() | st.decimals(-(10**20), 10**20, places=2)).map(lambda v: pa.array(v, pa.decimal128(38, 2))),
    st.lists(st.none() | st.dates()).map(lambda v: pa.array(v, pa.date32())),
)


@FEW
@given(TYPED, st.integers(0, 10))
def test_coordinates_rise_with_values_whatever_the_sample(column, sampled):
    scale = scale_of(column.slice(0, sampled))
    order = np.lexsort(normalise([column]).words[::-1]) if normalise([column]).words else np.arange(len(column))
    for numbers in (scale.coordinates(column, bits=32), leading_word(column, prefix=scale.prefix)):
        assert (np.diff(numbers[order].astype(object)) >= 0).all()


@FEW
@given(st.lists(st.binary(max_size=6), min_size=1))
def test_the_common_prefix_is_common_and_longest(texts):
    found = coordinates.common_prefix(pa.array(texts, pa.binary()))
    assert all(text.startswith(found) for text in texts)
    longer = {text[: len(found) + 1] for text in texts}
    assert len(longer) > 1 or longer == {found}


@FEW
@given(st.lists(st.integers(0, 2**64 - 1)))
def test_order_of_positions_is_sorted_as_far_as_32_bits_tell(values):
    positions = np.array(values, np.uint64)
    order = order_of(positions)
    assert sorted(order.tolist()) == list(range(len(values)))
    shift = max(0, (max(values, default=0) - min(values, default=0)).bit_length() - 32)
    cut = [(values[at] - min(values)) >> shift for at in order.tolist()]
    assert cut == sorted(cut)


def messy(rows, seed):
    """Rows with a value that rules, texts that begin alike, nulls and NaN."""
    random = np.random.default_rng(seed)
    ruled = np.where(random.random(rows) < 0.9, 5, random.integers(0, 10, rows))
    texts = [
        f"common/prefix/{number:05}" if share < 0.9 else f"a{number}"
        for number, share in zip(random.integers(0, 40, rows), random.random(rows), strict=True)
    ]
    floats = np.where(random.random(rows) < 0.05, np.nan, random.normal(size=rows))
    return pa.table(
        {
            "id": np.arange(rows),
            "ruled": ruled,
            "text": texts,
            "float": pa.array(floats, mask=random.random(rows) < 0.1),
        }
    )


@pytest.mark.parametrize("budget", [10**9, 100_000, 20_000])
@pytest.mark.parametrize(
    ("curve", "columns"),
    [
        (Curve.ORDER, ["ruled", "text"]),
        (Curve.ORDER, ["text", "float"]),
        (Curve.ORDER, ["float"]),
        (Curve.ZORDER, ["ruled", "float"]),
        (Curve.HILBERT, ["text", "ruled", "float"]),
        (Curve.ZORDER, ["ruled"]),
    ],
)
def test_sorting_keeps_every_row_and_orders_them(curve, columns, budget):
    rows = messy(20_000, seed=len(columns))
    with Scratch() as scratch:
        sorter = RangeSorter(curve=curve, columns=columns, budget_bytes=budget, scratch=scratch, piece_rows=1000)
        batches = rows.to_batches(max_chunksize=700)
        pieces = list(sorter.sort(batches, rows=len(rows), sample=lambda: random_rows(rows, 500)))
    sorted_rows = pa.concat_tables(pieces)
    assert sorted(sorted_rows["id"].to_pylist()) == list(range(len(rows)))
    back = sorted_rows.take(np.argsort(sorted_rows["id"].to_numpy()))
    assert repr(back.to_pylist()) == repr(rows.to_pylist())
    assert (sorter.spilled_bytes > 0) == (budget < 10**9)
    if curve is Curve.ORDER:
        assert first_out_of_order(normalise([sorted_rows[name] for name in columns]), strictly=False) is None
    elif budget == 10**9:
        positions = fit(curve, columns, random_rows(rows.select(columns), 64 * 1024)).positions(sorted_rows)
        assert (np.diff((positions >> np.uint64(32)).astype(np.int64)) >= 0).all() or len(columns) == 1
