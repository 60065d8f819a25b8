"""What client libraries raise, told apart: absent, taken, refused, unknown, broken."""

import errno

import fsspec
import pytest

from lakestore.errors import AlreadyExistsError, ErrorKind, InvalidInputError, NotFoundError, StorageError
from lakestore.storage.failures import CREATE, DELETE, LIST, READ, WRITE, translate
from lakestore.storage.fsspec_store import store_of
from lakestore.storage.object_store import S3, ObjectStore

botocore = pytest.importorskip("botocore.exceptions")
aiohttp = pytest.importorskip("aiohttp")
s3fs_errors = pytest.importorskip("s3fs.errors")


def answer(code, status, **more):
    """What s3fs makes of an answer of S3."""
    response = {
        "Error": {"Code": code, "Message": f"said {code}", **more},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return s3fs_errors.translate_boto_error(botocore.ClientError(response, "PutObject"))


def told(error, operation):
    return translate(error, operation=operation, where="s3://b/k")


@pytest.mark.parametrize(
    "error",
    [
        answer("PreconditionFailed", 412, Condition="If-None-Match"),
        answer("PreconditionFailed", 412),
        answer("412", 412),
        FileExistsError("k"),
    ],
)
def test_a_failed_condition_is_taken(error):
    assert type(told(error, CREATE)) is AlreadyExistsError
    assert type(told(error, WRITE)) is StorageError


@pytest.mark.parametrize(
    "error",
    [
        answer("ConditionalRequestConflict", 409),
        answer("OperationAborted", 409),
        answer("SlowDown", 503),
        answer("ServiceUnavailable", 503),
        answer("InternalError", 500),
        answer("RequestTimeout", 400),
        answer("503", 503),
        TimeoutError("read"),
        TimeoutError(),
        fsspec.exceptions.FSTimeoutError(),
        ConnectionResetError(errno.ECONNRESET, "reset"),
        OSError(errno.EPIPE, "pipe"),
        botocore.EndpointConnectionError(endpoint_url="http://x"),
        botocore.ConnectTimeoutError(endpoint_url="http://x"),
        botocore.ReadTimeoutError(endpoint_url="http://x"),
        botocore.ConnectionClosedError(endpoint_url="http://x"),
        aiohttp.ServerDisconnectedError(),
        aiohttp.ClientPayloadError("half"),
    ],
)
@pytest.mark.parametrize("operation", [READ, WRITE, CREATE, LIST, DELETE])
def test_no_answer_is_neither_absent_nor_taken(error, operation):
    ours = told(error, operation)
    assert type(ours) is StorageError
    assert ours.transient


@pytest.mark.parametrize(
    "error",
    [
        answer("AccessDenied", 403),
        answer("403", 403),
        answer("InvalidAccessKeyId", 403),
        answer("SignatureDoesNotMatch", 403),
        PermissionError(errno.EACCES, "no"),
        botocore.NoCredentialsError(),
    ],
)
@pytest.mark.parametrize("operation", [READ, WRITE, CREATE, LIST, DELETE])
def test_a_refusal_is_neither_absent_nor_transient(error, operation):
    ours = told(error, operation)
    assert type(ours) is StorageError
    assert not ours.transient


@pytest.mark.parametrize("error", [answer("NoSuchKey", 404), answer("404", 404), FileNotFoundError("k")])
def test_absence_is_known_when_reading(error):
    assert type(told(error, READ)) is NotFoundError
    assert type(told(error, WRITE)) is StorageError


def test_unknown_codes_are_permanent():
    for error in (answer("SomethingNew", 400), OSError(errno.ENOSPC, "full"), answer("NoSuchBucket", 404)):
        ours = told(error, WRITE)
        assert type(ours) is StorageError
        assert not ours.transient


class Http(Exception):
    def __init__(self, code):
        super().__init__(f"http {code}")
        self.code = code


Http.__module__ = "gcsfs.retry"


class AzureHttp(Exception):
    status_code = 503


AzureHttp.__module__ = "azure.core.exceptions"


def test_other_libraries_statuses_count():
    assert told(Http(503), READ).transient
    assert told(Http("429"), READ).transient
    assert type(told(Http(412), CREATE)) is AlreadyExistsError
    assert not told(Http(403), READ).transient
    assert type(told(Http(404), READ)) is NotFoundError
    assert told(AzureHttp(), READ).transient


def test_defects_of_the_program_pass():
    for error in (TypeError("x"), KeyError("x"), ValueError("x"), ZeroDivisionError()):
        assert told(error, READ) is None
    store = store_of(Stub(KeyError("bug")))
    with pytest.raises(KeyError):
        store.get("b/k")


class Stub(fsspec.AbstractFileSystem):
    """A filesystem whose every call raises one error, or answers what it is told to."""

    protocol = "stub"
    cachable = False

    def __init__(self, error, **options):
        super().__init__(**options)
        self.error = error

    def cat_file(self, path, start=None, end=None, **keywords):
        raise self.error

    def pipe_file(self, path, value, mode="overwrite", **keywords):
        raise self.error

    def ls(self, path, detail=True, **keywords):
        raise self.error

    def info(self, path, **keywords):
        raise self.error

    def find(self, path, **keywords):
        raise self.error

    def rm_file(self, path):
        raise self.error

    def makedirs(self, path, exist_ok=False):
        raise AssertionError("made a folder or bucket")


CALLS = {
    "get": lambda store: store.get("b/k"),
    "get_or_none": lambda store: store.get_or_none("b/k"),
    "info": lambda store: store.info("b/k"),
    "list": lambda store: store.list("b"),
    "list_recursive": lambda store: list(store.list_recursive("b")),
    "list_directories": lambda store: store.list_directories("b"),
    "open_input": lambda store: store.open_input("b/k"),
    "open_input_sized": lambda store: store.open_input("b/k", size=10),
    "put": lambda store: store.put("b/k", b"x"),
    "put_if_absent": lambda store: store.put_if_absent("b/k", b"x"),
    "delete": lambda store: store.delete("b/k"),
}


def s3_like(error):
    return ObjectStore(Stub(error), S3, proven=True)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("error", [answer("AccessDenied", 403), answer("SlowDown", 503), TimeoutError()])
def test_no_call_takes_a_refusal_or_a_timeout_for_absence(call, error):
    with pytest.raises(StorageError) as caught:
        CALLS[call](s3_like(error))
    assert caught.value.transient == (not isinstance(error, PermissionError))


def test_put_if_absent_on_an_object_store():
    with pytest.raises(AlreadyExistsError):
        CALLS["put_if_absent"](s3_like(answer("PreconditionFailed", 412)))
    with pytest.raises(StorageError) as caught:
        CALLS["put_if_absent"](s3_like(answer("ConditionalRequestConflict", 409)))
    assert caught.value.transient


def test_a_missing_bucket_is_not_made():
    for call in ("put", "put_if_absent"):
        with pytest.raises(StorageError, match="bucket"):
            CALLS[call](s3_like(answer("NoSuchBucket", 404, Message="no such bucket")))


def test_a_write_that_is_refused_half_way_leaves_nothing_open():
    store = s3_like(TimeoutError())
    with pytest.raises(StorageError), store.open_output("b/k") as output:
        output.sink.write(b"x" * 100)


def test_an_unknown_filesystem_reads_but_does_not_commit():
    store = store_of(Stub(FileNotFoundError("k")))
    assert store.get_or_none("b/k") is None
    with pytest.raises(InvalidInputError) as caught:
        store.put_if_absent("b/k", b"x")
    assert caught.value.kind is ErrorKind.STORE_NOT_SAFE
    assert "lock" in str(caught.value)


def test_errors_pickle():
    import pickle

    error = told(answer("SlowDown", 503), READ)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.transient) == (StorageError, str(error), True)
