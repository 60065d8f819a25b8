"""Schema changes as records: what ``core.evolve`` applies to a schema, in order.

A column is named by its path: ``("city",)`` for a top-level column, ``("address", "city")`` for a member of a ROW.
Inside an ARRAY the part after the column is ``element``, inside a MAP it is ``value``.
"""

from dataclasses import dataclass
from enum import StrEnum

from lakestore.errors import InvalidInputError
from lakestore.model.types import DataType

Path = tuple[str, ...]
"""Names from the table's columns down to the one that is meant."""

ELEMENT, VALUE = "element", "value"
"""The path parts that stand for what an ARRAY and a MAP hold."""


class Where(StrEnum):
    """Where a column goes among its neighbours."""

    FIRST = "first"
    LAST = "last"
    AFTER = "after"
    BEFORE = "before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place among the columns.

    Attributes:
        where: Which side.
        neighbour: The column that AFTER and BEFORE look at; empty for FIRST and LAST.
    """

    where: Where
    neighbour: str = ""

    def __post_init__(self) -> None:
        if bool(self.neighbour) != (self.where in {Where.AFTER, Where.BEFORE}):
            raise InvalidInputError(
                f"place {self.where!r} with neighbour {self.neighbour!r}: it takes none or needs one"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class AddColumn:
    """A new column with an id of its own; it is null in all rows there are.

    Attributes:
        path: The new column.
        type: Its type, nullable.
        comment: Comment, None for none.
        place: Where it goes; None for the end.
    """

    path: Path
    type: DataType
    comment: str | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DropColumn:
    """A column and its values disappear from the newest schema on; its id is never used again."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameColumn:
    """Another name; keys and options that name a top-level column follow."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveColumn:
    """Another place among the columns."""

    path: Path
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeType:
    """Another type; values in old files are cast when they are read.

    Attributes:
        path: The column.
        type: The new type; its nullability counts only when ``keep_nullable`` is off.
        keep_nullable: Whether the column stays as nullable as it was.
    """

    path: Path
    type: DataType
    keep_nullable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SetNullable:
    """Whether null is a value of the column."""

    path: Path
    nullable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetComment:
    """Another comment, None for none."""

    path: Path
    comment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDefault:
    """Another default, as text; None for none."""

    path: Path
    default: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOption:
    """Another value of a table option."""

    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveOption:
    """A table option goes back to its default."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTableComment:
    """Another comment on the table, None for none."""

    comment: str | None


SchemaChange = (
    AddColumn
    | DropColumn
    | RenameColumn
    | MoveColumn
    | ChangeType
    | SetNullable
    | SetComment
    | SetDefault
    | SetOption
    | RemoveOption
    | SetTableComment
)
