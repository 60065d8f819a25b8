"""Packing things in order into bins of a target weight (Paimon ``BinPacking.packForOrdered``).

Invariant: the bins, one after another, hold exactly the items in their order; a bin outgrows the target only
when a single item does.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def pack_ordered(items: Iterable[T], *, weight: Callable[[T], int], target: int) -> tuple[tuple[T, ...], ...]:
    """Fill bins in order; an item that would take a bin past the target begins the next one."""
    bins: list[tuple[T, ...]] = []
    current: list[T] = []
    filled = 0
    for item in items:
        own = weight(item)
        if current and filled + own > target:
            bins.append(tuple(current))
            current, filled = [], 0
        current.append(item)
        filled += own
    if current:
        bins.append(tuple(current))
    return tuple(bins)
