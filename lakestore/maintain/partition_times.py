"""The time that a partition's own values tell: what expiry by ``values-time`` goes by, and what compaction may skip."""

from collections.abc import Callable, Mapping, Sequence

from lakestore.core.time_pattern import TimePattern, fill_pattern
from lakestore.format.binary_row import decode_row
from lakestore.model.retain import VALUES_TIME, PartitionExpiryOptions
from lakestore.model.schema import TableSchema
from lakestore.storage.partition_text import partition_text

TimeOf = Callable[[Sequence[object]], int | None]
"""Partition values in internal form to wall-clock milliseconds; None where a value is null or says no time."""


def time_in_values(schema: TableSchema, options: PartitionExpiryOptions) -> TimeOf:
    """Reads the time in partition values by the options ``partition.timestamp-*``."""
    keys, types = schema.partition_keys, schema.partition_types
    pattern = TimePattern.of(options.formatter)

    def time_of(values: Sequence[object]) -> int | None:
        texts = [partition_text(value, kind, legacy=False) for value, kind in zip(values, types, strict=True)]
        known: Mapping[str, str] = {key: text for key, text in zip(keys, texts, strict=True) if text is not None}
        if len(known) < len(keys):
            return None
        return pattern.wall_ms(fill_pattern(options.pattern, keys, list(known.values())))

    return time_of


def is_over(schema: TableSchema, options: PartitionExpiryOptions, *, now_ms: int) -> Callable[[bytes], bool]:
    """Tells of a serialized partition whether expiry by ``values-time`` would drop it; no for tables without that.

    Args:
        schema: The table's schema.
        options: When its partitions expire.
        now_ms: Local wall clock in milliseconds.
    """
    if options.time_ms is None or options.strategy != VALUES_TIME or not schema.partition_keys:
        return lambda _: False
    before, time_of = now_ms - options.time_ms, time_in_values(schema, options)

    def over(partition: bytes) -> bool:
        made = time_of(decode_row(partition, schema.partition_types))
        return made is not None and made < before

    return over
