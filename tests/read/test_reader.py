"""Reading plans: predicates, projection, limits, early stop; always the same rows, however they are stored."""

import threading
from dataclasses import replace
from itertools import product

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakestore.errors import CorruptTableError
from lakestore.model.options import ScanOptions, TableOptions
from lakestore.model.predicate import col
from tests.laws.oracles import truth
from tests.reading import HandMade, a_schema, rows_of

SCHEMA = a_schema({"k": "INT", "v": "INT", "s": "STRING", "p": "INT"}, key=["k", "p"], partition_by=["p"])
TYPES = {field.name: field.type for field in SCHEMA.fields}


def test_batches_have_the_planned_columns_in_order():
    table = HandMade(SCHEMA)
    table.add([(1, 2, "x", 0)], partition=(0,))
    table.add([(1, 3, "y", 0)], partition=(0,))
    (batch,) = table.batches(col("s") == "y", columns=["p", "v"])
    assert batch.schema.names == ["p", "v"]
    assert batch.schema.types == [pa.int32(), pa.int32()]
    assert not batch.schema.field("p").nullable
    assert rows_of(batch) == [(0, 3)]


def test_no_columns_still_count_rows():
    table = HandMade(a_schema({"a": "INT"}))
    table.add([(1,), (2,), (3,)])
    assert sum(batch.num_rows for batch in table.batches(col("a") > 1, columns=[])) == 2
    assert sum(batch.num_rows for batch in table.batches(columns=[])) == 3


def test_retract_rows_never_show_whatever_the_manifest_says():
    """Some writers leave the delete count 0 over retract rows."""
    table = HandMade(a_schema({"k": "INT"}, key=["k"]))
    file = table.add([(1,), (2,), (3,), (4,)], kinds=[0, 3, 1, 2])
    for count in (0, None, 2):
        table.entries = []
        table.list(replace(file, delete_row_count=count))
        assert table.read() == [(1,), (4,)]


def test_limit_is_exact():
    table = HandMade(a_schema({"k": "INT", "v": "INT"}, key=["k"]), window_rows=2)
    table.add([(i, 0) for i in range(10)], sequences=range(10))
    table.add([(i, 1) for i in range(5, 15)], sequences=range(10, 20))
    for limit in (0, 1, 3, 14, 15, 16):
        assert len(table.read(limit=limit)) == min(limit, 15)
        assert len(table.read(col("v") == 1, limit=limit)) == min(limit, 10)


def test_stopping_early_frees_threads_and_files():
    table = HandMade(a_schema({"a": "INT"}), TableOptions(scan=ScanOptions(window_rows=4)))
    for _ in range(20):
        table.add([(i,) for i in range(10)])
    before = threading.active_count()
    batches = table.batches()
    next(batches)
    batches.close()
    assert threading.active_count() == before


def test_small_files_are_read_ahead_in_order_and_large_ones_stream():
    table = HandMade(a_schema({"a": "INT"}), TableOptions(scan=ScanOptions(window_rows=8)))
    wanted = []
    for number, rows in enumerate([3, 50, 1, 4, 20, 2, 2, 2]):
        table.add([(100 * number + i,) for i in range(rows)], sequences=range(100 * number, 100 * number + rows))
        wanted += [100 * number + i for i in range(rows)]
    assert [row[0] for batch in table.batches() for row in rows_of(batch)] == wanted


def test_a_damaged_file_is_told_when_its_turn_comes():
    table = HandMade(a_schema({"a": "INT"}))
    table.add([(1,)], sequences=[0])
    spoilt = table.add([(2,)], sequences=[1])
    table.store.put(table.path(spoilt.name), b"x" * spoilt.size)
    batches = table.batches()
    assert next(batches).num_rows == 1
    with pytest.raises(CorruptTableError, match=spoilt.name):
        next(batches)


LEAVES = [
    col("k") == 3,
    col("k") > 4,
    col("k").isin([0, 2, 9]),
    col("v") == 1,
    col("v") != 1,
    col("v") < 0,
    col("v").is_null(),
    col("v").is_not_null(),
    col("s") >= "ab",
    col("s").like("a%"),
    col("s").isin(["b", ""]),
    col("p") == 1,
    col("p") != 0,
]
predicates = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: (
        st.builds(lambda a, b: a & b, inner, inner)
        | st.builds(lambda a, b: a | b, inner, inner)
        | st.builds(lambda a: ~a, inner)
    ),
    max_leaves=4,
)
values = st.tuples(
    st.none() | st.integers(-2, 2), st.none() | st.sampled_from(["", "a", "ab", "b"]), st.sampled_from([0, 0, 3])
)
files = st.lists(st.dictionaries(st.integers(0, 7), values, min_size=1, max_size=5), min_size=1, max_size=4)


@given(files, predicates, st.sampled_from([1, 3, 100]), st.sampled_from([1, 2, 100]), st.booleans())
@settings(max_examples=80, deadline=None)
def test_pruning_never_changes_the_answer(files, where, window, group_rows, stats):
    """However files, row groups and partitions lie, a scan returns the rows of the state that meet the predicate."""
    table = HandMade(SCHEMA, window_rows=window)
    state = {}
    sequence = 0
    for (number, file), p in product(enumerate(files), (0, 1)):
        rows = [(k, v, s, p) for k, (v, s, _) in sorted(file.items())]
        kinds = [kind for _, (*_, kind) in sorted(file.items())]
        sequences = range(sequence, sequence + len(rows))
        sequence += len(rows)
        table.add(
            rows,
            kinds=kinds,
            sequences=list(sequences),
            partition=(p,),
            level=number % 2,
            stats=stats,
            row_group_size=group_rows,
        )
        for row, kind in zip(rows, kinds, strict=True):
            state[row[0], p] = row if kind == 0 else None
    names = SCHEMA.names
    wanted = [row for row in state.values() if row and truth(where, dict(zip(names, row, strict=True)), TYPES)]
    assert table.read(where) == sorted(wanted, key=repr)
    assert table.read(where, columns=["s"]) == sorted([(row[2],) for row in wanted], key=repr)
