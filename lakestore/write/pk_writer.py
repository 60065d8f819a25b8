"""Writing a primary-key table: rows wait in a buffer and leave it as sorted files on level 0.

1. Rows are held by bucket under one budget. Their sequence numbers follow from their place in the order of
   arrival: the bucket's next number, and one more for each row.
2. Above the budget the bucket that holds the most is flushed, until the rest fits.
3. A flush sorts the bucket's rows and merges the versions of each key by the table's merge engine. A merged retract
   row stays, since it has to hide what older files hold. Row groups are made in other threads while the one before is
   encoded.
4. With ``changelog-producer = input`` the rows as they came go to changelog files first.

Invariant: a data file holds each key at most once, in ascending order; a row's sequence number tells when it came.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial

import pyarrow as pa

from lakestore.data.changelog_parts import changelog_parts
from lakestore.data.file_writer import BucketNames, DataFileWriter, WriteParts, rows_per_group
from lakestore.format.data_file import dictionary_columns
from lakestore.model.arrow import arrow_schema
from lakestore.model.datafile import DataFile
from lakestore.model.merging import MergeSpec
from lakestore.model.message import CommitMessage
from lakestore.model.rows import ChangelogProducer, file_fields
from lakestore.storage.parallel import map_ordered
from lakestore.write.buffer import Place, RowBuffer
from lakestore.write.open_buckets import OpenBuckets
from lakestore.write.sorted_rows import Piece, SortedRows

GATHER_WORKERS = 2
"""Row groups made ahead of the one that is being encoded."""

Begun = Callable[[Place, pa.Table, tuple[str, ...]], None]
"""Is told of a bucket, all rows of a file to be, and the columns that it encodes with a dictionary."""


class PkWriter:
    """Writes rows of a primary-key table.

    Args:
        parts: The table.
        buckets: Where file names and sequence numbers come from.
        spec: How versions of a key are merged.
    """

    def __init__(self, parts: WriteParts, buckets: OpenBuckets, spec: MergeSpec) -> None:
        self._parts = parts
        self._changelog_parts = changelog_parts(parts)
        self._buckets = buckets
        self._spec = spec
        self._buffer = RowBuffer(parts.options.write.buffer_bytes)
        self._shape = arrow_schema(file_fields(parts.schema, thin=parts.options.files.thin))

    @property
    def buffered_bytes(self) -> int:
        """Bytes of rows that wait."""
        return self._buffer.size

    def add(self, place: Place, rows: pa.Table) -> None:
        """Take rows of one bucket: the table's columns and ``_VALUE_KIND``."""
        self._buffer.add(place, rows)
        while (largest := self._buffer.overflow()) is not None:
            self._flush(largest)

    def flush(self, begun: Begun | None = None) -> tuple[CommitMessage, ...]:
        """Write everything that waits; messages for all files since the last call.

        Args:
            begun: Is told of rows that are about to become the only new file of their bucket.

        Raises:
            InvalidInputError: Rows of one key do not merge: a sum overflows, say.
        """
        for place in self._buffer.places():
            self._flush(place, begun)
        return self._buckets.messages()

    def abort(self) -> None:
        """Forget what waits and delete what no message has named."""
        self._buffer.clear()
        self._buckets.abort()

    def _flush(self, place: Place, begun: Begun | None = None) -> None:
        bucket = self._buckets.at(place)
        rows = _in_one_piece(self._buffer.take(place))
        first = bucket.next_sequence
        bucket.next_sequence += len(rows)
        options = self._parts.options
        ordered = SortedRows.of(rows, first=first, schema=self._parts.schema, options=options.merge, spec=self._spec)
        limit = rows_per_group(rows, options.files)
        if options.merge.changelog_producer is ChangelogProducer.INPUT:
            pieces = ordered.changes(limit)
            bucket.changelog += self._written(self._changelog_parts, bucket.files, ordered, pieces, limit)
        state = ordered.state(limit)
        if begun is not None and len(state) == 1 and not bucket.written:
            bucket.written += self._written_whole(bucket.files, ordered, state[0], partial(begun, place))
        else:
            bucket.written += self._written(self._parts, bucket.files, ordered, state, limit)

    def _written_whole(
        self,
        names: BucketNames,
        ordered: SortedRows,
        piece: Piece,
        begun: Callable[[pa.Table, tuple[str, ...]], None],
    ) -> tuple[DataFile, ...]:
        """All rows as one piece, which ``begun`` is told of first."""
        rows = ordered.maker(self._shape)(piece)
        dictionary = dictionary_columns(self._parts.options.files.at_level(0), rows)
        begun(rows, dictionary)
        with DataFileWriter(replace(self._parts, dictionary=dictionary), names) as writer:
            writer.write(rows)
            return writer.close()

    def _written(
        self, parts: WriteParts, names: BucketNames, ordered: SortedRows, pieces: Sequence[Piece], limit: int
    ) -> tuple[DataFile, ...]:
        workers = GATHER_WORKERS if len(pieces) > 1 else 1
        with (
            DataFileWriter(parts, names) as writer,
            closing(map_ordered(ordered.maker(self._shape), pieces, workers=workers)) as made,
            closing(_filled(made, limit)) as groups,
        ):
            for group in groups:
                writer.write(group)
            return writer.close()


def _filled(made: Generator[pa.Table, None, None], limit: int) -> Generator[pa.Table, None, None]:
    """Tables joined until they fill half a row group or more: merging may leave little of many rows."""
    waiting: list[pa.Table] = []
    rows = 0
    for table in made:
        waiting.append(table)
        rows += len(table)
        if 2 * rows >= limit:
            yield pa.concat_tables(waiting)
            waiting, rows = [], 0
    if waiting:
        yield pa.concat_tables(waiting)


def _in_one_piece(rows: pa.Table) -> pa.Table:
    """The rows with one chunk per column; each column's chunks are let go as soon as it is joined."""
    if all(column.num_chunks <= 1 for column in rows.columns):
        return rows
    schema, columns = rows.schema, rows.columns
    del rows
    for index in range(len(columns)):
        joined = pa.Table.from_arrays([columns[index]], names=["column"]).combine_chunks()
        columns[index] = joined.column(0)
    return pa.Table.from_arrays(columns, schema=schema)
