"""Merge engines as kernels, one file per engine.

A kernel is handed the versions of rows that sorted runs hold of one window of keys, and says what becomes of
each key. It sees keys, order and kinds of the rows, as arrays; it never sees a row.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lakestore.core.sorting import KeyWords

Kinds = NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class RunVersions:
    """One run's rows in a window.

    Attributes:
        keys: Their keys, ascending, normalised together with those of the other runs.
        order: What settles which version of a key is the newest: sequence fields, then the sequence number,
            normalised together over the runs. None in all runs alike: a later run is newer.
        kinds: Row kinds (``_VALUE_KIND``); None when every row is an add.
    """

    keys: KeyWords
    order: KeyWords | None = None
    kinds: Kinds | None = None


def is_add(kinds: Kinds) -> NDArray[np.bool_]:
    """True for +I and +U, false for -U and -D."""
    adds: NDArray[np.bool_] = (kinds & 1) == 0
    return adds
