"""Asking the file indexes: which rows of a file may meet the predicate, before the file is opened.

An index speaks of the columns as they were named and typed when its file was written. It is asked about a column that
has the same field id and the same type now; about any other, and about partition columns, it says nothing. Indexes
in the manifest are at hand; those in files beside the data are fetched, a few at a time.
"""

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace

from lakestore.core.index_rows import rows_that_may
from lakestore.data.file_reader import TableFiles
from lakestore.errors import CorruptTableError, ErrorKind, NotFoundError
from lakestore.format.file_index import BytesAt
from lakestore.format.index_kinds import FileIndexes
from lakestore.model.datafile import DataFile
from lakestore.model.file_index import RowSet
from lakestore.model.manifest import ManifestEntry
from lakestore.model.predicate import Predicate, columns_of
from lakestore.model.schema import TableSchema
from lakestore.model.types import DataType
from lakestore.storage.file_names import is_file_index
from lakestore.storage.parallel import map_ordered

INDEXES_AHEAD = 8
"""Index files that are fetched at a time."""

_HELP = "write the indexes again (rewrite_file_index), or read with option file-index.read.enabled = false"


FileAt = tuple[bytes, int, str]
"""Partition, bucket and name of a file: tables that were taken over from elsewhere have one name in many places."""


def file_at(entry: ManifestEntry) -> FileAt:
    """Which file an entry is of."""
    return entry.partition, entry.bucket, entry.file.name


@dataclass(slots=True)
class IndexJudge:
    """Judges files by their indexes.

    Attributes:
        files: The table's files.
        where: Bound predicate.
        asked: How many files had an index that was asked; ``fetched`` of them in a file of its own.
    """

    files: TableFiles
    where: Predicate
    asked: int = 0
    fetched: int = 0
    _columns: dict[int, Mapping[str, tuple[str, DataType]]] = field(default_factory=dict)

    def judge(self, entries: Iterable[ManifestEntry]) -> dict[FileAt, RowSet]:
        """The rows that may match, by file; files of which all rows may are left out."""
        known = [entry for entry in entries if self._has_index(entry.file) and self._columns_of(entry.file)]
        near = [entry for entry in known if entry.file.embedded_index is not None]
        far = [entry for entry in known if entry.file.embedded_index is None]
        self.asked += len(known)
        self.fetched += len(far)
        with closing(map_ordered(self._rows, far, workers=INDEXES_AHEAD)) as fetched:
            answers = [*map(self._rows, near), *fetched]
        found = zip([*near, *far], answers, strict=True)
        return {file_at(entry): rows for entry, rows in found if rows is not None}

    def _has_index(self, file: DataFile) -> bool:
        if file.external_path is not None:
            return False
        return file.embedded_index is not None or sum(map(is_file_index, file.extra_files)) == 1

    def _columns_of(self, file: DataFile) -> Mapping[str, tuple[str, DataType]]:
        """Columns of the predicate that an index of the file can speak of: name in the file, and type."""
        found = self._columns.get(file.schema_id)
        if found is None:
            schema = self.files.schema
            found = same_columns(schema, self.files.schema_of(file.schema_id), columns_of(self.where))
            self._columns[file.schema_id] = found
        return found

    def _rows(self, entry: ManifestEntry) -> RowSet | None:
        file, columns = entry.file, self._columns_of(entry.file)
        if file.embedded_index is not None:
            indexes = FileIndexes(
                BytesAt(file.embedded_index), columns, f"index of {file.name}", row_count=file.row_count
            )
            return rows_that_may(self.where, indexes)
        (name,) = filter(is_file_index, file.extra_files)
        path = self.files.bucket(entry.partition, entry.bucket).path_of(replace(file, name=name))
        try:
            with self.files.store.open_input(path) as source:
                return rows_that_may(self.where, FileIndexes(source, columns, path, row_count=file.row_count))
        except NotFoundError as error:
            raise NotFoundError(
                f"index file {path} of {self.files.what} is gone: the snapshot may have expired while it was read;"
                f" read a snapshot that is still there, or {_HELP}",
                kind=ErrorKind.FILE_NOT_FOUND,
            ) from error
        except CorruptTableError as error:
            raise CorruptTableError(f"{error.message}; {_HELP}") from error


def same_columns(now: TableSchema, then: TableSchema, names: Iterable[str]) -> Mapping[str, tuple[str, DataType]]:
    """Columns that are the same under two schemas: by their name now, their name then, and their type."""
    before = {one.id: one for one in then.fields}
    wanted = set(names) - set(now.partition_keys)
    found = {}
    for one in now.fields:
        own = before.get(one.id)
        if (
            one.name in wanted
            and own is not None
            and replace(own.type, nullable=True) == replace(one.type, nullable=True)
        ):
            found[one.name] = (own.name, own.type)
    return found
