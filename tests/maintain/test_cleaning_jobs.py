"""The jobs that clean, one by one: automatic expiry, partitions, drop, purge, repair, ANALYZE, manifests."""

import json
import os
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

import lakestore as ls
from lakestore.api.catalog import Lake
from lakestore.env import Env, SystemClock
from lakestore.errors import InvalidInputError, NotFoundError, UnsupportedFormatError
from lakestore.events import CleaningFailed, SnapshotsExpired
from lakestore.format.statistics_file import statistics_from_json
from lakestore.model.message import CommitMessage
from lakestore.model.stats import EMPTY_ROW
from lakestore.storage.fsspec_store import open_store
from lakestore.testing.recording import RecordingStore
from tests.machines.reach import files_of, garbage, reads_of, rows_of

SCHEMA = {"id": "INT", "day": "STRING", "text": "STRING"}
HOUR = 3_600_000
ANY_AGE = 2**53


class Clock(SystemClock):
    """A clock that is moved by hand."""

    ahead = 0

    def now_ms(self):
        return super().now_ms() + self.ahead


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def events():
    return []


@pytest.fixture
def lake(tmp_path, clock, events):
    return ls.connect(tmp_path, env=Env(clock=clock, emit=events.append))


def make(lake, name="db.t", **spec):
    spec.setdefault("options", {"bucket": "1"})
    return lake.create_table(name, schema=SCHEMA, **{"primary_key": ["id", "day"], **spec})


def row(number, day="a"):
    return [{"id": number, "day": day, "text": str(number)}]


def ids(table):
    return table.snapshots.list()["snapshot_id"].to_pylist()


# After a commit.


def test_snapshots_expire_after_commits_by_age_and_number(lake, clock, events):
    table = make(lake, options={"bucket": "1", "snapshot.num-retained.min": "3", "write-only": "false"})
    for number in range(6):
        table.insert(row(number))
    assert len(ids(table)) >= 6
    clock.ahead += 2 * HOUR
    table.insert(row(9))
    assert len(ids(table)) == 3
    assert garbage(table.path) == (set(), set())
    gone = [event for event in events if isinstance(event, SnapshotsExpired)]
    assert gone
    assert gone[0].first == 1


def test_a_write_only_table_keeps_everything(lake, clock):
    table = make(lake, options={"bucket": "1", "snapshot.num-retained.min": "1", "write-only": "true"})
    for number in range(4):
        clock.ahead += 2 * HOUR
        table.insert(row(number))
    assert ids(table) == [1, 2, 3, 4]


def test_what_cannot_expire_costs_a_commit_at_most_two_requests(tmp_path, clock):
    table = make(ls.connect(tmp_path, env=Env(clock=clock)), primary_key=["id"], options={"bucket": "1"})
    for number in range(12):
        table.insert(row(number))
    store, root = open_store(tmp_path)
    recording = RecordingStore(store)
    again = Lake(recording, root, Env(clock=clock)).table("db.t")

    def asked():
        words = ("EARLIEST", "/tag", "/branch", "/consumer", "/changelog", "snapshot-2")
        found = [path for operation, path in recording.log if path.endswith(words) or operation == "delete"]
        recording.forget()
        return [path.rpartition("/")[2] for path in found]

    recording.forget()
    again.insert(row(1))
    assert asked() == ["EARLIEST", "snapshot-2"]
    again.insert(row(2))
    assert asked() == []


def test_a_failing_expiry_is_told_and_fails_no_commit(lake, clock, events):
    table = make(lake, options={"bucket": "1", "snapshot.num-retained.min": "1", "write-only": "false"})
    table.insert(row(1))
    table.tags.create("v1")
    Path(table.path, "tag/tag-v1").write_text("{")
    for number in range(3):
        clock.ahead += 2 * HOUR
        assert table.insert(row(number)).snapshot_ids
    assert [event for event in events if isinstance(event, CleaningFailed)]
    assert ids(table)[:2] == [1, 2]
    with pytest.raises(ls.CorruptTableError):
        table.snapshots.expire(retain_max=1)
    assert ids(table)[:2] == [1, 2]


def test_more_at_least_than_at_most_is_refused(lake):
    table = make(lake)
    for number in range(3):
        table.insert(row(number))
    with pytest.raises(InvalidInputError, match=r"num-retained\.max"):
        table.snapshots.expire(retain_max=2, retain_min=3)
    with pytest.raises(InvalidInputError, match="1 or more"):
        table.snapshots.expire(retain_max=0)
    assert ids(table) == [1, 2, 3]


def test_consumers_hold_snapshots_until_they_are_forgotten(lake, clock):
    options = {
        "bucket": "1",
        "snapshot.num-retained.min": "1",
        "consumer.expiration-time": "1 d",
        "write-only": "false",
    }
    table = make(lake, options=options)
    for number in range(4):
        table.insert(row(number))
    table.consumers.reset("c", 2)
    clock.ahead += 3 * HOUR
    table.insert(row(7))
    assert ids(table)[0] == 2
    clock.ahead += 48 * HOUR
    table.insert(row(8))
    assert table.consumers.list().num_rows == 0
    table.insert(row(9))
    assert ids(table)[0] > 2


def test_tags_whose_time_is_over_go_with_their_files(lake, clock):
    table = make(lake, options={"bucket": "1", "snapshot.num-retained.min": "1", "write-only": "false"})
    table.insert(row(1))
    table.tags.create("brief", time_retained="1 h")
    table.overwrite(row(2))
    clock.ahead += 2 * HOUR
    for number in (3, 4):
        clock.ahead += 2 * HOUR
        table.insert(row(number))
    assert table.tags.list().num_rows == 0
    table.snapshots.expire(retain_max=1)
    assert garbage(table.path) == (set(), set())


@pytest.mark.parametrize("extra", [{}, {"changelog-producer": "input"}])
def test_changelogs_outlive_their_snapshots_and_then_expire(lake, extra):
    options = {"bucket": "1", "changelog.num-retained.max": "6", "snapshot.num-retained.max": "2", "write-only": "true"}
    table = make(
        lake, options={**options, "snapshot.num-retained.min": "1", "changelog.num-retained.min": "1", **extra}
    )
    for number in range(10):
        table.insert(row(number))
        if number == 4:
            table.compact(full=True)
    report = table.snapshots.expire(limit=5)
    assert report.snapshots == (1, 2, 3, 4, 5)
    table.snapshots.expire(limit=50)
    names = sorted(int(path.name.split("-")[1]) for path in Path(table.path, "changelog").glob("changelog-*"))
    latest = ids(table)[-1]
    assert names == list(range(latest - 5, ids(table)[0]))
    assert not garbage(table.path)[1]
    assert Path(table.path, "changelog/EARLIEST").read_text() == str(names[0])
    assert Path(table.path, "changelog/LATEST").read_text() == str(names[-1])
    table.snapshots.expire_changelogs(everything=True)
    assert not list(Path(table.path, "changelog").glob("*"))
    assert garbage(table.path) == (set(), set())


# Partitions.


def daily(lake, clock, **options):
    table = make(lake, partition_by=["day"], options={"bucket": "1", **options})
    now = clock.now_ms()
    for age in range(5):
        table.insert(row(age, day=day_of(clock, now, age)))
    table.insert(row(99, day="not a day"))
    return table


def day_of(clock, now, age):
    wall = now + clock.local_offset_ms(now) - age * 24 * HOUR
    return datetime.fromtimestamp(wall / 1000, UTC).date().isoformat()


def test_partitions_expire_by_the_time_in_their_values(lake, clock):
    table = daily(lake, clock, **{"partition.expiration-time": "2 d"})
    listed = table.expire_partitions(dry_run=True)
    assert table.count() == 6
    report = table.expire_partitions()
    assert report.partitions == listed.partitions
    assert len(report.partitions) in {2, 3}
    assert any("not a day" in note for note in report.notes)
    left = set(table.to_arrow()["id"].to_pylist())
    assert {0, 1, 99} <= left
    assert 4 not in left
    assert table.at(snapshot=6).count() == 6
    assert table.snapshots.latest().commit_kind == "OVERWRITE"


def test_partitions_expire_by_the_time_of_their_newest_file(lake, clock):
    options = {"partition.expiration-time": "2 d", "partition.expiration-strategy": "update-time"}
    options["partition.expiration-check-interval"] = "1000 d"
    table = daily(
        lake, clock, **options, **{"partition.expiration-max-num": "4", "partition.expiration-batch-size": "3"}
    )
    assert not table.expire_partitions().partitions
    clock.ahead += 72 * HOUR
    table.insert(row(5, day="fresh"))
    before = table.snapshots.latest().id
    assert len(table.expire_partitions().partitions) == 4
    assert table.snapshots.latest().id == before + 2
    assert len(table.partitions()) == 3


def test_partitions_expire_after_commits_at_intervals(lake, clock):
    table = daily(lake, clock, **{"partition.expiration-time": "2 d", "partition.expiration-check-interval": "1 h"})
    assert len(table.partitions()) == 6
    clock.ahead += 2 * HOUR
    table.insert(row(0, day="x"))
    assert len(table.partitions()) < 6


def test_a_strategy_nobody_knows_and_no_expiry_at_all_are_refused(lake):
    table = make(lake, partition_by=["day"])
    with pytest.raises(InvalidInputError, match=r"partition\.expiration-time"):
        table.expire_partitions()
    options = {"bucket": "1", "partition.expiration-time": "1 d", "partition.expiration-strategy": "mine"}
    with pytest.raises(UnsupportedFormatError, match="mine"):
        make(lake, "db.u", partition_by=["day"], options=options).expire_partitions()


def test_partitions_are_dropped_by_predicate_and_exactly_these(lake):
    table = make(lake, partition_by=["day"])
    for number, day in enumerate(["a", "b", "c"]):
        table.insert(row(number, day))
    assert table.drop_partitions("day > 'a'", dry_run=True).partitions == ("day=b", "day=c")
    assert table.count() == 3
    assert table.drop_partitions("day > 'a'").partitions == ("day=b", "day=c")
    assert [each.text for each in table.partitions()] == ["day=a"]
    before = ids(table)
    assert not table.drop_partitions("day = 'z'").partitions
    assert ids(table) == before
    with pytest.raises(InvalidInputError, match="partition columns"):
        table.drop_partitions("id = 1")


def test_marks_of_done_keep_their_first_time(lake, clock):
    table = make(lake, partition_by=["day"])
    table.insert(row(1))
    (path,) = table.mark_partitions_done("day = 'a'")
    first = json.loads(Path(path).read_text())
    clock.ahead += HOUR
    table.mark_partitions_done("day = 'a'")
    second = json.loads(Path(path).read_text())
    assert second["creationTime"] == first["creationTime"]
    assert second["modificationTime"] >= first["modificationTime"] + HOUR
    table.remove_orphans(older_than=ANY_AGE)
    assert Path(path).exists()
    other = make(
        lake, "db.u", partition_by=["day"], options={"bucket": "1", "partition.mark-done-action": "mark-event"}
    )
    other.insert(row(1))
    with pytest.raises(UnsupportedFormatError, match="mark-event"):
        other.mark_partitions_done("day = 'a'")


# Whole tables.


def test_truncate_keeps_history_and_purge_does_not(lake):
    table = make(lake, options={"bucket": "1", "changelog-producer": "input"})
    table.insert(row(1))
    table.tags.create("v1")
    table.branches.create("dev", tag="v1")
    table.consumers.reset("c", 1)
    table.analyze(["id"])
    table.truncate()
    assert table.count() == 0
    assert rows_of(table.at(snapshot=1))
    table.insert(row(2))
    before = files_of(table.path)
    listed = table.purge(dry_run=True)
    assert files_of(table.path) == before
    report = table.purge()
    assert listed.deletions == report.deletions
    assert {f"{table.path}/{path}" for path in before} - set(report.paths) == {
        f"{table.path}/{path}" for path in before & files_of(table.path)
    }
    assert table.count() == 0
    assert len(ids(table)) == 1
    assert not table.tags.list().num_rows
    assert not table.branches.names()
    assert garbage(table.path) == (set(), set())
    table.insert(row(3))
    assert table.count() == 1


def test_drop_removes_the_folder_and_its_dry_run_nothing(lake):
    table = make(lake)
    table.insert(row(1))
    Path(table.path, "mine.txt").write_text("x")
    before = files_of(table.path)
    listed = lake.drop_table("db.t", dry_run=True)
    assert files_of(table.path) == before
    assert {path.removeprefix(f"{table.path}/") for path in listed.paths} == before
    assert lake.drop_table("db.t").deletions == listed.deletions
    assert not Path(table.path).exists()
    with pytest.raises(NotFoundError):
        lake.drop_table("db.t")
    assert not lake.drop_table("db.t", missing_ok=True).deletions


def test_repair_takes_missing_files_out_and_nothing_else(lake):
    table = make(lake)
    for number in range(3):
        table.insert(row(number))
    assert not table.remove_missing_files().deletions
    lost = min(Path(table.path, "bucket-0").iterdir())
    lost.unlink()
    with pytest.raises(NotFoundError):
        table.to_arrow()
    assert table.remove_missing_files(dry_run=True).paths == (str(lost),)
    with pytest.raises(NotFoundError):
        table.to_arrow()
    assert table.remove_missing_files().paths == (str(lost),)
    assert table.count() == 2
    assert table.check(snapshots=[table.snapshots.latest().id], deep=True).ok


# Orphans.


def orphan(table, name="data-c4190eab-adb3-419c-a0ef-47c8f1725fe4-0.parquet", *, age_s):
    path = Path(table.path, "bucket-0", name)
    path.write_bytes(b"x")
    os.utime(path, (path.stat().st_mtime - age_s,) * 2)
    return str(path)


def test_only_old_files_of_known_names_are_orphans(lake):
    table = make(lake)
    table.insert(row(1))
    old = orphan(table, age_s=90_000)
    young = orphan(table, "data-c4190eab-adb3-419c-a0ef-47c8f1725fe5-0.parquet", age_s=80_000)
    odd = orphan(table, "mine.parquet", age_s=90_000)
    assert table.remove_orphans(dry_run=True).paths == (old,)
    report = table.remove_orphans()
    assert report.paths == (old,)
    assert any(odd in note for note in report.notes)
    assert not Path(old).exists()
    assert Path(young).exists()
    assert Path(odd).exists()
    assert table.remove_orphans(older_than=timedelta(hours=20)).paths == (young,)


def test_a_branch_without_a_schema_stops_the_run(lake):
    table = make(lake)
    table.insert(row(1))
    old = orphan(table, age_s=90_000)
    Path(table.path, "branch/branch-half/snapshot").mkdir(parents=True)
    with pytest.raises(InvalidInputError, match="half"):
        table.remove_orphans()
    assert Path(old).exists()


def test_what_a_commit_under_way_has_written_is_spared(lake):
    table = make(lake)
    table.insert(row(1))
    with table.writer() as writer:
        writer.write(row(2))
        table.remove_orphans()
        writer.commit()
    assert table.count() == 2


def test_a_writer_open_so_long_that_its_files_were_cleaned_commits_nothing(lake, clock):
    table = make(lake)
    table.insert(row(1))
    with table.writer() as writer:
        writer.write(row(2))
        (flushed,) = writer._session.writer.prepare()[0].new_files
        writer._session.writer.prepare = lambda _: (message,)
        message = CommitMessage(partition=EMPTY_ROW, bucket=0, total_buckets=1, new_files=(flushed,))
        (path,) = Path(table.path).rglob(flushed.name)
        path.unlink()
        clock.ahead += 25 * HOUR
        with pytest.raises(NotFoundError, match="cleaned as an orphan"):
            writer.commit()
    assert ids(table) == [1]
    assert table.count() == 1


# Statistics and manifests.


@pytest.mark.parametrize("keyed", [True, False])
def test_manifests_stay_few_whatever_is_committed(lake, keyed):
    kind = {} if keyed else {"primary_key": (), "options": {"bucket": "-1", "write-only": "true"}}
    table = make(lake, **kind)
    most = 0
    for number in range(40):
        table.insert(row(number % 7))
        most = max(most, table.compact_manifests(dry_run=True).before)
    assert most <= 8
    off = lake.create_table("db.off", schema=SCHEMA, options={"bucket": "-1", "lakestore.manifest-merge-early": "0"})
    for number in range(20):
        off.insert(row(number))
    assert off.compact_manifests(dry_run=True).before >= 20


def test_statistics_are_what_the_rows_are(lake):
    rng = random.Random(7)
    schema = {
        "id": "INT",
        "word": "STRING",
        "price": "DECIMAL(9, 2)",
        "day": "DATE",
        "tags": {"type": "ARRAY", "element": "INT"},
    }
    table = lake.create_table("db.s", schema=schema, primary_key=["id"], options={"bucket": "1"})
    rows = {}
    for _ in range(3):
        batch = [
            {
                "id": rng.randint(0, 50),
                "word": rng.choice([None, "a", "bcd", "é"]),
                "price": rng.choice([None, 1, 2]),
                "day": date(2026, 1, rng.randint(1, 20)),
                "tags": [1],
            }
            for _ in range(30)
        ]
        table.upsert(batch)
        rows.update({each["id"]: each for each in batch})
    made = table.analyze()
    stored = table.snapshots.latest().statistics
    path = f"{table.path}/statistics/{stored}"
    assert statistics_from_json(Path(path).read_bytes(), path) == made
    assert table.snapshots.latest().commit_kind == "ANALYZE"
    assert made.rows == len(rows)
    for name, summary in made.columns.items():
        values = [each[name] for each in rows.values() if each[name] is not None]
        assert summary.nulls == len(rows) - len(values), name
        if name != "tags":
            assert summary.distinct == len(set(values)), name
    words = [len(each["word"].encode()) for each in rows.values() if each["word"] is not None]
    assert made.columns["word"].most_bytes == max(words)
    assert made.columns["word"].average_bytes == -(-sum(words) // len(words))
    assert (made.columns["id"].low, made.columns["id"].high) == (str(min(rows)), str(max(rows)))
    assert made.columns["price"].low == "1.00"
    assert made.columns["day"].low == str((min(each["day"] for each in rows.values()) - date(1970, 1, 1)).days)
    assert made.columns["tags"].distinct is None
    table.upsert([{"id": 1}])
    assert table.snapshots.latest().statistics == stored
    with pytest.raises(NotFoundError, match="nothing"):
        table.analyze(["nothing"])


def test_manifests_are_merged_into_one_and_no_row_changes(lake):
    table = make(lake)
    for number in range(7):
        table.insert(row(number % 3))
    rows, before = rows_of(table), reads_of(table.path)
    assert table.compact_manifests(dry_run=True).after is None
    report = table.compact_manifests()
    assert (report.after, report.before) == (1, report.rewritten)
    assert rows_of(table) == rows
    assert before.items() <= reads_of(table.path).items()
    assert not table.compact_manifests().snapshot_ids
    assert table.check(deep=True).ok
