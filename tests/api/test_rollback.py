"""Rollback, by which later snapshots are gone, and rollback as a new snapshot, by which nothing is."""

from pathlib import Path

import pytest

import lakestore as ls
from lakestore.env import Env
from tests.commits import FakeClock

COLUMNS = {"id": "INT", "text": "STRING"}


@pytest.fixture
def lake(tmp_path):
    return ls.connect(tmp_path, env=Env(clock=FakeClock()))


@pytest.fixture
def table(lake):
    """Four snapshots, tags on the first and the last."""
    made = lake.create_table("db.t", schema=COLUMNS, primary_key=["id"], options={"bucket": 1, "write-only": True})
    for number in range(1, 5):
        made.upsert([{"id": number, "text": str(number)}])
        lake._env.clock.seconds += 3600
    made.tags.create("first", snapshot=1)
    made.tags.create("last")
    return made


def ids(table):
    return sorted(table.to_arrow()["id"].to_pylist())


def numbers(table):
    return table.snapshots.list()["snapshot_id"].to_pylist()


def test_to_a_snapshot(table):
    planned = table.rollback(snapshot=2, dry_run=True)
    assert numbers(table) == [1, 2, 3, 4]
    done = table.rollback(snapshot=2)
    assert {**done.to_dict(), "dry_run": True} == planned.to_dict()
    assert (done.snapshots, done.tags, done.restored) == ((4, 3), ("last",), False)
    assert (ids(table), numbers(table)) == ([1, 2], [1, 2])
    assert table.tags.list()["tag_name"].to_pylist() == ["first"]
    assert (Path(table.path) / "snapshot" / "LATEST").read_text() == "2"
    table.upsert([{"id": 9, "text": "again"}])
    assert (ids(table), numbers(table)) == ([1, 2, 9], [1, 2, 3])
    assert table.check(deep=True).ok


def test_to_a_tag_a_time_and_what_is_refused(table):
    times = {number: table.snapshots.get(number).time_millis for number in numbers(table)}
    assert table.rollback(timestamp=times[4] - 1).snapshot_id == 3
    assert table.rollback(tag="first").snapshot_id == 1
    assert ids(table) == [1]
    assert table.rollback(snapshot=1).snapshots == ()
    with pytest.raises(ls.InvalidInputError, match="takes one of"):
        table.rollback()
    with pytest.raises(ls.NotFoundError, match="snapshot 4"):
        table.rollback(snapshot=4)
    with pytest.raises(ls.NotFoundError, match="there are: 'first'"):
        table.rollback(tag="last")


def test_to_a_tag_whose_snapshot_has_expired(table):
    table.snapshots.expire(retain_max=1, retain_min=1)
    assert numbers(table) == [4]
    planned = table.rollback(tag="first", dry_run=True)
    assert (planned.restored, planned.snapshots) == (True, (4,))
    done = table.rollback(tag="first")
    assert {**done.to_dict(), "dry_run": True} == planned.to_dict()
    assert (ids(table), numbers(table)) == ([1], [1])
    assert (Path(table.path) / "snapshot" / "EARLIEST").read_text() == "1"
    assert table.check(deep=True).ok


def test_a_tag_of_a_history_that_was_rolled_back_does_not_name_another(table):
    kept = (Path(table.path) / "tag" / "tag-last").read_bytes()
    table.rollback(snapshot=3)
    (Path(table.path) / "tag" / "tag-last").write_bytes(kept)  # As after a crash before tags are removed.
    table.upsert([{"id": 9, "text": "another fourth"}])
    with pytest.raises(ls.InvalidInputError, match="another snapshot 4"):
        table.rollback(tag="last")
    assert ids(table) == [1, 2, 3, 9]


def test_columns_stay_as_they_are(table):
    altered = table.alter(ls.add_column("more", "INT"))
    altered.upsert([{"id": 5, "text": "5", "more": 5}])
    altered.rollback(snapshot=1)
    assert altered.refresh().to_arrow().to_pylist() == [{"id": 1, "text": "1", "more": None}]


def test_as_a_new_snapshot(table):
    table.delete("id = 1")
    table.upsert([{"id": 2, "text": "changed"}])
    planned = table.rollback_as_new(snapshot=3, dry_run=True)
    assert planned.snapshot_id == 6
    done = table.rollback_as_new(snapshot=3)
    assert (done.removed, done.restored) == (planned.removed, planned.restored)
    assert done.snapshot_id == 7
    assert table.to_arrow().sort_by("id").to_pylist() == table.at(snapshot=3).to_arrow().sort_by("id").to_pylist()
    latest = table.snapshots.latest()
    assert (latest.commit_kind, numbers(table)) == ("OVERWRITE", [1, 2, 3, 4, 5, 6, 7])
    assert ids(table.at(snapshot=4)) == [1, 2, 3, 4]
    table.upsert([{"id": 1, "text": "newest"}])
    assert table.scan(where="id = 1").to_pylist() == [{"id": 1, "text": "newest"}]
    assert table.check(deep=True).ok


def test_files_that_came_back_are_files_of_their_own(lake):
    """Expiry of the snapshot in which they were removed, by whatever engine, must not touch them."""
    table = lake.create_table("db.a", schema=COLUMNS)
    table.insert([{"id": 1, "text": "one"}])
    table.overwrite([{"id": 2, "text": "two"}])
    old = set(table.at(snapshot=1).system("files")["file_path"].to_pylist())
    report = table.rollback_as_new(snapshot=1)
    assert len(report.restored) == len(report.removed) == 1
    assert not old & set(table.system("files")["file_path"].to_pylist())
    assert table.to_arrow().to_pylist() == [{"id": 1, "text": "one"}]
    table.snapshots.expire(retain_max=1, retain_min=1)
    assert table.to_arrow().to_pylist() == [{"id": 1, "text": "one"}]
    assert table.check(deep=True).ok


def test_after_everything_was_removed_the_rows_that_come_back_are_no_new_ones(lake):
    table = lake.create_table("db.a", schema=COLUMNS)
    table.insert([{"id": 1, "text": "one"}])
    table.truncate()
    table.rollback_as_new(snapshot=1)
    assert table.to_arrow().to_pylist() == [{"id": 1, "text": "one"}]
    assert table.snapshots.latest().commit_kind == "OVERWRITE"
    assert table.rollback_as_new(snapshot=1).restored != ()


def test_nothing_to_do(table):
    report = table.rollback_as_new(snapshot=4)
    assert (report.snapshot_id, report.removed, report.restored) == (4, (), ())
    assert numbers(table) == [1, 2, 3, 4]
