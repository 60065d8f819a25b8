"""Compaction beside the commits: they do not wait for it, it loses nothing, and it is done when the process ends."""

import os
import signal
import subprocess
import sys
import threading

import pyarrow as pa
import pytest

import lakestore as ls
from lakestore.env import Env
from lakestore.errors import InvariantError
from lakestore.events import CompactionFailed
from tests.compacting import Ledger, changes_in, live_files, snapshots_of
from tests.maintain.beside import COLUMNS, changelog_folds, create, kinds, rows, runs, upsert_in_threads, versions


def test_commits_do_not_wait(tmp_path, listener):
    listener.go.clear()
    table = create(tmp_path, listener)
    for version in range(7):
        result = table.upsert(rows(version))
        assert len(result.snapshot_ids) == 1
        assert versions(table) == {version}
    assert kinds(table) == ["APPEND"] * 7
    assert listener.reached.wait(10)
    listener.go.set()
    assert table.wait_for_compaction(20)
    assert "COMPACT" in kinds(table)
    assert listener.threads == {"lakestore-background"}
    assert versions(table) == {6}
    assert table.check(deep=True).ok


def test_the_snapshot_bears_the_user_of_a_commit(tmp_path, listener):
    table = create(tmp_path, listener, **{"num-sorted-run.compaction-trigger": 2})
    table.upsert(rows(0))
    table.upsert(rows(1))
    assert table.wait_for_compaction(20)
    first, second, compacted = snapshots_of(table)
    assert compacted.commit_kind.value == "COMPACT"
    assert (compacted.commit_user, compacted.commit_identifier) == (second.commit_user, second.commit_identifier)
    assert first.commit_user != second.commit_user


def test_a_commit_waits_above_the_stop_trigger(tmp_path, listener):
    listener.go.clear()
    table = create(tmp_path, listener, **{"num-sorted-run.stop-trigger": 6})
    for version in range(6):
        table.upsert(rows(version))
    waiting = threading.Thread(target=table.upsert, args=(rows(6),))
    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive(), "seven runs, and the commit did not wait"
    assert kinds(table) == ["APPEND"] * 7, "its rows are there, though"
    listener.go.set()
    waiting.join(20)
    assert not waiting.is_alive()
    assert runs(table) <= 6
    assert versions(table) == {6}


def test_force_compact_waits_always(tmp_path, listener):
    table = create(tmp_path, listener, **{"num-sorted-run.compaction-trigger": 2, "commit.force-compact": True})
    table.upsert(rows(0))
    assert len(table.upsert(rows(1)).snapshot_ids) == 2
    assert listener.threads == {threading.current_thread().name} or "lakestore-background" not in listener.threads


def test_write_only_tables_are_left_alone(tmp_path, listener):
    table = create(tmp_path, listener, **{"write-only": True})
    for version in range(12):
        table.upsert(rows(version))
    assert table.wait_for_compaction(20)
    assert kinds(table) == ["APPEND"] * 12


@pytest.mark.parametrize("failure", [pa.ArrowInvalid("no"), OSError("disk"), MemoryError(), InvariantError("no")])
def test_a_failure_never_fails_a_commit(tmp_path, listener, failure):
    listener.failure = failure
    table = create(tmp_path, listener, **{"num-sorted-run.compaction-trigger": 2})
    errors = []
    for version in range(4):
        result = table.upsert(rows(version))
        errors.append(result.compact_error)
        assert table.wait_for_compaction(20)
        assert versions(table) == {version}
    assert errors[:2] == [None, None]
    assert errors[2] is not None
    assert len(listener.of(CompactionFailed)) >= 2
    assert set(kinds(table)) == {"APPEND"}
    listener.failure = None
    table.upsert(rows(9))
    assert table.wait_for_compaction(20)
    assert "COMPACT" in kinds(table)
    report = table.check(deep=True)
    assert report.ok
    assert versions(table) == {9}


def test_failures_leave_no_files(tmp_path, listener):
    listener.failure = OSError("disk")
    table = create(tmp_path, listener, **{"num-sorted-run.compaction-trigger": 2})
    for version in range(4):
        table.upsert(rows(version))
    assert table.wait_for_compaction(20)
    assert len(list((tmp_path / "d.db" / "t" / "bucket-0").iterdir())) == 4


def test_what_is_small_is_merged_whole_in_a_pause(tmp_path, listener):
    table = create(tmp_path, listener)
    for version in range(4):
        table.upsert(rows(version))
    assert table.wait_for_compaction(20)
    assert runs(table) == 4, "too little was written for it"
    for version in range(4, 9):
        table.upsert(rows(version))
    assert table.wait_for_compaction(20)
    assert runs(table) == 1
    assert versions(table) == {8}
    table.upsert(rows(9))
    table.upsert(rows(10))
    assert table.wait_for_compaction(20)
    assert runs(table) == 3, "it was paid for once"


def test_a_large_bucket_is_not_merged_for_a_few_rows(tmp_path, listener):
    table = create(tmp_path, listener)
    table.upsert(pa.table({"id": pa.array(range(100_000)), "v": pa.array(range(100_000))}))
    assert table.wait_for_compaction(20)
    other = ls.open_table(table.path, env=Env(emit=listener, background=True))
    table._context.beside._written.clear()
    for version in range(7):
        other.upsert(rows(version))
    assert other.wait_for_compaction(20)
    assert runs(table) > 1


def test_handles_on_one_table_share_one_lane(tmp_path, listener):
    table = create(tmp_path, listener)
    again = ls.open_table(table.path, env=Env(background=True))
    assert table._context.beside is again._context.beside
    other = ls.connect(tmp_path).create_table("d.other", schema=COLUMNS, primary_key=["id"], options={"bucket": 1})
    assert table._context.beside is not other._context.beside


def test_a_job_that_comes_back_finds_its_last_number(tmp_path, listener):
    table = create(tmp_path, listener, **{"num-sorted-run.compaction-trigger": 2})
    for number in range(12):
        with table.writer(job="ingest") as writer:
            assert writer.recover() == (number - 1 if number else None)
            writer.upsert(rows(number))
            assert not writer.commit(number).already_committed
            assert writer.commit(number).already_committed
    writer = table.writer(job="ingest")
    for number in range(12, 24):
        writer.upsert(rows(number))
        writer.commit(number)
        assert table.writer(job="other").recover() is None
    assert table.writer(job="ingest").recover() == 23
    assert table.wait_for_compaction(20)
    assert table.writer(job="ingest").recover() == 23
    assert versions(table) == {23}
    assert "COMPACT" in kinds(table)


def test_a_table_is_dropped_after_what_runs_on_it(tmp_path, listener):
    table = create(tmp_path, listener, **{"num-sorted-run.compaction-trigger": 2})
    for version in range(6):
        table.upsert(rows(version))
    ls.connect(tmp_path).drop_table("d.t")
    assert table.wait_for_compaction(20)
    assert not (tmp_path / "d.db" / "t").exists()


def test_a_rollback_comes_after_what_is_due(tmp_path, listener):
    table = create(tmp_path, listener, **{"num-sorted-run.compaction-trigger": 2})
    for version in range(6):
        table.upsert(rows(version))
    table.rollback(snapshot=1)
    assert table.wait_for_compaction(20)
    assert kinds(table) == ["APPEND"]
    assert versions(table) == {0}
    assert table.check(deep=True).ok


def test_lookups_that_need_not_be_waited_for(tmp_path, listener):
    table = create(tmp_path, listener, **{"changelog-producer": "lookup", "lookup-wait": False})
    for version in range(10):
        assert len(table.upsert(rows(version)).snapshot_ids) == 1
    assert table.wait_for_compaction(20)
    ledger = Ledger(["id"])
    for snapshot in snapshots_of(table):
        ledger.take_all(changes_in(table, snapshot))
    assert {key: row["v"] for (key,), row in ledger.rows.items()} == dict.fromkeys(range(20), 9)
    assert all(file.level > 0 for files in live_files(table).values() for file in files)


def test_pauses_are_used_where_commits_compact_themselves_too(tmp_path, listener):
    table = create(tmp_path, listener, **{"changelog-producer": "lookup", "compaction.size-ratio": 0})
    for version in range(9):
        assert len(table.upsert(rows(version, 20 + 5 * version)).snapshot_ids) == 2
    assert table.wait_for_compaction(20)
    assert runs(table) == 1
    assert changelog_folds(table)
    assert table.check(deep=True).ok


def test_writers_in_threads(tmp_path, listener):
    create(tmp_path, listener, **{"num-sorted-run.compaction-trigger": 3})
    upsert_in_threads(tmp_path, commits=15)


SCRIPT = """
import sys
import lakestore as ls
from lakestore.maintain import compact_ahead
compact_ahead.BYTES_MIN = 0
table = ls.connect(sys.argv[1]).create_table(
    "d.t", schema={"id": "BIGINT", "v": "BIGINT"}, primary_key=["id"],
    options={"bucket": 1, "changelog-producer": sys.argv[3]},
)
for version in range(9):
    table.upsert([{"id": key, "v": version} for key in range(20)])
    print(version, flush=True)
if sys.argv[2] == "go on":
    version = 9
    while True:
        table.upsert([{"id": key, "v": version} for key in range(20)])
        version += 1
        print(version, flush=True)
"""


def test_the_end_of_the_process_waits(tmp_path):
    world = os.environ | {"LAKESTORE_BACKGROUND": "on"}
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), "end", "none"],
        env=world,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stderr == ""
    table = ls.connect(tmp_path).table("d.t")
    assert runs(table) == 1
    assert versions(table) == {8}
    report = table.check(deep=True)
    assert report.ok


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("producer", ["none", "lookup"])
def test_a_process_that_is_stopped_loses_nothing(tmp_path, stop, producer):
    world = os.environ | {"LAKESTORE_BACKGROUND": "on"}
    words = [sys.executable, "-c", SCRIPT, str(tmp_path), "go on", producer]
    last = 0
    with subprocess.Popen(words, env=world, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        while last < 25:
            last = int(process.stdout.readline())
        process.send_signal(stop)
        written = [int(line) for line in process.stdout.read().split()]
    table = ls.connect(tmp_path).table("d.t")
    (found,) = versions(table)
    assert found >= max([last, *written]) - 1
    assert table.check(deep=True).ok
    if producer == "lookup":
        table.compact(full=True)  # The last commit may have been stopped before its changes were found.
        assert changelog_folds(table)
