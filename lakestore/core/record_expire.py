"""Rows that are past ``record-level.expire-time`` (Paimon ``RecordLevelExpire``).

A row is expired when the whole second of now lies more than the expire time after the row's own. What the column
``record-level.time-field`` says is read as

| type | meaning |
|---|---|
| INT | seconds since the epoch |
| BIGINT | seconds; from 1,000,000,000,000 on, milliseconds |
| TIMESTAMP, with or without zone | itself, cut to seconds; without zone it is taken for UTC |

A row without a value never expires. Expired rows go when files are rewritten, before any merge; reading leaves them.

Invariant: what is expired stays expired at any later time.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.values import Internal, array_of
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.options import CompactOptions
from lakestore.model.types import DataType

LEAST_MILLIS = 1_000_000_000_000
"""A BIGINT from here on is milliseconds; as seconds it would lie some 31,700 years ahead."""


def expired_mask(rows: Any, options: CompactOptions, now_ms: int) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Which rows are expired: booleans without nulls, None when the options expire none.

    Args:
        rows: A table or record batch with the time column.
        options: The expire time and its column.
        now_ms: Milliseconds since the epoch, UTC.

    Raises:
        InvalidInputError: The column is of a type that tells no time.
    """
    if options.expire_ms is None or options.expire_field is None:
        return None
    seconds = _seconds(rows.column(options.expire_field), options.expire_field)
    last = now_ms // 1000 - options.expire_ms // 1000
    return pc.fill_null(pc.less(seconds, pa.scalar(last, pa.int64())), fill_value=False)


def is_expired(value: Internal, kind: DataType, options: CompactOptions, now_ms: int) -> bool:
    """Whether a row with that time is expired; the least time of a file says whether any of its rows is.

    Args:
        value: The time, in its internal form.
        kind: Its type.
        options: The expire time and its column.
        now_ms: Milliseconds since the epoch, UTC.
    """
    if options.expire_field is None:
        return False
    mask = expired_mask(pa.table({options.expire_field: array_of([value], kind)}), options, now_ms)
    return mask is not None and bool(mask[0].as_py())


def _seconds(column: Any, name: str) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Seconds since the epoch, cut as Java divides: towards zero."""
    form = column.type
    if pa.types.is_timestamp(form):
        if form.unit == "s":
            return column.cast(pa.int64())
        millis = pc.floor_temporal(column, unit="millisecond").cast(pa.timestamp("ms", form.tz)).cast(pa.int64())
        return pc.divide(millis, pa.scalar(1000, pa.int64()))
    if pa.types.is_int32(form):
        return column.cast(pa.int64())
    if pa.types.is_int64(form):
        limit = pa.scalar(LEAST_MILLIS, pa.int64())
        return pc.if_else(pc.less(column, limit), column, pc.divide(column, pa.scalar(1000, pa.int64())))
    raise InvalidInputError(
        f"option 'record-level.time-field' = {name!r}: the column is of Arrow type {form}, which tells no time; "
        "expected an INT, BIGINT or TIMESTAMP column",
        kind=ErrorKind.INVALID_OPTION,
    )
