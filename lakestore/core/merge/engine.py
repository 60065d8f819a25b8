"""All versions of each key in, one row of each key out: the one contract of the merge engines.

1. Groups of one row pass as they are: no function is asked, a lone retract row stays one.
2. The engine says what the rows of the other groups do, to all columns or to each sequence group.
3. Each column's function says which row of each group to take, or makes new values.
4. Rows to take are gathered once, for all groups; new values are put between the values of groups of one row.

Write buffer, merge read and compaction all come here; only ``deduplicate`` and ``first-row`` have a shorter way
(``survivors``, ``first_survivors``), which says the same without gathering values.

Invariant: the result has the columns of the input and one row for each group, in order.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from lakestore.core.merge import is_add
from lakestore.core.merge.aggregation import aggregation
from lakestore.core.merge.first_row import first_rows
from lakestore.core.merge.groups import Column, Groups
from lakestore.core.merge.partial_update import partial_update
from lakestore.core.merge.unions import Unions
from lakestore.core.merge.versions import MergeColumn, Result, Versions
from lakestore.core.sorting import Indices, Mask
from lakestore.model.merging import MergeSpec
from lakestore.model.rows import MergeEngine

_NO_UNIONS: Unions = MappingProxyType({})


def merge_rows(
    rows: pa.Table,
    groups: Groups,
    spec: MergeSpec,
    *,
    order: Indices | None = None,
    alone: Mask | None = None,
    unions: Unions = _NO_UNIONS,
) -> pa.Table:
    """One row for each key, as the table's merge engine has it.

    Args:
        rows: ``_SEQUENCE_NUMBER``, ``_VALUE_KIND`` and columns of the table (``spec.needed`` of those wanted); other
            columns are alike within a key and come from its last row.
        groups: The versions of each key in merge order.
        spec: The engine and its options.
        order: Positions in ``rows`` in merge order; None if they lie in it.
        alone: Groups of one row that go through the merge functions all the same.
        unions: What unites serialized sets, for the functions that need it.

    Raises:
        InvalidInputError: A value overflows, or a retract row meets an engine or function that cannot take it back.
    """
    merged = groups.sizes > 1
    if alone is not None:
        merged = merged | alone
    if not len(groups):
        return rows.slice(0, 0)
    part, mask = (groups, None) if merged.all() else groups.select(merged)
    versions = Versions(rows, part, order if mask is None else _chosen(order, mask))
    merge = _ENGINES[spec.engine](versions, spec, unions)
    places = _Places(groups, merged, whole=mask is None)
    columns = [
        places.filled(Column(name, versions.columns[name].values, order), merge(name)) for name in rows.column_names
    ]
    return pa.Table.from_arrays(columns, schema=rows.schema)


class _Places:
    """Puts the results of the groups that are merged between the rows of those that are not."""

    def __init__(self, groups: Groups, merged: Mask, *, whole: bool) -> None:
        self._groups = groups
        self._merged = merged
        self._whole = whole
        self._known: list[tuple[Indices, Indices]] = []

    def filled(self, column: Column, result: Result) -> pa.Array:
        """A column of all groups."""
        if isinstance(result, np.ndarray):
            return column.at(self._rows(result))
        if self._whole:
            return result
        single = column.at(self._groups.starts[~self._merged])
        return pa.concat_arrays([result, single]).take(pa.array(self._between))

    def _rows(self, result: Indices) -> Indices:
        """Rows of the merged groups as rows of all groups; columns often share them."""
        if self._whole:
            return result
        for known, rows in self._known:
            if known is result:
                return rows
        rows = self._groups.starts.copy()
        rows[self._merged] = np.where(result < 0, result, result + self._shift)
        self._known.append((result, rows))
        return rows

    @cached_property
    def _shift(self) -> Indices:
        sizes = self._groups.sizes[self._merged]
        return self._groups.starts[self._merged] - (np.cumsum(sizes) - sizes)

    @cached_property
    def _between(self) -> Indices:
        places = np.empty(len(self._groups), np.int64)
        merged = int(np.count_nonzero(self._merged))
        places[self._merged] = np.arange(merged)
        places[~self._merged] = np.arange(merged, len(places))
        return places


def _chosen(order: Indices | None, mask: Mask) -> Indices:
    return np.flatnonzero(mask) if order is None else order[mask]


def _last_wins(versions: Versions, spec: MergeSpec, _: Unions) -> MergeColumn:
    rows = versions.groups.lasts
    if spec.ignore_delete and versions.kinds is not None:
        adds = versions.groups.last(is_add(versions.kinds))
        rows = np.where(adds < 0, rows, adds)
    return lambda _name: rows


def _first_wins(versions: Versions, spec: MergeSpec, _: Unions) -> MergeColumn:
    rows = first_rows(versions.groups, versions.kinds, ignore_retracts=spec.ignore_delete)
    rows = np.where(rows < 0, versions.groups.starts, rows)
    return lambda _name: rows


_ENGINES: Mapping[MergeEngine, Callable[[Versions, MergeSpec, Unions], MergeColumn]] = {
    MergeEngine.DEDUPLICATE: _last_wins,
    MergeEngine.FIRST_ROW: _first_wins,
    MergeEngine.AGGREGATION: aggregation,
    MergeEngine.PARTIAL_UPDATE: partial_update,
}
