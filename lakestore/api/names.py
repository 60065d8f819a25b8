"""Names of tables as users write them: ``database.table$branch_dev$files`` (Paimon ``Identifier``)."""

from dataclasses import dataclass
from typing import Self

from lakestore.errors import InvalidInputError

DEFAULT_DATABASE = "default"

_BRANCH = "branch_"
_SEPARATOR = "$"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableName:
    """The parts of a name.

    Attributes:
        table: What stands before the first ``$``.
        branch: The branch meant, None for the main one.
        system: The system table meant, None for the table itself.
    """

    table: str
    branch: str | None = None
    system: str | None = None

    @property
    def database(self) -> str:
        """The database, ``default`` if none is named."""
        return self.table.rpartition(".")[0] or DEFAULT_DATABASE

    @property
    def short(self) -> str:
        """The table's name within its database."""
        return self.table.rpartition(".")[2]

    def whole(self) -> Self:
        """The name itself, if neither database nor table is empty.

        Raises:
            InvalidInputError: One of them is.
        """
        if "" in self.table.split("."):
            raise InvalidInputError(
                f"table name {self.table!r}: one of its parts is empty; expected database.table, or table in the"
                f" database {DEFAULT_DATABASE!r}"
            )
        return self


def parse_name(name: str) -> TableName:
    """The parts of ``table``, ``table$branch_b``, ``table$files`` or ``table$branch_b$files``.

    Raises:
        InvalidInputError: There are more parts, or empty ones.
    """
    table, *parts = name.split(_SEPARATOR)
    if "" in {table, *parts} or len(parts) > 2:
        raise _wrong(name)
    branch = parts.pop(0).removeprefix(_BRANCH) if parts and parts[0].startswith(_BRANCH) else None
    if branch == "" or len(parts) > 1:
        raise _wrong(name)
    return TableName(table=table, branch=branch, system=parts[0] if parts else None)


def name_on_branch(name: str, branch: str) -> str:
    """The name of a table's branch."""
    return f"{parse_name(name).table}{_SEPARATOR}{_BRANCH}{branch}"


def _wrong(name: str) -> InvalidInputError:
    return InvalidInputError(
        f"table name {name!r}: expected database.table, database.table$branch_NAME or database.table$SYSTEM_TABLE"
    )
