"""Paimon's data types and their text and JSON form.

Grammar: spec ``concepts/data-types``; parser facts of Paimon ``DataTypeJsonParser``. An atomic type is a
string such as ``DECIMAL(10, 2) NOT NULL``; ARRAY, MAP, MULTISET, ROW and VECTOR are JSON objects.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from lakestore.errors import ErrorKind, InvalidInputError

MAX_LENGTH = 2147483647
"""Length that ``STRING`` and ``BYTES`` stand for."""

MAX_DECIMAL_PRECISION = 38
MAX_TIME_PRECISION = 9


class TypeRoot(StrEnum):
    """The type families. The values are format: they are the keywords in schema files."""

    BOOLEAN = "BOOLEAN"
    TINYINT = "TINYINT"
    SMALLINT = "SMALLINT"
    INT = "INT"
    BIGINT = "BIGINT"
    FLOAT = "FLOAT"
    DOUBLE = "DOUBLE"
    DECIMAL = "DECIMAL"
    CHAR = "CHAR"
    VARCHAR = "VARCHAR"
    BINARY = "BINARY"
    VARBINARY = "VARBINARY"
    DATE = "DATE"
    TIME = "TIME"
    TIMESTAMP = "TIMESTAMP"
    TIMESTAMP_LTZ = "TIMESTAMP_LTZ"
    ARRAY = "ARRAY"
    MAP = "MAP"
    MULTISET = "MULTISET"
    ROW = "ROW"
    VARIANT = "VARIANT"
    BLOB = "BLOB"
    VECTOR = "VECTOR"
    GEOMETRY = "GEOMETRY"
    GEOGRAPHY = "GEOGRAPHY"


INTEGERS = (TypeRoot.TINYINT, TypeRoot.SMALLINT, TypeRoot.INT, TypeRoot.BIGINT)
FLOATS = (TypeRoot.FLOAT, TypeRoot.DOUBLE)
STRINGS = (TypeRoot.CHAR, TypeRoot.VARCHAR)
BINARIES = (TypeRoot.BINARY, TypeRoot.VARBINARY)
TIMESTAMPS = (TypeRoot.TIMESTAMP, TypeRoot.TIMESTAMP_LTZ)
NESTED = (TypeRoot.ARRAY, TypeRoot.MAP, TypeRoot.MULTISET, TypeRoot.ROW)
EXOTIC = (TypeRoot.VARIANT, TypeRoot.BLOB, TypeRoot.VECTOR, TypeRoot.GEOMETRY, TypeRoot.GEOGRAPHY)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataType:
    """One Paimon type.

    Attributes:
        root: Type family.
        nullable: Whether null is a value.
        length: Of CHAR, VARCHAR, BINARY, VARBINARY (characters or bytes) and VECTOR.
        precision: Of DECIMAL (digits), TIME and TIMESTAMP (fraction digits).
        scale: Of DECIMAL.
        element: Of ARRAY, MULTISET, VECTOR.
        key: Of MAP.
        value: Of MAP.
        fields: Of ROW.
        arguments: Of GEOMETRY and GEOGRAPHY, the text in the brackets.
    """

    root: TypeRoot
    nullable: bool = True
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    element: "DataType | None" = None
    key: "DataType | None" = None
    value: "DataType | None" = None
    fields: tuple["Field", ...] = ()
    arguments: str = ""

    def __post_init__(self) -> None:
        root = self.root
        if root is TypeRoot.DECIMAL and not (
            self.precision is not None
            and self.scale is not None
            and 1 <= self.precision <= MAX_DECIMAL_PRECISION
            and 0 <= self.scale <= self.precision
        ):
            raise _bad_type(
                f"DECIMAL({self.precision}, {self.scale})",
                "precision 1 to 38 and scale 0 to precision",
            )
        if root in {TypeRoot.TIME, *TIMESTAMPS} and not (
            self.precision is not None and 0 <= self.precision <= MAX_TIME_PRECISION
        ):
            raise _bad_type(f"{root}({self.precision})", "precision 0 to 9")
        if root in {*STRINGS, *BINARIES} and not (self.length is not None and 1 <= self.length <= MAX_LENGTH):
            raise _bad_type(f"{root}({self.length})", f"a length of 1 to {MAX_LENGTH}")

    def with_nullable(self, nullable: bool) -> "DataType":  # noqa: FBT001 - reads as a value, not a switch
        """The same type with that nullability."""
        return self if nullable == self.nullable else replace(self, nullable=nullable)

    def children(self) -> Iterator["DataType"]:
        """Types directly inside this one."""
        for child in (self.element, self.key, self.value):
            if child is not None:
                yield child
        for field in self.fields:
            yield field.type

    def parts(self) -> Iterator["DataType"]:
        """This type and every type inside it, at any depth."""
        yield self
        for child in self.children():
            yield from child.parts()

    def __str__(self) -> str:
        """SQL-like text, e.g. ``DECIMAL(10, 2) NOT NULL`` or ``ARRAY<INT>``."""
        suffix = "" if self.nullable else " NOT NULL"
        if self.root in {TypeRoot.ARRAY, TypeRoot.MULTISET}:
            return f"{self.root}<{self.element}>{suffix}"
        if self.root is TypeRoot.VECTOR:
            return f"VECTOR<{self.element}, {self.length}>{suffix}"
        if self.root is TypeRoot.MAP:
            return f"MAP<{self.key}, {self.value}>{suffix}"
        if self.root is TypeRoot.ROW:
            inner = ", ".join(f"{field.name} {field.type}" for field in self.fields)
            return f"ROW<{inner}>{suffix}"
        return _atomic_text(self) + suffix


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A column, or a member of a ROW.

    Attributes:
        id: Never changes and is never used again in its table.
        name: Column name.
        type: Column type.
        description: Comment, None if there is none.
        default_value: Text of the default, None if there is none.
    """

    id: int
    name: str
    type: DataType
    description: str | None = None
    default_value: str | None = None


def _bad_type(text: str, expected: str) -> InvalidInputError:
    return InvalidInputError(f"type {text!r} is not a Paimon type: expected {expected}", kind=ErrorKind.INVALID_TYPE)


def _atomic_text(kind: DataType) -> str:
    root = kind.root
    if root in {TypeRoot.VARCHAR, TypeRoot.VARBINARY} and kind.length == MAX_LENGTH:
        return "STRING" if root is TypeRoot.VARCHAR else "BYTES"
    if root in {*STRINGS, *BINARIES}:
        return f"{root}({kind.length})"
    if root is TypeRoot.DECIMAL:
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if root in {TypeRoot.TIME, TypeRoot.TIMESTAMP}:
        return f"{root}({kind.precision})"
    if root is TypeRoot.TIMESTAMP_LTZ:
        return f"TIMESTAMP({kind.precision}) WITH LOCAL TIME ZONE"
    if kind.arguments:
        return f"{root}({kind.arguments})"
    return str(root)


_ATOMIC = re.compile(
    r"^\s*(?P<word>[A-Z_]+(?:\s+PRECISION)?)\s*(?:\(\s*(?P<args>[^)]*?)\s*\))?\s*"
    r"(?P<zone>WITH\s+LOCAL\s+TIME\s+ZONE|WITH\s+TIME\s+ZONE|WITHOUT\s+TIME\s+ZONE)?\s*"
    r"(?P<null>NOT\s+NULL|NULL)?\s*$",
    re.IGNORECASE,
)
_ALIASES = {
    "INTEGER": "INT",
    "DEC": "DECIMAL",
    "NUMERIC": "DECIMAL",
    "DOUBLE PRECISION": "DOUBLE",
}

_ELSEWHERE = {
    "TEXT": "STRING",
    "STR": "STRING",
    "LONG": "BIGINT",
    "INT64": "BIGINT",
    "INT32": "INT",
    "BOOL": "BOOLEAN",
    "DATETIME": "TIMESTAMP",
    "REAL": "FLOAT",
    "FLOAT64": "DOUBLE",
}
"""What other systems call a type."""


def parse_type_text(text: str) -> DataType:
    """Parse an atomic type such as ``varchar(20) not null``.

    Raises:
        InvalidInputError: The text is no atomic Paimon type.
    """
    match = _ATOMIC.match(text)
    if match is None:
        raise _bad_type(text, "an atomic type such as BIGINT, VARCHAR(20) or TIMESTAMP(3) NOT NULL")
    word = " ".join(match["word"].upper().split())
    word = _ALIASES.get(word, word)
    nullable = (match["null"] or "NULL").upper() == "NULL"
    zone = " ".join((match["zone"] or "").upper().split())
    raw = match["args"] or ""
    if word in {"GEOMETRY", "GEOGRAPHY"}:
        return DataType(root=TypeRoot(word), nullable=nullable, arguments=raw)
    if raw and not re.fullmatch(r"\d+(\s*,\s*\d+)?", raw):
        raise _bad_type(text, "numbers in the brackets")
    args = [int(part) for part in raw.split(",")] if raw else []
    if zone and (word != "TIMESTAMP" or zone == "WITH TIME ZONE"):
        raise _bad_type(text, "TIMESTAMP(p) WITH LOCAL TIME ZONE as the only zoned type")
    if zone == "WITH LOCAL TIME ZONE":
        word = "TIMESTAMP_LTZ"
    return _atomic(text, word, args).with_nullable(nullable)


def _atomic(text: str, word: str, args: list[int]) -> DataType:
    if word in {"STRING", "BYTES"} and not args:
        root = TypeRoot.VARCHAR if word == "STRING" else TypeRoot.VARBINARY
        return DataType(root=root, length=MAX_LENGTH)
    try:
        root = TypeRoot(word)
    except ValueError:
        raise _bad_type(text, _known_types(word)) from None
    if root in {*STRINGS, *BINARIES} and len(args) <= 1:
        return DataType(root=root, length=args[0] if args else 1)
    if root is TypeRoot.DECIMAL:
        return DataType(root=root, precision=args[0] if args else 10, scale=args[1] if len(args) > 1 else 0)
    if root in {TypeRoot.TIME, *TIMESTAMPS} and len(args) <= 1:
        default = 0 if root is TypeRoot.TIME else 6
        return DataType(root=root, precision=args[0] if args else default)
    if args or root in NESTED or root is TypeRoot.VECTOR:
        raise _bad_type(text, "no brackets here" if args else "the JSON form of a nested type")
    return DataType(root=root)


def _known_types(word: str) -> str:
    """The names of the types that there are for columns, and the one most like the word."""
    known = ["STRING", "BYTES", *(str(root) for root in TypeRoot if root not in EXOTIC)]
    like = [_ELSEWHERE[word]] if word in _ELSEWHERE else difflib.get_close_matches(word, known, 1)
    return f"one of {', '.join(known)}" + (f"; did you mean {like[0]}?" if like else "")


def parse_type(value: str | Mapping[str, Any]) -> DataType:
    """Parse a type from its form in a schema file: a string, or an object for nested types.

    Raises:
        InvalidInputError: The value is no Paimon type.
    """
    if isinstance(value, str):
        return parse_type_text(value)
    word = " ".join(str(value.get("type", "")).upper().split())
    nullable = not word.endswith("NOT NULL")
    word = word.removesuffix("NOT NULL").strip()
    try:
        if word in {"ARRAY", "MULTISET", "VECTOR"}:
            return DataType(
                root=TypeRoot(word),
                nullable=nullable,
                element=parse_type(value["element"]),
                length=int(value["length"]) if word == "VECTOR" else None,
            )
        if word == "MAP":
            return DataType(
                root=TypeRoot.MAP,
                nullable=nullable,
                key=parse_type(value["key"]),
                value=parse_type(value["value"]),
            )
        if word == "ROW":
            fields = tuple(parse_field(field) for field in value["fields"])
            return DataType(root=TypeRoot.ROW, nullable=nullable, fields=fields)
    except (KeyError, TypeError) as error:
        raise _bad_type(str(dict(value)), f"a member {error} in a {word}") from error
    raise _bad_type(str(dict(value)), "ARRAY, MAP, MULTISET, ROW or VECTOR as the object's type")


def parse_field(value: Mapping[str, Any]) -> Field:
    """Parse a field from its form in a schema file."""
    description = value.get("description")
    default = value.get("defaultValue")
    return Field(
        id=int(value["id"]),
        name=str(value["name"]),
        type=parse_type(value["type"]),
        description=None if description is None else str(description),
        default_value=None if default is None else str(default),
    )


def type_to_json(kind: DataType) -> str | dict[str, Any]:
    """The form of a type in a schema file."""
    word = f"{kind.root}{'' if kind.nullable else ' NOT NULL'}"
    if kind.root in {TypeRoot.ARRAY, TypeRoot.MULTISET, TypeRoot.VECTOR} and kind.element:
        node: dict[str, Any] = {"type": word, "element": type_to_json(kind.element)}
        if kind.root is TypeRoot.VECTOR:
            node["length"] = kind.length
        return node
    if kind.root is TypeRoot.MAP and kind.key and kind.value:
        return {"type": word, "key": type_to_json(kind.key), "value": type_to_json(kind.value)}
    if kind.root is TypeRoot.ROW:
        return {"type": word, "fields": [field_to_json(field) for field in kind.fields]}
    return str(kind)


def field_to_json(field: Field) -> dict[str, Any]:
    """The form of a field in a schema file."""
    node: dict[str, Any] = {"id": field.id, "name": field.name, "type": type_to_json(field.type)}
    if field.description is not None:
        node["description"] = field.description
    if field.default_value is not None:
        node["defaultValue"] = field.default_value
    return node


def highest_field_id(fields: tuple[Field, ...]) -> int:
    """Greatest id used by the fields and everything nested in them, -1 for none."""
    highest = -1
    for field in fields:
        highest = max(highest, field.id, _highest_in(field.type))
    return highest


def _highest_in(kind: DataType) -> int:
    nested = max((_highest_in(child) for child in kind.children()), default=-1)
    return max(nested, max((field.id for field in kind.fields), default=-1))
