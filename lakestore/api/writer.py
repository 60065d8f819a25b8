"""A writer as users hold it: several batches, one commit."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from lakestore.api.context import TableContext
from lakestore.api.predicates import as_predicate
from lakestore.maintain.delete import delete_rows, delete_where
from lakestore.model.checked import checked
from lakestore.model.message import CommitResult
from lakestore.model.predicate import Predicate, Value
from lakestore.write.input import batches
from lakestore.write.kinds import with_kinds


class BatchWriter:
    """Collects rows and makes them visible in one commit. Made by ``Table.writer``.

    A context manager: leaving it without ``commit()`` throws the rows away, and the files written for them.
    """

    def __init__(self, context: TableContext) -> None:
        self._context = context
        self._session = context.write_session()

    def write(self, data: object, *, row_kind: object = None) -> None:
        """Take rows of any kinds; ``data`` and ``row_kind`` as in ``Table.write``.

        Raises:
            InvalidInputError: A row does not fit, or the merge engine does not take its kind.
        """
        schema = self._context.schema
        rows = batches(data, fields=schema.fields)
        self._session.add(with_kinds(rows, row_kind, schema, self._context.options.merge.rowkind_field))

    def upsert(self, data: object) -> None:
        """Take rows that replace those of the same key. Raises as ``Table.upsert``."""
        self._context.require_primary_key("upsert")
        self.write(data)

    def delete(self, rows: object) -> None:
        """Take rows to delete: a predicate, or data with at least the key columns. Raises as ``Table.delete``.

        A predicate looks at what is committed, not at rows that this writer has taken.
        """
        context, session = self._context, self._session
        context.require_primary_key("delete")
        if isinstance(rows, str | Predicate):
            delete_where(
                context.read_rows,
                session.add_rows,
                as_predicate(rows),
                schema=context.schema,
                sequence_fields=context.options.merge.sequence_fields,
            )
            return
        delete_rows(
            batches(rows, fields=context.schema.fields),
            schema=context.schema,
            sequence_fields=context.options.merge.sequence_fields,
            read=context.read_rows,
            write=session.add_rows,
        )

    @checked
    def overwrite(
        self,
        data: object,
        *,
        where: "str | Predicate | Mapping[str, Value] | None" = None,
        mode: str | None = None,
    ) -> None:
        """Take rows, and make the commit replace what was there; see ``Table.overwrite``."""
        self._session.replace(where=where if isinstance(where, Mapping) else as_predicate(where), mode=mode)
        self.write(data)

    def commit(self) -> CommitResult:
        """Make everything taken visible in one commit. Raises as ``Table.upsert``."""
        return self._session.commit()

    def abort(self) -> None:
        """Throw everything away."""
        self._session.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()
