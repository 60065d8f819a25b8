"""Versions that are merged into a newer one already.

Where compaction looks old values up (changelog producer ``lookup``, deletion vectors, or by force), a record above
level 0 is the merged result of all that was older when it was written. Of such records of one key only the newest
counts, the one on the smallest level; merging the others again would count them twice.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lakestore.core.merge.groups import Groups
from lakestore.core.sorting import Mask


@dataclass(frozen=True, slots=True, eq=False)
class Remaining:
    """What is left to merge.

    Attributes:
        rows: Which rows, in merge order.
        groups: Their groups, as many as before.
        alone: Groups that are left with one row of several: it still goes through the merge functions.
    """

    rows: Mask
    groups: Groups
    alone: Mask


def drop_superseded(levels: NDArray[np.integer], groups: Groups) -> Remaining:
    """Keep of each key the records on level 0 and the newest one above.

    Args:
        levels: Level of each row in merge order; 0 or less for rows that are in no file yet.
        groups: The versions of each key.
    """
    above = levels > 0
    rank = np.where(above, levels.astype(np.int64), np.iinfo(np.int64).max)
    least = np.minimum.reduceat(rank, groups.starts) if len(groups) else rank
    newest = groups.first(above & (rank == groups.spread(least)))
    rows = ~above
    rows[newest[newest >= 0]] = True
    sizes = np.add.reduceat(rows.astype(np.int64), groups.starts) if len(groups) else groups.sizes
    left = Groups(np.cumsum(sizes) - sizes, int(sizes.sum()))
    return Remaining(rows, left, (sizes == 1) & (groups.sizes > 1))
