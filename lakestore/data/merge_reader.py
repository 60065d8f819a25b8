"""Reading a section of overlapping sorted runs as the state of its keys, in bounded memory.

1. ``data.windows`` hands out the rows of all runs window by window.
2. The merge kernel says which rows of a window are the state of their keys: one mask per run. Values are filtered
   by the masks, run by run; they are never joined, sorted or gathered.

Sequence numbers are read only where the order of the runs does not say which version is newer.

Invariants: memory is runs x window; each key comes out at most once.
"""

from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any

import pyarrow as pa

from lakestore.core.conflict import rank_of
from lakestore.core.merge import Kinds, RunVersions
from lakestore.core.merge_options import parse_merge
from lakestore.core.sections import Section, oldest_first
from lakestore.core.select import narrow_columns
from lakestore.data.file_reader import BucketFiles
from lakestore.data.merge_engine import SURVIVOR_ENGINES, merge_of, runs_by_level
from lakestore.data.windows import Source, Window, read_windows, version_orders
from lakestore.format.binary_row import decode_row
from lakestore.model.options import MergeOptions
from lakestore.model.predicate import Predicate
from lakestore.model.rows import KIND_FIELD, SEQUENCE_FIELD, VALUE_KIND
from lakestore.model.types import Field


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
    sources = [Source(run=run, where=where_key) for run in merge.runs]
    with closing(read_windows(bucket, sources, merge.read_columns, window_rows=window_rows)) as windows:
        for window in windows:
            yield from merge.merged(window)


class _Merge:
    """What is the same in every round: which columns are read, and what decides."""

    def __init__(
        self, bucket: BucketFiles, section: Section, columns: Sequence[Field], *, options: MergeOptions
    ) -> None:
        schema = bucket.table.schema
        self._options = options
        self._columns = tuple(columns)
        spec = parse_merge(schema, schema.options)
        self._merge = merge_of(options, spec)
        survives = options.engine in SURVIVOR_ENGINES
        runs = section.runs
        if spec.looks_up and not survives:
            what = bucket.table.what
            runs = runs_by_level(section, lambda key: rank_of(decode_row(key, schema.key_types, path=what)))
        ordered = None if options.sequence_fields else oldest_first(runs)
        self.runs = runs if ordered is None else ordered
        self._levels = [run.files[0].level for run in self.runs]
        self._by_sequence = ordered is None and len(self.runs) > 1
        wanted = columns if survives else schema.select(spec.needed(column.name for column in columns))
        needed = [*columns, *wanted, *schema.select(schema.trimmed_primary_keys), KIND_FIELD]
        if self._by_sequence:
            needed += [*schema.select(options.sequence_fields), SEQUENCE_FIELD]
        self.read_columns = tuple({field.name: field for field in needed}.values())

    def merged(self, window: Window) -> list[pa.Table]:
        """The rows of a window as the state of its keys."""
        orders = version_orders(window.tables, self._options, by_sequence=self._by_sequence)
        runs = [
            RunVersions(keys=own, order=order, kinds=kinds_of(table))
            for own, order, table in zip(window.keys, orders, window.tables, strict=True)
        ]
        levels = [self._levels[source] for source in window.sources]
        merged = self._merge(window.tables, runs, levels)
        return [narrow_columns(table, self.read_columns, self._columns) for table in merged]


def kinds_of(rows: Any) -> Kinds | None:  # noqa: ANN401 - a table or a record batch
    """The row kinds of rows, None if all are inserts."""
    kinds: Kinds = rows.column(VALUE_KIND).to_numpy()
    return kinds if kinds.any() else None
