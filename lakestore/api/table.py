"""A table as users hold it: scans, writes, time travel."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from lakestore.api.changes import as_changes
from lakestore.api.context import TableContext
from lakestore.api.refs import SnapshotRefs
from lakestore.api.scan import Scan
from lakestore.api.writer import BatchWriter
from lakestore.errors import InvalidInputError, NotFoundError
from lakestore.maintain.alter import alter_table
from lakestore.maintain.check import TableChecker
from lakestore.maintain.describe import TableDescription, describe_table
from lakestore.maintain.findings import CheckReport
from lakestore.model.arrow import arrow_schema
from lakestore.model.changes import SchemaChange
from lakestore.model.message import CommitResult
from lakestore.model.predicate import Predicate, Value
from lakestore.model.rows import RowKind
from lakestore.model.snapshot import Snapshot


class _Readable:
    """What a table and a table pinned to a snapshot share: reading."""

    def __init__(self, context: TableContext) -> None:
        self._context = context

    def _pinned(self) -> tuple[TableContext, Snapshot | None]:
        """The table in the schema to read in, and the snapshot to read."""
        raise NotImplementedError

    def scan(
        self,
        where: "str | Predicate | None" = None,
        select: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> Scan:
        """Rows to read: which (``where``), which columns (``select``), how many at most (``limit``).

        Args:
            where: SQL text (``"status = 'paid' and qty > 3"``) or an expression (``ls.col("qty") > 3``).
            select: Column names, in the order wanted; all by default.
            limit: Greatest number of rows.

        Raises:
            InvalidInputError: The text does not parse.
            NotFoundError: A selected column does not exist.
        """
        context, snapshot = self._pinned()
        columns = None if select is None else list(select)
        return Scan(context, snapshot=snapshot, where=where, select=columns, limit=limit)

    def to_arrow(self) -> pa.Table:
        """All rows as one Arrow table."""
        return self.scan().to_arrow()

    def count(self, where: "str | Predicate | None" = None) -> int:
        """Number of rows that meet the predicate."""
        return self.scan(where).count()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Arrow's stream protocol: all rows, a fresh stream each call."""
        return self.scan().__arrow_c_stream__(requested_schema)


class TableAt(_Readable):
    """A table as it was at one snapshot; read-only. Made by ``Table.at``."""

    def __init__(self, context: TableContext, snapshot: Snapshot) -> None:
        super().__init__(context.with_schema(context.schemas.get(snapshot.schema_id)))
        self.snapshot = snapshot

    def _pinned(self) -> tuple[TableContext, Snapshot | None]:
        return self._context, self.snapshot

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema of the table at that snapshot."""
        return arrow_schema(self._context.schema.fields)

    def __repr__(self) -> str:
        return f"<Table {self._context.name} at snapshot {self.snapshot.id}>"


class Table(_Readable):
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

    def at(self, *, snapshot: int | None = None, timestamp: object = None) -> TableAt:
        """The table as it was.

        Args:
            snapshot: Snapshot number.
            timestamp: ``datetime`` (aware, or naive in local time), ISO text, or epoch milliseconds: the newest
                snapshot not younger than that.

        Raises:
            NotFoundError: There is no such snapshot; the message names the earliest and the latest.
            InvalidInputError: Not exactly one of the two was given.
        """
        if (snapshot is None) == (timestamp is None):
            raise InvalidInputError("at() takes exactly one of snapshot= and timestamp=")
        refs = self.snapshots
        found = refs.get(snapshot) if snapshot is not None else refs.at(timestamp)
        return TableAt(self._context, found)

    def writer(self) -> BatchWriter:
        """A writer for several batches in one commit: ``with t.writer() as w: w.upsert(a); w.commit()``."""
        return BatchWriter(self._context)

    def upsert(self, data: object) -> CommitResult:
        """Write rows by key: new keys are inserted, known keys replaced. One commit.

        Args:
            data: Anything with ``__arrow_c_stream__`` (Arrow, pandas, Polars, DuckDB), a batch reader, an
                iterable of batches, or a list of dicts. A key that comes twice keeps its last row.

        Raises:
            InvalidInputError: The table has no primary key, or a row does not fit; nothing was written.
            ConflictError: Another commit made this one impossible; nothing is visible.
            CommitUnknownError: Nobody can know whether it landed; the message says how to look.
        """
        self._context.require_primary_key("upsert")
        return self.insert(data)

    def insert(self, data: object) -> CommitResult:
        """Write rows; in a primary-key table the same as ``upsert``. One commit; raises as ``upsert``."""
        with self.writer() as writer:
            writer.write(data)
            return writer.commit()

    def write(self, data: object, *, row_kind: RowKind = RowKind.INSERT) -> CommitResult:
        """Write rows of one kind. One commit; raises as ``upsert``."""
        with self.writer() as writer:
            writer.write(data, row_kind=row_kind)
            return writer.commit()

    def delete(self, rows: object) -> CommitResult:
        """Delete rows of a primary-key table. One commit.

        Args:
            rows: A predicate (SQL text or expression) on any columns, or data that holds at least the key columns.

        Raises:
            InvalidInputError: The table has no primary key, or the rows lack a key column.
        """
        with self.writer() as writer:
            writer.delete(rows)
            return writer.commit()

    def overwrite(
        self, data: object, *, where: "str | Predicate | Mapping[str, Value] | None" = None, mode: str | None = None
    ) -> CommitResult:
        """Replace rows by new ones, in one commit.

        Args:
            data: The new rows, as in ``upsert``.
            where: Which partitions go: a predicate on partition columns, or ``{"day": "2026-11-20"}``. Every new row
                must lie in them.
            mode: Without ``where``: ``"dynamic"`` replaces the partitions that the data touches, ``"table"``
                everything. By default as the option ``dynamic-partition-overwrite`` says (true), and the whole
                table when it has no partitions.
        """
        with self.writer() as writer:
            writer.overwrite(data, where=where, mode=mode)
            return writer.commit()

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
        schema = context.schemas.latest()
        if schema is None:
            raise NotFoundError(f"{self.name} is gone: no schema file in {context.paths.schema_dir()}")
        return Table(context.with_schema(schema))

    def __repr__(self) -> str:
        key = f", key ({', '.join(self.primary_key)})" if self.primary_key else ""
        return f"<Table {self.name}{key}, {len(self._context.schema.fields)} columns>"
