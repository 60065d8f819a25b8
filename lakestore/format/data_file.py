"""Data files of any format: one protocol for reading, one for writing.

A file is read in the format that its name tells, and written in the one that the options tell. Formats differ in
what they can hold and in which codecs they know; what one cannot do is refused by name (``core.file_formats``), before
a byte is written.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from lakestore.core.file_formats import AVRO, ORC, check_file
from lakestore.core.index_rows import ColumnIndex
from lakestore.core.prune import Bounds
from lakestore.format.avro_data_read import AvroSource
from lakestore.format.avro_data_write import AvroFileWriter
from lakestore.format.orc_read import OrcSource
from lakestore.format.orc_write import OrcFileWriter
from lakestore.format.parquet_read import ParquetSource
from lakestore.format.parquet_write import ParquetFileWriter, repeating_columns
from lakestore.model.options import FileOptions
from lakestore.model.types import DataType, Field


class DataFileSource(Protocol):
    """An open data file.

    Attributes:
        path: What messages call it.
        num_rows: Rows in the file.
        group_rows: Rows of each part of the file that can be skipped.
        types: What the file says of each of its columns, by name.
    """

    path: str
    num_rows: int
    group_rows: tuple[int, ...]
    types: Mapping[str, Any]

    @property
    def group_bytes(self) -> tuple[int, ...]:
        """Bytes of each part, as they are stored."""
        ...

    def group_bounds(self, group: int, columns: Sequence[str]) -> dict[str, Bounds]:
        """What is known of the values of columns in a part; columns of which nothing is known are left out."""
        ...

    def bloom_filter(self, group: int, column: str, kind: DataType) -> ColumnIndex | None:
        """What a part can tell of single values of a column of that type of the table; None if nothing."""
        ...

    def page_index(self, group: int, column: str, kind: DataType) -> ColumnIndex | None:
        """What a part can tell of the places of values of a column of that type of the table; None if nothing."""
        ...

    def row_bytes(self, columns: Sequence[str], *, narrow: Mapping[str, DataType] | None = None) -> int:
        """Bytes of one row in those columns, roughly and at least 1; arguments as ``batches``."""
        ...

    def batches(
        self,
        columns: Sequence[str],
        *,
        rows: int,
        groups: Sequence[int] | None = None,
        narrow: Mapping[str, DataType] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Rows in file order, in types that ``core.project.stored`` knows.

        Args:
            columns: Columns wanted, all of which the file has, in order.
            rows: Rows of a batch at most.
            groups: Parts wanted, ascending; None for all.
            narrow: Types of nested columns with those ROW members only that are wanted.
        """
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class DataFileSink(Protocol):
    """A data file being written; neither ``close`` nor ``abandon`` closes the file below."""

    def write(self, rows: pa.Table) -> None:
        """Append rows, which have the columns' names and Arrow types."""
        ...

    def close(self) -> None:
        """Write what is left."""
        ...

    def abandon(self) -> None:
        """Let go of a file that nobody will read."""
        ...


def open_source(form: str, source: Any, path: str, *, fields: Sequence[Field], rows: int) -> DataFileSource:  # noqa: ANN401
    """Open a data file.

    Args:
        form: Its format, one that ``core.file_formats`` knows.
        source: A readable pyarrow file, which is closed when this fails and with what this returns.
        path: What messages call it.
        fields: Columns of the schema that it was written with.
        rows: Rows that it has by its manifest entry.

    Raises:
        CorruptTableError: It is no whole file of that format.
        UnsupportedFormatError: It uses something that is not read.
    """
    try:
        if form.lower() == AVRO:
            return AvroSource(source, path, fields=fields, rows=rows)
        if form.lower() == ORC:
            return OrcSource(source, path, fields=fields)
        return ParquetSource(source, path)
    except BaseException:
        source.close()
        raise


def dictionary_columns(options: FileOptions, sample: pa.Table) -> tuple[str, ...]:
    """Columns that a data file encodes with a dictionary, by its first rows; none where the format has no choice."""
    return () if options.format in {AVRO, ORC} else tuple(repeating_columns(sample))


def open_sink(
    sink: Any,  # noqa: ANN401 - pyarrow has no types
    fields: Sequence[Field],
    *,
    options: FileOptions,
    dictionary: Sequence[str],
) -> DataFileSink:
    """Begin a data file of the options' format and codec.

    Args:
        sink: A writable pyarrow file; stays open.
        fields: Columns in file order.
        options: Format, codec and sizes of this file (``FileOptions.at_level``).
        dictionary: Columns to encode with a dictionary (``dictionary_columns``).

    Raises:
        UnsupportedFormatError: The format cannot hold the columns, or does not have the codec.
    """
    check_file(fields, options)
    if options.format == AVRO:
        return AvroFileWriter(sink, fields, options=options)
    if options.format == ORC:
        return OrcFileWriter(sink, fields, options=options)
    return ParquetFileWriter(sink, fields, options=options, dictionary=dictionary)
