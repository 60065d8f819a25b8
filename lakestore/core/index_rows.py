"""Which rows of a file may meet a predicate, by what indexes say of its columns.

A predicate is true, false or unknown on a row. ``rows_that_may`` gives the rows on which it may be true, or false:
NOT asks its part for the other. A column's index gives the rows with a value in some ranges of keys; what is not known
is None, and stands for every row.

Invariant: no row is left out on which the predicate is what was asked for.
- An index that may give too many rows (not ``exact``), as one whose keys cannot tell all values apart, is not asked for
  the rows with other values.
- NaN is in no range of an ordered comparison; both zeros are equal.
- Null rows are in no answer but IS NULL's: on them a comparison is unknown.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from lakestore.core.index_keys import Key, KeyForm, KeyRange, bounds_of_literal, ordered_range
from lakestore.model.file_index import RowSet
from lakestore.model.predicate import (
    And,
    Compare,
    CompareOp,
    Constant,
    IsIn,
    IsNull,
    Like,
    Not,
    Or,
    Predicate,
)

Ranges = tuple[KeyRange, ...]
_OPPOSITE = {
    CompareOp.LT: CompareOp.GE,
    CompareOp.LE: CompareOp.GT,
    CompareOp.GT: CompareOp.LE,
    CompareOp.GE: CompareOp.LT,
}
"""What is true of a value where the other is false, unless it is NaN."""


class ColumnIndex(Protocol):
    """What one index can tell of a column. Each answer may hold more rows than asked for.

    Attributes:
        form: How values become keys.
        row_count: Rows that it speaks of; None if it does not know.
        exact: Whether the rows that ``where`` gives are no more than those asked for.
    """

    form: KeyForm

    @property
    def row_count(self) -> int | None: ...  # noqa: D102 - described above

    @property
    def exact(self) -> bool: ...  # noqa: D102 - described above

    def where(self, ranges: Ranges) -> RowSet | None:
        """The rows with a value in the ranges; None if it cannot tell."""
        ...

    def nulls(self) -> RowSet | None:
        """The rows without a value; None if it cannot tell."""
        ...

    def present(self) -> RowSet | None:
        """The rows with a value; None if it cannot tell."""
        ...


class Indexes(Protocol):
    """The indexes of one file."""

    def of(self, column: str) -> Sequence[ColumnIndex]:
        """Those of a column of the predicate; empty for none."""
        ...

    def nothing(self) -> RowSet:
        """No row."""
        ...


def rows_that_may(predicate: Predicate, indexes: Indexes, *, be: bool = True) -> RowSet | None:
    """The rows on which the predicate may be true; None for all.

    Args:
        predicate: Bound.
        indexes: Those of the file.
        be: False for the rows on which it may be false.
    """
    match predicate:
        case Constant():
            return None if predicate.value is be else indexes.nothing()
        case Not():
            return rows_that_may(predicate.child, indexes, be=not be)
        case And() | Or():
            together = isinstance(predicate, And) is be
            found = (rows_that_may(child, indexes, be=be) for child in predicate.children)
            return _all_of(found) if together else _any_of(list(found), indexes)
        case IsNull():
            return _first(index.nulls() if be else index.present() for index in indexes.of(predicate.column))
        case Compare() | IsIn() | Like():
            return _all_of(_leaf(predicate, index, indexes, be=be) for index in indexes.of(predicate.column))


def _leaf(predicate: Compare | IsIn | Like, index: ColumnIndex, indexes: Indexes, *, be: bool) -> RowSet | None:
    if isinstance(predicate, Compare) and predicate.op is CompareOp.NE:
        predicate, be = Compare(column=predicate.column, op=CompareOp.EQ, value=predicate.value), not be
    if not be and isinstance(predicate, Compare) and predicate.op in _OPPOSITE and not index.form.floating:
        predicate, be = Compare(column=predicate.column, op=_OPPOSITE[predicate.op], value=predicate.value), True
    ranges = _ranges(predicate, index.form)
    if ranges is None:
        return index.present()
    if be:
        return index.where(ranges) if ranges else indexes.nothing()
    present = index.present()
    if not index.exact or present is None:
        return present
    found = index.where(ranges) if ranges else indexes.nothing()
    return present if found is None else present - found


def _ranges(predicate: Compare | IsIn | Like, form: KeyForm) -> Ranges | None:
    """The keys of the values for which the predicate is true; None if that is not known."""
    match predicate:
        case IsIn() if all(value is not None for value in predicate.values):
            made: Ranges | None = predicate.once((_ranges, form), lambda: _equal_to(predicate.values, form))
            return made
        case Compare() if predicate.value is not None:
            if predicate.op is CompareOp.EQ:
                return _equal_to((predicate.value,), form)
            return _beside(predicate.op, predicate.value, form)
        case _:
            return None


def _equal_to(values: Sequence[Any], form: KeyForm) -> Ranges | None:
    bounds = [bounds_of_literal(value, form) for value in values]
    if any(pair is not None and _is_far(pair) for pair in bounds):
        return None
    equal = [pair for pair in bounds if pair is not None and pair[0] <= pair[1]]  # type: ignore[operator]
    return tuple(KeyRange(low=key, high=key) for key in dict.fromkeys(key for pair in equal for key in pair))


def _is_far(pair: tuple[Key, Key]) -> bool:
    return any(isinstance(key, int) and not -(1 << 63) <= key < 1 << 63 for key in pair)


def _beside(op: CompareOp, value: Any, form: KeyForm) -> Ranges | None:  # noqa: ANN401 - an internal value
    bounds = bounds_of_literal(value, form)
    if bounds is None:
        return ()
    if _is_far(bounds):
        return None
    low, high = bounds
    least, greatest = ordered_range(form)
    strict = not form.lossy
    match op:
        case CompareOp.LT:
            return (KeyRange(low=least, high=low, high_open=strict),)
        case CompareOp.LE:
            return (KeyRange(low=least, high=high),)
        case CompareOp.GT:
            return (KeyRange(low=high, high=greatest, low_open=strict),)
        case _:
            return (KeyRange(low=low, high=greatest),)


def _all_of(found: Any) -> RowSet | None:  # noqa: ANN401 - an iterable of row sets
    result: RowSet | None = None
    for rows in found:
        if rows is not None:
            result = rows if result is None else result & rows
            if not len(result):
                return result
    return result


def _any_of(found: Sequence[RowSet | None], indexes: Indexes) -> RowSet | None:
    result: RowSet = indexes.nothing()
    for rows in found:
        if rows is None:
            return None
        result = result | rows
    return result


def _first(found: Any) -> RowSet | None:  # noqa: ANN401 - an iterable of row sets
    return next((rows for rows in found if rows is not None), None)
