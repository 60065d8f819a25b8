"""Scalars outside Arrow: bounds, partition values, keys and literals in their internal form.

| type | internal value |
|---|---|
| BOOLEAN, integers, FLOAT, DOUBLE | bool, int, float |
| DECIMAL(p, s) | Decimal with exactly s decimals |
| CHAR, VARCHAR / BINARY, VARBINARY | str / bytes |
| DATE | int, days since the epoch |
| TIME | int, milliseconds of the day |
| TIMESTAMP, with or without zone | int, nanoseconds since the epoch, unbounded |

Null is None. Dates and timestamps pass through integers only, so no year is out of reach.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from lakestore.core.calendar_text import NANOS_PER_DAY, NANOS_PER_MILLI, NANOS_PER_SECOND
from lakestore.core.value_text import (
    Internal,
    as_float32,
    decimal_of,
    lossy,
    parse_text,
    require_range,
    require_scalar,
    require_ticks,
    to_text,
    unscaled_of,
)
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.arrow import arrow_type
from lakestore.model.types import BINARIES, INTEGERS, STRINGS, TIMESTAMPS, DataType, TypeRoot

__all__ = ["Internal", "array_of", "conform", "from_python", "parse_text", "scalars_of", "to_text"]

NANOS_PER_UNIT = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
"""Nanoseconds of one tick of an Arrow or NumPy time unit."""
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def conform(column: Any, kind: DataType) -> Any:  # noqa: ANN401 - Array in, Array out; ChunkedArray likewise
    """The column in an Arrow type that stores Paimon values of that type.

    That is ``arrow_type(kind)``, except that timestamps keep their unit and long strings their 64-bit offsets.
    Only other spellings of the same values are accepted: dictionaries, views, other widths, other time units.

    Raises:
        InvalidInputError: The Arrow type is of another family, or a value does not fit.
        UnsupportedFormatError: The type is nested or otherwise has no scalar values.
    """
    form = column.type
    wanted = arrow_type(require_scalar(kind))
    if form == wanted:
        return column
    if pa.types.is_dictionary(form):
        return conform(column.cast(form.value_type), kind)
    if pa.types.is_null(form):
        return column.cast(wanted)
    if not any(test(form) for test in _FAMILIES[kind.root]) or (
        kind.root in TIMESTAMPS and (form.tz is None) != (kind.root is TypeRoot.TIMESTAMP)
    ):
        raise InvalidInputError(
            f"an Arrow column of type {form} does not hold {kind} values; cast it to {wanted}",
            kind=ErrorKind.INVALID_TYPE,
        )
    if kind.root in TIMESTAMPS or form in {pa.large_string(), pa.large_binary()}:
        return column
    try:
        return column.cast(_LONG.get(form, wanted))
    except pa.ArrowInvalid as error:
        raise InvalidInputError(
            f"the column of type {form} has values that {kind} cannot hold: {error}", kind=ErrorKind.LOSSY_VALUE
        ) from error


def scalars_of(array: Any, kind: DataType) -> list[Internal]:  # noqa: ANN401 - pyarrow has no types
    """The values of an Array or ChunkedArray in internal form. For few values: bounds, distinct partitions.

    Raises:
        InvalidInputError: The array does not hold values of that type.
    """
    column = conform(array, kind)
    if kind.root in {TypeRoot.DATE, TypeRoot.TIME}:
        return list(column.cast(pa.int32()).to_pylist())
    if kind.root in TIMESTAMPS:
        scale = NANOS_PER_UNIT[column.type.unit]
        return [None if tick is None else tick * scale for tick in column.cast(pa.int64()).to_pylist()]
    return list(column.to_pylist())


def array_of(values: Sequence[Internal], kind: DataType) -> pa.Array:
    """Internal values as an Array of ``arrow_type(kind)``.

    Raises:
        InvalidInputError: A value is outside the type, or outside Arrow's range for it.
    """
    wanted = arrow_type(require_scalar(kind))
    try:
        if kind.root in TIMESTAMPS:
            return pa.array([_tick(value, kind, wanted.unit) for value in values], pa.int64()).cast(wanted)
        if kind.root in {TypeRoot.DATE, TypeRoot.TIME}:
            return pa.array(values, pa.int32()).cast(wanted)
        return pa.array(values, wanted)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise InvalidInputError(f"values do not fit {kind} as Arrow {wanted}: {error}") from error


def from_python(value: object, kind: DataType) -> Internal:
    """The internal value of type ``kind`` that equals a Python (or NumPy scalar) value.

    Numbers of any sort go to any numeric type that holds them exactly; a float goes to DECIMAL by its shortest
    decimal digits, as it was written. Text goes to CHAR and VARCHAR as it is, and is read as ISO text for DECIMAL,
    DATE, TIME and TIMESTAMP. A naive datetime is never taken for an instant, nor an aware one for wall-clock time.

    Raises:
        InvalidInputError: Kind LOSSY_VALUE when only exactness is missing, INVALID_TYPE when the value is of another
            family, INVALID_VALUE when text cannot be read.
    """
    require_scalar(kind)
    if value is None:
        return None
    if isinstance(value, np.generic):
        if isinstance(value, np.datetime64):
            return _from_datetime64(value, kind)
        value = value.item()
    if isinstance(value, str) and kind.root in _READ_TEXT:
        return parse_text(value, kind)
    result = _FROM[kind.root](value, kind)
    if result is None:
        raise InvalidInputError(
            f"{value!r} ({type(value).__name__}) is no value for {kind}", kind=ErrorKind.INVALID_TYPE
        )
    return result


def _tick(value: Internal, kind: DataType, unit: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int):
        raise InvalidInputError(f"{value!r} is no {kind} value in nanoseconds", kind=ErrorKind.INVALID_TYPE)
    tick, rest = divmod(value, NANOS_PER_UNIT[unit])
    if rest:
        raise lossy(to_text(value, kind), kind)
    if not -(1 << 63) <= tick < 1 << 63:
        raise InvalidInputError(f"{to_text(value, kind)} is outside what Arrow's timestamp[{unit}] can hold")
    return tick


def _boolean(value: object, _: DataType) -> Internal:
    return value if isinstance(value, bool) else None


def _integer(value: object, kind: DataType) -> Internal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        raise lossy(value, kind) from None
    if number != value:
        raise lossy(value, kind)
    return require_range(number, kind)


def _floating(value: object, kind: DataType) -> Internal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        number = float(value)
    except OverflowError:
        raise lossy(value, kind) from None
    stored = as_float32(number) if kind.root is TypeRoot.FLOAT else number
    is_nan = number != number  # noqa: PLR0124 - NaN is what differs from itself
    if not is_nan and stored != value:
        raise lossy(value, kind)
    return stored


def _decimal(value: object, kind: DataType) -> Internal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return decimal_of(unscaled_of(number, kind), kind.scale or 0)


def _text(value: object, kind: DataType) -> Internal:
    if not isinstance(value, str):
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInputError(f"{value!r} is no UTF-8 text, so no value for {kind}") from None
    return value


def _bytes(value: object, _: DataType) -> Internal:
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else None


def _date(value: object, kind: DataType) -> Internal:
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            return None
        if _nanos_of_day(value):
            raise lossy(value, kind)
    return value.toordinal() - _EPOCH_ORDINAL if isinstance(value, date) else None


def _time(value: object, kind: DataType) -> Internal:
    if not isinstance(value, time) or value.tzinfo is not None:
        return None
    return require_ticks(_nanos_of_day(value), kind, value) // NANOS_PER_MILLI


def _timestamp(value: object, kind: DataType) -> Internal:
    if isinstance(value, date) and not isinstance(value, datetime) and kind.root is TypeRoot.TIMESTAMP:
        return (value.toordinal() - _EPOCH_ORDINAL) * NANOS_PER_DAY
    if not isinstance(value, datetime) or (value.tzinfo is None) != (kind.root is TypeRoot.TIMESTAMP):
        return None
    nanos = (value.toordinal() - _EPOCH_ORDINAL) * NANOS_PER_DAY + _nanos_of_day(value)
    offset = value.utcoffset()
    if offset is not None:
        nanos -= (offset.days * 86_400 + offset.seconds) * NANOS_PER_SECOND + offset.microseconds * 1000
    return require_ticks(nanos, kind, value)


def _nanos_of_day(value: datetime | time) -> int:
    seconds = value.hour * 3600 + value.minute * 60 + value.second
    # pandas.Timestamp is a datetime with nanoseconds on top.
    return seconds * NANOS_PER_SECOND + value.microsecond * 1000 + int(getattr(value, "nanosecond", 0))


def _from_datetime64(value: np.datetime64, kind: DataType) -> Internal:
    unit, count = np.datetime_data(value.dtype)
    if not np.isnat(value) and kind.root in {TypeRoot.DATE, TypeRoot.TIMESTAMP}:
        if unit == "D" and kind.root is TypeRoot.DATE:
            return int(value.astype(np.int64)) * count
        scale = NANOS_PER_DAY if unit == "D" else NANOS_PER_UNIT.get(unit)
        if scale is not None:
            nanos = int(value.astype(np.int64)) * count * scale
            if kind.root is TypeRoot.TIMESTAMP:
                return require_ticks(nanos, kind, value)
            if nanos % NANOS_PER_DAY == 0:
                return nanos // NANOS_PER_DAY
            raise lossy(value, kind)
    raise InvalidInputError(f"{value!r} is no value for {kind}", kind=ErrorKind.INVALID_TYPE)


_READ_TEXT = (TypeRoot.DECIMAL, TypeRoot.DATE, TypeRoot.TIME, *TIMESTAMPS)
_FROM: Mapping[TypeRoot, Callable[[object, DataType], Internal]] = {
    TypeRoot.BOOLEAN: _boolean,
    **dict.fromkeys(INTEGERS, _integer),
    TypeRoot.FLOAT: _floating,
    TypeRoot.DOUBLE: _floating,
    TypeRoot.DECIMAL: _decimal,
    **dict.fromkeys(STRINGS, _text),
    **dict.fromkeys(BINARIES, _bytes),
    TypeRoot.DATE: _date,
    TypeRoot.TIME: _time,
    **dict.fromkeys(TIMESTAMPS, _timestamp),
}
_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_BINARY = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary)
_FAMILIES: Mapping[TypeRoot, tuple[Callable[[pa.DataType], bool], ...]] = {
    TypeRoot.BOOLEAN: (pa.types.is_boolean,),
    **dict.fromkeys(INTEGERS, (pa.types.is_integer,)),
    TypeRoot.FLOAT: (pa.types.is_float16,),
    TypeRoot.DOUBLE: (pa.types.is_floating,),
    TypeRoot.DECIMAL: (pa.types.is_decimal,),
    **dict.fromkeys(STRINGS, _TEXTS),
    **dict.fromkeys(BINARIES, _BINARY),
    TypeRoot.DATE: (pa.types.is_date,),
    TypeRoot.TIME: (pa.types.is_time,),
    **dict.fromkeys(TIMESTAMPS, (pa.types.is_timestamp,)),
}
_LONG = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}
