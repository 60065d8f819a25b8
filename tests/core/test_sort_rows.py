"""Sorting and de-duplicating buffered rows."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from lakestore.core.sort_rows import sorted_versions


def last_versions(rows, keys, **options):
    order, groups = sorted_versions(rows, keys, **options)
    assert sorted(order.tolist()) == list(range(len(rows)))
    return order[groups.lasts]


def test_the_last_row_of_each_key_in_key_order():
    rows = pa.table({"k": [3, 1, 3, 2, 1], "v": list("abcde")})
    assert last_versions(rows, ["k"]).tolist() == [4, 3, 2]


def test_sequence_fields_come_before_arrival():
    rows = pa.table({"k": [1, 1, 1, 2, 2], "s": [5, 7, 6, None, None]})
    assert last_versions(rows, ["k"], sequence_fields=["s"]).tolist() == [1, 4]
    assert last_versions(rows, ["k"], sequence_fields=["s"], descending=True).tolist() == [0, 4]


def test_null_sequences_are_lowest_either_way():
    rows = pa.table({"k": [1, 1], "s": [5, None]})
    assert last_versions(rows, ["k"], sequence_fields=["s"]).tolist() == [0]
    assert last_versions(rows, ["k"], sequence_fields=["s"], descending=True).tolist() == [0]


def test_equal_sequences_go_by_arrival():
    rows = pa.table({"k": [1, 1, 1], "s": [5, 5, 5]})
    assert last_versions(rows, ["k"], sequence_fields=["s"]).tolist() == [2]


def test_no_rows():
    assert last_versions(pa.table({"k": pa.array([], pa.int64())}), ["k"]).tolist() == []


KEY = st.tuples(st.none() | st.integers(-2, 2), st.sampled_from(["", "a", "b", "é", "a\0"]))
VERSION = st.tuples(st.none() | st.integers(0, 2), st.none() | st.integers(0, 2))


@given(versions=st.lists(st.tuples(KEY, VERSION), max_size=30), use=st.integers(0, 2), descending=st.booleans())
def test_last_versions_equal_a_sort_in_python(versions, use, descending):
    def rank(value):
        return (value is not None, 0 if value is None else -value if descending else value)

    best: dict = {}
    for position, (key, sequence) in enumerate(versions):
        standing = (tuple(rank(value) for value in sequence[:use]), position)
        if key not in best or standing > best[key]:
            best[key] = standing
    in_order = sorted(best, key=lambda key: (key[0] is not None, key[0] or 0, key[1].encode()))
    expected = [best[key][1] for key in in_order]
    rows = pa.table(
        {
            "a": pa.array([key[0] for key, _ in versions], pa.int32()),
            "b": pa.array([key[1] for key, _ in versions], pa.string()),
            "s": pa.array([sequence[0] for _, sequence in versions], pa.int64()),
            "t": pa.array([sequence[1] for _, sequence in versions], pa.int32()),
        }
    )
    got = last_versions(rows, ["a", "b"], sequence_fields=["s", "t"][:use], descending=descending)
    assert got.tolist() == expected
    assert got.dtype == np.int64
