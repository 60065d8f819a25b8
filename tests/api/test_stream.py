"""Streams as users hold them: where they begin and end, what they hand out, and what they remember."""

import asyncio
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import lakestore as ls

SCHEMA = {"id": "INT NOT NULL", "v": "STRING", "n": "INT"}


def keyed(tmp_path, commits=3, **options):
    table = ls.connect(tmp_path).create_table(
        "db.t", schema=SCHEMA, primary_key=["id"], options={"bucket": "2"} | options
    )
    for number in range(1, commits + 1):
        table.upsert([{"id": number, "v": "new", "n": number}, {"id": 0, "v": f"at {number}", "n": number}])
    return table


@pytest.fixture
def table(tmp_path):
    return keyed(tmp_path)


def rows_of(stream, *, ack=True):
    found = []
    for change in stream:
        found += [(change.snapshot_id, *row.values()) for row in change.batch.to_pylist()]
        if ack:
            change.ack()
    return found


def short(rows):
    """Snapshot, kind and key."""
    return sorted(row[:3] for row in rows)


def expire(table, *, below):
    """Let the snapshots below a number go, as expiry does with their own files."""
    folder = Path(table.path) / "snapshot"
    for number in range(1, below):
        (folder / f"snapshot-{number}").unlink(missing_ok=True)
    (folder / "EARLIEST").write_text(str(below))


# Where a stream begins.

FULL = [(3, "+I", key) for key in range(4)]
CHANGES = {number: [(number, "+I", 0), (number, "+I", number)] for number in (1, 2, 3)}


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (None, FULL),
        ("latest-full", FULL),
        ("compacted-full", FULL),
        ("latest", []),
        ("earliest", CHANGES[1] + CHANGES[2] + CHANGES[3]),
        (2, CHANGES[2] + CHANGES[3]),
        ("from-snapshot=3", CHANGES[3]),
        ("from-snapshot-full=2", [(2, "+I", 0), (2, "+I", 1), (2, "+I", 2), *CHANGES[3]]),
        ("from-timestamp=1", CHANGES[1] + CHANGES[2] + CHANGES[3]),
    ],
)
def test_starts(table, start, expected):
    assert short(rows_of(table.stream(start, until="latest"))) == sorted(expected)


def test_start_at_a_time(table):
    times = [one["commit_time"].replace(tzinfo=UTC) for one in table.snapshots.list().to_pylist()]
    assert short(rows_of(table.stream(times[2], until="latest"))) in ([*CHANGES[3]], [*CHANGES[2], *CHANGES[3]])
    assert rows_of(table.stream(times[2] + timedelta(seconds=1), until="latest")) == []


def test_start_at_a_tag_whose_snapshot_expired(table):
    table.tags.create("v1", snapshot=2)
    expected = [(2, "+I", 0), (2, "+I", 1), (2, "+I", 2), *CHANGES[3]]
    assert short(rows_of(table.stream("from-tag=v1", until="latest"))) == expected
    expire(table, below=3)
    assert short(rows_of(table.stream("from-tag=v1", until="latest"))) == expected


def test_start_by_options(tmp_path):
    table = keyed(tmp_path)
    file = Path(table.path) / "schema" / "schema-0"
    told = json.loads(file.read_text())
    told["options"] |= {"scan.mode": "from-snapshot-full", "scan.snapshot-id": "3"}
    file.write_text(json.dumps(told))
    placed = ls.open_table(table.path)
    assert short(rows_of(placed.stream(until="latest"))) == FULL
    assert rows_of(placed.stream("latest", until="latest")) == []
    with pytest.raises(ls.UnsupportedFormatError, match=r"scan\.mode"):
        placed.to_arrow()


def test_what_is_no_start_is_refused(table):
    for start in ("newest", 0, True, 1.5, {"next": 1}):
        with pytest.raises(ls.InvalidInputError):
            table.stream(start)
    with pytest.raises(ls.NotFoundError, match="v9"):
        table.stream("from-tag=v9")


def test_a_table_without_snapshots_is_waited_for(tmp_path):
    table = keyed(tmp_path, commits=0)
    with table.stream(poll=0.01, until=1) as stream:
        writer = threading.Timer(0.1, lambda: table.upsert([{"id": 7, "v": "x", "n": 1}]))
        writer.start()
        assert rows_of(stream) == [(1, "+I", 7, "x", 1)]
        writer.join()


# Where it ends.


def test_bounds(table):
    assert {row[0] for row in rows_of(table.stream("earliest", until=2))} == {1, 2}
    times = [one["commit_time"].replace(tzinfo=UTC) for one in table.snapshots.list().to_pylist()]
    assert {row[0] for row in rows_of(table.stream("earliest", until=times[1]))} >= {1, 2}
    assert rows_of(table.stream("earliest", until=times[0] - timedelta(seconds=1))) == []
    began = time.monotonic()
    assert len(rows_of(table.stream("earliest", idle_timeout=0.2, poll=0.05))) == 6
    assert 0.15 < time.monotonic() - began < 5
    with pytest.raises(ls.InvalidInputError, match="until"):
        table.stream(until="tomorrow")


def test_a_time_to_come_is_waited_for(table):
    end = datetime.now(UTC) + timedelta(milliseconds=300)
    with table.stream("latest", until=end, poll=0.02) as stream:
        table.upsert([{"id": 9, "v": "x", "n": 1}])
        assert [row[2] for row in rows_of(stream)] == [9]
    assert datetime.now(UTC) > end


def test_stop_from_another_thread(table):
    with table.stream("latest", poll=30) as stream:
        threading.Timer(0.1, stream.stop).start()
        began = time.monotonic()
        assert rows_of(stream) == []
        assert time.monotonic() - began < 5


def test_a_stream_left_early_leaves_no_thread(table):
    before = threading.active_count()
    for change in (stream := table.stream("earliest")):
        assert change.snapshot_id == 1
        break
    stream.close()
    stream.close()
    assert threading.active_count() == before
    assert list(stream) == []


# What it hands out.


def test_a_change_says_what_it_is(table):
    with table.stream("from-snapshot-full=2", until="latest") as stream:
        changes = list(stream)
    assert stream.schema.names == ["_row_kind", "id", "v", "n"]
    assert all(change.batch.schema.equals(stream.schema) for change in changes)
    assert [change.full for change in changes] == [change.snapshot_id == 2 for change in changes]
    assert [change.last for change in changes].count(True) == 2
    assert all(change.commit_time_ms == table.snapshots.get(change.snapshot_id).time_millis for change in changes)
    assert changes[-1].watermark is None
    assert "batch" in repr(changes[0])


def test_where_and_select(table):
    table.delete([{"id": 2}])
    found = rows_of(table.stream("earliest", where="n >= 2", select=["n", "id"], until="latest"))
    assert sorted(found, key=str) == [
        (2, "+I", 2, 0),
        (2, "+I", 2, 2),
        (3, "+I", 3, 0),
        (3, "+I", 3, 3),
        (4, "-D", None, 2),
    ]
    found = rows_of(table.stream("earliest", where="id = 0", select=["v"], until="latest"))
    assert sorted(found) == [(number, "+I", f"at {number}") for number in (1, 2, 3)]
    with pytest.raises(ls.NotFoundError, match="nope"):
        table.stream(select=["nope"])


def test_deletes_pass_a_predicate_on_what_they_do_not_know(tmp_path):
    """Producer none: the values of a delete row are whatever the writer had; dropping it would leave the row."""
    table = keyed(tmp_path, commits=1)
    table.write([{"id": 1, "v": None, "n": None}], row_kind="-D")
    assert (2, "-D", 1, None, None) in rows_of(table.stream("earliest", where="n > 0", until="latest"))
    assert short(rows_of(table.stream(2, where="n > 0 and id > 1", until="latest"))) == []


@pytest.mark.parametrize("key", [["id"], []])
def test_shards_are_disjoint_and_together_everything(tmp_path, key):
    """Files are shared out by their names, which are random: of so many no reader is left without, practically."""
    options = {"bucket": "4"} if key else {"write-only": "true"}
    table = ls.connect(tmp_path).create_table("db.s", schema=SCHEMA, primary_key=key, options=options)
    for number in range(6 if key else 40):
        table.insert([{"id": 10 * number + each, "v": "x", "n": 0} for each in range(10)])
    parts = [rows_of(table.stream("from-snapshot-full=3", until="latest", shard=(index, 3))) for index in range(3)]
    whole = rows_of(table.stream("from-snapshot-full=3", until="latest"))
    assert sorted(row for part in parts for row in part) == sorted(whole)
    assert all(parts)
    with pytest.raises(ls.InvalidInputError, match="shard 3 of 3"):
        table.stream(shard=(3, 3))


def test_shards_by_file_must_begin_at_one_snapshot(tmp_path):
    """Else a compaction between their starts moves rows to the reader that has begun already."""
    table = ls.connect(tmp_path).create_table("db.s", schema=SCHEMA, options={})
    for start in (None, "latest-full", "compacted-full"):
        with pytest.raises(ls.InvalidInputError, match="from-snapshot-full=7"):
            table.stream(start, shard=(0, 2))
    with pytest.raises(ls.InvalidInputError, match="from-snapshot-full=7"):
        table.stream("earliest", shard=(0, 2), expired="latest-full")


def test_only_some_buckets(table):
    parts = [rows_of(table.stream("earliest", until="latest", buckets=[bucket])) for bucket in (0, 1)]
    assert all(parts)
    assert sorted(parts[0] + parts[1]) == sorted(rows_of(table.stream("earliest", until="latest")))


def test_a_snapshot_must_be_old_enough(table):
    assert rows_of(table.stream("earliest", delay=3600, idle_timeout=0.1, poll=0.02)) == []
    table = table.alter(ls.set_option("streaming.read.snapshot.delay", "150 ms"))
    table.upsert([{"id": 5, "v": "x", "n": 1}])
    began = time.monotonic()
    assert len(rows_of(table.stream(4, until=4, poll=0.02))) == 1
    assert time.monotonic() - began > 0.05


def test_columns_stay_what_they_were_when_the_stream_was_opened(table):
    with table.stream("latest", until=5, poll=0.02) as stream:
        wider = table.alter(ls.add_column("more", "INT"))
        wider.upsert([{"id": 8, "v": "x", "n": 1, "more": 2}])
        wider.upsert([{"id": 9, "v": "x", "n": 1, "more": 2}])
        assert rows_of(stream) == [(4, "+I", 8, "x", 1), (5, "+I", 9, "x", 1)]
    assert rows_of(wider.stream(5, until="latest")) == [(5, "+I", 9, "x", 1, 2)]


# Overwrites.


def overwritten(tmp_path, **options):
    table = keyed(tmp_path, commits=2, **options)
    table.overwrite([{"id": 1, "v": "new", "n": 1}, {"id": 2, "v": "other", "n": 2}, {"id": 5, "v": "x", "n": 5}])
    return table


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (None, []),
        ("skip", []),
        ("append", [("+I", 1), ("+I", 2), ("+I", 5)]),
        ("emit", [("+I", 5), ("+U", 2), ("-D", 0), ("-U", 2)]),
    ],
)
def test_overwrites(tmp_path, policy, expected):
    found = rows_of(overwritten(tmp_path).stream(3, until="latest", overwrites=policy))
    assert sorted(row[1:3] for row in found) == expected


def test_overwrites_fail_when_asked_to(tmp_path):
    with pytest.raises(ls.UnsupportedFormatError, match="snapshot 3 is an overwrite"):
        rows_of(overwritten(tmp_path).stream("earliest", until="latest", overwrites="fail"))


def test_overwrites_by_option(tmp_path):
    table = overwritten(tmp_path, **{"streaming-read-overwrite": "true"})
    assert len(rows_of(table.stream(3, until="latest"))) == 4


def test_what_an_overwrite_replaced_may_have_expired(tmp_path):
    table = overwritten(tmp_path)
    expire(table, below=3)
    with pytest.raises(ls.OutOfRangeError, match="replaced have expired"):
        rows_of(table.stream(3, until="latest", overwrites="emit"))
    with pytest.raises(ls.OutOfRangeError):
        rows_of(table.stream(3, until="latest", overwrites="emit", expired="earliest"))


# Positions that have expired, and lines of snapshots that are others now.


def test_an_expired_position_names_what_is_left(table):
    expire(table, below=3)
    with pytest.raises(ls.OutOfRangeError, match=r"next snapshot, 1, has expired; there are snapshots 3 to 3") as error:
        rows_of(table.stream(1, until="latest"))
    assert (error.value.position, error.value.earliest, error.value.latest) == (1, 3, 3)
    assert error.value.kind == "out-of-range"
    assert short(rows_of(table.stream(1, until="latest", expired="earliest"))) == CHANGES[3]
    assert short(rows_of(table.stream(1, until="latest", expired="latest-full"))) == FULL


def test_a_time_before_the_earliest_snapshot_may_have_lost_some(table):
    expire(table, below=2)
    with pytest.raises(ls.OutOfRangeError, match="may be the first since 1 "):
        table.stream("from-timestamp=1")
    assert len(rows_of(table.stream("from-timestamp=1", until="latest", expired="earliest"))) == 4


@pytest.mark.timeout(20)
def test_a_reader_that_slept_through_expiry_notices(table):
    with table.stream("latest", poll=0.005) as stream:
        position = stream.position
        assert position["next_snapshot"] == 4
        threading.Timer(0.1, lambda: _sneak(table)).start()
        with pytest.raises(ls.OutOfRangeError, match=r"next snapshot, 4, has expired"):
            rows_of(stream)


@pytest.mark.timeout(20)
def test_a_slow_reader_notices_at_once(table):
    """No more than one wait, although the snapshot that it stands behind is not looked at with every poll."""
    with table.stream("earliest", poll=0.3) as stream:
        next(stream)
        while (change := next(stream)).snapshot_id < 3 or not change.last:
            pass
        _sneak(table)
        began = time.monotonic()
        with pytest.raises(ls.OutOfRangeError, match=r"next snapshot, 4, has expired"):
            next(stream)
        assert time.monotonic() - began < 3


def test_a_gap_between_changelogs_and_snapshots_is_noticed_at_once(table):
    folder = Path(table.path)
    (folder / "changelog").mkdir()
    (folder / "snapshot" / "snapshot-1").rename(folder / "changelog" / "changelog-1")
    (folder / "snapshot" / "snapshot-2").unlink()
    with table.stream("earliest", poll=1000) as stream, pytest.raises(ls.OutOfRangeError, match="2, has expired"):
        rows_of(stream)


def test_a_branch_has_consumers_and_a_stream_of_its_own(table):
    table.tags.create("v")
    table.branches.create("dev", tag="v")
    branch = table.at(branch="dev")
    with branch.stream("latest", consumer="me", until=4) as stream:
        branch.upsert([{"id": 7, "v": "on the branch", "n": 1}])
        assert short(rows_of(stream)) == [(4, "+I", 7)]
    assert branch.consumers.get("me").next_snapshot == 5
    assert table.consumers.list().num_rows == 0
    assert table.snapshots.latest().id == 3


def test_a_value_that_does_not_fit_the_type_of_old_is_no_other_value(table):
    """Columns stay what they were when the stream was opened, so a wider value is refused."""
    with table.stream("latest", until=4, poll=0.02) as stream:
        wider = table.alter(ls.change_type("n", "BIGINT"))
        wider.upsert([{"id": 8, "v": "x", "n": 2**40}])
        with pytest.raises(ls.UnsupportedFormatError, match="column 'n' is BIGINT now, and was INT"):
            rows_of(stream)
    assert rows_of(wider.stream(stream.position, until=4)) == [(4, "+I", 8, "x", 2**40)]
    assert short(rows_of(table.stream(4, select=["id"], until=4))) == [(4, "+I", 8)]


def _sneak(table):
    """Three commits of which only the last is ever seen in the folder: the reader never meets snapshot 4 or 5."""
    folder = Path(table.path) / "snapshot"
    text = json.loads((folder / "snapshot-3").read_text())
    (folder / "snapshot-6").write_text(json.dumps(text | {"id": 6}))
    for number in (1, 2, 3):
        (folder / f"snapshot-{number}").unlink()
    (folder / "LATEST").write_text("6")


def test_a_position_beyond_the_latest(table):
    with pytest.raises(ls.OutOfRangeError, match="lies beyond the latest: the table was rolled back or made anew"):
        rows_of(table.stream(9, until=12))


def test_a_table_that_was_rolled_back_is_another_line(table):
    with table.stream("earliest", until="latest") as stream:
        rows_of(stream)
        position = stream.position
    table.rollback(snapshot=2)
    table.upsert([{"id": 7, "v": "other", "n": 7}])
    table.upsert([{"id": 8, "v": "other", "n": 8}])
    with pytest.raises(ls.OutOfRangeError, match="follows another snapshot 3 than the one that was read"):
        rows_of(table.stream(position, until="latest"))
    assert short(rows_of(table.stream(position, until="latest", expired="latest-full")))[-1] == (4, "+I", 8)


def test_changes_that_outlive_their_snapshots_are_read(table):
    folder = Path(table.path)
    (folder / "changelog").mkdir()
    for number in (1, 2):
        (folder / "snapshot" / f"snapshot-{number}").rename(folder / "changelog" / f"changelog-{number}")
    expected = CHANGES[1] + CHANGES[2] + CHANGES[3]
    assert short(rows_of(table.stream("earliest", until="latest"))) == sorted(expected)
    assert short(rows_of(table.stream(2, until="latest"))) == CHANGES[2] + CHANGES[3]
    assert short(rows_of(table.stream("from-timestamp=1", until="latest"))) == sorted(expected)
    (folder / "changelog" / "changelog-1").unlink()
    with pytest.raises(ls.OutOfRangeError, match="and changelogs 2 to 2") as error:
        rows_of(table.stream(1, until="latest"))
    assert error.value.earliest == 2


# Positions and consumers.


def test_a_saved_position_goes_on_behind_every_change(tmp_path):
    table = keyed(tmp_path, **{"lakestore.merge-window-rows": "2"})
    changes = list(table.stream("from-snapshot-full=2", until="latest"))
    assert len(changes) > 3
    for place, change in enumerate(changes):
        position = json.loads(json.dumps(change.position))
        rest = list(table.stream(position, until="latest"))
        assert [one.batch for one in rest] == [one.batch for one in changes[place + 1 :]]


def test_a_position_within_a_snapshot_counts_rows_of_one_request(tmp_path):
    table = keyed(tmp_path, **{"lakestore.merge-window-rows": "2"})
    within = next(change.position for change in table.stream("latest-full", until="latest") if not change.last)
    with pytest.raises(ls.InvalidInputError, match="another request"):
        rows_of(table.stream(within, where="id > 0", until="latest"))


def test_exactly_once_moves_on_ack_only(table):
    with table.stream("earliest", consumer="c", until="latest") as stream:
        assert table.consumers.get("c").next_snapshot == 1
        seen = [next(stream), next(stream)]
        seen[0].ack()
    rest = rows_of(table.stream(consumer="c", until="latest"))
    whole = rows_of(table.stream("earliest", until="latest"))
    assert rest == whole[seen[0].batch.num_rows :]
    assert table.consumers.get("c").next_snapshot == 4
    assert rows_of(table.stream(consumer="c", until="latest")) == []


def test_ack_covers_what_came_before_and_never_goes_back(table):
    changes = list(stream := table.stream("earliest", until="latest", consumer="c"))
    changes[-1].ack()
    changes[0].ack()
    assert stream.position["next_snapshot"] == 4
    assert table.consumers.get("c").next_snapshot == 4


def test_at_least_once_moves_when_the_next_change_is_asked_for(table):
    with table.stream("earliest", consumer="c", consumer_mode="at-least-once", until="latest") as stream:
        first = next(stream)
        next(stream)
    rest = rows_of(table.stream(consumer="c", until="latest"), ack=False)
    assert rest == rows_of(table.stream("earliest", until="latest"))[first.batch.num_rows :]


def test_snapshots_without_rows_need_no_ack(table):
    table.compact(full=True)
    with table.stream("earliest", consumer="c", until=3) as stream:
        rows_of(stream)
    rows_of(table.stream(consumer="c", idle_timeout=0.05, poll=0.01))
    assert table.consumers.get("c").next_snapshot == 5


def test_an_unacknowledged_change_holds_its_place_over_empty_snapshots(table):
    table.compact(full=True)
    stream = table.stream(3, consumer="c", until="latest")
    changes = list(stream)
    assert table.consumers.get("c").next_snapshot == 3
    changes[-1].ack()
    assert table.consumers.get("c").next_snapshot == 5


def test_where_the_consumer_stands_counts_more_than_the_start(table):
    table.consumers.reset("c", 3)
    assert short(rows_of(table.stream("earliest", consumer="c", until="latest"))) == CHANGES[3]
    table.consumers.reset("c", 3)
    assert len(rows_of(table.stream("earliest", consumer="c", ignore_progress=True, until="latest"))) == 6
    assert short(rows_of(table.stream({"version": 1, "next_snapshot": 3}, consumer="c", until="latest"))) == CHANGES[3]


def test_consumer_by_option(tmp_path):
    table = keyed(tmp_path, **{"consumer-id": "mine", "consumer.mode": "at-least-once"})
    rows_of(table.stream("earliest", until="latest"), ack=False)
    assert table.consumers.list().column("consumer_id").to_pylist() == ["mine"]
    assert table.consumers.get("mine").next_snapshot == 4


def test_consumers_are_listed_reset_deleted_and_expired(table):
    assert table.consumers.list().num_rows == 0
    table.consumers.reset("a", 2)
    table.consumers.reset("b", 4)
    assert table.consumers.list().select(["consumer_id", "next_snapshot_id"]).to_pylist() == [
        {"consumer_id": "a", "next_snapshot_id": 2},
        {"consumer_id": "b", "next_snapshot_id": 4},
    ]
    for wrong in (0, 5):
        with pytest.raises(ls.InvalidInputError, match="expected 1 to 4"):
            table.consumers.reset("a", wrong)
    with pytest.raises(ls.NotFoundError, match="'a', 'b'"):
        table.consumers.get("c")
    assert table.consumers.expire(idle_seconds=3600) == []
    assert table.consumers.expire(idle_seconds=0, dry_run=True) == ["a", "b"]
    table.consumers.delete("a")
    assert table.consumers.expire(idle_seconds=0) == ["b"]
    assert table.consumers.list().num_rows == 0


# asyncio.


def test_async_for(table):
    async def follow():
        found = []
        async with table.stream("earliest", until=4, poll=0.02) as stream:
            writer = asyncio.get_running_loop().run_in_executor(
                None, lambda: table.upsert([{"id": 9, "v": "x", "n": 1}])
            )
            async for change in stream:
                found += change.batch.column("id").to_pylist()
            await writer
        return found

    assert sorted(asyncio.run(follow())) == [0, 0, 0, 1, 2, 3, 9]


def test_waiting_does_not_hold_up_the_event_loop(table):
    async def follow():
        ticks = 0
        async with table.stream("latest", idle_timeout=0.5, poll=0.1) as stream:
            following = asyncio.ensure_future(anext(stream, None))
            while not following.done():
                ticks += 1
                await asyncio.sleep(0.02)
            assert following.result() is None
        return ticks

    assert asyncio.run(follow()) >= 2, "held up it would have had one turn"
