"""Engine ``first-row``: the oldest version of a key stays.

Which row wins decides everything, so the answer is one mask per run and values are neither concatenated nor gathered.

1. Lay the runs' keys one behind the other and sort them, with what orders versions, stably.
2. In each group of one key the first add wins; retract rows are passed over, or refused.

Invariant: over all masks, each key is true at most once.
"""

from collections.abc import Sequence

import numpy as np

from lakestore.core.merge import Kinds, RunVersions, is_add
from lakestore.core.merge.groups import Groups, merge_order
from lakestore.core.sorting import Indices, KeyWords, Mask, concatenate
from lakestore.errors import ErrorKind, InvalidInputError


def first_survivors(runs: Sequence[RunVersions], *, ignore_retracts: bool = False) -> list[Mask]:
    """Which rows of each run are the state of their key.

    Args:
        runs: The runs' rows; oldest run first unless they carry an order.
        ignore_retracts: Option ``ignore-delete``.

    Raises:
        InvalidInputError: A key with several versions has retract rows, which are not ignored.
    """
    keys = concatenate([run.keys for run in runs])
    orders = [run.order for run in runs if run.order is not None]
    kinds = _kinds_of(runs)
    order, groups = merge_order(keys, order=_together(orders), kinds=kinds)
    rows = first_rows(groups, None if kinds is None else kinds[order], ignore_retracts=ignore_retracts)
    mask = np.zeros(keys.rows, np.bool_)
    mask[order[rows[rows >= 0]]] = True
    return np.split(mask, np.cumsum([run.keys.rows for run in runs])[:-1])


def first_rows(groups: Groups, kinds: Kinds | None, *, ignore_retracts: bool = False) -> Indices:
    """The row of each group that is its state, -1 if it has retract rows only.

    Args:
        groups: The versions of each key, oldest first.
        kinds: Row kinds; None when all are adds.
        ignore_retracts: Option ``ignore-delete``.

    Raises:
        InvalidInputError: A key with several versions has retract rows, which are not ignored.
    """
    if kinds is None or bool(is_add(kinds).all()):
        return groups.starts
    adds = is_add(kinds)
    if not ignore_retracts and bool((groups.any(~adds) & (groups.sizes > 1)).any()):
        raise InvalidInputError(
            "first-row keeps the first version of a key, and a delete or update-before row cannot take it back; set"
            " ignore-delete to pass over such rows",
            kind=ErrorKind.INVALID_VALUE,
        )
    return groups.first(adds)


def _together(orders: Sequence[KeyWords]) -> KeyWords | None:
    return concatenate(orders) if orders else None


def _kinds_of(runs: Sequence[RunVersions]) -> Kinds | None:
    if all(run.kinds is None for run in runs):
        return None
    return np.concatenate([np.zeros(run.keys.rows, np.int8) if run.kinds is None else run.kinds for run in runs])
