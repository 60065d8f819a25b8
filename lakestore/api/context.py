"""The parts of an open table, wired once. What lies below the API takes these parts, never a ``Table``."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa

from lakestore.core.options import parse_options
from lakestore.data.file_writer import WriteParts
from lakestore.env import Env
from lakestore.errors import ErrorKind, InvalidInputError, NotFoundError
from lakestore.maintain.write import WriteSession
from lakestore.meta.commit import Committer
from lakestore.meta.manifests import Manifests
from lakestore.meta.schemas import Schemas
from lakestore.meta.sequences import BucketSequences
from lakestore.meta.snapshots import Snapshots
from lakestore.model.options import TableOptions
from lakestore.model.predicate import Predicate
from lakestore.model.schema import TableSchema
from lakestore.model.snapshot import Snapshot
from lakestore.read.parts import ScanParts
from lakestore.read.plan import plan_scan
from lakestore.read.reader import read_plan
from lakestore.storage.paths import TablePaths
from lakestore.storage.store import Store
from lakestore.write.table_writer import TableWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class TableContext:
    """An open table's parts.

    Attributes:
        name: What messages call the table.
        store: Where its bytes are.
        paths: How its files are called.
        env: Clock, ids, events.
        schema: The latest schema when it was opened.
        options: That schema's options, parsed.
        schemas: Reader and writer of schema files.
        snapshots: Reader of snapshot files.
        manifests: Reader and writer of manifests.
    """

    name: str
    store: Store
    paths: TablePaths
    env: Env
    schema: TableSchema
    options: TableOptions
    schemas: Schemas
    snapshots: Snapshots
    manifests: Manifests

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
        return WriteSession(
            schema=self.schema,
            options=self.options,
            env=self.env,
            writer=TableWriter(self.store, self.paths, self.schema, self.options, self.env, max_sequence=sequences),
            committer=self.committer(),
            sequences=sequences,
            parts=WriteParts(
                store=self.store, paths=self.paths, schema=self.schema, options=self.options, env=self.env
            ),
            name=self.name,
        )

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

    def with_schema(self, schema: TableSchema) -> "TableContext":
        """The same table in another of its schemas."""
        if schema.id == self.schema.id:
            return self
        return replace(self, schema=schema, options=parse_options(schema.options, schema=schema))

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

    def read_rows(self, where: Predicate | None) -> Iterator[pa.RecordBatch]:
        """Whole rows of the latest snapshot, in this context's schema."""
        parts = self.scan_parts()
        plan = plan_scan(parts, schema=self.schema, options=self.options, snapshot=self.snapshots.latest(), where=where)
        return read_plan(parts, plan, schema=self.schema, options=self.options)
