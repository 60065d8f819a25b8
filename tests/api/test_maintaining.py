"""``Table.compact`` and ``Lake.compact``: what they choose, what they refuse, and that no row changes."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

import lakestore as ls
from lakestore.env import Env, SystemClock
from lakestore.errors import InvalidInputError, NotFoundError

DAYS = ("2026-11-20", "2026-11-21")


def rows(*ids, day=DAYS[0], value=0):
    return pa.table({"id": pa.array(ids, pa.int64()), "day": [day] * len(ids), "v": pa.array([value] * len(ids))})


def create(lake, name="d.t", *, key=("id", "day"), **options):
    schema = {"id": "BIGINT NOT NULL", "day": "STRING NOT NULL", "v": "BIGINT"}
    defaults = {"bucket": 1, "write-only": True} if key else {}
    return lake.create_table(
        name, schema=schema, primary_key=key, partition_by=["day"] if key else [], options=defaults | options
    )


@pytest.fixture
def lake(tmp_path):
    return ls.connect(tmp_path)


@pytest.fixture
def table(lake):
    """Two partitions of two runs each."""
    made = create(lake)
    for value in range(2):
        made.upsert(pa.concat_tables([rows(1, 2, value=value, day=day) for day in DAYS]))
    return made


def content(table):
    return sorted(table.to_arrow().to_pylist(), key=str)


def compacted(report):
    return sorted(bucket.partition for bucket in report.buckets)


def test_triggers_decide_by_default(table):
    report = table.compact()
    assert (report.buckets, report.snapshot_ids) == ((), ())
    report = table.alter(ls.set_option("num-sorted-run.compaction-trigger", "2")).compact()
    assert compacted(report) == [f"day={day}" for day in DAYS]
    assert report.snapshot_ids == (3,)


@pytest.mark.parametrize("asked", [{"full": True}, {"strategy": "full"}, {"full": True, "strategy": "Full"}])
def test_full(table, asked):
    before = content(table)
    report = table.compact(**asked)
    assert [(bucket.files_before, bucket.files_after) for bucket in report.buckets] == [(2, 1)] * 2
    assert content(table) == before
    assert table.snapshots.get(report.snapshot_id).commit_kind == "COMPACT"


@pytest.mark.parametrize("strategy", ["universal", "minor", " Minor "])
def test_strategies_by_the_triggers(table, strategy):
    assert table.compact(strategy=strategy).buckets == ()


@pytest.mark.parametrize(
    "chosen",
    [
        {"partitions": [{"day": DAYS[1]}]},
        {"where": f"day = '{DAYS[1]}'"},
        {"where": ls.col("day") > DAYS[0]},
    ],
)
def test_some_partitions(table, chosen):
    assert compacted(table.compact(full=True, **chosen)) == [f"day={DAYS[1]}"]


def test_several_partitions(table):
    assert len(table.compact(full=True, partitions=[{"day": day} for day in DAYS]).buckets) == 2


def test_no_partitions(table):
    assert table.compact(full=True, partitions=[]).buckets == ()


@pytest.mark.parametrize(("idle", "count"), [("1 h", 0), (timedelta(hours=1), 0), ("0 ms", 2), (None, 2)])
def test_idle_partitions(table, idle, count):
    assert len(table.compact(full=True, idle=idle).buckets) == count


@pytest.mark.parametrize("budget", [{"budget_files": 2}, {"budget_bytes": 1}, {"budget_bytes": "1 kb"}])
def test_budgets_leave_the_rest_for_next_time(table, budget):
    report = table.compact(full=True, **budget)
    assert (len(report.buckets), report.skipped) == (1, 1)
    assert len(table.compact(full=True, **budget).buckets) == 1
    assert table.compact(full=True, **budget).buckets == ()


def test_a_dry_run_changes_nothing(table):
    report = table.compact(full=True, dry_run=True)
    assert len(report.buckets) == 2
    assert (report.snapshot_ids, table.snapshots.latest().id) == ((), 2)


def test_progress_is_told(table):
    seen = []
    table.compact(full=True, progress=seen.append)
    assert [(one.buckets_done, one.buckets) for one in seen] == [(1, 2), (2, 2)]
    assert seen[-1].bytes_done == seen[-1].bytes > 0


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"strategy": "leveled"}, "expected one of universal, minor, full"),
        ({"strategy": "minor", "full": True}, "contradict"),
        ({"where": "v = 1"}, "compact.where=….* may look at partition columns only .day., not at v"),
        ({"where": "day = 'a'", "partitions": [{"day": "a"}]}, "partitions= or where=, not both"),
        ({"idle": "soon"}, "idle='soon'.: expected a duration"),
        ({"idle": timedelta(seconds=-1)}, "no time in the future"),
        ({"budget_bytes": "much"}, "budget_bytes='much'.: expected a size"),
        ({"budget_bytes": 0}, "at least 1"),
        ({"budget_files": -1}, "at least 1"),
    ],
)
def test_what_makes_no_sense(table, asked, message):
    with pytest.raises(InvalidInputError, match=message):
        table.compact(**asked)
    assert table.snapshots.latest().id == 2


def test_a_partition_column_that_is_none(table):
    with pytest.raises(NotFoundError, match="hour"):
        table.compact(partitions=[{"hour": 3}])


# Many tables.


@pytest.fixture
def tables(lake):
    for name in ("shop.a", "shop.b", "other.c"):
        made = create(lake, name)
        made.upsert(rows(1))
        made.upsert(rows(2))
    create(lake, "shop.log", key=())
    return lake


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("shop.*", ["shop.a", "shop.b", "shop.log"]),
        ("*.*", ["other.c", "shop.a", "shop.b", "shop.log"]),
        ("*.b", ["shop.b"]),
        ("o*.?", ["other.c"]),
    ],
)
def test_tables_by_name(tables, pattern, names):
    seen = []
    outcomes = tables.compact(pattern, how=lambda table: table.compact(full=True), each=seen.append)
    assert [outcome.table for outcome in outcomes] == names
    assert seen == list(outcomes)
    assert all(len(outcome.report.buckets) == (outcome.table != "shop.log") for outcome in outcomes)


def test_a_table_that_fails_does_not_keep_the_others(tables, tmp_path):
    for data in (tmp_path / "shop.db" / "a").glob("day=*/bucket-0/*.parquet"):
        data.write_bytes(b"rubbish")
    first, second, _ = tables.compact("shop.*", how=lambda table: table.compact(full=True))
    assert (first.table, first.report) == ("shop.a", None)
    assert first.error.kind == "corrupt"
    assert second.report.snapshot_ids == (3,)


def test_no_table_of_that_name(tables):
    with pytest.raises(NotFoundError, match=r"no table is called .* databases are: other, shop"):
        tables.compact("nope.*")


@pytest.mark.parametrize(
    ("options", "partitions"),
    [
        ({"compaction.skip-expired-partitions": True}, [DAYS[1]]),
        ({}, DAYS),
        ({"compaction.skip-expired-partitions": True, "partition.expiration-strategy": "update-time"}, DAYS),
    ],
)
def test_partitions_past_their_time_are_left_alone_where_that_is_asked(tmp_path, options, partitions):
    now = datetime(2026, 11, 27, 12, tzinfo=UTC)
    lake = ls.connect(tmp_path, env=Env(clock=Standing(now)))
    table = create(
        lake, **{"partition.expiration-time": "7 d", "partition.timestamp-formatter": "yyyy-MM-dd"} | options
    )
    for value in range(2):
        table.upsert(pa.concat_tables([rows(1, 2, value=value, day=day) for day in DAYS]))
    assert compacted(table.compact(full=True, dry_run=True)) == [f"day={day}" for day in partitions]


class Standing(SystemClock):
    """A clock that stands."""

    def __init__(self, now):
        self.ms = int(now.timestamp() * 1000)

    def now_ms(self):
        return self.ms

    def local_offset_ms(self, epoch_ms):
        return 0
