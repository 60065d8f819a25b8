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
from lakestore.core.sorting import Indices, Mask, running_count
from lakestore.model.rows import VALUE_KIND, RowKind

Levels = NDArray[np.int64]

_COMING = (np.int8(RowKind.UPDATE_AFTER), np.int8(RowKind.INSERT))
_GOING = (np.int8(RowKind.UPDATE_BEFORE), np.int8(RowKind.DELETE))
"""Of keys that stood and stand, and of others."""


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
        levels: Level of each row in merge order; the last of a key's rows above level 0 is the one that stood.
        groups: The versions of each key.
    """
    return Before(groups.last(levels > 0), groups.any(levels == 0))


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
    rows: pa.Table, *, before: Indices, after: Indices, touched: Mask, compared: Sequence[str] | None = None
) -> pa.Table:
    """The changes of keys, as rows with ``_VALUE_KIND``.

    Args:
        rows: Rows that the others point into, in one piece.
        before: For each key, in key order, the position of the row that stood; -1 for none.
        after: For each key the position of what became of it.
        touched: Which keys may have changed.
        compared: Columns that say whether a row is the same as before; None where that is not asked.
    """
    adds = is_add(rows.column(VALUE_KIND).to_numpy())
    stood = np.zeros(len(before), np.bool_)
    known = before >= 0
    stood[known] = adds[before[known]]
    stands = adds[after]
    updated = touched & stood & stands
    if compared is not None and updated.any():
        places = np.flatnonzero(updated)
        updated[places[_same(rows, before[places], after[places], compared)]] = False
    gone = touched & stood & ~stands | updated
    come = touched & ~stood & stands | updated
    ends = running_count(gone) + running_count(come)
    places = np.empty(int(ends[-1]) if len(ends) else 0, np.int64)
    kinds = np.empty(len(places), np.int8)
    # What stands now is the last change of a key, what stood the one before it or the only one.
    at = ends[come] - 1
    places[at], kinds[at] = after[come], np.where(updated[come], *_COMING)
    at = ends[gone] - 1 - come[gone]
    places[at], kinds[at] = before[gone], np.where(updated[gone], *_GOING)
    index = rows.schema.get_field_index(VALUE_KIND)
    return rows.take(pa.array(places)).set_column(index, rows.schema.field(index), pa.array(kinds, pa.int8()))


def _same(rows: pa.Table, before: Indices, after: Indices, compared: Sequence[str]) -> NDArray[np.bool_]:
    """For each pair of rows whether they agree in those columns."""
    same = np.ones(len(before), np.bool_)
    both = pa.array(np.concatenate([before, after]))
    for name in compared:
        codes = codes_of(rows.column(name).take(both).combine_chunks())
        same &= codes[: len(before)] == codes[len(before) :]
    return same
