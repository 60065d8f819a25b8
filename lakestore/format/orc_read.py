"""Reading ORC data files, whoever wrote them.

Columns are found by name; of nested columns only the wanted members are read. Memory is one stripe of the wanted
columns. Arrow reads no statistics of stripes, so nothing is skipped inside a file.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.orc

from lakestore.core.prune import Bounds
from lakestore.errors import UnsupportedFormatError
from lakestore.format.data_filters import Unfiltered
from lakestore.format.orc_types import column_paths, from_file, refuse_missing_zones
from lakestore.format.parquet_read import reading
from lakestore.model.types import TIMESTAMPS, DataType, Field

_OUR_WRITER = "ORC_CPP"
"""What Arrow's ORC library calls itself in files; it never pads."""

_FAR = 253_402_300_799
"""The last second of the year 9999."""

_UNPACKED = 4
"""How many times as large as the file its rows are taken to be."""


class OrcSource(Unfiltered):
    """One open ORC file; a context manager.

    Args:
        source: A readable pyarrow file, closed with this object.
        path: What messages call it.
        fields: Columns of the schema that the file was written with.

    Attributes:
        path: What messages call it.
        num_rows: Rows in the file.
        group_rows: The same: the file is taken as one piece.
        group_bytes: Bytes of that piece.
        types: Arrow type of each column as Arrow reads it.

    Raises:
        CorruptTableError: It is no whole ORC file.
    """

    def __init__(self, source: Any, path: str, *, fields: Sequence[Field]) -> None:  # noqa: ANN401
        self.path = path
        self._source = source
        self._declared = {field.name: field.type for field in fields}
        with reading(path, "ORC"), _timestamps(path):
            self._file = pa.orc.ORCFile(source)
            self.num_rows: int = self._file.nrows
            self.types: Mapping[str, pa.DataType] = {field.name: field.type for field in self._file.schema}
            self._stripes = self._file.nstripes
            self._bytes = self._file.content_length
            self._padded = self._file.writer != _OUR_WRITER
        self.group_rows: tuple[int, ...] = (self.num_rows,)
        self.group_bytes: tuple[int, ...] = (self._bytes,)

    def group_bounds(self, group: int, columns: Sequence[str]) -> dict[str, Bounds]:
        """Nothing: Arrow does not read the statistics."""
        del group, columns
        return {}

    def row_bytes(self, columns: Sequence[str], *, narrow: Mapping[str, DataType] | None = None) -> int:
        """Bytes of one row in those columns, roughly and at least 1."""
        del narrow
        share = len(columns) / max(1, len(self.types))
        return max(1, int(self._bytes * _UNPACKED * share) // max(1, self.num_rows))

    def batches(
        self,
        columns: Sequence[str],
        *,
        rows: int,
        groups: Sequence[int] | None = None,
        narrow: Mapping[str, DataType] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Rows in file order.

        Args:
            columns: Columns wanted, all of which the file has, in order.
            rows: Rows of a batch at most.
            groups: Empty for no rows at all.
            narrow: Types of nested columns with those ROW members only that are wanted.

        Raises:
            CorruptTableError: The file is damaged.
        """
        if groups is not None and not groups:
            return
        kinds = {name: (narrow or {}).get(name, self._declared[name]) for name in columns}
        if any(part.root in TIMESTAMPS for kind in kinds.values() for part in kind.parts()):
            _require_checked_timestamps(self.path)
        paths = [path for name, kind in kinds.items() for path in column_paths(name, kind, self.types[name])]
        for stripe in range(self._stripes):
            whole = self._stripe(stripe, kinds, paths)
            for begin in range(0, whole.num_rows, rows):
                yield whole.slice(begin, rows)

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _stripe(self, stripe: int, kinds: Mapping[str, DataType], paths: Sequence[str]) -> pa.RecordBatch:
        with reading(self.path, "ORC"), _timestamps(self.path):
            found = self._file.read_stripe(stripe, columns=paths)
        arrays = [from_file(found.column(name), kind, padded=self._padded) for name, kind in kinds.items()]
        return pa.RecordBatch.from_arrays(arrays, names=list(kinds))


@contextmanager
def _timestamps(path: str) -> Iterator[None]:
    """Name what stands in the way of reading timestamps of files that are not damaged."""
    try:
        yield
    except pa.ArrowException as error:
        if "out of range" in str(error):
            raise UnsupportedFormatError(
                f"{path}: {error}: Arrow reads timestamps of ORC files from 1678 to 2261 only; leave the column out, "
                "or have another engine rewrite the table in parquet"
            ) from error
        refuse_missing_zones(error, path)
        raise


@lru_cache(maxsize=1)
def _checks_timestamps() -> bool:
    """Whether this Arrow notices timestamps that its 64-bit nanoseconds cannot hold; older ones hand out others."""
    sink = pa.BufferOutputStream()
    pa.orc.write_table(pa.table({"t": pa.array([_FAR], pa.timestamp("s"))}), sink)
    try:
        pa.orc.read_table(pa.BufferReader(sink.getvalue()))
    except pa.ArrowInvalid:
        return True
    return False


def _require_checked_timestamps(path: str) -> None:
    if not _checks_timestamps():
        raise UnsupportedFormatError(
            f"{path}: pyarrow {pa.__version__} misreads timestamps of ORC files beyond 2261 without a word: upgrade "
            "pyarrow, or leave timestamp columns out"
        )
