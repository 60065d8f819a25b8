"""A table's schema: columns with ids, keys, options. One immutable record per ``schema-N`` file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lakestore.errors import ErrorKind, InvalidInputError, NotFoundError
from lakestore.model.types import DataType, Field, highest_field_id

SCHEMA_VERSION = 3
"""Version of the schema file that we write, and the newest that we read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSchema:
    """One version of a table's schema.

    Attributes:
        id: Number in the file name, from 0.
        fields: Columns in order.
        highest_field_id: Greatest id ever given out, nested members included.
        partition_keys: Names of the partition columns in path order.
        primary_keys: Names of the primary-key columns in key order; empty for an append table.
        options: Table options as stored, unknown keys included.
        comment: Table comment, None if there is none.
        time_millis: When it was written, epoch milliseconds.
    """

    id: int
    fields: tuple[Field, ...]
    partition_keys: tuple[str, ...] = ()
    primary_keys: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    highest_field_id: int = -1
    comment: str | None = None
    time_millis: int = 0

    def __post_init__(self) -> None:
        names = [column.name for column in self.fields]
        if len(set(names)) != len(names):
            doubled = sorted({name for name in names if names.count(name) > 1})
            raise InvalidInputError(f"columns {doubled} appear more than once", kind=ErrorKind.INVALID_SCHEMA)
        for what, keys in (("partition", self.partition_keys), ("primary key", self.primary_keys)):
            missing = [name for name in keys if name not in names]
            if missing:
                raise InvalidInputError(
                    f"{what} columns {missing} are not among the columns {names}",
                    kind=ErrorKind.INVALID_SCHEMA,
                )
        used = highest_field_id(self.fields)
        if self.highest_field_id < used:
            object.__setattr__(self, "highest_field_id", used)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.fields)

    @property
    def trimmed_primary_keys(self) -> tuple[str, ...]:
        """Primary-key columns without the partition columns: the key within a bucket."""
        return tuple(name for name in self.primary_keys if name not in self.partition_keys)

    def find(self, name: str) -> Field:
        """The column of that name.

        Raises:
            NotFoundError: There is none; the message names those there are.
        """
        for column in self.fields:
            if column.name == name:
                return column
        raise NotFoundError(
            f"column {name!r} not found; there are: {', '.join(self.names)}",
            kind=ErrorKind.COLUMN_NOT_FOUND,
        )

    def select(self, names: Iterable[str]) -> tuple[Field, ...]:
        """Columns of those names, in the order given."""
        return tuple(self.find(name) for name in names)

    def types(self, names: Iterable[str]) -> tuple[DataType, ...]:
        """Types of those columns, in the order given."""
        return tuple(self.find(name).type for name in names)

    @property
    def partition_types(self) -> tuple[DataType, ...]:
        """Types of the partition columns."""
        return self.types(self.partition_keys)

    @property
    def key_types(self) -> tuple[DataType, ...]:
        """Types of the trimmed primary key."""
        return self.types(self.trimmed_primary_keys)
