"""Reading Avro data files, whoever wrote them: slow by nature, since Avro holds whole rows one after the other.

1. The header's schema is made safe, and cut down to the wanted columns: fastavro passes over the others.
2. Blocks are decoded to Python records until there are enough for a batch.
3. Column by column the records become Arrow arrays; logical types are applied to whole columns.

Columns are found by name. Memory is one batch of rows and one block.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import fastavro
import pyarrow as pa
from fastavro.schema import SchemaParseException

from lakestore.core.prune import Bounds
from lakestore.errors import CorruptTableError
from lakestore.format.avro_columns import column_of
from lakestore.format.avro_frame import Frame, Record, decode_block
from lakestore.format.avro_schema import Schema, SchemaError, safe_schema
from lakestore.format.data_filters import Unfiltered
from lakestore.format.parquet_read import reading
from lakestore.model.types import DataType, Field

BATCH_ROWS = 16 * 1024
"""Rows held as Python records at a time, at most; each costs some hundred bytes a column."""

_UNPACKED = 4
"""How many times as large as the file its rows are taken to be."""


class AvroSource(Unfiltered):
    """One open Avro data file; a context manager.

    Args:
        source: A readable pyarrow file, closed with this object.
        path: What messages call it.
        fields: Columns of the schema that the file was written with.
        rows: Rows in the file, which only whoever wrote it can know; checked when all are read.

    Attributes:
        path: What messages call it.
        num_rows: Rows in the file.
        group_rows: The same: the file is one piece.
        group_bytes: Bytes of that piece.
        types: The schema of each column.

    Raises:
        CorruptTableError: The header is damaged.
        UnsupportedFormatError: The codec is unknown.
    """

    def __init__(self, source: Any, path: str, *, fields: Sequence[Field], rows: int) -> None:  # noqa: ANN401 - pyarrow has no types
        self.path = path
        self.num_rows = rows
        self.group_rows: tuple[int, ...] = (rows,)
        self._declared = {field.name: field.type for field in fields}
        self._source = source
        self._size = int(source.size())
        self.group_bytes: tuple[int, ...] = (self._size,)
        self._frame: Frame | None = self._begin()
        try:
            self._schema = safe_schema(self._frame.schema, logical=True)
            self.types: Mapping[str, Schema] = {field["name"]: field["type"] for field in _fields(self._schema)}
        except SchemaError as error:
            raise self._bad_schema(error) from error

    def group_bounds(self, group: int, columns: Sequence[str]) -> dict[str, Bounds]:
        """Nothing: Avro has no statistics."""
        del group, columns
        return {}

    def row_bytes(self, columns: Sequence[str], *, narrow: Mapping[str, DataType] | None = None) -> int:
        """Bytes of one row in those columns, roughly and at least 1."""
        del narrow
        share = len(columns) / max(1, len(self.types))
        return max(1, int(self._size * _UNPACKED * share) // max(1, self.num_rows))

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
        step = min(rows, BATCH_ROWS)
        held: list[Record] = []
        count = 0
        for records in self._blocks(columns):
            count += len(records)
            held += records
            while len(held) >= step:
                yield self._batch(held[:step], kinds)
                held = held[step:]
        if held:
            yield self._batch(held, kinds)
        if count != self.num_rows:
            raise CorruptTableError(f"the file has {count} rows, the manifest says {self.num_rows}", path=self.path)

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self) -> Frame:
        with reading(self.path, "Avro"):
            self._source.seek(0)
            return Frame(self._source, self._size, self.path)

    def _blocks(self, columns: Sequence[str]) -> Iterator[list[Record]]:
        frame, self._frame = self._frame or self._begin(), None
        try:
            many = fastavro.parse_schema({"type": "array", "items": self._schema})
            some = fastavro.parse_schema({"type": "array", "items": _cut(self._schema, columns)})
        except SchemaParseException as error:
            raise self._bad_schema(error) from error
        wanted = None if list(self.types) == list(columns) else some
        blocks = frame.blocks()
        while (block := self._next(blocks)) is not None:
            records = decode_block(many, *block, self.path, wanted=wanted)
            if None in records:
                raise CorruptTableError("a null stands in the place of a row", path=self.path)
            yield records

    def _next(self, blocks: Iterator[tuple[int, bytes]]) -> tuple[int, bytes] | None:
        with reading(self.path, "Avro"):
            return next(blocks, None)

    def _batch(self, records: Sequence[Record], kinds: Mapping[str, DataType]) -> pa.RecordBatch:
        arrays = [
            column_of([record[name] for record in records], self.types[name], kind, name=name, path=self.path)
            for name, kind in kinds.items()
        ]
        return pa.RecordBatch.from_arrays(arrays, names=list(kinds))

    def _bad_schema(self, what: object) -> CorruptTableError:
        return CorruptTableError(f"'avro.schema' in the header: {what}", path=self.path)


def _fields(schema: Schema) -> list[Schema]:
    """The columns; older writers let the whole row be null."""
    rows = [branch for branch in schema if branch != "null"] if isinstance(schema, list) else [schema]
    if len(rows) != 1 or not isinstance(rows[0], dict) or rows[0].get("type") != "record":
        raise SchemaError("the file does not hold rows")
    fields: list[Schema] = rows[0]["fields"]
    return fields


def _cut(schema: Schema, columns: Sequence[str]) -> Schema:
    """The schema with those columns only."""
    if isinstance(schema, list):
        return [branch if branch == "null" else _cut(branch, columns) for branch in schema]
    types = {field["name"]: field["type"] for field in schema["fields"]}
    return {**schema, "fields": [{"name": name, "type": types[name]} for name in columns]}
