"""The wrapper stores do what they say: a fault that does not fault would make every sweep pass."""

import random
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from lakestore.errors import StorageError
from lakestore.storage.local_store import LocalStore
from lakestore.storage.memory_store import MemoryStore
from lakestore.testing.faulty import WRITES, Crash, FaultKind, FaultyStore, NthCall, RandomFaults
from lakestore.testing.latency import LatencyStore
from lakestore.testing.recording import RecordingStore


@pytest.fixture
def inner():
    return MemoryStore(MemoryFileSystem(global_store=False, skip_instance_cache=True))


def write_file(store, path, pieces=(b"aaaa", b"bbbb")):
    with store.open_output(path) as output:
        for piece in pieces:
            output.sink.write(piece)


def every_call(store):
    """One of each operation, in the order of ``OPERATIONS``."""
    store.put("/d/hint", b"0123456789")
    store.put_if_absent("/d/one", b"0123456789")
    store.get("/d/one")
    store.get_or_none("/d/none")
    store.info("/d/one")
    store.list("/d")
    list(store.list_recursive("/d"))
    store.list_directories("/")
    write_file(store, "/d/data")
    with closing(store.open_input("/d/data")) as source:
        source.read(3)
    store.delete("/d/one")


OPERATIONS = [
    "put",
    "put_if_absent",
    "get",
    "get",
    "info",
    "list",
    "list_recursive",
    "list_directories",
    "open_output",
    "write",
    "write",
    "finish",
    "open_input",
    "read",
    "delete",
]


def test_recording(inner):
    store = RecordingStore(inner)
    every_call(store)
    assert [operation for operation, _ in store.log] == OPERATIONS
    assert store.counts()["get"] == 2
    assert store.paths("get") == ["/d/one", "/d/none"]
    assert store.paths("write") == ["/d/data", "/d/data"]
    store.forget()
    assert store.log == []


def test_without_a_fault_everything_works(inner):
    plan = NthCall(0)
    every_call(FaultyStore(inner, plan))
    assert plan.seen == len(OPERATIONS)
    assert not plan.fired


@pytest.mark.parametrize("kind", [FaultKind.BEFORE, FaultKind.AFTER])
def test_each_call_fails_in_its_turn(kind):
    for n, operation in enumerate(OPERATIONS, start=1):
        inner = MemoryStore(MemoryFileSystem(global_store=False, skip_instance_cache=True))
        plan = NthCall(n, kind)
        with pytest.raises(StorageError) as caught:
            every_call(FaultyStore(inner, plan))
        assert caught.value.transient
        assert f"{operation} failed on purpose" in str(caught.value)
        assert plan.fired
        assert plan.seen == n


def test_before_and_after_differ_in_what_stays(inner):
    for kind, stays in ((FaultKind.BEFORE, None), (FaultKind.AFTER, b"x")):
        for call in ("put", "put_if_absent"):
            path = f"/{kind}/{call}"
            with pytest.raises(StorageError):
                getattr(FaultyStore(inner, NthCall(1, kind)), call)(path, b"x")
            assert inner.get_or_none(path) == stays
    inner.put("/gone", b"x")
    with pytest.raises(StorageError):
        FaultyStore(inner, NthCall(1, FaultKind.BEFORE)).delete("/gone")
    assert inner.get("/gone") == b"x"
    with pytest.raises(StorageError):
        FaultyStore(inner, NthCall(1, FaultKind.AFTER)).delete("/gone")
    assert inner.get_or_none("/gone") is None


@pytest.mark.parametrize(("kind", "stays"), [(FaultKind.BEFORE, None), (FaultKind.AFTER, b"aaaabbbb")])
def test_the_end_of_an_output_fails(inner, kind, stays):
    with pytest.raises(StorageError):
        write_file(FaultyStore(inner, NthCall(1, kind, operations={"finish"})), "/data")
    assert inner.get_or_none("/data") == stays


def test_a_failed_piece_discards_the_output(tmp_path):
    inner = LocalStore()
    with pytest.raises(StorageError):
        write_file(FaultyStore(inner, NthCall(2, operations={"write"})), f"{tmp_path}/data")
    assert inner.list(str(tmp_path)) == []


@pytest.mark.parametrize(("kind", "stays"), [(FaultKind.CRASH, None), (FaultKind.CRASH_AFTER, b"0123456789")])
def test_after_a_crash_nothing_reaches_the_store(inner, kind, stays):
    store = FaultyStore(inner, NthCall(1, kind))
    with pytest.raises(Crash):
        store.put("/file", b"0123456789")
    assert store.crashed
    for call in (lambda: store.put("/other", b"x"), lambda: store.delete("/file"), lambda: store.get("/file")):
        with pytest.raises(Crash):
            call()
    assert inner.get_or_none("/file") == stays
    assert inner.get_or_none("/other") is None


def test_torn_writes_leave_half(inner, tmp_path):
    with pytest.raises(Crash):
        FaultyStore(inner, NthCall(1, FaultKind.TORN)).put("/hint", b"0123456789")
    assert inner.get("/hint") == b"01234"
    with pytest.raises(Crash):
        FaultyStore(inner, NthCall(1, FaultKind.TORN)).put_if_absent("/snapshot-1", b"0123456789")
    assert inner.get_or_none("/snapshot-1") is None
    for store, path in ((inner, "/data"), (LocalStore(), f"{tmp_path}/data")):
        with pytest.raises(Crash):
            write_file(FaultyStore(store, NthCall(2, FaultKind.TORN, operations={"write"})), path)
        assert store.get(path) == b"aaaabb"


def test_a_crash_cleans_nothing_up(tmp_path):
    inner = LocalStore()
    with pytest.raises(Crash):
        write_file(FaultyStore(inner, NthCall(2, FaultKind.CRASH, operations={"write"})), f"{tmp_path}/data")
    assert [file.name for file in inner.list(str(tmp_path))] == ["data"]


def test_a_crash_is_no_ordinary_exception():
    assert not issubclass(Crash, Exception)


def test_filters(inner):
    plan = NthCall(2, operations=WRITES, path=lambda path: "snapshot" in path)
    store = FaultyStore(inner, plan)
    store.put("/hint", b"x")
    store.put("/snapshot-1", b"x")
    store.get("/snapshot-1")
    store.put("/hint", b"x")
    with pytest.raises(StorageError):
        store.put("/snapshot-2", b"x")
    store.put("/snapshot-2", b"x")
    assert plan.seen == 3


def test_random_faults_replay_and_heal(inner):
    def run(seed):
        plan = RandomFaults(random.Random(seed), 0.3, operations={"put"}, most=5)
        store = FaultyStore(inner, plan)
        outcome = []
        for number in range(100):
            try:
                store.put(f"/{number}", b"x")
                outcome.append(True)
            except StorageError:
                outcome.append(False)
            store.get_or_none(f"/{number}")
        return outcome, plan.fired

    first, fired = run(7)
    assert (first, fired) == run(7)
    assert first.count(False) == 5
    assert set(fired) == {FaultKind.BEFORE, FaultKind.AFTER}


def test_parquet_through_every_wrapper(inner):
    class Still:
        waited = 0.0

        def sleep(self, seconds):
            self.waited += seconds

    clock = Still()
    recording = RecordingStore(inner)
    store = LatencyStore(FaultyStore(recording, NthCall(0)), clock=clock, seconds=0.5)
    table = pa.table({"id": range(100)})
    with store.open_output("/t.parquet") as output:
        pq.write_table(table, output.sink)
    with closing(store.open_input("/t.parquet", size=output.size)) as source, pq.ParquetFile(source) as file:
        assert file.read().equals(table)
    counts = recording.counts()
    assert counts["finish"] == 1
    assert counts["read"] >= 1
    assert counts["write"] >= 2
    assert clock.waited == 0.5 * (counts["finish"] + counts["read"])
    store.get_or_none("/none")
    assert clock.waited == 0.5 * (counts["finish"] + counts["read"] + 1)
