"""The conformance suite on every store."""

import threading
from contextlib import contextmanager

import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from lakestore.env import SystemClock
from lakestore.storage.fsspec_store import open_store
from lakestore.storage.local_store import LocalStore
from lakestore.storage.lock import LockedStore
from lakestore.storage.memory_store import MemoryStore
from lakestore.storage.remote_store import RemoteStore
from lakestore.testing.faulty import FaultyStore, NthCall
from lakestore.testing.latency import LatencyStore
from lakestore.testing.recording import RecordingStore
from tests.s3 import s3_bucket  # noqa: F401 - a fixture
from tests.storage.conformance import StoreConformance


class ThreadLock:
    """A lock for the threads of a test."""

    def __init__(self):
        self.lock = threading.Lock()
        self.held = []

    @contextmanager
    def hold(self, path):
        with self.lock:
            self.held.append(path)
            yield


def private_memory():
    return MemoryStore(MemoryFileSystem(global_store=False, skip_instance_cache=True))


class TestLocal(StoreConformance):
    @pytest.fixture
    def place(self, tmp_path):
        return open_store(tmp_path / "wh")


class TestMemory(StoreConformance):
    @pytest.fixture
    def place(self):
        return private_memory(), "/wh"


class TestS3(StoreConformance):
    race_rounds = 4

    @pytest.fixture
    def place(self, s3_bucket):  # noqa: F811
        return s3_bucket.open("wh")


class TestAnyFilesystemUnderALock(StoreConformance):
    """fsspec's generic calls; whole replacement is not theirs to promise."""

    race_rounds = 10
    test_readers_never_see_part_of_a_file = None

    @pytest.fixture
    def place(self, tmp_path):
        return LockedStore(RemoteStore(LocalFileSystem()), ThreadLock()), f"{tmp_path}/wh"


class TestWrappers(StoreConformance):
    race_rounds = 5

    @pytest.fixture(params=["faulty", "recording", "latency", "locked"])
    def place(self, request, tmp_path):
        inner = private_memory()
        match request.param:
            case "faulty":
                return FaultyStore(inner, NthCall(0)), "/wh"
            case "recording":
                return RecordingStore(inner), "/wh"
            case "latency":
                return LatencyStore(inner, clock=SystemClock(), seconds=0.0), "/wh"
            case _:
                return LockedStore(LocalStore(), ThreadLock()), f"{tmp_path}/wh"
