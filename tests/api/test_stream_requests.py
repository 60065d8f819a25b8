"""What a stream asks of the store, counted: an idle look is one request, and nothing is listed."""

import pytest

from lakestore.api.catalog import Lake
from lakestore.env import Env, SystemClock
from lakestore.storage.fsspec_store import open_store
from lakestore.testing.recording import RecordingStore
from tests.api.test_requests import requests
from tests.api.test_stream import keyed, rows_of

MINUTES = 10


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
    recording, table = recorded
    stream = table.stream("latest", poll=1, idle_timeout=60 * MINUTES, consumer=consumer)
    recording.forget()
    assert rows_of(stream) == []
    counts = recording.counts()
    assert counts["list"] <= 1, "one listing tells at the beginning that nothing has expired"
    assert len(requests(recording)) <= 60 * MINUTES + 2
    assert set(counts) <= {"get", "list"}


def test_idle_after_changes_lists_nothing(recorded):
    recording, table = recorded
    with table.stream(2, poll=1, idle_timeout=100) as stream:
        next(stream)
        recording.forget()
        rest = rows_of(stream)
    assert rest
    assert recording.counts()["list"] == 0
    polls = [path for operation, path in recording.log if path.endswith(("snapshot-4", "LATEST"))]
    assert 95 <= len(polls) <= 102
    assert any(path.endswith("LATEST") for path in polls)


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
