"""Paimon types as Arrow types, and back.

| Paimon | Arrow |
|---|---|
| CHAR, VARCHAR, STRING | string |
| BINARY, VARBINARY, BYTES | binary |
| DECIMAL(p, s) | decimal128(p, s) |
| TIME(p) | time32[ms] |
| TIMESTAMP(p) | timestamp: s for p = 0, ms to 3, us to 6, ns to 9 |
| TIMESTAMP(p) WITH LOCAL TIME ZONE | the same with tz=UTC |
| ARRAY, MAP, MULTISET, ROW | list, map, map to int32, struct |
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pyarrow as pa

from lakestore.errors import ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.model.types import (
    BINARIES,
    MAX_LENGTH,
    STRINGS,
    DataType,
    Field,
    TypeRoot,
    parse_type_text,
)

TYPE_METADATA = b"paimon.type"
"""Arrow field metadata that names a Paimon type which Arrow alone cannot say, e.g. ``VARCHAR(20)``."""

_PLAIN: dict[TypeRoot, pa.DataType] = {
    TypeRoot.BOOLEAN: pa.bool_(),
    TypeRoot.TINYINT: pa.int8(),
    TypeRoot.SMALLINT: pa.int16(),
    TypeRoot.INT: pa.int32(),
    TypeRoot.BIGINT: pa.int64(),
    TypeRoot.FLOAT: pa.float32(),
    TypeRoot.DOUBLE: pa.float64(),
    TypeRoot.CHAR: pa.string(),
    TypeRoot.VARCHAR: pa.string(),
    TypeRoot.BINARY: pa.binary(),
    TypeRoot.VARBINARY: pa.binary(),
    TypeRoot.DATE: pa.date32(),
    TypeRoot.TIME: pa.time32("ms"),
}
_UNIT_OF_PRECISION = ("s", "ms", "ms", "ms", "us", "us", "us", "ns", "ns", "ns")
_PRECISION_OF_UNIT = {"s": 0, "ms": 3, "us": 6, "ns": 9}


def arrow_type(kind: DataType) -> pa.DataType:
    """The Arrow type that holds values of that Paimon type.

    Raises:
        UnsupportedFormatError: VARIANT, BLOB, VECTOR, GEOMETRY and GEOGRAPHY have none here.
    """
    plain = _PLAIN.get(kind.root)
    if plain is not None:
        return plain
    if kind.root is TypeRoot.DECIMAL and kind.precision is not None and kind.scale is not None:
        return pa.decimal128(kind.precision, kind.scale)
    if kind.root in {TypeRoot.TIMESTAMP, TypeRoot.TIMESTAMP_LTZ} and kind.precision is not None:
        zone = "UTC" if kind.root is TypeRoot.TIMESTAMP_LTZ else None
        return pa.timestamp(_UNIT_OF_PRECISION[kind.precision], zone)
    if kind.root is TypeRoot.ARRAY and kind.element is not None:
        return pa.list_(_child("element", kind.element))
    if kind.root is TypeRoot.MAP and kind.key is not None and kind.value is not None:
        return pa.map_(arrow_type(kind.key), _child("value", kind.value))
    if kind.root is TypeRoot.MULTISET and kind.element is not None:
        return pa.map_(arrow_type(kind.element), pa.field("value", pa.int32(), nullable=False))
    if kind.root is TypeRoot.ROW:
        return pa.struct([arrow_field(field) for field in kind.fields])
    raise UnsupportedFormatError(f"type {kind} has no Arrow form in this release")


def _child(name: str, kind: DataType) -> pa.Field:
    return pa.field(name, arrow_type(kind), nullable=kind.nullable)


def arrow_field(field: Field) -> pa.Field:
    """The Arrow field of a column: name, type and nullability."""
    return pa.field(field.name, arrow_type(field.type), nullable=field.type.nullable)


def arrow_schema(fields: Iterable[Field]) -> pa.Schema:
    """The Arrow schema of columns."""
    return pa.schema([arrow_field(field) for field in fields])


def paimon_type(kind: pa.DataType, *, nullable: bool = True) -> DataType:
    """The Paimon type for values of that Arrow type; ROW members get ids in ``fields_from_arrow``.

    Raises:
        InvalidInputError: No Paimon type holds all its values; the message names one to cast to.
    """
    simple = _from_plain(kind)
    if simple is not None:
        return parse_type_text(simple).with_nullable(nullable)
    if pa.types.is_decimal(kind) and 1 <= kind.precision <= 38 and 0 <= kind.scale <= kind.precision:
        return DataType(root=TypeRoot.DECIMAL, precision=kind.precision, scale=kind.scale, nullable=nullable)
    if pa.types.is_timestamp(kind):
        root = TypeRoot.TIMESTAMP if kind.tz is None else TypeRoot.TIMESTAMP_LTZ
        return DataType(root=root, precision=_PRECISION_OF_UNIT[kind.unit], nullable=nullable)
    if pa.types.is_dictionary(kind):
        return paimon_type(kind.value_type, nullable=nullable)
    if pa.types.is_map(kind):
        key = _declared(kind.key_field).with_nullable(nullable=False)
        value = _declared(kind.item_field)
        return DataType(root=TypeRoot.MAP, key=key, value=value, nullable=nullable)
    if any(test(kind) for test in _LISTS):
        element = _declared(kind.value_field)
        return DataType(root=TypeRoot.ARRAY, element=element, nullable=nullable)
    if pa.types.is_struct(kind):
        members = tuple(
            Field(id=-1, name=kind.field(i).name, type=_declared(kind.field(i))) for i in range(kind.num_fields)
        )
        return DataType(root=TypeRoot.ROW, fields=members, nullable=nullable)
    raise InvalidInputError(
        f"Arrow type {kind} has no Paimon type; cast the column first, for example to "
        f"{'decimal128(20, 0)' if kind == pa.uint64() else 'string, int64 or timestamp'}",
        kind=ErrorKind.INVALID_TYPE,
    )


_LISTS = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_fixed_size_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
)
_NAMES: tuple[tuple[pa.DataType, str], ...] = (
    (pa.bool_(), "BOOLEAN"),
    (pa.int8(), "TINYINT"),
    (pa.int16(), "SMALLINT"),
    (pa.uint8(), "SMALLINT"),
    (pa.int32(), "INT"),
    (pa.uint16(), "INT"),
    (pa.int64(), "BIGINT"),
    (pa.uint32(), "BIGINT"),
    (pa.float16(), "FLOAT"),
    (pa.float32(), "FLOAT"),
    (pa.float64(), "DOUBLE"),
    (pa.string(), "STRING"),
    (pa.large_string(), "STRING"),
    (pa.string_view(), "STRING"),
    (pa.binary(), "BYTES"),
    (pa.large_binary(), "BYTES"),
    (pa.binary_view(), "BYTES"),
    (pa.date32(), "DATE"),
    (pa.date64(), "DATE"),
    (pa.time32("s"), "TIME(0)"),
    (pa.time32("ms"), "TIME(3)"),
)


def _from_plain(kind: pa.DataType) -> str | None:
    if pa.types.is_fixed_size_binary(kind):
        return f"BINARY({kind.byte_width})"
    return next((name for arrow, name in _NAMES if arrow == kind), None)


def _declared(field: pa.Field) -> DataType:
    text = (field.metadata or {}).get(TYPE_METADATA)
    if text is None:
        return paimon_type(field.type, nullable=field.nullable)
    return parse_type_text(text.decode()).with_nullable(field.nullable)


def fields_from_arrow(schema: pa.Schema) -> tuple[Field, ...]:
    """Columns with fresh ids for an Arrow schema.

    A column takes its id first, then members of ROW types inside it take theirs, depth first
    (Paimon ``ReassignFieldId``). Field metadata ``paimon.type`` (e.g. ``VARCHAR(20)``) settles what Arrow
    cannot say; ``comment`` becomes the description.

    Raises:
        InvalidInputError: A column's type has no Paimon type.
    """
    return assign_ids([(field.name, _declared(field), _comment(field)) for field in schema])


def _comment(field: pa.Field) -> str | None:
    text = (field.metadata or {}).get(b"comment")
    return None if text is None else text.decode()


def assign_ids(columns: Sequence[tuple[str, DataType, str | None]], *, after: int = -1) -> tuple[Field, ...]:
    """Columns (name, type, comment) with ids counted up from ``after`` + 1, depth first."""
    counter = after
    fields: list[Field] = []
    for name, kind, comment in columns:
        counter += 1
        own = counter
        kind_with_ids, counter = _with_ids(kind, counter)
        fields.append(Field(id=own, name=name, type=kind_with_ids, description=comment))
    return tuple(fields)


def _with_ids(kind: DataType, counter: int) -> tuple[DataType, int]:
    if kind.root is TypeRoot.ROW:
        members: list[Field] = []
        for member in kind.fields:
            counter += 1
            own = counter
            inner, counter = _with_ids(member.type, counter)
            members.append(replace(member, id=own, type=inner))
        return replace(kind, fields=tuple(members)), counter
    if kind.element is not None:
        element, counter = _with_ids(kind.element, counter)
        return replace(kind, element=element), counter
    if kind.key is not None and kind.value is not None:
        key, counter = _with_ids(kind.key, counter)
        value, counter = _with_ids(kind.value, counter)
        return replace(kind, key=key, value=value), counter
    return kind, counter


def has_length_limit(kind: DataType) -> bool:
    """Whether values of that type can be too long for it."""
    return kind.root in {*STRINGS, *BINARIES} and kind.length != MAX_LENGTH
