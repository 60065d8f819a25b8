"""Changelogs that are written beside the rows that they come of say what those say that are written after them."""

import itertools
import threading
from datetime import timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lakestore as ls
from lakestore.env import Env
from lakestore.errors import StorageError
from lakestore.events import FileWritten
from lakestore.maintain import compact_ahead
from lakestore.model.stats import EMPTY_ROW
from lakestore.write import pk_writer
from tests.compacting import changes_in, live_files, snapshots_of

COLUMNS = {"id": "INT", "p": "INT", "v": "STRING"}
LOOKUP = {"changelog-producer": "lookup"}
NAMES = itertools.count()


class Watcher:
    """Notes in which threads changelog files are written; runs something once when a data file is."""

    def __init__(self):
        self.threads = []
        self.rival = None

    def __call__(self, event):
        if not isinstance(event, FileWritten):
            return
        if event.path.rpartition("/")[2].startswith("changelog-"):
            self.threads.append(threading.current_thread().name)
        elif self.rival is not None:
            rival, self.rival = self.rival, None
            rival()

    @property
    def beside(self):
        """Whether each was written beside the committing thread."""
        return [name != threading.current_thread().name for name in self.threads]


def create(place, watcher=None, *, background=True, partitioned=False, **options):
    lake = ls.connect(place, env=Env(background=background, **({} if watcher is None else {"emit": watcher})))
    return lake.create_table(
        "d.t",
        schema=COLUMNS,
        primary_key=["p", "id"] if partitioned else ["id"],
        partition_by=["p"] if partitioned else [],
        options={"bucket": 1} | LOOKUP | options,
    )


def told(table):
    """What each snapshot with a changelog tells, oldest first."""
    found = [changes_in(table, snapshot) for snapshot in snapshots_of(table)]
    # Sequence numbers begin anew in a bucket that compaction has emptied, which comes sooner or later.
    return [[(kind, row) for kind, row, _ in changes] for changes in found if changes]


def strays(table):
    return table.remove_orphans(older_than=timedelta(0), dry_run=True).paths


def by_key(change):
    return change[1]["p"], change[1]["id"]


rows = st.fixed_dictionaries({"id": st.integers(0, 7), "p": st.integers(0, 1), "v": st.sampled_from([None, "x", "y"])})
keys = st.fixed_dictionaries({"id": st.integers(0, 7), "p": st.integers(0, 1)})
histories = st.lists(st.tuples(st.lists(rows, max_size=8), st.lists(keys, max_size=3)), min_size=1, max_size=9)
layouts = st.fixed_dictionaries(
    {
        "bucket": st.integers(1, 2),
        "num-sorted-run.compaction-trigger": st.sampled_from([3, 5]),
        "changelog-producer.row-deduplicate": st.booleans(),
        "lakestore.row-group-rows": st.sampled_from([2, 1000]),
        "lookup.cache-max-memory-size": st.sampled_from(["0 b", "1 kb", "256 mb"]),
    }
)


@settings(max_examples=25, deadline=None)
@given(histories, layouts, st.booleans())
def test_they_say_the_same(history, layout, partitioned):
    options = {name: str(value).lower() for name, value in layout.items()}
    tables = [
        create(f"memory://ahead-{next(NAMES)}", background=background, partitioned=partitioned, **options)
        for background in (True, False)
    ]
    for upserts, deletes in history:
        for table in tables:
            with table.writer() as writer:
                writer.write(upserts)
                writer.delete(deletes)
                assert writer.commit().compact_error is None
        ahead, after = ([sorted(changes, key=by_key) for changes in told(table)] for table in tables)
        assert ahead == after
    tables[0].wait_for_compaction(20)
    assert strays(tables[0]) == ()


def test_a_partition_overwritten_in_between_is_told_the_same():
    tables = [create(f"memory://ahead-{next(NAMES)}", background=on, partitioned=True) for on in (True, False)]
    for table in tables:
        for version in range(3):
            table.upsert([{"id": key, "p": key % 2, "v": str(version)} for key in range(6)])
        table.overwrite([{"id": 2, "p": 0, "v": "z"}])
        table.upsert([{"id": key, "p": key % 2, "v": "y"} for key in range(6)])
    ahead, after = ([sorted(changes, key=by_key) for changes in told(table)] for table in tables)
    assert ahead == after


def versions(version, ids=range(50)):
    return [{"id": number, "p": 0, "v": str(version)} for number in ids]


def test_each_is_written_once_beside_its_rows(tmp_path):
    watcher = Watcher()
    table = create(tmp_path, watcher)
    for version in range(12):
        table.upsert(versions(version))
    assert watcher.beside == [True] * 12
    assert table.wait_for_compaction(20)
    assert len(told(table)) == 12
    assert strays(table) == ()


def test_rows_compacted_meanwhile_change_nothing(tmp_path):
    watcher = Watcher()
    table = create(tmp_path, watcher)
    for version in range(3):
        table.upsert(versions(version))
    other = ls.open_table(table.path, env=Env(background=False))
    watcher.rival = lambda: other.compact(full=True)
    table.upsert(versions(3))
    assert watcher.beside == [True] * 4
    assert [(kind, row["v"]) for kind, row in told(table)[-1]] == [("-U", "2"), ("+U", "3")] * 50
    assert table.check(deep=True).ok


def test_rows_overwritten_meanwhile_are_seen(tmp_path):
    """What was there when the writer began is there no more."""
    watcher = Watcher()
    table = create(tmp_path, watcher)
    table.upsert(versions(0))
    other = ls.open_table(table.path, env=Env(background=False))
    watcher.rival = lambda: other.overwrite(versions(7, [1]), mode="table")
    table.upsert(versions(1))
    assert {kind for kind, row in told(table)[-1] if row["id"] != 1} == {"+I"}
    assert [(kind, row["v"]) for kind, row in told(table)[-1] if row["id"] == 1] == [("-U", "7"), ("+U", "1")]
    assert strays(table) == ()


@pytest.mark.parametrize("mode", ["table", "dynamic"])
def test_rows_that_overwrite_others_are_new(tmp_path, mode):
    tables = [create(tmp_path / str(background), background=background) for background in (True, False)]
    for table in tables:
        table.upsert(versions(0))
        table.overwrite(versions(1, range(40)), mode=mode)
        table.upsert(versions(2, range(60)))
    ahead, after = map(told, tables)
    assert ahead == after
    assert {kind for kind, _ in ahead[1]} == {"+I"}


def test_rows_removed_meanwhile_are_seen(tmp_path):
    """As above, but the rows need no new numbers."""
    watcher = Watcher()
    table = create(tmp_path, watcher)
    table.upsert(versions(0))
    other = ls.open_table(table.path, env=Env(background=False))
    watcher.rival = other.truncate
    table.upsert(versions(1))
    assert {kind for kind, row in told(table)[-1]} == {"+I"}
    assert watcher.beside == [True, True, False]
    assert strays(table) == ()


def test_rows_committed_meanwhile_are_seen(tmp_path):
    """The rows are numbered anew, and their changelog is made again."""
    watcher = Watcher()
    table = create(tmp_path, watcher)
    table.upsert(versions(0))
    other = ls.open_table(table.path, env=Env(background=False))
    watcher.rival = lambda: other.upsert(versions(1))
    table.upsert(versions(2))
    assert [(kind, row["v"]) for kind, row in told(table)[-1]] == [("-U", "1"), ("+U", "2")] * 50
    assert watcher.beside[-2:] == [True, False]
    assert strays(table) == ()


FAILURES = [
    StorageError("no"),
    pa.ArrowInvalid("no"),
    OSError("disk"),
    MemoryError(),
    RuntimeError("no"),
    KeyError("no"),
]


@pytest.mark.parametrize("buckets", [1, 3])
@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_a_failure_is_made_good(tmp_path, monkeypatch, failure, buckets):
    table = create(tmp_path, bucket=buckets)
    table.upsert(versions(0))

    def fail(*_):
        raise failure

    monkeypatch.setattr(compact_ahead, "rewrite_changes", fail)
    result = table.upsert(versions(1))
    assert result.compact_error is None
    assert [(kind, row["v"]) for kind, row in told(table)[-1]] == [("-U", "0"), ("+U", "1")] * 50
    assert not table._context.beside.recent._lent


def test_where_no_thread_is_to_be_had_they_are_made_afterwards(tmp_path, monkeypatch):
    def refuse(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(compact_ahead, "Started", refuse)
    table = create(tmp_path)
    for version in range(3):
        assert table.upsert(versions(version)).compact_error is None
    assert [(kind, row["v"]) for kind, row in told(table)[-1]] == [("-U", "1"), ("+U", "2")] * 50
    assert not table._context.beside.recent._lent


def test_few_rows_are_not_worth_a_thread(tmp_path, monkeypatch):
    watcher = Watcher()
    monkeypatch.setattr(compact_ahead, "BYTES_MIN", 256 * 1024)
    table = create(tmp_path, watcher)
    table.upsert(versions(0))
    table.upsert(versions(0, range(20_000)))
    assert watcher.beside == [False, True]


def test_another_history_before_it_is_seen(tmp_path):
    """After a rollback numbers are given out again: the snapshot before may be another than it was."""
    watcher = Watcher()
    table = create(tmp_path, watcher)
    for version in range(2):
        table.upsert(versions(version))
    assert table.wait_for_compaction(20)
    last = table.snapshots.latest().id
    other = ls.open_table(table.path, env=Env(background=False))

    def rival():
        other.rollback(snapshot=1)
        other.upsert(versions(7, [100]))
        while other.snapshots.latest().id < last:
            other.upsert(versions(8, [100]))
        other.compact(full=True)

    watcher.rival = rival
    table.upsert(versions(2, range(49, 51)))
    assert {(kind, row["id"]) for kind, row in told(table)[-1]} <= {("-U", 49), ("+U", 49), ("+I", 49), ("+I", 50)}
    assert watcher.beside[-1] is False


@pytest.mark.parametrize("failure", [StorageError("no"), KeyboardInterrupt()])
def test_rows_that_are_not_written_leave_no_changelog(tmp_path, monkeypatch, failure):
    table = create(tmp_path, Watcher())
    table.upsert(versions(0))
    files = sorted((tmp_path / "d.db" / "t" / "bucket-0").iterdir())

    def fail(*_):
        raise failure

    monkeypatch.setattr(pk_writer.DataFileWriter, "write", fail)
    with monkeypatch.context(), pytest.raises(type(failure)):
        # The changelog's own writer is another: rows that wait there are encoded at its end.
        table.upsert(versions(1))
    monkeypatch.undo()
    assert sorted((tmp_path / "d.db" / "t" / "bucket-0").iterdir()) == files
    assert strays(table) == ()
    table.upsert(versions(2))
    assert [(kind, row["v"]) for kind, row in told(table)[-1]] == [("-U", "0"), ("+U", "2")] * 50


@pytest.mark.parametrize(
    "options",
    [
        {"sequence.field": "v"},
        {"merge-engine": "partial-update"},
        {"file.format.per.level": "0:avro"},
        {"file.compression.per.level": "1:lz4"},
        {"record-level.expire-time": "100 d", "record-level.time-field": "p"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_what_may_come_out_otherwise_is_made_afterwards(tmp_path, monkeypatch, options):
    begun = []
    monkeypatch.setattr(compact_ahead, "rewrite_changes", lambda *found: begun.append(found))
    table = create(tmp_path, **options)
    now = 1_800_000_000
    for version in range(3):
        table.upsert([{"id": 1, "p": now, "v": str(version)}])
    assert not begun
    assert [(kind, row["v"]) for kind, row in told(table)[-1]] == [("-U", "1"), ("+U", "2")]


def test_a_bucket_with_two_new_files_is_left_to_its_compaction(tmp_path):
    """Rows that no longer fit the buffer make a file of their own."""
    watcher = Watcher()
    table = create(tmp_path, watcher, **{"write-buffer-size": "1 mb"})
    table.upsert(versions(0))
    with table.writer() as writer:
        writer.write(versions(1, range(60_000)))
        writer.write(versions(2, range(30, 60_000)))
        assert writer.commit().compact_error is None
    last = told(table)[-1]
    assert len(last) == 60_000 + 50
    assert {row["v"] for kind, row in last if kind == "+I"} == {"2"}
    assert strays(table) == ()


def test_rows_that_make_two_files_have_a_changelog_each(tmp_path):
    watcher = Watcher()
    lake = ls.connect(tmp_path, env=Env(background=True, emit=watcher))
    options = LOOKUP | {"bucket": 1, "target-file-size": "64 kb", "file.compression": "none"}
    table = lake.create_table("d.t", schema={"id": "INT NOT NULL"}, primary_key=["id"], options=options)
    table.upsert(pa.table({"id": pa.array(range(10_000), pa.int32())}))
    assert len(live_files(table)[EMPTY_ROW, 0]) == 2
    assert sorted(row["id"] for _, row in told(table)[-1]) == list(range(10_000))
    assert strays(table) == ()
