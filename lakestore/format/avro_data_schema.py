"""Avro schemas of data files (Paimon ``AvroSchemaConverter``).

| Paimon | Avro |
|---|---|
| TINYINT, SMALLINT, INT | int |
| DECIMAL | bytes, decimal |
| DATE, TIME(p <= 3) | int, date and time-millis |
| TIMESTAMP(p) | long, timestamp-millis to p = 3, timestamp-micros to 6 |
| TIMESTAMP(p) WITH LOCAL TIME ZONE | the same with local-timestamp-… (Avro means the two the other way round) |
| MAP, MULTISET with text keys | map |
| MAP, MULTISET with other keys | array of records of key and value |

A nullable type is a union with null first. ``core.file_formats`` refuses what Avro has no
form for.
"""

import json
from collections.abc import Sequence
from typing import Any

from lakestore.errors import InvariantError
from lakestore.model.types import STRINGS, TIMESTAMPS, DataType, Field, TypeRoot

_RECORD, _NAMESPACE = "record", "org.apache.paimon.avro.generated"
_MILLIS = 3
_COUNT = DataType(root=TypeRoot.INT)
"""Counts of a MULTISET; Paimon lets them be null in Avro, though they never are."""

_PLAIN: dict[TypeRoot, str] = {
    TypeRoot.BOOLEAN: "boolean",
    TypeRoot.TINYINT: "int",
    TypeRoot.SMALLINT: "int",
    TypeRoot.INT: "int",
    TypeRoot.BIGINT: "long",
    TypeRoot.FLOAT: "float",
    TypeRoot.DOUBLE: "double",
    TypeRoot.CHAR: "string",
    TypeRoot.VARCHAR: "string",
    TypeRoot.BINARY: "bytes",
    TypeRoot.VARBINARY: "bytes",
}


def schema_text(fields: Sequence[Field]) -> str:
    """The schema of a file with those columns, as it stands in the file's header.

    Args:
        fields: Columns that ``core.file_formats`` lets pass.
    """
    return json.dumps(_record(fields, _RECORD, namespace=_NAMESPACE), ensure_ascii=False, separators=(",", ":"))


def entry_types(kind: DataType) -> tuple[DataType, DataType]:
    """Types of the keys and values of a MAP, or of the elements and counts of a MULTISET."""
    if kind.root is TypeRoot.MULTISET and kind.element is not None:
        return kind.element, _COUNT
    if kind.key is None or kind.value is None:
        raise InvariantError(f"type {kind} has no entries")
    return kind.key, kind.value


def has_text_keys(kind: DataType) -> bool:
    """Whether a MAP or MULTISET is an Avro map; otherwise it is an array of records."""
    return entry_types(kind)[0].root in STRINGS


def _record(fields: Sequence[Field], name: str, *, namespace: str | None = None) -> dict[str, Any]:
    members = []
    for field in fields:
        member: dict[str, Any] = {"name": field.name, "type": _type(field.type, f"{name}_{field.name}")}
        if field.type.nullable:
            member["default"] = None
        members.append(member)
    home = {} if namespace is None else {"namespace": namespace}
    return {"type": "record", "name": name, **home, "fields": members}


def _type(kind: DataType, name: str) -> Any:  # noqa: ANN401 - an Avro schema
    inner = _not_null(kind, name)
    return ["null", inner] if kind.nullable else inner


def _not_null(kind: DataType, name: str) -> Any:  # noqa: ANN401 - an Avro schema
    root = kind.root
    if root in _PLAIN:
        return _PLAIN[root]
    if root is TypeRoot.DECIMAL:
        return {"type": "bytes", "logicalType": "decimal", "precision": kind.precision, "scale": kind.scale}
    if root is TypeRoot.DATE:
        return {"type": "int", "logicalType": "date"}
    if root is TypeRoot.TIME:
        return {"type": "int", "logicalType": "time-millis"}
    if root in TIMESTAMPS:
        unit = "millis" if (kind.precision or 0) <= _MILLIS else "micros"
        prefix = "" if root is TypeRoot.TIMESTAMP else "local-"
        return {"type": "long", "logicalType": f"{prefix}timestamp-{unit}"}
    if root is TypeRoot.ROW:
        return _record(kind.fields, name)
    if root is TypeRoot.ARRAY and kind.element is not None:
        return {"type": "array", "items": _type(kind.element, name)}
    if root in {TypeRoot.MAP, TypeRoot.MULTISET}:
        return _map(kind, name)
    raise InvariantError(f"type {kind} has no form in Avro")


def _map(kind: DataType, name: str) -> dict[str, Any]:
    key, value = entry_types(kind)
    if has_text_keys(kind):
        return {"type": "map", "values": _type(value, name)}
    members: list[dict[str, Any]] = [
        {"name": "key", "type": _type(key, f"{name}_key")},
        {"name": "value", "type": _type(value, f"{name}_value")},
    ]
    if value.nullable:
        members[1]["default"] = None
    entry = {"type": "record", "name": name, "fields": members}
    return {"type": "array", "items": entry, "logicalType": "map"}
