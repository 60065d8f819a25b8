"""Which files, manifests and buckets cannot hold a row that a predicate keeps.

A predicate is true, false or unknown on a row. From the bounds of the columns we work out, bottom up, which of the
three it can be on any row of a file: a leaf from the interval of its column, AND, OR and NOT from all combinations of
what their parts can be. A file is skipped when "true" is not among them.

Invariant: the set never misses a truth value that some row of the file has. It may hold more than occur. So:
- a column that is not among the bounds, or has none, can be anything;
- bounds say nothing about NaN, which only ``!=`` (and NOT of an ordered comparison) is true of;
- text bounds may be cut short: they bound the values, but need not be values.
"""

import itertools
import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lakestore.core.like import like_prefix
from lakestore.core.value_text import Internal
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
    conjuncts,
)

MAX_COMBINATIONS = 1000
"""Most bucket-key values that ``equality_values`` spells out."""

Outcomes = frozenset[bool | None]
_TRUE: Outcomes = frozenset({True})
_FALSE: Outcomes = frozenset({False})
_UNKNOWN: Outcomes = frozenset({None})
_TWO: Outcomes = frozenset({True, False})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What is known of one column's values in a file, in internal form.

    Attributes:
        min: At or below every value; None if not known.
        max: At or above every value; None if not known.
        null_count: How many rows have no value; None if not known.
        exact: Whether ``min`` and ``max`` are values of rows; false for bounds that may be cut short.
    """

    min: Internal = None
    max: Internal = None
    null_count: int | None = None
    exact: bool = True

    @property
    def has_bounds(self) -> bool:
        """Whether both ends are known."""
        return self.min is not None and self.max is not None


NOTHING_KNOWN = Bounds()


def all_null(row_count: int) -> Bounds:
    """The bounds of a column that a file does not have, so that it reads as null."""
    return Bounds(null_count=row_count)


def may_match(predicate: Predicate | None, bounds: Mapping[str, Bounds], row_count: int | None) -> bool:
    """Whether some row may meet the predicate; false only if none can.

    Args:
        predicate: Bound; None keeps every row.
        bounds: What is known, by column. A column that is not there is not known.
        row_count: Rows that the bounds cover, None if not known.
    """
    if row_count == 0:
        return False
    return predicate is None or True in outcomes(predicate, bounds, row_count)


def must_match(predicate: Predicate | None, bounds: Mapping[str, Bounds], row_count: int | None) -> bool:
    """Whether every row meets the predicate; true only if all do. Arguments as for ``may_match``."""
    return predicate is None or outcomes(predicate, bounds, row_count) == _TRUE


def outcomes(predicate: Predicate, bounds: Mapping[str, Bounds], row_count: int | None) -> Outcomes:
    """The truth values that the predicate can have on rows within the bounds."""
    match predicate:
        case Constant():
            return frozenset({predicate.value})
        case IsNull():
            return _null_outcomes(bounds.get(predicate.column, NOTHING_KNOWN), row_count)
        case Compare() | IsIn() | Like():
            return _leaf(predicate, bounds.get(predicate.column, NOTHING_KNOWN), row_count)
        case Not():
            inner = outcomes(predicate.child, bounds, row_count)
            return frozenset(None if value is None else not value for value in inner)
        case And():
            return _combined(predicate.children, bounds, row_count, decisive=False)
        case Or():
            return _combined(predicate.children, bounds, row_count, decisive=True)


def _combined(
    children: Iterable[Predicate], bounds: Mapping[str, Bounds], row_count: int | None, *, decisive: bool
) -> Outcomes:
    """AND is decided by one false, OR by one true; else one unknown makes it unknown."""
    result: Outcomes = frozenset({not decisive})
    for child in children:
        inner = outcomes(child, bounds, row_count)
        result = frozenset(
            decisive if decisive in pair else (None if None in pair else not decisive)
            for pair in itertools.product(result, inner)
        )
    return result


def _null_outcomes(column: Bounds, row_count: int | None) -> Outcomes:
    if column.null_count == 0:
        return _FALSE
    return _TRUE if column.null_count is not None and column.null_count == row_count else _TWO


def _leaf(predicate: Compare | IsIn | Like, column: Bounds, row_count: int | None) -> Outcomes:
    nulls = _null_outcomes(column, row_count)
    if isinstance(predicate, IsIn) and not predicate.values:
        return _FALSE
    found = frozenset[bool | None]()
    if True in nulls:
        found |= _UNKNOWN
    if False in nulls:
        found |= _of_values(predicate, column)
    return found


def _of_values(predicate: Compare | IsIn | Like, column: Bounds) -> Outcomes:
    match predicate:
        case Compare():
            return _compared(predicate.op, predicate.value, column)
        case IsIn():
            return _equal_to_any(predicate, column)
        case Like():
            prefix, whole = like_prefix(predicate.pattern)
            if whole:
                return _compared(CompareOp.EQ, prefix, column)
            low, high = _ends(column, prefix)
            before = high is not None and high < prefix
            after = low is not None and low > prefix and not low.startswith(prefix)
            return _FALSE if before or after else _TWO


def _equal_to_any(predicate: IsIn, column: Bounds) -> Outcomes:
    """True if a literal lies between the bounds; false unless all values are one, and that is a literal."""
    literals: list[Any] = predicate.once("ascending", lambda: sorted(predicate.values))
    low, high = _ends(column, literals[0])
    first = 0 if low is None else bisect_left(literals, low)
    inside = first < len(literals) and (high is None or literals[first] <= high)
    only = column.exact and inside and low is not None and low == high and not isinstance(low, float)
    return frozenset(([True] if inside else []) + ([] if only else [False]))


def _compared(op: CompareOp, value: Any, column: Bounds) -> Outcomes:  # noqa: ANN401 - an internal value
    """On which sides of the literal values may lie decides what the comparison can be."""
    low, high = _ends(column, value)
    # Cut the same way, two texts can look alike that are not.
    cut_alike = not column.exact and low is not None and low == high
    sides = {
        -1: low is None or low < value or cut_alike,
        0: (low is None or low <= value) and (high is None or high >= value),
        1: high is None or high > value or cut_alike,
    }
    found = {op.holds(side, 0) for side, possible in sides.items() if possible}
    if isinstance(value, float):
        found.add(op is CompareOp.NE)  # of a NaN, which no bound tells of
    return frozenset(found)


def _ends(column: Bounds, value: Any) -> tuple[Any, Any]:  # noqa: ANN401 - internal values
    """The bounds, each None unless it compares with the value; neither if they contradict each other."""
    low = column.min if _comparable(column.min, value) else None
    high = column.max if _comparable(column.max, value) else None
    if low is not None and high is not None and low > high:  # type: ignore[operator]  # both compare with value
        return None, None
    return low, high


def _comparable(bound: Internal, value: Internal) -> bool:
    """Bounds read under another schema may be of another family; NaN has no place in an order."""
    if bound is None or (isinstance(bound, float) and math.isnan(bound)):
        return False
    for family in (str, bytes):
        if isinstance(bound, family) or isinstance(value, family):
            return isinstance(bound, family) and isinstance(value, family)
    return True


def equality_values(predicate: Predicate | None, columns: Sequence[str]) -> list[tuple[Internal, ...]] | None:
    """All values of these columns together that a row can have where the predicate is true, if they are few.

    Bucket pruning asks this of the bucket-key columns. Both zeros are named for a floating-point zero, since they are
    equal but hash differently.

    Args:
        predicate: Bound; None keeps every row.
        columns: The columns, in order.

    Returns:
        The combinations without repetition, in the order found (none of them: no row can match); None if a column
        is not pinned by ``=`` or ``IN``, or if there are more than ``MAX_COMBINATIONS``.
    """
    candidates = [_products(predicate, columns)]
    candidates += [_unions(part, columns) for part in conjuncts(predicate) if isinstance(part, Or)]
    return min((one for one in candidates if one is not None), key=len, default=None)


def _products(predicate: Predicate | None, columns: Sequence[str]) -> list[tuple[Internal, ...]] | None:
    each: list[list[Internal]] = []
    for column in columns:
        values = None if predicate is None else _values_of(predicate, column)
        if values is None:
            return None
        each.append([twin for value in values for twin in ((0.0, -0.0) if _is_zero(value) else (value,))])
    if math.prod(len(values) for values in each) > MAX_COMBINATIONS:
        return None
    return list(itertools.product(*each))


def _unions(predicate: Or, columns: Sequence[str]) -> list[tuple[Internal, ...]] | None:
    """What the branches of an OR allow together; None as soon as one of them is open."""
    found: dict[str, tuple[Internal, ...]] = {}
    for child in predicate.children:
        values = equality_values(child, columns)
        if values is None or len(found) + len(values) > MAX_COMBINATIONS:
            return None
        found.update({repr(one): one for one in values})  # repr tells the two zeros apart
    return list(found.values())


def _values_of(predicate: Predicate, column: str) -> list[Internal] | None:
    """The values that one column can have where the predicate is true, None for any."""
    match predicate:
        case Compare(op=CompareOp.EQ) if predicate.column == column:
            return [predicate.value]  # type: ignore[list-item]  # bound values are internal
        case IsIn() if predicate.column == column:
            return list(predicate.values)  # type: ignore[arg-type]  # bound values are internal
        case Constant(value=False | None):
            return []
        case And():
            known = [values for child in predicate.children if (values := _values_of(child, column)) is not None]
            others = [set(values) for values in known[1:]]
            return [value for value in known[0] if all(value in one for one in others)] if known else None
        case Or():
            every = [_values_of(child, column) for child in predicate.children]
            if any(values is None for values in every):
                return None
            return list(dict.fromkeys(value for values in every for value in values or ()))
        case _:
            return None


def _is_zero(value: Internal) -> bool:
    return isinstance(value, float) and value == 0.0
