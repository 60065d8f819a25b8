"""A store around another: every call goes through one method, which wrappers replace."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from lakestore.storage.store import FileInfo, FileList, NameList, OutputFile, Store

T = TypeVar("T")


class WrappedStore(Store):
    """Passes every call on.

    Args:
        inner: The store that does the work.
    """

    def __init__(self, inner: Store) -> None:
        self._inner = inner

    @property
    def url(self) -> str:
        """Prefix for messages."""
        return self._inner.url

    @property
    def endpoint(self) -> str:
        """What tells the inner store from others of its kind."""
        return self._inner.endpoint

    def _call(self, operation: str, path: str, action: Callable[[], T]) -> T:
        """Do one call on the inner store.

        Args:
            operation: The store's method; for pieces of open files ``read``, ``write`` and ``finish``.
            path: The file or folder.
            action: The call.
        """
        del operation, path
        return action()

    def get(self, path: str) -> bytes:
        """All bytes of a file."""
        return self._call("get", path, lambda: self._inner.get(path))

    def get_or_none(self, path: str) -> bytes | None:
        """All bytes of a file, None when there is none; counted as ``get``."""
        return self._call("get", path, lambda: self._inner.get_or_none(path))

    def put(self, path: str, data: bytes) -> None:
        """Write a file."""
        self._call("put", path, lambda: self._inner.put(path, data))

    def put_if_absent(self, path: str, data: bytes) -> None:
        """Write a file, unless there is one."""
        self._call("put_if_absent", path, lambda: self._inner.put_if_absent(path, data))

    def list(self, directory: str) -> FileList:
        """The files directly in a folder."""
        return self._call("list", directory, lambda: self._inner.list(directory))

    def list_recursive(self, directory: str) -> Iterator[FileInfo]:
        """The files in a folder and all below it."""
        return self._call("list_recursive", directory, lambda: self._inner.list_recursive(directory))

    def list_directories(self, directory: str) -> NameList:
        """Names of the folders directly in a folder."""
        return self._call("list_directories", directory, lambda: self._inner.list_directories(directory))

    def info(self, path: str) -> FileInfo | None:
        """What the store knows about a file."""
        return self._call("info", path, lambda: self._inner.info(path))

    def delete(self, path: str) -> None:
        """Remove a file."""
        self._call("delete", path, lambda: self._inner.delete(path))

    def remove_empty_folder(self, directory: str) -> None:
        """Remove a folder that has nothing in it."""
        self._call("remove_empty_folder", directory, lambda: self._inner.remove_empty_folder(directory))

    def open_input(self, path: str, *, size: int | None = None) -> Any:  # noqa: ANN401 - pyarrow has no types
        """Read anywhere in a file."""
        return self._call("open_input", path, lambda: self._inner.open_input(path, size=size))

    def open_output(self, path: str) -> OutputFile:
        """Write a file piece by piece."""
        return self._call("open_output", path, lambda: self._inner.open_output(path))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._inner!r})"
