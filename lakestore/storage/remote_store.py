"""Any filesystem of fsspec: readable and writable, but not safe for commits.

Nothing here asks whether a file exists before reading it, and no listing is taken from a cache. Small files take one
request each way; larger ones are read by ranges and written in parts.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from fsspec import AbstractFileSystem

from lakestore.errors import ErrorKind, InvalidInputError, NotFoundError
from lakestore.storage.failures import DELETE, LIST, READ, WRITE, Guard
from lakestore.storage.redact import Redactor
from lakestore.storage.remote_files import RangeFile, RemoteOutput
from lakestore.storage.store import SMALL_FILE, FileInfo, FileList, NameList, OutputFile, Store

_TIME_KEYS = ("LastModified", "last_modified", "updated", "mtime", "modified", "created")


class RemoteStore(Store):
    """A filesystem of fsspec.

    Args:
        filesystem: The filesystem; its caches of listings are passed over.
        options: Storage options, to know which texts are secrets.
    """

    def __init__(self, filesystem: AbstractFileSystem, *, options: Mapping[str, object] | None = None) -> None:
        self._filesystem = filesystem
        given = getattr(filesystem, "storage_options", None) or {}
        self._redact = Redactor({**given, **(options or {})})
        protocol = filesystem.protocol
        self._protocol: str = protocol if isinstance(protocol, str) else protocol[0]
        self._host = str(given.get("host", "") or "")

    @property
    def url(self) -> str:
        """Prefix for messages."""
        return self._redact(f"{self._protocol}://{self._host}")

    @property
    def endpoint(self) -> str:
        """Host of the filesystem, when it has one."""
        return self._host

    def get(self, path: str) -> bytes:
        """All bytes of a file."""
        with self._guard(READ, path):
            return bytes(self._read_whole(path))

    def get_or_none(self, path: str) -> bytes | None:
        """All bytes of a file, None when there is none."""
        try:
            return self.get(path)
        except NotFoundError:
            return None

    def put(self, path: str, data: bytes) -> None:
        """Write a file in place of any that is there."""
        with self._guard(WRITE, path):
            self._write_whole(path, bytes(data))

    def put_if_absent(self, path: str, data: bytes) -> None:
        """Refuse: this filesystem cannot promise it."""
        del data
        raise self.not_safe(path, f"fsspec's {type(self._filesystem).__name__} cannot create a file atomically")

    def not_safe(self, path: str, reason: str) -> InvalidInputError:
        """The refusal to commit there."""
        return InvalidInputError(
            self._redact(
                f"{self.url}{path}: not safe for commits: {reason}, so two commits could both believe that they made"
                " the same snapshot and one would be lost; reading works. Keep the table on local disk, S3, Google"
                " Cloud Storage or Azure Blob Storage, or hand in a lock that all writers share when connecting"
            ),
            kind=ErrorKind.STORE_NOT_SAFE,
        )

    def list(self, directory: str) -> FileList:
        """The files directly in a folder, by name."""
        files = [self._file_info(entry) for entry in self._entries(directory) if entry["type"] == "file"]
        return sorted(files, key=lambda file: file.path)

    def list_recursive(self, directory: str) -> Iterator[FileInfo]:
        """The files in a folder and all below it."""
        with self._guard(LIST, directory):
            self._filesystem.invalidate_cache(directory)
            try:
                found = self._filesystem.find(directory, detail=True)
            except FileNotFoundError:
                return
        for _, entry in sorted(found.items()):
            if entry["type"] == "file" and _clean(entry["name"]) != directory:
                yield self._file_info(entry)

    def list_directories(self, directory: str) -> NameList:
        """Names of the folders directly in a folder, sorted."""
        folders = (entry for entry in self._entries(directory) if entry["type"] == "directory")
        return sorted({_clean(entry["name"]).rpartition("/")[2] for entry in folders})

    def info(self, path: str) -> FileInfo | None:
        """What the store knows about a file."""
        with self._guard(READ, path):
            self._filesystem.invalidate_cache(path.rpartition("/")[0])
            try:
                entry = self._filesystem.info(path)
            except (FileNotFoundError, NotADirectoryError):
                return None
        return self._file_info({**entry, "name": path}) if entry["type"] == "file" else None

    def delete(self, path: str) -> None:
        """Remove a file."""
        with self._guard(DELETE, path):
            try:
                self._filesystem.rm_file(path)
            except FileNotFoundError:
                return

    def remove_empty_folder(self, directory: str) -> None:
        """Remove a folder that has nothing in it, on filesystems that have folders."""
        if next(self._entries(directory), None) is not None:
            return
        with self._guard(DELETE, directory), suppress(FileNotFoundError, NotImplementedError):
            self._filesystem.rmdir(directory)

    def open_input(self, path: str, *, size: int | None = None) -> Any:  # noqa: ANN401 - pyarrow has no types
        """A whole small file in memory, or a file that is read by ranges."""
        if size is None:
            found = self.info(path)
            if found is None:
                raise NotFoundError(f"{self.url}{path}: no such file")
            size = found.size
        if size < SMALL_FILE:
            return pa.BufferReader(self.get(path))
        return pa.PythonFile(RangeFile(lambda start, end: self._read_range(path, start, end), size), mode="r")

    def open_output(self, path: str) -> OutputFile:
        """Write a file that appears when it is finished, in parts when it is large."""
        return RemoteOutput(
            path,
            guard=lambda: self._guard(WRITE, path),
            write_whole=lambda data: self._write_whole(path, data),
            open_parts=lambda: self._open_parts(path),
            delete=lambda: self.delete(path),
        )

    def _read_whole(self, path: str) -> bytes:
        data: bytes = self._filesystem.cat_file(path)
        return data

    def _read_range(self, path: str, start: int, end: int) -> bytes:
        with self._guard(READ, path):
            data: bytes = self._filesystem.cat_file(path, start=start, end=end)
            return data

    def _write_whole(self, path: str, data: bytes) -> None:
        self._in_folder(path, lambda: self._filesystem.pipe_file(path, data))

    def _open_parts(self, path: str) -> Any:  # noqa: ANN401 - fsspec has no types
        return self._in_folder(path, lambda: self._filesystem.open(path, "wb", block_size=SMALL_FILE))

    def _in_folder(self, path: str, write: Callable[[], Any]) -> Any:  # noqa: ANN401 - fsspec has no types
        """Write, making the folder first when that turns out to be needed."""
        try:
            return write()
        except FileNotFoundError:
            self._filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
            return write()

    def _list_options(self) -> dict[str, object]:
        """What makes ``ls`` of this filesystem look again."""
        return {}

    def _entries(self, directory: str) -> Iterator[Mapping[str, Any]]:
        with self._guard(LIST, directory):
            self._filesystem.invalidate_cache(directory)
            try:
                found = self._filesystem.ls(directory, detail=True, **self._list_options())
            except (FileNotFoundError, NotADirectoryError):
                return
        for entry in found:
            # A listing may hold the folder's own marker, or the file when the path is one.
            if _clean(entry["name"]).rpartition("/")[0] == directory:
                yield entry

    def _file_info(self, entry: Mapping[str, Any]) -> FileInfo:
        return FileInfo(_clean(entry["name"]), int(entry["size"] or 0), _modified_ms(entry))

    def _guard(self, operation: str, path: str) -> Guard:
        return Guard(operation, f"{self.url}{path}", redact=self._redact)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError("a store may hold credentials and is not pickled; open it again in the other process")


def _clean(name: str) -> str:
    return name.rstrip("/")


def _modified_ms(entry: Mapping[str, Any]) -> int | None:
    for key in _TIME_KEYS:
        value = entry.get(key)
        if isinstance(value, str) and value:
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
            return int(aware.timestamp() * 1000)
        if isinstance(value, (int, float)):
            return int(value * 1000)
    return None
