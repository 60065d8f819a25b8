"""The kinds of file indexes: what writes one, what reads one, and all those of one data file together."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.index_keys import KeyForm, form_of
from lakestore.core.index_rows import ColumnIndex
from lakestore.core.options_file_index import indexed_type, settings_of, takes
from lakestore.errors import CorruptTableError
from lakestore.format.file_index import EMPTY, Part, ReadAt, read_head, read_part
from lakestore.format.index_bitmap import BitmapReader, BitmapWriter
from lakestore.format.index_bloom import BloomReader, BloomWriter
from lakestore.format.index_bsi import BsiReader, BsiWriter
from lakestore.format.index_range import RangeReader, RangeWriter
from lakestore.format.roaring import no_rows
from lakestore.model.file_index import IndexKind, IndexSpec, RowSet
from lakestore.model.types import DataType, Field, TypeRoot

_READERS: Mapping[str, Any] = {
    IndexKind.BLOOM: BloomReader,
    IndexKind.BITMAP: BitmapReader,
    IndexKind.RANGE_BITMAP: RangeReader,
    IndexKind.BSI: BsiReader,
}
_CHUNK_BYTES = 16 * 1024
_UNCHUNKED = frozenset({TypeRoot.BOOLEAN, TypeRoot.TINYINT, TypeRoot.SMALLINT})


class IndexWriter(Protocol):
    """Makes one index of one column of one file."""

    def add(self, column: Any) -> None:  # noqa: ANN401 - pyarrow has no types
        """The next rows: an Array of ``arrow_type`` of the column's type."""
        ...

    def finish(self) -> bytes | None:
        """The index; None if the values of this file have none."""
        ...


class IndexCollector:
    """Makes the indexes of one data file while its rows are written.

    Args:
        fields: Columns of the rows.
        specs: What is to be indexed; what the columns do not allow is left out.

    Attributes:
        specs: What is left.
    """

    def __init__(self, fields: Sequence[Field], specs: Sequence[IndexSpec]) -> None:
        types = {field.name: field.type for field in fields}
        self._writers: list[tuple[IndexSpec, IndexWriter]] = []
        for spec in specs:
            kind = indexed_type(spec, types[spec.column]) if spec.column in types else None
            if kind is not None and takes(spec.kind, kind) and (form := form_of(kind)) is not None:
                self._writers.append((spec, _writer(spec, form)))
        self.specs = tuple(spec for spec, _ in self._writers)

    def __bool__(self) -> bool:
        """Whether anything is indexed."""
        return bool(self._writers)

    def add(self, rows: pa.Table) -> None:
        """The next rows."""
        for spec, writer in self._writers:
            for chunk in rows[spec.column].chunks:
                writer.add(chunk if spec.key is None else pc.map_lookup(chunk, spec.key, "first"))

    def finish(self) -> dict[str, dict[str, bytes | None]]:
        """The indexes, by column and kind; one that the values do not allow is left out."""
        found: dict[str, dict[str, bytes | None]] = {}
        for spec, writer in self._writers:
            data = writer.finish()
            if data is not None:
                found.setdefault(spec.name, {})[spec.kind] = data
        return found


class FileIndexes:
    """The indexes of one data file, as predicates ask them. Each is read when it is asked first.

    Args:
        source: The container.
        columns: Name in the file, and type, of each column of the predicate that may be asked for.
        path: What messages call the container.
        row_count: Rows of the data file.

    Raises:
        CorruptTableError: It is no container.
        UnsupportedFormatError: It is one of a later version.
    """

    def __init__(
        self, source: ReadAt, columns: Mapping[str, tuple[str, DataType]], path: str, *, row_count: int
    ) -> None:
        self._source, self._columns, self._path, self._row_count = source, columns, path, row_count
        self._parts: dict[str, list[Part]] = {}
        for part in read_head(source, path):
            self._parts.setdefault(part.column, []).append(part)
        self._open: dict[str, list[ColumnIndex]] = {}

    def of(self, column: str) -> Sequence[ColumnIndex]:
        """Those of a column of the predicate; empty for none."""
        if column not in self._columns:
            return ()
        if column not in self._open:
            name, kind = self._columns[column]
            form = form_of(kind)
            parts = self._parts.get(name, ()) if form is not None else ()
            self._open[column] = [
                self._opened(part, form) for part in parts if part.kind in _READERS and part.start != EMPTY
            ]
        return self._open[column]

    def _opened(self, part: Part, form: KeyForm | None) -> ColumnIndex:
        index: ColumnIndex = _READERS[part.kind](read_part(self._source, part, self._path), form, self._path)
        if index.row_count is not None and index.row_count != self._row_count:
            raise CorruptTableError(
                f"the {part.kind} index of column {part.column!r} is of {index.row_count} rows, its data file has"
                f" {self._row_count}",
                path=self._path,
            )
        return index

    def nothing(self) -> RowSet:
        """No row."""
        return no_rows()


def _writer(spec: IndexSpec, form: KeyForm) -> IndexWriter:
    settings = settings_of(spec)
    match spec.kind:
        case IndexKind.BLOOM:
            return BloomWriter(form, items=settings["items"], fpp=settings["fpp"])
        case IndexKind.BITMAP:
            return BitmapWriter(form, version=settings["version"], block_bytes=settings["index-block-size"])
        case IndexKind.RANGE_BITMAP:
            default = 0 if form.kind.root in _UNCHUNKED else _CHUNK_BYTES
            size = settings["chunk-size"]
            return RangeWriter(form, chunk_bytes=default if size is None else size)
        case IndexKind.BSI:
            return BsiWriter(form)
