"""Reading one data file, written under any schema of the table, as rows of the schema that is wanted.

1. The file's own schema says which of its columns has which field id and type; ``core.project`` maps them.
2. Partition columns are what the manifest says of the partition, whatever the file holds.
3. Row groups that cannot meet the predicate are skipped (``data.row_groups``); other formats are one group.
4. The row kind is not decoded where the statistics of the file say that all rows are inserts, as in most files.
   (``_DELETE_ROW_COUNT`` of the manifest is not relied on: some writers leave it 0 over retract rows.)

Batches are bounded in rows and, roughly, in bytes.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from lakestore.core.casts import Cast
from lakestore.core.file_formats import require_format
from lakestore.core.nested_arrays import null_array
from lakestore.core.project import ColumnSource, sources_of, stored
from lakestore.core.row_tracking import TRACKING_NAMES, tracking_columns
from lakestore.core.value_text import Internal
from lakestore.core.values import array_of
from lakestore.data.recent_rows import RecentRows
from lakestore.data.row_groups import GroupsKept, keep_groups
from lakestore.data.row_ids import Tracking
from lakestore.errors import CorruptTableError, ErrorKind, InvalidInputError, NotFoundError, UnsupportedFormatError
from lakestore.format.binary_row import decode_row
from lakestore.format.data_file import DataFileSource, open_source
from lakestore.model.arrow import arrow_schema
from lakestore.model.datafile import DataFile
from lakestore.model.file_index import RowSet
from lakestore.model.options import FileOptions, PartitionOptions
from lakestore.model.predicate import Predicate
from lakestore.model.rows import VALUE_KIND, VALUE_KIND_ID, RowKind, file_fields
from lakestore.model.schema import TableSchema
from lakestore.model.types import Field
from lakestore.storage.file_names import file_format
from lakestore.storage.partition_paths import partition_dirs
from lakestore.storage.paths import TablePaths
from lakestore.storage.store import Store

BATCH_BYTES = 32 * 1024 * 1024
"""Decoded bytes of a batch at most, roughly."""


RECENT_BATCHES = 4
"""Batches' rows that are handed out at a time where they lie in memory already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFiles:
    """What it takes to read the data files of a table.

    Attributes:
        store: Where they are.
        paths: How they are called.
        schema: Schema that rows are handed out in.
        schema_of: Schema by id, for files of other schemas.
        partition: How folders of partitions are spelled.
        files: Where data files are.
        what: Table and snapshot, for messages.
        batch_rows: Rows of a batch at most.
        batch_bytes: Decoded bytes of a batch at most, roughly; ``BATCH_BYTES`` by default.
        recent: Rows of files that this process has just written.
    """

    store: Store
    paths: TablePaths
    schema: TableSchema
    schema_of: Callable[[int], TableSchema]
    partition: PartitionOptions = field(default_factory=PartitionOptions)
    files: FileOptions = field(default_factory=FileOptions)
    what: str = "the table"
    batch_rows: int = 128 * 1024
    batch_bytes: int | None = None
    recent: RecentRows | None = None

    def bucket(self, partition: bytes, bucket: int) -> "BucketFiles":
        """The files of one bucket."""
        values = decode_row(partition, self.schema.partition_types)
        return BucketFiles(self, values, bucket)


class BucketFiles:
    """Opens data files of one bucket.

    Args:
        table: The table's files.
        partition: Values of the partition columns, in internal form.
        bucket: Bucket number.

    Attributes:
        table: The table's files.
    """

    def __init__(self, table: TableFiles, partition: Sequence[Internal], bucket: int) -> None:
        self.table = table
        keys = table.schema.partition_keys
        self._constants: Mapping[str, Internal] = dict(zip(keys, partition, strict=True))
        self._folders = partition_dirs(keys, table.schema.partition_types, partition, table.partition)
        self._bucket = bucket

    def path_of(self, file: DataFile) -> str:
        """Path of a file.

        Raises:
            UnsupportedFormatError: It lies outside the table's folder.
        """
        if file.external_path is not None:
            raise UnsupportedFormatError(
                f"{self.table.what}: file {file.name} lies outside the table's folder, at {file.external_path};"
                " this release reads files inside it only"
            )
        return self.table.paths.data_file(
            self._folders, self._bucket, file.name, data_directory=self.table.files.directory
        )

    def is_recent(self, file: DataFile, columns: Sequence[Field]) -> bool:
        """Whether the columns of a file lie in memory, since it was just written."""
        return self._recent(file, arrow_schema(columns)) is not None

    def recent(self, file: DataFile, columns: Sequence[Field]) -> Sequence[pa.RecordBatch] | None:
        """All rows of a file that was just written, as ``open`` and ``batches`` give them; None: read it.

        Args:
            file: The file.
            columns: Columns to hand out, by field id.
        """
        schema = arrow_schema(columns)
        rows = self._recent(file, schema)
        if rows is None:
            return None
        held = pa.Table.from_arrays([rows.column(name) for name in schema.names], schema=schema)
        batches: Sequence[pa.RecordBatch] = held.to_batches(max_chunksize=RECENT_BATCHES * self.table.batch_rows)
        return batches

    def _recent(self, file: DataFile, schema: pa.Schema) -> pa.Table | None:
        table = self.table
        if table.recent is None or file.schema_id != table.schema.id:
            return None
        rows = table.recent.find(file.name)
        fits = rows is not None and len(rows) == file.row_count and set(schema.names) <= set(rows.schema.names)
        return rows if fits else None

    def rows(
        self, file: DataFile, columns: Sequence[Field], *, where: Predicate | None = None
    ) -> Generator[pa.RecordBatch, None, None]:
        """The rows of a file in file order, from memory where they are recent; takes and raises what ``open`` does."""
        recent = self.recent(file, columns)
        if recent is not None:
            yield from recent
            return
        with self.open(file, columns, where=where) as opened:
            yield from opened.batches()

    def open(
        self,
        file: DataFile,
        columns: Sequence[Field],
        *,
        where: Predicate | None = None,
        rows: RowSet | None = None,
    ) -> "OpenFile":
        """Open a file.

        Args:
            file: The file.
            columns: Columns to hand out, by field id; ``_SEQUENCE_NUMBER`` and ``_VALUE_KIND`` may be among them.
            where: Bound predicate on columns of the wanted schema: row groups that cannot meet it are skipped.
            rows: The only rows that matter: row groups without any of them are skipped.

        Raises:
            NotFoundError: The file is gone.
            CorruptTableError: It is damaged, or not what the manifest says.
            UnsupportedFormatError: Its format or a change of type is not read.
        """
        path = self.path_of(file)
        schema = self.table.schema_of(file.schema_id)
        refuse_file(file, schema, self.table.what)
        own = file_fields(schema, thin=True)
        fill = None
        if not schema.primary_keys and tracking_columns(columns):
            # Rows are told apart by their place in the file, so none is skipped.
            where, rows = None, None
            fill = Tracking(first_row_id=file.first_row_id, number=file.max_sequence)
        sources = sources_of(own, columns, what=f"file {file.name} of {self.table.what}")
        source = self._open_source(path, file, own)
        try:
            _check_rows(source, file)
            return OpenFile(
                source,
                sources,
                self._constants,
                keep_groups(source, self.table.schema, own, self._constants, where=where, rows=rows),
                batch_rows=self.table.batch_rows,
                batch_bytes=self.table.batch_bytes or BATCH_BYTES,
                tracking=fill,
            )
        except BaseException:
            source.close()
            raise

    def _open_source(self, path: str, file: DataFile, own: Sequence[Field]) -> DataFileSource:
        store = self.table.store
        try:
            opened = store.open_input(path, size=file.size)
            return open_source(file_format(file.name), opened, store.url + path, fields=own, rows=file.row_count)
        except NotFoundError as error:
            raise NotFoundError(
                f"data file {path} of {self.table.what} is gone: the snapshot may have expired while it was read;"
                " read a snapshot that is still there",
                kind=ErrorKind.FILE_NOT_FOUND,
            ) from error


class OpenFile:
    """One open data file; a context manager. Made by ``BucketFiles.open``.

    Attributes:
        kept: Which row groups are read, and why others are not.
    """

    def __init__(
        self,
        opened: DataFileSource,
        sources: Sequence[ColumnSource],
        constants: Mapping[str, Internal],
        kept: GroupsKept,
        *,
        batch_rows: int,
        batch_bytes: int,
        tracking: "Tracking | None" = None,
    ) -> None:
        self._opened = opened
        self._tracking = tracking
        self._sources = sources
        self._constants = constants
        self.kept = kept
        self._groups = kept.groups
        self._schema = arrow_schema([source.target for source in sources])
        self._only_inserts = self._says_only_inserts()
        self._physical = tuple(
            source.own.name for source in sources if source.own is not None and self._is_in_file(source)
        )
        self._narrow = {one.own.name: one.own.type for one in sources if one.own is not None}
        fitting = batch_bytes // opened.row_bytes(self._physical, narrow=self._narrow)
        self._rows = max(1, min(batch_rows, fitting))

    def batches(self) -> Generator[pa.RecordBatch, None, None]:
        """The rows in file order, in the wanted columns and Arrow types.

        Raises:
            CorruptTableError: The file is damaged, or a value does not fit its declared type.
        """
        if self._physical:
            batches = self._opened.batches(self._physical, rows=self._rows, groups=self._groups, narrow=self._narrow)
            for batch in batches:
                yield self._tracked(self._finished(batch, batch.num_rows))
            return
        for group in self._groups:
            rows = self._opened.group_rows[group]
            for begin in range(0, rows, self._rows):
                yield self._tracked(self._finished(None, min(self._rows, rows - begin)))

    @property
    def group_bytes(self) -> tuple[int, ...]:
        """Bytes of each row group, as they are stored."""
        return self._opened.group_bytes

    def close(self) -> None:
        """Close the file."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _is_in_file(self, source: ColumnSource) -> bool:
        """Whether the file is read for that column; a column it should have and has not reads as null, if it may."""
        if source.own is None or source.target.name in self._constants:
            return False
        if source.own.id == VALUE_KIND_ID and self._only_inserts:
            return False
        if source.own.name in self._opened.types:
            return True
        if not source.own.type.nullable:
            raise CorruptTableError(
                f"column {source.own.name!r} is NOT NULL in the file's schema, but the file does not have it",
                path=self._opened.path,
            )
        return False

    def _says_only_inserts(self) -> bool:
        bounds = [self._opened.group_bounds(group, [VALUE_KIND]).get(VALUE_KIND) for group in self._groups]
        return all(one is not None and one.min == one.max == RowKind.INSERT for one in bounds)

    def _finished(self, batch: pa.RecordBatch | None, rows: int) -> pa.RecordBatch:
        arrays = []
        for source, wanted in zip(self._sources, self._schema, strict=True):
            name = source.target.name
            if name in self._constants:
                scalar = array_of([self._constants[name]], source.target.type)[0]
                arrays.append(pa.repeat(scalar, rows))
            elif source.target.id == VALUE_KIND_ID and self._only_inserts:
                arrays.append(pa.repeat(pa.scalar(int(RowKind.INSERT), pa.int8()), rows))
            elif batch is None or source.own is None or source.own.name not in batch.schema.names:
                arrays.append(null_array(rows, wanted.type))
            else:
                arrays.append(self._read_as(batch.column(source.own.name), source.own, source.cast))
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _tracked(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch if self._tracking is None else self._tracking.filled(batch)

    def _read_as(self, column: Any, own: Field, cast: Cast | None) -> Any:  # noqa: ANN401 - pyarrow has no types
        try:
            found = stored(column, own.type)
            return found if cast is None else cast(found)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise CorruptTableError(
                f"column {own.name!r} cannot be read as {own.type}: {error}", path=self._opened.path
            ) from error
        except InvalidInputError as error:
            raise InvalidInputError(
                f"{self._opened.path}: column {own.name!r} was written as {own.type}, and {error.message}; leave the"
                " column out, or change its type back",
                kind=error.kind,
            ) from error


def refuse_file(file: DataFile, schema: TableSchema, what: str) -> None:
    """Refuse files that this release cannot read, or would read wrongly.

    Args:
        file: The file.
        schema: The schema it was written with.
        what: Table and snapshot, for messages.

    Raises:
        UnsupportedFormatError: The format is none that is read, or only part of the columns are in the file.
    """
    require_format(file_format(file.name), f"{what}: file {file.name}")
    if file.write_columns is not None and not set(schema.names) - TRACKING_NAMES <= set(file.write_columns):
        raise UnsupportedFormatError(
            f"{what}: file {file.name} holds only the columns {', '.join(file.write_columns)}; this release does not"
            " read tables with data evolution (option data-evolution.enabled)"
        )


def _check_rows(opened: DataFileSource, file: DataFile) -> None:
    if opened.num_rows != file.row_count:
        raise CorruptTableError(
            f"the file has {opened.num_rows} rows, the manifest says {file.row_count}", path=opened.path
        )
