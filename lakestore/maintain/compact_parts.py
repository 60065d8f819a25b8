"""An open table, as compaction sees it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from lakestore.core.options import parse_options
from lakestore.core.row_tracking import tracked, tracks_rows
from lakestore.data.file_writer import WriteParts
from lakestore.data.recent_rows import RecentRows
from lakestore.data.rewrite import BucketFilesAt, RewriteParts
from lakestore.maintain.table_parts import TableParts
from lakestore.meta.commit import Committer
from lakestore.model.datafile import DataFile
from lakestore.model.manifest import ManifestEntry
from lakestore.model.schema import TableSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactParts(TableParts):
    """An open table, as compaction sees it: where files have a newer schema than its own, that one is used.

    Attributes:
        committer: Makes snapshots of it.
        recent: Rows of its files that this process has just written.
        ready: Asked for the changelog of a file that moves up in a bucket as of a snapshot (``compact_ahead``).
    """

    committer: Committer
    recent: RecentRows | None = None
    ready: Callable[[BucketFilesAt, DataFile, int], tuple[DataFile, ...] | None] = lambda *_: None

    def at_schema(self, schema: TableSchema) -> "CompactParts":
        """The table in another schema."""
        if schema.id == self.schema.id:
            return self
        return replace(self, schema=schema, options=parse_options(schema.options, schema=schema))

    def fitting(self, entries: Iterable[ManifestEntry]) -> "CompactParts":
        """The table in a schema that is not older than any of those files: none of their columns may get lost."""
        newest = max((entry.file.schema_id for entry in entries), default=self.schema.id)
        if newest <= self.schema.id:
            return self
        return self.at_schema(self.schemas.latest() or self.schemas.get(newest))

    def schema_of(self, number: int) -> TableSchema:
        """One of the table's schemas."""
        return self.schema if number == self.schema.id else self.schemas.get(number)

    def clustered_by(self, schema_id: int) -> tuple[str, ...]:
        """Columns by which the table is laid out in one of its schemas."""
        schema = self.schema_of(schema_id)
        return parse_options(schema.options, schema=schema).append.cluster.columns

    def now_ms(self) -> int:
        """Local wall clock, encoded as if it were UTC, as files carry it."""
        now = self.env.clock.now_ms()
        return now + self.env.clock.local_offset_ms(now)

    def rewriting(self, snapshot_id: int) -> RewriteParts:
        """What rewriting files takes; where rows have ids they come along."""
        tracks = tracks_rows(self.schema)
        schema = tracked(self.schema) if tracks else self.schema
        return RewriteParts(
            write=WriteParts(
                store=self.store,
                paths=self.paths,
                schema=schema,
                options=self.options,
                env=self.env,
                recent=self.recent,
            ),
            schema_of=(lambda number: tracked(self.schema_of(number))) if tracks else self.schema_of,
            what=f"table {self.name} at snapshot {snapshot_id}",
            ready=lambda place, file: self.ready(place, file, snapshot_id),
        )
