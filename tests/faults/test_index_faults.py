"""Making indexes for files that are there, against a failing store and against others who were first.

After each fault the table opens, holds its rows, is whole, and filtered reads are reads filtered; the work can be done
again; and what the failed try left is removed as orphans.
"""

import shutil
from contextlib import suppress
from datetime import timedelta
from functools import cache

import pytest

import lakestore as ls
from lakestore.api.catalog import Lake
from lakestore.env import Env
from lakestore.errors import LakestoreError
from lakestore.maintain.file_index import rewrite_file_index
from lakestore.storage.fsspec_store import open_store
from lakestore.testing.faulty import Crash, FaultKind, FaultyStore, NthCall
from tests.machines.reach import memory_folder

CALLS_MAX = 200
OPTIONS = {"bucket": "1", "write-only": "true", "metadata.stats-mode": "none"}
INDEXED = {"file-index.bitmap.columns": "v", "file-index.in-manifest-threshold": "1 b"}
ROWS = [(1, 10), (2, 20), (3, 30)]


@cache
def built():
    """Three files without index, and options that ask for one in a file of its own; made once, then copied."""
    folder = memory_folder()
    table = ls.connect(folder).create_table("db.t", schema={"k": "INT", "v": "INT"}, primary_key=["k"], options=OPTIONS)
    for key, value in ROWS:
        table.upsert([{"k": key, "v": value}])
    table.alter(*(ls.set_option(key, value) for key, value in INDEXED.items()))
    return folder


def whole(folder):
    table = ls.connect(folder).table("db.t")
    assert sorted(tuple(row.values()) for row in table.scan().to_arrow().to_pylist()) == ROWS
    for key, value in ROWS:
        assert table.scan(where=f"v = {value}").to_arrow().to_pylist() == [{"k": key, "v": value}]
    assert table.check(deep=True).ok
    return table


@pytest.mark.parametrize("kind", [FaultKind.CRASH, FaultKind.BEFORE, FaultKind.AFTER])
def test_every_call_fails_once(kind):
    for number in range(1, CALLS_MAX):
        folder = memory_folder()
        shutil.copytree(built(), folder, dirs_exist_ok=True)
        store, root = open_store(folder)
        plan = NthCall(number, kind)
        table = Lake(FaultyStore(store, plan), root, Env())
        with suppress(Crash, LakestoreError):
            table.table("db.t").rewrite_file_index()
        after = whole(folder)
        after.rewrite_file_index()
        assert after.scan(where="v = 99").plan().report.files_by_index == len(ROWS)
        after.remove_orphans(older_than=timedelta(0))
        assert len(whole(folder).system("file_indexes")) == len(ROWS)
        shutil.rmtree(folder)
        if not plan.fired:
            return
    raise AssertionError("the sweep did not end")


def test_files_that_others_took_away_are_left_out(tmp_path):
    shutil.copytree(built(), tmp_path, dirs_exist_ok=True)
    table = ls.connect(tmp_path).table("db.t")
    before = table.snapshots.latest()
    parts = table._context.at_latest()[0].compact_parts()
    table.upsert([{"k": 4, "v": 40}])
    table.compact(full=True)
    report = rewrite_file_index(parts, before, where=None)
    assert (report.files, report.indexed, report.lost, report.snapshot_ids) == (3, 0, 3, ())
    assert table.scan().count() == 4
    assert table.check(deep=True).ok
    live = {row["index_file_path"].rpartition("/")[2] for row in table.system("file_indexes").to_pylist()}
    assert live <= {path.name for path in tmp_path.rglob("*.index")}
    assert len(list(tmp_path.rglob("*.index"))) == 2  # of the row written meanwhile, and of the compacted file
