"""Statistics of a whole table, for optimizers (Paimon ``Statistics``, ``ColStats``)."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSummary:
    """What is known of one column.

    Attributes:
        field_id: The column's field id.
        distinct: Distinct values, null aside.
        low: Least value as text; None for types that have none here.
        high: Greatest value as text.
        nulls: Number of nulls.
        average_bytes: Mean length of a value in bytes, rounded up.
        most_bytes: Greatest length of a value in bytes.
    """

    field_id: int
    distinct: int | None = None
    low: str | None = None
    high: str | None = None
    nulls: int | None = None
    average_bytes: int | None = None
    most_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableStatistics:
    """One statistics file.

    Attributes:
        snapshot_id: The snapshot that was looked at.
        schema_id: Its schema.
        rows: Rows that a reader gets.
        size: Bytes of the files that hold them, as far as rows that merge away leave.
        columns: By name.
    """

    snapshot_id: int
    schema_id: int
    rows: int
    size: int
    columns: Mapping[str, ColumnSummary]
