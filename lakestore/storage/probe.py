"""Does a store honour the condition of ``put_if_absent``? Some S3 work-alikes ignore it without a word.

1. Put an object of a fresh name, if absent. 2. Put other bytes under the same name, if absent: this must fail.
3. Read it back: it must hold the first bytes. 4. Remove it.

The verdict is kept in the process for the endpoint and bucket, never in a table: a table may be moved.
"""

from collections.abc import Callable

from lakestore.env import random_uuid
from lakestore.errors import AlreadyExistsError, ErrorKind, InvalidInputError, StorageError
from lakestore.storage.store import Store

_FIRST = b"lakestore probe: first writer"
_SECOND = b"lakestore probe: second writer"
_PROBE_PREFIX = ".lakestore-probe-"

_honoured: set[tuple[str, str, str]] = set()
"""Endpoints and buckets that passed. Verdicts only ever arrive, so that threads need no lock."""


def probe_put_if_absent(store: Store, directory: str, *, new_id: Callable[[], str] = random_uuid) -> None:
    """Make sure that the store honours the condition, once per endpoint and bucket in this process.

    Args:
        store: The store.
        directory: Folder for the probe object, which is removed again.
        new_id: Draws the probe's name.

    Raises:
        InvalidInputError: The condition is ignored (kind STORE_NOT_SAFE), or the store refuses to commit at all.
        StorageError: The store did not answer.
    """
    key = (store.url, store.endpoint, directory.strip("/").partition("/")[0])
    if key in _honoured:
        return
    path = f"{directory}/{_PROBE_PREFIX}{new_id()}"
    try:
        if not _second_writer_loses(store, path):
            raise InvalidInputError(
                f"{store.url}{directory}: this store ignores the condition of a conditional write: a second writer"
                " replaced the file of the first. Two commits could both believe that they made the same snapshot,"
                " and one would be lost; reading works. Use a store that honours 'If-None-Match: *', or hand in a"
                " lock that all writers share when connecting",
                kind=ErrorKind.STORE_NOT_SAFE,
            )
    finally:
        _remove(store, path)
    _honoured.add(key)


def forget_verdicts() -> None:
    """Probe every store anew; for tests."""
    _honoured.clear()


def _second_writer_loses(store: Store, path: str) -> bool:
    try:
        store.put_if_absent(path, _FIRST)
    except AlreadyExistsError:
        # A retry under us may have met its own first try; the bytes tell.
        if store.get(path) != _FIRST:
            raise
    try:
        store.put_if_absent(path, _SECOND)
    except AlreadyExistsError:
        return store.get(path) == _FIRST
    return False


def _remove(store: Store, path: str) -> None:
    try:
        store.delete(path)
    except StorageError:
        # A leftover probe is harmless, and the verdict matters more.
        return
