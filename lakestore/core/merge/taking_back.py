"""Closed forms for what is left of lists when later rows take elements back.

Elements of all versions lie one after another, each with a mark whether it is taken back, and a number that says which
elements of one key's lists are alike (a pair). Taking back what is not there does nothing.

1. *Present or not* (elements each once, keys of maps and of nested rows, nested rows): what counts of a pair is what
   was added after it was last taken back.
2. *Counted*: walk along a pair, up for an addition and down for what is taken back, but never below zero. Where an
   ordinary walk ends, less its lowest point if that is below zero, is how many are left: the last ones that were added,
   since the first ones go first.
"""

from dataclasses import dataclass

import numpy as np

from lakestore.core.merge.events import Action
from lakestore.core.merge.groups import Groups
from lakestore.core.sorting import Indices, Mask, running_count

BACK = (Action.RETRACT, Action.LATE_RETRACT)
"""What rows do that take elements back."""


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Elements sorted by pair.

    Attributes:
        order: The elements.
        groups: The pairs.
        back: Which of the sorted elements are taken back.
    """

    order: Indices
    groups: Groups
    back: Mask


def _sorted(pairs: Indices, back: Mask) -> _Pairs:
    order = np.argsort(pairs, kind="stable")
    ranked = pairs[order]
    begins = np.ones(len(pairs), np.bool_)
    np.not_equal(ranked[1:], ranked[:-1], out=begins[1:])
    return _Pairs(order, Groups(np.flatnonzero(begins), len(order)), back[order])


def present(pairs: Indices, back: Mask) -> tuple[Indices, Indices]:
    """For each pair that is left the first and the last element that was added since it was last taken back.

    Args:
        pairs: For each element the number of its pair.
        back: Which elements are taken back.
    """
    own = _sorted(pairs, back)
    added, bounds = ~own.back, own.groups.last(own.back)
    first, last = own.groups.first_after(added, bounds), own.groups.last_after(added, bounds)
    there = last >= 0
    return own.order[first[there]], own.order[last[there]]


def untouched(pairs: Indices, back: Mask) -> Indices:
    """All elements, in order, that were added since their pair was last taken back.

    Args:
        pairs: For each element the number of its pair.
        back: Which elements are taken back.
    """
    own = _sorted(pairs, back)
    since = np.arange(len(own.order)) > own.groups.spread(own.groups.last(own.back))
    return np.sort(own.order[since])


def counted(pairs: Indices, back: Mask) -> Indices:
    """The elements that are left, in order.

    Args:
        pairs: For each element the number of its pair.
        back: Which elements are taken back.
    """
    own = _sorted(pairs, back)
    groups, starts = own.groups, own.groups.starts
    if not len(groups):
        return own.order
    steps = np.where(own.back, -1, 1)
    walked, additions = np.cumsum(steps), running_count(~own.back)
    walked -= groups.spread(walked[starts] - steps[starts])
    left = walked[groups.lasts] - np.minimum(np.minimum.reduceat(walked, starts), 0)
    behind = groups.spread(additions[groups.lasts]) - additions
    return np.sort(own.order[~own.back & (behind < groups.spread(left))])
