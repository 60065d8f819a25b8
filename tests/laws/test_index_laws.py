"""Laws of file indexes: whatever the index, the predicate and the type, no row that is kept is ever left out."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from lakestore.core.bind import bind
from lakestore.core.filter import mask
from lakestore.core.index_rows import rows_that_may
from lakestore.core.options_file_index import takes
from lakestore.errors import CorruptTableError, UnsupportedFormatError
from lakestore.format.file_index import BytesAt, read_all, read_head, write_container
from lakestore.format.index_kinds import FileIndexes, IndexCollector
from lakestore.format.roaring import bitmap_bytes, bitmap_length, bitmap_of
from lakestore.model.file_index import IndexKind, IndexSpec
from lakestore.model.predicate import And, Compare, CompareOp, IsIn, IsNull, Like, Not, Or
from tests.laws.test_predicate_laws import COLUMNS, FIELDS, LITERALS, TYPES, predicates, rows, table_of

TINY = {
    IndexKind.BLOOM: {"items": "20", "fpp": "0.01"},
    IndexKind.BITMAP: {"index-block-size": "40 b"},
    IndexKind.RANGE_BITMAP: {"chunk-size": "12 b"},
    IndexKind.BSI: {},
}
EVERY = tuple(
    IndexSpec(column=name, kind=kind, settings=TINY[kind])
    for name, values in TYPES.items()
    for kind in IndexKind
    if takes(kind, values)
)
EXACT = (IndexKind.BITMAP, IndexKind.RANGE_BITMAP, IndexKind.BSI)


def indexes_of(table, specs, cuts=()):
    """The indexes of a file that holds the table, written in pieces."""
    collector = IndexCollector(FIELDS, specs)
    for begin, end in zip([0, *cuts], [*cuts, len(table)], strict=True):
        collector.add(table.slice(begin, end - begin))
    container = write_container(collector.finish())
    columns = {name: (name, kind) for name, kind in TYPES.items()}
    return FileIndexes(BytesAt(container), columns, "x.index", row_count=len(table))


def true_rows(predicate, table):
    return set(np.flatnonzero(np.asarray(mask(predicate, table).fill_null(False))))


@st.composite
def choices(draw):
    """Some of all indexes: none of a column, one, or several."""
    return tuple(draw(st.lists(st.sampled_from(EVERY), max_size=8, unique_by=lambda spec: (spec.kind, spec.column))))


@settings(max_examples=150, deadline=None)
@given(predicates, rows, choices() | st.just(EVERY), st.integers(0, 5))
def test_no_row_is_lost(predicate, records, specs, cut):
    table = table_of(records)
    bound = bind(predicate, FIELDS)
    cuts = (cut,) if cut <= len(table) else ()
    kept = true_rows(bound, table)
    found = rows_that_may(bound, indexes_of(table, specs, cuts))
    assert found is None or kept <= set(found)
    opposite = rows_that_may(bound, indexes_of(table, specs, cuts), be=False)
    assert opposite is None or true_rows(Not(child=bound), table) <= set(opposite)


@settings(max_examples=1500, deadline=None)
@given(predicates, rows, choices() | st.just(EVERY), st.integers(0, 5))
@pytest.mark.slow
def test_no_row_is_lost_in_a_long_run(predicate, records, specs, cut):
    test_no_row_is_lost.hypothesis.inner_test(predicate, records, specs, cut)


LEAVES = ("i", "n", "f", "g", "d", "s", "b", "day", "t", "ts0", "z")
"""Columns whose keys tell all values apart."""


@st.composite
def asked(draw):
    column = draw(st.sampled_from(LEAVES))
    kind = draw(st.sampled_from([kind for kind in EXACT if takes(kind, TYPES[column])]))
    literal = LITERALS[column]
    points = st.builds(Compare, column=st.just(column), op=st.sampled_from([CompareOp.EQ, CompareOp.NE]), value=literal)
    several = st.lists(literal, min_size=1, max_size=4).map(lambda values: IsIn(column=column, values=tuple(values)))
    any_op = st.builds(Compare, column=st.just(column), op=st.sampled_from(list(CompareOp)), value=literal)
    leaf = draw(points | several | st.just(IsNull(column=column)) | (points if kind is IndexKind.BITMAP else any_op))
    return kind, Not(child=leaf) if draw(st.booleans()) else leaf


@settings(max_examples=150, deadline=None)
@given(asked(), rows)
@example((IndexKind.RANGE_BITMAP, Compare(column="g", op=CompareOp.GE, value=0.0)), [])
@example((IndexKind.BSI, Compare(column="n", op=CompareOp.LT, value=-1)), [])
def test_bitmaps_leave_no_row_too_many(case, records):
    """Of one column with one exact index the answer is the rows themselves."""
    kind, predicate = case
    table = table_of(records)
    bound = bind(predicate, FIELDS)
    spec = IndexSpec(column=next(iter(columns_in(predicate))), kind=kind, settings=TINY[kind])
    indexes = indexes_of(table, [spec])
    if not read_head(indexes._source, "x"):
        return  # a value that the kind cannot hold: the index is left out
    found = rows_that_may(bound, indexes)
    assert found is not None
    assert set(found) == true_rows(bound, table)


def columns_in(predicate):
    return columns_in(predicate.child) if isinstance(predicate, Not) else {predicate.column}


@given(
    st.lists(st.integers(0, 200_000), max_size=60) | st.builds(range, st.integers(0, 70_000), st.integers(0, 140_000))
)
@settings(max_examples=60, deadline=None)
def test_the_length_of_a_bitmap_is_in_its_header(values):
    data = bitmap_bytes(bitmap_of(np.unique(np.array(list(values), np.uint32))))
    assert bitmap_length(b"xyz" + data + b"more", 3, path="p") == len(data)
    assert BitMap.deserialize(data) == BitMap(values)


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.dictionaries(st.text(max_size=5), st.none() | st.binary(min_size=1), max_size=3),
        max_size=3,
    )
)
@settings(max_examples=100, deadline=None)
def test_containers_come_back(indexes):
    whole = {column: kinds for column, kinds in indexes.items() if kinds}
    assert read_all(BytesAt(write_container(whole)), "p") == whole


@pytest.mark.parametrize("kind", list(IndexKind))
def test_damage_is_an_error_of_ours(kind):
    """Every byte of a container, cut off or turned over: an answer that may be wrong, or an error that says so."""
    table = pa.table({"i": pa.array([1, 2, None, 2, 5], pa.int8())})
    collector = IndexCollector(
        [field for field in FIELDS if field.name == "i"], [IndexSpec(column="i", kind=kind, settings=TINY[kind])]
    )
    collector.add(table)
    data = write_container(collector.finish())
    predicate = Or(
        children=(Compare(column="i", op=CompareOp.EQ, value=2), Compare(column="i", op=CompareOp.GT, value=4))
    )
    damaged = [data[:cut] for cut in range(len(data))]
    damaged += [
        data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :] for at in range(len(data)) for bit in (1, 0x80, 0xFF)
    ]
    errors = 0
    for one in damaged:
        try:
            indexes = FileIndexes(BytesAt(one), {"i": ("i", TYPES["i"])}, "x.index", row_count=5)
            rows_that_may(predicate, indexes)
            rows_that_may(And(children=(Not(child=predicate), Like(column="i", pattern=""))), indexes)
        except (CorruptTableError, UnsupportedFormatError):
            errors += 1
    assert errors >= len(data) / 2
    assert COLUMNS["i"] == "TINYINT"
