"""What a stream asks of the store, counted: an idle look is one request, and nothing is listed."""

import pytest

from lakestore.api.catalog import Lake
from lakestore.env import Env, SystemClock
from lakestore.storage.fsspec_store import open_store
from lakestore.testing.recording import RecordingStore
from tests.api.test_requests import requests
from tests.api.test_stream import keyed, rows_of

MINUTES = 10
OPENING = 12
"""Requests that opening a stream may cost."""


class FastClock(SystemClock):
    """A clock whose naps pass at once, and count."""

    def __init__(self):
        self.passed = 0.0

    def monotonic(self):
        return self.passed

    def sleep(self, seconds):
        self.passed += seconds


@pytest.fixture
def recorded(tmp_path):
    keyed(tmp_path)
    store, root = open_store(tmp_path)
    recording = RecordingStore(store)
    return recording, Lake(recording, root, Env(clock=FastClock())).table("db.t")


@pytest.mark.parametrize("consumer", [None, "me"])
def test_ten_idle_minutes(recorded, consumer):
    """At one look a second: at most 600 requests, and no listing."""
    recording, table = recorded
    stream = table.stream("latest", poll=1, idle_timeout=60 * MINUTES, consumer=consumer)
    opening = len(recording.log)
    assert rows_of(stream) == []
    looks = recording.log[opening:]
    assert len(looks) <= 60 * MINUTES
    assert {operation for operation, _ in looks} == {"get"}
    assert len(requests(recording)) <= 60 * MINUTES + OPENING, "opening included"


def test_ten_idle_minutes_of_a_consumer_that_comes_back(recorded):
    """One request more: whether the snapshot before is still there says that nothing has expired meanwhile."""
    recording, table = recorded
    with table.stream("latest", consumer="me", until="latest") as stream:
        rows_of(stream)
    recording.forget()
    assert rows_of(table.stream(poll=1, idle_timeout=60 * MINUTES, consumer="me")) == []
    assert recording.counts()["list"] == 0
    assert len(requests(recording)) <= 60 * MINUTES + 1 + OPENING


def test_idle_after_changes_lists_nothing(recorded):
    recording, table = recorded
    with table.stream(2, poll=1, idle_timeout=100) as stream:
        next(stream)
        recording.forget()
        rest = rows_of(stream)
    assert rest
    assert recording.counts()["list"] == 0
    polls = [path for operation, path in recording.log if path.endswith("snapshot-4")]
    assert 95 <= len(polls) <= 102
    checks = [path for operation, path in recording.log if path.endswith("snapshot-3")]
    assert 3 <= len(checks) <= 5, "that the last one read is still there says that the next has yet to come"


def test_a_small_snapshot_costs_few_requests(recorded):
    """The snapshot, the one before it, the delta list, one manifest, and a file in each of two buckets."""
    recording, table = recorded
    with table.stream(3, until=3) as stream:
        rows_of(stream)
    recording.forget()
    with table.stream({"version": 1, "next_snapshot": 3, "after": _mark(table)}, until=3) as stream:
        recording.forget()
        rows_of(stream)
    assert len(requests(recording)) <= 6


def _mark(table):
    return table.snapshots.get(2).delta_manifest_list
