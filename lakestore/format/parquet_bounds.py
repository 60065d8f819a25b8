"""Statistics of a Parquet column chunk as bounds in internal form (``lakestore.core.prune``).

What is missing, of a type without order, or in doubt is left out: bounds may be wide, never wrong.
"""

from typing import Any

import pyarrow as pa

from lakestore.core.prune import Bounds
from lakestore.core.value_text import decimal_of
from lakestore.core.values import NANOS_PER_UNIT


def bounds_of(chunk: Any, kind: pa.DataType) -> Bounds | None:  # noqa: ANN401 - pyarrow has no types
    """The bounds that a column chunk states; None when it states nothing.

    Args:
        chunk: A ``ColumnChunkMetaData``.
        kind: Arrow type of the column in the file.
    """
    statistics = chunk.statistics if chunk.is_stats_set else None
    if statistics is None:
        return None
    nulls = statistics.null_count if statistics.has_null_count else None
    if not statistics.has_min_max:
        return Bounds(null_count=nulls)
    return Bounds(
        min=_internal(statistics.min_raw, kind),
        max=_internal(statistics.max_raw, kind),
        null_count=nulls,
        exact=not (pa.types.is_string(kind) or pa.types.is_binary(kind)),
    )


def _internal(raw: Any, kind: pa.DataType) -> Any:  # noqa: ANN401 - internal values
    """The value, None if it cannot be told for sure."""
    if pa.types.is_boolean(kind) or pa.types.is_floating(kind) or pa.types.is_signed_integer(kind):
        return raw
    if pa.types.is_date32(kind) or kind == pa.time32("ms"):
        return raw
    if pa.types.is_timestamp(kind):
        return raw * NANOS_PER_UNIT[kind.unit]
    if pa.types.is_decimal(kind):
        unscaled = int.from_bytes(raw, "big", signed=True) if isinstance(raw, bytes) else raw
        return decimal_of(unscaled, kind.scale)
    if pa.types.is_binary(kind) and isinstance(raw, bytes):
        return raw
    if pa.types.is_string(kind) and isinstance(raw, bytes):
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return None
    return None
