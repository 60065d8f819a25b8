"""A table's consumers as users hold them: named reading positions that hold back expiry."""

import pyarrow as pa

from lakestore.api.context import TableContext
from lakestore.api.times import seconds_millis
from lakestore.errors import InvalidInputError, NotFoundError
from lakestore.meta.consumers import Consumer, Consumers
from lakestore.model.checked import checked

CONSUMER_COLUMNS = pa.schema(
    [
        pa.field("consumer_id", pa.string(), nullable=False),
        pa.field("next_snapshot_id", pa.int64(), nullable=False),
        pa.field("last_moved", pa.timestamp("ms")),
    ]
)
"""Columns of ``consumers.list()``: those of Paimon's system table ``consumers``, and when each moved, in UTC."""

NameList = list[str]
# The class has a method named list, so it cannot spell this type itself.


class ConsumerRefs:
    """The consumers of one table or branch."""

    def __init__(self, context: TableContext) -> None:
        self._context = context
        self._consumers = Consumers(context.store, context.paths, clock=context.env.clock)

    def list(self) -> pa.Table:
        """All consumers, by name; columns as ``CONSUMER_COLUMNS``."""
        found = self._consumers.list()
        columns = [
            [one.id for one in found],
            [one.next_snapshot for one in found],
            [one.modified_ms for one in found],
        ]
        arrays = [pa.array(values, field.type) for values, field in zip(columns, CONSUMER_COLUMNS, strict=True)]
        return pa.Table.from_arrays(arrays, schema=CONSUMER_COLUMNS)

    @checked
    def get(self, consumer_id: str) -> Consumer:
        """One consumer.

        Raises:
            NotFoundError: There is none of that name; the message names those there are.
        """
        found = self._consumers.get(consumer_id)
        if found is None:
            there = ", ".join(repr(one.id) for one in self._consumers.list()) or "none"
            raise NotFoundError(f"consumer {consumer_id!r} not found in {self._context.name}; there are: {there}")
        return found

    @checked
    def reset(self, consumer_id: str, next_snapshot: int) -> Consumer:
        """Let a consumer read that snapshot next; made when there is none of that name.

        Raises:
            InvalidInputError: There is no such snapshot, nor is it the one to come.
        """
        ids = self._context.snapshots.ids()
        earliest, following = (ids[0], ids[-1] + 1) if ids else (1, 1)
        if not earliest <= next_snapshot <= following:
            raise InvalidInputError(
                f"consumer {consumer_id!r} cannot go to snapshot {next_snapshot} of {self._context.name}: expected"
                f" {earliest} to {following}, the one to come"
            )
        self._consumers.put(consumer_id, next_snapshot)
        return self.get(consumer_id)

    @checked
    def delete(self, consumer_id: str) -> None:
        """Forget a consumer; what it held back may expire.

        Raises:
            NotFoundError: There is none of that name.
        """
        self.get(consumer_id)
        self._consumers.delete(consumer_id)

    @checked
    def expire(self, *, idle_seconds: float, dry_run: bool = False) -> NameList:
        """Forget the consumers that have not moved for so long.

        Args:
            idle_seconds: Seconds since the last move.
            dry_run: Only say which.

        Returns:
            Their names. Consumers of which the store does not say when they moved are kept.
        """
        before = self._context.env.clock.now_ms() - seconds_millis(idle_seconds, "expire(idle_seconds=")
        idle = [one.id for one in self._consumers.list() if one.modified_ms is not None and one.modified_ms <= before]
        for name in () if dry_run else idle:
            self._consumers.delete(name)
        return idle
