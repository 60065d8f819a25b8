"""Days, times of day and instants as ISO 8601 text, and back, for any year.

Python's ``datetime`` ends at the year 9999 and at microseconds; Paimon's DATE and TIMESTAMP do not. So the
calendar is NumPy's ``datetime64`` over whole days, and everything finer is integer arithmetic. Years of more
than four digits carry a sign, as ISO and Java write them: ``+10000-01-01``.
"""

import re

import numpy as np

from lakestore.errors import ErrorKind, InvalidInputError

NANOS_PER_SECOND = 1_000_000_000
NANOS_PER_MILLI = 1_000_000
SECONDS_PER_DAY = 86_400
NANOS_PER_DAY = SECONDS_PER_DAY * NANOS_PER_SECOND
MIN_DAYS, MAX_DAYS = -(1 << 31), (1 << 31) - 1

_DAY = r"(?P<sign>[+-]?)(?P<year>\d{4,9})-(?P<month>\d{2})-(?P<day>\d{2})"
_CLOCK = r"(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d+))?)?"
_ZONE = r"(?:\s*(?P<zone>Z|[+-]\d{2}(?::?\d{2})?))?"
_DAY_ONLY = re.compile(_DAY, re.ASCII)
_CLOCK_ONLY = re.compile(_CLOCK, re.ASCII)
_INSTANT = re.compile(rf"{_DAY}(?:(?:[T ]|\s+){_CLOCK}{_ZONE})?", re.ASCII | re.IGNORECASE)


def day_text(days: int) -> str:
    """ISO date of a number of days since the epoch."""
    text = str(np.datetime64(days, "D"))
    if text[0] == "-":
        return "-" + text[1:].zfill(len("0000-00-00"))
    return f"+{text}" if text.index("-") > 4 else text


def clock_text(nanos: int, *, digits: int) -> str:
    """``12:34:56.789`` with that many fraction digits, and more where the value has more."""
    seconds, fraction = divmod(nanos, NANOS_PER_SECOND)
    shown = f"{fraction:09}".rstrip("0").ljust(digits, "0")
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{shown}" if shown else text


def instant_text(nanos: int, *, digits: int) -> str:
    """``2024-02-29 23:59:59.123`` with that many fraction digits, and more where the value has more."""
    days, rest = divmod(nanos, NANOS_PER_DAY)
    return f"{day_text(days)} {clock_text(rest, digits=digits)}"


def parse_day(text: str) -> int:
    """Days since the epoch of an ISO date.

    Raises:
        InvalidInputError: The text is no date, or one outside Paimon's DATE.
    """
    match = _DAY_ONLY.fullmatch(text.strip())
    if match is None:
        raise _refuse(text, "a date such as 2024-02-29")
    days = _days_of(match, text)
    if not MIN_DAYS <= days <= MAX_DAYS:
        raise _refuse(text, f"a day from {day_text(MIN_DAYS)} to {day_text(MAX_DAYS)}")
    return days


def parse_clock(text: str) -> int:
    """Nanoseconds of the day of an ISO time.

    Raises:
        InvalidInputError: The text is no time of day.
    """
    match = _CLOCK_ONLY.fullmatch(text.strip())
    if match is None:
        raise _refuse(text, "a time such as 23:59:59.123")
    return _nanos_of(match, text)


def parse_instant(text: str, *, zoned: bool) -> int:
    """Nanoseconds since the epoch of an ISO date and time; a date alone is its midnight.

    Args:
        text: ``2024-02-29 23:59:59.123``, with a blank or ``T`` in the middle.
        zoned: The value is an instant: ``Z`` or an offset may follow, UTC without one. Otherwise it is wall-clock
            time, which has no zone.

    Raises:
        InvalidInputError: The text is no timestamp, or has a zone where none belongs.
    """
    match = _INSTANT.fullmatch(text.strip())
    if match is None:
        raise _refuse(text, "a timestamp such as 2024-02-29 23:59:59.123")
    if match["zone"] and not zoned:
        raise InvalidInputError(
            f"{text!r} has a time zone, but TIMESTAMP is wall-clock time; leave the zone out, or compare with a "
            "TIMESTAMP WITH LOCAL TIME ZONE column",
            kind=ErrorKind.INVALID_TYPE,
        )
    local = _days_of(match, text) * NANOS_PER_DAY + (_nanos_of(match, text) if match["hour"] else 0)
    return local - _offset_seconds(match["zone"], text) * NANOS_PER_SECOND


def _refuse(text: str, expected: str) -> InvalidInputError:
    return InvalidInputError(f"cannot read {text!r}: expected {expected}")


def _days_of(match: re.Match[str], text: str) -> int:
    sign = "-" if match["sign"] == "-" else ""
    try:
        day = np.datetime64(f"{sign}{match['year']}-{match['month']}-{match['day']}", "D")
    except ValueError:
        raise _refuse(text, "a day that the calendar has") from None
    return int(day.astype(np.int64))


def _nanos_of(match: re.Match[str], text: str) -> int:
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    if hour > 23 or minute > 59 or second > 59:
        raise _refuse(text, "a time from 00:00:00 to 23:59:59")
    fraction = (match["fraction"] or "").rstrip("0")
    if len(fraction) > 9:
        raise InvalidInputError(f"{text!r} is finer than nanoseconds", kind=ErrorKind.LOSSY_VALUE)
    return (hour * 3600 + minute * 60 + second) * NANOS_PER_SECOND + int(fraction.ljust(9, "0"))


def _offset_seconds(zone: str | None, text: str) -> int:
    if zone is None or zone in {"Z", "z"}:
        return 0
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    if hours > 18 or minutes > 59:
        raise _refuse(text, "an offset from -18:00 to +18:00")
    return (hours * 3600 + minutes * 60) * (-1 if zone[0] == "-" else 1)
