"""Rows that come in pieces of any size, written as data files with whole row groups.

Merging hands out what is left of a window: much of one, little of the next. A row group per piece would make files
that are slow to read, so pieces are gathered until they fill one.
"""

from types import TracebackType
from typing import Self

import pyarrow as pa

from lakestore.data.file_writer import BucketNames, DataFileWriter, WriteParts, rows_per_group
from lakestore.model.arrow import arrow_schema
from lakestore.model.datafile import DataFile, FileSource
from lakestore.model.rows import KEY_PREFIX, file_fields


class FileRows:
    """Writes rows of one bucket, in key order, gathered to row groups.

    Use as a context manager: an exception leaves none of its files behind.

    Args:
        parts: The table.
        names: Names for the files.
        level: LSM level of the files.
        source: Who writes them.
    """

    def __init__(self, parts: WriteParts, names: BucketNames, *, level: int, source: FileSource) -> None:
        self._writer = DataFileWriter(parts, names, level=level, source=source)
        self._files = parts.options.files
        self._shape = arrow_schema(file_fields(parts.schema, thin=parts.options.files.thin))
        self._waiting: list[pa.Table] = []
        self._rows = 0

    def write(self, rows: pa.Table) -> None:
        """Append rows: the table's columns, ``_SEQUENCE_NUMBER`` and ``_VALUE_KIND``."""
        if not rows.num_rows:
            return
        self._waiting.append(rows)
        self._rows += rows.num_rows
        limit = rows_per_group(rows, self._files)
        if self._rows >= limit:
            gathered = pa.concat_tables(self._waiting)
            whole = self._rows - self._rows % limit
            self._writer.write(self._shaped(gathered.slice(0, whole)))
            self._waiting = [gathered.slice(whole)]
            self._rows -= whole

    def close(self) -> tuple[DataFile, ...]:
        """Write what waits and end the last file; all files written, in file order."""
        if self._rows:
            self._writer.write(self._shaped(pa.concat_tables(self._waiting)))
            self._waiting, self._rows = [], 0
        return self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._writer.abort()

    def _shaped(self, rows: pa.Table) -> pa.Table:
        """The rows as a data file holds them, with ``_KEY_`` columns unless the table goes without."""
        held = set(rows.column_names)
        columns = [rows.column(name if name in held else name.removeprefix(KEY_PREFIX)) for name in self._shape.names]
        return pa.Table.from_arrays(columns, schema=self._shape)
