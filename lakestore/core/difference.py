"""What changed between two states of the same keys. Pure.

1. The keys of both states are normalised together and sorted, stably: of a key that both have, the earlier state's row
   comes first.
2. A key of one row is new (+I) or gone (-D). Of a key with two rows the values are compared; NaN is the same as NaN,
   null the same as null.
3. Rows that differ become a -U and a +U, one behind the other.

Invariant: each key at most once in each state; the changes come in the order of the key.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from lakestore.core.merge.lists import codes_of
from lakestore.core.sorting import Indices, Mask, argsort, concatenate, group_starts, normalise_together
from lakestore.model.rows import RowKind


def difference(
    before: pa.Table, after: pa.Table, *, keys: Sequence[str], values: Sequence[str]
) -> tuple[pa.Table, pa.Array]:
    """The changes that lead from one state to the other.

    Args:
        before: Rows of the earlier state.
        after: Rows of the later state, in the same columns.
        keys: Columns of the key.
        values: Columns that make a row another one.

    Returns:
        The rows that tell the changes, and the kind of each as int8.
    """
    sides = [before, after]
    parts = normalise_together([[side.column(name) for name in keys] for side in sides])
    together = concatenate(parts)
    order = argsort(together)
    starts = group_starts(together, order)
    ends = np.append(starts[1:], True) if len(order) else starts
    alone = starts & ends
    first = starts & ~ends
    same = _unchanged(before, after, order, first, values)
    kind = np.where(
        alone,
        np.where(order < before.num_rows, RowKind.DELETE, RowKind.INSERT),
        np.where(first, RowKind.UPDATE_BEFORE, RowKind.UPDATE_AFTER),
    ).astype(np.int8)
    wanted = ~same
    rows = pa.concat_tables([before, after]).take(pa.array(order[wanted]))
    return rows, pa.array(kind[wanted])


def _unchanged(before: pa.Table, after: pa.Table, order: Indices, first: Mask, values: Sequence[str]) -> Mask:
    """Where in the order both rows of a key stand that are the same."""
    at = np.flatnonzero(first)
    same: Mask = np.zeros(len(order), bool)
    if not len(at):
        return same
    equal = np.ones(len(at), bool)
    for name in values:
        old = before.column(name).take(pa.array(order[at])).combine_chunks()
        new = after.column(name).take(pa.array(order[at + 1] - before.num_rows)).combine_chunks()
        codes = codes_of(pa.concat_arrays([old, new]))
        equal &= codes[: len(at)] == codes[len(at) :]
    same[at] = same[at + 1] = equal
    return same
