"""INT96 timestamps as their raw bytes: nanoseconds of the day (8 bytes), then the Julian day (4), little-endian.

Nanoseconds may be negative: Java divides truncating, so that 1969-12-31 23:00 is day 0 less one hour.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from lakestore.errors import ErrorKind, UnsupportedFormatError

INT96_BYTES = 12
INT96_TYPE = pa.binary(INT96_BYTES)
"""How Arrow is made to read and write INT96 columns."""
_PARTS = np.dtype([("nanos", "<i8"), ("day", "<i4")])
_JULIAN_DAY_OF_EPOCH = 2_440_588
_NANOS_OF_DAY = 86_400_000_000_000
_FURTHEST_DAY = 106_752
"""Days from the epoch that 64 bits of nanoseconds may reach, rounded up."""


def from_int96(column: Any, *, name: str, path: str) -> pa.Array:  # noqa: ANN401 - pyarrow has no types
    """Raw INT96 values as timestamps in nanoseconds.

    Args:
        column: A FIXED_LEN_BYTE_ARRAY(12) array.
        name: The column's name, for messages.
        path: The file, for messages.

    Raises:
        UnsupportedFormatError: A value is outside what 64 bits of nanoseconds can hold.
    """
    raw = column.buffers()[1]
    parts = np.frombuffer(raw or b"", _PARTS, len(column), INT96_BYTES * column.offset)
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    days = np.where(valid, parts["day"].astype(np.int64) - _JULIAN_DAY_OF_EPOCH, 0)
    nanos = np.where(valid, parts["nanos"], 0)
    carried, rest = np.divmod(nanos, _NANOS_OF_DAY)
    days = days + carried
    within = np.abs(days) <= _FURTHEST_DAY
    ticks = np.where(within, days, 0) * _NANOS_OF_DAY + rest
    # Near either end the sum may wrap; its sign tells.
    wrong = ~within | ((days > 0) & (ticks < 0)) | ((days < 0) & (ticks > 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise UnsupportedFormatError(
            f"{path}: column {name!r} holds a timestamp {int(days[row])} days from 1970-01-01; nanoseconds in 64 bits"
            " reach from 1677-09-21 to 2262-04-11 only, so this column cannot be read",
            kind=ErrorKind.UNSUPPORTED_FEATURE,
        )
    return pa.array(ticks, pa.timestamp("ns"), mask=None if valid.all() else ~valid)


def to_int96(column: Any) -> pa.Array:  # noqa: ANN401 - pyarrow has no types
    """Timestamps in nanoseconds as raw INT96 values; the nanoseconds of the day are never negative."""
    nanos = column.view(pa.int64()).fill_null(0).to_numpy()
    days = nanos // _NANOS_OF_DAY
    parts = np.empty(len(nanos), _PARTS)
    parts["nanos"] = nanos - days * _NANOS_OF_DAY
    parts["day"] = days + _JULIAN_DAY_OF_EPOCH
    valid = None
    if column.null_count:
        valid = pa.concat_arrays([column.is_valid(), pa.array([], pa.bool_())]).buffers()[1]
    return pa.Array.from_buffers(INT96_TYPE, len(nanos), [valid, pa.py_buffer(parts)], column.null_count)
