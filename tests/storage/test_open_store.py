"""From locations to stores: spelling, refusals, missing packages, and no secret anywhere."""

import importlib.util
import logging
import pickle
import traceback
from contextlib import nullcontext
from pathlib import Path

import fsspec
import pyarrow.fs
import pytest
from fsspec.implementations.arrow import ArrowFSWrapper
from fsspec.implementations.cached import SimpleCacheFileSystem
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem

from lakestore.errors import ErrorKind, InvalidInputError, LakestoreError
from lakestore.storage.fsspec_store import open_store, store_of
from lakestore.storage.local_store import LocalStore
from lakestore.storage.lock import LockedStore
from lakestore.storage.memory_store import MemoryStore
from lakestore.storage.object_store import S3, ObjectStore
from lakestore.storage.redact import Redactor
from tests import s3
from tests.s3 import s3_bucket  # noqa: F401 - a fixture

CANARY = "canary-5e9f2c71"


class NoLock:
    def hold(self, path):
        return nullcontext()


def test_local_spellings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    here = str(tmp_path)
    for location, path in {
        "./wh": f"{here}/wh",
        "wh/": f"{here}/wh",
        ".": here,
        "a/../wh": f"{here}/wh",
        f"file://{here}/wh": f"{here}/wh",
        f"local://{here}/wh/": f"{here}/wh",
        f"file:{here}/wh": f"{here}/wh",
        "~/wh": "/home/somebody/wh",
        "with space and é": f"{here}/with space and é",
        "100%25": f"{here}/100%25",
    }.items():
        store, found = open_store(location)
        assert isinstance(store, LocalStore)
        assert found == path, location
    assert open_store(Path("wh"))[1] == f"{here}/wh"
    assert open_store("/")[1] == ""


def test_links_in_the_location_stay(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    store, path = open_store(tmp_path / "link" / "wh")
    assert path == f"{tmp_path}/link/wh"
    store.put(f"{path}/file", b"x")
    assert (tmp_path / "real" / "wh" / "file").read_bytes() == b"x"


def test_memory_is_shared_with_fsspec():
    store, root = open_store("memory://lakestore-test/wh")
    assert isinstance(store, MemoryStore)
    assert root == "/lakestore-test/wh"
    store.put(f"{root}/x", b"ours")
    theirs = fsspec.filesystem("memory")
    assert theirs.cat_file("/lakestore-test/wh/x") == b"ours"
    theirs.pipe_file("/lakestore-test/wh/y", b"theirs")
    assert store.get(f"{root}/y") == b"theirs"
    assert [file.name for file in open_store("memory:///lakestore-test/wh/")[0].list(root)] == ["x", "y"]
    theirs.rm("/lakestore-test", recursive=True)
    assert store.list(root) == []


@pytest.mark.parametrize("location", ["", "  ", "a\0b", "memory://a/../b", "memory://a/./b"])
def test_senseless_locations(location):
    with pytest.raises(InvalidInputError):
        open_store(location)


def test_unknown_protocol():
    with pytest.raises(InvalidInputError, match="nosuch"):
        open_store("nosuch://a/b")


@pytest.mark.parametrize(
    ("location", "package", "extra"),
    [("gs://b/k", "gcsfs", "gcs"), ("abfs://c/k", "adlfs", "azure"), ("s3://b/k", "s3fs", "s3")],
)
def test_missing_package(location, package, extra):
    if importlib.util.find_spec(package) is not None:
        pytest.skip(f"{package} is installed")
    with pytest.raises(InvalidInputError) as caught:
        open_store(location)
    assert caught.value.kind is ErrorKind.MISSING_DEPENDENCY
    assert f"pip install 'lakestore[{extra}]'" in str(caught.value)


def test_filesystems_handed_in(tmp_path):
    store, path = open_store(f"{tmp_path}/wh/", filesystem=LocalFileSystem())
    assert isinstance(store, LocalStore)
    assert path == f"{tmp_path}/wh"
    nested = DirFileSystem(path="b", fs=DirFileSystem(path=str(tmp_path), fs=LocalFileSystem()))
    assert open_store("wh", filesystem=nested)[1] == f"{tmp_path}/b/wh"
    memory, root = open_store("/x/wh", filesystem=DirFileSystem(path="/top", fs=fsspec.filesystem("memory")))
    assert (type(memory), root) == (MemoryStore, "/top/x/wh")


def test_refused_filesystems(tmp_path):
    local = LocalFileSystem()
    for filesystem in (
        pyarrow.fs.LocalFileSystem(),
        SimpleCacheFileSystem(fs=local, cache_storage=str(tmp_path)),
        DirFileSystem(path="/x", fs=local),
        "not a filesystem",
    ):
        with pytest.raises(InvalidInputError):
            store_of(filesystem)
    with pytest.raises(InvalidInputError) as caught:
        open_store("simplecache::memory://x")
    assert caught.value.kind is ErrorKind.STORE_NOT_SAFE


def test_wrappers_that_cannot_create_atomically_read_only(tmp_path):
    wrapped = ArrowFSWrapper(pyarrow.fs.LocalFileSystem())
    store = store_of(wrapped)
    store.put(f"{tmp_path}/x", b"x")
    assert store.get(f"{tmp_path}/x") == b"x"
    with pytest.raises(InvalidInputError) as caught:
        store.put_if_absent(f"{tmp_path}/y", b"y")
    assert caught.value.kind is ErrorKind.STORE_NOT_SAFE
    locked = store_of(wrapped, lock=NoLock())
    locked.put_if_absent(f"{tmp_path}/y", b"y")
    assert locked.get(f"{tmp_path}/y") == b"y"


def test_a_lock_is_used(tmp_path):
    store, _ = open_store(tmp_path, lock=NoLock())
    assert isinstance(store, LockedStore)


class FakeS3(fsspec.AbstractFileSystem):
    protocol = ("s3", "s3a")
    cachable = False

    def __init__(self, endpoint_url=None, **options):
        super().__init__(**options)
        self.endpoint_url = endpoint_url
        self.client_kwargs = options.get("client_kwargs")

    async def _cat_file(self, path, start=None, end=None):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("endpoint", "proven"),
    [
        (None, True),
        ("https://s3.eu-west-1.amazonaws.com", True),
        ("https://s3.cn-north-1.amazonaws.com.cn", True),
        ("http://127.0.0.1:9000", False),
        ("https://amazonaws.com.evil.example", False),
    ],
)
def test_only_amazon_is_trusted_without_a_probe(endpoint, proven):
    assert ObjectStore(FakeS3(endpoint_url=endpoint), S3)._proven is proven
    assert ObjectStore(FakeS3(client_kwargs={"endpoint_url": endpoint}), S3)._proven is proven


def test_googles_s3_endpoint_is_refused():
    store = ObjectStore(FakeS3(endpoint_url="https://storage.googleapis.com"), S3)
    with pytest.raises(InvalidInputError, match="gs://") as caught:
        store.put_if_absent("b/k", b"x")
    assert caught.value.kind is ErrorKind.STORE_NOT_SAFE


@pytest.mark.parametrize(("package", "found"), [("s3fs", "2025.5.1"), ("botocore", "1.35.20"), ("botocore", "1.9")])
def test_old_clients_are_refused(monkeypatch, package, found):
    from lakestore.storage import object_store

    real = object_store.version
    monkeypatch.setattr(object_store, "version", lambda name: found if name == package else real(name))
    with pytest.raises(InvalidInputError, match=f"{package} {found}") as caught:
        ObjectStore(FakeS3(), S3).put_if_absent("b/k", b"x")
    assert caught.value.kind is ErrorKind.STORE_NOT_SAFE


@pytest.mark.parametrize("found", ["2025.7.0", "2026.1.0rc1", "2030.1"])
def test_new_clients_are_not(monkeypatch, found):
    from lakestore.storage import object_store

    real = object_store.version
    monkeypatch.setattr(object_store, "version", lambda name: found if name == "s3fs" else real(name))
    assert ObjectStore(FakeS3(), S3)._refusal is None


# Secrets.


def test_the_redactor():
    redact = Redactor(
        {
            "key": f"{CANARY}-key",
            "client_kwargs": {"aws_secret_access_key": f"{CANARY}/+nested", "region_name": "eu-west-1"},
            "token": b"" + f"{CANARY}-bytes".encode(),
            "password": "abc",
            "anon": True,
            "credentials": {"private": f"{CANARY}-deep"},
            "gcs_token": "anon",
        }
    )
    for text in (
        f"failed with {CANARY}-key",
        f"{CANARY}/+nested",
        f"x{CANARY}-bytes",
        f"{CANARY}-deep",
        f"sftp://user:{CANARY}@host/path",
        f"https://a.blob.core.windows.net/c/b?sv=2&sig={CANARY}",
        f"AccountName=a;AccountKey={CANARY};",
        f"SharedAccessSignature={CANARY}",
    ):
        assert CANARY not in redact(text)
    assert redact("s3://bucket/key=1/canonical eu-west-1 abc") == "s3://bucket/key=1/canonical eu-west-1 abc"
    assert CANARY not in repr(redact)


def everything_shown(error):
    return "".join(traceback.format_exception(error)) + repr(error) + str(error.__dict__)


def test_no_secret_in_anything_shown(s3_bucket, caplog):  # noqa: F811
    caplog.set_level(logging.DEBUG, logger="lakestore")
    store, root = s3_bucket.open("wh")
    shown = [repr(store), str(store), store.url, store.endpoint, root]
    store.put_if_absent(f"{root}/x", b"x")
    for failing in (
        lambda: store.get(f"{root}/none"),
        lambda: store.put_if_absent(f"{root}/x", b"y"),
        lambda: store.put("no-such-bucket/x", b"x"),
        lambda: store.put("bucket-name-that-is-not-ok!!/x", b"x"),
    ):
        with pytest.raises(LakestoreError) as caught:
            failing()
        shown.append(everything_shown(caught.value))
    for text in shown:
        assert s3.SECRET not in text
        assert s3.KEY not in text
    assert s3.SECRET not in caplog.text


def test_no_secret_when_the_location_is_wrong():
    for location, options in (
        (f"nosuch://user:{CANARY}@host/x", None),
        (f"s3://key:{CANARY}@bucket/x", None),
        ("s3://b/k", {"key": "k", "username": "u", "secret": CANARY}),
        ("s3://b/k", {"max_concurrency": 0, "secret": CANARY}),
    ):
        with pytest.raises(InvalidInputError) as caught:
            open_store(location, storage_options=options)
        assert CANARY not in everything_shown(caught.value)


def test_a_store_that_may_hold_credentials_is_not_pickled(s3_bucket):  # noqa: F811
    store, _ = s3_bucket.open("wh")
    with pytest.raises(TypeError):
        pickle.dumps(store)
    assert isinstance(pickle.loads(pickle.dumps(LocalStore())), LocalStore)


def test_listings_of_a_filesystem_with_a_cache_are_fresh(s3_bucket):  # noqa: F811
    cached = fsspec.filesystem("s3", use_listings_cache=True, skip_instance_cache=True, **s3_bucket.options)
    ours, root = open_store(f"{s3_bucket.name}/wh", filesystem=cached)
    other, _ = s3_bucket.open("wh")
    other.put(f"{root}/s/snapshot-1", b"x")
    assert len(ours.list(f"{root}/s")) == 1
    cached.ls(f"{root}/s")
    other.put(f"{root}/s/snapshot-2", b"x")
    other.put(f"{root}/d/x", b"x")
    assert len(cached.ls(f"{root}/s")) == 1, "the cache is on"
    assert len(ours.list(f"{root}/s")) == 2
    assert ours.info(f"{root}/s/snapshot-2") is not None
    cached.ls(root)
    assert ours.list_directories(root) == ["d", "s"]
    assert len(list(ours.list_recursive(root))) == 3
    other.delete(f"{root}/s/snapshot-1")
    assert ours.info(f"{root}/s/snapshot-1") is None
    assert [file.name for file in ours.list(f"{root}/s")] == ["snapshot-2"]


def test_each_small_call_is_one_request(s3_bucket):  # noqa: F811
    store, root = s3_bucket.open("wh")
    store.put_if_absent(f"{root}/warm", b"x")
    filesystem = store._filesystem
    requests = []
    real = filesystem._call_s3

    async def counted(method, *arguments, **keywords):
        requests.append(method)
        return await real(method, *arguments, **keywords)

    filesystem._call_s3 = counted
    try:
        for call, expected in (
            (lambda: store.put(f"{root}/x", b"x" * 100_000), ["put_object"]),
            (lambda: store.put_if_absent(f"{root}/y", b"x"), ["put_object"]),
            (lambda: store.get(f"{root}/x"), ["get_object"]),
            (lambda: store.get_or_none(f"{root}/none"), ["get_object"]),
            (lambda: store.info(f"{root}/x"), ["head_object"]),
            (lambda: store.list(root), ["list_objects_v2"]),
            (lambda: list(store.list_recursive(root)), ["list_objects_v2"]),
            (lambda: store.open_input(f"{root}/x", size=100_000).read(), ["get_object"]),
            (lambda: write_small(store, f"{root}/z"), ["put_object"]),
            (lambda: store.delete(f"{root}/x"), ["delete_object"]),
        ):
            requests.clear()
            call()
            assert requests == expected
    finally:
        del filesystem._call_s3


def write_small(store, path):
    with store.open_output(path) as output:
        output.sink.write(b"x" * 1_000_000)


def test_an_upload_that_is_given_up_leaves_no_parts(s3_bucket):  # noqa: F811
    store, root = s3_bucket.open("wh")
    with pytest.raises(KeyError), store.open_output(f"{root}/big") as output:
        for _ in range(20):
            output.sink.write(b"x" * 1_000_000)
        raise KeyError
    del output
    assert store.list(root) == []
    assert store._filesystem.call_s3("list_multipart_uploads", Bucket=s3_bucket.name).get("Uploads", []) == []
