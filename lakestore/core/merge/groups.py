"""Groups of rows that share a key: where they start, and which of their rows meet a condition.

Rows lie in merge order: by key, then from the oldest version to the newest. Everything here is NumPy work on
positions in that order; -1 stands for "no row".

Invariant: groups are not empty, and every row is in exactly one.
"""

from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lakestore.core.merge import Kinds, is_add
from lakestore.core.sorting import Indices, KeyWords, Mask, argsort, group_starts, running_count

NO_ROW = -1


class Groups:
    """Consecutive rows in groups.

    Args:
        starts: First row of each group, ascending from 0.
        rows: Number of rows.
    """

    def __init__(self, starts: Indices, rows: int) -> None:
        self.starts = starts
        self.rows = rows

    def __len__(self) -> int:
        return len(self.starts)

    @cached_property
    def sizes(self) -> Indices:
        """Rows of each group."""
        return np.diff(self.starts, append=self.rows)

    @cached_property
    def lasts(self) -> Indices:
        """Last row of each group."""
        return np.append(self.starts[1:], self.rows)[: len(self.starts)] - 1

    @cached_property
    def numbers(self) -> Indices:
        """For each row the number of its group."""
        return np.repeat(np.arange(len(self.starts), dtype=np.int64), self.sizes)

    @cached_property
    def ages(self) -> Indices:
        """For each row how many rows of its group come before it."""
        return np.arange(self.rows, dtype=np.int64) - np.repeat(self.starts, self.sizes)

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """A value per group as a value per row."""
        return np.repeat(values, self.sizes)

    def last(self, mask: Mask) -> Indices:
        """The last row of each group for which the mask is true."""
        rows = np.where(mask, np.arange(self.rows, dtype=np.int64), NO_ROW)
        return np.maximum.reduceat(rows, self.starts) if len(self) else rows

    def first(self, mask: Mask) -> Indices:
        """The first row of each group for which the mask is true."""
        rows = np.where(mask, np.arange(self.rows, dtype=np.int64), self.rows)
        found = np.minimum.reduceat(rows, self.starts) if len(self) else rows
        return np.where(found == self.rows, NO_ROW, found)

    def first_after(self, mask: Mask, bounds: Indices) -> Indices:
        """The first row of each group behind the group's bound for which the mask is true."""
        return self.first(mask & (np.arange(self.rows) > self.spread(bounds)))

    def last_after(self, mask: Mask, bounds: Indices) -> Indices:
        """The last row of each group for which the mask is true, if it lies behind the group's bound."""
        found = self.last(mask)
        return np.where(found > bounds, found, NO_ROW)

    def any(self, mask: Mask) -> Mask:
        """Whether the mask is true for some row of each group."""
        return self.last(mask) >= 0

    def select(self, chosen: Mask) -> "tuple[Groups, Mask]":
        """Some of the groups, and which rows are theirs."""
        rows = self.spread(chosen)
        sizes = self.sizes[chosen]
        return Groups(np.cumsum(sizes) - sizes, int(sizes.sum())), rows

    def of_rows(self, mask: Mask) -> "tuple[Groups, Indices]":
        """The groups of some rows only; groups left without rows drop out, hence the numbers of those that stay."""
        numbers = self.numbers[mask]
        firsts = np.ones(len(numbers), np.bool_)
        np.not_equal(numbers[1:], numbers[:-1], out=firsts[1:])
        starts = np.flatnonzero(firsts)
        return Groups(starts, len(numbers)), numbers[starts]

    def running_max(self, words: NDArray[Any]) -> NDArray[Any]:
        """For each row the greatest word among it and the rows of its group before it.

        1. After round r a row knows the maximum of itself and the 2**r - 1 rows before it in its group.
        2. Rounds double that reach until it covers the longest group.
        """
        words = words.copy()
        reach, longest = 1, int(self.sizes.max(initial=0))
        while reach < longest:
            earlier = np.where(self.ages[reach:] >= reach, words[:-reach], words[reach:])
            words[reach:] = np.maximum(words[reach:], earlier)
            reach *= 2
        return words


class Column:
    """The values of one column in merge order, gathered no sooner than asked for.

    Args:
        name: The column's name, for messages.
        values: Its values, in any order.
        order: Positions in ``values`` in merge order; None if they lie in it.
    """

    def __init__(self, name: str, values: Any, order: Indices | None = None) -> None:  # noqa: ANN401 - Arrow
        self.name = name
        self.values: pa.Array = one_array(values)
        self.order = order

    @property
    def type(self) -> pa.DataType:
        """Its Arrow type."""
        return self.values.type

    def __len__(self) -> int:
        return len(self.values) if self.order is None else len(self.order)

    @cached_property
    def valid(self) -> Mask | None:
        """Where there is a value; None if everywhere."""
        if self.values.null_count == 0:
            return None
        valid: Mask = self.values.is_valid().to_numpy(zero_copy_only=False)
        return valid if self.order is None else valid[self.order]

    def has_value(self) -> Mask:
        """Where there is a value."""
        return np.ones(len(self), np.bool_) if self.valid is None else self.valid

    def at(self, rows: Indices) -> pa.Array:
        """The values of those rows; null for no row."""
        missing = rows < 0
        if self.order is not None and len(rows):
            rows = self.order[rows] if len(self.order) else rows
        none = bool(missing.any())
        return self.values.take(pa.array(rows, pa.int64(), mask=missing) if none else pa.array(rows, pa.int64()))

    def ordered(self, mask: Mask | None = None) -> pa.Array:
        """All values, or those of some rows, in merge order."""
        if mask is None:
            return self.values if self.order is None else self.values.take(pa.array(self.order))
        rows = np.flatnonzero(mask) if self.order is None else self.order[mask]
        return self.values.take(pa.array(rows))

    def select(self, mask: Mask) -> "Column":
        """Some of the rows."""
        return Column(self.name, self.values, np.flatnonzero(mask) if self.order is None else self.order[mask])


def one_array(column: Any) -> pa.Array:  # noqa: ANN401 - an Array or a ChunkedArray
    """A column in one piece."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def dense_ranks(words: KeyWords) -> Indices:
    """Numbers from 0 that compare as the rows' words do."""
    order = argsort(words)
    ranks = np.empty(words.rows, np.int64)
    ranks[order] = running_count(group_starts(words, order)) - 1
    return ranks


def merge_order(keys: KeyWords, *, order: KeyWords | None = None, kinds: Kinds | None = None) -> tuple[Indices, Groups]:
    """The merge order of rows, and the groups of one key in it.

    Rows that tie in key and order keep their places, except that retracts go before adds.

    Args:
        keys: Their keys.
        order: What puts the versions of a key in order: sequence fields, then the sequence number.
        kinds: Row kinds; None when every row is an add.
    """
    words = keys
    if order is not None:
        words = words.then(order)
    if kinds is not None:
        words = words.then(KeyWords((is_add(kinds).astype(np.uint64),), keys.rows))
    rows = argsort(words)
    return rows, Groups(np.flatnonzero(group_starts(keys, rows)), keys.rows)
