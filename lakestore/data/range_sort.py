"""Sorting more rows than memory holds, along any arrangement (a sample sort with spilling).

1. Rows are taken until they exceed the budget. If they never do, they are sorted where they are.
2. Otherwise a sample of all rows cuts the layout into ranges of about equal size, each well below the budget, and
   every row is set aside on local disk in the file of its range.
3. The ranges come back one after another, each sorted in memory. A range that is still too large is cut again by a
   sample of its own. Rows that no cut parts are at one position of a curve: there is nothing to sort, and they are
   passed on. Of rows in order of value, those with the value that rules are sorted by the next column.

Invariant: every row comes out exactly once; memory is a small multiple of the budget, whatever the number of rows.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lakestore.core.curve import Arrangement, Curve, fit
from lakestore.core.keywords import Words
from lakestore.core.sorting import Indices, normalise_together
from lakestore.format.spill import read_spill, write_spill
from lakestore.storage.parallel import map_ordered, run_all
from lakestore.storage.scratch import Scratch

SAMPLE_ROWS = 64 * 1024
"""Rows that stand for all when ranges are cut and columns scaled."""

FILL = 0.6
"""How full a range is to be, on average: samples err."""

MAX_RANGES = 512
POSITION_ROWS = 128 * 1024
WORKERS = 2
"""Pieces of rows that are placed, or gathered, at a time."""

SEED = 20_240_601
"""The sample is the same for the same rows, so that a run can be repeated."""


@dataclass(slots=True, kw_only=True)
class RangeSorter:
    """Sorts rows along a curve, or by value.

    Attributes:
        curve: The layout.
        columns: The columns that it looks at.
        budget_bytes: Decoded bytes held at a time; the process needs about three times as much.
        scratch: Where rows are set aside.
        piece_rows: Rows of the tables handed out, at most.
        spilled_bytes: Decoded bytes set aside so far.
    """

    curve: Curve
    columns: Sequence[str]
    budget_bytes: int
    scratch: Scratch
    piece_rows: int
    spilled_bytes: int = field(default=0)

    def sort(
        self, batches: Iterable[pa.RecordBatch], *, rows: int, sample: Callable[[], pa.Table]
    ) -> Iterator[pa.Table]:
        """All rows in the order of the layout, in tables of ``piece_rows``.

        Args:
            batches: The rows, all of one schema.
            rows: How many there will be, about.
            sample: Some rows picked at random out of all of them, at least the columns of the layout; it is asked
                only when the rows do not fit into the budget.
        """
        source = iter(batches)
        held, size = _take(source, self.budget_bytes)
        if not held:
            return
        if size <= self.budget_bytes:
            yield from self._sorted(pa.Table.from_batches(held), None)
            return
        seen = sum(batch.num_rows for batch in held)
        arrangement = fit(self.curve, self.columns, sample())
        ranges = self._ranges(arrangement, sample(), total_bytes=int(size * max(rows, seen) / max(seen, 1)))
        while held:
            ranges.add(held.pop(0))
        for batch in source:
            ranges.add(batch)
        yield from self._by_range(ranges, arrangement)

    def _by_range(self, ranges: "_Ranges", arrangement: Arrangement) -> Iterator[pa.Table]:
        self.spilled_bytes += ranges.finish()
        for one in ranges.spills:
            yield from self._range(one, arrangement)
            for path in one.paths:
                self.scratch.remove(path)

    def _range(self, one: "_Spill", arrangement: Arrangement) -> Iterator[pa.Table]:
        if one.bytes <= self.budget_bytes:
            batches = list(one.batches())
            if batches:
                yield from self._sorted(pa.Table.from_batches(batches), arrangement)
            return
        sample = one.sample()
        own = fit(self.curve, arrangement.columns, sample)
        ranges = self._ranges(own, sample, total_bytes=one.bytes)
        for batch in one.batches():
            ranges.add(batch)
        if sum(spill.rows > 0 for spill in ranges.spills) > 1:
            yield from self._by_range(ranges, own)
            return
        # All rows are at one position, as far as the sample tells: nothing is left to sort by, or one value rules.
        self.spilled_bytes += ranges.finish()
        whole = max(ranges.spills, key=lambda spill: spill.rows)
        if self.curve is Curve.ORDER:
            yield from self._around_pivot(whole, own, sample)
        else:
            yield from self._unsorted(whole)

    def _around_pivot(self, one: "_Spill", arrangement: Arrangement, sample: pa.Table) -> Iterator[pa.Table]:
        """Rows with less, as much and more than some value of the first column, one part after the other."""
        name = arrangement.columns[0]
        pivot = sample[name].combine_chunks().slice(len(sample) // 2, 1)
        parts = _Parts(3, self.budget_bytes // 2, self.scratch)
        for batch in one.batches():
            parts.deal(batch, compare_to(batch.column(name), pivot) + 1)
        self.spilled_bytes += parts.finish()
        below, same, above = parts.spills
        yield from self._range(below, arrangement)
        rest = arrangement.without_first()
        yield from self._unsorted(same) if rest is None else self._range(same, rest)
        yield from self._range(above, arrangement)

    def _ranges(self, arrangement: Arrangement, sample: pa.Table, *, total_bytes: int) -> "_Ranges":
        count = min(MAX_RANGES, max(2, -int(-total_bytes // (self.budget_bytes * FILL))))
        positions = np.sort(arrangement.positions(sample))
        places = (np.arange(1, count) * len(positions)) // count
        bounds = np.unique(positions[places]) if len(positions) else np.zeros(0, np.uint64)
        return _Ranges(arrangement, bounds, _Parts(len(bounds) + 1, self.budget_bytes // 2, self.scratch))

    def _sorted(self, rows: pa.Table, arrangement: Arrangement | None) -> Iterator[pa.Table]:
        rows = rows.combine_chunks()
        if arrangement is None:
            arrangement = fit(self.curve, self.columns, random_rows(rows.select(list(self.columns)), SAMPLE_ROWS))
        order = arrangement.exact_order(rows)
        if order is None:
            order = order_of(_positions(arrangement, rows.select(list(self.columns))))
        pieces = [order[start : start + self.piece_rows] for start in range(0, len(order), self.piece_rows)]
        with closing(map_ordered(lambda piece: rows.take(pa.array(piece)), pieces, workers=WORKERS)) as gathered:
            yield from gathered

    def _unsorted(self, one: "_Spill") -> Iterator[pa.Table]:
        for batch in one.batches():
            yield pa.Table.from_batches([batch])


@dataclass(slots=True)
class _Spill:
    """Rows set aside: in which files, how many, and how many bytes decoded."""

    paths: list[str] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        for path in self.paths:
            yield from read_spill(path)

    def sample(self) -> pa.Table:
        return sample_of(self.batches(), share=SAMPLE_ROWS / max(self.rows, 1))


class _Parts:
    """Deals rows out to parts; what waits in memory stays below a budget."""

    def __init__(self, count: int, budget_bytes: int, scratch: Scratch) -> None:
        self._budget = budget_bytes
        self._scratch = scratch
        self._waiting: list[list[pa.RecordBatch]] = [[] for _ in range(count)]
        self._bytes = 0
        self.spills = [_Spill() for _ in range(count)]

    def deal(self, batch: pa.RecordBatch, parts: NDArray[Any]) -> None:
        """Put every row into its part; inside a part rows keep their order."""
        order = np.argsort(parts.astype(np.uint16), kind="stable")
        dealt = batch.take(pa.array(order))
        ends = np.cumsum(np.bincount(parts, minlength=len(self.spills)))
        start = 0
        for waiting, spill, end in zip(self._waiting, self.spills, ends.tolist(), strict=True):
            if end > start:
                rows = dealt.slice(start, end - start)
                waiting.append(rows)
                spill.rows += rows.num_rows
                spill.bytes += rows.nbytes
                start = end
        self._bytes += batch.nbytes
        if self._bytes > self._budget:
            self.finish()

    def finish(self) -> int:
        """Set everything aside; decoded bytes of all parts so far."""
        for spill, waiting in zip(self.spills, self._waiting, strict=True):
            if waiting:
                path = self._scratch.next_path()
                write_spill(path, pa.Table.from_batches(waiting).combine_chunks())
                spill.paths.append(path)
                waiting.clear()
        self._bytes = 0
        return sum(spill.bytes for spill in self.spills)


class _Ranges:
    """Deals rows out by where they are in a layout."""

    def __init__(self, arrangement: Arrangement, bounds: Words, parts: _Parts) -> None:
        self._arrangement = arrangement
        self._bounds = bounds
        self._parts = parts

    @property
    def spills(self) -> list[_Spill]:
        return self._parts.spills

    def add(self, batch: pa.RecordBatch) -> None:
        positions = self._arrangement.positions(pa.Table.from_batches([batch]))
        self._parts.deal(batch, np.searchsorted(self._bounds, positions, side="right"))

    def finish(self) -> int:
        return self._parts.finish()


def compare_to(column: pa.Array, pivot: pa.Array) -> NDArray[np.int64]:
    """-1, 0 or 1 for each value below, equal to or above the one value of ``pivot``, in the order of keys."""
    own, other = normalise_together([[column], [pivot]])
    result = np.zeros(len(column), np.int64)
    for word, bound in zip(own.words, other.words, strict=True):
        undecided = result == 0
        result = np.where(undecided & (word < bound[0]), -1, np.where(undecided & (word > bound[0]), 1, result))
    return result


def _positions(arrangement: Arrangement, rows: pa.Table) -> Words:
    pieces = [rows.slice(start, POSITION_ROWS) for start in range(0, len(rows), POSITION_ROWS)]
    return np.concatenate(run_all([partial(arrangement.positions, piece) for piece in pieces], workers=WORKERS))


def order_of(positions: Words) -> Indices:
    """Rows in the order of their positions, as far as 32 bits of these tell apart; the rest keep their order.

    Two stable passes over 16 bits each, lower half first, which NumPy does by counting, in half the time of a sort.
    """
    if not len(positions):
        return np.zeros(0, np.int64)
    rising = positions - positions.min()
    shift = np.uint64(max(0, int(rising.max()).bit_length() - 32))
    halves = (rising >> shift).astype(np.uint32).view(np.uint16).reshape(-1, 2)
    low, high = (halves[:, 0], halves[:, 1]) if sys.byteorder == "little" else (halves[:, 1], halves[:, 0])
    first = np.argsort(low, kind="stable")
    return first[np.argsort(high[first], kind="stable")]


def random_rows(rows: pa.Table, count: int) -> pa.Table:
    """That many rows picked at random, or all."""
    if len(rows) <= count:
        return rows
    picked = np.random.default_rng(SEED).choice(len(rows), size=count, replace=False)
    return rows.take(pa.array(np.sort(picked)))


def sample_of(batches: Iterable[pa.RecordBatch], *, share: float) -> pa.Table:
    """About that share of the rows, picked at random; at least one of each batch."""
    picked = []
    for batch in batches:
        count = max(1, round(batch.num_rows * share))
        picked.append(random_rows(pa.Table.from_batches([batch]), count))
    return pa.concat_tables(picked)


def _take(source: Iterator[pa.RecordBatch], budget_bytes: int) -> tuple[list[pa.RecordBatch], int]:
    """Batches until they exceed the budget, and their bytes."""
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in source:
        held.append(batch)
        size += batch.nbytes
        if size > budget_bytes:
            break
    return held, size
