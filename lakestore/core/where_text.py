"""A predicate as SQL text, for explanations and messages: ``parse_where`` reads it back as the same predicate."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal

from lakestore.core.values import to_text as internal_text
from lakestore.core.where import RESERVED_WORDS
from lakestore.model.predicate import (
    And,
    Compare,
    Constant,
    IsIn,
    IsNull,
    Like,
    Not,
    Or,
    Predicate,
    Value,
)
from lakestore.model.types import TIMESTAMPS, DataType, Field, TypeRoot

_PLAIN_NAME = re.compile(r"[^\W\d]\w*")
_CONSTANTS = {True: "TRUE", False: "FALSE", None: "NULL"}
_CALENDAR = (TypeRoot.DATE, TypeRoot.TIME, *TIMESTAMPS)


def to_text(predicate: Predicate, fields: Sequence[Field] = ()) -> str:
    """Write a predicate as SQL.

    Args:
        predicate: Unbound, or bound to ``fields``.
        fields: Columns whose types turn internal values (days, nanoseconds) back into quoted dates and times.
    """
    return _text(predicate, {field.name: field.type for field in fields})


def _text(predicate: Predicate, types: Mapping[str, DataType]) -> str:
    match predicate:
        case Constant():
            return _CONSTANTS[predicate.value]
        case Compare():
            value = _literal(predicate.value, types.get(predicate.column))
            return f"{_name(predicate.column)} {predicate.op} {value}"
        case And() | Or():
            return _joined(predicate, types)
        case Not(child=IsNull() | IsIn() | Like() as child):
            return _leaf(child, types, negation="NOT ")
        case Not():
            return f"NOT {_part(predicate.child, types, (And, Or))}"
        case _:
            return _leaf(predicate, types, negation="")


def _leaf(predicate: IsNull | IsIn | Like, types: Mapping[str, DataType], *, negation: str) -> str:
    name = _name(predicate.column)
    match predicate:
        case IsNull():
            return f"{name} IS {negation}NULL"
        case IsIn():
            values = ", ".join(_literal(value, types.get(predicate.column)) for value in predicate.values)
            return f"{name} {negation}IN ({values})"
        case Like():
            return f"{name} {negation}LIKE {_quoted(predicate.pattern)}"


def _joined(predicate: And | Or, types: Mapping[str, DataType]) -> str:
    word = "AND" if isinstance(predicate, And) else "OR"
    if not predicate.children:
        return _CONSTANTS[word == "AND"]
    bracketed = (And, Or) if isinstance(predicate, And) else (Or,)
    return f" {word} ".join(_part(child, types, bracketed) for child in predicate.children)


def _part(predicate: Predicate, types: Mapping[str, DataType], bracketed: tuple[type, ...]) -> str:
    text = _text(predicate, types)
    return f"({text})" if isinstance(predicate, bracketed) else text


def _name(column: str) -> str:
    if _PLAIN_NAME.fullmatch(column) and column.upper() not in RESERVED_WORDS:
        return column
    return '"' + column.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _literal(value: Value, kind: DataType | None) -> str:
    if kind is not None and kind.root in _CALENDAR and isinstance(value, int):
        return _quoted(internal_text(value, kind))
    match value:
        case None | bool():
            return _CONSTANTS[value]
        case str():
            return _quoted(value)
        case bytes():
            return f"X'{value.hex()}'"
        case int():
            return str(value)
        case float() | Decimal():
            return _fraction(value)
        case datetime():
            return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
        case date():
            return f"DATE '{value.isoformat()}'"
        case time():
            return f"TIME '{value.isoformat()}'"


def _fraction(value: float | Decimal) -> str:
    if isinstance(value, Decimal) and value.is_finite():
        text = format(value, "f")
        return text if "." in text else text + "."
    number = float(value)
    if not math.isfinite(number):
        return f"DOUBLE '{number}'".replace("inf", "Infinity").replace("nan", "NaN")
    text = repr(number)
    return text if "e" in text else text + "e0"
