"""What compaction finds to have changed: the row changes of merged keys (Paimon's changelog producers).

A producer says of each key which row stood before, if any, and whether the key may have changed at all:

* ``lookup``: keys that have a row on level 0; before is their newest row above level 0, in the files compacted or in
  older ones below.
* ``full-compaction``: keys that have any row outside the top level; before is their row on the top level.

From there on both are one:

=============  ==========  ============================
before         after       changes
=============  ==========  ============================
none, retract  add         +I after
none, retract  retract     none
add            retract     -D before
add            add         -U before, +U after
=============  ==========  ============================

The last is left out for rows that are the same, when ``changelog-producer.row-deduplicate`` is set. Each change has
the sequence number of the row that it shows.

Invariant: the changes of a key are -D, +I, or -U directly before +U; they lie in the order of the key.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lakestore.core.merge import is_add
from lakestore.core.merge.groups import NO_ROW, Groups
from lakestore.core.merge.lists import codes_of
from lakestore.core.sorting import Indices, Mask
from lakestore.model.rows import VALUE_KIND, RowKind

Levels = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Before:
    """What stood before a compaction, key by key.

    Attributes:
        rows: Place in merge order of the row that stood, -1 for none.
        touched: Whether the key may have changed.
    """

    rows: Indices
    touched: Mask


def before_lookup(levels: Levels, groups: Groups) -> Before:
    """For producer ``lookup``.

    Args:
        levels: Level of each row in merge order; of those above level 0 each key has one row at most.
        groups: The versions of each key.
    """
    return Before(groups.first(levels > 0), groups.any(levels == 0))


def before_full(levels: Levels, groups: Groups, *, top: int) -> Before:
    """For producer ``full-compaction``.

    Args:
        levels: Level of each row in merge order.
        groups: The versions of each key.
        top: The top level.
    """
    stood = groups.first(levels == top)
    return Before(stood, (groups.sizes > 1) | (stood == NO_ROW))


def changes_of(
    rows: pa.Table, after: pa.Table, *, before: Indices, touched: Mask, compared: Sequence[str] | None = None
) -> pa.Table:
    """The changes of keys, as rows with ``_VALUE_KIND``.

    Args:
        rows: Rows that ``before`` points into.
        after: What became of each key, one row a key, in key order; same columns.
        before: For each key the position of the row that stood, -1 for none.
        touched: Which keys may have changed.
        compared: Columns that say whether a row is the same as before; None where that is not asked.
    """
    stood = np.zeros(len(before), np.bool_)
    known = before >= 0
    stood[known] = is_add(rows.column(VALUE_KIND).to_numpy())[before[known]]
    stands = is_add(after.column(VALUE_KIND).to_numpy())
    updated = touched & stood & stands
    if compared is not None and updated.any():
        places = np.flatnonzero(updated)
        updated[places[_same(rows, after, before[places], places, compared)]] = False
    goes = touched & stood & ~stands | updated
    comes = touched & ~stood & stands | updated
    gone, come = np.flatnonzero(goes), np.flatnonzero(comes)
    old = _with_kinds(rows.take(pa.array(before[gone])), updated[gone], RowKind.UPDATE_BEFORE, RowKind.DELETE)
    new = _with_kinds(after.take(pa.array(come)), updated[come], RowKind.UPDATE_AFTER, RowKind.INSERT)
    if not len(gone):
        return new
    order = np.argsort(np.concatenate([gone, come]), kind="stable")
    return pa.concat_tables([old, new]).take(pa.array(order))


def _same(
    rows: pa.Table, after: pa.Table, before: Indices, places: Indices, compared: Sequence[str]
) -> NDArray[np.bool_]:
    """For each place whether the row before and the row after agree in those columns."""
    same = np.ones(len(places), np.bool_)
    for name in compared:
        old = rows.column(name).take(pa.array(before)).combine_chunks()
        new = after.column(name).take(pa.array(places)).combine_chunks()
        codes = codes_of(pa.concat_arrays([old, new]))
        same &= codes[: len(places)] == codes[len(places) :]
    return same


def _with_kinds(rows: pa.Table, updated: Mask, update: RowKind, otherwise: RowKind) -> pa.Table:
    kinds = np.where(updated, np.int8(update), np.int8(otherwise))
    index = rows.schema.get_field_index(VALUE_KIND)
    return rows.set_column(index, rows.schema.field(index), pa.array(kinds, pa.int8()))
