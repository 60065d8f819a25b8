"""What people name by path: ``address.city`` is the member ``city`` of the ROW ``address``.

A column whose own name is the whole text comes first, dots and all; else longer names are tried before shorter ones.
Below an ARRAY the path goes on with ``element``, below a MAP with ``value``, as in schema changes.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from lakestore.core.casts import find_cast
from lakestore.errors import ErrorKind, InvariantError, NotFoundError
from lakestore.model.arrow import arrow_field
from lakestore.model.changes import ELEMENT, VALUE
from lakestore.model.predicate import Predicate, columns_of
from lakestore.model.schema import TableSchema
from lakestore.model.types import NESTED, DataType, Field, TypeRoot


def select_fields(schema: TableSchema, names: Iterable[str]) -> tuple[Field, ...]:
    """Columns, whole or narrowed: a path leaves of its column only the members that paths name.

    Paths into one column make one column of it, with its members in the table's order; a column named as a whole too
    stays whole.

    Args:
        schema: The table's schema.
        names: Names and paths, in the order wanted.

    Raises:
        NotFoundError: One of them is not there.
    """
    wanted = tuple(names)
    if set(wanted) <= set(schema.names):
        return schema.select(wanted)
    found: dict[str, list[Field]] = {}
    for name in wanted:
        field = _narrow(schema.fields, name, name)
        found.setdefault(field.name, []).append(field)
    return tuple(_joined(schema.find(name), fields) for name, fields in found.items())


def member_field(schema: TableSchema, name: str) -> Field:
    """The member of a ROW that a path names, as a column of that name; null where a ROW around it is.

    Raises:
        NotFoundError: It is not there, or lies inside an ARRAY or a MAP, where a row has any number of it.
    """
    field = _narrow(schema.fields, name, name)
    nullable = False
    kind = field.type
    rest = name
    while rest != field.name:
        if kind.root is not TypeRoot.ROW:
            raise NotFoundError(
                f"column {name!r} lies inside {kind.root} values, of which a row has any number: a predicate can only "
                "name members of ROWs",
                kind=ErrorKind.COLUMN_NOT_FOUND,
            )
        nullable = nullable or kind.nullable
        rest = rest[len(field.name) + 1 :]
        field = kind.fields[0]
        kind = field.type
    return replace(field, name=name, type=kind.with_nullable(nullable=nullable or kind.nullable))


def _narrow(fields: Sequence[Field], name: str, whole: str) -> Field:
    """The column that a path begins with, with nothing in it but what the path names."""
    dead_end = None
    for field, rest in _splits(fields, name):
        if rest is None:
            return field
        try:
            return replace(field, type=_narrow_type(field.type, rest, whole))
        except NotFoundError as error:
            dead_end = error
    if dead_end is not None:
        raise dead_end
    where = "" if name == whole else f" at {name!r}"
    raise NotFoundError(
        f"column {whole!r} not found;{where} there are: {', '.join(field.name for field in fields)}",
        kind=ErrorKind.COLUMN_NOT_FOUND,
    )


def _splits(fields: Sequence[Field], name: str) -> Iterator[tuple[Field, str | None]]:
    """Columns that the path may begin with, the longest name first, and the rest of the path."""
    for field in sorted(fields, key=lambda field: -len(field.name)):
        if name == field.name:
            yield field, None
        elif name.startswith(field.name + "."):
            yield field, name[len(field.name) + 1 :]


def _narrow_type(kind: DataType, rest: str, whole: str) -> DataType:
    if kind.root is TypeRoot.ROW:
        return replace(kind, fields=(_narrow(kind.fields, rest, whole),))
    part, inner = (ELEMENT, kind.element) if kind.root is TypeRoot.ARRAY else (VALUE, kind.value)
    if inner is None:
        raise NotFoundError(
            f"column {whole!r} not found: {kind} has no parts to choose from", kind=ErrorKind.COLUMN_NOT_FOUND
        )
    alone = Field(id=-1, name=part, type=inner)
    only = _narrow((alone,), rest, whole).type
    return replace(kind, element=only) if kind.root is TypeRoot.ARRAY else replace(kind, value=only)


def _joined(field: Field, chosen: Sequence[Field]) -> Field:
    return replace(field, type=_joined_type(field.type, [one.type for one in chosen]))


def _joined_type(kind: DataType, chosen: Sequence[DataType]) -> DataType:
    """What several narrowed forms of one type name together, in that type's order."""
    if kind in chosen or len(set(chosen)) == 1:
        return kind if kind in chosen else chosen[0]
    if kind.root is TypeRoot.ROW:
        named: dict[int, list[DataType]] = {}
        for one in chosen:
            for member in one.fields:
                named.setdefault(member.id, []).append(member.type)
        return replace(
            kind,
            fields=tuple(
                replace(member, type=_joined_type(member.type, named[member.id]))
                for member in kind.fields
                if member.id in named
            ),
        )
    if kind.root is TypeRoot.ARRAY and kind.element is not None:
        return replace(kind, element=_joined_type(kind.element, [one.element for one in chosen if one.element]))
    if kind.value is not None:
        return replace(kind, value=_joined_type(kind.value, [one.value for one in chosen if one.value]))
    return kind


def predicate_fields(schema: TableSchema, where: Predicate) -> tuple[Field, ...]:
    """The columns that a predicate may name: the table's, and the members of ROWs that it names by path.

    Raises:
        NotFoundError: A path into a column leads nowhere.
    """
    paths = sorted(columns_of(where) - set(schema.names))
    heads = tuple(f"{field.name}." for field in schema.fields if field.type.root in NESTED)
    return (*schema.fields, *(member_field(schema, path) for path in paths if path.startswith(heads)))


def narrow_columns(rows: Any, own: Sequence[Field], wanted: Sequence[Field]) -> Any:  # noqa: ANN401
    """The wanted columns of a table or batch, whose ROWs may have members besides that are not wanted."""
    types = {field.name: field.type for field in own}
    chosen = rows.select([field.name for field in wanted])
    for place, field in enumerate(wanted):
        if types[field.name] == field.type:
            continue
        cast = find_cast(types[field.name], field.type)
        if cast is None:
            raise InvariantError(f"column {field.name!r} narrowed from {types[field.name]} to {field.type}")
        chosen = chosen.set_column(place, arrow_field(field), cast(chosen.column(place)))
    return chosen
