"""From a path, a URL or a filesystem of fsspec to a store."""

import os
from collections.abc import Mapping
from typing import Any

import fsspec
from fsspec.implementations.cached import CachingFileSystem
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.storage.failures import READ, Guard
from lakestore.storage.local_store import LocalStore
from lakestore.storage.lock import CommitLock, LockedStore
from lakestore.storage.memory_store import MemoryStore
from lakestore.storage.object_store import ObjectStore, family_of
from lakestore.storage.redact import Redactor
from lakestore.storage.remote_store import RemoteStore
from lakestore.storage.store import Store

_EXTRA_OF_PROTOCOL = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "abfs": "azure",
    "abfss": "azure",
    "az": "azure",
}
_NO_USERINFO = frozenset({"s3", "s3a", "gs", "gcs"})
_LOCAL_PREFIXES = ("file://", "local://", "file:")


def open_store(
    url_or_path: "str | os.PathLike[str]",
    *,
    storage_options: Mapping[str, Any] | None = None,
    filesystem: fsspec.AbstractFileSystem | None = None,
    lock: CommitLock | None = None,
) -> tuple[Store, str]:
    """The store that a path or URL lies in, and its path there, without a slash at the end.

    Args:
        url_or_path: A local path (relative ones are taken from the working directory), ``file://…``, or a URL of any
            filesystem that fsspec knows; with ``filesystem``, a path in that.
        storage_options: What fsspec's filesystem takes, such as ``key`` and ``secret`` for S3.
        filesystem: A filesystem of fsspec that is open already.
        lock: A lock that all writers share, for stores that cannot create files atomically.

    Raises:
        InvalidInputError: The location makes no sense, its package is not installed (kind MISSING_DEPENDENCY), or
            the filesystem serves stale files.
    """
    text = os.fspath(url_or_path)
    if not text.strip() or "\0" in text:
        raise InvalidInputError(f"location {text!r}: expected a path or URL, such as './warehouse'")
    if filesystem is not None:
        filesystem, path = _unwrapped(filesystem, text)
    elif "://" not in text or text.startswith(_LOCAL_PREFIXES):
        return store_of(LocalFileSystem(), lock=lock), _local_path(text)
    else:
        filesystem, path = _connected(text, dict(storage_options or {}))
    store = store_of(filesystem, lock=lock)
    return store, _local_path(path) if isinstance(filesystem, LocalFileSystem) else _remote_path(path, store)


def store_of(filesystem: fsspec.AbstractFileSystem, *, lock: CommitLock | None = None) -> Store:
    """The store over a filesystem of fsspec.

    Raises:
        InvalidInputError: It is no filesystem of fsspec, or one that serves stale files.
    """
    store = _bare_store(filesystem)
    return store if lock is None else LockedStore(store, lock)


def _bare_store(filesystem: Any) -> Store:  # noqa: ANN401 - checked here
    if not isinstance(filesystem, fsspec.AbstractFileSystem):
        raise InvalidInputError(
            f"{type(filesystem).__module__}.{type(filesystem).__name__} is no fsspec filesystem; pass a URL, or wrap"
            " a pyarrow filesystem with fsspec.implementations.arrow.ArrowFSWrapper",
            kind=ErrorKind.INVALID_TYPE,
        )
    if isinstance(filesystem, CachingFileSystem):
        raise InvalidInputError(
            f"{type(filesystem).__name__} keeps copies of files, so that new snapshots would stay unseen; pass the"
            " filesystem below it",
            kind=ErrorKind.STORE_NOT_SAFE,
        )
    if isinstance(filesystem, DirFileSystem):
        raise InvalidInputError(
            "DirFileSystem changes paths; pass it as filesystem= together with the path in it, or pass the"
            " filesystem below it with the full path",
        )
    if isinstance(filesystem, LocalFileSystem):
        return LocalStore()
    if isinstance(filesystem, MemoryFileSystem):
        return MemoryStore(filesystem)
    family = family_of(filesystem)
    return RemoteStore(filesystem) if family is None else ObjectStore(filesystem, family)


def _unwrapped(filesystem: Any, path: str) -> tuple[Any, str]:  # noqa: ANN401 - any filesystem
    """The filesystem below any folder views, and the path there."""
    while isinstance(filesystem, DirFileSystem):
        path = f"{filesystem.path.rstrip('/')}/{path.strip('/')}"
        filesystem = filesystem.fs
    if isinstance(filesystem, fsspec.AbstractFileSystem):
        path = str(filesystem._strip_protocol(path))  # noqa: SLF001 - fsspec's own way to spell a path
    return filesystem, path


def _connected(url: str, options: dict[str, Any]) -> tuple[Any, str]:
    redact = Redactor(options)
    protocol = url.partition("://")[0].rpartition("::")[2]
    if protocol in _EXTRA_OF_PROTOCOL and "::" not in url:
        # Another process's files must be seen.
        options["use_listings_cache"] = False
    if protocol in _NO_USERINFO and "@" in url.partition("://")[2].partition("/")[0]:
        raise InvalidInputError(f"{redact(url)}: credentials do not belong in a URL; pass them as storage_options")
    try:
        with Guard(READ, url, redact=redact):
            filesystem, path = fsspec.core.url_to_fs(url, **options)
    except ImportError as error:
        # fsspec imports the package here, on first use.
        extra = _EXTRA_OF_PROTOCOL.get(protocol)
        remedy = f"pip install 'lakestore[{extra}]'" if extra else f"install its package ({error})"
        raise InvalidInputError(
            f"{redact(url)}: the package for {protocol}:// is not installed: {remedy}",
            kind=ErrorKind.MISSING_DEPENDENCY,
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        # The cause is left out: it may show the options.
        raise InvalidInputError(
            f"{redact(url)}: cannot open this location: {redact(str(error))}; check the URL and storage_options"
        ) from None
    return _unwrapped(filesystem, path)


def _local_path(text: str) -> str:
    for prefix in _LOCAL_PREFIXES:
        text = text.removeprefix(prefix)
    path = os.path.abspath(os.path.expanduser(text))  # noqa: PTH100, PTH111 - links must stay
    return path.replace(os.sep, "/").rstrip("/")


def _remote_path(path: str, store: Store) -> str:
    path = path.rstrip("/")
    if any(part in {".", ".."} for part in path.split("/")):
        raise InvalidInputError(
            f"{store.url}{path}: '.' and '..' are not resolved here; write the path without them",
            kind=ErrorKind.PATH_ESCAPE,
        )
    return path
