"""Schema changes as users write them: ``orders.alter(ls.add_column("color", "STRING", after="id"))``.

A column inside a nested one is named by its path, with dots or as a list: ``"address.city"``, ``["address", "city"]``;
``element`` stands for what an ARRAY holds, ``value`` for what a MAP holds. A name that has a dot in it needs the list.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import pyarrow as pa

from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.arrow import paimon_type
from lakestore.model.changes import (
    AddColumn,
    ChangeType,
    DropColumn,
    MoveColumn,
    Path,
    Place,
    RemoveOption,
    RenameColumn,
    SchemaChange,
    SetComment,
    SetDefault,
    SetNullable,
    SetOption,
    SetTableComment,
    Where,
)
from lakestore.model.checked import checked
from lakestore.model.type_text import read_type
from lakestore.model.types import DataType

ColumnPath: TypeAlias = str | Sequence[str]
"""A column name, or a path into a nested column."""

ColumnType: TypeAlias = str | Mapping[str, Any] | pa.DataType
"""Paimon type text such as ``VARCHAR(20)`` or ``ARRAY<INT>``, a nested type's object in schema files, or Arrow's."""

OptionValue: TypeAlias = str | int | float | bool
"""What a table option is set to; it is stored as text."""


@checked
def add_column(
    column: ColumnPath,
    type: ColumnType,  # noqa: A002 - the word that users know
    *,
    comment: str | None = None,
    first: bool = False,
    after: str | None = None,
    before: str | None = None,
) -> AddColumn:
    """Add a nullable column, at the end unless told otherwise; rows that are there have null in it.

    Args:
        column: Its name, or path.
        type: Its type.
        comment: Its comment.
        first: Put it in front.
        after: Put it behind that column.
        before: Put it in front of that column.
    """
    place = _place(first=first, after=after, before=before)
    return AddColumn(path=_path(column), type=column_type(column, type), comment=comment, place=place)


@checked
def drop_column(column: ColumnPath) -> DropColumn:
    """Drop a column; snapshots of before keep it."""
    return DropColumn(path=_path(column))


@checked
def rename_column(column: ColumnPath, name: str) -> RenameColumn:
    """Give a column another name; keys and options that name it follow."""
    return RenameColumn(path=_path(column), name=name)


@checked
def move_column(
    column: ColumnPath,
    *,
    first: bool = False,
    last: bool = False,
    after: str | None = None,
    before: str | None = None,
) -> MoveColumn:
    """Move a column in front, to the end, behind or in front of another."""
    place = _place(first=first, last=last, after=after, before=before)
    if place is None:
        raise InvalidInputError(f"move_column({column!r}): say where to with first, last, after or before")
    return MoveColumn(path=_path(column), place=place)


@checked
def change_type(column: ColumnPath, type: ColumnType) -> ChangeType:  # noqa: A002 - the word that users know
    """Give a column another type; old values are cast when they are read, and no file is touched.

    The column stays as nullable as it is, unless the type says ``NOT NULL``.
    """
    wanted = column_type(column, type)
    return ChangeType(path=_path(column), type=wanted, keep_nullable=wanted.nullable)


@checked
def set_nullable(column: ColumnPath, nullable: bool = True) -> SetNullable:  # noqa: FBT001, FBT002 - reads as a value
    """Let a column be null, or with False no longer."""
    return SetNullable(path=_path(column), nullable=nullable)


@checked
def set_comment(comment: str | None, *, column: ColumnPath | None = None) -> SetComment | SetTableComment:
    """Set the comment of a column, or without one of the table; None removes it."""
    if column is None:
        return SetTableComment(comment=comment)
    return SetComment(path=_path(column), comment=comment)


@checked
def set_default(column: str, default: str | None) -> SetDefault:
    """Set a column's default, as text; None removes it."""
    return SetDefault(path=_path([column]), default=default)


@checked
def set_option(key: str, value: OptionValue) -> SetOption:
    """Set a table option."""
    return SetOption(key=key, value=option_text(value))


@checked
def remove_option(key: str) -> RemoveOption:
    """Let a table option go back to its default."""
    return RemoveOption(key=key)


def option_text(value: OptionValue) -> str:
    """The text that stands for the value of an option."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_changes(changes: Sequence[object]) -> tuple[SchemaChange, ...]:
    """The changes, if they are some.

    Raises:
        InvalidInputError: One of them is something else.
    """
    for change in changes:
        if not isinstance(change, SchemaChange):
            raise InvalidInputError(
                f"alter() got a {type(change).__name__}: expected changes such as add_column('color', 'STRING')"
            )
    return tuple(changes)  # type: ignore[arg-type]  # just checked


def _path(column: ColumnPath) -> Path:
    return tuple(column.split(".")) if isinstance(column, str) else tuple(column)


def column_type(column: object, kind: Any) -> DataType:  # noqa: ANN401 - checked here
    """The type that users mean by text, an Arrow type, or the object that stands for a nested one.

    Raises:
        InvalidInputError: It is none; the message names the column.
        UnsupportedFormatError: It is Arrow's, and has no counterpart.
    """
    if not isinstance(kind, str | Mapping | pa.DataType):
        raise InvalidInputError(
            f"column {column!r}: type {kind!r} is none; expected text such as 'BIGINT', an Arrow type, or the object"
            " that stands for a nested type in schema files",
            kind=ErrorKind.INVALID_TYPE,
        )
    try:
        return paimon_type(kind) if isinstance(kind, pa.DataType) else read_type(kind)
    except InvalidInputError as error:
        raise InvalidInputError(f"column {column!r}: {error.message}", kind=error.kind) from error


def _place(
    *, first: bool = False, last: bool = False, after: str | None = None, before: str | None = None
) -> Place | None:
    if first + last + (after is not None) + (before is not None) > 1:
        raise InvalidInputError("a column goes to one place: give one of first, last, after and before")
    if after is not None or before is not None:
        return Place(where=Where.BEFORE if after is None else Where.AFTER, neighbour=after or before or "")
    if first or last:
        return Place(where=Where.FIRST if first else Where.LAST)
    return None
