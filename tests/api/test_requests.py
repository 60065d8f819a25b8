"""What a table asks of its store, counted exactly. A round trip more is a regression."""

import pytest

import lakestore as ls
from lakestore.api.catalog import Lake
from lakestore.env import Env
from lakestore.meta.cache import SHARED_CACHE
from lakestore.storage.fsspec_store import open_store
from lakestore.testing.recording import RecordingStore

SMALL_APPEND = 11
"""Hint, next, snapshot; next schema; data file, manifest, two lists, snapshot, hint; and the lists of before."""
COLD_READ = 15
"""List and read of the schema; hint, next, snapshot; two lists; two manifests, one of them joined; six data files."""


@pytest.fixture
def path(tmp_path):
    table = ls.connect(tmp_path).create_table(
        "db.t", schema={"id": "INT", "text": "STRING"}, options={"write-only": "true"}
    )
    for number in range(6):
        table.insert([{"id": number, "text": "x"}])
    return tmp_path


PARTS_OF_A_CALL = {"read", "write", "finish", "close", "discard"}
"""What happens inside an open file: of a small file one request, counted when it is opened."""


def requests(recording):
    return [(operation, path) for operation, path in recording.log if operation not in PARTS_OF_A_CALL]


def recorded(path):
    SHARED_CACHE.entries.clear()
    SHARED_CACHE.lists.clear()
    store, root = open_store(path)
    recording = RecordingStore(store)
    return recording, Lake(recording, root, Env())


def test_cold_read_of_six_commits(path):
    recording, lake = recorded(path)
    assert lake.table("db.t").to_arrow().num_rows == 6
    assert len(requests(recording)) == COLD_READ, requests(recording)


def test_small_append(path):
    recording, lake = recorded(path)
    table = lake.table("db.t")
    table.count()
    recording.forget()
    table.insert([{"id": 9, "text": "y"}])
    assert len(requests(recording)) == SMALL_APPEND, requests(recording)


def test_second_read_asks_little(path):
    recording, lake = recorded(path)
    table = lake.table("db.t")
    table.to_arrow()
    recording.forget()
    table.to_arrow()
    metadata = [path for _, path in requests(recording) if "/bucket-" not in path]
    assert len(metadata) <= 3, metadata
