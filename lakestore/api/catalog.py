"""Connections: a warehouse folder with databases and tables, and tables opened by their own path."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from lakestore.api.context import TableContext
from lakestore.api.maintaining_lakes import MaintainedLake
from lakestore.api.names import DEFAULT_DATABASE, TableName, parse_name
from lakestore.api.table import Table
from lakestore.core.validate import normalise_new_schema
from lakestore.env import Env
from lakestore.errors import AlreadyExistsError, ErrorKind, InvalidInputError, NotFoundError
from lakestore.maintain.cleaning import CleaningReport
from lakestore.maintain.drop import drop_table
from lakestore.meta.schemas import Schemas
from lakestore.model.arrow import assign_ids, fields_from_arrow, paimon_type
from lakestore.model.schema import TableSchema
from lakestore.model.type_text import read_type
from lakestore.model.types import DataType, Field
from lakestore.storage.fsspec_store import open_store
from lakestore.storage.lock import CommitLock
from lakestore.storage.paths import TablePaths, WarehousePaths
from lakestore.storage.store import Store


def connect(
    warehouse: str | Path,
    *,
    storage_options: Mapping[str, Any] | None = None,
    lock: CommitLock | None = None,
    env: Env | None = None,
) -> "Lake":
    """Open a warehouse: a folder on any fsspec filesystem that holds databases and tables.

    Args:
        warehouse: Path or URL, e.g. ``./warehouse`` or ``s3://bucket/warehouse``. It need not exist yet.
        storage_options: Handed to fsspec, as in pandas and polars.
        lock: Guards commits on filesystems that have no atomic create.
        env: Clock, ids and event listener; the machine's own by default.

    Raises:
        InvalidInputError: The URL names no known filesystem, or its package is not installed.
    """
    store, root = open_store(warehouse, storage_options=storage_options, lock=lock)
    return Lake(store, root, env or Env())


def open_table(
    path: str | Path,
    *,
    storage_options: Mapping[str, Any] | None = None,
    lock: CommitLock | None = None,
    env: Env | None = None,
    branch: str | None = None,
) -> Table:
    """Open one table by the path or URL of its folder.

    Args:
        path: The table's folder.
        storage_options: Handed to fsspec, as in pandas and polars.
        lock: Guards commits on filesystems that have no atomic create.
        env: Clock, ids and event listener; the machine's own by default.
        branch: Open this branch of it.

    Raises:
        NotFoundError: There is no table in that folder, or no such branch.
    """
    store, root = open_store(path, storage_options=storage_options, lock=lock)
    table = _open(store, TablePaths(root), root.rstrip("/").rsplit("/", 1)[-1], env or Env())
    return table if branch is None else table.at(branch=branch)


class Lake(MaintainedLake):
    """A warehouse. Made by ``connect``."""

    def __init__(self, store: Store, root: str, env: Env) -> None:
        self._store = store
        self._paths = WarehousePaths(root)
        self._env = env

    def databases(self) -> list[str]:
        """Names of the databases, sorted."""
        names = self._store.list_directories(self._paths.root)
        return sorted(name.removesuffix(".db") for name in names if name.endswith(".db"))

    def tables(self, database: str = DEFAULT_DATABASE) -> list[str]:
        """Names of the tables in a database, sorted."""
        folder = self._paths.database(database)
        found = []
        for name in self._store.list_directories(folder):
            paths = TablePaths(self._paths.table(database, name))
            if self._store.list(paths.schema_dir()):
                found.append(name)
        return sorted(found)

    def table(self, name: str) -> Table:
        """Open a table by ``database.table``, or ``table`` in the database ``default``.

        ``database.table$branch_dev`` opens the branch ``dev`` of it.

        Raises:
            NotFoundError: There is no such table or branch; the message names those there are.
            InvalidInputError: The name is that of a system table, which ``table(…).system(…)`` reads.
        """
        parsed = parse_name(name)
        if parsed.system is not None:
            raise InvalidInputError(
                f"{name!r} is a system table: read it with table({parsed.table!r}).system({parsed.system!r})"
            )
        if parsed.branch is not None:
            return self.table(parsed.table).at(branch=parsed.branch)
        database, short = parsed.database, parsed.short
        paths = TablePaths(self._paths.table(database, short))
        try:
            return _open(self._store, paths, f"{database}.{short}", self._env)
        except NotFoundError as error:
            there = ", ".join(self.tables(database)) or "none"
            raise NotFoundError(
                f"table {name!r} not found in {self._store.url}{self._paths.root}; tables in {database!r}: {there}",
                kind=ErrorKind.TABLE_NOT_FOUND,
            ) from error

    def create_table(
        self,
        name: str,
        *,
        schema: object,
        primary_key: Sequence[str] = (),
        partition_by: Sequence[str] = (),
        options: Mapping[str, object] | None = None,
        comment: str | None = None,
        exists_ok: bool = False,
    ) -> Table:
        """Create a table.

        Args:
            name: ``database.table``, or ``table`` in the database ``default``.
            schema: An Arrow schema, anything with ``__arrow_c_schema__``, or a mapping from column name to Paimon
                type text such as ``{"id": "BIGINT", "name": "VARCHAR(20) NOT NULL"}``, to the object that stands for a
                nested type in a schema file, or to an Arrow type.
            primary_key: Key columns; empty makes an append table.
            partition_by: Partition columns.
            options: Paimon table options.
            comment: Table comment.
            exists_ok: Open the table when it is there already, instead of raising.

        Raises:
            AlreadyExistsError: The table is there.
            InvalidInputError: The schema, the keys or an option is wrong.
            UnsupportedFormatError: It asks for a feature that this release refuses.
        """
        if not isinstance(comment, str | None):
            raise InvalidInputError(
                f"comment is a {type(comment).__name__}: expected text", kind=ErrorKind.INVALID_TYPE
            )
        named = TableName(table=name)
        database, short = named.database, named.short
        paths = TablePaths(self._paths.table(database, short))
        wanted, notes = normalise_new_schema(
            TableSchema(
                id=0,
                fields=_fields(schema),
                primary_keys=_names(primary_key, "primary_key"),
                partition_keys=_names(partition_by, "partition_by"),
                options={key: _option_text(value) for key, value in (options or {}).items()},
                comment=comment,
                time_millis=self._env.clock.now_ms(),
            )
        )
        schemas = Schemas(self._store, paths)
        try:
            schemas.create(wanted)
        except AlreadyExistsError as error:
            if exists_ok:
                return self.table(name)
            raise AlreadyExistsError(
                f"table {name!r} already exists in {self._store.url}{self._paths.root}; pass exists_ok=True to open it",
                kind=ErrorKind.TABLE_EXISTS,
            ) from error
        table = _open(self._store, paths, f"{database}.{short}", self._env)
        table.notes = tuple(notes)
        return table

    def drop_table(self, name: str, *, dry_run: bool = False, missing_ok: bool = False) -> CleaningReport:
        """Delete a table with all its files, branches and history.

        Cut short, it leaves a table that still opens, at an older snapshot or empty: drop it again.

        Args:
            name: ``database.table``, or ``table`` in the database ``default``.
            dry_run: Only list what would go.
            missing_ok: Do nothing when there is no such table, instead of raising.

        Raises:
            NotFoundError: There is no such table; the message names those there are.
            StorageError: The store failed half-way.
        """
        try:
            table = self.table(name)
        except NotFoundError:
            if missing_ok:
                return CleaningReport(dry_run=dry_run)
            raise
        context = table._context  # noqa: SLF001 - the table is this module's own
        if not dry_run:
            context.beside.stop()
        return drop_table(context.clean_parts(), dry_run=dry_run)

    def __repr__(self) -> str:
        return f"<Lake at {self._store.url}>"


def _open(store: Store, paths: TablePaths, name: str, env: Env) -> Table:
    return Table(TableContext.open(store, paths, name=name, env=env))


def _names(names: Sequence[str], what: str) -> tuple[str, ...]:
    if isinstance(names, str):
        raise InvalidInputError(f"{what}={names!r}: expected a list of column names, e.g. [{names!r}]")
    return tuple(names)


def _type(kind: object) -> DataType:
    if isinstance(kind, pa.DataType):
        return paimon_type(kind)
    return read_type(kind if isinstance(kind, Mapping) else str(kind))


def _fields(schema: object) -> tuple[Field, ...]:
    if isinstance(schema, Mapping):
        return assign_ids([(name, _type(kind), None) for name, kind in schema.items()])
    if isinstance(schema, pa.Schema):
        return fields_from_arrow(schema)
    if hasattr(schema, "__arrow_c_schema__"):
        return fields_from_arrow(pa.schema(schema))
    if hasattr(schema, "__arrow_c_stream__"):
        return fields_from_arrow(pa.RecordBatchReader.from_stream(schema).schema)
    raise InvalidInputError(
        f"schema is a {type(schema).__name__}: expected an Arrow schema, an object with __arrow_c_schema__, "
        "or a mapping from column name to type text",
        kind=ErrorKind.INVALID_SCHEMA,
    )


def _option_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
