"""Small files of append tables: written together by writers and by the job, and no row or stream reader notices."""

import json
import threading
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest

import lakestore as ls
from lakestore.cli.main import main
from tests.compacting import live_files, order_in_buckets, snapshots_of

KINDS = {
    "unaware": {},
    "ordered": {"bucket": "2", "bucket-key": "id"},
    "unordered": {"bucket": "2", "bucket-key": "id", "bucket-append-ordered": "false"},
}
COLUMNS = {"id": "BIGINT", "n": "INT", "text": "STRING"}


@pytest.fixture
def lake(tmp_path):
    return ls.connect(tmp_path / "wh")


def made(lake, kind="unaware", **options):
    return lake.create_table("a.t", schema=COLUMNS, options=KINDS[kind] | options)


def batch(number, rows=6):
    return [{"id": number * 100 + at, "n": at, "text": None if at == 2 else f"{number}/{at}"} for at in range(rows)]


def everything(table):
    return sorted(map(repr, table.scan().to_arrow().to_pylist()))


@pytest.mark.parametrize("kind", KINDS)
def test_writers_gather_small_files_and_every_snapshot_keeps_its_rows(lake, kind):
    table = made(lake, kind)
    model, expected = [], {}
    for number in range(12):
        table.insert(batch(number))
        model += batch(number)
        for snapshot in snapshots_of(table):
            expected.setdefault(snapshot.id, sorted(map(repr, model)))
    kinds = [str(snapshot.commit_kind) for snapshot in snapshots_of(table)]
    assert kinds.count("APPEND") == 12
    assert 1 < kinds.count("COMPACT") < 6
    assert max(len(files) for files in live_files(table).values()) <= 5
    for number, rows in expected.items():
        assert everything(table.at(snapshot=number)) == rows
    for snapshot in snapshots_of(table):
        assert snapshot.delta_record_count == (0 if str(snapshot.commit_kind) == "COMPACT" else 6)
        assert snapshot.total_record_count == len(expected[snapshot.id])
    assert table.check(deep=True).ok


def test_rows_of_a_bucket_keep_the_order_they_came_in(lake):
    table = made(lake, "ordered", **{"compaction.min.file-num": "3", "target-file-size": "4 kb"})
    for number in range(25):
        table.insert(batch(number))
        if number % 10 == 9:
            table.compact(full=True)
    assert "COMPACT" in {str(snapshot.commit_kind) for snapshot in snapshots_of(table)}
    read = order_in_buckets(table)
    assert sum(map(len, read.values())) == 25 * 6
    for ids in read.values():
        assert ids == sorted(ids)
    scanned = table.scan(select=["id"]).to_arrow()["id"].to_pylist()
    assert scanned == [one for ids in read.values() for one in ids]
    for files in live_files(table).values():
        for one, two in pairwise(sorted(files, key=lambda file: file.min_sequence)):
            assert one.max_sequence < two.min_sequence


@pytest.mark.parametrize("kind", KINDS)
def test_the_job_does_it_for_write_only_tables(lake, kind):
    table = made(lake, kind, **{"write-only": "true"})
    for number in range(7):
        table.insert(batch(number))
    before = everything(table)
    assert max(len(files) for files in live_files(table).values()) == 7
    latest = table.snapshots.latest().id
    dry = table.compact(dry_run=True)
    assert table.snapshots.latest().id == latest
    assert dry.snapshot_ids == ()
    assert sum(bucket.files_before for bucket in dry.buckets) in {7, 10}
    real = table.compact()
    said, done = (
        sorted((one.bucket, one.files_before, one.reason) for one in report.buckets) for report in (dry, real)
    )
    assert said == done
    table.compact(full=True)
    assert everything(table) == before
    assert table.compact(full=True).snapshot_ids == ()
    assert table.check(deep=True).ok


def test_stream_readers_see_each_row_once(lake):
    table = made(lake)
    seen = []
    for number in range(11):
        table.insert(batch(number))
        if number % 4 == 3:
            table.compact(full=True)
        latest = table.snapshots.latest().id
        with table.stream("from-snapshot-full=1", consumer="reader", until=latest) as stream:
            for change in stream:
                seen += change.batch.to_pylist()
                change.ack()
    assert sorted(row["id"] for row in seen) == sorted(table.scan().to_arrow()["id"].to_pylist())
    assert {row["_row_kind"] for row in seen} == {"+I"}


def test_changes_between_snapshots_hold_each_row_once(lake):
    table = made(lake)
    for number in range(11):
        table.insert(batch(number))
    table.compact(full=True)
    latest = table.snapshots.latest().id
    changes = table.changes(between=(0, latest)).to_arrow()
    assert sorted(changes["id"].to_pylist()) == sorted(table.scan().to_arrow()["id"].to_pylist())
    with table.stream("from-snapshot=1", until=latest) as stream:
        rows = [row for change in stream for row in change.batch.to_pylist()]
    assert sorted(row["id"] for row in rows) == sorted(table.scan().to_arrow()["id"].to_pylist())


def test_writers_and_compactors_at_once_lose_nothing(lake):
    table = made(lake, **{"compaction.min.file-num": "2"})
    table.insert(batch(0))
    failures = []

    def write(own):
        try:
            mine = ls.open_table(table.path)
            for number in range(8):
                mine.insert(batch(own * 100 + number))
        except ls.LakestoreError as error:
            failures.append(error)

    def compact():
        try:
            mine = ls.open_table(table.path)
            for _ in range(6):
                mine.compact(full=True)
        except ls.LakestoreError as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(own,)) for own in (1, 2)] + [threading.Thread(target=compact)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    expected = batch(0) + [row for own in (1, 2) for number in range(8) for row in batch(own * 100 + number)]
    assert everything(table) == sorted(map(repr, expected))
    assert table.check(deep=True).ok


def test_only_the_partitions_asked_for(lake):
    table = lake.create_table(
        "a.p", schema={"day": "STRING", "v": "INT"}, partition_by=["day"], options={"write-only": "true"}
    )
    for value in range(6):
        table.insert({"day": ["mon", "tue"], "v": [value, value]})
    report = table.compact(where="day = 'mon'")
    assert [(one.partition, one.files_before, one.files_after) for one in report.buckets] == [("day=mon", 6, 1)]
    assert table.count() == 12
    assert table.compact(budget_files=1).skipped == 0


def test_an_evolved_table_keeps_all_columns(lake):
    table = made(lake, **{"write-only": "true"})
    for number in range(3):
        table.insert(batch(number))
    table = table.alter(ls.add_column("more", "DOUBLE"), ls.rename_column("n", "m"), ls.change_type("m", "BIGINT"))
    for number in range(3, 6):
        table.insert([{"id": number, "more": number / 2, "m": 2**40}])
    before = everything(table)
    # A handle that has not heard of the new columns must not drop them.
    table.compact()
    assert everything(table) == before
    assert len(next(iter(live_files(table).values()))) == 1


def test_a_handle_of_the_old_schema_does_not_drop_new_columns(lake):
    old = made(lake, **{"write-only": "true"})
    for number in range(3):
        old.insert(batch(number))
    new = old.alter(ls.add_column("more", "DOUBLE"))
    new.insert([{"id": 1, "more": 0.5}] * 3)
    new.insert([{"id": 2, "more": 1.5}] * 3)
    before = everything(new)
    assert old.compact().snapshot_ids
    assert everything(new) == before


def test_a_writer_writes_its_own_small_files_together_before_the_commit(lake):
    files = {}
    for wanted in ("false", "true"):
        table = lake.create_table(
            f"a.p{wanted}",
            schema={"id": "BIGINT", "day": "INT"},
            partition_by=["day"],
            options={"precommit-compact": wanted, "write-buffer-size": "1 kb"},
        )
        with table.writer() as writer:
            for _ in range(4):
                writer.write(pa.table({"id": range(40), "day": pa.array(range(40), pa.int32())}))
            writer.commit()
        assert len(table.snapshots.list()) == 1
        assert table.count() == 160
        assert table.check(deep=True).ok
        files[wanted] = max(len(each) for each in live_files(table).values())
        names = {file.name for each in live_files(table).values() for file in each}
        on_disk = {path.name for path in Path(table.path).rglob("data-*")}
        assert names == on_disk, "nothing is left of the small ones"
        assert sorted(table.changes(between=(0, 1)).to_arrow()["id"].to_pylist()) == sorted(list(range(40)) * 4)
    assert files["false"] > files["true"] == 1


def test_tables_that_it_would_damage_are_refused(lake):
    table = made(lake)
    path = Path(table.path) / "schema" / "schema-0"
    schema = json.loads(path.read_text())
    schema["options"]["deletion-vectors.enabled"] = "true"
    path.write_text(json.dumps(schema))
    damaged = ls.open_table(table.path)
    for change in (damaged.compact, lambda: damaged.cluster_by("id"), lambda: damaged.delete("id = 1")):
        with pytest.raises(ls.UnsupportedFormatError, match="deletion-vectors"):
            change()


def test_the_command(lake, capsys):
    table = made(lake, **{"write-only": "true"})
    for number in range(6):
        table.insert(batch(number))
    assert main(["compact", table.path, "--dry-run"]) == 0
    assert "would compact 1 bucket: 6 files" in capsys.readouterr().out
    assert main(["compact", table.path, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)[0]
    assert report["buckets"][0]["files_after"] == 1
    assert table.count() == 36
