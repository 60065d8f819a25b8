"""Compaction changes no row, at no snapshot, and its changelog tells how the table came to be."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lakestore as ls
from lakestore.data import compact_merge
from lakestore.env import Env
from lakestore.model.snapshot import CommitKind
from tests.compacting import Ledger, changes_in, compact, latest, live_files, snapshots_of

NAMES = itertools.count()
KEYS = st.integers(0, 9)
VALUES = st.none() | st.integers(-3, 3)
COLUMNS = {"id": "INT", "a": "INT", "b": "STRING"}

upserts = st.fixed_dictionaries({"id": KEYS, "a": VALUES, "b": st.sampled_from([None, "x", "y"])})
batches = st.tuples(st.lists(upserts, max_size=8), st.sets(KEYS, max_size=4))
jobs = st.sampled_from(
    [
        *[None] * 4,
        *[{}, {"full": True}] * 2,
        {"full": True, "budget_files": 1},
        {"budget_bytes": 1},
        {"full": True, "dry_run": True},
    ]
)
steps_of = st.lists(
    # What one writer commits, perhaps what another commits while that one is at it, and a compaction.
    st.tuples(batches, st.none() | st.none() | batches, jobs),
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
        "lookup-compact": st.sampled_from(["radical", "gentle"]),
        "commit.force-compact": st.booleans(),
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

    def __init__(self, engine, producer, options, *, background=False):
        self.apply, own = ENGINES[engine]
        self.table = ls.connect(f"memory://laws-{next(NAMES)}", env=Env(background=background)).create_table(
            "db.t",
            schema=COLUMNS,
            primary_key=["id"],
            options={"changelog-producer": producer, **{k: str(v).lower() for k, v in options.items()}, **own},
        )
        self.deletes = engine == "deduplicate"
        self.hides = engine == "first-row"
        self.state = {}
        self.then = {}

    def step(self, first, second):
        """Commit rows; if there are others, those come from another writer, which commits in between."""
        with self.table.writer() as writer:
            self.write(writer, *first)
            if second is not None:
                with ls.open_table(f"memory:/{self.table.path}").writer() as other:
                    self.write(other, *second)
                    self.committed(other, *second)
            self.committed(writer, *first)

    def write(self, writer, rows, gone):
        writer.write(rows)
        if self.deletes and gone:
            writer.delete([{"id": key} for key in sorted(gone)])

    def committed(self, writer, rows, gone):
        assert writer.commit().compact_error is None
        for row in rows:
            self.apply(self.state, row)
        for key in gone if self.deletes else ():
            self.state.pop(key, None)

    def fresh(self):
        """Whether rows wait on level 0."""
        return any(file.level == 0 for files in live_files(self.table).values() for file in files)

    def check(self):
        found = rows_of(self.table)
        snapshot = self.table._context.snapshots.latest()
        if snapshot is not None:
            self.then[snapshot.id] = found
        if not (self.hides and self.fresh()):
            assert found == sorted(self.state.values(), key=lambda row: row["id"])

    def check_the_past(self):
        """Every snapshot reads as it did then, and no compaction changed a row."""
        before = []
        for snapshot in snapshots_of(self.table):
            rows = rows_of(self.table.at(snapshot=snapshot.id))
            assert rows == self.then.get(snapshot.id, rows), snapshot.id
            if snapshot.commit_kind is CommitKind.COMPACT and not self.hides:
                assert rows == before, snapshot.id
            before = rows


def check_history(case, steps, options, *, background, lazy=False):
    """The law: reading is the same before and after, at every snapshot; changelogs fold to the table.

    What runs in the background is waited for at each step, or when ``lazy`` only now and then.
    """
    engine, producer = case
    history = History(engine, producer, options, background=background)
    table = history.table
    folded, ledger = 0, Ledger(["id"])
    for first, second, job in steps:
        history.step(first, second)
        history.check()
        if job is not None:
            compact(table, **job)
            history.check()
        if background and (job is not None or not lazy):
            assert table.wait_for_compaction(60)
            history.check()
        if producer in {"lookup", "full-compaction"}:
            for snapshot in snapshots_of(table)[folded:]:
                folded += 1
                ledger.take_all(changes_in(table, snapshot))
            if (producer == "lookup" and not history.fresh()) or job == {"full": True}:
                assert ledger.rows == {(key,): row for key, row in history.state.items()}
    assert table.wait_for_compaction(60)
    history.check_the_past()
    if snapshots_of(table):
        assert table.check(deep=True).ok
        assert latest(table).total_record_count == sum(
            file.row_count for files in live_files(table).values() for file in files
        )


@given(st.sampled_from(CASES), steps_of, settled)
@settings(max_examples=20, deadline=None)
def test_compaction_changes_no_row_and_its_changelog_folds(case, steps, options):
    check_history(case, steps, options, background=False)


@given(st.sampled_from(CASES), steps_of, settled, st.booleans(), st.booleans())
@settings(max_examples=10, deadline=None)
def test_compaction_in_the_background_does_neither(case, steps, options, waits, lazy):
    check_history(case, steps, options | {"lookup-wait": waits}, background=True, lazy=lazy)


lifted = st.fixed_dictionaries(
    {
        "num-sorted-run.compaction-trigger": st.integers(3, 5),
        "num-levels": st.integers(6, 7),
        "lakestore.merge-window-rows": st.sampled_from([2, 5, 1000]),
        "compaction.size-ratio": st.sampled_from([0, 1, 100]),
        "compaction.max-size-amplification-percent": st.sampled_from([10, 200, 100_000]),
        "lookup.cache-max-memory-size": st.sampled_from(["0 b", "2 kb", "1 mb"]),
    }
)


@given(st.sampled_from(sorted(ENGINES)), st.lists(steps_of, min_size=2, max_size=3), lifted, st.booleans())
@settings(max_examples=8, deadline=None)
def test_commits_that_empty_level_0_beside_the_rest(engine, steps, options, lazy):
    check_history((engine, "lookup"), list(itertools.chain(*steps)), options, background=True, lazy=lazy)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids="-".join)
@given(steps_of, settled, st.booleans(), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_many_histories(case, steps, options, background, waits, lazy):
    check_history(case, steps, options | {"lookup-wait": waits}, background=background, lazy=lazy)


@pytest.mark.slow
@pytest.mark.parametrize("engine", sorted(ENGINES))
@given(st.lists(steps_of, min_size=2, max_size=4), lifted, st.booleans())
@settings(max_examples=40, deadline=None)
def test_many_lifted_histories(engine, steps, options, lazy):
    check_history((engine, "lookup"), list(itertools.chain(*steps)), options, background=True, lazy=lazy)


def check_windows(engine, steps, options):
    """What windows cut must not show: rows, sequence numbers and kinds in the files are the same."""
    made = []
    for budget in (1, compact_merge.WINDOWS_BYTES):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compact_merge, "WINDOWS_BYTES", budget)
            history = History(engine, "none", options | {"lakestore.merge-window-rows": 2 if budget == 1 else 1000})
            for first, second, job in steps:
                history.step(first, second)
                if job is not None and "budget_bytes" not in job:
                    compact(history.table, **job)
        made.append(
            sorted(
                (place, file.level, file.row_count, file.min_key, file.max_key, file.min_sequence, file.max_sequence)
                for place, files in (live_files(history.table)).items()
                for file in files
            )
        )
    assert made[0] == made[1]


@given(st.sampled_from(sorted(ENGINES)), steps_of, settled)
@settings(max_examples=6, deadline=None)
def test_small_windows_make_the_same_files_as_large_ones(engine, steps, options):
    check_windows(engine, steps, options)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@given(steps_of, settled)
@settings(max_examples=60, deadline=None)
def test_small_windows_many_times(engine, steps, options):
    check_windows(engine, steps, options)
