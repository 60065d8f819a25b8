"""A table's references as users hold them: its snapshots."""

import pyarrow as pa

from lakestore.api.cleaning import ExpiringSnapshots
from lakestore.api.context import TableContext
from lakestore.api.times import timestamp_millis
from lakestore.maintain.describe import snapshot_details
from lakestore.maintain.system_refs import snapshot_rows
from lakestore.meta.travel import Point
from lakestore.model.checked import checked
from lakestore.model.snapshot import Snapshot


def point_of(
    *,
    snapshot: int | None = None,
    tag: str | None = None,
    timestamp: object = None,
    watermark: int | None = None,
    version: str | None = None,
) -> Point:
    """A point in time as users name it; see ``Table.at``.

    Raises:
        InvalidInputError: More than one was given, or the timestamp is none.
    """
    epoch_ms = None if timestamp is None else timestamp_millis(timestamp)
    return Point(snapshot=snapshot, tag=tag, timestamp_ms=epoch_ms, watermark=watermark, version=version)


class SnapshotRefs(ExpiringSnapshots):
    """The snapshots of one table."""

    def __init__(self, context: TableContext) -> None:
        self._context = context

    def latest(self) -> Snapshot | None:
        """The newest snapshot, None before the first commit."""
        return self._context.snapshots.latest()

    @checked
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
        """All snapshots, oldest first; columns as in Paimon's system table ``snapshots``."""
        return snapshot_rows(self._context.clean_parts())

    @checked
    def show(self, snapshot_id: int) -> dict[str, object]:
        """What one snapshot's file says, and under ``changes`` the files that it added and deleted."""
        context = self._context
        return snapshot_details(self.get(snapshot_id), context.schemas, context.manifests)
