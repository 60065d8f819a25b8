"""Internal values as text and back, and what each Paimon type can hold.

The internal form is described in ``core.values``. Nothing here rounds in silence, except that FLOAT and DOUBLE
take the value nearest to the digits written.
"""

import struct
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from typing import Any

from lakestore.core.calendar_text import (
    NANOS_PER_MILLI,
    clock_text,
    day_text,
    instant_text,
    parse_clock,
    parse_day,
    parse_instant,
)
from lakestore.errors import ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.model.types import BINARIES, INTEGERS, STRINGS, DataType, TypeRoot

Internal = bool | int | float | Decimal | str | bytes | None
"""A value in internal form."""

_INTEGER_BITS = {TypeRoot.TINYINT: 8, TypeRoot.SMALLINT: 16, TypeRoot.INT: 32, TypeRoot.BIGINT: 64}
_EXACT = Context(prec=80)


def to_text(value: Internal, kind: DataType) -> str:
    """The value as people write it: ISO dates and times, plain decimals, hex bytes, ``null``.

    Timestamps show as many fraction digits as their type has, and more if the value has more.
    """
    if value is None:
        return "null"
    return _TEXT[require_scalar(kind).root](value, kind)


def parse_text(text: str, kind: DataType) -> Internal:
    """The internal value that a text stands for; the inverse of ``to_text`` but for ``null``.

    FLOAT and DOUBLE take the nearest value; a timestamp with local time zone without an offset is in UTC.

    Raises:
        InvalidInputError: The text is no value of that type; kind LOSSY_VALUE if only its precision is too fine or
            its magnitude too great.
    """
    return _PARSE[require_scalar(kind).root](text, kind)


def unscaled_of(value: Decimal, kind: DataType, *, digits_at_most: int | None = None) -> int:
    """The integer that a DECIMAL(p, s) stores for the value: value * 10**s.

    Args:
        value: The value.
        kind: The type.
        digits_at_most: As many digits are allowed; p by default.

    Raises:
        InvalidInputError: Not a number, or more than s decimals or p digits (kind LOSSY_VALUE).
    """
    precision, scale = digits_at_most or kind.precision or 0, kind.scale or 0
    if not value.is_finite():
        raise InvalidInputError(f"{value} is no {kind} value")
    sign, digits, exponent = value.normalize(_EXACT).as_tuple()
    number = int("".join(map(str, digits)))
    if not isinstance(exponent, int) or len(digits) + exponent > precision - scale or -exponent > scale:
        if number:
            raise lossy(value, kind)
        return 0
    return (-number if sign else number) * int(10 ** (exponent + scale))


def decimal_of(unscaled: int, scale: int) -> Decimal:
    """The Decimal with that many decimals for a stored integer."""
    return Decimal(unscaled).scaleb(-scale, _EXACT)


def as_float32(value: float) -> float:
    """The nearest FLOAT; infinite where it is too great."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def lossy(value: object, kind: DataType) -> InvalidInputError:
    """The error for a value that a type cannot hold exactly."""
    return InvalidInputError(f"{value!r} cannot be held exactly by {kind}", kind=ErrorKind.LOSSY_VALUE)


def require_range(number: int, kind: DataType) -> int:
    """The number, if an integer type holds it.

    Raises:
        InvalidInputError: It does not (kind LOSSY_VALUE).
    """
    limit = 1 << (_INTEGER_BITS[kind.root] - 1)
    if not -limit <= number < limit:
        raise lossy(number, kind)
    return number


def require_ticks(nanos: int, kind: DataType, shown: object) -> int:
    """The nanoseconds, if a TIME or TIMESTAMP of that precision has them.

    Raises:
        InvalidInputError: They are finer than the precision, or than the milliseconds that TIME stores
            (kind LOSSY_VALUE).
    """
    step = 10 ** (9 - (kind.precision or 0))
    if kind.root is TypeRoot.TIME:
        step = max(step, NANOS_PER_MILLI)
    if nanos % step:
        raise lossy(shown, kind)
    return nanos


def require_scalar(kind: DataType) -> DataType:
    """The type, if its values are scalars.

    Raises:
        UnsupportedFormatError: It is nested, or of a family that has no scalars here.
    """
    if kind.root not in _TEXT:
        raise UnsupportedFormatError(f"type {kind} has no scalar values in this release")
    return kind


def _float_text(value: float, kind: DataType) -> str:
    if value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124 - NaN is what differs from itself
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if kind.root is TypeRoot.DOUBLE:
        return repr(value)
    exact = as_float32(value)
    shortest = (f"{exact:.{digits}g}" for digits in range(6, 9))
    return repr(float(next((text for text in shortest if as_float32(float(text)) == exact), f"{exact:.9g}")))


def _parse_int(text: str, kind: DataType) -> int:
    try:
        number = int(text.strip())
    except ValueError:
        raise InvalidInputError(f"cannot read {text!r}: expected a whole number for {kind}") from None
    return require_range(number, kind)


def _parse_float(text: str, kind: DataType) -> float:
    try:
        number = float(text.strip())
    except ValueError:
        raise InvalidInputError(f"cannot read {text!r}: expected a number for {kind}") from None
    return as_float32(number) if kind.root is TypeRoot.FLOAT else number


def _parse_decimal(text: str, kind: DataType) -> Decimal:
    try:
        number = Decimal(text.strip())
    except ArithmeticError:
        raise InvalidInputError(f"cannot read {text!r}: expected a decimal number for {kind}") from None
    return decimal_of(unscaled_of(number, kind), kind.scale or 0)


def _parse_boolean(text: str, kind: DataType) -> bool:
    found = {"true": True, "false": False}.get(text.strip().lower())
    if found is None:
        raise InvalidInputError(f"cannot read {text!r}: expected true or false for {kind}")
    return found


def _parse_bytes(text: str, kind: DataType) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise InvalidInputError(f"cannot read {text!r}: expected hexadecimal digits for {kind}") from None


def _parse_time(text: str, kind: DataType) -> int:
    return require_ticks(parse_clock(text), kind, text) // NANOS_PER_MILLI


def _parse_timestamp(text: str, kind: DataType) -> int:
    return require_ticks(parse_instant(text, zoned=kind.root is TypeRoot.TIMESTAMP_LTZ), kind, text)


_TEXT: Mapping[TypeRoot, Callable[[Any, DataType], str]] = {
    TypeRoot.BOOLEAN: lambda value, _: "true" if value else "false",
    **dict.fromkeys(INTEGERS, lambda value, _: str(value)),
    TypeRoot.FLOAT: _float_text,
    TypeRoot.DOUBLE: _float_text,
    TypeRoot.DECIMAL: lambda value, _: format(value, "f"),
    **dict.fromkeys(STRINGS, lambda value, _: value),
    **dict.fromkeys(BINARIES, lambda value, _: value.hex()),
    TypeRoot.DATE: lambda value, _: day_text(value),
    TypeRoot.TIME: lambda value, kind: clock_text(value * NANOS_PER_MILLI, digits=min(kind.precision or 0, 3)),
    TypeRoot.TIMESTAMP: lambda value, kind: instant_text(value, digits=kind.precision or 0),
    TypeRoot.TIMESTAMP_LTZ: lambda value, kind: instant_text(value, digits=kind.precision or 0) + "Z",
}
_PARSE: Mapping[TypeRoot, Callable[[str, DataType], Internal]] = {
    TypeRoot.BOOLEAN: _parse_boolean,
    **dict.fromkeys(INTEGERS, _parse_int),
    TypeRoot.FLOAT: _parse_float,
    TypeRoot.DOUBLE: _parse_float,
    TypeRoot.DECIMAL: _parse_decimal,
    **dict.fromkeys(STRINGS, lambda text, _: text),
    **dict.fromkeys(BINARIES, _parse_bytes),
    TypeRoot.DATE: lambda text, _: parse_day(text),
    TypeRoot.TIME: _parse_time,
    TypeRoot.TIMESTAMP: _parse_timestamp,
    TypeRoot.TIMESTAMP_LTZ: _parse_timestamp,
}
