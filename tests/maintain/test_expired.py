"""Rows past their time: read as long as they are there, gone when their file is compacted."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

import lakestore as ls
from lakestore.env import Env, SystemClock
from lakestore.maintain.expired import expired_test
from tests.trees import tree_file

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())


class Still(SystemClock):
    """A clock that stands until it is moved."""

    def __init__(self):
        self.ms = SECONDS * 1000

    def now_ms(self):
        return self.ms


@pytest.fixture
def clock():
    return Still()


@pytest.fixture
def table(tmp_path, clock):
    return ls.connect(tmp_path, env=Env(clock=clock)).create_table(
        "d.t",
        schema={"id": "BIGINT NOT NULL", "seen": "BIGINT"},
        primary_key=["id"],
        options={
            "bucket": 1,
            "write-only": True,
            "record-level.expire-time": "1 h",
            "record-level.time-field": "seen",
        },
    )


def put(table, rows):
    table.upsert(pa.table({"id": pa.array(list(rows), pa.int64()), "seen": pa.array(list(rows.values()), pa.int64())}))


def ids(table):
    return sorted(table.to_arrow()["id"].to_pylist())


def test_expired_rows_go_when_files_are_merged(table):
    put(table, {1: SECONDS - 7200, 2: SECONDS, 3: None})
    put(table, {4: SECONDS - 7200, 5: SECONDS - 3600})
    assert ids(table) == [1, 2, 3, 4, 5]
    table.compact(full=True)
    assert ids(table) == [2, 3, 5]


def test_a_file_at_the_top_is_rewritten_once_it_holds_expired_rows(table, clock):
    put(table, {1: SECONDS, 2: SECONDS + 100})
    table.compact(full=True)
    assert table.compact(full=True).buckets == ()
    clock.ms += 3_650_000
    assert ids(table) == [1, 2]
    (done,) = table.compact(full=True).buckets
    assert (done.files_before, done.files_after) == (1, 1)
    assert ids(table) == [2]
    assert table.compact(full=True).buckets == ()


def test_a_file_in_which_every_row_is_expired_goes(table):
    put(table, {1: 0, 2: 5})
    table.compact(full=True)
    assert ids(table) == []
    assert table.levels().files == 0


def test_a_file_that_would_only_move_up_is_rewritten(table):
    table = table.alter(ls.set_option("compaction.small-file-ratio", "0"))
    put(table, {1: SECONDS - 7200, 2: SECONDS})
    table.compact(full=True)
    assert ids(table) == [2]


def test_an_expired_version_does_not_win(table):
    """As in Paimon, rows expire before they are merged: an older version that is not past its time comes back."""
    put(table, {1: SECONDS})
    put(table, {1: SECONDS - 7200})
    table.compact(full=True)
    assert table.to_arrow().to_pylist() == [{"id": 1, "seen": SECONDS}]


def test_files_without_statistics_are_left_alone(table):
    parts = table._context.compact_parts()
    expired = expired_test(parts.schema, parts.schema_of, parts.options.compact, now_ms=SECONDS * 1000)
    assert not expired(tree_file(5, 1, name="silent", value_stats_columns=()))
