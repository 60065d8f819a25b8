"""What changed, told from what stood before and what stands after."""

import numpy as np
import pyarrow as pa
import pytest

from lakestore.core.changelog import before_full, before_lookup, changes_of
from lakestore.core.merge.groups import Groups
from lakestore.model.rows import SEQUENCE_NUMBER, VALUE_KIND

ADD, UB, UA, D = range(4)


def table(*rows):
    """Rows of key, value, sequence number and kind."""
    key, value, number, kind = zip(*rows, strict=True) if rows else ((), (), (), ())
    return pa.table(
        {
            "k": pa.array(key, pa.int32()),
            "v": pa.array(value, pa.string()),
            SEQUENCE_NUMBER: pa.array(number, pa.int64()),
            VALUE_KIND: pa.array(kind, pa.int8()),
        }
    )


def changes(rows, after, before, touched=None, compared=None):
    count = len(before)
    found = changes_of(
        pa.concat_tables([rows, after]).combine_chunks(),
        before=np.array(before, np.int64),
        after=np.arange(count) + len(rows),
        touched=np.ones(count, np.bool_) if touched is None else np.array(touched),
        compared=compared,
    )
    return [tuple(row.values()) for row in found.to_pylist()]


OLD = table((1, "a", 1, ADD), (2, "b", 2, D), (3, "c", 3, UA))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (-1, (9, "x", 7, UA), [(9, "x", 7, ADD)]),
        (-1, (9, "x", 7, D), []),
        (0, (1, "x", 7, D), [(1, "a", 1, D)]),
        (0, (1, "x", 7, ADD), [(1, "a", 1, UB), (1, "x", 7, UA)]),
        (0, (1, "a", 7, ADD), [(1, "a", 1, UB), (1, "a", 7, UA)]),
        (1, (2, "x", 7, ADD), [(2, "x", 7, ADD)]),
        (1, (2, "x", 7, UB), []),
        (2, (3, "x", 7, ADD), [(3, "c", 3, UB), (3, "x", 7, UA)]),
    ],
)
def test_one_key(before, after, expected):
    assert changes(OLD, table(after), [before]) == expected


def test_keys_not_touched_did_not_change():
    assert changes(OLD, table((1, "x", 7, ADD), (3, "y", 8, ADD)), [0, 2], [False, True]) == [
        (3, "c", 3, UB),
        (3, "y", 8, UA),
    ]


def test_changes_lie_in_key_order_and_pairs_stay_together():
    after = table((0, "new", 9, ADD), (1, "x", 7, ADD), (3, "gone", 8, D), (4, "new", 10, ADD))
    assert changes(OLD, after, [-1, 0, 2, -1]) == [
        (0, "new", 9, ADD),
        (1, "a", 1, UB),
        (1, "x", 7, UA),
        (3, "c", 3, D),
        (4, "new", 10, ADD),
    ]


def test_rows_that_are_the_same_are_no_change_where_that_is_asked():
    after = table((1, "a", 7, ADD), (3, "x", 8, ADD))
    assert [row[0] for row in changes(OLD, after, [0, 2], compared=["k", "v"])] == [3, 3]
    assert changes(OLD, after, [0, 2], compared=["k"]) == []


def test_nulls_and_nested_values_compare():
    kind = pa.list_(pa.float64())
    column = pa.array([[1.0, None], None, [float("nan")], [2.0]], kind)
    old = table((1, "", 1, ADD), (2, "", 1, ADD), (3, "", 1, ADD), (4, "", 1, ADD)).append_column("n", column)
    new = old.set_column(4, "n", pa.array([[1.0, None], None, [float("nan")], [2.5]], kind))
    assert [row[0] for row in changes(old, new, [0, 1, 2, 3], compared=["n"])] == [4, 4]


def test_what_stood_before_by_producer():
    groups = Groups(np.array([0, 3, 4, 6, 7]), 8)
    levels = np.array([3, 0, 0, 5, 5, 0, 0, 2])
    looked_up = before_lookup(levels, groups)
    assert looked_up.rows.tolist() == [0, 3, 4, -1, 7]
    assert looked_up.touched.tolist() == [True, False, True, True, False]
    full = before_full(levels, groups, top=5)
    assert full.rows.tolist() == [-1, 3, 4, -1, -1]
    assert full.touched.tolist() == [True, False, True, True, True]


def test_nothing_changed():
    assert changes(OLD, OLD.slice(0, 0), []) == []
