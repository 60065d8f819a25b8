"""Versions of keys from several runs to one row a key, by the table's merge engine.

``deduplicate`` and ``first-row`` depend only on which row wins: one mask per run, values are filtered in place. The
other engines make new rows: the versions are put in merge order and handed to ``core.merge.engine``.

Where compaction looks old values up, a record above level 0 is the merged result of all that was older. Of such
records of one key only the newest counts (``core.merge.lookup``), so runs there must not mix levels.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lakestore.core.merge import RunVersions, is_add
from lakestore.core.merge.deduplicate import survivors
from lakestore.core.merge.engine import merge_rows
from lakestore.core.merge.first_row import first_survivors
from lakestore.core.merge.groups import merge_order
from lakestore.core.merge.lookup import drop_superseded
from lakestore.core.sections import Run, Section
from lakestore.core.sorting import concatenate
from lakestore.format.bitmaps import UNIONS
from lakestore.model.merging import MergeSpec
from lakestore.model.options import MergeOptions
from lakestore.model.rows import VALUE_KIND, MergeEngine

Merge = Callable[[Sequence[pa.Table], Sequence[RunVersions], Sequence[int]], list[pa.Table]]
"""Tables of the runs, their keys, orders and kinds, and their levels: tables with one row a key, deletes left out."""

SURVIVOR_ENGINES = (MergeEngine.DEDUPLICATE, MergeEngine.FIRST_ROW)
"""Engines whose result is one of the rows written, unchanged."""


def merge_of(options: MergeOptions, spec: MergeSpec) -> Merge:
    """The merge of that table; settled once, before any row is read.

    Args:
        options: Which engine, and whether deletes are passed over.
        spec: What the other engines do column by column.
    """
    ignore = options.ignore_delete
    if options.engine is MergeEngine.DEDUPLICATE:
        return lambda tables, runs, _: _kept(tables, survivors(runs, ignore_retracts=ignore))
    if options.engine is MergeEngine.FIRST_ROW:
        return lambda tables, runs, _: _kept(tables, first_survivors(runs, ignore_retracts=ignore))
    return lambda tables, runs, levels: _made(tables, runs, levels, spec)


def runs_by_level(section: Section, rank: Callable[[bytes], Any]) -> tuple[Run, ...]:
    """The section's files with one run for each file of level 0 and one, in key order, for each level above.

    Args:
        section: Its own runs may mix levels, and may spread one level over several runs.
        rank: Serialized key to something that sorts as keys do.
    """
    files = sorted(section.files, key=lambda file: rank(file.min_key))
    fresh = [Run((file,)) for file in files if file.level == 0]
    levels = sorted({file.level for file in files if file.level > 0})
    return (*fresh, *(Run(tuple(file for file in files if file.level == level)) for level in levels))


def _kept(tables: Sequence[pa.Table], masks: Sequence[Any]) -> list[pa.Table]:
    kept = []
    for table, mask in zip(tables, masks, strict=True):
        count = int(np.count_nonzero(mask))
        if count:
            kept.append(table if count == len(mask) else table.filter(pa.array(mask)))
    return kept


def _made(
    tables: Sequence[pa.Table], runs: Sequence[RunVersions], levels: Sequence[int], spec: MergeSpec
) -> list[pa.Table]:
    rows = pa.concat_tables(tables)
    if not rows.num_rows:
        return []
    keys = concatenate([run.keys for run in runs])
    orders = [run.order for run in runs if run.order is not None]
    # Where a later run is newer, places settle everything; else an add comes after a retract of the same number.
    if orders:
        kinds = rows.column(VALUE_KIND).to_numpy()
        positions, groups = merge_order(keys, order=concatenate(orders), kinds=kinds)
    else:
        positions, groups = merge_order(keys)
    alone = None
    if spec.looks_up:
        own_levels = np.repeat(np.array(levels), [table.num_rows for table in tables])
        remaining = drop_superseded(own_levels[positions], groups)
        positions, groups, alone = positions[remaining.rows], remaining.groups, remaining.alone
    merged = merge_rows(rows, groups, spec, order=positions, alone=alone, unions=UNIONS)
    return _kept([merged], [is_add(merged.column(VALUE_KIND).to_numpy())])
