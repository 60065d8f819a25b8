"""Reading and writing pieces of remote files."""

import io
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from fsspec.spec import AbstractBufferedFile

from lakestore.errors import LakestoreError
from lakestore.storage.failures import Guard
from lakestore.storage.store import SMALL_FILE, OutputFile

_READ_AHEAD = 256 * 1024
"""Bytes asked for at least with one request."""


class RangeFile(io.RawIOBase):
    """A file read by ranges, with one block kept for small reads in a row.

    Args:
        fetch: Bytes from a start to an end, the end not included.
        size: Size of the file.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        super().__init__()
        self._fetch = fetch
        self._size = size
        self._position = 0
        self._block = b""
        self._block_start = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Position of the next read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position of the next read."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        """Bytes from the position on; fewer only at the end of the file."""
        start = self._position
        end = self._size if size is None or size < 0 else min(self._size, start + size)
        if start >= end:
            return b""
        data = self._bytes(start, end)
        self._position = start + len(data)
        return data

    def readall(self) -> bytes:
        """The rest of the file."""
        return self.read()

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 - any writable buffer
        """Fill a buffer."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def _bytes(self, start: int, end: int) -> bytes:
        if not self._block_start <= start <= end <= self._block_start + len(self._block):
            if end - start >= _READ_AHEAD:
                return self._fetch(start, end)
            self._block = self._fetch(start, min(self._size, start + _READ_AHEAD))
            self._block_start = start
        first = start - self._block_start
        return self._block[first : first + end - start]


class _Gate(io.RawIOBase):
    """Hands on what is written; closing it does not finish the file."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        super().__init__()
        self._write = write
        self._position = 0

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - any readable buffer
        """Take all of the bytes."""
        piece = bytes(data)
        self._write(piece)
        self._position += len(piece)
        return len(piece)

    def tell(self) -> int:
        """Bytes taken so far."""
        return self._position


class RemoteOutput(OutputFile):
    """Bytes gathered up to ``SMALL_FILE`` and written with one request, or sent in parts from there on.

    Args:
        path: Path of the file.
        guard: Makes the guard that turns errors into ours.
        write_whole: Writes a whole file.
        open_parts: Opens a file of fsspec's that sends parts.
        delete: Removes the file.
    """

    def __init__(
        self,
        path: str,
        *,
        guard: Callable[[], Guard],
        write_whole: Callable[[bytes], None],
        open_parts: Callable[[], Any],
        delete: Callable[[], None],
    ) -> None:
        self._gate = _Gate(self._take)
        super().__init__(path, pa.PythonFile(self._gate, mode="w"))
        self._guard = guard
        self._write_whole = write_whole
        self._open_parts = open_parts
        self._delete = delete
        self._gathered = bytearray()
        self._parts: Any = None

    def _take(self, data: bytes) -> None:
        if self._parts is not None:
            with self._guard():
                self._parts.write(data)
            return
        self._gathered += data
        if len(self._gathered) >= SMALL_FILE:
            with self._guard():
                self._parts = self._open_parts()
                self._parts.write(bytes(self._gathered))
            self._gathered.clear()

    def _finish(self) -> int:
        try:
            written: int = self._gate.tell()
            self.sink.close()
            with self._guard():
                if self._parts is None:
                    self._write_whole(bytes(self._gathered))
                else:
                    self._parts.close()
        except LakestoreError:
            self._drop_parts()
            raise
        return written

    def _discard(self) -> None:
        self.sink.close()
        self._gathered.clear()
        self._drop_parts()

    def _drop_parts(self) -> None:
        """Cancel the upload. Closing fsspec's file would make the half-written object appear instead."""
        parts, self._parts = self._parts, None
        if parts is None:
            return
        try:
            with self._guard():
                if isinstance(parts, AbstractBufferedFile):
                    parts.discard()
                else:
                    parts.close()
                    self._delete()
        except LakestoreError:
            # Parts that were never put together stay invisible; the bucket's own rules remove them.
            return
        finally:
            if isinstance(parts, AbstractBufferedFile):
                parts.closed = True
