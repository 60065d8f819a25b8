"""The parts of an open table, wired once. What lies below the API takes these parts, never a ``Table``."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pyarrow as pa

from lakestore.api.names import name_on_branch
from lakestore.core.options import parse_options
from lakestore.core.row_tracking import tracked
from lakestore.data.file_writer import WriteParts
from lakestore.env import Env
from lakestore.errors import ErrorKind, InvalidInputError, NotFoundError
from lakestore.maintain.auto_tags import tag_after_commit
from lakestore.maintain.cleaning import CleanParts
from lakestore.maintain.compact_ahead import ChangelogsAhead
from lakestore.maintain.compact_beside import Beside, beside
from lakestore.maintain.compact_parts import CompactParts
from lakestore.maintain.compact_pick import Extent
from lakestore.maintain.expire_auto import ExpiryMemory, expire_after_commit
from lakestore.maintain.table_parts import TableParts
from lakestore.maintain.write import WriteSession
from lakestore.meta.branches import Branches
from lakestore.meta.commit import Committer
from lakestore.meta.manifests import Manifests
from lakestore.meta.schemas import Schemas
from lakestore.meta.sequences import BucketSequences
from lakestore.meta.snapshots import Snapshots
from lakestore.model.message import CommitResult
from lakestore.model.predicate import Predicate
from lakestore.model.schema import TableSchema
from lakestore.model.snapshot import Snapshot
from lakestore.read.fallback import Side
from lakestore.read.parts import ScanParts
from lakestore.read.plan import plan_scan
from lakestore.read.reader import read_plan
from lakestore.storage.paths import TablePaths
from lakestore.storage.store import Store
from lakestore.write.table_writer import TableWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class TableContext(TableParts):
    """An open table's parts.

    Attributes:
        beside: Compaction in the background.
        memory: What this process knows of the next expiry.
    """

    beside: Beside = field(compare=False)
    memory: ExpiryMemory = field(default_factory=ExpiryMemory, compare=False)

    @classmethod
    def open(cls, store: Store, paths: TablePaths, *, name: str, env: Env) -> "TableContext":
        """Open the table in that folder.

        Raises:
            NotFoundError: There is no schema file.
        """
        schemas = Schemas(store, paths)
        schema = schemas.latest()
        if schema is None:
            raise NotFoundError(
                f"no table at {paths.root}: there is no schema file in {paths.schema_dir()}",
                kind=ErrorKind.TABLE_NOT_FOUND,
            )
        options = parse_options(schema.options, schema=schema)
        return cls(
            name=name,
            store=store,
            paths=paths,
            env=env,
            schema=schema,
            options=options,
            schemas=schemas,
            snapshots=Snapshots(store, paths),
            manifests=Manifests(store, paths, options.commit, partition_types=schema.partition_types, env=env),
            beside=Beside.of(store.url, store.endpoint, paths.root, paths.branch),
        )

    def require_primary_key(self, verb: str) -> None:
        """Refuse what only a primary-key table can do.

        Raises:
            InvalidInputError: The table has no primary key.
        """
        if not self.schema.primary_keys:
            raise InvalidInputError(
                f"{verb}() needs a primary key and {self.name} has none: its rows cannot replace each other; use "
                "insert() to add rows and overwrite() to replace partitions"
            )

    def write_session(self) -> WriteSession:
        """A session for one commit, starting from the latest snapshot."""
        sequences = BucketSequences(self.manifests, self.snapshots)
        recent = self.beside.recent_of(self.options) if self.env.background else None
        compaction = replace(self.compact_parts(), recent=recent)
        ahead = None
        if recent is not None and beside(self.options) is Extent.SETTLED:
            ahead = ChangelogsAhead(compaction, sequences)
            compaction = replace(compaction, ready=ahead.ready)
        return WriteSession(
            schema=self.schema,
            options=self.options,
            env=self.env,
            writer=TableWriter(
                self.store, self.paths, self.schema, self.options, self.env, max_sequence=sequences, recent=recent
            ),
            committer=compaction.committer,
            compaction=compaction,
            sequences=sequences,
            parts=self.write_parts(),
            name=self.name,
            beside=self.beside,
            ahead=ahead,
            after_commit=self.after_commit,
        )

    def write_parts(self) -> WriteParts:
        """What writing files of the table takes."""
        return WriteParts(store=self.store, paths=self.paths, schema=self.schema, options=self.options, env=self.env)

    def on_branch(self, branch: str) -> "TableContext":
        """The same table on another branch, in that branch's latest schema.

        Raises:
            NotFoundError: There is no such branch; the message names those there are.
        """
        paths = Branches(self.store, self.paths).require(branch)
        return TableContext.open(self.store, paths, name=name_on_branch(self.name, branch), env=self.env)

    def after_commit(self, result: CommitResult) -> None:
        """Make the tags and let expire what is due after a commit, unless the table is ``write-only``.

        A failure is an event, and raises nothing.
        """
        if result.snapshot_ids and not self.options.write.write_only:
            tag_after_commit(self.clean_parts(), result.snapshot_ids[-1])
            expire_after_commit(self.clean_parts(), self.memory, result.snapshot_ids[-1], self.committer().commit)

    def clean_parts(self) -> CleanParts:
        """What expiry and other cleaning need of the table."""
        return CleanParts.of(self)

    def committer(self) -> Committer:
        """Makes snapshots of this table."""
        return Committer(
            store=self.store,
            paths=self.paths,
            schemas=self.schemas,
            snapshots=self.snapshots,
            manifests=self.manifests,
            env=self.env,
            options=self.options.commit,
            schema=self.schema,
            table_name=self.name,
        )

    def compact_parts(self) -> CompactParts:
        """What compaction needs of the table."""
        return CompactParts.of(self, committer=self.committer())

    def with_schema(self, schema: TableSchema) -> "TableContext":
        """The same table in another of its schemas."""
        if schema.id == self.schema.id:
            return self
        return replace(self, schema=schema, options=parse_options(schema.options, schema=schema))

    def with_row_ids(self) -> "TableContext":
        """The same table, for reading, with ``_ROW_ID`` and ``_SEQUENCE_NUMBER`` as its last columns."""
        return replace(self, schema=tracked(self.schema))

    def pinned_to(self, snapshot: Snapshot) -> "TableContext":
        """The same table in the schema of a snapshot; which branch scans fall back to is as of now."""
        pinned = self.with_schema(self.schemas.get(snapshot.schema_id))
        scan = replace(pinned.options.scan, fallback_branch=self.options.scan.fallback_branch)
        return replace(pinned, options=replace(pinned.options, scan=scan))

    def at_latest(self) -> "tuple[TableContext, Snapshot | None]":
        """The latest snapshot, and the table in a schema at least as new as that snapshot's."""
        snapshot = self.snapshots.latest()
        if snapshot is None or snapshot.schema_id <= self.schema.id:
            return self, snapshot
        return self.with_schema(self.schemas.get(snapshot.schema_id)), snapshot

    def scan_parts(self) -> ScanParts:
        """What scans need of the table."""
        return ScanParts(
            name=self.name,
            store=self.store,
            paths=self.paths,
            schemas=self.schemas,
            manifests=self.manifests,
            env=self.env,
        )

    def side(self, snapshot: Snapshot | None) -> Side:
        """The table at a snapshot, as a scan that may fall back to another branch sees it."""
        return Side(parts=self.scan_parts(), schema=self.schema, options=self.options, snapshot=snapshot)

    def fallback(self, snapshot: Snapshot | None, *, pinned: bool) -> Side | None:
        """The branch that scans fall back to, None for none.

        Args:
            snapshot: The snapshot of this branch that is read.
            pinned: It was named, so the other branch is read as it was at that time.
        """
        branch = self.options.scan.fallback_branch
        if branch is None or branch == self.paths.branch:
            return None
        other = self.on_branch(branch)
        if not pinned or snapshot is None:
            return other.side(other.snapshots.latest())
        try:
            return other.side(other.snapshots.at_timestamp(snapshot.time_millis))
        except NotFoundError:
            return other.side(None)

    def read_rows(self, where: Predicate | None) -> Iterator[pa.RecordBatch]:
        """Whole rows of the latest snapshot, in this context's schema."""
        parts = self.scan_parts()
        plan = plan_scan(parts, schema=self.schema, options=self.options, snapshot=self.snapshots.latest(), where=where)
        return read_plan(parts, plan, schema=self.schema, options=self.options)
