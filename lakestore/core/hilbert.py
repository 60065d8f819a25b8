"""Hilbert order of any number of columns (Skilling, "Programming the Hilbert curve", 2004).

1. From the highest bit down: where a column's bit is set, the lower bits of the first column are inverted, else they
   are exchanged with the column's own; this turns and mirrors each sub-cube the way the curve enters it.
2. Gray decoding makes the transposed index; its bits in turns are the position along the curve.

Neighbours along the curve are neighbours in space, which Z-order does not promise. Rows are taken in pieces that fit
a processor's cache, since every bit passes over all of them.
"""

from collections.abc import Sequence

import numpy as np

from lakestore.core.keywords import Words
from lakestore.core.zorder import bits_per_column, z_values

PIECE_ROWS = 32 * 1024


def hilbert_values(coordinates: Sequence[Words]) -> Words:
    """Positions along the curve, shape (rows,).

    Args:
        coordinates: One array for each column, shape (rows,), of ``bits_per_column(len(coordinates))`` bits each.
    """
    rows = len(coordinates[0])
    values = np.empty(rows, np.uint64)
    for start in range(0, rows, PIECE_ROWS):
        piece = slice(start, start + PIECE_ROWS)
        values[piece] = z_values(_transposed([own[piece] for own in coordinates], bits_per_column(len(coordinates))))
    return values


def _transposed(coordinates: Sequence[Words], bits: int) -> list[Words]:
    """The transposed Hilbert index of each point."""
    axes = [own.copy() for own in coordinates]
    for bit in range(bits - 1, 0, -1):
        low = np.uint64((1 << bit) - 1)
        for axis in axes:
            # All ones where the bit is set, so that choosing is masking.
            chosen = np.uint64(0) - ((axis >> np.uint64(bit)) & np.uint64(1))
            swap = (axes[0] ^ axis) & low & ~chosen
            axes[0] ^= (low & chosen) | swap
            if axis is not axes[0]:
                axis ^= swap  # noqa: PLW2901 - in place, as the line above
    for index in range(1, len(axes)):
        axes[index] ^= axes[index - 1]
    flips = np.zeros_like(axes[0])
    for bit in range(bits - 1, 0, -1):
        set_there = np.uint64(0) - ((axes[-1] >> np.uint64(bit)) & np.uint64(1))
        flips ^= np.uint64((1 << bit) - 1) & set_there
    return [axis ^ flips for axis in axes]
