"""Schema files of a table or branch: read, create, and follow one with the next.

A schema is claimed as a snapshot is:

1. Apply the change to the latest schema and put the result under the next number, if absent.
2. When the number is taken, or the answer was lost, read it back. Our own bytes: done. Others: again from 1, on top of
   them. Nothing there: put the same bytes again, for the lost write may still land.

Invariant: a change is never applied twice, and never left without knowing whether it was.
"""

from collections.abc import Callable
from dataclasses import replace

from lakestore.errors import (
    AlreadyExistsError,
    CommitUnknownError,
    ConflictError,
    CorruptTableError,
    ErrorKind,
    NotFoundError,
)
from lakestore.format.schema_file import schema_from_json, schema_to_json
from lakestore.meta.claim import claim
from lakestore.model.schema import TableSchema
from lakestore.storage.parallel import map_ordered
from lakestore.storage.paths import SCHEMA_PREFIX, TablePaths, parse_numbered
from lakestore.storage.store import Store

SCHEMA_TRIES = 10
"""How often a change is applied anew because another took its number."""

READ_WORKERS = 8
"""Schemas read at a time when all are wanted."""


class Schemas:
    """Reads and writes schemas. One that was read is kept for the life of this object.

    Args:
        store: Where the table is.
        paths: How its files are called.
    """

    def __init__(self, store: Store, paths: TablePaths) -> None:
        self._store = store
        self._paths = paths
        self._known: dict[int, TableSchema] = {}

    def forget(self) -> None:
        """Read every schema anew: a fast-forward that drops what a table did can give a number to another schema."""
        self._known.clear()

    def ids(self) -> list[int]:
        """Numbers of all schemas, ascending, by listing."""
        found = (parse_numbered(file.name, SCHEMA_PREFIX) for file in self._store.list(self._paths.schema_dir()))
        return sorted(number for number in found if number is not None)

    def latest(self) -> TableSchema | None:
        """The schema of the highest number, None if there is none: then there is no table."""
        ids = self.ids()
        return self.get(ids[-1]) if ids else None

    def get(self, schema_id: int) -> TableSchema:
        """The schema of that number.

        Raises:
            NotFoundError: There is none; the message names those there are.
            CorruptTableError: The file does not parse, or is another schema's.
        """
        known = self._known.get(schema_id)
        if known is not None:
            return known
        path = self._paths.schema(schema_id)
        data = self._store.get_or_none(path)
        if data is None:
            raise NotFoundError(
                f"schema {schema_id} not found in {self._store.url}{self._paths.schema_dir()};"
                f" there are: {', '.join(map(str, self.ids())) or 'none'}",
                kind=ErrorKind.SCHEMA_NOT_FOUND,
            )
        schema = schema_from_json(data, path)
        if schema.id != schema_id:
            raise CorruptTableError(f"field 'id': expected {schema_id}, found {schema.id}", path=path)
        return self._known.setdefault(schema_id, schema)

    def all(self) -> list[TableSchema]:
        """All schemas, ascending."""
        return list(map_ordered(self.get, self.ids(), workers=READ_WORKERS))

    def create(self, schema: TableSchema) -> TableSchema:
        """Write the first schema of a table, which makes the table.

        Raises:
            AlreadyExistsError: The table exists (kind TABLE_EXISTS).
            CommitUnknownError: The store does not say whether it was made.
        """
        first = replace(schema, id=0)
        if self.ids() or not self._claim(first):
            raise AlreadyExistsError(
                f"table {self._store.url}{self._paths.root} exists already: open it, or choose another name",
                kind=ErrorKind.TABLE_EXISTS,
            )
        return first

    def commit_next(self, change: Callable[[TableSchema], TableSchema]) -> TableSchema:
        """Follow the latest schema with a changed one.

        Args:
            change: Makes the new schema from the latest; called again on top of a schema that won the race. Its
                number is set here. Returning its argument means that nothing is to be done.

        Raises:
            NotFoundError: There is no table.
            ConflictError: Others won ``SCHEMA_TRIES`` times in a row.
            CommitUnknownError: The store does not say whether it was made.
        """
        for _ in range(SCHEMA_TRIES):
            latest = self.latest()
            if latest is None:
                raise NotFoundError(
                    f"{self._store.url}{self._paths.root} has no schema: there is no table",
                    kind=ErrorKind.TABLE_NOT_FOUND,
                )
            changed = change(latest)
            if changed is latest:
                return latest
            following = replace(changed, id=latest.id + 1)
            if self._claim(following):
                return following
        raise ConflictError(
            f"schema change of {self._store.url}{self._paths.root}: other changes came first {SCHEMA_TRIES} times in"
            " a row; look at the latest schema and try again",
            kind=ErrorKind.RETRIES_EXHAUSTED,
        )

    def _claim(self, schema: TableSchema) -> bool:
        """Put a schema under its number, which is taken only by these bytes or by another's.

        Returns:
            Whether it is there now; False means for certain that another schema has the number.
        """
        path = self._paths.schema(schema.id)
        claimed = claim(self._store, path, schema_to_json(schema), unknown=lambda: self._unknown(path))
        if claimed:
            self._known[schema.id] = schema
        return claimed

    def _unknown(self, path: str) -> CommitUnknownError:
        return CommitUnknownError(
            f"{self._store.url}{path}: the store does not say whether this schema was written; nothing was deleted."
            " Open the table again and look whether it has the change before you make it again"
        )
