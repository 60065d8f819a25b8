"""Points in time and spans as users spell them."""

import math
import re
from datetime import datetime

from lakestore.errors import InvalidInputError


def timestamp_millis(value: object) -> int:
    """A point in time as epoch milliseconds.

    Args:
        value: Aware ``datetime``, naive one in local time, ISO text, or epoch milliseconds as number or digits.

    Raises:
        InvalidInputError: It is none of these.
    """
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]+", value) is None:
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise InvalidInputError(
                f"timestamp {value!r}: expected ISO text such as 2026-11-20T12:00:00+00:00, or epoch milliseconds"
            ) from error
    if isinstance(value, datetime):
        try:
            return int(value.timestamp() * 1000)
        except (ValueError, OverflowError) as error:
            raise InvalidInputError(f"timestamp {value}: too far away ({error}); expected a year of now") from error
    if isinstance(value, int | str) and not isinstance(value, bool):
        return int(value)
    raise InvalidInputError(f"timestamp is a {type(value).__name__}: expected datetime, ISO text or milliseconds")


def seconds_millis(seconds: float, place: str) -> int:
    """Seconds as milliseconds.

    Args:
        seconds: The seconds.
        place: Where they were given, for the message: ``stream(poll=``.

    Raises:
        InvalidInputError: They are negative or no finite number.
    """
    if not math.isfinite(seconds) or seconds < 0:
        raise InvalidInputError(f"{place}{seconds!r}): expected seconds, a finite number of at least 0")
    return int(seconds * 1000)
