"""Values of one Avro column as an Arrow array of the column's declared type.

The values are what fastavro makes of a schema without logical types: numbers, text, bytes, lists and dicts. Nested
values are flattened level by level, so that each leaf becomes one array and logical types are applied to whole arrays.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lakestore.core.nested_arrays import Offsets, make_list, make_map, make_rows
from lakestore.core.project import stored
from lakestore.errors import CorruptTableError
from lakestore.format.avro_data_schema import entry_types
from lakestore.format.avro_schema import LOGICAL, Schema
from lakestore.format.decimal_bytes import from_bytes
from lakestore.model.arrow import arrow_type
from lakestore.model.types import NESTED, TIMESTAMPS, DataType, TypeRoot

Values = Sequence[Any]

_ARROW: Mapping[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
    "bytes": pa.binary(),
    "fixed": pa.binary(),
}
_UNITS = {"millis": "ms", "micros": "us", "nanos": "ns"}
_VALUE_ERRORS = (pa.ArrowException, OverflowError, TypeError, ValueError, KeyError, AttributeError)


def column_of(values: Values, schema: Schema, kind: DataType, *, name: str, path: str) -> pa.Array:
    """The values as an array of ``arrow_type(kind)``.

    Args:
        values: One for each row.
        schema: The file's type of the column, with notes of logical types.
        kind: The column's declared type; a ROW may lack members that the file has.
        name: The column, for messages.
        path: The file, for messages.

    Raises:
        CorruptTableError: The file's type is of another family, or a value does not fit the declared type.
    """
    try:
        return _array(values, schema, kind)
    except _VALUE_ERRORS as error:
        raise CorruptTableError(f"column {name!r} cannot be read as {kind}: {error}", path=path) from error


def _array(values: Values, schema: Schema, kind: DataType) -> pa.Array:
    schema = _without_null(schema)
    shape = schema["type"] if isinstance(schema, dict) else schema
    match kind.root, shape:
        case TypeRoot.ROW, "record":
            return _rows(values, schema, kind)
        case TypeRoot.ARRAY, "array":
            return _lists(values, schema["items"], kind)
        case ((TypeRoot.MAP | TypeRoot.MULTISET), ("map" | "array")):
            return _maps(values, schema, kind)
    if shape not in _ARROW or kind.root in NESTED:
        raise TypeError(f"the file has it as {shape}")
    note = schema.get(LOGICAL, {}) if isinstance(schema, dict) else {}
    return stored(_typed(pa.array(values, _ARROW[shape]), note, kind), kind)


def _without_null(schema: Schema) -> Schema:
    if not isinstance(schema, list):
        return schema
    rest = [branch for branch in schema if branch != "null"]
    if len(rest) != 1:
        raise TypeError(f"the file has it as a union of {len(rest)} types")
    return rest[0]


def _typed(array: pa.Array, note: Mapping[str, Any], kind: DataType) -> pa.Array:
    """What the logical type makes of numbers and bytes; without one the declared type says it, as in Paimon."""
    logical = str(note.get("logicalType") or "")
    if kind.root is TypeRoot.DECIMAL and pa.types.is_binary(array.type):
        precision, scale = note.get("precision") or kind.precision, note.get("scale")
        return from_bytes(array, pa.decimal128(precision, (scale or 0) if logical == "decimal" else kind.scale))
    if kind.root in TIMESTAMPS and pa.types.is_int64(array.type):
        unit = _UNITS.get(logical.rpartition("-")[2]) or ("ms" if (kind.precision or 0) <= 3 else "us")
        return array.view(pa.timestamp(unit))
    if kind.root is TypeRoot.DATE and pa.types.is_int32(array.type):
        return array.view(pa.date32())
    if kind.root is TypeRoot.TIME and pa.types.is_int32(array.type):
        return array.view(pa.time32("ms"))
    return array


def _rows(values: Values, schema: Schema, kind: DataType) -> pa.Array:
    own = {field["name"]: field["type"] for field in schema["fields"]}
    members = [
        _member([None if value is None else value.get(each.name) for value in values], own.get(each.name), each.type)
        for each in kind.fields
    ]
    return make_rows(_marks(values), members, arrow_type(kind))


def _member(values: Values, schema: Schema | None, kind: DataType) -> pa.Array:
    """Values of a member; one that the file does not have is null, if it may be."""
    if schema is None and kind.nullable:
        return pa.nulls(len(values), arrow_type(kind))
    return _array(values, schema, kind)


def _lists(values: Values, items: Schema, kind: DataType) -> pa.Array:
    flat = [item for value in values if value is not None for item in value]
    element = kind.element or kind
    return make_list(_marks(values), _offsets(values), _array(flat, items, element), arrow_type(kind))


def _maps(values: Values, schema: Schema, kind: DataType) -> pa.Array:
    key, value = entry_types(kind)
    keys: Values
    if schema["type"] == "map":
        keys = [each for entries in values if entries is not None for each in entries]
        items = [each for entries in values if entries is not None for each in entries.values()]
        key_schema, item_schema = "string", schema["values"]
    else:
        flat = [entry for entries in values if entries is not None for entry in entries]
        keys, items = [entry["key"] for entry in flat], [entry["value"] for entry in flat]
        members = {field["name"]: field["type"] for field in _without_null(schema["items"])["fields"]}
        key_schema, item_schema = members["key"], members["value"]
    parts = _array(keys, key_schema, key), _array(items, item_schema, value)
    return make_map(_marks(values), _offsets(values), *parts, arrow_type(kind))


def _offsets(values: Values) -> Offsets:
    ends = np.zeros(len(values) + 1, np.int64)
    np.cumsum([0 if value is None else len(value) for value in values], out=ends[1:])
    return ends


def _marks(values: Values) -> pa.Array:
    """An array that is null where the values are."""
    return pa.array([None if value is None else True for value in values], pa.bool_())
