"""Append tables: small files are written together beside the commits, and no row is lost, doubled or moved."""

import threading

import pyarrow as pa
import pytest

import lakestore as ls
from lakestore.env import Env
from lakestore.events import CompactionFailed
from tests.compacting import live_files
from tests.maintain.beside import COLUMNS, in_threads, kinds

BUCKETED = {"bucket": 2, "bucket-key": "id"}


def appends(tmp_path, listener, **options):
    lake = ls.connect(tmp_path, env=Env(emit=listener, background=True))
    return lake.create_table("d.t", schema=COLUMNS, options=options)


def some(version, count=10):
    return [{"id": 1000 * version + number, "v": version} for number in range(count)]


def ids(table):
    return table.to_arrow()["id"].to_pylist()


def files_of(table):
    return [file for files in live_files(table).values() for file in files]


@pytest.mark.parametrize("options", [{}, BUCKETED], ids=["unaware", "bucketed"])
def test_commits_do_not_wait(tmp_path, listener, options):
    table = appends(tmp_path, listener, **options)
    for version in range(40):
        assert len(table.insert(some(version)).snapshot_ids) == 1
    assert table.wait_for_compaction(20)
    assert listener.threads == {"lakestore-background"}
    assert "COMPACT" in kinds(table)
    assert len(files_of(table)) <= 12
    assert sorted(ids(table)) == [row["id"] for version in range(40) for row in some(version)]
    assert table.check(deep=True).ok
    assert listener.of(CompactionFailed) == []


def test_rows_keep_their_order_in_a_bucket(tmp_path, listener):
    table = appends(tmp_path, listener, bucket=1, **{"bucket-key": "id"})
    for version in range(23):
        table.insert(some(version))
    assert table.wait_for_compaction(20)
    assert len(files_of(table)) < 23
    assert ids(table) == [row["id"] for version in range(23) for row in some(version)]


def test_commits_go_on_while_a_round_is_held_up(tmp_path, listener):
    listener.go.clear()
    table = appends(tmp_path, listener)
    for version in range(9):
        table.insert(some(version))
    assert listener.reached.wait(10)
    assert kinds(table) == ["APPEND"] * 9
    waiting = threading.Thread(target=table.insert, args=(some(9),))
    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive(), "the next round is due, and the commit did not wait for this one"
    assert kinds(table) == ["APPEND"] * 10, "its rows are there, though"
    listener.go.set()
    waiting.join(20)
    assert table.wait_for_compaction(20)
    assert len(files_of(table)) <= 8
    assert len(ids(table)) == 100


@pytest.mark.parametrize("options", [{}, BUCKETED], ids=["unaware", "bucketed"])
def test_small_files_never_pile_up(tmp_path, listener, options):
    """However fast commits come; and what is kept of them in memory stays in one piece."""
    table = appends(tmp_path, listener, **options)
    for version in range(250):
        table.insert(some(version, 3))
        if version % 10 == 9:
            assert len(files_of(table)) <= 40
    assert len(ids(table)) == 750
    recent = table._context.beside.recent
    assert all(column.num_chunks == 1 for rows in recent._tables.values() for column in rows.columns)


def test_numbers_of_compactions_do_not_keep_rounds_from_coming(tmp_path, listener):
    """Every fifth snapshot is a compaction; those of the appends are never multiples of five."""
    table = appends(tmp_path, listener)
    for version in range(60):
        table.insert(some(version, 1))
        table._context.beside._lane.wait(20, afterthoughts=False)
        assert len(files_of(table)) <= 10
    assert sorted(ids(table)) == [1000 * version for version in range(60)]


def test_streams_see_each_row_once(tmp_path, listener):
    table = appends(tmp_path, listener)
    seen = []
    with table.stream(start="latest-full") as changes:
        follow = iter(changes)
        for version in range(30):
            table.insert(some(version))
            while len(seen) < 10 * (version + 1):
                seen += next(follow).batch.column("id").to_pylist()
    assert seen == [row["id"] for version in range(30) for row in some(version)]


def test_changes_of_the_whole_table_come_after_what_is_due(tmp_path, listener):
    table = appends(tmp_path, listener)
    for version in range(10):
        table.insert(some(version))
    table.delete("v < 3")
    table.update("v = 3", {"v": -3})
    for version in range(10, 15):
        table.insert(some(version))
    table.cluster_by("v")
    assert sorted(table.to_arrow()["v"].to_pylist()) == sorted([-3] * 10 + [v for v in range(4, 15) for _ in range(10)])
    assert table.check(deep=True).ok


def test_a_failure_never_fails_a_commit(tmp_path, listener):
    table = appends(tmp_path, listener)
    listener.failure = pa.ArrowInvalid("no")
    errors = []
    for version in range(12):
        errors.append(table.insert(some(version)).compact_error)
        table.wait_for_compaction(20)
    assert listener.of(CompactionFailed)
    assert any(error is not None for error in errors)
    assert len(files_of(table)) == 12
    listener.failure = None
    table.insert(some(12))
    assert len(ids(table)) == 130
    assert table.check(deep=True).ok


def test_writers_in_threads(tmp_path, listener):
    appends(tmp_path, listener)

    def commit(table, worker, version):
        return table.insert(some(100 * worker + version, 2))

    found = ids(in_threads(tmp_path, commit, commits=15))
    assert len(found) == len(set(found)) == 90


def test_write_only_tables_are_left_alone(tmp_path, listener):
    table = appends(tmp_path, listener, **{"write-only": True})
    for version in range(12):
        table.insert(some(version))
    assert table.wait_for_compaction(20)
    assert kinds(table) == ["APPEND"] * 12
