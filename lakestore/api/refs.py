"""A table's references as users hold them: its snapshots."""

from datetime import datetime

import pyarrow as pa

from lakestore.api.context import TableContext
from lakestore.errors import InvalidInputError
from lakestore.maintain.describe import snapshot_details
from lakestore.model.snapshot import Snapshot

SNAPSHOT_COLUMNS = pa.schema(
    [
        pa.field("snapshot_id", pa.int64(), nullable=False),
        pa.field("schema_id", pa.int64(), nullable=False),
        pa.field("commit_user", pa.string(), nullable=False),
        pa.field("commit_identifier", pa.int64(), nullable=False),
        pa.field("commit_kind", pa.string(), nullable=False),
        pa.field("commit_time", pa.timestamp("ms"), nullable=False),
        pa.field("base_manifest_list", pa.string(), nullable=False),
        pa.field("delta_manifest_list", pa.string(), nullable=False),
        pa.field("changelog_manifest_list", pa.string()),
        pa.field("total_record_count", pa.int64()),
        pa.field("delta_record_count", pa.int64()),
        pa.field("changelog_record_count", pa.int64()),
        pa.field("watermark", pa.int64()),
        pa.field("next_row_id", pa.int64()),
        pa.field("operation", pa.string()),
        pa.field("writer_version", pa.string()),
    ]
)
"""Columns of ``snapshots.list()``: those of Paimon's system table ``snapshots``; times are UTC."""


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


class SnapshotRefs:
    """The snapshots of one table."""

    def __init__(self, context: TableContext) -> None:
        self._context = context

    def latest(self) -> Snapshot | None:
        """The newest snapshot, None before the first commit."""
        return self._context.snapshots.latest()

    def get(self, snapshot_id: int) -> Snapshot:
        """One snapshot.

        Raises:
            NotFoundError: There is none of that number; the message names the earliest and the latest.
        """
        return self._context.snapshots.get(snapshot_id)

    def at(self, timestamp: object) -> Snapshot:
        """The newest snapshot that is not younger than that time.

        Raises:
            NotFoundError: All snapshots are younger.
        """
        return self._context.snapshots.at_timestamp(timestamp_millis(timestamp))

    def list(self) -> pa.Table:
        """All snapshots, oldest first; columns as ``SNAPSHOT_COLUMNS``."""
        found = self._context.snapshots.list()
        columns = [
            [snapshot.id for snapshot in found],
            [snapshot.schema_id for snapshot in found],
            [snapshot.commit_user for snapshot in found],
            [snapshot.commit_identifier for snapshot in found],
            [str(snapshot.commit_kind) for snapshot in found],
            [snapshot.time_millis for snapshot in found],
            [snapshot.base_manifest_list for snapshot in found],
            [snapshot.delta_manifest_list for snapshot in found],
            [snapshot.changelog_manifest_list for snapshot in found],
            [snapshot.total_record_count for snapshot in found],
            [snapshot.delta_record_count for snapshot in found],
            [snapshot.changelog_record_count for snapshot in found],
            [snapshot.watermark for snapshot in found],
            [snapshot.next_row_id for snapshot in found],
            [snapshot.operation for snapshot in found],
            [snapshot.writer_version for snapshot in found],
        ]
        arrays = [pa.array(values, field.type) for values, field in zip(columns, SNAPSHOT_COLUMNS, strict=True)]
        return pa.Table.from_arrays(arrays, schema=SNAPSHOT_COLUMNS)

    def show(self, snapshot_id: int) -> dict[str, object]:
        """What one snapshot's file says, and under ``changes`` the files that it added and deleted."""
        context = self._context
        return snapshot_details(self.get(snapshot_id), context.schemas, context.manifests)
