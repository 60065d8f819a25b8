"""What rows ask of a schema that is allowed to follow them (``evolve=True``): new columns, wider types.

1. A column that the table does not have is added at the end, nullable, with the type that Arrow says.
2. A number column whose type is wider than the table's, in its own family, is widened: int to bigint, float to
   double, a decimal to more digits. Values without types of their own (Python's) and key columns are left alone here.
3. Any other column is widened if its values do not fit and Paimon casts the old type to theirs implicitly.

Invariant: every change is one that ``core.evolve`` allows without losing a value; nothing is ever narrowed.
"""

from collections.abc import Collection

import pyarrow as pa

from lakestore.core.cast_rules import CastKind, cast_kind
from lakestore.core.ingest import to_schema
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.arrow import fields_from_arrow
from lakestore.model.changes import AddColumn, ChangeType, SchemaChange
from lakestore.model.schema import TableSchema
from lakestore.model.types import (
    FLOATS,
    INTEGERS,
    MAX_DECIMAL_PRECISION,
    NESTED,
    STRINGS,
    DataType,
    Field,
    TypeRoot,
)


def needed_changes(
    rows: pa.Table, schema: TableSchema, *, typed: bool, leave: Collection[str] = ()
) -> tuple[SchemaChange, ...]:
    """The changes after which the rows fit the schema; none if they do, or if no change would help.

    Args:
        rows: Rows to be written, or the first of them.
        schema: The table's schema.
        typed: Whether the rows' types were chosen, as those of Arrow data are and those of Python values are not.
        leave: Columns of the rows that are no columns of a table.

    Raises:
        InvalidInputError: A new column has a type that no Paimon type holds.
    """
    known = {field.name: field for field in schema.fields}
    keys = {*schema.primary_keys, *schema.partition_keys}
    changes: list[SchemaChange] = []
    for name in rows.column_names:
        if name in leave:
            continue
        if name not in known:
            changes.append(AddColumn(path=(name,), type=_type_of(rows, name)))
            continue
        kind = _widened(rows, known[name], typed=typed and name not in keys)
        if kind is not None:
            changes.append(ChangeType(path=(name,), type=kind))
    return tuple(changes)


def _type_of(rows: pa.Table, name: str) -> DataType:
    form = rows.schema.field(name)
    if pa.types.is_null(form.type):
        raise InvalidInputError(
            f"column {name!r} is not in the table and holds nothing but nulls, so its type is unknown: leave it out, "
            "or add it to the table first",
            kind=ErrorKind.INVALID_TYPE,
        )
    try:
        (field,) = fields_from_arrow(pa.schema([form]))
    except InvalidInputError as error:
        raise InvalidInputError(f"column {name!r} cannot be added: {error.message}", kind=error.kind) from error
    return field.type.with_nullable(nullable=True)


def _widened(rows: pa.Table, field: Field, *, typed: bool) -> DataType | None:
    """The column's new type; None to keep the one it has."""
    form = rows.schema.field(field.name)
    if pa.types.is_null(form.type) or field.type.root in NESTED:
        return None
    try:
        (found,) = fields_from_arrow(pa.schema([form]))
    except InvalidInputError:
        return None
    wider = _common(field.type, found.type)
    if wider is None or wider == field.type:
        return None
    if typed and wider.root in _FAMILIES.get(field.type.root, ()):
        return wider
    return None if _fits(rows, field) else wider


_FAMILIES = {
    **dict.fromkeys(INTEGERS, INTEGERS),
    **dict.fromkeys(FLOATS, FLOATS),
    TypeRoot.DECIMAL: (TypeRoot.DECIMAL,),
}
"""Families of types in which a type alone asks for a wider column."""


def _common(own: DataType, found: DataType) -> DataType | None:
    """The narrowest type that holds the values of both and that Paimon casts the first to; None if there is none."""
    found = found.with_nullable(own.nullable)
    if own.root is TypeRoot.DECIMAL and found.root is TypeRoot.DECIMAL:
        scale = max(own.scale or 0, found.scale or 0)
        whole = max((each.precision or 0) - (each.scale or 0) for each in (own, found))
        if whole + scale > MAX_DECIMAL_PRECISION:
            return None
        return DataType(root=TypeRoot.DECIMAL, precision=whole + scale, scale=scale, nullable=own.nullable)
    if own.root in STRINGS:
        return None
    if own.root is found.root:
        return found if (found.precision or 0) > (own.precision or 0) else own
    if cast_kind(own, found) is not CastKind.IMPLICIT or cast_kind(found, own) is CastKind.IMPLICIT:
        return None
    return found


def _fits(rows: pa.Table, field: Field) -> bool:
    try:
        to_schema(rows.select([field.name]), [field])
    except InvalidInputError as error:
        return error.kind not in {ErrorKind.LOSSY_VALUE, ErrorKind.INVALID_TYPE}
    return True
