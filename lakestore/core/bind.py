"""Binding: check a predicate against the columns and turn each literal into an internal value of its column.

1. Every column must exist and have an order (only IS NULL works on nested columns).
2. A literal becomes the exact number (or text, or bytes) that it means for that column; ``bind_literals`` does that.
3. A number between two values that the column can hold moves to the next one that keeps the meaning: on an integer
   column ``qty > 1.5`` becomes ``qty >= 2``.
4. A comparison that no value (or every value) meets becomes one that is false (or true) where the column has a
   value and unknown where it is null, since that is what the comparison was.
5. A comparison with NULL is unknown.

Invariant: the bound predicate has the same truth value (true, false or unknown) on every row as the one it came
from, and holds no nulls, no NaN and no values outside their column's type.
"""

import difflib
from collections.abc import Mapping, Sequence

from lakestore.core.bind_literals import Fitted, fit
from lakestore.core.like import check_pattern
from lakestore.errors import ErrorKind, InvalidInputError, NotFoundError
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
    Value,
)
from lakestore.model.types import STRINGS, Field

MAX_DEPTH = 100
"""Predicates inside each other; the parser stays below, so only expressions can pass it."""


def bind(predicate: Predicate, fields: Sequence[Field]) -> Predicate:
    """The same predicate over internal values of these columns.

    Args:
        predicate: As parsed, or built from ``col()``.
        fields: The columns it may name.

    Raises:
        NotFoundError: It names a column that is not there.
        InvalidInputError: A literal does not compare with its column, or a pattern is wrong.
    """
    return _bind(predicate, {field.name: field for field in fields}, MAX_DEPTH)


def _bind(predicate: Predicate, fields: Mapping[str, Field], depth: int) -> Predicate:
    if depth == 0:
        raise InvalidInputError(
            f"the predicate is nested more than {MAX_DEPTH} levels deep; use isin() for a list of values",
            kind=ErrorKind.INVALID_PREDICATE,
        )
    match predicate:
        case Constant():
            return predicate
        case Compare():
            return _compare(predicate, _find(predicate.column, fields))
        case IsIn():
            return _is_in(predicate, _find(predicate.column, fields))
        case IsNull():
            _find(predicate.column, fields)
            return predicate
        case Like():
            return _like(predicate, _find(predicate.column, fields))
        case And():
            return And(children=_all(predicate.children, fields, depth))
        case Or():
            return Or(children=_all(predicate.children, fields, depth))
        case Not():
            return Not(child=_bind(predicate.child, fields, depth - 1))


def _all(children: Sequence[Predicate], fields: Mapping[str, Field], depth: int) -> tuple[Predicate, ...]:
    return tuple(_bind(child, fields, depth - 1) for child in children)


def _find(name: str, fields: Mapping[str, Field]) -> Field:
    field = fields.get(name)
    if field is not None:
        return field
    near = difflib.get_close_matches(name.lower(), [known.lower() for known in fields], n=1)
    spelled = next((known for known in fields if near and known.lower() == near[0]), None)
    raise NotFoundError(
        f"column {name!r} not found; there are: {', '.join(fields)}"
        + (f" (did you mean {spelled!r}?)" if spelled else ""),
        kind=ErrorKind.COLUMN_NOT_FOUND,
    )


def _compare(predicate: Compare, field: Field) -> Predicate:
    fitted = fit(field, predicate.op, predicate.value)
    match fitted:
        case None:
            return Constant(value=None)
        case bool():
            return _everywhere(field.name, outcome=fitted)
        case Fitted():
            return Compare(column=field.name, op=fitted.op, value=fitted.value)


def _is_in(predicate: IsIn, field: Field) -> Predicate:
    kept: dict[Value, None] = {}
    has_null = False
    for value in predicate.values:
        fitted = fit(field, CompareOp.EQ, value)
        has_null = has_null or fitted is None
        if isinstance(fitted, Fitted):
            kept[fitted.value] = None
    bound: Predicate
    if kept:
        bound = IsIn(column=field.name, values=tuple(kept))
    elif not predicate.values:
        return Constant(value=False)
    else:
        bound = _everywhere(field.name, outcome=False)
    return Or(children=(bound, Constant(value=None))) if has_null else bound


def _like(predicate: Like, field: Field) -> Like:
    if field.type.root not in STRINGS:
        raise InvalidInputError(
            f"LIKE works on text; column {field.name!r} is {field.type}", kind=ErrorKind.INVALID_PREDICATE
        )
    check_pattern(predicate.pattern)
    return predicate


def _everywhere(column: str, *, outcome: bool) -> Predicate:
    """That outcome where the column has a value, unknown where it is null."""
    unknown = Constant(value=None)
    if outcome:
        return Or(children=(Not(child=IsNull(column=column)), unknown))
    return And(children=(IsNull(column=column), unknown))
