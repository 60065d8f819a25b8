"""Writing Parquet data files as Paimon lays them out (Paimon ``ParquetSchemaConverter``).

| Paimon | physical | logical |
|---|---|---|
| TINYINT, SMALLINT | INT32 | INT(8), INT(16) |
| DECIMAL(p) | INT32 to 9 digits, INT64 to 18, else FIXED_LEN_BYTE_ARRAY | DECIMAL |
| TIME | INT32 | TIME(MILLIS), adjusted to UTC |
| TIMESTAMP(p) | INT64 millis to p = 3, INT64 micros to 6, else INT96 | TIMESTAMP; none for INT96 |
| CHAR, VARCHAR / BINARY, VARBINARY | BYTE_ARRAY | STRING / none |
| ARRAY, MAP, MULTISET, ROW | groups (``format.parquet_shape``) | LIST, MAP, MAP, none |

Every column carries its field id and is REQUIRED when it is NOT NULL. No Arrow schema is embedded: types follow
from the Parquet schema alone, as for every other reader. Pages are version 1.
"""

import inspect
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakestore.core.file_formats import CODECS, PARQUET
from lakestore.core.nested_arrays import settled
from lakestore.format.parquet_footer import with_int96
from lakestore.format.parquet_shape import (
    file_field,
    file_leaves,
    holds_int96,
    is_int96,
    leaves_of,
    with_int96_values,
)
from lakestore.model.options import FileOptions
from lakestore.model.rows import KEY_PREFIX, SEQUENCE_NUMBER
from lakestore.model.types import Field

SAMPLE_ROWS = 8192
"""Values looked at to decide whether a column repeats itself."""

_TIME_OPTIONS = {
    name: True
    for name in ("write_time_adjusted_to_utc",)
    if name in inspect.signature(pq.ParquetWriter.__init__).parameters
}
"""Newer Arrow can say that a TIME is in UTC, as Paimon does; readers do not depend on it."""


def repeating_columns(rows: pa.Table) -> list[str]:
    """Columns worth a dictionary: those with few distinct values in a sample spread over the rows.

    Parts of nested columns are judged, and named, one by one, by their path in the file. A ``_KEY_`` column is what the
    column of its name is.
    """
    held = set(rows.column_names)
    again = {name for name in held if name.startswith(KEY_PREFIX) and name.removeprefix(KEY_PREFIX) in held}
    if len(rows) > SAMPLE_ROWS:
        step = len(rows) // SAMPLE_ROWS
        rows = rows.take(pa.array(np.arange(0, len(rows), step)[:SAMPLE_ROWS]))
    found = [
        path
        for name in rows.column_names
        if name != SEQUENCE_NUMBER and name not in again
        for path, values in leaves_of(rows[name], name)
        if 2 * pc.count_distinct(values, mode="all").as_py() <= len(values)
    ]
    return [*found, *(name for name in again if name.removeprefix(KEY_PREFIX) in found)]


class ParquetFileWriter:
    """Writes one Parquet file, a row group at a time.

    Args:
        sink: A writable pyarrow file; stays open.
        fields: Columns in file order.
        options: Compression and row group size.
        dictionary: Columns to encode with a dictionary.
    """

    def __init__(
        self,
        sink: Any,  # noqa: ANN401 - pyarrow has no types
        fields: Sequence[Field],
        *,
        options: FileOptions,
        dictionary: Sequence[str] = (),
    ) -> None:
        self._row_group_rows = options.row_group_rows
        leaves = [leaf for field in fields for leaf in file_leaves(field)]
        self._fields = {field.name: field.type for field in fields if holds_int96(field.type)}
        self._wide = tuple(leaf.path for leaf in leaves if is_int96(leaf.type))
        self._schema = pa.schema([file_field(field) for field in fields])
        self._sink = _TailKeeper(sink) if self._wide else sink
        codec = CODECS[PARQUET][options.compression.lower()]
        names = [".".join(leaf.path) for leaf in leaves]
        narrow = [".".join(leaf.path) for leaf in leaves if leaf.path not in self._wide]
        self._writer = pq.ParquetWriter(
            self._sink,
            self._schema,
            compression=codec,
            compression_level=options.zstd_level if codec == "zstd" else None,
            use_dictionary=[name for name in dictionary if name in names] or False,
            write_statistics=narrow or False,
            store_schema=False,
            store_decimal_as_integer=True,
            write_page_index=True,
            write_page_checksum=True,
            data_page_version="1.0",
            **_TIME_OPTIONS,
        )

    def write(self, rows: pa.Table) -> None:
        """Append rows, which have the fields' names and Arrow types, as one row group or more."""
        rows = pa.Table.from_arrays([settled(column) for column in rows.columns], schema=rows.schema)
        for name, kind in self._fields.items():
            at = rows.schema.get_field_index(name)
            chunks = [with_int96_values(chunk, kind) for chunk in rows.column(at).chunks]
            rows = rows.set_column(at, name, pa.chunked_array(chunks, self._schema.field(at).type))
        rows = pa.Table.from_arrays(rows.columns, schema=self._schema)
        self._writer.write_table(rows, row_group_size=self._row_group_rows)

    def close(self) -> None:
        """Write the footer."""
        if not self._writer.is_open:
            return
        if isinstance(self._sink, _TailKeeper):
            self._sink.keep()
            self._writer.close()
            self._sink.release(self._wide)
        else:
            self._writer.close()

    def abandon(self) -> None:
        """Let go of a file that nobody will read; the sink must be discarded."""
        if self._writer.is_open:
            with suppress(OSError, pa.ArrowException):
                self._writer.close()
            self._writer.is_open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abandon()


class _TailKeeper:
    """A file that passes bytes on until told to keep them, so that the footer can be corrected."""

    closed = False

    def __init__(self, sink: Any) -> None:  # noqa: ANN401 - pyarrow has no types
        self._sink = sink
        self._kept: bytearray | None = None
        self._position = 0

    def write(self, data: Any) -> int:  # noqa: ANN401 - bytes or a buffer
        size = memoryview(data).nbytes
        if self._kept is None:
            self._sink.write(data)
        else:
            self._kept += data
        self._position += size
        return size

    def keep(self) -> None:
        self._kept = bytearray()

    def release(self, columns: Sequence[tuple[str, ...]]) -> None:
        kept, self._kept = bytes(self._kept or b""), None
        self._sink.write(with_int96(kept, columns))

    def tell(self) -> int:
        return self._position

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        """Nothing is held back but what ``keep`` asks for."""

    def close(self) -> None:
        """The sink belongs to the caller."""
