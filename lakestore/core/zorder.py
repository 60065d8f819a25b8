"""Z-order (Morton, 1966): the bits of all coordinates in turns, most significant first.

A coordinate is read byte by byte; a table says where the eight bits of a byte go, so that a row costs one lookup for
each byte of all its coordinates together.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from lakestore.core.keywords import Words

CURVE_BITS = 64
_BYTE = 8


def bits_per_column(columns: int) -> int:
    """Bits of each coordinate, so that all of them fill one word."""
    return min(CURVE_BITS // columns, CURVE_BITS // 2)


def z_values(coordinates: Sequence[Words]) -> Words:
    """Positions along the curve, shape (rows,).

    Args:
        coordinates: One array for each column, shape (rows,), of ``bits_per_column(len(coordinates))`` bits each.
            The first column has the most significant bit.
    """
    columns = len(coordinates)
    table = _spread(columns)
    values = np.zeros(len(coordinates[0]), np.uint64)
    for index, own in enumerate(coordinates):
        for low in range(0, bits_per_column(columns), _BYTE):
            piece = ((own >> np.uint64(low)) & np.uint64(0xFF)).astype(np.intp)
            values |= table[piece] << np.uint64(low * columns + columns - 1 - index)
    return values


@cache
def _spread(columns: int) -> NDArray[np.uint64]:
    """For each byte the word that has its bits ``columns`` apart; bits beyond the word are cut off."""
    table = [
        sum(((byte >> bit) & 1) << (bit * columns) for bit in range(_BYTE)) & (2**CURVE_BITS - 1) for byte in range(256)
    ]
    return np.array(table, np.uint64)
