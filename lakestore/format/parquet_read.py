"""Reading Parquet data files, whoever wrote them.

Columns are found by name; field ids are not needed. INT96 columns are read as their 12 raw bytes (the footer is
edited in memory so that Arrow takes them for that), since Arrow wraps INT96 values silently outside 1677 to 2262
and misreads the negative nanoseconds that Java writes before 1970. Checksums of pages are verified where there
are any.

Memory: a local file streams, whatever the size of its row groups; of a remote one the wanted columns of one row
group are fetched at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from lakestore.core.index_rows import ColumnIndex
from lakestore.core.prune import Bounds
from lakestore.errors import CorruptTableError, LakestoreError, StorageError, UnsupportedFormatError
from lakestore.format.parquet_bounds import bounds_of
from lakestore.format.parquet_filters import ParquetFilters
from lakestore.format.parquet_footer import without_int96
from lakestore.format.parquet_int96 import INT96_BYTES
from lakestore.format.parquet_leaves import leaf_count, wanted_leaves, with_timestamps
from lakestore.model.types import DataType

STREAM_BYTES = 1024 * 1024
"""Read ahead in each column of a local file."""

_FOOTER_GUESS = 64 * 1024


def open_parquet(source: Any, path: str) -> "ParquetSource":  # noqa: ANN401 - pyarrow has no types
    """Open a Parquet file.

    Args:
        source: A readable pyarrow file, which is closed when this fails and with what this returns.
        path: What messages call it.

    Raises:
        CorruptTableError: It is no whole Parquet file.
    """
    try:
        return ParquetSource(source, path)
    except BaseException:
        source.close()
        raise


class ParquetSource:
    """One open Parquet file; a context manager.

    Args:
        source: A readable pyarrow file, closed with this object.
        path: What messages call it.

    Attributes:
        path: What messages call it.
        num_rows: Rows in the file.
        group_rows: Rows in each row group.
        types: Arrow type of each top-level column as it is handed out.
    """

    def __init__(self, source: Any, path: str) -> None:  # noqa: ANN401 - pyarrow has no types
        self.path = path
        self._source = source
        self._streams = isinstance(source, pa.OSFile)
        with reading(path):
            self._file = self._open(None)
            self._int96 = self._int96_leaves()
            if self._int96:
                self._file = self._open(_metadata_without_int96(source))
            metadata = self._file.metadata
            self.num_rows: int = metadata.num_rows
            self.group_rows = tuple(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))
            self._paths = tuple(metadata.schema.column(i).path for i in range(metadata.num_columns))
            self._first_leaf: dict[str, int] = {}
            self._filters = ParquetFilters(source, metadata, path)
            self.types: Mapping[str, pa.DataType] = self._types()

    @property
    def group_bytes(self) -> tuple[int, ...]:
        """Bytes of each row group, compressed."""
        metadata = self._file.metadata
        return tuple(_stored_bytes(metadata.row_group(i)) for i in range(metadata.num_row_groups))

    def group_bounds(self, group: int, columns: Sequence[str]) -> dict[str, Bounds]:
        """What the statistics of a row group say of those columns; columns without any are left out."""
        row_group = self._file.metadata.row_group(group)
        found: dict[str, Bounds] = {}
        for name in columns:
            place = self._plain_leaf(name)
            if place is None:
                continue
            with reading(self.path):
                bounds = bounds_of(row_group.column(place), self.types[name])
            if bounds is not None:
                found[name] = bounds
        return found

    def bloom_filter(self, group: int, column: str, kind: DataType) -> ColumnIndex | None:
        """What the bloom filter of a column chunk can tell; None if it has none.

        Raises:
            CorruptTableError: It is damaged.
        """
        place = self._plain_leaf(column)
        with reading(self.path):
            return None if place is None else self._filters.bloom(group, place, kind, self.types[column])

    def page_index(self, group: int, column: str, kind: DataType) -> ColumnIndex | None:
        """What the page index of a column chunk can tell; None if it has none.

        Raises:
            CorruptTableError: It is damaged.
        """
        place = self._plain_leaf(column)
        with reading(self.path):
            return None if place is None else self._filters.pages(group, place, kind, self.types[column])

    def _plain_leaf(self, column: str) -> int | None:
        """The leaf of a column that is neither nested nor INT96."""
        place = self._first_leaf.get(column)
        return None if place in self._int96 or place is None or pa.types.is_nested(self.types[column]) else place

    def row_bytes(self, columns: Sequence[str], *, narrow: Mapping[str, DataType] | None = None) -> int:
        """Bytes of one row, before compression, on average and at least 1; arguments as ``batches``."""
        metadata = self._file.metadata
        places = [place for name in columns if name in self.types for place in self._leaves(name, narrow)]
        total: int = sum(
            metadata.row_group(group).column(place).total_uncompressed_size
            for group in range(metadata.num_row_groups)
            for place in places
        )
        return max(1, total // max(1, self.num_rows))

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
            groups: Row groups wanted, ascending; None for all.
            narrow: Types of nested columns with those ROW members only that are wanted: no other leaf is read, and
                the columns come without the other members.

        Raises:
            CorruptTableError: The file is damaged.
        """
        wanted = range(len(self.group_rows)) if groups is None else groups
        portions = [list(wanted)] if self._streams else [[group] for group in wanted]
        leaves = {name: self._leaves(name, narrow) for name in columns}
        paths = [self._paths[place] for places in leaves.values() for place in places]
        for portion in portions:
            iterator = self._file.iter_batches(rows, row_groups=portion, columns=paths, use_threads=True)
            while (batch := self._next(iterator)) is not None:
                if batch.num_rows:
                    yield self._finished(batch, leaves)

    def close(self) -> None:
        """Close the file."""
        self._file.close(force=True)
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, metadata: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
        return pq.ParquetFile(
            self._source,
            metadata=metadata,
            buffer_size=STREAM_BYTES if self._streams else 0,
            pre_buffer=not self._streams,
            page_checksum_verification=True,
        )

    def _int96_leaves(self) -> frozenset[int]:
        schema = self._file.schema
        return frozenset(place for place in range(len(schema)) if schema.column(place).physical_type == "INT96")

    def _types(self) -> dict[str, pa.DataType]:
        """Types of the columns; notes where the leaves of each begin."""
        found: dict[str, pa.DataType] = {}
        place = 0
        for field in self._file.schema_arrow:
            self._first_leaf[field.name] = place
            found[field.name] = pa.timestamp("ns") if place in self._int96 and not _is_nested(field) else field.type
            place += leaf_count(field.type)
        return found

    def _leaves(self, name: str, narrow: Mapping[str, DataType] | None) -> list[int]:
        return wanted_leaves(self.types[name], (narrow or {}).get(name), self._first_leaf[name])

    def _next(self, iterator: Iterator[pa.RecordBatch]) -> pa.RecordBatch | None:
        with reading(self.path):
            return next(iterator, None)

    def _finished(self, batch: pa.RecordBatch, leaves: Mapping[str, list[int]]) -> pa.RecordBatch:
        arrays = [self._timestamps(batch.column(name), name, places) for name, places in leaves.items()]
        return pa.RecordBatch.from_arrays(arrays, names=list(leaves))

    def _timestamps(self, column: Any, name: str, places: list[int]) -> Any:  # noqa: ANN401 - pyarrow has no types
        if self._int96.isdisjoint(places):
            return column
        with reading(self.path):
            return with_timestamps(column, iter(places), self._int96, name=name, path=self.path)


def _stored_bytes(group: Any) -> int:  # noqa: ANN401 - pyarrow has no types
    return sum(group.column(place).total_compressed_size for place in range(group.num_columns))


def _is_nested(field: pa.Field) -> bool:
    return bool(pa.types.is_nested(field.type))


@contextmanager
def reading(path: str, form: str = "Parquet") -> Iterator[None]:
    """Turn what Arrow raises about a file's bytes into an error of ours that names the file.

    Raises:
        CorruptTableError: The bytes are damaged.
        UnsupportedFormatError: The file uses a feature of its format that Arrow lacks.
        StorageError: The operating system could not read.
    """
    try:
        yield
    except (LakestoreError, MemoryError):
        raise
    except pa.ArrowNotImplementedError as error:
        raise UnsupportedFormatError(f"{path}: a feature of {form} that Arrow cannot read: {error}") from error
    except OSError as error:
        if error.errno is not None:
            raise StorageError(f"{path}: cannot read: {error}") from error
        raise CorruptTableError(f"damaged {form} file: {error}", path=path) from error
    except (pa.ArrowException, UnicodeDecodeError, OverflowError) as error:
        raise CorruptTableError(f"damaged {form} file: {error}", path=path) from error


def _metadata_without_int96(source: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    size = source.size()
    tail = _tail(source, min(size, _FOOTER_GUESS))
    length = int.from_bytes(tail[-8:-4], "little") + 8
    if length > len(tail):
        tail = _tail(source, min(size, length))
    return pq.read_metadata(pa.BufferReader(without_int96(tail[-length:], INT96_BYTES)))


def _tail(source: Any, count: int) -> bytes:  # noqa: ANN401 - pyarrow has no types
    data: bytes = source.read_at(count, source.size() - count)
    return data
