"""Writing data files: rows of one bucket into files of about the target size, each with its manifest record.

1. Rows come in file order: sorted by key and unique in a primary-key table, as they arrived in an append table.
2. They are cut into row groups; after each, a file that has reached the target size is closed, so that no row
   group is ever rewritten and no key is split.
3. Key range, sequence range, retract count, statistics and file indexes are gathered from the rows as they pass.
   Small indexes stand in the record, larger ones in a file beside the data file.

Invariant: a file is listed only after it is durable, and ``abort`` leaves none of this writer's files behind.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.row_tracking import is_tracked, number_range, plain_fields
from lakestore.core.values import scalars_of
from lakestore.data.recent_rows import RecentRows, Recording
from lakestore.env import Env
from lakestore.errors import StorageError
from lakestore.events import FileWritten
from lakestore.format.binary_row import decode_row, encode_row
from lakestore.format.column_stats import StatsCollector, key_collector, stats_modes
from lakestore.format.data_file import dictionary_columns, open_sink
from lakestore.format.file_index import write_container
from lakestore.format.index_kinds import IndexCollector
from lakestore.model.datafile import DataFile, FileSource
from lakestore.model.options import MIB, FileOptions, TableOptions
from lakestore.model.rows import SEQUENCE_NUMBER, VALUE_KIND, RowKind, file_fields
from lakestore.model.schema import TableSchema
from lakestore.model.stats import EMPTY_ROW, NO_STATS
from lakestore.model.types import Field
from lakestore.storage.file_names import data_extension, file_index_name
from lakestore.storage.partition_paths import partition_dirs
from lakestore.storage.paths import TablePaths, data_file_name
from lakestore.storage.store import Store

ROLL_ROWS = 1000
"""A file is never closed with fewer rows for being large, as in Paimon."""

ROW_GROUP_BYTES = 32 * MIB
"""Bytes of rows in one row group, about, where rows are wide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteParts:
    """What writing files of a table takes.

    Attributes:
        store: Where the table is.
        paths: How its files are called.
        schema: Schema that the files are written with.
        options: The table's options.
        env: Clock, ids, events.
        recent: Keeps the rows of what is written for the compaction to come; None keeps nothing.
        dictionary: Columns to encode with a dictionary, where that is known; else the first rows of a file tell.
    """

    store: Store
    paths: TablePaths
    schema: TableSchema
    options: TableOptions
    env: Env
    recent: RecentRows | None = None
    dictionary: tuple[str, ...] | None = None


class BucketNames:
    """Names and places of the files that one writer makes in one bucket: one uuid, one counter.

    Args:
        parts: The table.
        partition: Serialized partition.
        bucket: Bucket number.
    """

    def __init__(self, parts: WriteParts, partition: bytes, bucket: int) -> None:
        schema, options = parts.schema, parts.options
        values = decode_row(partition, schema.partition_types)
        self._dirs = partition_dirs(schema.partition_keys, schema.partition_types, values, options.partition)
        self._bucket = bucket
        self._parts = parts
        self._uuid = parts.env.new_id()
        self._count = 0

    def next_name(self, prefix: str, files: FileOptions | None = None) -> str:
        """A fresh bare name with that prefix, for a file of the table's format and codec or of those."""
        files = files or self._parts.options.files
        extension = data_extension(
            files.format, compression=files.compression, with_compression=files.suffix_compression
        )
        name = data_file_name(prefix, self._uuid, self._count, extension)
        self._count += 1
        return name

    def fresh_like(self, name: str, prefix: str) -> str:
        """A fresh bare name with that prefix and the extension, which says the format, of another name."""
        fresh = data_file_name(prefix, self._uuid, self._count, name.rpartition(".")[2])
        self._count += 1
        return fresh

    def path(self, name: str) -> str:
        """Full path of a file of the bucket."""
        directory = self._parts.options.files.directory
        return self._parts.paths.data_file(self._dirs, self._bucket, name, data_directory=directory)


class DataFileWriter:
    """Writes rows of one bucket, in file order, and starts a new file whenever the target size is reached.

    Use as a context manager: an exception leaves none of its files behind.

    Args:
        parts: The table.
        bucket_files: Names for the files.
        level: LSM level of the files.
        source: Who writes them.
        first_sequence: Sequence number of the first row; append tables only, others carry theirs in the rows.
    """

    def __init__(
        self,
        parts: WriteParts,
        bucket_files: BucketNames,
        *,
        level: int = 0,
        source: FileSource = FileSource.APPEND,
        first_sequence: int = 0,
    ) -> None:
        self._parts = parts
        self._bucket_files = bucket_files
        self._level = level
        self._source = source
        self._next_sequence = first_sequence
        self._open: _OpenFile | None = None
        self._files: list[DataFile] = []

    def write(self, rows: pa.Table) -> None:
        """Append rows that have the columns of ``file_fields``: in a primary-key table above all keys so far."""
        for piece in self._pieces(rows):
            if self._open is None:
                self._open = _OpenFile(self._parts, self._bucket_files, piece, self._level)
                self._open.record(copy=self._source is FileSource.APPEND)
            self._open.write(piece)
            if self._open.size >= self._parts.options.files.target_bytes:
                self._end_file()

    def close(self) -> tuple[DataFile, ...]:
        """End the last file; all files written, in file order."""
        self._end_file()
        return tuple(self._files)

    def abort(self) -> None:
        """Delete everything that was written."""
        if self._open is not None:
            self._open.discard()
            self._open = None
        delete_files(self._parts.store, self._bucket_files, self._files)
        self._files = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.abort()

    def _pieces(self, rows: pa.Table) -> Iterator[pa.Table]:
        """Rows by row group, evenly cut."""
        limit = rows_per_group(rows, self._parts.options.files)
        groups = -(-len(rows) // limit)
        step = -(-len(rows) // max(groups, 1))
        return (rows.slice(start, step) for start in range(0, len(rows), max(step, 1)))

    def _end_file(self) -> None:
        if self._open is None:
            return
        file, self._open = self._open, None
        record = file.finish(level=self._level, source=self._source, first_sequence=self._next_sequence)
        self._files.append(record)
        self._next_sequence += record.row_count
        path = self._bucket_files.path(record.name)
        self._parts.env.emit(FileWritten(path=path, rows=record.row_count, bytes=record.size))


def is_retract(kinds: Any) -> Any:  # noqa: ANN401 - Array in, Array out; ChunkedArray likewise
    """Which of the row kinds take back a row."""
    return pc.is_in(kinds, value_set=pa.array([RowKind.UPDATE_BEFORE, RowKind.DELETE], pa.int8()))


def key_at(rows: pa.Table, position: int, keys: Sequence[Field]) -> bytes:
    """The serialized key of one row."""
    row = rows.slice(position, 1)
    values = [scalars_of(row[field.name], field.type)[0] for field in keys]
    return encode_row(values, [field.type for field in keys])


def rows_per_group(rows: pa.Table, files: FileOptions) -> int:
    """Rows of one row group at most: never much more than what fills a file, or ``ROW_GROUP_BYTES``."""
    return group_rows(len(rows), rows.nbytes, files)


def group_rows(rows: int, size: int, files: FileOptions) -> int:
    """The same for that many rows of that many bytes together."""
    row_bytes = max(size / max(rows, 1), 1)
    fitting = int(min(files.target_bytes, ROW_GROUP_BYTES) / row_bytes)
    return max(1, min(files.row_group_rows, max(fitting, ROLL_ROWS)))


def delete_files(store: Store, bucket_files: BucketNames, files: Sequence[DataFile]) -> None:
    """Delete files that no snapshot refers to; what a failing store keeps are orphans, no damage."""
    for file in files:
        for name in (file.name, *file.extra_files):
            with suppress(StorageError):
                store.delete(bucket_files.path(name))


def place_indexes(
    parts: WriteParts, bucket_files: BucketNames, container: bytes, name: str
) -> tuple[bytes | None, tuple[str, ...]]:
    """Put file indexes where the options want them: into the record of the data file, or into a file of that name.

    Returns:
        What the record embeds, and the extra files that it lists.
    """
    if len(container) <= parts.options.file_index.embed_bytes:
        return container, ()
    parts.store.put(bucket_files.path(name), container)
    return None, (name,)


class _OpenFile:
    """One file being written, and what its record will say."""

    def __init__(self, parts: WriteParts, bucket_files: BucketNames, sample: pa.Table, level: int) -> None:
        schema, options = parts.schema, parts.options
        files = options.files.at_level(level) if schema.primary_keys else options.files
        self._parts = parts
        self._bucket_files = bucket_files
        self._name = bucket_files.next_name(files.data_prefix, files)
        self._indexes = IndexCollector(schema.fields, options.file_index.specs)
        self._keys = schema.select(schema.trimmed_primary_keys)
        self._keyed = bool(schema.primary_keys)
        self._key_stats = key_collector(self._keys)
        own = plain_fields(schema)
        self._value_stats = StatsCollector(own, stats_modes(own, options.stats))
        self._tracked = is_tracked(schema)
        self._rows = self._retracts = 0
        self._sequences: list[int] = []
        self._unnumbered = False
        self._min_key = self._max_key = EMPTY_ROW
        self._recording: Recording | None = None
        self._output = parts.store.open_output(bucket_files.path(self._name))
        try:
            fields = file_fields(schema, thin=files.thin)
            known = parts.dictionary
            self._dictionary = dictionary_columns(files, sample) if known is None else known
            self._writer = open_sink(self._output.sink, fields, options=files, dictionary=self._dictionary)
        except BaseException:
            self._output.discard()
            raise

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return int(self._output.sink.tell())

    def record(self, *, copy: bool) -> None:
        """Keep the rows in memory too, if there is a place for them; ``copy`` those that others may hold."""
        if self._parts.recent is not None and not self._tracked:
            # Rows of a keyed table were gathered in the order of the key: that memory is nobody else's.
            self._recording = self._parts.recent.recording(copy=copy and not self._keyed)

    def write(self, rows: pa.Table) -> None:
        try:
            self._writer.write(rows)
            self._value_stats.add(rows)
            self._indexes.add(rows)
            if self._keyed:
                self._note_keys(rows)
            elif self._tracked:
                self._note_numbers(rows[SEQUENCE_NUMBER])
            if self._recording is not None:
                self._recording.add(rows)
        except BaseException:
            self.discard()
            raise
        self._rows += len(rows)

    def _note_keys(self, rows: pa.Table) -> None:
        self._key_stats.add(rows)
        if not self._rows:
            self._min_key = key_at(rows, 0, self._keys)
        self._max_key = key_at(rows, len(rows) - 1, self._keys)
        sequences = pc.min_max(rows[SEQUENCE_NUMBER])
        self._sequences += [sequences["min"].as_py(), sequences["max"].as_py()]
        self._retracts += pc.sum(is_retract(rows[VALUE_KIND])).as_py()

    def _note_numbers(self, numbers: pa.ChunkedArray) -> None:
        least, greatest = (pc.min_max(numbers)[end].as_py() for end in ("min", "max"))
        self._sequences += [number for number in (least, greatest) if number is not None]
        self._unnumbered = self._unnumbered or numbers.null_count > 0

    def finish(self, *, level: int, source: FileSource, first_sequence: int) -> DataFile:
        """Close the file and describe it."""
        try:
            self._writer.close()
            embedded, beside = self._write_indexes()
        except BaseException:
            self.discard()
            raise
        try:
            self._output.finish()
        except BaseException:
            for name in beside:
                with suppress(StorageError):
                    self._parts.store.delete(self._bucket_files.path(name))
            raise
        if self._recording is not None:
            self._recording.finish(self._name, dictionary=self._dictionary)
        dense = self._parts.options.stats.dense
        value_stats, columns = self._value_stats.finish(dense=dense)
        now = self._parts.env.clock.now_ms()
        if self._tracked and columns is None:
            columns = tuple(field.name for field in plain_fields(self._parts.schema))
        least, greatest = self._numbers(first_sequence)
        return DataFile(
            name=self._name,
            size=self._output.size,
            row_count=self._rows,
            min_key=self._min_key,
            max_key=self._max_key,
            key_stats=self._key_stats.finish(dense=False)[0] if self._keyed else NO_STATS,
            value_stats=value_stats,
            value_stats_columns=columns,
            min_sequence=least,
            max_sequence=greatest,
            schema_id=self._parts.schema.id,
            level=level,
            extra_files=beside,
            embedded_index=embedded,
            delete_row_count=self._retracts,
            creation_time=now + self._parts.env.clock.local_offset_ms(now),
            source=source,
            write_columns=self._parts.schema.names if self._tracked else None,
        )

    def _numbers(self, first: int) -> tuple[int, int]:
        """The range of sequence numbers, ``first`` being that of the first row where rows carry none."""
        if self._tracked:
            return number_range(self._sequences, has_null=self._unnumbered)
        numbers = self._sequences or [first, first + self._rows - 1]
        return min(numbers), max(numbers)

    def _write_indexes(self) -> tuple[bytes | None, tuple[str, ...]]:
        """The indexes for the record, or the name of the file that they are in."""
        indexes = self._indexes.finish()
        if not indexes:
            return None, ()
        return place_indexes(self._parts, self._bucket_files, write_container(indexes), file_index_name(self._name))

    def discard(self) -> None:
        """Leave nothing of the file behind."""
        self._writer.abandon()
        self._output.discard()
