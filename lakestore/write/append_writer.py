"""Writing an append table: rows go to files in order of arrival, or laid out along a curve.

1. Rows are held by bucket under one budget until they fill a row group.
2. A full row group, or the bucket that holds the most when the budget is exceeded, is written to the bucket's
   open file; files end at the target size.
3. Of too many open files the one written to least recently ends early. Under ``precommit-compact`` the small files that
   this leaves are written together at the end.
4. Under ``clustering.columns`` a table without buckets holds as many rows as the budget allows, and each time sorts
   them along the curve before it writes them.

Invariant: rows of a bucket are written, and numbered, in the order they came, unless they are to be laid out.
"""

from collections import OrderedDict

import pyarrow as pa

from lakestore.data.cluster_rewrite import in_small_groups, laid_out
from lakestore.data.file_writer import DataFileWriter, WriteParts, rows_per_group
from lakestore.model.message import CommitMessage
from lakestore.write.buffer import Place, RowBuffer
from lakestore.write.open_buckets import OpenBuckets

MAX_OPEN_FILES = 16
"""Files open at once: each holds a file descriptor, or megabytes of an upload beside the budget."""


class AppendWriter:
    """Writes rows of an append table.

    Args:
        parts: The table.
        buckets: Where file names and sequence numbers come from.
    """

    def __init__(self, parts: WriteParts, buckets: OpenBuckets) -> None:
        self._parts = parts
        self._buckets = buckets
        self._buffer = RowBuffer(parts.options.write.buffer_bytes)
        self._open: OrderedDict[Place, DataFileWriter] = OrderedDict()
        self._unordered = parts.options.bucket.count == -1
        self._lays_out = self._unordered and parts.options.append.cluster.on_write

    @property
    def buffered_bytes(self) -> int:
        """Bytes of rows that wait."""
        return self._buffer.size

    def add(self, place: Place, rows: pa.Table) -> None:
        """Take rows of one bucket: the table's columns."""
        self._buffer.add(place, rows)
        full = self._buffer.rows_at(place) >= rows_per_group(rows, self._parts.options.files)
        if full and not self._lays_out:
            self._write_out(place)
        while (largest := self._buffer.overflow()) is not None:
            self._write_out(largest)

    def flush(self) -> tuple[CommitMessage, ...]:
        """Write everything that waits and end all files; messages for all files since the last call."""
        for place in self._buffer.places():
            self._write_out(place)
        while self._open:
            self._end_oldest()
        if self._unordered and self._parts.options.append.precommit:
            self._buckets.gather()
        return self._buckets.messages()

    def abort(self) -> None:
        """Forget what waits and delete what no message has named."""
        self._buffer.clear()
        for writer in self._open.values():
            writer.abort()
        self._open.clear()
        self._buckets.abort()

    def _write_out(self, place: Place) -> None:
        rows = self._buffer.take(place)
        bucket = self._buckets.at(place)
        writer = self._open.get(place)
        if writer is None:
            if len(self._open) >= MAX_OPEN_FILES:
                self._end_oldest()
            parts = in_small_groups(self._parts, rows) if self._lays_out else self._parts
            writer = DataFileWriter(parts, bucket.files, first_sequence=bucket.next_sequence)
            self._open[place] = writer
        self._open.move_to_end(place)
        for piece in laid_out(rows, self._parts.options) if self._lays_out else (rows,):
            writer.write(piece)
        bucket.next_sequence += len(rows)

    def _end_oldest(self) -> None:
        place, writer = next(iter(self._open.items()))
        self._buckets.at(place).written += writer.close()
        del self._open[place]
