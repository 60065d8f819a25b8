"""The local disk.

``put``: write a temporary file in the same folder, fsync it, rename it over the name, fsync the folder.
``put_if_absent``: the same, but with a hard link to the name in place of the rename. A link is made whole and by
one caller only, which neither "exists, then write" nor exclusive opening is. Engines on the JVM do commit by "exists,
then rename", so a rename of theirs that was under way may replace the link; the name is looked at again once the
folder is flushed, and a file that was replaced counts as not made. A rename that comes later still goes unnoticed:
beside such writers only a lock is safe.
New folders are fsynced into their parents. A crash leaves at most a temporary file, which no reader looks at.
"""

# ruff: noqa: PTH102, PTH105, PTH108, PTH112, PTH116, PTH120, PTH121
# System calls on strings: this is on the path of every commit, where Path objects would only cost time.

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any

import pyarrow as pa

from lakestore.env import random_uuid
from lakestore.errors import AlreadyExistsError, ErrorKind, InvalidInputError, NotFoundError, StorageError
from lakestore.storage.failures import CREATE, DELETE, LIST, READ, WRITE, Guard
from lakestore.storage.file_names import temporary_name
from lakestore.storage.store import FileInfo, FileList, NameList, OutputFile, Store

_URL = "file://"
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})
_NO_FOLDER_SYNC = frozenset({errno.EINVAL, errno.EOPNOTSUPP})
_ATTEMPTS = 3
"""Tries to create a file in a folder that others may be removing."""


class LocalStore(Store):
    """The local disk, or what is mounted there."""

    __slots__ = ()

    url = _URL
    endpoint = ""

    def get(self, path: str) -> bytes:
        """All bytes of a file."""
        data = self.get_or_none(path)
        if data is None:
            raise NotFoundError(f"{_URL}{path}: no such file")
        return data

    def get_or_none(self, path: str) -> bytes | None:
        """All bytes of a file, None when there is none."""
        try:
            with FileIO(path) as file:
                return file.readall()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise _failure(READ, path, error) from error

    def put(self, path: str, data: bytes) -> None:
        """Write a file, whole and durable, in place of any that is there."""
        with _guard(WRITE, path):
            temp = _write_temporary(path, data)
            try:
                os.replace(temp, path)
            except OSError:
                _remove(temp)
                raise
            _sync_folder(os.path.dirname(path))

    def put_if_absent(self, path: str, data: bytes) -> None:
        """Write a file, whole, durable and atomically, unless there is one."""
        if os.path.lexists(path):
            raise _taken(path)
        with _guard(WRITE, path):
            temp = _write_temporary(path, data)
            try:
                self._link(temp, path)
            finally:
                _remove(temp)

    def _link(self, temp: str, path: str) -> None:
        try:
            os.link(temp, path)
        except OSError as error:
            # A network filesystem may have made the link and lost the answer; two names prove that it did.
            if os.stat(temp).st_nlink == 2 and os.path.samefile(temp, path):
                pass
            elif isinstance(error, FileExistsError):
                raise _taken(path) from None
            elif error.errno in _NO_LINKS:
                raise _unsafe(path, error) from error
            else:
                raise
        try:
            _sync_folder(os.path.dirname(path))
        except OSError as error:
            raise StorageError(
                f"{_URL}{path}: the file is made, but its folder could not be flushed to disk: {error}; read it back"
                " before relying on it",
                transient=True,
            ) from error
        if _replaced(temp, path):
            raise _taken(path)

    def list(self, directory: str) -> FileList:
        """The files directly in a folder, by name."""
        with _guard(LIST, directory):
            return sorted(_files_of(directory, _entries(directory)), key=lambda file: file.path)

    def list_recursive(self, directory: str) -> Iterator[FileInfo]:
        """The files in a folder and all below it; links to folders are not followed."""
        pending = [directory]
        while pending:
            folder = pending.pop()
            with _guard(LIST, folder):
                entries = sorted(_entries(folder), key=lambda entry: entry.name)
                files = list(_files_of(folder, entries))
                below = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
            yield from files
            pending += [f"{folder}/{name}" for name in reversed(below)]

    def list_directories(self, directory: str) -> NameList:
        """Names of the folders directly in a folder, sorted."""
        with _guard(LIST, directory):
            return sorted(entry.name for entry in _entries(directory) if entry.is_dir())

    def info(self, path: str) -> FileInfo | None:
        """What the disk knows about a file."""
        try:
            return _info(path, os.stat(path))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _failure(READ, path, error) from error

    def delete(self, path: str) -> None:
        """Remove a file."""
        try:
            os.unlink(path)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise _failure(DELETE, path, error) from error

    def remove_empty_folder(self, directory: str) -> None:
        """Remove a folder that has nothing in it."""
        try:
            Path(directory).rmdir()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise _failure(DELETE, directory, error) from error

    def open_input(self, path: str, *, size: int | None = None) -> Any:  # noqa: ANN401 - pyarrow has no types
        """A ``pyarrow.OSFile``."""
        del size
        with _guard(READ, path):
            return pa.OSFile(path, mode="rb")

    def open_output(self, path: str) -> OutputFile:
        """Write a file under its own, fresh name."""
        with _guard(CREATE, path):
            os.close(_create(path))
            try:
                return _LocalOutput(path, pa.OSFile(path, mode="wb"))
            except OSError:
                _remove(path)
                raise

    def __repr__(self) -> str:
        return "LocalStore()"


class _LocalOutput(OutputFile):
    def _finish(self) -> int:
        try:
            with _guard(WRITE, self.path):
                self.sink.close()
                handle = os.open(self.path, os.O_RDWR)
                try:
                    os.fsync(handle)
                    size = os.fstat(handle).st_size
                finally:
                    os.close(handle)
                _sync_folder(os.path.dirname(self.path))
                return size
        except StorageError:
            _remove(self.path)
            raise

    def _discard(self) -> None:
        with suppress(OSError):
            self.sink.close()
        _remove(self.path)


def _guard(operation: str, path: str) -> Guard:
    return Guard(operation, _URL + path, redact=str)


def _failure(operation: str, path: str, error: OSError) -> StorageError:
    transient = error.errno in {errno.ESTALE, errno.EAGAIN, errno.EBUSY, errno.ETIMEDOUT}
    return StorageError(f"{_URL}{path}: cannot {operation}: {error}", transient=transient)


def _taken(path: str) -> AlreadyExistsError:
    return AlreadyExistsError(f"{_URL}{path}: there is a file of that name already")


def _unsafe(path: str, error: OSError) -> InvalidInputError:
    return InvalidInputError(
        f"{_URL}{path}: this filesystem makes no hard links ({error}), so two commits could both believe that they"
        " made the same snapshot; keep the table on a filesystem with hard links, or hand in a lock when connecting",
        kind=ErrorKind.STORE_NOT_SAFE,
    )


def _write_temporary(path: str, data: bytes) -> str:
    folder, _, name = path.rpartition("/")
    temp = f"{folder}/{temporary_name(name, random_uuid())}"
    handle = _create(temp)
    try:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError:
        _remove(temp)
        raise
    return temp


def _create(path: str) -> int:
    """Make a new file, and the folders it lies in; its descriptor."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
    for _ in range(_ATTEMPTS):
        try:
            return os.open(path, flags, 0o666)
        except FileNotFoundError:
            _make_folder(os.path.dirname(path))
    return os.open(path, flags, 0o666)


def _make_folder(folder: str) -> None:
    """Make a folder and those above it, and write each one's name down for good."""
    if os.path.isdir(folder):
        return
    parent = os.path.dirname(folder)
    if parent != folder:
        _make_folder(parent)
    # Another writer may just have made it and not yet fsynced its parent, so that is done in any case.
    with suppress(FileExistsError):
        os.mkdir(folder)
    _sync_folder(parent)


def _sync_folder(folder: str) -> None:
    if os.name == "nt":  # Windows opens no folders; its filesystem journals names by itself.
        return
    handle = os.open(folder or "/", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(handle)


def _replaced(temp: str, path: str) -> bool:
    """Whether the name that was linked to a temporary file is another file's by now."""
    with suppress(FileNotFoundError):  # Made, and removed since.
        return os.stat(temp).st_nlink == 1 and not os.path.samefile(temp, path)
    return False


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)


def _entries(folder: str) -> Iterator["os.DirEntry[str]"]:
    try:
        with os.scandir(folder or "/") as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return


def _files_of(folder: str, entries: "Iterable[os.DirEntry[str]]") -> Iterator[FileInfo]:
    for entry in entries:
        try:
            file = _info(f"{folder}/{entry.name}", entry.stat())
        except FileNotFoundError:  # Gone since it was listed, or a link to nothing.
            continue
        if file is not None:
            yield file


def _info(path: str, status: os.stat_result) -> FileInfo | None:
    if not stat.S_ISREG(status.st_mode):
        return None
    return FileInfo(path, status.st_size, status.st_mtime_ns // 1_000_000)
