"""What LakeStore asks of storage, and nothing more.

Paths are strings of the store's own filesystem: ``/data/wh/db.db/t`` on disk and in memory, ``bucket/wh/db.db/t``
in an object store. ``/`` parts them everywhere.

Every store keeps these promises, whatever the backend:
1. ``put`` and ``put_if_absent`` are whole: a reader sees the old content, nothing, or all of the new content.
2. ``put_if_absent`` is atomic: of any number of callers for one path, on any machine, at most one makes the file.
3. When a write has returned, the bytes survive a crash of the machine (as far as the backend keeps its word).
4. Absence is proven: "not found" is never made of a refused, failed or timed-out request, nor of a stale cache.
5. No error is raw: all are of ``lakestore.errors``, and none shows a secret.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

SMALL_FILE = 8 * 1024 * 1024
"""Bytes up to which a file in an object store is read or written with one request."""


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file as its folder lists it.

    Attributes:
        path: Full path in its store.
        size: Bytes.
        modified_ms: When it was last written, in milliseconds since the epoch; None when the store does not say.
    """

    path: str
    size: int
    modified_ms: int | None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


class OutputFile(ABC):
    """A file being written. Use it as a context manager, or call ``finish`` or ``discard`` yourself.

    Leaving the context normally makes the file durable and whole; leaving it by an exception leaves nothing behind.
    Closing the sink alone does neither.

    Attributes:
        path: Path of the file.
        sink: Where the bytes go: a ``pyarrow.NativeFile`` open for writing.
        size: Bytes of the finished file, 0 before.
    """

    def __init__(self, path: str, sink: Any) -> None:  # noqa: ANN401 - pyarrow has no types
        self.path = path
        self.sink = sink
        self.size = 0
        self._ended = False

    def finish(self) -> None:
        """Make the file durable and whole; a second call does nothing.

        When that fails, nothing stays, as far as the store can be reached.
        """
        if self._ended:
            return
        self._ended = True
        self.size = self._finish()

    def discard(self) -> None:
        """Leave nothing behind. Does nothing after ``finish``."""
        if self._ended:
            return
        self._ended = True
        self._discard()

    @abstractmethod
    def _finish(self) -> int:
        """Make the file durable and whole; its size."""

    @abstractmethod
    def _discard(self) -> None:
        """Leave nothing behind."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.finish()
        else:
            self.discard()


FileList = list[FileInfo]
NameList = list[str]
# A store has a method named list, so its class cannot spell these types itself.


class Store(Protocol):
    """A filesystem as tables need it. The promises are those of this module.

    Attributes:
        url: Prefix for messages: ``url + path`` tells people where a file is. Without secrets.
        endpoint: What tells this store from others of its kind, such as the host of an S3 endpoint; may be ''.
    """

    @property
    def url(self) -> str:
        """Prefix for messages."""
        ...

    @property
    def endpoint(self) -> str:
        """What tells this store from others of its kind."""
        ...

    def get(self, path: str) -> bytes:
        """All bytes of a file.

        Raises:
            NotFoundError: There is no such file (proven).
            StorageError: The store did not answer, or refused.
        """
        ...

    def get_or_none(self, path: str) -> bytes | None:
        """All bytes of a file, None when there is none (proven)."""
        ...

    def put(self, path: str, data: bytes) -> None:
        """Write a file, whole and durable, in place of any that is there; folders are made on demand."""
        ...

    def put_if_absent(self, path: str, data: bytes) -> None:
        """Write a file, whole, durable and atomically, unless there is one.

        Raises:
            AlreadyExistsError: There is one. It may be the caller's own: a retry below may have landed before.
            StorageError: With ``transient`` set, nobody knows whether the file was written: read it back.
            InvalidInputError: The store cannot promise atomic creation (kind STORE_NOT_SAFE).
        """
        ...

    def list(self, directory: str) -> FileList:
        """The files directly in a folder, by name; [] when there is no folder. Never from a cache."""
        ...

    def list_recursive(self, directory: str) -> Iterator[FileInfo]:
        """The files in a folder and all below it; none when there is no folder. Never from a cache."""
        ...

    def list_directories(self, directory: str) -> NameList:
        """Names of the folders directly in a folder, sorted; [] when there is no folder."""
        ...

    def info(self, path: str) -> FileInfo | None:
        """What the store knows about a file, None when there is none (proven)."""
        ...

    def delete(self, path: str) -> None:
        """Remove a file; that there is none is fine."""
        ...

    def remove_empty_folder(self, directory: str) -> None:
        """Remove a folder that has nothing in it; one that has, or that is not there, is left alone.

        Object stores have no folders and do nothing.
        """
        ...

    def open_input(self, path: str, *, size: int | None = None) -> Any:  # noqa: ANN401 - pyarrow has no types
        """A ``pyarrow.NativeFile`` for reading anywhere in a file; also a context manager.

        Args:
            path: Path of the file.
            size: Its size if known, which saves a request and lets small files be read at once.

        Raises:
            NotFoundError: There is no such file (proven); object stores may tell at the first read only.
        """
        ...

    def open_output(self, path: str) -> OutputFile:
        """Write a file piece by piece under a fresh name: nobody else may know the name yet.

        Raises:
            AlreadyExistsError: The name is taken, as far as the store can tell without a request.
        """
        ...
