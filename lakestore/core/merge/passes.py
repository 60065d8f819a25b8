"""Folding columns of any type in order, for functions that no closed form fits.

1. Sort the groups by the number of rows that act, the longest first.
2. Pass k takes the k-th row of every group that has one, and lets a pairwise function make new accumulators of the
   old ones and the rows' values, all groups at once.
3. Groups that are done are put aside; in the end all are put back in order.

The number of passes is that of the longest group: no work per row or per key happens in Python.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lakestore.core.merge.events import Action, Actions, Events
from lakestore.core.merge.exact import by_size
from lakestore.core.merge.groups import Column
from lakestore.core.sorting import Indices, Mask
from lakestore.errors import InvariantError

Pairwise = Callable[[pa.Array, pa.Array], pa.Array]
"""Makes new accumulators of old ones and values, place by place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What a function does pairwise.

    Attributes:
        add: A value comes in after the accumulator.
        late: A value comes in before it.
        retract: A value is taken back; None where that is refused beforehand.
    """

    add: Pairwise
    late: Pairwise
    retract: Pairwise | None = None


def fold(column: Column, events: Events, steps: Steps) -> pa.Array:
    """The accumulator of each group after all its rows."""
    listed = events.listed()
    order, active = by_size(listed.groups)
    starts = listed.groups.starts[order]
    state = pa.nulls(len(order), column.type)
    done: list[pa.Array] = []
    for age, count in enumerate(active):
        if count < len(state):
            done.append(state.slice(count))
            state = state.slice(0, count)
        rows = starts[:count] + age
        state = _step(state, column.at(listed.rows[rows]), listed.actions[rows], steps)
    done.append(state)
    places = np.full(len(events.groups), -1)
    places[listed.numbers[order]] = np.arange(len(order))
    return pa.concat_arrays(done[::-1]).take(pa.array(places, mask=places < 0))


def in_two(column: Column, events: Events, hard: Mask, closed: pa.Array | None, steps: Steps) -> pa.Array:
    """Fold the hard groups; the others have their results in ``closed``, in order."""
    if not hard.any():
        return closed if closed is not None else pa.nulls(len(hard), column.type)
    own, rows = events.select(hard)
    folded = fold(column.select(rows), own, steps)
    if closed is None or not len(closed):
        return folded
    places = np.empty(len(hard), np.int64)
    places[hard] = np.arange(len(folded)) + len(closed)
    places[~hard] = np.arange(len(closed))
    return pa.concat_arrays([closed, folded]).take(pa.array(places))


def _step(state: pa.Array, values: pa.Array, actions: Actions, steps: Steps) -> pa.Array:
    present = np.unique(actions)
    if len(present) == 1:
        return _apply(int(present[0]), state, values, steps)
    pieces: list[pa.Array] = []
    places = np.empty(len(actions), np.int64)
    size = 0
    for action in present:
        where: Indices = np.flatnonzero(actions == action)
        picked = pa.array(where)
        pieces.append(_apply(int(action), state.take(picked), values.take(picked), steps))
        places[where] = np.arange(size, size + len(where))
        size += len(where)
    return pa.concat_arrays(pieces).take(pa.array(places))


def _apply(action: int, state: pa.Array, values: pa.Array, steps: Steps) -> pa.Array:
    if action == Action.SEED:
        return values
    if action == Action.ADD:
        return steps.add(state, values)
    if action == Action.LATE:
        return steps.late(state, values)
    if steps.retract is None:
        raise InvariantError("a function that takes nothing back was asked to")
    return steps.retract(state, values)


def either(state: pa.Array, values: pa.Array, both: Pairwise) -> pa.Array:
    """The one that is there where the other is null, and what ``both`` makes of two that are there."""
    has_state, has_value = _valid(state), _valid(values)
    together = has_state & has_value
    made = both(state.filter(pa.array(together)), values.filter(pa.array(together)))
    rows = np.arange(len(state))
    places = np.where(has_state, rows, rows + len(state))
    places[together] = np.arange(len(made)) + 2 * len(state)
    return pa.concat_arrays([state, values, made]).take(pa.array(places))


def _valid(array: pa.Array) -> Mask:
    valid: Mask = array.is_valid().to_numpy(zero_copy_only=False)
    return valid
