"""Engine ``deduplicate``: the newest version of a key stays, and if that is a retract row the key is gone.

1. Lay the runs' keys one behind the other and sort them; sorted runs make this little more than a merge.
2. In each group of one key find the newest row: the last one where a later run is newer; else drop, word by word
   of the order, the rows below the group's greatest; where all is equal an add wins over a retract, and of
   several the last one.
3. Scatter the answer back to the rows: one mask per run.

Invariant: over all masks, each key is true at most once; exactly once with ``keep_retracts``.
"""

from collections.abc import Sequence

import numpy as np

from lakestore.core.keywords import Words
from lakestore.core.merge import RunVersions, is_add
from lakestore.core.sorting import Indices, KeyWords, Mask, argsort, concatenate, group_starts


def survivors(runs: Sequence[RunVersions], *, keep_retracts: bool = False, ignore_retracts: bool = False) -> list[Mask]:
    """Which rows of each run are the state of their key.

    Args:
        runs: The runs' rows; oldest run first unless they carry an order.
        keep_retracts: Keep a key's row although it is a retract row, to hide older versions elsewhere.
        ignore_retracts: Option ``ignore-delete``: retract rows lose to every add.
    """
    keys = concatenate([run.keys for run in runs])
    adds = _adds_of(runs)
    if len(runs) == 1 and keys.rows and group_starts(keys).all():
        mask = np.ones(keys.rows, np.bool_)
    else:
        mask = _newest(runs, keys, adds, ignore_retracts=ignore_retracts)
    if adds is not None and not keep_retracts:
        mask &= adds
    ends = np.cumsum([run.keys.rows for run in runs])
    return np.split(mask, ends[:-1])


def _adds_of(runs: Sequence[RunVersions]) -> Mask | None:
    if all(run.kinds is None for run in runs):
        return None
    return np.concatenate(
        [np.ones(run.keys.rows, np.bool_) if run.kinds is None else is_add(run.kinds) for run in runs]
    )


def _newest(runs: Sequence[RunVersions], keys: KeyWords, adds: Mask | None, *, ignore_retracts: bool) -> Mask:
    order = argsort(keys)
    starts = group_starts(keys, order)
    newest = np.ones(keys.rows, np.bool_)
    newest[:-1] = starts[1:]
    words: list[Words | Mask] = [adds] if ignore_retracts and adds is not None else []
    versions = [run.order for run in runs if run.order is not None]
    if versions:
        words.extend(concatenate(versions).words)
        words.extend([] if adds is None else [adds])
    if words:
        shared = ~(starts & newest)
        newest[shared] = _greatest(words, order[shared], starts[shared])
    mask = np.empty(keys.rows, np.bool_)
    mask[order] = newest
    return mask


def _greatest(words: Sequence[Words | Mask], rows: Indices, starts: Mask) -> Mask:
    """In each group of rows, true at the last of those whose words are the greatest."""
    firsts = np.flatnonzero(starts)
    if not len(firsts):
        return np.zeros(len(rows), np.bool_)
    sizes = np.diff(firsts, append=len(rows))
    alive = np.ones(len(rows), np.bool_)
    for word in words:
        own = word[rows]
        own[~alive] = 0
        alive &= own == np.repeat(np.maximum.reduceat(own, firsts), sizes)
    positions = np.where(alive, np.arange(len(rows)), -1)
    winner = np.zeros(len(rows), np.bool_)
    winner[np.maximum.reduceat(positions, firsts)] = True
    return winner
