"""Texts of partition values, as Java prints them.

Folder names are spelled by Java's ``toString`` of the internal value (option ``partition.legacy-name=true``, the
default) or by Paimon's cast to STRING (``false``). Values are in internal form (``model.predicate``).
"""

import struct
from decimal import Decimal

from lakestore.errors import InvariantError, UnsupportedFormatError
from lakestore.model.types import BINARIES, DataType, TypeRoot

_NANOS_PER_SECOND = 1_000_000_000
_SECONDS_PER_DAY = 86_400
_PLAIN_FROM = 1e-3
_PLAIN_BELOW = 1e7


def partition_text(value: object, kind: DataType, *, legacy: bool) -> str | None:
    """Text of a value in a partition folder, before escaping; None for null.

    Args:
        value: Internal value.
        kind: The column's type.
        legacy: Option ``partition.legacy-name``.

    Raises:
        UnsupportedFormatError: The type has no stable text.
    """
    if value is None:
        return None
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case Decimal():
            return format(value, "f")
        case float():
            return java_float_text(value, single=kind.root is TypeRoot.FLOAT)
        case int():
            return _integer_text(value, kind, legacy=legacy)
        case bytes() if kind.root in BINARIES:
            raise UnsupportedFormatError(
                f"partition column of type {kind}: binary values have no stable folder name in Paimon; partition by"
                " a text or number column"
            )
        case _:
            raise InvariantError(f"{type(value).__name__} is no internal value of {kind}")


def _integer_text(value: int, kind: DataType, *, legacy: bool) -> str:
    if kind.root in {TypeRoot.TIMESTAMP, TypeRoot.TIMESTAMP_LTZ}:
        return java_timestamp_text(value) if legacy else _cast_timestamp_text(value, kind)
    if legacy:
        return str(value)
    if kind.root is TypeRoot.DATE:
        return _four_digit_date(value, kind)
    if kind.root is TypeRoot.TIME:
        return _cast_time_text(value, kind.precision or 0)
    return str(value)


def java_float_text(value: float, *, single: bool) -> str:
    """Java's ``Float.toString`` or ``Double.toString``: the shortest digits that give the value back.

    Java before 19 prints a digit too many for some values of 2^24 (FLOAT) or 2^53 (DOUBLE) and more; later ones,
    which are followed here, do not.
    """
    if value != value:  # noqa: PLR0124 - NaN
        return "NaN"
    sign = "-" if struct.pack(">d", value)[0] & 0x80 else ""
    size = abs(value)
    if size == float("inf"):
        return f"{sign}Infinity"
    if size == 0:
        return f"{sign}0.0"
    digits, exponent = _shortest_digits(size, single=single)
    if _PLAIN_FROM <= size < _PLAIN_BELOW:
        return sign + _plain(digits, exponent)
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{exponent}"


def _shortest_digits(size: float, *, single: bool) -> tuple[str, int]:
    """Digits d and exponent e, where the size is d[0].d[1:] times 10 to the e; two digits at least are tried."""
    for count in range(2, 18):
        mantissa, _, exponent = f"{size:.{count - 1}e}".partition("e")
        back = float(f"{mantissa}e{exponent}")
        if back == size or (single and _as_single(back) == size):
            return mantissa.replace(".", "").rstrip("0"), int(exponent)
    raise InvariantError(f"{size!r} does not come back from 17 digits")


def _as_single(value: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return float("inf")


def _plain(digits: str, exponent: int) -> str:
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    return f"{whole}.{digits[exponent + 1 :] or '0'}"


def java_timestamp_text(nanos: int) -> str:
    """Java's ``LocalDateTime.toString``: no seconds when they and the fraction are zero, 3, 6 or 9 fraction digits."""
    days, second, nano = _split(nanos)
    year, month, day = civil_date(days)
    text = f"+{year}" if year > 9999 else f"{'-' if year < 0 else ''}{abs(year):04d}"
    text += f"-{month:02d}-{day:02d}T{second // 3600:02d}:{second // 60 % 60:02d}"
    if second % 60 or nano:
        text += f":{second % 60:02d}"
    if nano:
        fraction = f"{nano:09d}"
        while fraction.endswith("000"):
            fraction = fraction[:-3]
        text += f".{fraction}"
    return text


def civil_date(days: int) -> tuple[int, int, int]:
    """Year, month and day of days since 1970-01-01 in the proleptic Gregorian calendar, without limits.

    Counts in eras of 400 years from 0000-03-01, so that a leap day ends its year.
    """
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year_of_era + era * 400 + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1


def _split(nanos: int) -> tuple[int, int, int]:
    seconds, nano = divmod(nanos, _NANOS_PER_SECOND)
    days, second = divmod(seconds, _SECONDS_PER_DAY)
    return days, second, nano


def _four_digit_date(days: int, kind: DataType) -> str:
    year, month, day = civil_date(days)
    if 0 <= year <= 9999:
        return f"{year:04d}-{month:02d}-{day:02d}"
    raise UnsupportedFormatError(
        f"partition value of type {kind} lies in year {year}: with partition.legacy-name=false only the years 0 to"
        " 9999 have folder names of their own"
    )


def _cast_timestamp_text(nanos: int, kind: DataType) -> str:
    if kind.root is TypeRoot.TIMESTAMP_LTZ:
        raise UnsupportedFormatError(
            f"partition column of type {kind} with partition.legacy-name=false: Paimon names its folders in the time"
            " zone of each process, so that readers elsewhere cannot find them; partition by DATE or TIMESTAMP"
        )
    days, second, nano = _split(nanos)
    text = f"{_four_digit_date(days, kind)} {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    fraction = f"{nano:09d}"
    while len(fraction) > (kind.precision or 0) and fraction.endswith("0"):
        fraction = fraction[:-1]
    return f"{text}.{fraction}" if fraction else text


def _cast_time_text(millis: int, precision: int) -> str:
    second, milli = divmod(millis % (_SECONDS_PER_DAY * 1000), 1000)
    text = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    if precision == 0:
        return text
    # Java stops once only zeros are left, but always prints one digit.
    fraction = ""
    for _ in range(precision):
        fraction += str(milli // 100)
        milli = milli % 100 * 10
        if milli == 0:
            break
    return f"{text}.{fraction}"
