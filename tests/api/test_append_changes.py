"""Deleting, updating, overwriting and emptying append tables: exactly the rows meant, whatever others do meanwhile."""

import random
import threading

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import lakestore as ls
from lakestore.maintain import append_change
from tests.compacting import live_files, order_in_buckets, snapshots_of

COLUMNS = {"id": "BIGINT", "q": "INT", "s": "STRING"}
KINDS = {
    "unaware": {},
    "ordered": {"bucket": "2", "bucket-key": "id", "compaction.min.file-num": "3"},
    "layers": {
        "clustering.incremental": "true",
        "clustering.columns": "q",
        "num-sorted-run.compaction-trigger": "2",
    },
}


@pytest.fixture
def lake(tmp_path):
    return ls.connect(tmp_path / "wh")


def made(lake, kind="unaware", **options):
    return lake.create_table("a.t", schema=COLUMNS, options=KINDS[kind] | options)


def batch(number, rows=10):
    return [{"id": number * rows + at, "q": at, "s": None if at % 4 == 3 else f"s{at % 3}"} for at in range(rows)]


def rows_of(table):
    return sorted(table.scan().to_arrow().to_pylist(), key=lambda row: row["id"])


def test_only_files_that_hold_such_rows_are_written_again(lake):
    table = made(lake)
    for number in range(4):
        table.insert(batch(number))
    before = {file.name for file in next(iter(live_files(table).values()))}
    result = table.delete("id in (3, 12)")
    after = {file.name for file in next(iter(live_files(table).values()))}
    assert len(before & after) == 2
    snapshot = table.snapshots.latest()
    assert (str(snapshot.commit_kind), snapshot.id) == ("OVERWRITE", result.snapshot_ids[0])
    assert snapshot.delta_record_count == -2
    assert [row["id"] for row in rows_of(table)] == [one for one in range(40) if one not in {3, 12}]
    assert table.at(snapshot=4).count() == 40
    assert table.check(deep=True).ok


def test_nothing_to_do_makes_no_snapshot(lake):
    table = made(lake)
    assert table.delete("id = 1").snapshot_ids == ()
    table.insert(batch(0))
    assert table.delete("id = 4 and q = 5").snapshot_ids == ()
    assert table.update("id > 100", {"q": 1}).snapshot_ids == ()
    assert table.snapshots.latest().id == 1


def test_unknown_is_not_true(lake):
    table = made(lake)
    table.insert(batch(0))
    table.delete("s != 's0'")
    assert [row["s"] for row in rows_of(table)] == ["s0", None, "s0", None, "s0"] or all(
        row["s"] in {"s0", None} for row in rows_of(table)
    )
    assert sum(row["s"] is None for row in rows_of(table)) == 2


def test_files_of_nothing_else_go_without_a_new_one(lake):
    table = made(lake)
    for number in range(3):
        table.insert(batch(number))
    table.delete("id < 20")
    assert [len(files) for files in live_files(table).values()] == [1]
    table.delete("id is not null")
    assert live_files(table) == {}
    assert table.count() == 0


def test_new_values(lake):
    table = made(lake)
    for number in range(2):
        table.insert(batch(number))
    expected = [row | {"s": "new", "q": row["id"] * 2} if row["s"] is None else row for row in batch(0) + batch(1)]
    table.update("s is null", {"s": "new", "q": lambda rows: pc.multiply(rows["id"], 2)})
    assert rows_of(table) == expected
    table.update("q = 0", {"s": None})
    assert [row["s"] for row in rows_of(table) if row["q"] == 0] == [None, None]
    assert table.check(deep=True).ok


def test_values_that_do_not_fit_are_refused_and_nothing_is_left(lake, tmp_path):
    table = lake.create_table(
        "a.p",
        schema=pa.schema([pa.field("id", pa.int64()), pa.field("q", pa.int32(), nullable=False), ("day", pa.string())]),
        partition_by=["day"],
    )
    table.insert([{"id": 1, "q": 1, "day": "mon"}, {"id": 2, "q": 2, "day": "tue"}])
    files = sorted(tmp_path.rglob("data-*"))
    for values in ({"q": 2**40}, {"q": None}, {"q": "x"}, {"q": lambda rows: pa.array([1, 2, 3])}, {"day": "wed"}):
        with pytest.raises(ls.InvalidInputError):
            table.update("id > 0", values)
    with pytest.raises(ls.NotFoundError):
        table.update("id > 0", {"nope": 1})
    with pytest.raises(ls.InvalidInputError, match="predicate"):
        table.delete([{"id": 1}])
    assert sorted(tmp_path.rglob("data-*")) == files
    assert table.snapshots.latest().id == 1
    keyed = lake.create_table("a.k", schema={"id": "INT"}, primary_key=["id"])
    with pytest.raises(ls.InvalidInputError, match="upsert"):
        keyed.update("id = 1", {"id": 2})


def test_order_in_a_bucket_stays(lake):
    table = made(lake, "ordered", **{"write-only": "true"})
    for number in range(4):
        table.insert(batch(number))
    before = order_in_buckets(table)
    table.delete("q in (2, 5) or id in (0, 1)")
    table.update("q = 3", {"s": "x"})
    table.insert(batch(9))
    table.compact(full=True)
    after = order_in_buckets(table)
    assert [len(files) for files in live_files(table).values()] == [1, 1]
    for bucket, ids in before.items():
        kept = [one for one in ids if one % 10 not in {2, 5} and one not in {0, 1}]
        assert [one for one in after[bucket] if one < 90] == kept


def test_rows_appended_meanwhile_stay_and_files_replaced_meanwhile_are_done_again(lake, monkeypatch):
    table = made(lake, **{"write-only": "true"})
    for number in range(3):
        table.insert(batch(number))
    other = ls.open_table(table.path)
    real, calls = append_change.snapshot_entries, []

    def meddle(manifests, snapshot):
        if len(calls) < 2:
            calls.append(snapshot.id)
            if len(calls) == 1:
                other.compact(full=True)
            other.insert([{"id": 1000 + len(calls), "q": 3, "s": "late"}])
        return real(manifests, snapshot)

    monkeypatch.setattr(append_change, "snapshot_entries", meddle)
    table.delete("q = 3")
    assert calls == [3, 5]
    left = rows_of(table)
    assert [row["id"] for row in left if row["q"] == 3] == [1002]
    assert len(left) == 27 + 1
    assert table.check(deep=True).ok


def test_deletes_and_compactions_at_once(lake):
    table = made(lake, **{"compaction.min.file-num": "2"})
    for number in range(12):
        table.insert(batch(number))
    failures = []

    def run(*steps):
        mine = ls.open_table(table.path)
        for step in steps:
            try:
                step(mine)
            except ls.LakestoreError as error:
                failures.append(error)

    jobs = [
        [lambda mine, q=q: mine.delete(f"q = {q}") for q in (1, 4, 7)],
        [lambda mine, q=q: mine.update(f"q = {q}", {"s": "done"}) for q in (2, 5)],
        [lambda mine: mine.compact(full=True)] * 4,
        [lambda mine, number=number: mine.insert(batch(number)) for number in range(20, 26)],
    ]
    threads = [threading.Thread(target=run, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    left = rows_of(table)
    assert len({row["id"] for row in left}) == len(left)
    old = [row for row in left if row["id"] < 120]
    assert [row["id"] for row in old] == [one for one in range(120) if one % 10 not in {1, 4, 7}]
    assert all(row["s"] == "done" for row in old if row["q"] in {2, 5})
    assert {row["id"] for row in left if row["id"] >= 200 and row["q"] not in {1, 4, 7}} == {
        one for one in range(200, 260) if one % 10 not in {1, 4, 7}
    }
    assert table.check(deep=True).ok


def test_stream_readers_see_no_row_again(lake):
    table = made(lake)
    for number in range(4):
        table.insert(batch(number))
    table.delete("q = 1")
    table.update("q = 2", {"s": "x"})
    table.cluster_by("q")
    table.insert(batch(5))
    with table.stream("from-snapshot=1", until=table.snapshots.latest().id) as stream:
        ids = [row["id"] for change in stream for row in change.batch.to_pylist()]
    assert sorted(ids) == [*range(40), *range(50, 60)]


def test_partitions_are_overwritten_dropped_and_emptied(lake):
    table = lake.create_table("a.p", schema={"day": "STRING", "v": "INT"}, partition_by=["day"])
    for value in range(7):
        table.insert({"day": ["mon", "tue"], "v": [value, value]})
    table.overwrite({"day": ["mon"], "v": [100]}, where={"day": "mon"})
    assert table.count("day = 'mon'") == 1
    assert table.count("day = 'tue'") == 7
    table.overwrite({"day": ["tue"], "v": [5]})
    assert sorted(table.scan().to_arrow()["v"].to_pylist()) == [5, 100]
    table.drop_partitions("day = 'tue'")
    assert table.scan().to_arrow().to_pylist() == [{"day": "mon", "v": 100}]
    table.delete("day = 'mon'")
    assert table.count() == 0
    table.insert({"day": ["mon"], "v": [1]})
    table.truncate()
    assert table.count() == 0
    assert [str(one.commit_kind) for one in snapshots_of(table)[-6:]] == ["OVERWRITE"] * 4 + ["APPEND", "OVERWRITE"]
    assert table.check(deep=True).ok


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_changes_against_a_list_of_rows(lake, kind, seed):
    chance = random.Random(seed)
    table, model = made(lake, kind), []
    history = {}
    for step in range(22):
        q = chance.randrange(10)
        match chance.randrange(8):
            case 0 | 1 | 2 | 3:
                rows = batch(step, chance.randrange(1, 11))
                rows = [row | {"id": step * 100 + at} for at, row in enumerate(rows)]
                table.insert(rows)
                model = model + rows
            case 4:
                table.delete(f"q = {q}")
                model = [row for row in model if row["q"] != q]
            case 5:
                table.update(f"q = {q}", {"s": f"u{step}"})
                model = [row | {"s": f"u{step}"} if row["q"] == q else row for row in model]
            case 6:
                table.compact(full=chance.random() < 0.5)
            case _ if kind != "ordered":
                table.cluster_by("s", "q")
        latest = table.snapshots.latest()
        if latest is not None:
            history[latest.id] = sorted(model, key=lambda row: row["id"])
        assert rows_of(table) == sorted(model, key=lambda row: row["id"])
        if kind == "ordered":
            assert all(ids == sorted(ids) for ids in order_in_buckets(table).values())
    for number, expected in history.items():
        found = table.at(snapshot=number).scan().to_arrow().to_pylist()
        assert sorted(found, key=lambda row: row["id"]) == expected
    assert table.check(deep=True).ok
