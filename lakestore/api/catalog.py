"""Connections: a warehouse folder with databases and tables, and tables opened by their own path."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import pyarrow as pa

from lakestore.api.changes import OptionValue, column_type, option_text
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
from lakestore.model.arrow import assign_ids, fields_from_arrow
from lakestore.model.checked import checked, fitted
from lakestore.model.schema import TableSchema
from lakestore.model.types import Field
from lakestore.storage.fsspec_store import open_store
from lakestore.storage.lock import CommitLock
from lakestore.storage.paths import TablePaths, WarehousePaths
from lakestore.storage.store import Store

LOCAL_URL = "file://"
"""What the local disk's paths begin with in messages."""


@checked
def connect(
    warehouse: str | PathLike[str],
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
        InvalidInputError: The URL names no known filesystem or its package is not installed; or it is a plain file.
    """
    store, root = open_store(warehouse, storage_options=storage_options, lock=lock)
    if store.url == LOCAL_URL and store.info(root) is not None:  # Object stores may hold a file and a folder of a name.
        raise InvalidInputError(f"{root} is a file: expected the folder of a warehouse, which need not exist yet")
    return Lake(store, root, env or Env())


@checked
def open_table(
    path: str | PathLike[str],
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
    try:
        table = _open(store, TablePaths(root), root.rstrip("/").rsplit("/", 1)[-1], env or Env())
    except NotFoundError as error:
        if store.info(root) is None:
            raise
        raise InvalidInputError(
            f"{store.url}{root} is a file: expected the folder of a table; to write the rows of a file into one, use"
            " `lakestore write`"
        ) from error
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

    @checked
    def tables(self, database: str = DEFAULT_DATABASE) -> list[str]:
        """Names of the tables in a database, sorted; the database ``default`` need not be there.

        Raises:
            NotFoundError: There is no such database; the message names those there are.
        """
        found = self._tables(database)
        if not found and database != DEFAULT_DATABASE and database not in self.databases():
            raise self._no_database(database)
        return found

    def _no_database(self, database: str) -> NotFoundError:
        there = ", ".join(self.databases()) or "none"
        return NotFoundError(
            f"database {database!r} not found in {self._store.url}{self._paths.root}; databases are: {there}",
            kind=ErrorKind.DATABASE_NOT_FOUND,
        )

    def _tables(self, database: str) -> list[str]:
        folder = self._paths.database(database)
        found = []
        for name in self._store.list_directories(folder):
            paths = TablePaths(self._paths.table(database, name))
            if self._store.list(paths.schema_dir()):
                found.append(name)
        return sorted(found)

    @checked
    def table(self, name: str) -> Table:
        """Open a table by ``database.table``, or ``table`` in the database ``default``.

        ``database.table$branch_dev`` opens the branch ``dev`` of it.

        Raises:
            NotFoundError: There is no such table or branch; the message names those there are.
            InvalidInputError: The name is that of a system table, which ``table(…).system(…)`` reads.
        """
        parsed = parse_name(name).whole()
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
            there = ", ".join(self._tables(database)) or "none"
            if there == "none":
                there += f"; databases are: {', '.join(self.databases()) or 'none'}"
            raise NotFoundError(
                f"table {name!r} not found in {self._store.url}{self._paths.root}; tables in {database!r}: {there}",
                kind=ErrorKind.TABLE_NOT_FOUND,
            ) from error

    @checked
    def create_table(
        self,
        name: str,
        *,
        schema: object,
        primary_key: Sequence[str] = (),
        partition_by: Sequence[str] = (),
        options: Mapping[str, OptionValue] | None = None,
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
        named = TableName(table=name).whole()
        database, short = named.database, named.short
        paths = TablePaths(self._paths.table(database, short))
        wanted, notes = normalise_new_schema(
            TableSchema(
                id=0,
                fields=_fields(schema),
                primary_keys=tuple(primary_key),
                partition_keys=tuple(partition_by),
                options={key: option_text(value) for key, value in (options or {}).items()},
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

    @checked
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


def _fields(schema: object) -> tuple[Field, ...]:
    if isinstance(schema, Mapping):
        kinds: Mapping[str, object] = fitted(schema, Mapping[str, object], "create_table(schema=")
        return assign_ids([(name, column_type(name, kind), None) for name, kind in kinds.items()])
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
