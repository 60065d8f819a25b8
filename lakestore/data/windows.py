"""Reading sorted runs side by side in bounded windows of keys: what merging reads and compaction share.

1. Each run hands out its rows in key order, file after file; a cursor buffers up to a window of them.
2. Every round fills the cursors and normalises the buffered keys together. The least of the last buffered keys of
   the runs that have more to come is the cut: below it no run can bring another row.
3. The rows below the cut are handed out, run by run; nothing is joined, sorted or gathered here.
4. Rows at or above the cut wait for the next round. If a single key fills all that is buffered, more is buffered.

Invariants: memory is runs x window; windows ascend and share no key; keys that are out of order are an error.
"""

from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pyarrow as pa

from lakestore.core.sections import Run
from lakestore.core.sorting import KeyWords, count_below, first_out_of_order, normalise_together
from lakestore.data.file_reader import BucketFiles
from lakestore.errors import CorruptTableError
from lakestore.model.arrow import arrow_schema
from lakestore.model.options import MergeOptions
from lakestore.model.predicate import Predicate
from lakestore.model.rows import SEQUENCE_NUMBER
from lakestore.model.types import Field
from lakestore.storage.parallel import ReadAhead

WINDOW_BYTES = 64 * 1024 * 1024
"""Decoded bytes of one run's window, about, where rows are wide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A run to read.

    Attributes:
        run: The run.
        where: Bound predicate on key and partition columns: row groups that cannot meet it are skipped.
    """

    run: Run
    where: Predicate | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Window:
    """The rows of some range of keys, run by run; runs that have none left are not there.

    Attributes:
        tables: Rows of each run, in key order.
        keys: Their keys, normalised together.
        sources: Which of the sources each run is.
    """

    tables: tuple[pa.Table, ...]
    keys: tuple[KeyWords, ...]
    sources: tuple[int, ...]


def read_windows(
    bucket: BucketFiles,
    sources: Sequence[Source],
    columns: Sequence[Field],
    *,
    window_rows: int,
    window_bytes: int | None = None,
) -> Generator[Window, None, None]:
    """The rows of runs, window by window, in key order.

    Args:
        bucket: The bucket that the runs are of.
        sources: The runs.
        columns: Columns to read; the columns of the trimmed primary key must be among them.
        window_rows: Rows of one run held at a time, about.
        window_bytes: Decoded bytes of one run held at a time, about; ``WINDOW_BYTES`` by default.

    Raises:
        CorruptTableError: A file is damaged, or its keys are out of order.
        NotFoundError: A file is gone.
    """
    limit = WINDOW_BYTES if window_bytes is None else window_bytes
    rounds = Rounds(bucket.table.schema.trimmed_primary_keys, bucket.table.what)
    with ExitStack() as stack:
        cursors = [
            stack.enter_context(closing(Cursor(bucket, source, number, columns, rows=window_rows, size=limit)))
            for number, source in enumerate(sources)
        ]
        while live := [cursor for cursor in cursors if cursor.fill()]:
            window = rounds.next_window(live)
            if window is not None:
                yield window


class Rounds:
    """Cuts windows off the cursors.

    Args:
        keys: Names of the key columns.
        what: Table and snapshot, for messages.
    """

    def __init__(self, keys: Sequence[str], what: str) -> None:
        self._keys = tuple(keys)
        self._what = what

    def next_window(self, cursors: "Sequence[Cursor]") -> Window | None:
        """Take the rows to which no run can add any more; None, after buffering more, if there are none."""
        keys = self._normalised(cursors)
        open_runs = [index for index, cursor in enumerate(cursors) if not cursor.exhausted]
        if not open_runs:
            return _taken(cursors, keys, [cursor.rows for cursor in cursors])
        cut = min(keys[index].row(-1) for index in open_runs)
        counts = [count_below(own, cut) for own in keys]
        if not any(counts):
            for index in open_runs:
                cursors[index].grow()
            return None
        return _taken(cursors, keys, counts)

    def _normalised(self, cursors: "Sequence[Cursor]") -> tuple[KeyWords, ...]:
        """Keys of the buffered rows, proven to ascend.

        The last buffered row of a run that has more to come is never below the cut, so it stays until the rows after
        it are there: the proof has no gaps.
        """
        keys = normalise_together([[cursor.buffer.column(name) for name in self._keys] for cursor in cursors])
        for cursor, own in zip(cursors, keys, strict=True):
            if first_out_of_order(own, strictly=False) is not None:
                raise CorruptTableError(
                    f"{self._what}: the rows of {cursor.describe()} are not in the order of the key"
                    f" ({', '.join(self._keys)})"
                )
        return keys


class Cursor:
    """Reads one run and buffers its next rows.

    Args:
        bucket: The bucket.
        source: The run.
        number: Which of the sources it is.
        columns: Columns to read.
        rows: Rows held at a time, about.
        size: Decoded bytes held at a time, about.

    Attributes:
        number: As given.
        buffer: Rows read and not taken yet.
        exhausted: Whether nothing comes after them.
    """

    def __init__(
        self, bucket: BucketFiles, source: Source, number: int, columns: Sequence[Field], *, rows: int, size: int
    ) -> None:
        self.number = number
        self._source = source
        self._enough_rows = rows // 2
        self._enough_bytes = size
        batches = _batches_of(bucket, source, columns)
        held = all(bucket.is_recent(file, columns) for file in source.run.files)
        self._batches: Generator[pa.RecordBatch] | ReadAhead[pa.RecordBatch] = batches if held else ReadAhead(batches)
        self._bytes = 0
        self.buffer: pa.Table = pa.Table.from_batches([], arrow_schema(columns))
        self.exhausted = False

    @property
    def rows(self) -> int:
        """Rows buffered."""
        return int(self.buffer.num_rows)

    def fill(self) -> bool:
        """Read until half a window is buffered or nothing is left; whether any row is buffered."""
        while not self.exhausted and not self._has_enough():
            self.grow()
        return self.rows > 0

    def _has_enough(self) -> bool:
        if not self.rows:
            return False
        return self.rows > self._enough_rows or self._bytes >= self._enough_bytes

    def grow(self) -> None:
        """Read one more batch, if there is one."""
        batch = next(self._batches, None)
        if batch is None:
            self.exhausted = True
        else:
            self._bytes += batch.nbytes
            self.buffer = pa.concat_tables([self.buffer, pa.Table.from_batches([batch])])

    def take(self, count: int) -> pa.Table:
        """The first rows, which leave the buffer."""
        taken = self.buffer.slice(0, count)
        self._bytes -= self._bytes * count // self.rows
        self.buffer = self.buffer.slice(count)
        return taken

    def describe(self) -> str:
        """The run's files, for messages."""
        return ", ".join(file.name for file in self._source.run.files)

    def close(self) -> None:
        """Close the file being read."""
        self._batches.close()


def version_orders(
    tables: Sequence[pa.Table], options: MergeOptions, *, by_sequence: bool
) -> Sequence[KeyWords | None]:
    """What settles which version of a key is the newer, run by run: sequence fields, then sequence numbers.

    Args:
        tables: Rows of the runs, with ``_SEQUENCE_NUMBER`` and the sequence fields.
        options: Names the sequence fields.
        by_sequence: False where the order of the runs settles it: then the answer is None for each.
    """
    if not by_sequence:
        return [None] * len(tables)
    numbers = normalise_together([[table.column(SEQUENCE_NUMBER)] for table in tables])
    if not options.sequence_fields:
        return numbers
    fields = normalise_together(
        [[table.column(name) for name in options.sequence_fields] for table in tables],
        descending=options.sequence_descending,
    )
    return [field.then(number) for field, number in zip(fields, numbers, strict=True)]


def _taken(cursors: Sequence[Cursor], keys: Sequence[KeyWords], counts: Sequence[int]) -> Window:
    return Window(
        tables=tuple(cursor.take(count) for cursor, count in zip(cursors, counts, strict=True)),
        keys=tuple(own.slice(0, count) for own, count in zip(keys, counts, strict=True)),
        sources=tuple(cursor.number for cursor in cursors),
    )


def _batches_of(bucket: BucketFiles, source: Source, columns: Sequence[Field]) -> Generator[pa.RecordBatch, None, None]:
    for file in source.run.files:
        yield from bucket.rows(file, columns, where=source.where)
