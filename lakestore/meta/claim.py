"""Making a file that only one may make, when answers can be lost.

1. Put the bytes under the path, if it is free.
2. When it is taken, or the answer was lost, read it back. Our own bytes: done. Others: lost, for certain.
3. Nothing there: put the same bytes again, for the lost write may still land.

Invariant: nothing is ever left without knowing whether it was made, but with ``CommitUnknownError``; nothing is
deleted.
"""

from collections.abc import Callable

from lakestore.errors import AlreadyExistsError, CommitUnknownError, StorageError
from lakestore.storage.store import Store

PUT_TRIES = 5
"""How often the same bytes are put under the same path while nobody holds it."""


def claim(store: Store, path: str, data: bytes, *, unknown: Callable[[], CommitUnknownError]) -> bool:
    """Put a file that is taken only by these bytes or by another's.

    Args:
        store: Where the table is.
        path: Path of the file.
        data: Its bytes.
        unknown: Makes the error for an outcome that nobody can know.

    Returns:
        Whether it is there now; False means for certain that another's bytes are.

    Raises:
        CommitUnknownError: The store does not say whether it was made.
        StorageError: The store failed before anything could land.
    """
    doubt: StorageError | None = None
    for _ in range(PUT_TRIES):
        try:
            store.put_if_absent(path, data)
        except AlreadyExistsError:
            found = _read_back(store, path, unknown)
        except StorageError as error:
            if not error.transient and doubt is None:
                raise
            doubt = error
            found = _read_back(store, path, unknown)
        else:
            return True
        if found is not None:
            return found == data
    raise unknown() from doubt


def _read_back(store: Store, path: str, unknown: Callable[[], CommitUnknownError]) -> bytes | None:
    try:
        return store.get_or_none(path)
    except StorageError as error:
        raise unknown() from error
