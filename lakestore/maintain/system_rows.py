"""What all system tables share: rows of Python values under an Arrow schema, and times as Paimon shows them."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import pyarrow as pa

from lakestore.env import Clock

TIMESTAMP = pa.timestamp("ms")
"""Paimon's TIMESTAMP(3): a wall-clock time without a zone."""


def column(name: str, kind: pa.DataType, *, nullable: bool = True) -> pa.Field:
    """A column of a system table."""
    return pa.field(name, kind, nullable=nullable)


def text(name: str, *, nullable: bool = True) -> pa.Field:
    """A column of text."""
    return column(name, pa.string(), nullable=nullable)


def number(name: str, *, nullable: bool = True) -> pa.Field:
    """A column of 64-bit numbers."""
    return column(name, pa.int64(), nullable=nullable)


def table_of(schema: pa.Schema, rows: Iterable[Sequence[object]]) -> pa.Table:
    """Rows of values in the order of the columns, as Arrow."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def wall_ms(clock: Clock, epoch_ms: int | None) -> int | None:
    """A time as the machine's wall clock shows it, which is how Paimon's system tables do."""
    return None if epoch_ms is None else epoch_ms + clock.local_offset_ms(epoch_ms)


def duration_text(milliseconds: int) -> str:
    """A duration as ISO 8601 text with hours as the largest unit, as Java prints one: ``PT24H``, ``PT1M0.5S``."""
    minutes, rest = divmod(timedelta(milliseconds=milliseconds), timedelta(minutes=1))
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest.total_seconds():.3f}".rstrip("0").rstrip(".")
    parts = [f"{hours}H" if hours else "", f"{minutes}M" if minutes else "", f"{seconds}S" if rest else ""]
    return f"PT{''.join(parts) or '0S'}"
