"""A store that ignores the condition is found out."""

from contextlib import contextmanager

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from lakestore.errors import AlreadyExistsError, ErrorKind, InvalidInputError, StorageError
from lakestore.storage.local_store import LocalStore
from lakestore.storage.lock import LockedStore
from lakestore.storage.memory_store import MemoryStore
from lakestore.storage.object_store import S3, ObjectStore
from lakestore.storage.probe import forget_verdicts, probe_put_if_absent
from lakestore.testing.faulty import FaultKind, FaultyStore, IgnoringConditionStore, NthCall
from lakestore.testing.recording import RecordingStore


@pytest.fixture(autouse=True)
def no_verdicts():
    forget_verdicts()
    yield
    forget_verdicts()


def memory():
    return MemoryStore(MemoryFileSystem(global_store=False, skip_instance_cache=True))


@pytest.mark.parametrize("kind", ["memory", "local"])
def test_an_honest_store_passes_and_nothing_stays(kind, tmp_path):
    store, root = (memory(), "/wh") if kind == "memory" else (LocalStore(), str(tmp_path))
    probe_put_if_absent(store, root)
    assert list(store.list_recursive(root)) == []


def test_a_store_that_overwrites_is_refused_and_nothing_stays():
    inner = memory()
    with pytest.raises(InvalidInputError) as caught:
        probe_put_if_absent(IgnoringConditionStore(inner), "/wh")
    assert caught.value.kind is ErrorKind.STORE_NOT_SAFE
    assert list(inner.list_recursive("/wh")) == []


def test_a_store_that_overwrites_and_then_complains_is_refused():
    class Liar(IgnoringConditionStore):
        def put_if_absent(self, path, data):
            taken = self._inner.info(path) is not None
            self._inner.put(path, data)
            if taken:
                raise AlreadyExistsError("too late")

    with pytest.raises(InvalidInputError):
        probe_put_if_absent(Liar(memory()), "/wh")


def test_the_verdict_is_kept_for_the_bucket():
    store = RecordingStore(memory())
    probe_put_if_absent(store, "/b/wh")
    store.forget()
    probe_put_if_absent(store, "/b/other")
    assert store.log == []
    probe_put_if_absent(store, "/c/wh")
    assert store.counts()["put_if_absent"] == 2


def test_a_failed_probe_gives_no_verdict():
    inner = memory()
    for n in (1, 2, 3, 4):
        plan = NthCall(n, FaultKind.BEFORE)
        try:
            probe_put_if_absent(FaultyStore(inner, plan), "/wh")
        except StorageError:
            assert n < 4
        else:
            assert n == 4, "only the removal may fail without a word"
        assert plan.fired
        forget_verdicts()
    with pytest.raises(InvalidInputError):
        probe_put_if_absent(IgnoringConditionStore(inner), "/wh")


def test_a_lost_answer_to_the_first_probe_is_no_second_writer():
    class Retrying(RecordingStore):
        """As s3fs does: the first try lands, its answer is lost, the retry is told that the name is taken."""

        def put_if_absent(self, path, data):
            super().put_if_absent(path, data)
            if len(self.log) == 1:
                raise AlreadyExistsError("by our own first try")

    probe_put_if_absent(Retrying(memory()), "/wh")


class Bucket(MemoryFileSystem):
    """S3 work-alikes: one that honours the condition, and one that does not."""

    cachable = False
    protocol = "s3"
    endpoint_url = "http://work-alike:9000"

    def __init__(self, honours):
        super().__init__(global_store=False)
        self.honours = honours

    def pipe_file(self, path, value, mode="overwrite", **keywords):
        super().pipe_file(path, value, mode=mode if self.honours else "overwrite")

    def ls(self, path, detail=True, refresh=False):
        return super().ls(path, detail=detail)


def test_the_first_commit_on_a_work_alike_probes_it():
    filesystem = Bucket(honours=True)
    store = ObjectStore(filesystem, S3)
    store.put_if_absent("/b/t/snapshot/snapshot-1", b"x")
    with pytest.raises(AlreadyExistsError):
        store.put_if_absent("/b/t/snapshot/snapshot-1", b"y")
    assert list(filesystem.store) == ["/b/t/snapshot/snapshot-1"]


def test_a_commit_on_a_careless_work_alike_is_refused():
    filesystem = Bucket(honours=False)
    store = ObjectStore(filesystem, S3)
    for _ in range(2):
        with pytest.raises(InvalidInputError) as caught:
            store.put_if_absent("/b/t/snapshot/snapshot-1", b"x")
        assert caught.value.kind is ErrorKind.STORE_NOT_SAFE
    assert list(filesystem.store) == []


def test_a_lock_makes_a_careless_work_alike_usable():
    held = []

    class Lock:
        @contextmanager
        def hold(self, path):
            held.append(path)
            yield

    filesystem = Bucket(honours=False)
    store = LockedStore(ObjectStore(filesystem, S3), Lock())
    store.put_if_absent("/b/t/snapshot-1", b"x")
    with pytest.raises(AlreadyExistsError):
        store.put_if_absent("/b/t/snapshot-1", b"y")
    assert store.get("/b/t/snapshot-1") == b"x"
    assert held == ["/b/t/snapshot-1"] * 2
    probe_put_if_absent(store, "/b/t")
    with pytest.raises(InvalidInputError):
        ObjectStore(filesystem, S3).put_if_absent("/b/t/snapshot-2", b"without the lock")
