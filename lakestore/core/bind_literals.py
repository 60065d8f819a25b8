"""What a literal means for a column, exactly.

Columns with steps (integers, decimals, dates, times, timestamps) hold whole multiples of one step between two ends.
A literal becomes an exact number of steps; if it falls between two of them, the comparison moves to the one that
keeps its meaning. Floating-point columns hold doubles: a decimal number means the nearest double, as in the source
code of any language, while an integer is compared exactly, which for the large ones may mean the double next to it.
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from lakestore.core.calendar_text import (
    NANOS_PER_DAY,
    NANOS_PER_MILLI,
    NANOS_PER_SECOND,
    parse_clock,
    parse_day,
    parse_instant,
)
from lakestore.core.value_text import decimal_of
from lakestore.core.values import NANOS_PER_UNIT
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.arrow import arrow_type
from lakestore.model.predicate import CompareOp, Value
from lakestore.model.types import (
    BINARIES,
    FLOATS,
    INTEGERS,
    STRINGS,
    TIMESTAMPS,
    DataType,
    Field,
    TypeRoot,
)

MAX_EXPONENT = 400
"""Decimals beyond 10^400 or below 10^-400 stand for those: no column reaches there."""

_RANGES = {
    root: (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    for root, bits in ((TypeRoot.TINYINT, 8), (TypeRoot.SMALLINT, 16), (TypeRoot.INT, 32), (TypeRoot.BIGINT, 64))
}
_DIRECT: dict[TypeRoot, type] = {
    TypeRoot.BOOLEAN: bool,
    **dict.fromkeys(STRINGS, str),
    **dict.fromkeys(BINARIES, bytes),
}
_NANOS_PER_NUMPY_UNIT = {
    "D": NANOS_PER_DAY,
    "h": 3600 * NANOS_PER_SECOND,
    "m": 60 * NANOS_PER_SECOND,
    **NANOS_PER_UNIT,
}
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall-clock time has no zone
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)
_ZONE = re.compile(r"[:.]\d+\s*(?:Z|[+-]\d{2}(?::?\d{2})?)\s*$", re.IGNORECASE)
_LARGEST_DOUBLE = Fraction(math.nextafter(math.inf, 0.0))
_UPWARDS = (CompareOp.GT, CompareOp.GE)
_DOWNWARDS = (CompareOp.LT, CompareOp.LE)


Number = int | float | Decimal
Exact = Fraction | int


@dataclass(frozen=True, slots=True)
class Fitted:
    """A comparison with an internal value of the column."""

    op: CompareOp
    value: bool | int | float | Decimal | str | bytes


Outcome = Fitted | bool | None
"""A comparison; or what it comes to for every value of the column; or None for unknown."""


def fit(field: Field, op: CompareOp, literal: Value) -> Outcome:
    """Turn ``field op literal`` into a comparison with an internal value, losing nothing.

    Raises:
        InvalidInputError: Such a literal does not compare with such a column.
    """
    value = _plain(literal)
    if value is None:
        return None
    kind = field.type
    if isinstance(value, _DIRECT.get(kind.root, ())):
        return Fitted(op, _encodable(field, value))
    if kind.root in FLOATS:
        return _fit_float(op, _number(field, value))
    number, low, high = _steps(field, value)
    fitted = fit_steps(op, number, low, high)
    if not isinstance(fitted, Fitted):
        return fitted
    steps = int(fitted.value)
    if kind.root is TypeRoot.DECIMAL:
        return Fitted(fitted.op, decimal_of(steps, kind.scale or 0))
    return Fitted(fitted.op, steps * _step_nanos(kind) if kind.root in TIMESTAMPS else steps)


class _Nanos(int):
    """Nanoseconds since the epoch without a zone: NumPy's datetime64, which can be finer than Python's."""

    __slots__ = ()


def _plain(literal: Any) -> Any:  # noqa: ANN401 - callers hand in more than the type says
    """NumPy scalars and byte buffers as Python's own values, and not-a-time as null."""
    if isinstance(literal, np.datetime64):
        unit, count = np.datetime_data(literal.dtype)
        if np.isnat(literal) or unit not in _NANOS_PER_NUMPY_UNIT:
            return None if np.isnat(literal) else literal
        return _Nanos(int(literal.astype(np.int64)) * count * _NANOS_PER_NUMPY_UNIT[unit])
    if isinstance(literal, np.generic):
        return literal.item()
    if isinstance(literal, bytearray | memoryview):
        return bytes(literal)
    if isinstance(literal, datetime) and literal != literal:  # noqa: PLR0124 - pandas' NaT is a datetime
        return None
    return literal


def _encodable(field: Field, value: Any) -> Any:  # noqa: ANN401 - value in, value out
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InvalidInputError(
                f"column {field.name!r} cannot be compared with {value!r}: {error.reason}",
                kind=ErrorKind.INVALID_PREDICATE,
            ) from error
    return value


def _steps(field: Field, value: Any) -> tuple[Exact | float, int, int]:  # noqa: ANN401 - any literal
    """The literal in steps of the column, and the least and the greatest step that the column holds."""
    kind = field.type
    match kind.root:
        case TypeRoot.TINYINT | TypeRoot.SMALLINT | TypeRoot.INT | TypeRoot.BIGINT:
            return _exact(_number(field, value)), *_RANGES[kind.root]
        case TypeRoot.DECIMAL:
            largest = 10 ** (kind.precision or 0) - 1
            return _decimal_steps(kind, _number(field, value)), -largest, largest
        case TypeRoot.DATE:
            return Fraction(_nanos(field, value), NANOS_PER_DAY), *_RANGES[TypeRoot.INT]
        case TypeRoot.TIME:
            return Fraction(_nanos_of_day(field, value), NANOS_PER_MILLI), 0, NANOS_PER_DAY // NANOS_PER_MILLI - 1
        case TypeRoot.TIMESTAMP | TypeRoot.TIMESTAMP_LTZ:
            return Fraction(_nanos(field, value), _step_nanos(kind)), *_RANGES[TypeRoot.BIGINT]
        case _:
            raise _mismatch(field, value)


def _step_nanos(kind: DataType) -> int:
    return NANOS_PER_UNIT[arrow_type(kind).unit]


def _number(field: Field, value: Any) -> Number:  # noqa: ANN401 - any literal
    if isinstance(value, bool | _Nanos) or not isinstance(value, int | float | Decimal):
        raise _mismatch(field, value)
    return value


def _exact(number: Number) -> Exact | float:
    """The number as a fraction, or as the integer that it is; NaN and the infinities stay floats."""
    if isinstance(number, int):
        return number
    if not (number.is_finite() if isinstance(number, Decimal) else math.isfinite(number)):
        return float(number)
    if isinstance(number, Decimal) and number and abs(number.adjusted()) > MAX_EXPONENT:
        magnitude = Fraction(10) ** (MAX_EXPONENT if number.adjusted() > 0 else -MAX_EXPONENT)
        return -magnitude if number.is_signed() else magnitude
    return Fraction(number)


def fit_steps(op: CompareOp, number: Exact | float, low: int, high: int) -> Outcome:
    """Fit a comparison with an exact number to whole steps from ``low`` to ``high``."""
    if isinstance(number, float):
        if math.isnan(number):
            return op is CompareOp.NE
        number = Fraction(high + 1 if number > 0 else low - 1)
    if number > high:
        return op in {CompareOp.NE, *_DOWNWARDS}
    if number < low:
        return op in {CompareOp.NE, *_UPWARDS}
    if number.denominator == 1:
        return Fitted(op, number.numerator)
    if op in _UPWARDS:
        return Fitted(CompareOp.GE, math.ceil(number))
    if op in _DOWNWARDS:
        return Fitted(CompareOp.LE, math.floor(number))
    return op is CompareOp.NE


def _decimal_steps(kind: DataType, number: Number) -> Exact | float:
    """A float means the shortest decimal that reads back as it: 0.1 means one tenth."""
    if isinstance(number, float) and math.isfinite(number):
        number = Decimal(repr(number))
    exact = _exact(number)
    return exact if isinstance(exact, float) else exact * 10 ** (kind.scale or 0)


def _fit_float(op: CompareOp, number: Number) -> Outcome:
    if isinstance(number, Decimal) and math.isfinite(float(number)):
        number = float(number)
    exact = number if isinstance(number, float) else _exact(number)
    if isinstance(exact, float):
        return op is CompareOp.NE if math.isnan(exact) else Fitted(op, exact)
    below, above = _doubles_around(exact)
    if below == above:
        return Fitted(op, below)
    if op in _UPWARDS:
        return Fitted(CompareOp.GE, above)
    if op in _DOWNWARDS:
        return Fitted(CompareOp.LE, below)
    return op is CompareOp.NE


def _doubles_around(number: Exact) -> tuple[float, float]:
    """The nearest doubles at or below and at or above the number."""
    if number > _LARGEST_DOUBLE:
        return float(_LARGEST_DOUBLE), math.inf
    if number < -_LARGEST_DOUBLE:
        return -math.inf, -float(_LARGEST_DOUBLE)
    nearest = float(number)
    if nearest == number:
        return nearest, nearest
    if nearest < number:
        return nearest, math.nextafter(nearest, math.inf)
    return math.nextafter(nearest, -math.inf), nearest


def _nanos(field: Field, literal: Any) -> int:  # noqa: ANN401 - any literal
    """The moment that a literal names for a DATE or TIMESTAMP column, as nanoseconds since the epoch."""
    zoned = field.type.root is TypeRoot.TIMESTAMP_LTZ
    if isinstance(literal, str):
        return _nanos_of_text(field, literal, zoned=zoned)
    if isinstance(literal, _Nanos) and not zoned:
        return int(literal)
    if isinstance(literal, datetime) and (literal.tzinfo is not None) == zoned:
        micros = (literal - (_EPOCH_UTC if zoned else _EPOCH)) // timedelta(microseconds=1)
        # pandas' Timestamp is a datetime with nanoseconds beside the microseconds.
        return micros * 1000 + int(getattr(literal, "nanosecond", 0))
    if isinstance(literal, date) and not isinstance(literal, datetime) and not zoned:
        return (literal - _EPOCH.date()).days * NANOS_PER_DAY
    raise _mismatch(field, literal)


def _nanos_of_text(field: Field, text: str, *, zoned: bool) -> int:
    try:
        if field.type.root is TypeRoot.DATE:
            return parse_day(text) * NANOS_PER_DAY
        nanos = parse_instant(text, zoned=zoned)
    except InvalidInputError as error:
        raise _unreadable(field, error) from error
    if zoned and not _ZONE.search(text):
        raise _mismatch(field, text)
    return nanos


def _nanos_of_day(field: Field, literal: Any) -> int:  # noqa: ANN401 - any literal
    if isinstance(literal, str):
        try:
            return parse_clock(literal)
        except InvalidInputError as error:
            raise _unreadable(field, error) from error
    if not isinstance(literal, time) or literal.tzinfo is not None:
        raise _mismatch(field, literal)
    seconds = (literal.hour * 60 + literal.minute) * 60 + literal.second
    return seconds * NANOS_PER_SECOND + literal.microsecond * 1000


_WANTED: dict[TypeRoot, str] = {
    TypeRoot.BOOLEAN: "TRUE or FALSE",
    TypeRoot.DATE: "a date, such as DATE '2026-03-07'",
    TypeRoot.TIME: "a time, such as TIME '23:59:01'",
    TypeRoot.TIMESTAMP: "a timestamp without a zone, such as TIMESTAMP '2026-03-07 23:59:01'",
    TypeRoot.TIMESTAMP_LTZ: "a timestamp with a zone, such as TIMESTAMP '2026-03-07 23:59:01Z'",
    **dict.fromkeys(STRINGS, "text in single quotes"),
    **dict.fromkeys(BINARIES, "bytes, such as X'0aff'"),
    **dict.fromkeys((*INTEGERS, *FLOATS, TypeRoot.DECIMAL), "a number"),
}


def _mismatch(field: Field, literal: object) -> InvalidInputError:
    wanted = _WANTED.get(field.type.root)
    expected = f"it compares with {wanted}" if wanted else "such columns only take IS NULL and IS NOT NULL"
    return InvalidInputError(
        f"column {field.name!r} is {field.type} and cannot be compared with {literal!r}; {expected}",
        kind=ErrorKind.INVALID_PREDICATE,
    )


def _unreadable(field: Field, error: InvalidInputError) -> InvalidInputError:
    return InvalidInputError(
        f"column {field.name!r} is {field.type}: {error.message}", kind=ErrorKind.INVALID_PREDICATE
    )
