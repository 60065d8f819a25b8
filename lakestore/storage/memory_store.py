"""``memory://``: the process's own memory, shared with fsspec's filesystem of that name.

fsspec's calls check for existence and then write, and readers of one file share its position, so its dictionary is
used directly: an entry is replaced whole, and creation is settled under one lock.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pyarrow as pa
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem

from lakestore.errors import AlreadyExistsError, NotFoundError
from lakestore.storage.parallel import Mutex
from lakestore.storage.store import FileInfo, FileList, NameList, OutputFile, Store

_URL = "memory://"
_creating = Mutex()
"""Held while a file is made; for all memory filesystems, since they may share files."""


class MemoryStore(Store):
    """Files in memory.

    Args:
        filesystem: fsspec's filesystem that holds the files.
    """

    __slots__ = ("_filesystem",)

    url = _URL
    endpoint = ""

    def __init__(self, filesystem: MemoryFileSystem | None = None) -> None:
        self._filesystem = MemoryFileSystem() if filesystem is None else filesystem

    def get(self, path: str) -> bytes:
        """All bytes of a file."""
        data = self.get_or_none(path)
        if data is None:
            raise NotFoundError(f"{_URL}{path}: no such file")
        return data

    def get_or_none(self, path: str) -> bytes | None:
        """All bytes of a file, None when there is none."""
        file = self._files.get(path)
        return None if file is None else bytes(file.getvalue())

    def put(self, path: str, data: bytes) -> None:
        """Write a file, in place of any that is there."""
        file = self._file(path, data)
        with _creating:
            self._files[path] = file

    def put_if_absent(self, path: str, data: bytes) -> None:
        """Write a file, unless there is one."""
        file = self._file(path, data)
        with _creating:
            if path in self._files:
                raise AlreadyExistsError(f"{_URL}{path}: there is a file of that name already")
            self._files[path] = file

    def list(self, directory: str) -> FileList:
        """The files directly in a folder, by name."""
        start = len(directory) + 1
        return [file for file in self.list_recursive(directory) if "/" not in file.path[start:]]

    def list_recursive(self, directory: str) -> Iterator[FileInfo]:
        """The files in a folder and all below it."""
        prefix = directory + "/"
        for path, file in sorted(self._snapshot().items()):
            if path.startswith(prefix):
                yield _info(path, file)

    def list_directories(self, directory: str) -> NameList:
        """Names of the folders directly in a folder, sorted."""
        prefix = directory + "/"
        below = (path[len(prefix) :] for path in self._snapshot() if path.startswith(prefix))
        return sorted({rest.partition("/")[0] for rest in below if "/" in rest})

    def info(self, path: str) -> FileInfo | None:
        """Size and time of a file."""
        file = self._files.get(path)
        return None if file is None else _info(path, file)

    def delete(self, path: str) -> None:
        """Remove a file."""
        with _creating:
            self._files.pop(path, None)

    def remove_empty_folder(self, directory: str) -> None:
        """Nothing: a folder is what its files' paths begin with."""

    def open_input(self, path: str, *, size: int | None = None) -> Any:  # noqa: ANN401 - pyarrow has no types
        """A ``pyarrow.BufferReader``."""
        del size
        return pa.BufferReader(self.get(path))

    def open_output(self, path: str) -> OutputFile:
        """Write a file that appears when it is finished."""
        if path in self._files:
            raise AlreadyExistsError(f"{_URL}{path}: there is a file of that name already")
        return _MemoryOutput(self, path)

    @property
    def _files(self) -> dict[str, MemoryFile]:
        files: dict[str, MemoryFile] = self._filesystem.store
        return files

    def _snapshot(self) -> dict[str, MemoryFile]:
        # One step for other threads, as iterating the live dictionary is not.
        return self._files.copy()

    def _file(self, path: str, data: bytes) -> MemoryFile:
        return MemoryFile(self._filesystem, path, bytes(data))

    def __repr__(self) -> str:
        return "MemoryStore()"


class _MemoryOutput(OutputFile):
    def __init__(self, store: MemoryStore, path: str) -> None:
        self._store = store
        self._buffer = pa.BufferOutputStream()
        super().__init__(path, self._buffer)

    def _finish(self) -> int:
        data: bytes = self._buffer.getvalue().to_pybytes()
        self._store.put(self.path, data)
        return len(data)

    def _discard(self) -> None:
        self._buffer.close()


def _info(path: str, file: BytesIO) -> FileInfo:
    modified = getattr(file, "modified", None)
    milliseconds = None if modified is None else int(modified.timestamp() * 1000)
    return FileInfo(path, file.getbuffer().nbytes, milliseconds)
