"""Writing a primary-key table: rows wait in a buffer and leave it as sorted files on level 0.

1. Rows are held by bucket under one budget. Their sequence numbers follow from their place in the order of
   arrival: the bucket's next number, and one more for each row.
2. Above the budget the bucket that holds the most is flushed, until the rest fits.
3. A flush sorts the bucket's rows, keeps the last version of each key, and writes them. Row groups are gathered
   in other threads while the one before is encoded.

Invariant: a file holds each key at most once, in ascending order; a row's sequence number tells when it came.
"""

from contextlib import closing
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lakestore.core.sort_rows import last_versions
from lakestore.data.file_writer import DataFileWriter, WriteParts, rows_per_group
from lakestore.model.arrow import arrow_schema
from lakestore.model.message import CommitMessage
from lakestore.model.rows import KEY_PREFIX, SEQUENCE_NUMBER, VALUE_KIND, file_fields
from lakestore.storage.parallel import map_ordered
from lakestore.write.buffer import Place, RowBuffer
from lakestore.write.open_buckets import OpenBuckets

GATHER_WORKERS = 2
"""Row groups gathered ahead of the one that is being encoded."""

Indices = NDArray[np.int64]


class PkWriter:
    """Writes rows of a primary-key table.

    Args:
        parts: The table.
        buckets: Where file names and sequence numbers come from.
    """

    def __init__(self, parts: WriteParts, buckets: OpenBuckets) -> None:
        self._parts = parts
        self._buckets = buckets
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

    def flush(self) -> tuple[CommitMessage, ...]:
        """Write everything that waits; messages for all files since the last call."""
        for place in self._buffer.places():
            self._flush(place)
        return self._buckets.messages()

    def abort(self) -> None:
        """Forget what waits and delete what no message has named."""
        self._buffer.clear()
        self._buckets.abort()

    def _flush(self, place: Place) -> None:
        bucket = self._buckets.at(place)
        rows = _in_one_piece(self._buffer.take(place))
        first = bucket.next_sequence
        bucket.next_sequence += len(rows)
        merge = self._parts.options.merge
        order = last_versions(
            rows,
            self._parts.schema.trimmed_primary_keys,
            sequence_fields=merge.sequence_fields,
            descending=merge.sequence_descending,
        )
        gather = partial(_gather, rows, self._shape, first)
        pieces = _pieces(order, rows_per_group(rows, self._parts.options.files))
        workers = GATHER_WORKERS if len(pieces) > 1 else 1
        with (
            DataFileWriter(self._parts, bucket.files) as writer,
            closing(map_ordered(gather, pieces, workers=workers)) as groups,
        ):
            for group in groups:
                writer.write(group)
            bucket.written += writer.close()


def _pieces(order: Indices, limit: int) -> list[Indices]:
    groups = -(-len(order) // limit)
    step = max(-(-len(order) // max(groups, 1)), 1)
    return [order[start : start + step] for start in range(0, len(order), step)]


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


def _gather(rows: pa.Table, shape: pa.Schema, first_sequence: int, order: Indices) -> pa.Table:
    """The rows at those positions, as a data file holds them."""
    taken = rows.take(pa.array(order))
    columns = []
    for name in shape.names:
        if name == SEQUENCE_NUMBER:
            columns.append(pa.array(order + first_sequence))
        elif name == VALUE_KIND:
            columns.append(taken[VALUE_KIND])
        else:
            columns.append(taken[name] if name in taken.column_names else taken[name.removeprefix(KEY_PREFIX)])
    return pa.Table.from_arrays(columns, schema=shape)
