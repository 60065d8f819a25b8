"""Tags as users hold them: made, found, moved, removed by hand, by time and by themselves."""

from datetime import timedelta
from pathlib import Path

import pytest

import lakestore as ls
from lakestore.env import Env
from tests.commits import FakeClock

COLUMNS = {"id": "INT", "text": "STRING"}
HOUR = 3600


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def lake(tmp_path, clock):
    return ls.connect(tmp_path, env=Env(clock=clock))


@pytest.fixture
def table(lake):
    """Three snapshots, an hour apart."""
    return made(lake)


def made(lake, *, hours=3, **options):
    table = lake.create_table("db.t", schema=COLUMNS, primary_key=["id"], options={"bucket": 1, **options})
    for number in range(hours):
        table.upsert([{"id": 1, "text": str(number)}])
        lake._env.clock.seconds += HOUR
    return table


def names(table):
    return table.tags.list()["tag_name"].to_pylist()


def value(view):
    return view.to_arrow()["text"].to_pylist()


def test_a_tag_is_of_the_latest_snapshot_or_of_the_one_named(table):
    assert table.tags.create("now").snapshot.id == 3
    assert table.tags.create("first", snapshot=1).snapshot.id == 1
    times = [table.snapshots.get(n).time_millis for n in (1, 2, 3)]
    assert table.tags.create("then", timestamp=times[0] + 1).snapshot.id == 2
    assert table.tags.create("exactly", timestamp=times[1]).snapshot.id == 2
    with pytest.raises(ls.NotFoundError, match="commit time"):
        table.tags.create("late", timestamp=times[2] + 1)
    with pytest.raises(ls.NotFoundError, match="no snapshot has one"):
        table.tags.create("wet", watermark=5)
    with pytest.raises(ls.InvalidInputError, match="snapshot and timestamp_ms"):
        table.tags.create("both", snapshot=1, timestamp=times[0])
    assert names(table) == ["first", "exactly", "then", "now"]
    assert value(table.at(tag="first")) == ["0"]
    assert value(table.at(version="then")) == value(table.at(version="2")) == ["1"]


def test_a_table_without_snapshots_has_nothing_to_tag(lake):
    table = made(lake, hours=0)
    with pytest.raises(ls.NotFoundError, match="no snapshot yet"):
        table.tags.create("v1")
    assert table.tags.list().num_rows == 0


def test_a_name_is_given_once(table):
    table.tags.create("v1", snapshot=1)
    with pytest.raises(ls.AlreadyExistsError, match="v1"):
        table.tags.create("v1")
    assert table.tags.create("v1", exists_ok=True).snapshot.id == 1
    with pytest.raises(ls.InvalidInputError):
        table.tags.create("a/b")


def test_get_rename_replace(table):
    table.tags.create("v1", snapshot=1)
    table.tags.rename("v1", "v 2.0")
    assert names(table) == ["v 2.0"]
    with pytest.raises(ls.NotFoundError, match=r"'v 2\.0'"):
        table.tags.get("v1")
    table.tags.create("v3")
    with pytest.raises(ls.AlreadyExistsError):
        table.tags.rename("v3", "v 2.0")
    with pytest.raises(ls.NotFoundError):
        table.tags.rename("v9", "v10")
    assert table.tags.replace("v3", snapshot=2).snapshot.id == 2
    assert value(table.at(tag="v3")) == ["1"]
    with pytest.raises(ls.NotFoundError):
        table.tags.replace("v9")


def test_a_tag_keeps_a_snapshot_that_expires_and_gives_its_files_back_when_it_goes(table):
    table.tags.create("kept", snapshot=1)
    table.snapshots.expire(retain_max=1, retain_min=1)
    assert table.snapshots.list()["snapshot_id"].to_pylist() == [3]
    assert value(table.at(tag="kept")) == value(table.at(snapshot=1)) == ["0"]
    planned = table.tags.delete("kept", dry_run=True)
    assert names(table) == ["kept"]
    done = table.tags.delete("kept")
    assert planned.paths == done.paths
    assert names(table) == []
    assert not any(Path(path).exists() for path in done.paths)
    with pytest.raises(ls.NotFoundError):
        table.at(snapshot=1)
    assert table.check(deep=True).ok


def test_tags_end_when_their_time_is_over(table, clock):
    table.tags.create("short", snapshot=1, time_retained="2 h")
    table.tags.create("long", snapshot=2, time_retained=timedelta(days=1))
    table.tags.create("ever", snapshot=2)
    assert table.tags.expire().tags == ()
    clock.seconds += 2 * HOUR + 1
    assert table.tags.expire(dry_run=True).tags == ("short",)
    assert names(table) == ["short", "ever", "long"]
    assert table.tags.expire().tags == ("short",)
    assert table.tags.expire(older_than=int(clock.seconds * 1000)).tags == ("long",)
    assert table.tags.list().select(["tag_name", "create_time", "time_retained"]).to_pylist() == [
        {"tag_name": "ever", "create_time": None, "time_retained": None}
    ]


def test_the_default_retention_of_the_table(lake):
    table = made(lake, **{"tag.default-time-retained": "3 d"})
    assert table.tags.create("v1").time_retained_ms == 3 * 24 * HOUR * 1000
    assert table.tags.create("v2", time_retained="1 h").time_retained_ms == HOUR * 1000
    assert table.tags.list()["time_retained"].to_pylist() == ["PT72H", "PT1H"]
    with pytest.raises(ls.InvalidInputError, match="soon"):
        table.tags.create("v3", time_retained="soon")


HOURLY = {"tag.automatic-creation": "process-time", "tag.creation-period": "hourly"}


def test_commits_make_tags_by_themselves(lake):
    # The fake clock starts at 2026-11-21 05:46:40 UTC.
    table = made(lake, hours=4, **HOURLY)
    assert names(table) == ["2026-11-21 04", "2026-11-21 05", "2026-11-21 06", "2026-11-21 07"]
    assert [value(table.at(tag=name)) for name in names(table)] == [["0"], ["1"], ["2"], ["3"]]


def test_only_so_many_automatic_tags_are_kept(lake):
    table = made(lake, hours=1, **HOURLY, **{"tag.num-retained-max": "2"})
    table.tags.create("mine", snapshot=1)
    for number in range(3):
        table.upsert([{"id": 1, "text": f"again {number}"}])
        lake._env.clock.seconds += HOUR
    assert names(table) == ["mine", "2026-11-21 06", "2026-11-21 07"]


def test_a_second_automatic_name_for_a_snapshot_is_refused(lake):
    table = made(lake, hours=1, **HOURLY)
    with pytest.raises(ls.InvalidInputError, match="automatic tag"):
        table.tags.create("2020-01-01 00", snapshot=1)


def test_time_zones_of_automatic_tags(lake):
    table = made(lake, hours=1, **HOURLY, **{"sink.process-time-zone": "Asia/Shanghai"})
    assert names(table) == ["2026-11-21 12"]
    east = lake.create_table(
        "db.east",
        schema=COLUMNS,
        primary_key=["id"],
        options={"bucket": 1, **HOURLY, "sink.process-time-zone": "UTC-03:30"},
    )
    lake._env.clock.seconds -= HOUR
    east.upsert([{"id": 1, "text": "x"}])
    assert names(east) == ["2026-11-21 01"]


def test_batch_commits_move_the_tag_of_their_day(lake):
    table = made(lake, hours=3, **{"tag.automatic-creation": "batch"})
    assert names(table) == ["batch-write-2026-11-21"]
    assert value(table.at(tag="batch-write-2026-11-21")) == ["2"]


def test_automatic_tags_that_fail_do_not_fail_the_commit(lake):
    events = []
    lake._env = Env(clock=lake._env.clock, emit=events.append)
    table = made(lake, hours=1, **HOURLY, **{"sink.process-time-zone": "Mars/Olympus"})
    assert value(table) == ["0"]
    assert names(table) == []
    assert ["Mars/Olympus" in event.reason for event in events if hasattr(event, "reason")] == [True]
