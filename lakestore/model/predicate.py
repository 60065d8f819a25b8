"""Predicates: one closed tree that SQL text and ``col()`` expressions both become.

A predicate is *unbound* while its values are what the user wrote (dates, datetimes, text), and *bound* once
``core.bind`` has checked the columns and turned each value into the column's internal value:

    BOOLEAN bool, integers int, FLOAT and DOUBLE float, DECIMAL Decimal, CHAR and VARCHAR str,
    BINARY and VARBINARY bytes, DATE days since the epoch (int), TIME milliseconds of the day (int),
    TIMESTAMP and TIMESTAMP_LTZ nanoseconds since the epoch (int, unbounded)

Logic is three-valued, as in SQL: a row is kept only when the predicate is true, not when it is unknown.
Floats compare as IEEE does: NaN equals nothing and is not ordered; -0.0 equals 0.0.
"""

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any

from lakestore.model.checked import checked, fitted

Value = bool | int | float | Decimal | str | bytes | date | datetime | time | None
"""A literal, as written by the user or in internal form."""


class CompareOp(StrEnum):
    """Comparison operators."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="

    def holds(self, left: Any, right: Any) -> bool:  # noqa: ANN401 - two values of one ordered type
        """Whether ``left op right`` is true of two values, neither of them null."""
        return bool(_PYTHON_OPERATORS[self](left, right))


_PYTHON_OPERATORS = {
    CompareOp.EQ: operator.eq,
    CompareOp.NE: operator.ne,
    CompareOp.LT: operator.lt,
    CompareOp.LE: operator.le,
    CompareOp.GT: operator.gt,
    CompareOp.GE: operator.ge,
}


class _Operators:
    """``&``, ``|`` and ``~`` on predicates. Chains stay flat, so that a long one is not deep."""

    __slots__ = ()

    in_words = "an expression such as ls.col('qty') > 3"
    """How messages name what is expected."""

    def __and__(self, other: "Predicate") -> "And":
        parts = self.children if isinstance(self, And) else (self,)
        return And(children=(*parts, _checked(other)))

    def __or__(self, other: "Predicate") -> "Or":
        parts = self.children if isinstance(self, Or) else (self,)
        return Or(children=(*parts, _checked(other)))

    def __invert__(self) -> "Not":
        return Not(child=self)  # type: ignore[arg-type]  # only the union's members inherit this

    def __bool__(self) -> bool:
        raise TypeError("combine predicates with &, | and ~ (and brackets), not with and, or, not")


def _checked(other: Any) -> "Predicate":  # noqa: ANN401 - whatever stands at the other side of an operator
    found: Predicate = fitted(other, Predicate, "& or | (other=")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant(_Operators):
    """True, false, or unknown (None) for every row."""

    value: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare(_Operators):
    """``column op value``; unknown when either side is null."""

    column: str
    op: CompareOp
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class IsIn(_Operators):
    """``column IN (values)``, with SQL's treatment of nulls on both sides."""

    column: str
    values: tuple[Value, ...]
    _kept: dict[object, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, key: object, make: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever ``make`` makes
        """What ``make`` makes of the values, made once for each key: lists can be long, and files many."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class IsNull(_Operators):
    """``column IS NULL``; never unknown."""

    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Like(_Operators):
    """``column LIKE pattern`` with ``%`` and ``_``, backslash escapes."""

    column: str
    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class And(_Operators):
    """All of them."""

    children: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Or(_Operators):
    """Any of them."""

    children: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not(_Operators):
    """The opposite; unknown stays unknown."""

    child: "Predicate"


Predicate = Constant | Compare | IsIn | IsNull | Like | And | Or | Not


class Column:
    """A column in an expression: ``col("qty") > 3``, ``col("id").isin([1, 2])``.

    Comparisons give predicates; combine them with ``&``, ``|`` and ``~``.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, value: Value) -> Compare:  # type: ignore[override]  # expressions build trees
        return Compare(column=self.name, op=CompareOp.EQ, value=value)

    def __ne__(self, value: Value) -> Compare:  # type: ignore[override]  # expressions build trees
        return Compare(column=self.name, op=CompareOp.NE, value=value)

    __hash__ = None  # type: ignore[assignment]  # == builds a predicate, so a column has no identity to hash

    def __lt__(self, value: Value) -> Compare:
        return Compare(column=self.name, op=CompareOp.LT, value=value)

    def __le__(self, value: Value) -> Compare:
        return Compare(column=self.name, op=CompareOp.LE, value=value)

    def __gt__(self, value: Value) -> Compare:
        return Compare(column=self.name, op=CompareOp.GT, value=value)

    def __ge__(self, value: Value) -> Compare:
        return Compare(column=self.name, op=CompareOp.GE, value=value)

    def isin(self, values: Iterable[Value]) -> IsIn:
        """Rows whose value is one of those."""
        return IsIn(column=self.name, values=tuple(fitted(values, Iterable, "isin(values=")))

    def between(self, low: Value, high: Value) -> And:
        """Rows with ``low <= value <= high``."""
        return (self >= low) & (self <= high)

    def is_null(self) -> IsNull:
        """Rows without a value."""
        return IsNull(column=self.name)

    def is_not_null(self) -> Not:
        """Rows with a value."""
        return ~IsNull(column=self.name)

    @checked
    def like(self, pattern: str) -> Like:
        """Rows whose text matches the SQL pattern."""
        return Like(column=self.name, pattern=pattern)

    @checked
    def startswith(self, prefix: str) -> Like:
        """Rows whose text begins so."""
        escaped = prefix.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return Like(column=self.name, pattern=escaped + "%")

    def __repr__(self) -> str:
        return f"col({self.name!r})"


@checked
def col(name: str) -> Column:
    """Start an expression from a column: ``ls.col("qty") > 3``."""
    return Column(name)


def columns_of(predicate: Predicate) -> frozenset[str]:
    """Names of all columns that the predicate looks at."""
    match predicate:
        case Constant():
            return frozenset()
        case Compare() | IsIn() | IsNull() | Like():
            return frozenset({predicate.column})
        case And() | Or():
            return frozenset().union(*(columns_of(child) for child in predicate.children))
        case Not():
            return columns_of(predicate.child)


def conjuncts(predicate: Predicate | None) -> tuple[Predicate, ...]:
    """The parts that must all hold, nested ANDs flattened; empty for None."""
    if predicate is None:
        return ()
    if isinstance(predicate, And):
        return tuple(part for child in predicate.children for part in conjuncts(child))
    return (predicate,)


def all_of(parts: Iterable[Predicate]) -> Predicate | None:
    """The AND of the parts; None for none, the part itself for one."""
    kept = tuple(parts)
    if not kept:
        return None
    return kept[0] if len(kept) == 1 else And(children=kept)
