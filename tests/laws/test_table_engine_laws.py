"""Whole tables of every merge engine: what is written in any batches and read back is what plain Python makes of it."""

import itertools

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lakestore as ls
from tests.laws.table_model import TableModel

SHORTS = ["+I", "-U", "+U", "-D"]
COLUMNS = {"id": "INT", "g": "INT", "h": "INT", "a": "INT", "b": "STRING", "c": "BIGINT"}
GROUPS = {"merge-engine": "partial-update", "fields.g.sequence-group": "a,b", "fields.h.sequence-group": "c"}
SUMS = {"merge-engine": "aggregation", "fields.c.aggregate-function": "sum"}
MAX = {"fields.a.aggregate-function": "max"}
LISTED = {"fields.b.aggregate-function": "listagg", "fields.b.ignore-retract": "true"}
DESCENDING = {"sequence.field": "h", "sequence.field.sort-order": "descending"}
TABLES = {
    "deduplicate": {},
    "by_sequence": {"sequence.field": "g,h"},
    "descending": DESCENDING,
    "ignore_delete": {"ignore-delete": "true"},
    "ignore_before": {"ignore-update-before": "true", "sequence.field": "g"},
    "partial": {"merge-engine": "partial-update"},
    "partial_descending": {"merge-engine": "partial-update", **DESCENDING},
    "partial_ignores": {"merge-engine": "partial-update", "ignore-delete": "true"},
    "partial_removes": {"merge-engine": "partial-update", "partial-update.remove-record-on-delete": "true"},
    "groups": GROUPS,
    "groups_ignore": {**GROUPS, "partial-update.ignore-delete": "true"},
    "groups_sum": {**GROUPS, "fields.c.aggregate-function": "sum"},
    "groups_max": {**GROUPS, **MAX},
    "groups_keep_max": {**GROUPS, **MAX, "fields.a.ignore-retract": "true"},
    "groups_remove": {**GROUPS, "partial-update.remove-record-on-sequence-group": "g"},
    "group_of_two": {
        "merge-engine": "partial-update",
        "fields.g,h.sequence-group": "a,c",
        "fields.c.aggregate-function": "sum",
        "fields.default-aggregate-function": "last_non_null_value",
    },
    "sums": {**SUMS, "sequence.field": "g"},
    "sums_and_max": {**SUMS, **MAX, **LISTED},
    "sums_descending": {**SUMS, **LISTED, **DESCENDING},
    "sums_remove": {**SUMS, **MAX, "aggregation.remove-record-on-delete": "true", "ignore-update-before": "true"},
    "sums_ignore": {**SUMS, **MAX, "ignore-delete": "true"},
    "all_last": {"merge-engine": "aggregation", "fields.default-aggregate-function": "last_value"},
    "all_first": {"merge-engine": "aggregation", "fields.default-aggregate-function": "first_value"},
}
small = st.none() | st.integers(-3, 3)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.integers(0, 4),
            "g": st.none() | st.integers(0, 3),
            "h": st.none() | st.integers(0, 2),
            "a": small,
            "b": st.none() | st.sampled_from(["x", "y", ""]),
            "c": small,
            "kind": st.sampled_from([0, 0, 0, 2, 1, 3]),
        }
    ),
    max_size=8,
)
FOLDERS = itertools.count()
SHAPE = pa.schema(
    [("id", pa.int32()), ("g", pa.int32()), ("h", pa.int32()), ("a", pa.int32()), ("b", pa.string()), ("c", pa.int64())]
)


def arrow(rows):
    return pa.Table.from_pylist(rows, SHAPE), pa.array([SHORTS[row["kind"]] for row in rows], pa.string())


QUICK = settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(QUICK, max_examples=30)
HISTORIES = {
    "commits": st.lists(st.lists(ROWS, min_size=1, max_size=3), min_size=1, max_size=4),
    "each_batch_a_file": st.booleans(),
    "buckets": st.sampled_from(["1", "3"]),
    "window": st.sampled_from(["2", "262144"]),
}
CUTS = {"rows": st.lists(ROWS, min_size=1, max_size=4), "data": st.data()}


def a_table_is_what_plain_python_makes_of_its_rows(name, commits, each_batch_a_file, buckets, window):
    tuning = {
        "bucket": buckets,
        "write-only": "true",
        "lakestore.merge-window-rows": window,
        "lakestore.row-group-rows": "2",
    }
    tuning["write-buffer-size"] = "1 b" if each_batch_a_file else "1 mb"
    lake = ls.connect(f"memory://engine-laws-{next(FOLDERS)}")
    table = lake.create_table("db.t", schema=COLUMNS, primary_key=["id"], options={**TABLES[name], **tuning})
    model = TableModel(COLUMNS, TABLES[name])
    for batches in commits:
        kept = []
        with table.writer() as writer:
            for rows in batches:
                data, kinds = arrow(rows)
                if any(model.refused(row) for row in rows):
                    with pytest.raises(ls.InvalidInputError, match=r"is a -[UD] row"):
                        writer.write(data, row_kind=kinds)
                    continue
                writer.write(data.append_column("kind", kinds), row_kind="kind")
                kept.append(rows)
            writer.commit()
        for rows in kept if each_batch_a_file else [[row for batch in kept for row in batch]]:
            model.flush(rows)
    expected = model.read()
    assert table.scan().to_arrow().sort_by("id").to_pylist() == expected
    part = table.scan("id > 1", select=["c", "id"]).to_arrow().sort_by("id").to_pylist()
    assert part == [{"c": row["c"], "id": row["id"]} for row in expected if row["id"] > 1]
    assert table.check(deep=True).ok


PROMISED = {
    "by_sequence": SHORTS,
    "ignore_delete": SHORTS,
    "partial": ["+I", "+U"],
    "partial_ignores": SHORTS,
    "groups": ["+I", "+U"],
    "groups_ignore": SHORTS,
    "groups_keep_max": ["+I", "+U"],
    "sums": ["+I", "+U"],
    "sums_and_max": ["+I", "+U"],
    "sums_ignore": SHORTS,
    "all_first": ["+I", "+U"],
}
"""Tables that do not tell how their rows were cut into batches, and the kinds of rows for which that is promised."""

COLUMNS_PROMISED = {"sums": ["id", "g", "c"]}
"""Columns for which it is promised, where not for all. Under ``sequence.field`` a merged row takes the place of its
newest version, so that an older version's value, say the last one that is not null, may come after a value that was
written between the two; sums do not mind. In Paimon it is the same (``tests/compat``)."""


def how_rows_are_cut_into_commits_does_not_show(name, rows, data):
    kinds = [SHORTS.index(kind) for kind in PROMISED[name]]
    everything = [row if row["kind"] in kinds else {**row, "kind": 0} for batch in rows for row in batch]
    whole, cut = (
        ls.connect(f"memory://engine-laws-{next(FOLDERS)}").create_table(
            "db.t", schema=COLUMNS, primary_key=["id"], options={**TABLES[name], "bucket": "1"}
        )
        for _ in range(2)
    )
    at = sorted(data.draw(st.lists(st.integers(0, len(everything)), max_size=4)))
    table, marks = arrow(everything)
    whole.write(table, row_kind=marks)
    for start, stop in zip([0, *at], [*at, len(everything)], strict=True):
        cut.write(table.slice(start, stop - start), row_kind=marks.slice(start, stop - start))
    promised = COLUMNS_PROMISED.get(name, list(COLUMNS))
    read_cut, read_whole = (one.to_arrow().sort_by("id").select(promised) for one in (cut, whole))
    assert read_cut.equals(read_whole)


@pytest.mark.parametrize("name", TABLES)
@given(**HISTORIES)
@QUICK
def test_a_table_is_what_plain_python_makes_of_its_rows(name, **history):
    a_table_is_what_plain_python_makes_of_its_rows(name, **history)


@pytest.mark.parametrize("name", PROMISED)
@given(**CUTS)
@QUICK
def test_how_rows_are_cut_into_commits_does_not_show(name, **cuts):
    how_rows_are_cut_into_commits_does_not_show(name, **cuts)


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
@given(**HISTORIES, **CUTS)
@LONG
def test_tables_at_length(name, rows, data, **history):
    a_table_is_what_plain_python_makes_of_its_rows(name, **history)
    if name in PROMISED:
        how_rows_are_cut_into_commits_does_not_show(name, rows, data)
