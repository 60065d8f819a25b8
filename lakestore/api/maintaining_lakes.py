"""What users do to keep all tables of a database fast."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol

from lakestore.api.table import Table
from lakestore.errors import ErrorKind, LakestoreError, NotFoundError
from lakestore.maintain.compact import CompactReport
from lakestore.model.checked import checked


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCompaction:
    """What became of one table.

    Attributes:
        table: Its name, ``database.table``.
        report: What was done; None when it failed.
        error: Why it failed.
    """

    table: str
    report: CompactReport | None = None
    error: LakestoreError | None = None


class _Warehouse(Protocol):
    """What a lake offers to this module."""

    def databases(self) -> list[str]: ...
    def tables(self, database: str) -> list[str]: ...
    def table(self, name: str) -> Table: ...


class MaintainedLake:
    """The part of ``Lake`` that keeps tables fast."""

    @checked
    def compact(
        self: _Warehouse,
        tables: str,
        *,
        how: Callable[[Table], CompactReport] = Table.compact,
        each: Callable[[TableCompaction], None] = lambda _: None,
    ) -> tuple[TableCompaction, ...]:
        """Compact all tables of that name, one after another.

        A table that fails does not keep the others from it: its error is handed out, not raised.

        Args:
            tables: ``database.table`` with ``*`` and ``?``: ``shop.*``, ``*.orders_*``.
            how: Compacts one table: ``lambda table: table.compact(full=True)``.
            each: Is told what became of a table as soon as it is done.

        Returns:
            What became of each table.

        Raises:
            NotFoundError: No table is called that.
        """
        wanted, _, _ = tables.rpartition(".")
        names = [
            f"{database}.{name}"
            for database in self.databases()
            if fnmatchcase(database, wanted or "*")
            for name in self.tables(database)
            if fnmatchcase(f"{database}.{name}", tables)
        ]
        if not names:
            raise NotFoundError(
                f"no table is called {tables!r}; databases are: {', '.join(self.databases()) or 'none'}",
                kind=ErrorKind.TABLE_NOT_FOUND,
            )
        done = []
        for name in names:
            try:
                outcome = TableCompaction(table=name, report=how(self.table(name)))
            except LakestoreError as error:
                outcome = TableCompaction(table=name, error=error)
            each(outcome)
            done.append(outcome)
        return tuple(done)
