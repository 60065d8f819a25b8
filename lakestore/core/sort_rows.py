"""Buffered rows of one bucket into the order that a data file of a primary-key table wants.

Rows are sorted by key, then by the sequence fields, then by arrival; rows of one key make a group. From there each
merge engine goes its own way: ``deduplicate`` keeps the last row of a group, a retract included, since it has to hide
what older files hold; ``first-row`` keeps the first; the others make a new row of all.

Invariant: groups are in strictly ascending order of the key.
"""

from collections.abc import Sequence

import pyarrow as pa

from lakestore.core.merge.groups import Groups, merge_order
from lakestore.core.sorting import Indices, normalise


def sorted_versions(
    rows: pa.Table, keys: Sequence[str], *, sequence_fields: Sequence[str] = (), descending: bool = False
) -> tuple[Indices, Groups]:
    """Positions of all rows in merge order, and the groups of one key in it.

    Args:
        rows: Rows in order of arrival.
        keys: Key columns, most significant first.
        sequence_fields: Columns that order the versions of a key before arrival does.
        descending: The version with the least sequence fields is the last; null is lowest either way.
    """
    words = normalise([rows.column(name) for name in keys])
    lesser = None
    if sequence_fields:
        lesser = normalise([rows.column(name) for name in sequence_fields], descending=descending)
    return merge_order(words, order=lesser)
