"""Bound predicates over rows: Arrow kernels for tables and batches, plain Python for single partition values.

Both follow SQL's three values: a comparison with null is unknown, AND and OR are Kleene's, and only rows on which
the predicate is true are kept. Floats compare as IEEE says: NaN equals nothing, not even itself, and -0.0 equals 0.0.
FLOAT columns compare as the doubles that their values are.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.bind_literals import Fitted, fit_steps
from lakestore.core.like import like_expression
from lakestore.core.value_text import as_float32
from lakestore.core.values import NANOS_PER_UNIT
from lakestore.errors import ErrorKind, NotFoundError
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

_KERNELS = {
    CompareOp.EQ: pc.equal,
    CompareOp.NE: pc.not_equal,
    CompareOp.LT: pc.less,
    CompareOp.LE: pc.less_equal,
    CompareOp.GT: pc.greater,
    CompareOp.GE: pc.greater_equal,
}
_UNKNOWN = pa.nulls(1, pa.bool_())[0]  # pa.scalar would import pandas
_LONG = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}


def mask(predicate: Predicate, table: pa.Table | pa.RecordBatch) -> pa.BooleanArray:
    """One truth value per row, null where it is unknown.

    Args:
        predicate: Bound to the table's columns.
        table: Holds at least the columns that the predicate names.

    Raises:
        NotFoundError: A column is missing.
    """
    outcome = _evaluate(predicate, table)
    if isinstance(outcome, pa.Scalar):
        return pa.repeat(outcome, table.num_rows)
    if isinstance(outcome, pa.ChunkedArray):
        return outcome.combine_chunks() if outcome.num_chunks != 1 else outcome.chunk(0)
    return outcome


def keep(predicate: Predicate | None, table: Any) -> Any:  # noqa: ANN401 - Table in, Table out; RecordBatch likewise
    """The rows on which the predicate is true, all of them for None.

    Raises:
        NotFoundError: A column is missing.
    """
    if predicate is None or table.num_rows == 0:
        return table
    wanted = mask(predicate, table)
    count = wanted.true_count
    if count == table.num_rows:
        return table
    return table.filter(wanted) if count else table.slice(0, 0)


def _evaluate(predicate: Predicate, table: Any) -> Any:  # noqa: ANN401 - array, chunked array or scalar
    match predicate:
        case Constant():
            return pa.scalar(predicate.value, pa.bool_())
        case Compare():
            return _compare(_column(predicate.column, table), predicate.op, predicate.value)
        case IsIn():
            return _is_in(predicate, _column(predicate.column, table))
        case IsNull():
            return pc.is_null(_column(predicate.column, table))
        case Like():
            return pc.match_like(_column(predicate.column, table), predicate.pattern)
        case Not():
            return pc.invert(_evaluate(predicate.child, table))
        case And():
            return _joined(pc.and_kleene, predicate.children, table, empty=True)
        case Or():
            return _joined(pc.or_kleene, predicate.children, table, empty=False)


def _joined(kernel: Any, children: tuple[Predicate, ...], table: Any, *, empty: bool) -> Any:  # noqa: ANN401
    return reduce(kernel, (_evaluate(child, table) for child in children)) if children else pa.scalar(empty)


def _column(name: str, table: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    """The column, or the member of a ROW, without dictionaries and views."""
    path = _path(name, table.schema)
    if path is None:
        raise NotFoundError(
            f"the predicate needs column {name!r}; the rows have: {', '.join(table.schema.names)}",
            kind=ErrorKind.COLUMN_NOT_FOUND,
        )
    column = table.column(path[0])
    if len(path) > 1:
        column = pc.struct_field(column, path[1:])
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(_LONG.get(column.type, column.type))


def _path(name: str, fields: Iterable[pa.Field]) -> list[str] | None:
    """The names on the way to a column or member, the longest that fits first, as in ``core.select``."""
    for field in sorted(fields, key=lambda field: -len(field.name)):
        if name == field.name:
            return [name]
        if name.startswith(f"{field.name}.") and pa.types.is_struct(field.type):
            inner = _path(name[len(field.name) + 1 :], field.type)
            if inner is not None:
                return [field.name, *inner]
    return None


def _compare(column: Any, op: CompareOp, value: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    fitted = _fitted(column.type, op, value)
    if not isinstance(fitted, Fitted):
        return pc.if_else(pc.is_valid(column), fitted, _UNKNOWN)
    column = _as_numbers(column)
    kind = pa.float64() if pa.types.is_float32(column.type) else column.type
    return _KERNELS[fitted.op](column, pa.scalar(fitted.value, kind))


def _is_in(predicate: IsIn, column: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    wanted = predicate.once(column.type, lambda: _value_set(predicate.values, column.type))
    found = pc.is_in(_as_numbers(column), value_set=wanted)
    return pc.if_else(pc.is_valid(column), found, _UNKNOWN) if column.null_count else found


def _value_set(values: tuple[Any, ...], kind: pa.DataType) -> pa.Array:
    wanted: list[Any] = list(values)
    if pa.types.is_timestamp(kind):
        fitted = (_fitted(kind, CompareOp.EQ, value) for value in values)
        wanted = [one.value for one in fitted if isinstance(one, Fitted)]
    elif pa.types.is_float32(kind):
        wanted = [value for value in wanted if as_float32(value) == value]
    if pa.types.is_floating(kind) and 0.0 in wanted:
        wanted += [0.0, -0.0]  # a set of floats tells the two zeros apart
    return pa.array(wanted, _as_numbers(pa.nulls(0, kind)).type)


def _fitted(kind: pa.DataType, op: CompareOp, value: Any) -> Fitted | bool:  # noqa: ANN401 - an internal value
    """Timestamps in the ticks of the column at hand, whatever unit a file or a caller gave it."""
    if not pa.types.is_timestamp(kind):
        return Fitted(op, value)
    outcome = fit_steps(op, Fraction(value, NANOS_PER_UNIT[kind.unit]), -(1 << 63), (1 << 63) - 1)
    return bool(outcome) if outcome is None else outcome


def _as_numbers(column: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.int64())
    if pa.types.is_date32(column.type) or pa.types.is_time32(column.type):
        return column.cast(pa.int32())
    return column


def matches_values(predicate: Predicate, values: Mapping[str, Any]) -> bool | None:
    """The truth of a bound predicate on one row of internal values, such as a partition; None is unknown.

    Args:
        predicate: Bound.
        values: Internal values by column; every column that the predicate names.

    Raises:
        NotFoundError: A column is missing.
    """
    match predicate:
        case Constant():
            return predicate.value
        case Compare():
            value = _value(predicate.column, values)
            return None if value is None else predicate.op.holds(value, predicate.value)
        case IsIn():
            value = _value(predicate.column, values)
            known = predicate.once("set", lambda: frozenset(predicate.values))
            return None if value is None and known else value in known
        case IsNull():
            return _value(predicate.column, values) is None
        case Like():
            value = _value(predicate.column, values)
            return None if value is None else like_expression(predicate.pattern).fullmatch(value) is not None
        case Not():
            inner = matches_values(predicate.child, values)
            return None if inner is None else not inner
        case And() | Or():
            return _settled(
                [matches_values(child, values) for child in predicate.children],
                decisive=isinstance(predicate, Or),
            )


def _value(name: str, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - an internal value
    if name not in values:
        raise NotFoundError(
            f"the predicate needs column {name!r}; there are values for: {', '.join(values)}",
            kind=ErrorKind.COLUMN_NOT_FOUND,
        )
    return values[name]


def _settled(outcomes: list[bool | None], *, decisive: bool) -> bool | None:
    """Kleene's AND (decided by False) or OR (decided by True)."""
    if decisive in outcomes:
        return decisive
    return None if None in outcomes else not decisive
