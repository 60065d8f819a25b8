"""Commits under a lock, for stores that cannot create a file atomically.

The lock must be shared by every writer of the table, on every machine and in every engine. LakeStore trusts it: a
lock that lets two writers in loses commits.
"""

from contextlib import AbstractContextManager
from typing import Protocol

from lakestore.errors import AlreadyExistsError, ErrorKind, InvalidInputError
from lakestore.storage.store import Store
from lakestore.storage.wrapped import WrappedStore


class CommitLock(Protocol):
    """A mutual exclusion that the user brings, such as a row in a database or a lease."""

    def hold(self, path: str) -> AbstractContextManager[object]:
        """Keep all other writers out while the context is open.

        Args:
            path: The file to be made, in the store's spelling; locking its table is enough.
        """
        ...


class LockedStore(WrappedStore):
    """A store that creates files under a lock.

    Under the lock, a store that can create atomically still does; any other looks whether the file exists and then
    writes it.

    Args:
        inner: The store.
        lock: The lock that all writers share.
    """

    def __init__(self, inner: Store, lock: CommitLock) -> None:
        super().__init__(inner)
        self._lock = lock

    @property
    def endpoint(self) -> str:
        """The inner store's, marked: what a probe finds under the lock says nothing about the store without it."""
        return f"{self._inner.endpoint} under a lock"

    def put_if_absent(self, path: str, data: bytes) -> None:
        """Write a file unless there is one, with all other writers kept out."""
        with self._lock.hold(path):
            try:
                self._inner.put_if_absent(path, data)
            except InvalidInputError as error:
                if error.kind is not ErrorKind.STORE_NOT_SAFE:
                    raise
                self._put_unless_there(path, data)

    def _put_unless_there(self, path: str, data: bytes) -> None:
        if self._inner.info(path) is not None:
            raise AlreadyExistsError(f"{self.url}{path}: there is a file of that name already")
        self._inner.put(path, data)
