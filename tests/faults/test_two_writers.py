"""Writers that start from one snapshot: what is committed last wins, for every reader and for good."""

import multiprocessing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakestore as ls


def make(folder, **options):
    return ls.connect(folder).create_table(
        "db.t",
        schema={"id": "INT", "text": "STRING", "at": "TIMESTAMP(9)"},
        primary_key=["id"],
        # A buffer that holds nothing: rows are numbered and written as they come, before the other writer commits.
        options={"bucket": 2, "write-buffer-size": "1 b", **options},
    )


def numbers(folder):
    """Sequence number of every row version in the table's files, by key."""
    found = {}
    for path in folder.rglob("*.parquet"):
        for row in pq.ParquetFile(path).read(columns=["id", "_SEQUENCE_NUMBER"]).to_pylist():
            found.setdefault(row["id"], []).append(row["_SEQUENCE_NUMBER"])
    return found


def test_the_last_commit_wins(tmp_path):
    table = make(tmp_path)
    table.upsert([{"id": number, "text": "old"} for number in range(4)])
    first, second = table.writer(), ls.open_table(table.path).writer()
    first.upsert([{"id": number, "text": "first"} for number in range(4)])
    second.upsert([{"id": number, "text": "second"} for number in range(2)] * 3)
    second.commit()
    first.commit()
    assert sorted(table.to_arrow()["text"].to_pylist()) == ["first"] * 4
    assert all(len(set(own)) == len(own) for own in numbers(tmp_path).values()), numbers(tmp_path)
    report = table.check(deep=True)
    assert report.ok, report.findings
    assert len(list(tmp_path.rglob("*.parquet"))) == report.files, "files of lost attempts stay behind"


def test_a_delete_that_comes_second_wins(tmp_path):
    table = make(tmp_path)
    table.upsert([{"id": 1, "text": "old"}])
    with table.writer() as remover, ls.open_table(table.path).writer() as writer:
        remover.delete("id = 1")
        writer.upsert([{"id": 1, "text": "new"}])
        writer.commit()
        remover.commit()
    assert table.count() == 0


def test_other_buckets_and_empty_tables_do_not_meet(tmp_path):
    table = make(tmp_path, **{"data-file.thin-mode": "true"})
    writers = [ls.open_table(table.path).writer() for _ in range(3)]
    for number, writer in enumerate(writers):
        writer.upsert([{"id": 7, "text": str(number)}, {"id": number, "text": "x"}])
    for writer in writers:
        writer.commit()
    rows = {row["id"]: row["text"] for row in table.scan().to_pylist()}
    assert rows == {0: "x", 1: "x", 2: "x", 7: "2"}
    assert len(set(numbers(tmp_path)[7])) == 3


def upsert_many(path, worker, count):
    table = ls.open_table(path)
    for number in range(count):
        keys = pa.array(range(5), pa.int32())
        table.upsert(pa.table({"id": keys, "text": [f"{worker}-{number}"] * 5}))


@pytest.mark.parametrize("compacting", [False, True], ids=["write only", "compacting"])
def test_processes_on_the_same_keys(tmp_path, compacting):
    """Four processes upsert the same keys: no error, and all keys end on one and the same commit, at every snapshot."""
    table = make(tmp_path, bucket=1, **{"write-only": not compacting, "num-sorted-run.compaction-trigger": 3})
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=upsert_many, args=(table.path, worker, 6)) for worker in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    kinds = table.snapshots.list()["commit_kind"].to_pylist()
    assert kinds.count("APPEND") == 24
    assert ("COMPACT" in kinds) == compacting
    for number in range(1, len(kinds) + 1):
        assert len(set(table.at(snapshot=number).to_arrow()["text"].to_pylist())) == 1
    if not compacting:
        # Compaction writes versions again, under the numbers that they have.
        assert all(sorted(set(own)) == sorted(own) for own in numbers(tmp_path).values())
