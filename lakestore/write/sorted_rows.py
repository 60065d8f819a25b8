"""The rows of one flush of a bucket, sorted, as pieces that files are made of.

1. Sort all rows by key, sequence fields and arrival; the rows of one key make a group.
2. Engines whose result is one of the rows take the last or the first row of each group; the others cut the groups
   into pieces and merge piece by piece, so that what is made besides the buffer stays small.
3. Each piece becomes a table in the shape of a file: sequence numbers follow from the rows' places in arrival.

The changes of ``changelog-producer = input`` are the same rows in the same order, before any merge.

Invariant: the pieces, one after another, ascend by key; those of the state hold a key once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from lakestore.core.merge.engine import merge_rows
from lakestore.core.merge.groups import Groups
from lakestore.core.sort_rows import sorted_versions
from lakestore.core.sorting import Indices
from lakestore.format.bitmaps import UNIONS
from lakestore.model.merging import MergeSpec
from lakestore.model.options import MergeOptions
from lakestore.model.rows import KEY_PREFIX, SEQUENCE_NUMBER, MergeEngine
from lakestore.model.schema import TableSchema

Piece = tuple[Indices, Groups | None]
"""Positions of rows in merge order, and the groups to merge them by; None where they are taken as they are."""


@dataclass(frozen=True, slots=True, eq=False)
class SortedRows:
    """Rows of one bucket in merge order.

    Attributes:
        rows: The table's columns and ``_VALUE_KIND``, in order of arrival.
        first: Sequence number of the first of them.
        order: Their positions in merge order.
        groups: The rows of each key in it.
        spec: The merge engine and its options.
    """

    rows: pa.Table
    first: int
    order: Indices
    groups: Groups
    spec: MergeSpec

    @classmethod
    def of(
        cls, rows: pa.Table, *, first: int, schema: TableSchema, options: MergeOptions, spec: MergeSpec
    ) -> "SortedRows":
        """Sort rows; ``first`` is the sequence number of the first."""
        order, groups = sorted_versions(
            rows,
            schema.trimmed_primary_keys,
            sequence_fields=options.sequence_fields,
            descending=options.sequence_descending,
        )
        return cls(rows=rows, first=first, order=order, groups=groups, spec=spec)

    def changes(self, limit: int) -> list[Piece]:
        """All rows as they came, ``limit`` at most in a piece."""
        return _cut(self.order, limit)

    def state(self, limit: int) -> list[Piece]:
        """What becomes of each key, about ``limit`` rows of the buffer in a piece, a key never in two."""
        groups = self.groups
        if len(groups) == len(self.order):
            return _cut(self.order, limit)
        if self.spec.engine is MergeEngine.DEDUPLICATE:
            return _cut(self.order[groups.lasts], limit)
        if self.spec.engine is MergeEngine.FIRST_ROW:
            return _cut(self.order[groups.starts], limit)
        count = -(-len(self.order) // limit)
        step = -(-len(self.order) // count)
        cuts = np.unique(np.searchsorted(groups.starts, np.arange(0, len(self.order), step)))
        ends = [*cuts[1:].tolist(), len(groups)]
        return [self._groups(start, end) for start, end in zip(cuts.tolist(), ends, strict=True) if start < end]

    def maker(self, shape: pa.Schema) -> Callable[[Piece], pa.Table]:
        """Makes the table of a piece, in the columns of a file."""
        return partial(self._table, shape)

    def _groups(self, start: int, end: int) -> Piece:
        begin = int(self.groups.starts[start])
        stop = int(self.groups.starts[end]) if end < len(self.groups) else self.groups.rows
        return self.order[begin:stop], Groups(self.groups.starts[start:end] - begin, stop - begin)

    def _table(self, shape: pa.Schema, piece: Piece) -> pa.Table:
        order, groups = piece
        taken = self.rows.take(pa.array(order)).append_column(SEQUENCE_NUMBER, pa.array(order + self.first))
        if groups is not None:
            taken = merge_rows(taken, groups, self.spec, unions=UNIONS)
        found = taken.column_names
        columns = [taken[name if name in found else name.removeprefix(KEY_PREFIX)] for name in shape.names]
        return pa.Table.from_arrays(columns, schema=shape)


def _cut(order: Indices, limit: int) -> list[Piece]:
    """Positions in pieces of even size."""
    groups = -(-len(order) // limit)
    step = max(-(-len(order) // max(groups, 1)), 1)
    return [(order[start : start + step], None) for start in range(0, len(order), step)]
