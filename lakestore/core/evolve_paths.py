"""Editing the column that a path names, at any depth of nested types."""

from collections.abc import Callable
from dataclasses import replace

from lakestore.errors import ErrorKind, InvalidInputError, NotFoundError
from lakestore.model.changes import ELEMENT, VALUE, Path
from lakestore.model.types import DataType, Field, TypeRoot

Fields = tuple[Field, ...]
EditSiblings = Callable[[Fields, str], Fields]
"""Gets all columns at the path's end, and the name of the one that is meant."""

_UNNAMED = -1
"""The id of an element or map value while it is edited as if it were a column."""


def named(path: Path) -> str:
    """The path as people write it."""
    return ".".join(path)


def with_field(fields: Fields, path: Path, edit: Callable[[Field], Field]) -> Fields:
    """The columns with one of them edited: a column, a ROW member, an ARRAY's element or a MAP's value.

    Raises:
        NotFoundError: There is no such column.
    """

    def edit_one(siblings: Fields, name: str) -> Fields:
        _find(siblings, name, path)
        return tuple(edit(field) if field.name == name else field for field in siblings)

    return _edited(fields, path, path, edit_one)


def with_siblings(fields: Fields, path: Path, edit: EditSiblings) -> Fields:
    """The columns with those at the path's end edited: added to, dropped from, renamed, moved.

    Raises:
        NotFoundError: A part of the path is not there.
        InvalidInputError: The path ends in an ARRAY's element or a MAP's value, which has neither name nor place.
    """

    def edit_named(siblings: Fields, name: str) -> Fields:
        if any(field.id == _UNNAMED for field in siblings):
            raise InvalidInputError(
                f"column {named(path)!r}: what an ARRAY or a MAP holds has neither name nor place; only its type and "
                "its nullability can change",
                kind=ErrorKind.INVALID_SCHEMA,
            )
        return edit(siblings, name)

    return _edited(fields, path, path, edit_named)


def _edited(fields: Fields, rest: Path, path: Path, edit: EditSiblings) -> Fields:
    if not rest or not all(rest):
        raise InvalidInputError(f"column path {list(path)} has an empty part", kind=ErrorKind.INVALID_SCHEMA)
    if len(rest) == 1:
        return edit(fields, rest[0])
    _find(fields, rest[0], path)
    return tuple(
        replace(field, type=_edited_type(field.type, rest[1:], path, edit)) if field.name == rest[0] else field
        for field in fields
    )


def _edited_type(kind: DataType, rest: Path, path: Path, edit: EditSiblings) -> DataType:
    if kind.root is TypeRoot.ROW:
        return replace(kind, fields=_edited(kind.fields, rest, path, edit))
    if kind.root is TypeRoot.ARRAY and kind.element is not None:
        (only,) = _edited(_alone(ELEMENT, kind.element), rest, path, edit)
        return replace(kind, element=only.type)
    if kind.root is TypeRoot.MAP and kind.value is not None:
        (only,) = _edited(_alone(VALUE, kind.value), rest, path, edit)
        return replace(kind, value=only.type)
    raise NotFoundError(
        f"column {named(path)!r} not found: {kind} has no parts that change", kind=ErrorKind.COLUMN_NOT_FOUND
    )


def _alone(name: str, kind: DataType) -> Fields:
    return (Field(id=_UNNAMED, name=name, type=kind),)


def _find(fields: Fields, name: str, path: Path) -> None:
    if not any(field.name == name for field in fields):
        raise NotFoundError(
            f"column {named(path)!r} not found; at {name!r} there are: {', '.join(field.name for field in fields)}",
            kind=ErrorKind.COLUMN_NOT_FOUND,
        )
