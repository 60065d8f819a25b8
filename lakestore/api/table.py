"""A table as users hold it: scans, writes, time travel."""

from collections.abc import Mapping, Sequence
from typing import cast, overload

import pyarrow as pa

from lakestore.api.changes import as_changes
from lakestore.api.changing import Changing
from lakestore.api.cleaning import Cleaned
from lakestore.api.clustering import Clustered
from lakestore.api.context import TableContext
from lakestore.api.evolving import Evolving
from lakestore.api.indexing import Indexed
from lakestore.api.job import JobWriter
from lakestore.api.maintaining import Maintained
from lakestore.api.referring import Referring
from lakestore.api.refs import SnapshotRefs, point_of
from lakestore.api.scan import Scan
from lakestore.api.streaming import Streamed
from lakestore.api.system import audit_log, binlog, metadata_table
from lakestore.api.writer import BatchWriter
from lakestore.errors import InvalidInputError, NotFoundError
from lakestore.maintain.alter import alter_table
from lakestore.maintain.check import TableChecker
from lakestore.maintain.describe import TableDescription, describe_table
from lakestore.maintain.findings import CheckReport
from lakestore.meta.travel import snapshot_at
from lakestore.model.arrow import arrow_schema
from lakestore.model.changes import SchemaChange
from lakestore.model.checked import checked
from lakestore.model.message import CommitResult
from lakestore.model.predicate import Predicate, Value
from lakestore.model.snapshot import Snapshot
from lakestore.read.change_rows import change_schema


class _Readable:
    """What a table and a table pinned to a snapshot share: reading."""

    def __init__(self, context: TableContext) -> None:
        self._context = context

    def _pinned(self) -> tuple[TableContext, Snapshot | None]:
        """The table in the schema to read in, and the snapshot to read."""
        raise NotImplementedError

    @checked
    def scan(
        self,
        where: "str | Predicate | None" = None,
        select: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> Scan:
        """Rows to read: which (``where``), which columns (``select``), how many at most (``limit``).

        Args:
            where: SQL text (``"status = 'paid' and qty > 3"``) or an expression (``ls.col("qty") > 3``).
            select: Column names, in the order wanted; all by default. A path such as ``address.city`` reads that
                member of a ROW and no other: the result has a column ``address`` whose rows have the chosen members
                only, in the table's order. Paths go on below an ARRAY with ``element`` (``items.element.price``) and
                below a MAP with ``value``. ``where`` takes paths through ROWs too.
            limit: Greatest number of rows.

        Raises:
            InvalidInputError: The text does not parse.
            NotFoundError: A selected column does not exist.
        """
        context, snapshot = self._pinned()
        columns = None if select is None else list(select)
        pinned = isinstance(self, TableAt)
        return Scan(context, snapshot=snapshot, where=where, select=columns, limit=limit, pinned=pinned)

    def to_arrow(self) -> pa.Table:
        """All rows as one Arrow table."""
        return self.scan().to_arrow()

    @checked
    def count(self, where: "str | Predicate | None" = None) -> int:
        """Number of rows that meet the predicate."""
        return self.scan(where).count()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Arrow's stream protocol: all rows, a fresh stream each call."""
        return self.scan().__arrow_c_stream__(requested_schema)


class TableAt(_Readable):
    """A table as it was at one snapshot; read-only. Made by ``Table.at``."""

    def __init__(self, context: TableContext, snapshot: Snapshot) -> None:
        super().__init__(context.pinned_to(snapshot))
        self.snapshot = snapshot

    def _pinned(self) -> tuple[TableContext, Snapshot | None]:
        return self._context, self.snapshot

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema of the table at that snapshot."""
        return arrow_schema(self._context.schema.fields)

    @checked
    def system(self, name: str) -> pa.Table:
        """A system table of that snapshot, as ``Table.system``, but for ``audit_log`` and ``binlog``.

        Raises:
            NotFoundError: There is no such system table.
        """
        return metadata_table(self._context, self.snapshot, name)

    def __repr__(self) -> str:
        return f"<Table {self._context.name} at snapshot {self.snapshot.id}>"


class Table(_Readable, Maintained, Referring, Clustered, Indexed, Streamed, Cleaned, Evolving, Changing):
    """A Paimon table. Made by ``Lake.table``, ``Lake.create_table`` or ``open_table``."""

    def __init__(self, context: TableContext) -> None:
        super().__init__(context)
        self.notes: tuple[str, ...] = ()
        """What creating or altering the table settled for you, in words."""

    def _pinned(self) -> tuple[TableContext, Snapshot | None]:
        return self._context.at_latest()

    @property
    def name(self) -> str:
        """``database.table``, or the folder's name."""
        return self._context.name

    @property
    def path(self) -> str:
        """The table's folder, in the filesystem's own spelling."""
        return self._context.paths.root

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema of all columns."""
        return arrow_schema(self._context.schema.fields)

    @property
    def schema_id(self) -> int:
        """Number of the table's schema, from 0; every ``alter`` makes the next one."""
        return self._context.schema.id

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Names of the key columns; empty for an append table."""
        return self._context.schema.primary_keys

    @property
    def partition_by(self) -> tuple[str, ...]:
        """Names of the partition columns."""
        return self._context.schema.partition_keys

    @property
    def options(self) -> dict[str, str]:
        """Options as stored."""
        return dict(self._context.schema.options)

    @property
    def snapshots(self) -> SnapshotRefs:
        """The table's snapshots: ``.list()``, ``.latest()``, ``.get(id)``."""
        return SnapshotRefs(self._context)

    @checked
    def system(self, name: str) -> pa.Table:
        """A system table: what the table is made of, with the columns of Paimon's system table of that name.

        ``snapshots``, ``schemas``, ``options``, ``tags``, ``branches``, ``consumers``, ``aggregation_fields``; of the
        latest snapshot ``files``, ``file_key_ranges``, ``partitions``, ``buckets``, ``manifests``, ``table_indexes``,
        ``file_indexes``, ``statistics``; and of rows ``ro`` (those of the highest level, which need no merge),
        ``audit_log`` (the state at the earliest snapshot, then all changes, with their kind) and ``binlog`` (the same
        with both images of an update in one row).

        Raises:
            NotFoundError: There is no such system table; the message names those there are.
        """
        if name in {"audit_log", "binlog"}:
            changes = self._history()
            return audit_log(changes) if name == "audit_log" else binlog(changes)
        context, snapshot = self._pinned()
        return metadata_table(context, snapshot, name)

    def _history(self) -> pa.Table:
        """The rows of the earliest snapshot, then all changes up to the latest."""
        context, snapshot = self._pinned()
        if snapshot is None:
            return change_schema(context.schema, context.schema.names).empty_table()
        earliest = context.snapshots.earliest_id()
        with self.stream(f"from-snapshot-full={earliest}", until=snapshot.id, overwrites="emit") as stream:
            return pa.Table.from_batches((change.batch for change in stream), schema=stream.schema)

    @overload
    def at(self, *, branch: str) -> "Table": ...  # type: ignore[overload-overlap]
    @overload
    def at(
        self,
        *,
        snapshot: int | None = None,
        tag: str | None = None,
        timestamp: object = None,
        watermark: int | None = None,
        version: str | None = None,
        branch: str | None = None,
    ) -> TableAt: ...
    @checked
    def at(
        self,
        *,
        snapshot: int | None = None,
        tag: str | None = None,
        timestamp: object = None,
        watermark: int | None = None,
        version: str | None = None,
        branch: str | None = None,
    ) -> "Table | TableAt":
        """The table as it was, or on another branch. A branch alone can be written to; a point in time is read-only.

        Args:
            snapshot: Snapshot number. A snapshot that expired is found if a tag keeps it.
            tag: Name of a tag.
            timestamp: ``datetime`` (aware, or naive in local time), ISO text, or epoch milliseconds: the newest
                snapshot not younger than that.
            watermark: The oldest snapshot whose watermark has reached that, in epoch milliseconds.
            version: A tag's name, a snapshot's number, or ``watermark-`` and a watermark, as in SQL.
            branch: Name of a branch; alone, or with one of the others.

        Raises:
            NotFoundError: There is no such snapshot, tag or branch; the message names those there are.
            InvalidInputError: None was given, or more than one beside ``branch``.
        """
        point = point_of(snapshot=snapshot, tag=tag, timestamp=timestamp, watermark=watermark, version=version)
        context = self._context if branch is None else self._context.on_branch(branch)
        if point.is_latest:
            if branch is None:
                raise InvalidInputError(
                    "at() takes exactly one of snapshot=, tag=, timestamp=, watermark= and version=, or branch="
                )
            return type(self)(context)
        parts = context.clean_parts()
        found = snapshot_at(parts.snapshots, parts.tags, point)
        return TableAt(context, cast("Snapshot", found))

    @overload
    def writer(self) -> BatchWriter: ...

    @overload
    def writer(self, *, job: str) -> JobWriter: ...

    @checked
    def writer(self, *, job: str | None = None) -> BatchWriter | JobWriter:
        """A writer for several batches in one commit: ``with t.writer() as w: w.upsert(a); w.commit()``.

        Args:
            job: Name of a job that comes back: its writer commits under the caller's numbers, each of them once, also
                after a crash: ``with t.writer(job="ingest") as w: w.upsert(a); w.commit(7)``. See ``JobWriter``.
        """
        return BatchWriter(self._context) if job is None else JobWriter(self._context, job)

    @checked
    def upsert(self, data: object, *, evolve: bool = False) -> CommitResult:
        """Write rows by key: new keys are inserted, known keys replaced. One commit.

        Args:
            data: Anything with ``__arrow_c_stream__`` (Arrow, pandas, Polars, DuckDB), a batch reader, an
                iterable of batches, or a list of dicts. A key that comes twice keeps its last row.
            evolve: Let the schema follow the rows, as ``alter`` would before the write: columns that the table lacks
                are added, nullable and at the end; number columns whose Arrow type is wider, and columns whose values
                do not fit, take the wider type where that loses nothing. The first rows decide, at most 262,144.

        Raises:
            InvalidInputError: The table has no primary key, or a row does not fit; nothing was written.
            ConflictError: Another commit made this one impossible; nothing is visible.
            CommitUnknownError: Nobody can know whether it landed; the message says how to look.
        """
        self._context.require_primary_key("upsert")
        return self.insert(data, evolve=evolve)

    @checked
    def insert(self, data: object, *, evolve: bool = False) -> CommitResult:
        """Write rows; in a primary-key table the same as ``upsert``. One commit; raises as ``upsert``."""
        data = self._followed(data, evolve=evolve)
        with self.writer() as writer:
            writer.write(data)
            return writer.commit()

    @checked
    def write(self, data: object, *, row_kind: object = None, evolve: bool = False) -> CommitResult:
        """Write rows of any kinds: new rows, updates and deletes, for the merge engine to make of them what it does.

        Args:
            data: The rows, as in ``upsert``.
            row_kind: What the rows do: one ``ls.RowKind`` or ``"+I"``, ``"-U"``, ``"+U"``, ``"-D"`` for all; the name
                of a column of ``data`` that says it (taken out of the rows, so no column of the table); or an array
                with one for each row. By default the table's ``rowkind.field``, else ``+I``.
            evolve: As in ``upsert``.

        Raises:
            InvalidInputError: A row does not fit, a kind is none, or the merge engine cannot take rows of that kind;
                the message names the row and the remedy. Otherwise as ``upsert``.
        """
        data = self._followed(data, evolve=evolve, row_kind=row_kind)
        with self.writer() as writer:
            writer.write(data, row_kind=row_kind)
            return writer.commit()

    @checked
    def overwrite(
        self,
        data: object,
        *,
        where: "str | Predicate | Mapping[str, Value] | None" = None,
        mode: str | None = None,
        evolve: bool = False,
    ) -> CommitResult:
        """Replace rows by new ones, in one commit.

        Args:
            data: The new rows, as in ``upsert``.
            where: Which partitions go: a predicate on partition columns, or ``{"day": "2026-11-20"}``. Every new row
                must lie in them.
            mode: Without ``where``: ``"dynamic"`` replaces the partitions that the data touches, ``"table"``
                everything. By default as the option ``dynamic-partition-overwrite`` says (true), and the whole
                table when it has no partitions.
            evolve: As in ``upsert``.
        """
        data = self._followed(data, evolve=evolve)
        with self.writer() as writer:
            writer.overwrite(data, where=where, mode=mode)
            return writer.commit()

    @checked
    def check(self, *, deep: bool = False, snapshots: Sequence[int] | None = None) -> CheckReport:
        """Verify every invariant of the table that can be seen.

        Args:
            deep: Decode every data file too.
            snapshots: Only those snapshots; all by default.
        """
        context = self._context
        return TableChecker(
            store=context.store,
            paths=context.paths,
            schemas=context.schemas,
            snapshots=context.snapshots,
            manifests=context.manifests.uncached(),
            options=context.options,
            name=context.name,
            deep=deep,
        ).run(snapshots)

    def describe(self) -> TableDescription:
        """Schema, options and the state of the latest snapshot: files, levels, rows, bytes."""
        context, snapshot = self._pinned()
        return describe_table(context.manifests, context.schema, snapshot)

    def alter(self, *changes: SchemaChange) -> "Table":
        """Change columns, options or comments. Files stay as they are; old values are read under the new schema.

        All changes are one new schema, applied in the order given: ``t = t.alter(ls.add_column("color", "STRING"))``.
        When another change comes first, these are applied on top of it.

        Args:
            changes: Made by ``ls.add_column``, ``drop_column``, ``rename_column``, ``move_column``, ``change_type``,
                ``set_nullable``, ``set_comment``, ``set_default``, ``set_option`` and ``remove_option``.

        Returns:
            The table under its new schema; this one keeps the old. ``notes`` say what you might not expect.

        Raises:
            InvalidInputError: A change breaks a rule; the message names it and the way out.
            NotFoundError: A column is not there.
            UnsupportedFormatError: LakeStore could not read or write the table any more.
            ConflictError: Other schema changes came first too many times in a row.
            CommitUnknownError: Nobody can know whether it landed; the message says how to look.
        """
        context = self._context
        schema, notes = alter_table(context.schemas, context.snapshots, as_changes(changes), clock=context.env.clock)
        altered = Table(context.with_schema(schema))
        altered.notes = notes
        return altered

    def refresh(self) -> "Table":
        """The same table with the schema and options it has now.

        Raises:
            NotFoundError: The table is gone.
        """
        context = self._context
        context.schemas.forget()
        schema = context.schemas.latest()
        if schema is None:
            raise NotFoundError(f"{self.name} is gone: no schema file in {context.paths.schema_dir()}")
        return Table(context.with_schema(schema))

    def __repr__(self) -> str:
        key = f", key ({', '.join(self.primary_key)})" if self.primary_key else ""
        return f"<Table {self.name}{key}, {len(self._context.schema.fields)} columns>"
