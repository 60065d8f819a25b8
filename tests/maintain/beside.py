"""Tables that are compacted beside their commits, and a listener that can hold that up. For tests."""

import threading

import pyarrow as pa

import lakestore as ls
from lakestore.env import Env
from lakestore.events import BucketCompacted
from tests.compacting import Ledger, changes_in, live_files, snapshots_of

COLUMNS = {"id": "BIGINT", "v": "BIGINT"}


class Listener:
    """Notes events, and may hold the compaction up after its files are written, or make it fail there.

    ``held`` names the only thread in which it does so.
    """

    def __init__(self):
        self.events = []
        self.threads = set()
        self.go = threading.Event()
        self.go.set()
        self.reached = threading.Event()
        self.failure = None
        self.held = None

    def __call__(self, event):
        self.events.append(event)
        here = threading.current_thread().name
        if isinstance(event, BucketCompacted):
            self.threads.add(here)
        if isinstance(event, BucketCompacted) and self.held in {None, here}:
            self.reached.set()
            assert self.go.wait(20)
            if self.failure is not None:
                raise self.failure

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


def create(tmp_path, listener, **options):
    lake = ls.connect(tmp_path, env=Env(emit=listener, background=True))
    return lake.create_table("d.t", schema=COLUMNS, primary_key=["id"], options={"bucket": 1} | options)


def rows(version, count=20):
    return pa.table({"id": pa.array(range(count), pa.int64()), "v": pa.array([version] * count, pa.int64())})


def versions(table):
    found = table.to_arrow()
    assert sorted(found["id"].to_pylist()) == list(range(20))
    return set(found["v"].to_pylist())


def runs(table):
    return sum(len(bucket.runs) for bucket in table.levels().buckets)


def kinds(table):
    return [snapshot.commit_kind.value for snapshot in snapshots_of(table)]


def changelog_folds(table):
    ledger = Ledger(["id"])
    for snapshot in snapshots_of(table):
        ledger.take_all(changes_in(table, snapshot))
    return ledger.rows == {(row["id"],): row for row in table.to_arrow().to_pylist()}


def levels_of(table):
    return sorted(file.level for files in live_files(table).values() for file in files)


def in_threads(tmp_path, commit, *, commits):
    """Three writers at the same time, each with a handle and a number of its own; the table then, compacted."""
    errors = []

    def write(worker):
        table = ls.open_table(tmp_path / "d.db" / "t", env=Env(background=True))
        for version in range(commits):
            try:
                result = commit(table, worker, version)
                errors.extend([result.compact_error] if result.compact_error else [])
            except Exception as error:
                errors.append(error)

    workers = [threading.Thread(target=write, args=(number,)) for number in (1, 2, 3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert errors == []
    table = ls.open_table(tmp_path / "d.db" / "t", env=Env(background=True))
    assert table.wait_for_compaction(20)
    assert table.check(deep=True).ok
    return table


def upsert_in_threads(tmp_path, *, commits):
    """Writers with keys of their own and one that all share."""

    def commit(table, worker, version):
        return table.upsert([{"id": worker * 100 + version, "v": version}, {"id": 0, "v": worker}])

    table = in_threads(tmp_path, commit, commits=commits)
    assert table.count() == 3 * commits + 1
    return table
