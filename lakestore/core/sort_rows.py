"""Buffered rows of one bucket into the order and number that a data file of a primary-key table wants.

1. Sort by key, then by the sequence fields, then by arrival.
2. Keep of each key the last row: under merge engine ``deduplicate`` it is the state, a retract included, since
   it has to hide what older files hold.

Invariant: the rows picked are strictly ascending by key.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lakestore.core.sorting import argsort, group_starts, normalise

Indices = NDArray[np.int64]


def last_versions(
    rows: pa.Table, keys: Sequence[str], *, sequence_fields: Sequence[str] = (), descending: bool = False
) -> Indices:
    """Positions of the last row of each key, by ascending key.

    Args:
        rows: Rows in order of arrival.
        keys: Key columns, most significant first.
        sequence_fields: Columns that order the versions of a key before arrival does.
        descending: The version with the least sequence fields is the last; null is lowest either way.
    """
    words = normalise([rows.column(name) for name in keys])
    if sequence_fields:
        lesser = normalise([rows.column(name) for name in sequence_fields], descending=descending)
        order = argsort(words.then(lesser))
    else:
        order = argsort(words)
    starts = group_starts(words, order)
    if starts.all():
        return order
    last: Indices = order[np.append(starts[1:], np.True_)]
    return last
