"""Cleaning under faults: a failed read deletes nothing, and a crash at any call leaves nothing unreadable."""

import shutil
from contextlib import suppress
from pathlib import Path

import pytest

import lakestore as ls
from lakestore.api.catalog import Lake
from lakestore.env import Env
from lakestore.errors import LakestoreError
from lakestore.meta.cache import SHARED_CACHE
from lakestore.storage.fsspec_store import open_store
from lakestore.testing.faulty import Crash, FaultKind, FaultyStore, NthCall
from tests.machines.reach import files_of, garbage, memory_folder, reads_of

READS = frozenset({"get", "list", "info", "list_recursive", "list_directories", "open_input", "read"})
CHANGES = frozenset({"put", "put_if_absent", "delete"})
ANY_AGE = 2**53
KINDS = [FaultKind.CRASH, pytest.param(FaultKind.CRASH_AFTER, marks=pytest.mark.slow)]
"""A crash after a call is one before the next, but for the last."""
SCHEMA = {"id": "INT", "text": "STRING"}
OPTIONS = {"bucket": "1", "num-sorted-run.compaction-trigger": "2", "changelog-producer": "input", "write-only": "true"}


@pytest.fixture(scope="module")
def memory():
    folder = Path(memory_folder())
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def ready(memory):
    """A table with history: compactions, a tag whose snapshot is gone, a branch, statistics, orphans."""
    folder = memory / "ready"
    table = ls.connect(folder).create_table("db.t", schema=SCHEMA, primary_key=["id"], options=OPTIONS)
    for number in range(5):
        table.upsert([{"id": number % 3, "text": str(number)}])
        if number == 1:
            table.tags.create("old")
        if number == 3:
            table.compact(full=True)
            table.branches.create("dev", snapshot=table.snapshots.latest().id)
            table.at(branch="dev").upsert([{"id": 9, "text": "on the branch"}])
    table.analyze()
    table.upsert([{"id": 1, "text": "last"}])
    table.compact(full=True)
    table.snapshots.expire(retain_max=4, older_than=ANY_AGE)
    (folder / "db.db/t/bucket-0/data-c4190eab-adb3-419c-a0ef-47c8f1725fe4-0.parquet").write_bytes(b"lost")
    (folder / "db.db/t/manifest/.manifest-1.c4190eab-adb3-419c-a0ef-47c8f1725fe4.tmp").write_bytes(b"left")
    return folder


@pytest.fixture
def copy(ready, memory):
    def make(name):
        folder = memory / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(ready, folder)
        return folder

    return make


def faulty(folder, plan):
    """The table over a store with that plan, and nothing of it in memory."""
    SHARED_CACHE.entries.clear()
    SHARED_CACHE.lists.clear()
    store, root = open_store(folder)
    return Lake(FaultyStore(store, plan), root, Env()).table("db.t")


def data_and_metadata(root):
    return {path for path in files_of(root) if ".clock." not in path}


def test_an_orphan_run_whose_read_fails_deletes_nothing(copy):
    folder = copy("reads")
    root = folder / "db.db/t"
    before = data_and_metadata(root)
    plan = NthCall(0, operations=READS)
    table = faulty(folder, plan)
    assert len(table.remove_orphans(older_than=ANY_AGE, dry_run=True).deletions) == 2
    calls = plan.seen
    assert calls > 30
    failed = 0
    for number in range(1, calls + 1):
        plan = NthCall(number, operations=READS)
        SHARED_CACHE.entries.clear()
        try:
            faulty(folder, plan).remove_orphans(older_than=ANY_AGE)
        except LakestoreError:
            failed += 1
            assert data_and_metadata(root) == before, f"read {number}"
        else:
            assert not plan.fired, f"read {number} failed and nobody noticed"
            break
    assert failed >= calls - 15, "reads of the run itself, deletion aside"


def test_metadata_that_is_missing_stops_an_orphan_run(copy):
    folder = copy("missing")
    root = folder / "db.db/t"
    for path in sorted((root / "manifest").glob("manifest-*")):
        held = path.read_bytes()
        path.unlink()
        before = data_and_metadata(root)
        try:
            ls.connect(folder).table("db.t").remove_orphans(older_than=ANY_AGE)
        except LakestoreError:
            pass
        else:
            pytest.fail(f"{path.name} is missing, and orphans were removed")
        assert data_and_metadata(root) == before
        path.write_bytes(held)
    assert len(ls.connect(folder).table("db.t").remove_orphans(older_than=ANY_AGE).deletions) == 2


JOBS = {
    "expire": lambda table: table.snapshots.expire(retain_max=1),
    "delete a tag": lambda table: table.tags.delete("old"),
    "orphans": lambda table: table.remove_orphans(older_than=ANY_AGE),
    "purge": lambda table: table.purge(),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("job", JOBS)
def test_a_crash_at_any_change_leaves_all_that_is_found_readable(copy, job, kind):
    for number in range(1, 200):
        folder = copy(f"crash-{number}")
        root = folder / "db.db/t"
        before = reads_of(root)
        plan = NthCall(number, kind, operations=CHANGES)
        with suppress(Crash):
            JOBS[job](faulty(folder, plan))
        assert not garbage(root)[1], f"{job}: change {number} crashed, files are missing"
        if job != "purge":
            after = reads_of(root)
            assert after.items() <= before.items()
        if not plan.fired:
            break
        table = ls.connect(folder).table("db.t")
        JOBS[job](table) if job != "delete a tag" or "old" in table.tags.list()["tag_name"].to_pylist() else None
        table.remove_orphans(older_than=ANY_AGE)
        too_many, missing = garbage(root)
        assert not missing
        assert not too_many
        shutil.rmtree(folder)
    else:
        pytest.fail("never ended")


@pytest.mark.parametrize("kind", KINDS)
def test_a_drop_cut_short_leaves_a_table_that_reads_and_can_be_dropped(copy, kind):
    for number in range(1, 200):
        folder = copy(f"drop-{number}")
        root = folder / "db.db/t"
        before = reads_of(root)
        plan = NthCall(number, kind, operations=CHANGES)
        SHARED_CACHE.entries.clear()
        store, base = open_store(folder)
        lake = Lake(FaultyStore(store, plan), base, Env())
        with suppress(Crash):
            lake.drop_table("db.t")
        if not plan.fired:
            assert not root.exists()
            break
        whole = ls.connect(folder)
        if "t" in whole.tables("db"):
            assert not garbage(root)[1]
            assert reads_of(root).items() <= before.items()
            whole.table("db.t").to_arrow()
            whole.drop_table("db.t")
        assert "t" not in whole.tables("db")
        shutil.rmtree(folder)
    else:
        pytest.fail("never ended")
