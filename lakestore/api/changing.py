"""What users do to rows that are there: delete them, or give them new values."""

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from lakestore.api.context import TableContext
from lakestore.api.predicates import as_predicate
from lakestore.api.writer import BatchWriter
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.maintain.append_change import Rewriting
from lakestore.model.checked import checked
from lakestore.model.message import CommitResult
from lakestore.model.predicate import Predicate


class Changing:
    """The part of ``Table`` that changes rows that are there."""

    _context: TableContext

    def delete(self, rows: object) -> CommitResult:
        """Delete rows. One commit.

        An append table writes the files anew that hold such rows, and leaves the others alone; readers of a stream
        are told nothing. Rows that others append meanwhile stay.

        Args:
            rows: A predicate (SQL text or expression) on any columns; for a primary-key table also data that holds at
                least the key columns.

        Raises:
            InvalidInputError: The predicate does not fit the columns; the rows lack a key column, or the table has
                none.
            ConflictError: Others replaced the same files first, again and again; nothing has changed.
        """
        if self._context.schema.primary_keys:
            with BatchWriter(self._context) as writer:
                writer.delete(rows)
                return writer.commit()
        if not isinstance(rows, str | Predicate):
            raise InvalidInputError(
                f"delete() takes a predicate in {self._context.name}, such as \"day < '2026-01-01'\": the table has no"
                " primary key by which given rows could be found",
                kind=ErrorKind.INVALID_PREDICATE,
            )
        return self._rewritten(rows, None)

    @checked
    def update(
        self,
        where: "str | Predicate",
        values: "Mapping[str, Any | Callable[[pa.Table], pa.Array]]",
        *,
        dry_run: bool = False,
    ) -> CommitResult:
        """Give rows of an append table new values. One commit; see ``delete`` for what it writes.

        Args:
            where: Which rows: SQL text or an expression on any columns.
            values: New values by column: a value, or a function that is given the rows and returns an Arrow array with
                a value for each: ``{"qty": 0, "price": lambda rows: pc.multiply(rows["price"], 2)}``. It may be called
                for some rows at a time.
            dry_run: Only refuse what cannot be done; ``count(where)`` says how many rows it is about.

        Raises:
            InvalidInputError: The table has a primary key (use ``upsert``), or a value does not fit its column.
            NotFoundError: A column does not exist.
            ConflictError: Others replaced the same files first, again and again; nothing has changed.
        """
        if self._context.schema.primary_keys:
            raise InvalidInputError(
                f"update() is for append tables, and {self._context.name} has a primary key: write the rows as they are"
                " to be, with upsert() or `lakestore write`"
            )
        if not values:
            raise InvalidInputError("update() got no values: give at least one, such as {'qty': 0}")
        return self._rewritten(where, values, dry_run=dry_run)

    def _rewritten(
        self, where: "str | Predicate", values: "Mapping[str, Any] | None", *, dry_run: bool = False
    ) -> CommitResult:
        context, _ = self._context.at_latest()
        predicate = as_predicate(where)
        if predicate is None:
            raise InvalidInputError("which rows? Name them by a predicate; truncate() removes all")
        rewriting = Rewriting(scan=context.scan_parts(), parts=context.compact_parts(), where=predicate, values=values)
        if dry_run:
            rewriting.check()
            return CommitResult(snapshot_ids=())
        context.beside.stop()
        result = rewriting.run()
        context.after_commit(result)
        return result
