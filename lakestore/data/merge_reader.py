"""Reading a section of overlapping sorted runs as the state of its keys, in bounded memory.

1. Each run hands out its rows in key order, file after file; a cursor buffers up to a window of them.
2. Every round fills the cursors and normalises the buffered keys together. The least of the last buffered keys of
   the runs that have more to come is the cut: below it no run can bring another row.
3. The merge kernel says which rows below the cut are the state of their keys: one mask per run. Values are
   filtered by the masks, run by run; they are never joined, sorted or gathered.
4. Rows at or above the cut wait for the next round. If a single key fills all that is buffered, more is buffered.

Sequence numbers are read only where the order of the runs does not say which version is newer.

Invariants: memory is runs x window; each key comes out at most once; keys that are out of order are an error.
"""

from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from typing import Any

import pyarrow as pa

from lakestore.core.conflict import rank_of
from lakestore.core.merge import Kinds, RunVersions
from lakestore.core.merge_options import parse_merge
from lakestore.core.sections import Run, Section, oldest_first
from lakestore.core.sorting import KeyWords, count_below, first_out_of_order, normalise_together
from lakestore.data.file_reader import BucketFiles
from lakestore.data.merge_engine import SURVIVOR_ENGINES, merge_of, runs_by_level
from lakestore.errors import CorruptTableError
from lakestore.format.binary_row import decode_row
from lakestore.model.arrow import arrow_schema
from lakestore.model.options import MergeOptions
from lakestore.model.predicate import Predicate
from lakestore.model.rows import KIND_FIELD, SEQUENCE_FIELD, SEQUENCE_NUMBER, VALUE_KIND
from lakestore.model.types import Field
from lakestore.storage.parallel import ReadAhead

WINDOW_BYTES = 64 * 1024 * 1024
"""Decoded bytes of one run's window, about, where rows are wide."""


def read_merged(
    bucket: BucketFiles,
    section: Section,
    columns: Sequence[Field],
    *,
    options: MergeOptions,
    window_rows: int,
    where_key: Predicate | None = None,
) -> Generator[pa.Table, None, None]:
    """The state of the keys of a section: rows of tables, in no promised order within a round.

    Args:
        bucket: The bucket that the section is of.
        section: Its runs.
        columns: Columns to hand out.
        options: How versions of a key become one row.
        window_rows: Rows of one run held at a time, about.
        where_key: Bound predicate on key and partition columns only: row groups that cannot meet it are skipped.

    Raises:
        CorruptTableError: A file is damaged, or its keys are out of order.
        InvalidInputError: The merge engine cannot merge the rows: a sum overflows, say.
        NotFoundError: A file is gone.
    """
    merge = _Merge(bucket, section, columns, options=options)
    with ExitStack() as stack:
        cursors = [
            stack.enter_context(closing(_Cursor(bucket, run, merge.read_columns, where_key, window_rows)))
            for run in merge.runs
        ]
        while live := [cursor for cursor in cursors if cursor.fill()]:
            yield from merge.round(live)


class _Merge:
    """What is the same in every round: which columns are read, and what decides."""

    def __init__(
        self, bucket: BucketFiles, section: Section, columns: Sequence[Field], *, options: MergeOptions
    ) -> None:
        schema = bucket.table.schema
        self._options = options
        self._what = bucket.table.what
        self._keys = schema.trimmed_primary_keys
        self._schema = arrow_schema(columns)
        spec = parse_merge(schema, schema.options)
        self._merge = merge_of(options, spec)
        survives = options.engine in SURVIVOR_ENGINES
        ordered = None if options.sequence_fields or not survives else oldest_first(section.runs)
        runs = section.runs
        if spec.looks_up and not survives:
            runs = runs_by_level(section, lambda key: rank_of(decode_row(key, schema.key_types, path=self._what)))
        self.runs = runs if ordered is None else ordered
        self._by_sequence = not survives or (ordered is None and len(self.runs) > 1)
        wanted = columns if survives else schema.select(spec.needed(column.name for column in columns))
        needed = [*columns, *wanted, *schema.select(self._keys), KIND_FIELD]
        if self._by_sequence:
            needed += [*schema.select(options.sequence_fields), SEQUENCE_FIELD]
        self.read_columns = tuple({field.name: field for field in needed}.values())

    def round(self, cursors: Sequence["_Cursor"]) -> list[pa.Table]:
        """Merge the keys to which no run can add any more."""
        keys = self._normalised(cursors)
        open_runs = [index for index, cursor in enumerate(cursors) if not cursor.exhausted]
        if not open_runs:
            return self._merged(cursors, keys, [cursor.rows for cursor in cursors])
        cut = min(keys[index].row(-1) for index in open_runs)
        counts = [count_below(own, cut) for own in keys]
        if not any(counts):
            for index in open_runs:
                cursors[index].grow()
            return []
        return self._merged(cursors, keys, counts)

    def _normalised(self, cursors: Sequence["_Cursor"]) -> tuple[KeyWords, ...]:
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

    def _merged(self, cursors: Sequence["_Cursor"], keys: Sequence[KeyWords], counts: Sequence[int]) -> list[pa.Table]:
        tables = [cursor.take(count) for cursor, count in zip(cursors, counts, strict=True)]
        keys = [own.slice(0, count) for own, count in zip(keys, counts, strict=True)]
        orders = self._orders(tables)
        runs = [
            RunVersions(keys=own, order=order, kinds=kinds_of(table))
            for own, order, table in zip(keys, orders, tables, strict=True)
        ]
        levels = [cursor.level for cursor in cursors]
        return [table.select(self._schema.names) for table in self._merge(tables, runs, levels)]

    def _orders(self, tables: Sequence[pa.Table]) -> Sequence[KeyWords | None]:
        if not self._by_sequence:
            return [None] * len(tables)
        options = self._options
        numbers = normalise_together([[table.column(SEQUENCE_NUMBER)] for table in tables])
        if not options.sequence_fields:
            return numbers
        fields = normalise_together(
            [[table.column(name) for name in options.sequence_fields] for table in tables],
            descending=options.sequence_descending,
        )
        return [field.then(number) for field, number in zip(fields, numbers, strict=True)]


class _Cursor:
    """Reads one run and buffers its next rows.

    Attributes:
        buffer: Rows read and not taken yet.
        exhausted: Whether nothing comes after them.
    """

    def __init__(
        self,
        bucket: BucketFiles,
        run: Run,
        columns: Sequence[Field],
        where_key: Predicate | None,
        window_rows: int,
    ) -> None:
        self._run = run
        self._enough_rows = window_rows // 2
        self._batches = ReadAhead(_run_batches(bucket, run, columns, where_key))
        self._bytes = 0
        self.buffer: pa.Table = pa.Table.from_batches([], arrow_schema(columns))
        self.exhausted = False

    @property
    def level(self) -> int:
        """Level of the run's files, where they are all of one."""
        return self._run.files[0].level

    @property
    def rows(self) -> int:
        """Rows buffered."""
        return int(self.buffer.num_rows)

    def fill(self) -> bool:
        """Read until half a window is buffered or nothing is left; whether any row is buffered."""
        while not self.exhausted and self.rows <= self._enough_rows and self._bytes < WINDOW_BYTES:
            self.grow()
        return self.rows > 0

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
        return ", ".join(file.name for file in self._run.files)

    def close(self) -> None:
        """Close the file being read."""
        self._batches.close()


def kinds_of(rows: Any) -> Kinds | None:  # noqa: ANN401 - a table or a record batch
    """The row kinds of rows, None if all are inserts."""
    kinds: Kinds = rows.column(VALUE_KIND).to_numpy()
    return kinds if kinds.any() else None


def _run_batches(
    bucket: BucketFiles, run: Run, columns: Sequence[Field], where_key: Predicate | None
) -> Generator[pa.RecordBatch, None, None]:
    for file in run.files:
        with bucket.open(file, columns, where=where_key) as opened:
            yield from opened.batches()
