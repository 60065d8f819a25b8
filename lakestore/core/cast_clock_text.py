"""Text as dates, times of day and timestamps, as Paimon's ``BinaryStringUtils`` and ``DateTimeUtils`` read it.

| type | text |
|---|---|
| DATE | ``2024-2-9``, or ``2024-02`` for its first day, and what follows a blank is ignored; digits: days since 1970 |
| TIME | ``12:34:56.789`` or ``12:34``, an offset such as ``+08:00`` is added; digits alone: milliseconds |
| TIMESTAMP | ``2024-2-9``, then ``12:34:56.789`` after a blank or ``T``; digits alone: ticks of the type since 1970 |

Text that is none of these, or names no day or time there is, is an error that shows it.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lakestore.core.arrow_buffers import null_mask
from lakestore.core.cast_clocks import Ticks, timestamps_of
from lakestore.core.cast_text import refuse_first, text_to_integer
from lakestore.model.types import DataType, TypeRoot

_DIGITS_ALONE = r"^-?[0-9]+$"
_B = r"[\x00-\x20]*"
_DATE = (
    rf"^{_B}0*(?P<year>[0-9]{{1,4}}){_B}"
    rf"(?:-{_B}0*(?P<month>[0-9]{{1,2}}){_B}(?:-{_B}0*(?P<day>[0-9]{{1,2}}){_B})?)?$"
)
_TIME = (
    rf"^{_B}0*(?P<hour>[0-9]{{1,2}}){_B}(?::{_B}0*(?P<minute>[0-9]{{1,2}}){_B}"
    rf"(?::{_B}0*(?P<second>[0-9]{{1,2}}){_B}(?:\.{_B}(?P<fraction>[0-9]*){_B})?)?)?"
    rf"(?P<sign>[+-]?){_B}0*(?P<zone_hour>[0-9]{{0,2}}){_B}(?::{_B}0*(?P<zone_minute>[0-9]{{1,2}}){_B})?$"
)
_BLANK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{1,2}):(?P<second>[0-9]{1,2})(?:\.(?P<fraction>[0-9]{0,9}))?"
_T = r"(?P<t_hour>[0-9]{1,2}):(?P<t_minute>[0-9]{1,2})(?::(?P<t_second>[0-9]{1,2})(?:\.(?P<t_fraction>[0-9]{0,9}))?)?"
_TIMESTAMP = rf"^(?P<year>[0-9]{{4}})-(?P<month>[0-9]{{1,2}})-(?P<day>[0-9]{{1,2}})(?: {_BLANK}|T{_T})?$"
_UNITS_OF_PRECISION = {0: 1, 3: 1_000, 6: 1_000_000, 9: 1_000_000_000}
_DAY_MILLIS = 86_400_000


def text_to_date(array: pa.Array, target: DataType) -> pa.Array:
    """Text as dates.

    Raises:
        InvalidInputError: A text is no date.
    """
    alone = pc.match_substring_regex(array, _DIGITS_ALONE)
    text = pc.replace_substring_regex(array, r"(?s)^([^ ]+) .*$", r"\1")
    parts = pc.extract_regex(text, _DATE)
    expected = "a day such as 2024-02-29"
    refuse_first(_unread(array, parts, alone), array, target, expected)
    year, month, day = _numbers(parts, (0, 1, 1))
    days = _days(year, month, day)
    refuse_first(pc.and_(pc.invert(alone), pa.array(~_is_day(year, month, day))), array, target, expected)
    return _or_digits(array, alone, days).view(pa.date32())


def text_to_time(array: pa.Array, target: DataType) -> pa.Array:
    """Text as times of day.

    Raises:
        InvalidInputError: A text is no time of day.
    """
    alone = pc.match_substring_regex(array, _DIGITS_ALONE)
    parts = pc.extract_regex(array, _TIME)
    expected = "a time such as 23:59:59.123"
    refuse_first(_unread(array, parts, alone), array, target, expected)
    hour, minute, second, fraction, sign, zone_hour, zone_minute = parts.flatten()
    digits = pc.utf8_rpad(pc.utf8_slice_codeunits(fraction, 0, 4), 4, "0")
    tenths = _number(digits, 0)  # of milliseconds: the fourth digit rounds the third
    direction: NDArray[np.int64] = np.where(np.asarray(pc.fill_null(pc.equal(sign, "-"), fill_value=False)), -1, 1)
    millis: NDArray[np.int64] = (
        (_number(hour, 0) + direction * _number(zone_hour, 0)) * 3_600_000
        + (_number(minute, 0) + direction * _number(zone_minute, 0)) * 60_000
        + _number(second, 0) * 1_000
        + (tenths + 5) // 10
    )
    outside = pa.array((millis < 0) | (millis >= _DAY_MILLIS))
    refuse_first(pc.and_(pc.invert(alone), outside), array, target, expected)
    read = _or_digits(array, alone, millis)
    refuse_first(pc.or_(pc.less(read, 0), pc.greater_equal(read, _DAY_MILLIS)), array, target, expected)
    return read.view(pa.time32("ms"))


def text_to_timestamp(array: pa.Array, target: DataType) -> pa.Array:
    """Text as timestamps; what is finer than the type is cut.

    Raises:
        InvalidInputError: A text is no timestamp.
    """
    precision = target.precision or 0
    alone = pc.match_substring_regex(array, _DIGITS_ALONE)
    if target.root is TypeRoot.TIMESTAMP_LTZ or precision not in _UNITS_OF_PRECISION:
        alone = pc.and_not(alone, alone)
    parts = pc.extract_regex(array, _TIMESTAMP)
    expected = "a timestamp such as 2024-02-29 23:59:59.123"
    refuse_first(_unread(array, parts, alone), array, target, expected)
    moment = _Moment(parts)
    refuse_first(pc.and_(pc.invert(alone), pa.array(~moment.exists)), array, target, expected)
    seconds, nanos = moment.seconds, moment.nanos
    if pc.any(alone).as_py():
        seconds, nanos = _with_digits(array, alone, seconds, nanos, _UNITS_OF_PRECISION[precision])
    return timestamps_of(seconds, nanos, array, target)


class _Moment:
    """The numbers in texts that match ``_TIMESTAMP``; the epoch where they do not.

    A day up to 31 in a shorter month is that month's last, as in Java's lenient parsing.
    """

    def __init__(self, parts: pa.Array) -> None:
        members = parts.flatten()
        year, month, day = _number(members[0], 1970), _number(members[1], 1), _number(members[2], 1)
        # After a blank or after a T: one of the two is empty.
        clock = [pc.binary_join_element_wise(members[at], members[at + 4], "") for at in range(3, 7)]
        hour, minute, second = (_number(part, 0) for part in clock[:3])
        day = np.where(day <= 31, np.minimum(day, _month_length(year, month)), day)
        self.exists = _is_day(year, month, day) & (year > 0) & (hour < 24) & (minute < 60) & (second < 60)
        self.seconds = _days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
        self.nanos = _number(pc.utf8_rpad(clock[3], 9, "0"), 0)


def _with_digits(
    array: pa.Array, alone: pa.Array, seconds: Ticks, nanos: Ticks, per_second: int
) -> tuple[Ticks, Ticks]:
    units = _integers(array, alone)
    chosen = np.asarray(pc.fill_null(alone, fill_value=False))
    finer = units % per_second * (1_000_000_000 // per_second)
    return np.where(chosen, units // per_second, seconds), np.where(chosen, finer, nanos)


def _unread(array: pa.Array, parts: pa.Array, alone: pa.Array) -> pa.Array:
    return pc.and_(pc.is_valid(array), pc.and_(pc.is_null(parts), pc.invert(alone)))


def _or_digits(array: pa.Array, alone: pa.Array, values: NDArray[np.int64]) -> pa.Array:
    """The values as 32-bit integers, those of texts that are digits alone taken as they are."""
    chosen = np.asarray(pc.fill_null(alone, fill_value=False))
    if chosen.any():
        values = np.where(chosen, _integers(array, alone, root=TypeRoot.INT), values)
    return pa.array(values.astype(np.int32), mask=null_mask(array))


def _integers(array: pa.Array, alone: pa.Array, *, root: TypeRoot = TypeRoot.BIGINT) -> NDArray[np.int64]:
    read = text_to_integer(pc.if_else(alone, array, pa.scalar(None, pa.string())), DataType(root=root))
    return np.asarray(read.cast(pa.int64()).fill_null(0))


def _numbers(parts: pa.Array, defaults: Sequence[int]) -> list[NDArray[np.int64]]:
    return [_number(member, default) for member, default in zip(parts.flatten(), defaults, strict=True)]


def _number(digits: pa.Array, default: int) -> NDArray[np.int64]:
    """Digits as a number; the default where there are none or the text did not match."""
    known = pc.if_else(pc.equal(digits, ""), str(default), digits).fill_null(str(default))
    return np.asarray(known.cast(pa.int64()))


def _is_leap(year: NDArray[np.int64]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return found


def _month_length(year: NDArray[np.int64], month: NDArray[np.int64]) -> NDArray[np.int64]:
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    found: NDArray[np.int64] = lengths[np.clip(month, 0, 12)] + ((month == 2) & _is_leap(year))
    return found


def _is_day(year: NDArray[np.int64], month: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (month >= 1) & (month <= 12) & (day >= 1) & (day <= _month_length(year, month))
    return found


def _days(year: NDArray[np.int64], month: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.int64]:
    """Days since the epoch, where the day exists."""
    months = (year - 1970) * 12 + np.clip(month, 1, 12) - 1
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return first + day - 1
