"""Comparing rows by numbers that are kept bit by bit: one bitmap for each bit (O'Neil's bit-sliced index)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from lakestore.format.roaring import bitmap_of


def slices_of(rows: NDArray[np.uint32], numbers: NDArray[np.int64], count: int) -> list[BitMap]:
    """The rows whose number has each of the lowest ``count`` bits."""
    return [bitmap_of(rows[(numbers >> bit) & 1 == 1]) for bit in range(count)]


def at_most(rows: Any, slices: Sequence[BitMap], bound: int) -> BitMap:  # noqa: ANN401 - a BitMap
    """The rows among those given whose number is not above the bound."""
    if bound < 0:
        return BitMap()
    if bound >> len(slices):
        return BitMap(rows)
    equal, below = BitMap(rows), BitMap()
    for bit in reversed(range(len(slices))):
        if bound >> bit & 1:
            below |= equal - slices[bit]
            equal &= slices[bit]
        else:
            equal -= slices[bit]
    return below | equal
