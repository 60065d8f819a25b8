"""Compaction changes no row, at no snapshot, and its changelog tells how the table came to be."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lakestore as ls
from lakestore.data import compact_merge
from tests.compacting import Ledger, changes_in, compact, latest, live_files, snapshots_of

NAMES = itertools.count()
KEYS = st.integers(0, 9)
VALUES = st.none() | st.integers(-3, 3)
COLUMNS = {"id": "INT", "a": "INT", "b": "STRING"}

upserts = st.fixed_dictionaries({"id": KEYS, "a": VALUES, "b": st.sampled_from([None, "x", "y"])})
operations = st.lists(
    st.tuples(
        st.lists(upserts, max_size=8),
        st.sets(KEYS, max_size=4),
        st.sampled_from(["nothing", "nothing", "due", "full"]),
    ),
    min_size=1,
    max_size=6,
)
settled = st.fixed_dictionaries(
    {
        "num-sorted-run.compaction-trigger": st.integers(2, 4),
        "num-levels": st.integers(2, 5),
        "bucket": st.integers(1, 2),
        "lakestore.merge-window-rows": st.sampled_from([2, 5, 1000]),
        "lakestore.row-group-rows": st.sampled_from([2, 1000]),
        "compaction.small-file-ratio": st.sampled_from(["0.0", "0.7"]),
        "compaction.force-up-level-0": st.booleans(),
        "write-only": st.booleans(),
    }
)


def deduplicated(state, row):
    state[row["id"]] = row


def kept_first(state, row):
    state.setdefault(row["id"], row)


def aggregated(state, row):
    old = state.get(row["id"], {"a": None, "b": None})
    total = row["a"] if old["a"] is None else old["a"] + (row["a"] or 0)
    state[row["id"]] = {"id": row["id"], "a": total, "b": row["b"] or old["b"]}


def partially_updated(state, row):
    old = state.get(row["id"], {})
    state[row["id"]] = {name: old.get(name) if value is None else value for name, value in row.items()}


def of_greatest_sequence(state, row):
    old = state.get(row["id"])
    rank = (row["a"] is not None, row["a"] or 0)
    if old is None or rank >= (old["a"] is not None, old["a"] or 0):
        state[row["id"]] = row


ENGINES = {
    "deduplicate": (deduplicated, {}),
    "sequence": (of_greatest_sequence, {"sequence.field": "a"}),
    "first-row": (kept_first, {"merge-engine": "first-row"}),
    "aggregation": (aggregated, {"merge-engine": "aggregation", "fields.a.aggregate-function": "sum"}),
    "partial-update": (partially_updated, {"merge-engine": "partial-update"}),
}
CASES = [
    *((engine, producer) for engine in ENGINES for producer in ("none", "lookup")),
    *((engine, "full-compaction") for engine in ENGINES if engine != "first-row"),
    ("deduplicate", "input"),
]


def rows_of(table):
    return sorted(table.to_arrow().to_pylist(), key=lambda row: row["id"])


class History:
    """A table and what it should hold."""

    def __init__(self, engine, producer, options):
        self.apply, own = ENGINES[engine]
        self.table = ls.connect(f"memory://laws-{next(NAMES)}").create_table(
            "db.t",
            schema=COLUMNS,
            primary_key=["id"],
            options={"changelog-producer": producer, **{k: str(v).lower() for k, v in options.items()}, **own},
        )
        self.deletes = engine == "deduplicate"
        self.hidden = engine == "first-row" and options["write-only"]
        self.state = {}
        self.then = {}

    def write(self, rows, gone):
        with self.table.writer() as writer:
            writer.write(rows)
            if self.deletes and gone:
                writer.delete([{"id": key} for key in sorted(gone)])
            result = writer.commit()
        assert result.compact_error is None, result.compact_error
        for row in rows:
            self.apply(self.state, row)
        for key in gone if self.deletes else ():
            self.state.pop(key, None)

    def check(self):
        found = rows_of(self.table)
        snapshot = self.table._context.snapshots.latest()
        if snapshot is not None:
            self.then[snapshot.id] = found
        if not self.hidden:
            assert found == sorted(self.state.values(), key=lambda row: row["id"])

    def check_the_past(self):
        for number, rows in self.then.items():
            assert rows_of(self.table.at(snapshot=number)) == rows, number


@pytest.mark.parametrize(("engine", "producer"), CASES)
@given(operations, settled)
@settings(max_examples=5, deadline=None)
def test_compaction_changes_no_row_and_its_changelog_folds(engine, producer, steps, options):
    history = History(engine, producer, options)
    table = history.table
    folded, ledger = 0, Ledger(["id"])
    for rows, gone, then in steps:
        history.write(rows, gone)
        history.check()
        if then != "nothing":
            compact(table, full=then == "full")
            history.hidden = history.hidden and then != "full"
            history.check()
            history.hidden = history.hidden or (engine == "first-row" and options["write-only"])
        if producer in {"lookup", "full-compaction"}:
            for snapshot in snapshots_of(table)[folded:]:
                folded += 1
                ledger.take_all(changes_in(table, snapshot))
            fresh = any(file.level == 0 for files in live_files(table).values() for file in files)
            if (producer == "lookup" and not fresh) or then == "full":
                assert ledger.rows == {(key,): row for key, row in history.state.items()}
    history.check_the_past()
    if snapshots_of(table):
        assert table.check(deep=True).ok
        assert latest(table).total_record_count == sum(
            file.row_count for files in live_files(table).values() for file in files
        )


@pytest.mark.parametrize("engine", ENGINES)
@given(operations, settled)
@settings(max_examples=4, deadline=None)
def test_small_windows_make_the_same_files_as_large_ones(engine, steps, options):
    """What windows cut must not show: rows, sequence numbers and kinds in the files are the same."""
    made = []
    for budget in (1, compact_merge.WINDOWS_BYTES):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compact_merge, "WINDOWS_BYTES", budget)
            history = History(engine, "none", options | {"lakestore.merge-window-rows": 2 if budget == 1 else 1000})
            for rows, gone, then in steps:
                history.write(rows, gone)
                if then != "nothing":
                    compact(history.table, full=then == "full")
        made.append(
            sorted(
                (place, file.level, file.row_count, file.min_key, file.max_key, file.min_sequence, file.max_sequence)
                for place, files in (live_files(history.table)).items()
                for file in files
            )
        )
    assert made[0] == made[1]
