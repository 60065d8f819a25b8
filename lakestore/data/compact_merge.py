"""Merging for compaction: whole rows, in key order, and the row changes that come of it.

Reading drops what is deleted and does not care for order. Compaction writes files, so that here, window by window:

1. The rows of all runs, and those looked up in older levels, are put in merge order; expired ones fall out.
2. Lookups: keys that nobody compacts fall out, and of a key's rows above level 0 only the newest counts.
3. The merge engine makes one row of each key; a retract row stays unless deletes are dropped.
4. The producer says what stood before, and ``core.changelog`` what changed.

Invariant: rows come out in strict key order over all windows, each with the sequence number and the row kind that the
merge engine gives it.
"""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lakestore.core.changelog import before_full, before_lookup, changes_of
from lakestore.core.merge import is_add
from lakestore.core.merge.engine import merge_rows
from lakestore.core.merge.groups import NO_ROW, Groups, merge_order
from lakestore.core.merge.lookup import drop_superseded
from lakestore.core.merge_options import parse_merge
from lakestore.core.record_expire import expired_mask
from lakestore.core.sections import Run, oldest_first
from lakestore.core.sorting import Indices, Mask, concatenate, find_rows, first_out_of_order, running_count
from lakestore.data.file_reader import BucketFiles
from lakestore.data.windows import Source, Window, read_windows, version_orders
from lakestore.errors import InvariantError
from lakestore.format.bitmaps import UNIONS
from lakestore.model.merging import MergeSpec
from lakestore.model.options import TableOptions
from lakestore.model.rows import KIND_FIELD, SEQUENCE_FIELD, VALUE_KIND, MergeEngine
from lakestore.model.schema import TableSchema

WINDOWS_BYTES = 32 * 1024 * 1024
"""Decoded bytes of the windows of all runs together, about. What is merged of them takes several times that."""


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """What became of the keys of one window.

    Attributes:
        rows: One row a key, in key order: the table's columns, ``_SEQUENCE_NUMBER`` and ``_VALUE_KIND``. None where
            only the changes are wanted.
        changes: Row changes, in key order; None when no changelog is made.
    """

    rows: pa.Table | None
    changes: pa.Table | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeTask:
    """How a compaction merges.

    Attributes:
        schema: Schema that rows are written in.
        options: Its options.
        looks_up: Rows of older levels are looked up for the keys of level 0.
        changelog: Row changes are wanted.
        only_changes: And nothing else.
        top: The top level.
        drop_deletes: Retract rows fall out.
        now_ms: Milliseconds since the epoch; rows that are expired then fall out.
    """

    schema: TableSchema
    options: TableOptions
    looks_up: bool
    changelog: bool
    only_changes: bool = False
    top: int
    drop_deletes: bool
    now_ms: int


def merge_runs(
    bucket: BucketFiles, runs: Sequence[Run], older: Sequence[Source], task: MergeTask
) -> Generator[Merged, None, None]:
    """The keys of runs, merged window by window.

    Args:
        bucket: The bucket, in the schema of the task.
        runs: The runs that are compacted, each of one level.
        older: Runs to look old rows up in, nearest level first.
        task: How to merge.

    Raises:
        CorruptTableError: A file is damaged, or its keys are out of order.
        InvalidInputError: The merge engine cannot merge the rows: a sum overflows, say.
        InvariantError: Rows of the runs were not merged; what was made must not take their place.
        NotFoundError: A file is gone.
    """
    merge = _Merge(task, [*(Source(run=run) for run in runs), *older], own=len(runs))
    columns = (*task.schema.fields, SEQUENCE_FIELD, KIND_FIELD)
    share = WINDOWS_BYTES // len(merge.sources)
    rows = task.options.scan.window_rows
    with closing(read_windows(bucket, merge.sources, columns, window_rows=rows, window_bytes=share)) as windows:
        for window in windows:
            merged = merge.merged(window)
            if merged is not None:
                yield merged
    merge.check_complete()


class _Merge:
    """What is the same in every window."""

    def __init__(self, task: MergeTask, sources: Sequence[Source], *, own: int) -> None:
        self._task = task
        self._rows_seen = 0
        self._spec: MergeSpec = parse_merge(task.schema, task.schema.options)
        fields = task.options.merge.sequence_fields
        ordered = None if fields else oldest_first([one.run for one in sources])
        place = {id(one.run): index for index, one in enumerate(sources)}
        order = range(len(sources)) if ordered is None else [place[id(run)] for run in ordered]
        self.sources = tuple(sources[index] for index in order)
        self._by_sequence = ordered is None
        self._levels = np.array([one.run.files[0].level for one in self.sources], np.int64)
        self._borrowed = np.array(order) >= own
        above = self._levels[self._levels > 0]
        self._picks = self._spec.engine is MergeEngine.DEDUPLICATE and not self._spec.ignore_delete
        # Then the newest of a key's rows above level 0 is the last of them, and the others need not be dropped.
        self._in_levels = self._picks and not self._by_sequence and bool((above[1:] < above[:-1]).all())
        # One run, the newest of all, takes the place of older rows just as it is. It is not the newest where another
        # engine's writer has numbered its rows before those of a file above.
        alone = not self._borrowed[-1] and bool(self._borrowed[:-1].all())
        self._replaces = task.only_changes and self._in_levels and alone and task.options.compact.expire_ms is None
        ignored = task.options.compact.row_deduplicate_ignore
        names = [name for name in task.schema.names if name not in ignored]
        self._compared = names if task.options.compact.row_deduplicate else None
        first_row = self._spec.engine is MergeEngine.FIRST_ROW
        self._window = self._first_rows if first_row and task.looks_up else self._all_rows

    def check_complete(self) -> None:
        """Prove that every row of the runs compacted went through here."""
        runs = [source.run for source, borrowed in zip(self.sources, self._borrowed, strict=True) if not borrowed]
        expected = sum(file.row_count for run in runs for file in run.files)
        if self._rows_seen != expected:
            names = ", ".join(file.name for run in runs for file in run.files)
            raise InvariantError(
                f"compacting {names}: {self._rows_seen} rows were merged, but the files have {expected}. Nothing was"
                " committed and nothing is lost; please report this"
            )

    def merged(self, window: Window) -> Merged | None:
        """What became of the keys of a window; None if nothing did."""
        counts = [table.num_rows for table in window.tables]
        self._rows_seen += sum(
            count for count, source in zip(counts, window.sources, strict=True) if not self._borrowed[source]
        )
        if self._passes(window):
            return self._finished(window.tables[0], None)
        if self._borrowed.any():
            replaced = self._replaced(window)
            if replaced is not None:
                return replaced
            window = self._narrowed(window)
            counts = [table.num_rows for table in window.tables]
        sources = np.repeat(np.array(window.sources), counts)
        kinds, order = None, None
        if self._by_sequence:
            kinds = np.concatenate([table.column(VALUE_KIND).to_numpy() for table in window.tables])
            orders = version_orders(window.tables, self._task.options.merge, by_sequence=True)
            order = concatenate([one for one in orders if one is not None])
        positions, groups = merge_order(concatenate(window.keys), order=order, kinds=kinds)
        expired = self._expired(window)
        if expired is not None:
            keeps = ~expired[positions]
            groups, positions = groups.of_rows(keeps)[0], positions[keeps]
            if self._borrowed.any():
                groups, mask = groups.select(groups.any(~self._borrowed[sources[positions]]))
                positions = positions[mask]
        return self._window(_Rows(window.tables, positions), groups, sources[positions]) if len(groups) else None

    def _passes(self, window: Window) -> bool:
        """Whether the rows are what becomes of their keys just as they are."""
        task = self._task
        plain = not task.looks_up and not task.changelog and task.options.compact.expire_ms is None
        return plain and len(window.sources) == 1 and first_out_of_order(window.keys[0]) is None

    def _replaced(self, window: Window) -> Merged | None:
        """The changes where a run only takes the place of older rows; None where that is not all there is.

        Of each of its keys the newest older row is wanted, so that nothing needs to be put in order.
        """
        if not self._replaces or self._borrowed[window.sources[-1]]:
            return None
        keys, tables = window.keys[-1], [window.tables[-1]]
        if first_out_of_order(keys) is not None:
            return None
        before, known = np.full(len(keys), NO_ROW), len(keys)
        for index in reversed(range(len(window.tables) - 1)):
            left = np.flatnonzero(before == NO_ROW)
            rows = find_rows(keys.take(left), window.keys[index])
            before[left] = np.where(rows >= 0, known + rows, NO_ROW)
            known += len(window.tables[index])
            tables.append(window.tables[index])
        table = pa.concat_tables(tables).combine_chunks()
        if _is_in_pieces(table):
            return None
        after = np.arange(len(keys))
        return Merged(None, self._changes(table, None, before, after, np.ones(len(keys), np.bool_)))

    def _narrowed(self, window: Window) -> Window:
        """The window with those of the rows looked up whose keys are compacted: most are not."""
        borrowed = [bool(self._borrowed[source]) for source in window.sources]
        own = [keys for keys, other in zip(window.keys, borrowed, strict=True) if not other]
        asked = concatenate(own) if own else None
        tables, keys = list(window.tables), list(window.keys)
        for index in np.flatnonzero(borrowed):
            wanted = np.zeros(len(tables[index]), np.bool_)
            if asked is not None:
                found = find_rows(asked, keys[index])
                wanted[found[found >= 0]] = True
            if not wanted.all():
                rows = np.flatnonzero(wanted)
                tables[index], keys[index] = tables[index].take(pa.array(rows)), keys[index].take(rows)
        return Window(tables=tuple(tables), keys=tuple(keys), sources=window.sources)

    def _expired(self, window: Window) -> Mask | None:
        options = self._task.options.compact
        if options.expire_ms is None or options.expire_field is None:
            return None
        masks = (expired_mask(table, options, self._task.now_ms) for table in window.tables)
        return np.concatenate([mask.to_numpy(zero_copy_only=False) for mask in masks])

    def _all_rows(self, rows: "_Rows", groups: Groups, sources: Indices) -> Merged:
        """Every key becomes what the engine makes of its rows."""
        task = self._task
        levels = self._levels[sources]
        alone: Mask | None = None
        if self._spec.looks_up and not self._in_levels:
            left = drop_superseded(levels, groups)
            rows, levels, groups = rows.select(left.rows), levels[left.rows], left.groups
            alone = np.ones(len(groups), np.bool_) if task.looks_up else left.alone
        if self._picks and not task.changelog:
            return self._finished(rows.select(groups.lasts).ordered(), None)
        table, positions = rows.table()
        made: pa.Table | None = None
        after = positions[groups.lasts]
        if not self._picks:
            made = merge_rows(table, groups, self._spec, order=positions, alone=alone, unions=UNIONS)
        elif not task.only_changes:
            made = table.take(pa.array(after))
        if not task.changelog:
            return self._finished(made, None)
        before = before_lookup(levels, groups) if task.looks_up else before_full(levels, groups, top=task.top)
        known = np.where(before.rows >= 0, positions[before.rows], NO_ROW)
        return self._finished(made, self._changes(table, None if self._picks else made, known, after, before.touched))

    def _changes(
        self, table: pa.Table, made: pa.Table | None, before: Indices, after: Indices, touched: Mask
    ) -> pa.Table:
        """The changes of keys; without ``made`` what became of them stands in the table, at ``after``."""
        if made is not None:
            after = len(table) + np.arange(len(made))
            table = pa.concat_tables([table, made]).combine_chunks()
        return changes_of(table, before=before, after=after, touched=touched, compared=self._compared)

    def _first_rows(self, rows: "_Rows", groups: Groups, sources: Indices) -> Merged:
        """What stands in an older level is left there; of other keys the first row stands, and new ones are changes."""
        borrowed = self._borrowed[sources]
        stood = groups.any(~borrowed & (self._levels[sources] > 0))
        own = ~borrowed & groups.spread(stood | ~groups.any(borrowed))
        left, numbers = groups.of_rows(own)
        table, positions = rows.select(own).table()
        made = merge_rows(table, left, self._spec, order=positions)
        if not self._task.changelog:
            return self._finished(made, None)
        nothing = np.full(len(left), NO_ROW)
        return self._finished(made, self._changes(table, made, nothing, nothing, ~stood[numbers]))

    def _finished(self, rows: pa.Table | None, changes: pa.Table | None) -> Merged:
        if self._task.drop_deletes and rows is not None:
            adds = is_add(rows.column(VALUE_KIND).to_numpy())
            if not adds.all():
                rows = rows.filter(pa.array(adds))
        return Merged(rows, changes)


class _Rows:
    """Rows of several tables in merge order, not gathered before it is clear which of them are needed.

    Args:
        tables: The tables.
        positions: Positions of the rows in the tables laid end to end.
    """

    def __init__(self, tables: Sequence[pa.Table], positions: Indices) -> None:
        self._tables = tables
        self._positions = positions

    def select(self, chosen: Mask | Indices) -> "_Rows":
        """Some of the rows."""
        return _Rows(self._tables, self._positions[chosen])

    def table(self) -> tuple[pa.Table, Indices]:
        """The rows as one table in one piece, in the order of the tables; and their positions in merge order."""
        ends = np.cumsum([0, *(table.num_rows for table in self._tables)])
        mask = np.zeros(int(ends[-1]), np.bool_)
        mask[self._positions] = True
        kept = []
        for table, start, end in zip(self._tables, ends, ends[1:], strict=False):
            own = mask[start:end]
            kept.append(table if own.all() else table.filter(pa.array(own)))
        places = running_count(mask) - 1
        return pa.concat_tables(kept).combine_chunks(), places[self._positions]

    def ordered(self) -> pa.Table:
        """The rows in merge order."""
        # To lay everything end to end is a copy of memory; to leave some of it out first costs several times that.
        table = pa.concat_tables(self._tables).combine_chunks()
        positions = self._positions
        if _is_in_pieces(table):
            table, positions = self.table()
        return table.take(pa.array(positions))


def _is_in_pieces(combined: pa.Table) -> bool:
    """Whether a column has more text than one array holds."""
    return any(column.num_chunks > 1 for column in combined.columns)
