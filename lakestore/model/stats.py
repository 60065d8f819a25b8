"""Column statistics of a file or a manifest, and how much of them is collected."""

import re
from dataclasses import dataclass
from enum import StrEnum

from lakestore.errors import ErrorKind, InvalidInputError

EMPTY_ROW = bytes(12)
"""Serialized BinaryRow without fields: the partition of an unpartitioned table, the key of an append file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnStats:
    """Bounds and null counts of columns, values as serialized BinaryRows (FORMAT.md 4.5).

    Attributes:
        min_values: Serialized row of lower bounds, null where unknown.
        max_values: Serialized row of upper bounds, null where unknown.
        null_counts: Per column, None where unknown; None as a whole when nothing is known.
    """

    min_values: bytes = EMPTY_ROW
    max_values: bytes = EMPTY_ROW
    null_counts: tuple[int | None, ...] | None = ()


NO_STATS = ColumnStats()


class StatsKind(StrEnum):
    """How much is collected of a column."""

    NONE = "none"
    COUNTS = "counts"
    TRUNCATE = "truncate"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsMode:
    """Option ``metadata.stats-mode``: ``none``, ``counts``, ``truncate(n)`` or ``full``."""

    kind: StatsKind
    length: int = 0


TRUNCATE_16 = StatsMode(kind=StatsKind.TRUNCATE, length=16)
TRUNCATE_128 = StatsMode(kind=StatsKind.TRUNCATE, length=128)
"""What key columns always use (Paimon ``KeyValueDataFileWriter``)."""


def parse_stats_mode(text: str) -> StatsMode:
    """Parse the option's text.

    Raises:
        InvalidInputError: It is none of the four modes.
    """
    match = re.fullmatch(r"truncate\((\d+)\)", text.strip().lower())
    if match and int(match[1]) > 0:
        return StatsMode(kind=StatsKind.TRUNCATE, length=int(match[1]))
    if text.strip().lower() in {StatsKind.NONE, StatsKind.COUNTS, StatsKind.FULL}:
        return StatsMode(kind=StatsKind(text.strip().lower()))
    raise InvalidInputError(
        f"stats mode {text!r}: expected none, counts, truncate(n) with n > 0, or full",
        kind=ErrorKind.INVALID_OPTION,
    )
