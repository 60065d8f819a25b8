"""A folder on local disk for what does not fit into memory; it goes when its owner is done, or with the process."""

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self


class Scratch:
    """A private temporary folder; a context manager. It is made on first use.

    Args:
        directory: Where to make it; by default where the system keeps temporary files (``TMPDIR``).
    """

    def __init__(self, directory: str | None = None) -> None:
        self._where = directory
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._count = 0

    def next_path(self) -> str:
        """The path of a file that is not there yet."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="lakestore-", dir=self._where, ignore_cleanup_errors=True)
        self._count += 1
        return str(Path(self._folder.name) / f"{self._count:06}.arrow")

    @staticmethod
    def remove(path: str) -> None:
        """Remove a file that is not needed any more."""
        Path(path).unlink(missing_ok=True)

    def close(self) -> None:
        """Remove the folder and all that is in it."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
