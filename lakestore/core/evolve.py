"""A schema after a list of changes: pure, and checked by Paimon's rules (``SchemaManager.generateTableSchema``).

1. Changes apply one after the other, each to what the ones before it made.
2. A new column takes the next id that was never given out, then the members of its type take theirs.
3. A renamed column takes its keys and the options that name it along.
4. The result as a whole must be a legal table: no option names a column that is gone, keys still are keys.

Invariant: ids never change and never come back, so that every old file can be read by id.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from lakestore.core.evolve_options import check_is_set, check_option_change
from lakestore.core.evolve_paths import named, with_field, with_siblings
from lakestore.core.evolve_rules import (
    check_default,
    check_free_name,
    check_kept,
    check_nullability,
    check_result,
    check_type_change,
    check_whole,
)
from lakestore.core.option_columns import renamed
from lakestore.core.options import parse_options
from lakestore.errors import ErrorKind, InvalidInputError, NotFoundError
from lakestore.model.arrow import assign_ids
from lakestore.model.changes import (
    AddColumn,
    ChangeType,
    DropColumn,
    MoveColumn,
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
from lakestore.model.schema import TableSchema
from lakestore.model.types import Field

Fields = tuple[Field, ...]


def apply_changes(
    schema: TableSchema,
    changes: Sequence[SchemaChange],
    *,
    has_snapshots: bool,
    now_ms: int,
    history: Sequence[TableSchema] = (),
) -> TableSchema:
    """The schema that follows.

    Args:
        schema: The latest schema.
        changes: What to change, in order.
        has_snapshots: Whether the table has a snapshot: then some options stay as they are.
        now_ms: Time of the new schema.
        history: Schemas that files may have been written with: a new type must be readable from all of them.

    Returns:
        The next schema; ``schema`` itself if the changes change nothing.

    Raises:
        InvalidInputError: A change breaks a rule; the message names the rule and what to do.
        NotFoundError: A column is not there.
        UnsupportedFormatError: LakeStore would not read or write the table any more.
    """
    result = schema
    for change in changes:
        result = _applied(result, change, schema, has_snapshots=has_snapshots)
    if result == schema:
        return schema
    check_result(schema, result, changes, history=history)
    return replace(result, id=schema.id + 1, time_millis=now_ms)


def _applied(schema: TableSchema, change: SchemaChange, before: TableSchema, *, has_snapshots: bool) -> TableSchema:
    match change:
        case AddColumn():
            return _added(schema, change)
        case DropColumn():
            return _dropped(schema, change)
        case RenameColumn():
            return _renamed(schema, change)
        case MoveColumn():
            return _moved(schema, change)
        case SetOption():
            return _with_option(schema, change, has_snapshots=has_snapshots)
        case RemoveOption():
            check_option_change(schema.options, change.key, None, has_snapshots=has_snapshots)
            check_is_set(schema.options, change.key)
            return replace(schema, options={key: text for key, text in schema.options.items() if key != change.key})
        case SetTableComment():
            return replace(schema, comment=change.comment)
        case _:
            edit = partial(_edited, change=change, schema=schema, before=before)
            return replace(schema, fields=with_field(schema.fields, change.path, edit))


def _edited(
    field: Field,
    change: ChangeType | SetNullable | SetComment | SetDefault,
    *,
    schema: TableSchema,
    before: TableSchema,
) -> Field:
    match change:
        case ChangeType():
            return _retyped(field, change, schema=schema, before=before)
        case SetNullable():
            check_nullability(schema, change.path, field.type, nullable=change.nullable, before=before)
            return replace(field, type=field.type.with_nullable(change.nullable))
        case SetComment():
            check_whole(change.path, "comment")
            return replace(field, description=change.comment)
        case SetDefault():
            check_whole(change.path, "default")
            if change.default is not None:
                check_default(change.path, field.type, change.default)
            return replace(field, default_value=change.default)


def _retyped(field: Field, change: ChangeType, *, schema: TableSchema, before: TableSchema) -> Field:
    target = change.type.with_nullable(field.type.nullable if change.keep_nullable else change.type.nullable)
    check_type_change(schema, change.path, field.type, target, before=before)
    if field.default_value is not None:
        check_default(change.path, target, field.default_value)
    return replace(field, type=target)


def _added(schema: TableSchema, change: AddColumn) -> TableSchema:
    if not change.type.nullable:
        raise InvalidInputError(
            f"column {named(change.path)!r} cannot be added as {change.type}: the rows that are there have no value "
            "for it; add it nullable",
            kind=ErrorKind.INVALID_SCHEMA,
        )
    (fresh,) = assign_ids([(change.path[-1], change.type, change.comment)], after=schema.highest_field_id)

    def add(siblings: Fields, name: str) -> Fields:
        check_free_name(siblings, name, change.path)
        place = change.place
        if place is None and len(change.path) == 1:
            place = _default_place(schema)
        return _placed(siblings, fresh, place)

    return replace(schema, fields=with_siblings(schema.fields, change.path, add))


def _default_place(schema: TableSchema) -> Place | None:
    if not parse_options(schema.options, schema=schema).alter.before_partition:
        return None
    first = next((name for name in schema.names if name in schema.partition_keys), None)
    return None if first is None else Place(where=Where.BEFORE, neighbour=first)


def _placed(siblings: Fields, field: Field, place: Place | None) -> Fields:
    if place is None or place.where is Where.LAST:
        return (*siblings, field)
    if place.where is Where.FIRST:
        return (field, *siblings)
    at = _position(siblings, place.neighbour) + (place.where is Where.AFTER)
    return (*siblings[:at], field, *siblings[at:])


def _position(siblings: Fields, name: str) -> int:
    for position, field in enumerate(siblings):
        if field.name == name:
            return position
    raise NotFoundError(
        f"column {name!r} not found; there are: {', '.join(field.name for field in siblings)}",
        kind=ErrorKind.COLUMN_NOT_FOUND,
    )


def _dropped(schema: TableSchema, change: DropColumn) -> TableSchema:
    check_kept(schema, change.path, "dropped", keys=True)

    def drop(siblings: Fields, name: str) -> Fields:
        position = _position(siblings, name)
        if len(siblings) == 1:
            raise InvalidInputError(
                f"column {named(change.path)!r} is the only one, and there must be one: add another first",
                kind=ErrorKind.INVALID_SCHEMA,
            )
        return (*siblings[:position], *siblings[position + 1 :])

    return replace(schema, fields=with_siblings(schema.fields, change.path, drop))


def _renamed(schema: TableSchema, change: RenameColumn) -> TableSchema:
    check_kept(schema, change.path, "renamed", keys=False)

    def rename(siblings: Fields, name: str) -> Fields:
        position = _position(siblings, name)
        if change.name != name:
            check_free_name(siblings, change.name, (*change.path[:-1], change.name))
        return (*siblings[:position], replace(siblings[position], name=change.name), *siblings[position + 1 :])

    fields = with_siblings(schema.fields, change.path, rename)
    if len(change.path) > 1:
        return replace(schema, fields=fields)
    old = change.path[0]
    return replace(
        schema,
        fields=fields,
        primary_keys=tuple(change.name if name == old else name for name in schema.primary_keys),
        options=renamed(schema.options, old, change.name, columns=schema.names),
    )


def _moved(schema: TableSchema, change: MoveColumn) -> TableSchema:
    def move(siblings: Fields, name: str) -> Fields:
        position = _position(siblings, name)
        if change.place.neighbour == name:
            raise InvalidInputError(f"column {named(change.path)!r} cannot be moved {change.place.where} itself")
        return _placed((*siblings[:position], *siblings[position + 1 :]), siblings[position], change.place)

    return replace(schema, fields=with_siblings(schema.fields, change.path, move))


def _with_option(schema: TableSchema, change: SetOption, *, has_snapshots: bool) -> TableSchema:
    if schema.options.get(change.key) == change.value:
        return schema
    check_option_change(schema.options, change.key, change.value, has_snapshots=has_snapshots)
    return replace(schema, options={**schema.options, change.key: change.value})
