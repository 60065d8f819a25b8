"""A store around another that also sees the pieces of open files.

Besides the store's own methods, these operations go through ``_call``: ``read`` of an input, ``write`` to an output's
sink, and ``finish`` of an output. Discarding is not an operation: it is what is left when one fails.
"""

import io
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from lakestore.errors import LakestoreError
from lakestore.storage.store import OutputFile
from lakestore.storage.wrapped import WrappedStore


class WatchedStore(WrappedStore):
    """Passes every call on, pieces of files included."""

    def open_input(self, path: str, *, size: int | None = None) -> Any:  # noqa: ANN401 - pyarrow has no types
        """Read anywhere in a file; each piece is a ``read``."""
        source = self._call("open_input", path, lambda: self._inner.open_input(path, size=size))
        return pa.PythonFile(_WatchedInput(source, lambda count: self._read_piece(path, source, count)), mode="r")

    def open_output(self, path: str) -> OutputFile:
        """Write a file piece by piece; each piece is a ``write``, its end a ``finish``."""
        output = self._call("open_output", path, lambda: self._inner.open_output(path))
        return _WatchedOutput(
            output,
            write=lambda data: self._write_piece(output, data),
            finish=lambda: self._finish_output(output),
            discard=lambda: self._discard_output(output),
        )

    def _read_piece(self, path: str, source: Any, count: int) -> bytes:  # noqa: ANN401 - pyarrow has no types
        data: bytes = self._call("read", path, lambda: source.read(count))
        return data

    def _write_piece(self, output: OutputFile, data: bytes) -> None:
        self._call("write", output.path, lambda: output.sink.write(data))

    def _finish_output(self, output: OutputFile) -> None:
        self._call("finish", output.path, output.finish)

    def _discard_output(self, output: OutputFile) -> None:
        output.discard()


class _WatchedInput(io.RawIOBase):
    def __init__(self, source: Any, read: Callable[[int], bytes]) -> None:  # noqa: ANN401 - pyarrow has no types
        super().__init__()
        self._source = source
        self._read = read

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        position: int = self._source.tell()
        return position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        position: int = self._source.seek(offset, whence)
        return position

    def read(self, size: int | None = -1, /) -> bytes:
        left = self._source.size() - self._source.tell()
        return self._read(left if size is None or size < 0 else min(size, left))

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


class _WatchedSink(io.RawIOBase):
    def __init__(self, write: Callable[[bytes], None]) -> None:
        super().__init__()
        self._write = write
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - any readable buffer
        piece = bytes(data)
        self._write(piece)
        self._position += len(piece)
        return len(piece)


class _WatchedOutput(OutputFile):
    def __init__(
        self,
        output: OutputFile,
        *,
        write: Callable[[bytes], None],
        finish: Callable[[], None],
        discard: Callable[[], None],
    ) -> None:
        super().__init__(output.path, pa.PythonFile(_WatchedSink(write), mode="w"))
        self._output = output
        self._do_finish = finish
        self._do_discard = discard

    def _finish(self) -> int:
        try:
            self._do_finish()
        except LakestoreError:
            # Failed without being done: then nothing may stay. Done already: then this does nothing.
            self._do_discard()
            raise
        return self._output.size

    def _discard(self) -> None:
        self._do_discard()
