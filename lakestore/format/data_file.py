"""Data files of any format: one protocol for reading, one for writing.

A file is read in the format that its name tells, and written in the one that the options tell. Formats differ in
what they can hold and in which codecs they know; what one cannot do is refused by name, before a byte is written.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from lakestore.core.prune import Bounds
from lakestore.errors import ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.format import avro_data_write, orc_write, parquet_write
from lakestore.format.avro_data_read import AvroSource
from lakestore.format.avro_data_schema import schema_text
from lakestore.format.avro_data_write import AvroFileWriter
from lakestore.format.orc_read import OrcSource
from lakestore.format.orc_write import OrcFileWriter
from lakestore.format.parquet_read import ParquetSource
from lakestore.format.parquet_write import ParquetFileWriter, repeating_columns
from lakestore.model.options import FileOptions
from lakestore.model.types import EXOTIC, DataType, Field

PARQUET, ORC, AVRO = "parquet", "orc", "avro"
FORMATS = (PARQUET, ORC, AVRO)


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

    def group_bounds(self, group: int, columns: Sequence[str]) -> dict[str, Bounds]:
        """What is known of the values of columns in a part; columns of which nothing is known are left out."""
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


_CODECS: Mapping[str, Mapping[str, str]] = {
    PARQUET: parquet_write.CODECS,
    ORC: orc_write.CODECS,
    AVRO: avro_data_write.CODECS,
}
"""Values of option ``file.compression`` that each format knows."""


def require_format(name: str, what: str) -> None:
    """Refuse a format that is neither read nor written.

    Raises:
        UnsupportedFormatError: It is none of ``FORMATS``.
    """
    if name.lower() not in FORMATS:
        raise UnsupportedFormatError(
            f"{what} is of format {name}; this release reads and writes {', '.join(FORMATS)}: use the engine that "
            "wrote it"
        )


def open_source(form: str, source: Any, path: str, *, fields: Sequence[Field], rows: int) -> DataFileSource:  # noqa: ANN401
    """Open a data file.

    Args:
        form: Its format, one of ``FORMATS``.
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


def open_sink(sink: Any, fields: Sequence[Field], *, options: FileOptions, sample: pa.Table) -> DataFileSink:  # noqa: ANN401
    """Begin a data file of the options' format and codec.

    Args:
        sink: A writable pyarrow file; stays open.
        fields: Columns in file order.
        options: Format, codec and sizes of this file (``FileOptions.at_level``).
        sample: The first rows.

    Raises:
        UnsupportedFormatError: The format cannot hold the columns, or does not have the codec.
    """
    _check(fields, options)
    if options.format == AVRO:
        return AvroFileWriter(sink, fields, options=options)
    if options.format == ORC:
        return OrcFileWriter(sink, fields, options=options)
    return ParquetFileWriter(sink, fields, options=options, dictionary=repeating_columns(sample))


def check_writable(fields: Sequence[Field], options: FileOptions) -> None:
    """Refuse what cannot be written, by name: columns, formats and codecs, of any level and of changelog files.

    Args:
        fields: Columns of the table.
        options: Its options.

    Raises:
        UnsupportedFormatError: A format cannot hold a column, or is unknown, or does not have the codec.
        InvalidInputError: There is no such codec.
    """
    for field in fields:
        special = next((part for part in field.type.parts() if part.root in EXOTIC), None)
        if special is not None:
            raise UnsupportedFormatError(
                f"column {field.name!r} is {field.type}: this release does not write {special.root}"
            )
    levels = {-1, *options.format_per_level, *options.compression_per_level}
    for level in sorted(levels):
        _check(fields, options.at_level(level))
        if options.changelog_format or options.changelog_compression:
            _check(fields, options.at_level(level, changelog=True))


def _check(fields: Sequence[Field], options: FileOptions) -> None:
    codecs = _CODECS.get(options.format)
    if codecs is None:
        raise UnsupportedFormatError(
            f"file.format={options.format}: this release writes {', '.join(FORMATS)}; tables of other formats are "
            "read and written by the engine that made them"
        )
    codec = options.compression.lower()
    if codec not in codecs:
        message = (
            f"file.compression={options.compression!r}: {options.format} files are written with one of "
            f"{', '.join(codecs)}"
        )
        if any(codec in others for others in _CODECS.values()):
            raise UnsupportedFormatError(message)
        raise InvalidInputError(message, kind=ErrorKind.INVALID_OPTION)
    if options.format == AVRO:
        schema_text(fields)
