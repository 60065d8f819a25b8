"""Dates, times of day and timestamps as each other, as seconds since the epoch, and as text, in UTC.

- A timestamp loses digits toward the past down to milliseconds, and below that, as Paimon's
  ``DateTimeUtils.truncate`` has it, toward the epoch.
- A date is the day that a timestamp lies in; a time of day is its milliseconds.
- Seconds since the epoch are cut toward the epoch; into INT they keep their low 32 bits.
- Text shows as many fraction digits as the type has, and more where a value has more.

What Arrow's 64 bits cannot hold is an error, never another value.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lakestore.core.arrow_buffers import integers, null_mask
from lakestore.errors import InvalidInputError
from lakestore.model.arrow import arrow_type
from lakestore.model.types import DataType, TypeRoot

Ticks = NDArray[np.int64]

PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
"""Ticks of an Arrow time unit in a second."""

_DAY_SECONDS = 86_400
_DAY_MILLIS = 86_400_000
_FIRST_DAY, _LAST_DAY = -719_528, 2_932_896
"""0000-01-01 and 9999-12-31: what Paimon writes with four digits of year."""

_LONG_MAX = (1 << 63) - 1


def timestamp_to_timestamp(array: pa.Array, target: DataType) -> pa.Array:
    """Timestamps with more or fewer digits, with or without zone."""
    ticks, unit = _ticks(array), array.type.unit
    wanted = arrow_type(target)
    precision = target.precision or 0
    if PER_SECOND[unit] > 10**precision:
        if precision > 3:
            step = PER_SECOND[unit] // 10**precision
            ticks = ticks // step * step
        else:
            millis = ticks // (PER_SECOND[unit] // 1000)
            step = 10 ** (3 - precision)
            ticks, unit = _cut(millis, step) * step, "ms"
    return _timestamps(_in_unit(ticks, unit, wanted.unit, target), array, wanted)


def timestamp_to_date(array: pa.Array) -> pa.Array:
    """The day."""
    days = _ticks(array) // (_DAY_SECONDS * PER_SECOND[array.type.unit])
    return pa.array(days.astype(np.int32), mask=null_mask(array)).view(pa.date32())


def timestamp_to_time(array: pa.Array) -> pa.Array:
    """The milliseconds of the day."""
    millis = _millis(array) % _DAY_MILLIS
    return pa.array(millis.astype(np.int32), mask=null_mask(array)).view(pa.time32("ms"))


def timestamp_to_number(array: pa.Array, target: DataType) -> pa.Array:
    """Seconds since the epoch."""
    seconds = pa.array(_cut(_millis(array), 1000), mask=null_mask(array))
    return seconds.cast(arrow_type(target), safe=False)


def number_to_timestamp(array: pa.Array, target: DataType) -> pa.Array:
    """Seconds since the epoch as timestamps."""
    return _from_seconds(integers(array, pa.int64()), array, target)


def date_to_timestamp(array: pa.Array, target: DataType) -> pa.Array:
    """Midnight of the day."""
    days = integers(array, pa.int32()).astype(np.int64)
    return _from_seconds(days * _DAY_SECONDS, array, target)


def time_to_timestamp(array: pa.Array, target: DataType) -> pa.Array:
    """That time on the first day of 1970."""
    millis = integers(array, pa.int32()).astype(np.int64)
    wanted = arrow_type(target)
    return _timestamps(_in_unit(millis, "ms", wanted.unit, target), array, wanted)


def date_to_text(array: pa.Array, target: DataType) -> pa.Array:
    """``2024-02-29``."""
    _check_years(integers(array, pa.int32()).astype(np.int64), target)
    return array.cast(pa.string())


def time_to_text(array: pa.Array, source: DataType) -> pa.Array:
    """``12:34:56`` and, unless the type has no fraction digits, at least one of them: ``12:34:56.0``."""
    text = array.cast(pa.string())
    seconds = pc.utf8_slice_codeunits(text, 0, 8)
    digits = min(source.precision or 0, 3)
    if not digits:
        return seconds
    fraction = pc.utf8_rtrim(pc.utf8_slice_codeunits(text, 10, 12), "0")
    shown = pc.binary_join_element_wise(pc.utf8_slice_codeunits(text, 9, 10), fraction, "")
    return pc.binary_join_element_wise(seconds, ".", pc.utf8_slice_codeunits(shown, 0, digits), "")


def timestamp_to_text(array: pa.Array, source: DataType, target: DataType) -> pa.Array:
    """``2024-02-29 12:34:56.789``."""
    unit = array.type.unit
    _check_years(_ticks(array) // (_DAY_SECONDS * PER_SECOND[unit]), target)
    text = array.cast(pa.int64()).cast(pa.timestamp(unit)).cast(pa.string())
    if unit == "s":
        return text
    kept = len("2024-02-29 12:34:56.") + (source.precision or 0)
    finer = pc.utf8_rtrim(pc.utf8_slice_codeunits(text, kept), "0")
    return pc.binary_join_element_wise(pc.utf8_slice_codeunits(text, 0, kept), finer, "")


def timestamps_of(seconds: Ticks, nanos: Ticks, like: Any, target: DataType) -> pa.Array:  # noqa: ANN401 - null where
    """Timestamps of whole seconds and nanoseconds within them, null where ``like`` is; finer digits are cut."""
    precision = target.precision or 0
    wanted = arrow_type(target)
    per_second = PER_SECOND[wanted.unit]
    step = 10 ** (9 - precision)
    ticks = _in_unit(seconds, "s", wanted.unit, target) + nanos // step * step // (PER_SECOND["ns"] // per_second)
    return _timestamps(ticks, like, wanted)


def _ticks(array: pa.Array) -> Ticks:
    return integers(array, pa.int64())


def _millis(array: pa.Array) -> Ticks:
    """Milliseconds since the epoch; what is finer is cut toward the past."""
    ticks, per_second = _ticks(array), PER_SECOND[array.type.unit]
    return ticks * (1000 // per_second) if per_second <= 1000 else ticks // (per_second // 1000)


def _cut(values: Ticks, step: int) -> Ticks:
    """Division toward zero, as Java's."""
    whole: Ticks = np.where(values < 0, -(-values // step), values // step)
    return whole


def _from_seconds(seconds: Ticks, like: pa.Array, target: DataType) -> pa.Array:
    wanted = arrow_type(target)
    _in_unit(seconds, "s", "ms", target)  # Paimon's own timestamps are milliseconds and a rest
    return _timestamps(_in_unit(seconds, "s", wanted.unit, target), like, wanted)


def _in_unit(ticks: Ticks, unit: str, wanted: str, target: DataType) -> Ticks:
    if PER_SECOND[wanted] <= PER_SECOND[unit]:
        return ticks // (PER_SECOND[unit] // PER_SECOND[wanted])
    factor = PER_SECOND[wanted] // PER_SECOND[unit]
    if len(ticks) and (int(ticks.max()) > _LONG_MAX // factor or int(ticks.min()) < -(_LONG_MAX // factor)):
        farthest = max(int(ticks.max()), int(ticks.min()), key=abs)
        raise InvalidInputError(
            f"a value {farthest} {unit} from the epoch cannot be read as {target}: its 64 bits do not reach there"
        )
    return ticks * factor


def _timestamps(ticks: Ticks, like: pa.Array, wanted: pa.DataType) -> pa.Array:
    return pa.array(ticks, mask=null_mask(like)).view(wanted)


def _check_years(days: Ticks, target: DataType) -> None:
    if len(days) and (int(days.min()) < _FIRST_DAY or int(days.max()) > _LAST_DAY):
        raise InvalidInputError(
            f"a day outside the years 0 to 9999 cannot be read as {target}: Paimon would write four digits of its year"
        )


def is_lossless_time(source: DataType, target: DataType) -> bool:
    """Whether a TIME's milliseconds have room in a TIMESTAMP."""
    return source.root is TypeRoot.TIME and not (source.precision and not target.precision)
