"""Points in time as users spell them."""

from datetime import datetime

from lakestore.errors import InvalidInputError


def timestamp_millis(value: object) -> int:
    """A point in time as epoch milliseconds.

    Args:
        value: Aware ``datetime``, naive one in local time, ISO text, or epoch milliseconds as number or digits.

    Raises:
        InvalidInputError: It is none of these.
    """
    if isinstance(value, str) and not value.lstrip("-").isdigit():
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise InvalidInputError(
                f"timestamp {value!r}: expected ISO text such as 2026-11-20T12:00:00+00:00, or epoch milliseconds"
            ) from error
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, int | str) and not isinstance(value, bool):
        return int(value)
    raise InvalidInputError(f"timestamp is a {type(value).__name__}: expected datetime, ISO text or milliseconds")
