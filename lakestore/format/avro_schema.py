"""Schemas that Avro files bring along: read strictly, made safe for decoding, held against what we expect.

An Avro file brings its own schema, so a damaged file brings a damaged one. Before a byte is decoded by it:

1. Named types are written out where they are used, under fresh names; logical types and defaults are dropped, so
   that a timestamp stays the integer it is in the file (data files keep the logical type as a note). A type that
   contains itself is refused, as is an array whose items take no bytes: either would let a few bytes ask for endless
   work.
2. The result is compared with the fields the reader knows. A known field must have the known type, though it may be
   nullable where a record stands. A missing field is fine where null is a legal value, as in files of older writers.
   Fields that nobody knows are skipped; but one that is a single letter away from a missing known one is damage.

Invariant: whatever is decoded by an accepted schema has, field by field, the types that the reader expects.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Schema = Any
"""An Avro schema as parsed JSON."""

_PRIMITIVES = {"null": 0, "boolean": 1, "int": 1, "long": 1, "float": 4, "double": 8, "bytes": 1, "string": 1}
"""The primitive types and the fewest bytes that a value takes."""
LOGICAL = "logical"
"""Key of a type under which its logical type is kept as a note, where fastavro does not look for it."""

_NODES_MAX = 4000
"""Types in one schema, named ones counted where they are used."""
_DEPTH_MAX = 40


class SchemaError(Exception):
    """The schema breaks Avro's rules or ours; the caller knows the file's name."""


@dataclass(slots=True)
class _Names:
    """Named types met so far, and the work done."""

    logical: bool = False
    known: dict[str, tuple[Mapping[str, Any], str]] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    nodes: int = 0


def safe_schema(text: str | bytes, *, logical: bool = False) -> Schema:
    """Parse the text of a schema and make it safe to decode by.

    Args:
        text: The schema as JSON.
        logical: Keep a note of logical types: an object under key ``LOGICAL``, as it stands in the schema.

    Raises:
        SchemaError: It is no Avro schema, or one that no writer of tables would write.
    """
    try:
        node = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"not JSON: {error}") from error
    return _normal(node, _Names(logical=logical), namespace="", depth=0)[0]


def _normal(node: Schema, names: _Names, *, namespace: str, depth: int) -> tuple[Schema, int]:
    """The safe form of a type, and the fewest bytes that a value of it takes."""
    names.nodes += 1
    if names.nodes > _NODES_MAX or depth > _DEPTH_MAX:
        raise SchemaError(f"more than {_NODES_MAX} types or {_DEPTH_MAX} levels")
    if isinstance(node, str):
        return _named(node, names, namespace=namespace, depth=depth)
    if isinstance(node, list):
        if not node or any(isinstance(branch, list) for branch in node):
            raise SchemaError("a union that is empty or directly inside a union")
        return [_normal(branch, names, namespace=namespace, depth=depth + 1)[0] for branch in node], 1
    if not isinstance(node, dict):
        raise SchemaError(f"expected a type, found {node!r}")
    kind = node.get("type")
    if kind in {"array", "map"}:
        member = "items" if kind == "array" else "values"
        inner, size = _normal(node.get(member), names, namespace=namespace, depth=depth + 1)
        if kind == "array" and size == 0:
            raise SchemaError("an array whose items take no bytes")
        return {"type": kind, member: inner}, 1
    if kind in {"record", "enum", "fixed"}:
        inner, size = _definition(node, names, namespace=namespace, depth=depth)
    else:
        inner, size = _normal(kind, names, namespace=namespace, depth=depth + 1)
    if names.logical and isinstance(node.get("logicalType"), str):
        note = {key: node.get(key) for key in ("logicalType", "precision", "scale")}
        inner = {**(inner if isinstance(inner, dict) else {"type": inner}), LOGICAL: note}
    return inner, size


def _named(word: str, names: _Names, *, namespace: str, depth: int) -> tuple[Schema, int]:
    if word in _PRIMITIVES:
        return word, _PRIMITIVES[word]
    full = word if "." in word or not namespace else f"{namespace}.{word}"
    if full in names.open:
        raise SchemaError(f"type {full!r} contains itself")
    if full not in names.known:
        raise SchemaError(f"unknown type {word!r}")
    definition, home = names.known[full]
    return _definition(definition, names, namespace=home, depth=depth + 1)


def _definition(node: Mapping[str, Any], names: _Names, *, namespace: str, depth: int) -> tuple[Schema, int]:
    name = node.get("name")
    if not isinstance(name, str) or not name:
        raise SchemaError(f"a {node['type']} without a name")
    home = node.get("namespace", namespace)
    if not isinstance(home, str):
        raise SchemaError(f"namespace {home!r}")
    if "." in name:
        home, full = name.rpartition(".")[0], name
    else:
        full = f"{home}.{name}" if home else name
    names.known[full] = (node, home)
    plain: dict[str, Any] = {"type": node["type"], "name": f"t{names.nodes}"}
    if node["type"] == "enum":
        plain["symbols"] = node.get("symbols")
        if not isinstance(plain["symbols"], list) or not all(isinstance(s, str) for s in plain["symbols"]):
            raise SchemaError(f"enum {full!r} without symbols")
        return plain, 1
    if node["type"] == "fixed":
        plain["size"] = node.get("size")
        if not isinstance(plain["size"], int) or not 0 <= plain["size"] < 1 << 31:
            raise SchemaError(f"fixed {full!r} of size {plain['size']!r}")
        return plain, plain["size"]
    names.open.add(full)
    plain["fields"], size = _fields(node.get("fields"), names, namespace=home, depth=depth)
    names.open.discard(full)
    return plain, size


def _fields(raw: Schema, names: _Names, *, namespace: str, depth: int) -> tuple[list[Schema], int]:
    if not isinstance(raw, list):
        raise SchemaError(f"fields of a record: expected a list, found {raw!r}")
    fields: list[Schema] = []
    total = 0
    for item in raw:
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            raise SchemaError(f"a field without a name: {item!r}")
        inner, size = _normal(item.get("type"), names, namespace=namespace, depth=depth + 1)
        fields.append({"name": item["name"], "type": inner})
        total += size
    if len({item["name"] for item in fields}) != len(fields):
        raise SchemaError("two fields of one name")
    return fields, total


def check_matches(found: Schema, expected: Schema) -> None:
    """Compare the records of a file with those that the reader knows.

    Args:
        found: Safe schema of the file; may be a union of null and the record.
        expected: Safe schema of the reader. A field whose type is a union with null may be missing.

    Raises:
        SchemaError: A field is missing, or of a type that the reader does not take.
    """
    _match(found, expected, "")


def _match(found: Schema, expected: Schema, where: str) -> None:
    wanted, optional = _without_null(expected)
    given, nullable = _without_null(found)
    shape = wanted["type"] if isinstance(wanted, dict) else wanted
    actual = given["type"] if isinstance(given, dict) else given
    if isinstance(given, list) or not (actual == shape or {actual, shape} == {"int", "long"}):
        raise SchemaError(f"field {where!r}: expected type {shape}, found {given!r}")
    if nullable and not optional and shape != "record":
        raise SchemaError(f"field {where!r}: may be null here, which the format does not allow")
    if shape == "array":
        _match(given["items"], wanted["items"], f"{where}[]")
    elif shape == "record":
        _match_fields(given["fields"], wanted["fields"], where)


def _match_fields(found: Sequence[Schema], expected: Sequence[Schema], where: str) -> None:
    given = {item["name"]: item["type"] for item in found}
    unknown = given.keys() - {item["name"] for item in expected}
    for item in expected:
        name = item["name"]
        full = f"{where}.{name}" if where else name
        if name in given:
            _match(given[name], item["type"], full)
        elif not _without_null(item["type"])[1]:
            raise SchemaError(f"field {full!r} is missing")
        elif any(_one_letter_apart(name, other) for other in unknown):
            raise SchemaError(f"field {full!r} is missing, and an unknown one is spelt almost so")


def _without_null(schema: Schema) -> tuple[Schema, bool]:
    if isinstance(schema, list):
        rest = [branch for branch in schema if branch != "null"]
        return (rest[0] if len(rest) == 1 else rest), len(rest) < len(schema)
    return schema, False


def _one_letter_apart(name: str, other: str) -> bool:
    return len(name) == len(other) and sum(a != b for a, b in zip(name, other, strict=True)) == 1
