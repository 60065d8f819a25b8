"""Row ids: every row has one, no two the same, and it keeps it through whatever is done to files."""

import random
import threading

import pytest

import lakestore as ls
from tests.compacting import live_files, snapshots_of

COLUMNS = {"id": "BIGINT", "q": "INT", "s": "STRING"}
TRACKED = ["id", "_ROW_ID", "_SEQUENCE_NUMBER"]


@pytest.fixture
def lake(tmp_path):
    return ls.connect(tmp_path / "wh")


def made(lake, **options):
    return lake.create_table("a.t", schema=COLUMNS, options={"row-tracking.enabled": "true"} | options)


def batch(number, rows=4):
    return [{"id": number * 100 + at, "q": at, "s": f"{number}"} for at in range(rows)]


def tracked(table):
    """Row id and sequence number of each row, by its own id."""
    rows = table.scan(select=TRACKED).to_arrow().to_pylist()
    found = {row["id"]: (row["_ROW_ID"], row["_SEQUENCE_NUMBER"]) for row in rows}
    assert len(found) == len(rows)
    ids = [row_id for row_id, _ in found.values()]
    assert None not in ids
    assert len(set(ids)) == len(ids)
    latest = table.snapshots.latest()
    assert latest is None or all(0 <= one < latest.next_row_id for one in ids)
    return found


def test_rows_are_counted_from_commit_to_commit(lake):
    table = made(lake, **{"write-only": "true"})
    for number in range(3):
        table.insert(batch(number))
    assert tracked(table) == {
        number * 100 + at: (number * 4 + at, number + 1) for number in range(3) for at in range(4)
    }
    assert [snapshot.next_row_id for snapshot in snapshots_of(table)] == [4, 8, 12]
    files = sorted(next(iter(live_files(table).values())), key=lambda file: file.first_row_id)
    assert [(file.first_row_id, file.min_sequence, file.max_sequence) for file in files] == [
        (0, 1, 1),
        (4, 2, 2),
        (8, 3, 3),
    ]


def test_rows_keep_their_ids_through_compaction_and_layout(lake):
    table = made(lake)
    before = {}
    for number in range(11):
        table.insert(batch(number))
        now = tracked(table)
        assert before.items() <= now.items()
        before = now
    assert "COMPACT" in {str(snapshot.commit_kind) for snapshot in snapshots_of(table)}
    next_id = table.snapshots.latest().next_row_id
    table.compact(full=True)
    assert tracked(table) == before
    table.cluster_by("q", "s")
    assert tracked(table) == before
    assert table.snapshots.latest().next_row_id == next_id == 44
    assert table.check(deep=True).ok


def test_updated_rows_keep_their_id_and_say_when(lake):
    table = made(lake, **{"write-only": "true"})
    for number in range(3):
        table.insert(batch(number))
    before = tracked(table)
    changed = table.update("q = 1 and id < 200", {"s": "x"}).snapshot_ids[0]
    table.delete("q = 2")
    after = tracked(table)
    assert after == {
        one: (row_id, changed if one % 100 == 1 and one < 200 else number)
        for one, (row_id, number) in before.items()
        if one % 100 != 2
    }
    table.compact(full=True)
    assert tracked(table) == after
    again = table.update("id is not null", {"q": 0}).snapshot_ids[0]
    assert tracked(table) == {one: (row_id, again) for one, (row_id, _) in after.items()}
    assert table.at(snapshot=3).count() == 12
    assert tracked(ls.open_table(table.path)) == tracked(table)


def test_ids_can_be_asked_for(lake):
    table = made(lake, **{"write-only": "true"})
    for number in range(3):
        table.insert(batch(number))
    table.compact(full=True)
    table.insert(batch(3))
    assert [row["id"] for row in table.scan("_ROW_ID in (5, 13)").to_arrow().to_pylist()] == [101, 301]
    assert table.count("_SEQUENCE_NUMBER >= 3") == 8
    assert table.scan().to_arrow().column_names == ["id", "q", "s"]
    rows = table.system("row_tracking")
    assert rows.column_names == ["id", "q", "s", "_ROW_ID", "_SEQUENCE_NUMBER"]
    assert sorted(rows["_ROW_ID"].to_pylist()) == list(range(16))
    table.delete("_ROW_ID = 7")
    assert 7 not in {row_id for row_id, _ in tracked(table).values()}
    assert table.count() == 15


def test_columns_and_partitions_that_come_later(lake):
    table = lake.create_table(
        "a.p", schema=COLUMNS, partition_by=["s"], options={"row-tracking.enabled": "true", "write-only": "true"}
    )
    table.insert([row | {"s": text} for text in "ab" for row in batch(ord(text))])
    table.insert([row | {"s": text} for text in "ba" for row in batch(ord(text) + 10)])
    before = tracked(table)
    table = table.alter(ls.add_column("more", "INT"), ls.rename_column("q", "p"))
    table.insert([{"id": 1, "s": "a", "more": 5}])
    table.compact(full=True)
    assert before.items() <= tracked(table).items()
    assert table.scan("_ROW_ID = 0", select=["p", "more", "_ROW_ID"]).to_arrow().to_pylist() == [
        {"p": 0, "more": None, "_ROW_ID": 0}
    ]
    assert table.check(deep=True).ok


def test_writers_at_once_share_no_id(lake):
    table = made(lake, **{"compaction.min.file-num": "2"})
    table.insert(batch(0))
    failures = []

    def run(own):
        mine = ls.open_table(table.path)
        try:
            for number in range(6):
                mine.insert(batch(own * 10 + number))
                if own == 2:
                    mine.delete(f"q = 3 and id < {own * 1000}")
        except ls.LakestoreError as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(own,)) for own in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    found = tracked(table)
    assert {one for one in found if one % 100 != 3} == {
        *range(3),
        *(own * 1000 + number * 100 + at for own in (1, 2, 3) for number in range(6) for at in range(3)),
    }
    assert table.snapshots.latest().next_row_id == 4 + 18 * 4
    assert table.check(deep=True).ok


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_changes(lake, seed):
    chance = random.Random(seed)
    table, model = made(lake, **{"target-file-size": "3 kb", "lakestore.row-group-rows": "5"}), {}
    for step in range(20):
        q = chance.randrange(4)
        match chance.randrange(7):
            case 0 | 1 | 2:
                first = 0 if table.snapshots.latest() is None else table.snapshots.latest().next_row_id
                rows = batch(step, chance.randrange(1, 30))
                made_by = table.insert(rows).snapshot_ids[0]
                model |= {row["id"]: (first + at, made_by) for at, row in enumerate(rows)}
            case 3:
                table.delete(f"q = {q}")
                model = {one: what for one, what in model.items() if one % 100 != q}
            case 4:
                made_now = table.update(f"q = {q}", {"s": "u"}).snapshot_ids
                if made_now:
                    model |= {one: (what[0], made_now[0]) for one, what in model.items() if one % 100 == q}
            case 5:
                table.compact(full=True)
            case _:
                table.cluster_by("s", "id")
        assert tracked(table) == model
    assert table.check(deep=True).ok


def test_only_tables_without_key_and_buckets_have_ids(lake):
    for more in ({"primary_key": ["id"]}, {"options": {"bucket": "2", "bucket-key": "id"}}):
        options = {"row-tracking.enabled": "true"} | more.pop("options", {})
        with pytest.raises(ls.InvalidInputError, match="row-tracking"):
            lake.create_table("a.x", schema=COLUMNS, options=options, **more)
    plain = lake.create_table("a.y", schema=COLUMNS)
    plain.insert(batch(0))
    with pytest.raises(ls.NotFoundError):
        plain.scan(select=["_ROW_ID"])
    with pytest.raises(ls.NotFoundError):
        plain.system("row_tracking")
    assert plain.snapshots.latest().next_row_id == 0
