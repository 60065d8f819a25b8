"""Bounds of old values as bounds of the values they are cast to, for casts that keep order.

A function here gets a least or greatest value in internal form and gives back what the cast makes of it, or None when
it leaves the range in which the cast keeps order (so that nothing is known of the values between the bounds).
Casts that do not keep order, such as numbers to text, have no such function. Neither have casts that turn NaN into a
number: bounds say nothing about NaN.
"""

import decimal
from collections.abc import Callable
from typing import Any

import numpy as np

from lakestore.core.calendar_text import NANOS_PER_DAY, NANOS_PER_MILLI, NANOS_PER_SECOND
from lakestore.core.cast_numbers import MAX_COMPACT_DIGITS
from lakestore.core.value_text import Internal, as_float32
from lakestore.model.types import BINARIES, FLOATS, INTEGERS, STRINGS, TIMESTAMPS, DataType, TypeRoot

BoundOf = Callable[[Any], Internal]

INTEGER_LIMITS = {root: 1 << (8 * width - 1) for root, width in zip(INTEGERS, (1, 2, 4, 8), strict=True)}
"""One more than the greatest value."""

_EXACT = decimal.Context(prec=80, rounding=decimal.ROUND_HALF_UP)


def bound_of(source: DataType, target: DataType) -> BoundOf | None:
    """How a bound of the first type becomes one of the second; None if the cast does not keep order."""
    old, new = source.root, target.root
    if new in INTEGER_LIMITS and old in {*INTEGERS, TypeRoot.DECIMAL, TypeRoot.BOOLEAN}:
        return _whole(INTEGER_LIMITS[new])
    if new in FLOATS and old in {*INTEGERS, *FLOATS, TypeRoot.DECIMAL}:
        return _float(source, target)
    if new is TypeRoot.DECIMAL and old in {*INTEGERS, TypeRoot.DECIMAL}:
        return _decimal(target)
    if new in {TypeRoot.VARCHAR, *BINARIES} and old in {*STRINGS, *BINARIES}:
        return _cut(source, target)
    return _clock(source, target)


def _whole(limit: int) -> BoundOf:
    def bound(value: Any) -> int | None:  # noqa: ANN401 - an internal value
        whole = int(value)
        return whole if -limit <= whole < limit else None

    return bound


def _float(source: DataType, target: DataType) -> BoundOf:
    if target.root is TypeRoot.FLOAT and source.root in INTEGERS:
        # By way of a double it would be rounded twice, and the cast itself rounds once.
        return lambda value: float(np.float32(np.int64(value)))
    compact = source.root is TypeRoot.DECIMAL and (source.precision or 0) <= MAX_COMPACT_DIGITS

    def bound(value: Any) -> float:  # noqa: ANN401 - an internal value
        if compact:
            scale = source.scale or 0
            number = float(int(value.scaleb(scale, _EXACT))) / 10.0**scale
        else:
            number = float(value)
        return as_float32(number) if target.root is TypeRoot.FLOAT else number

    return bound


def _decimal(target: DataType) -> BoundOf:
    unit = decimal.Decimal(1).scaleb(-(target.scale or 0))
    limit = decimal.Decimal(1).scaleb((target.precision or 0) - (target.scale or 0))

    def bound(value: Any) -> decimal.Decimal | None:  # noqa: ANN401 - an internal value
        rounded = decimal.Decimal(value).quantize(unit, context=_EXACT)
        return rounded if rounded.copy_abs() < limit else None

    return bound


def _cut(source: DataType, target: DataType) -> BoundOf | None:
    if (source.root in STRINGS) != (target.root in STRINGS):
        return None
    length = target.length
    if target.root is TypeRoot.BINARY:
        return None
    return lambda value: value[:length]


def _clock(source: DataType, target: DataType) -> BoundOf | None:
    old, new = source.root, target.root
    if old in TIMESTAMPS and new in TIMESTAMPS:
        return lambda value: _truncated(value, target.precision or 0)
    if old in TIMESTAMPS and new is TypeRoot.DATE:
        return lambda value: int(value // NANOS_PER_DAY)
    if old in TIMESTAMPS and new in INTEGER_LIMITS:
        fits = _whole(INTEGER_LIMITS[new])
        return lambda value: fits(_toward_zero(value // NANOS_PER_MILLI, 1000))
    if new in TIMESTAMPS:
        step = {TypeRoot.DATE: NANOS_PER_DAY, TypeRoot.TIME: NANOS_PER_MILLI}.get(old)
        step = NANOS_PER_SECOND if old in INTEGERS else step
        return None if step is None else lambda value: int(value * step)
    return None


def _toward_zero(value: int, step: int) -> int:
    return -(-value // step) if value < 0 else value // step


def _truncated(nanos: int, precision: int) -> int:
    if precision > 3:
        step: int = 10 ** (9 - precision)
        return nanos // step * step
    step = 10 ** (3 - precision)
    return _toward_zero(nanos // NANOS_PER_MILLI, step) * step * NANOS_PER_MILLI
