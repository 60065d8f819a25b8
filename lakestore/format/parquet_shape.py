"""The shape that Paimon gives its types in a Parquet file (Paimon ``ParquetSchemaConverter``), nested ones above all.

| Paimon | groups |
|---|---|
| ARRAY | LIST: repeated ``list``, in it ``element`` |
| MAP | MAP: repeated ``key_value``, in it ``key``, REQUIRED, and ``value`` |
| MULTISET | as a MAP to a REQUIRED INT32 |
| ROW | a group of its members |

Parts without a field id of their own get one from the column or member that holds them, and from how deep in it they
are (Paimon ``SpecialFields``): readers that go by id find them too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lakestore.core.nested_arrays import list_parts, make_list, make_map, make_rows, map_parts
from lakestore.format.parquet_int96 import INT96_TYPE, to_int96
from lakestore.model.arrow import arrow_type
from lakestore.model.types import TIMESTAMPS, DataType, Field, TypeRoot

KEY, VALUE, ELEMENT = "key", "value", "element"

_FIELD_ID = b"PARQUET:field_id"
_UNNAMED_ID = (1 << 29) - 1
"""Ids of elements and values count up from here, those of keys down."""
_IDS_PER_FIELD = 1024
_MICROS = 6
_COUNT = DataType(root=TypeRoot.INT, nullable=False)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A column of values in the file.

    Attributes:
        path: Its path, part by part, as in ``path_in_schema``.
        type: Paimon type of its values.
    """

    path: tuple[str, ...]
    type: DataType


def is_int96(kind: DataType) -> bool:
    """Whether values are stored as INT96."""
    return kind.root in TIMESTAMPS and (kind.precision or 0) > _MICROS


def holds_int96(kind: DataType) -> bool:
    """Whether some values in values of that type are stored as INT96."""
    return any(is_int96(part) for part in kind.parts())


def file_field(field: Field) -> pa.Field:
    """The Arrow field that Arrow writes as Paimon writes that column; INT96 is written as 12 bytes."""
    return _field(field.name, field.type, field.id, field.id, 0)


def file_leaves(field: Field) -> Iterator[Leaf]:
    """The columns of values in the file that a column takes, in file order."""
    return _leaves((field.name,), field.type)


def leaves_of(column: Any, path: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - pyarrow has no types
    """The values of a column by the dotted path that they have in a file: nested ones part by part."""
    form = column.type
    if not pa.types.is_nested(form):
        yield path, column
        return
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_struct(form):
        for place, child in enumerate(array.flatten()):
            yield from leaves_of(child, f"{path}.{form.field(place).name}")
    elif pa.types.is_map(form):
        _, keys, values = map_parts(array)
        yield from leaves_of(keys, f"{path}.key_value.{KEY}")
        yield from leaves_of(values, f"{path}.key_value.{VALUE}")
    else:
        yield from leaves_of(list_parts(array)[1], f"{path}.list.{ELEMENT}")


def with_int96_values(array: Any, kind: DataType) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Values with the timestamps among them that are stored as INT96 in that form."""
    if is_int96(kind):
        return to_int96(array)
    if not holds_int96(kind):
        return array
    wanted = _file_type(kind, 0, 0)
    if kind.root is TypeRoot.ROW:
        found = zip(array.flatten(), kind.fields, strict=True)
        return make_rows(array, [with_int96_values(child, member.type) for child, member in found], wanted)
    if kind.root is TypeRoot.ARRAY and kind.element is not None:
        offsets, values = list_parts(array)
        return make_list(array, offsets, with_int96_values(values, kind.element), wanted)
    key, value = _entry(kind)
    offsets, keys, values = map_parts(array)
    return make_map(array, offsets, with_int96_values(keys, key), with_int96_values(values, value), wanted)


def _field(name: str, kind: DataType, own_id: int, holder: int, depth: int) -> pa.Field:
    """An Arrow field with its id; ``holder`` and ``depth`` make the ids of unnamed parts inside."""
    shape = pa.field(name, _file_type(kind, holder, depth), nullable=kind.nullable)
    return shape.with_metadata({_FIELD_ID: str(own_id).encode()})


def _file_type(kind: DataType, holder: int, depth: int) -> pa.DataType:
    if is_int96(kind):
        return INT96_TYPE
    if kind.root is TypeRoot.ROW:
        return pa.struct([file_field(member) for member in kind.fields])
    inner = depth + 1
    up, down = _UNNAMED_ID + _IDS_PER_FIELD * holder + inner, _UNNAMED_ID - _IDS_PER_FIELD * holder - inner
    if kind.root is TypeRoot.ARRAY and kind.element is not None:
        return pa.list_(_field(ELEMENT, kind.element, up, holder, inner))
    if kind.root in {TypeRoot.MAP, TypeRoot.MULTISET}:
        key, value = _entry(kind)
        return pa.map_(_field(KEY, key, down, holder, inner), _field(VALUE, value, up, holder, inner))
    return arrow_type(kind)


def _entry(kind: DataType) -> tuple[DataType, DataType]:
    """Types of the keys and values of a MAP or MULTISET; keys are never null in a file."""
    key, value = (kind.element, _COUNT) if kind.root is TypeRoot.MULTISET else (kind.key, kind.value)
    return (key or _COUNT).with_nullable(nullable=False), value or _COUNT


def _leaves(path: tuple[str, ...], kind: DataType) -> Iterator[Leaf]:
    if kind.root is TypeRoot.ROW:
        for member in kind.fields:
            yield from _leaves((*path, member.name), member.type)
    elif kind.root is TypeRoot.ARRAY and kind.element is not None:
        yield from _leaves((*path, "list", ELEMENT), kind.element)
    elif kind.root in {TypeRoot.MAP, TypeRoot.MULTISET}:
        key, value = _entry(kind)
        yield from _leaves((*path, "key_value", KEY), key)
        yield from _leaves((*path, "key_value", VALUE), value)
    else:
        yield Leaf(path, kind)
