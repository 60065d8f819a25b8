"""What a Parquet file knows of the values in a column chunk beside its statistics: bloom filter and page index.

They are read when a predicate asks for them. Arrow hands out where bloom filters lie; where page indexes lie it keeps
to itself, so the footer is read once more for that. Arrow reads no single pages either: what a page index is good for
here is to tell that a whole row group has no page that matters.

A column is asked only if the file stores the very type of the table's column: numbers of 4 or 8 bytes, text, bytes.
"""

from typing import Any

import pyarrow as pa

from lakestore.core.index_keys import KeyForm, form_of
from lakestore.core.index_rows import ColumnIndex
from lakestore.errors import CorruptTableError, InvariantError
from lakestore.format.parquet_bloom import ParquetBloom
from lakestore.format.parquet_footer import Struct, read_struct
from lakestore.format.parquet_pages import PageIndex
from lakestore.model.arrow import arrow_type
from lakestore.model.types import TIMESTAMPS, DataType

PAGE_ROWS = 20_000
"""Rows of a page at most, as most writers have it: row groups of no more have one page, which says what they say."""

_WIDTHS = {"INT32": 4, "INT64": 8, "FLOAT": 4, "DOUBLE": 8}
_TEXTS = frozenset({pa.string(), pa.large_string(), pa.binary(), pa.large_binary()})
_BLOOM_GUESS = 64
_TAIL = 8


class ParquetFilters:
    """The bloom filters and page indexes of one open file.

    Args:
        source: The file.
        metadata: Its footer as Arrow has it.
        path: What messages call it.
    """

    def __init__(self, source: Any, metadata: Any, path: str) -> None:  # noqa: ANN401 - pyarrow has no types
        self._source, self._metadata, self._path = source, metadata, path
        self._footer: Struct | None = None

    def bloom(self, group: int, place: int, kind: DataType, stored: pa.DataType) -> ColumnIndex | None:
        """The bloom filter of a column chunk; None if it has none that can be asked.

        Args:
            group: The row group.
            place: The leaf column.
            kind: The table's type.
            stored: Arrow type of the column in the file.

        Raises:
            CorruptTableError: It is damaged.
        """
        chunk = self._metadata.row_group(group).column(place)
        asked = _form(kind, stored, chunk.physical_type)
        offset = chunk.bloom_filter_offset
        if asked is None or offset is None:
            return None
        form, width = asked
        length = chunk.bloom_filter_length
        if length is None:
            head = self._read(offset, min(_BLOOM_GUESS, self._source.size() - offset))
            fields, at = read_struct(head)
            length = at + fields[1][1]
        return ParquetBloom(self._read(offset, length), form, width=width, path=self._path)

    def pages(self, group: int, place: int, kind: DataType, stored: pa.DataType) -> ColumnIndex | None:
        """The page index of a column chunk, arguments as ``bloom``; None if it has none that is worth asking.

        Raises:
            CorruptTableError: It is damaged.
        """
        row_group = self._metadata.row_group(group)
        chunk = row_group.column(place)
        asked = _form(kind, stored, chunk.physical_type)
        if asked is None or row_group.num_rows <= PAGE_ROWS or not (chunk.has_column_index and chunk.has_offset_index):
            return None
        form, width = asked
        try:
            fields = self._chunk(group, place)
            (offset_at, offset_size), (column_at, column_size) = ((fields[n][1], fields[n + 1][1]) for n in (4, 6))
        except (IndexError, KeyError, TypeError, InvariantError) as error:
            raise CorruptTableError(f"the footer does not parse: {error!r}", path=self._path) from error
        return PageIndex(
            self._read(column_at, column_size),
            self._read(offset_at, offset_size),
            form,
            width=width,
            row_count=row_group.num_rows,
            path=self._path,
        )

    def _chunk(self, group: int, place: int) -> Struct:
        """The ``ColumnChunk`` of the footer."""
        if self._footer is None:
            size = self._source.size()
            length = int.from_bytes(self._read(size - _TAIL, 4), "little")
            self._footer = read_struct(self._read(size - _TAIL - length, length))[0]
        groups: list[Struct] = self._footer[4][1][1]
        chunks: list[Struct] = groups[group][1][1][1]
        return chunks[place]

    def _read(self, start: int, length: int) -> bytes:
        data = bytes(self._source.read_at(length, start)) if start >= 0 and length > 0 else b""
        if not data or len(data) != length:
            raise CorruptTableError(f"{length} bytes at {start} are not in the file", path=self._path)
        return data


def _form(kind: DataType, stored: pa.DataType, physical: str) -> tuple[KeyForm, int | None] | None:
    """How values become keys, and the bytes of a stored number; None for columns that are not asked."""
    form = form_of(kind)
    if form is None:
        return None
    if form.width is None:
        return (form, None) if physical == "BYTE_ARRAY" and stored in _TEXTS else None
    width = _WIDTHS.get(physical)
    if width is None:
        return None
    if kind.root in TIMESTAMPS:
        unit = {1_000_000: "ms", 1_000: "us"}[form.nanos]
        return (form, width) if pa.types.is_timestamp(stored) and stored.unit == unit and not form.lossy else None
    return (form, width) if stored == arrow_type(kind) else None
