"""Types as people write them: ``ARRAY<INT>``, ``MAP<STRING, DATE>``, ``ROW<city STRING NOT NULL 'where', `a b` INT>``.

It is the text that ``str`` of a type gives, at any depth, besides the two forms of schema files. Schema files
themselves are read with ``model.types.parse_type`` alone.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.types import DataType, Field, TypeRoot, parse_type, parse_type_text

_NESTED = re.compile(
    r"\s*(?P<word>ARRAY|MULTISET|MAP|ROW)\s*<(?P<inner>.*)>\s*(?P<null>(?:NOT\s+)?NULL)?\s*", re.IGNORECASE | re.DOTALL
)
_MEMBER = re.compile(r"\s*(?:`(?P<quoted>(?:[^`]|``)+)`|(?P<bare>[^\s`'<>,]+))\s+(?P<rest>.+)", re.DOTALL)
_COMMENT = re.compile(r"(?P<type>.*?)\s+(?:COMMENT\s+)?'(?P<text>(?:[^']|'')*)'\s*", re.IGNORECASE | re.DOTALL)
_PIECE = re.compile(r"`(?:[^`]|``)*`|'(?:[^']|'')*'|[<>(),]|[^<>(),`']+|.", re.DOTALL)
_BEGUN = re.compile(r"\s*(?P<word>ARRAY|MULTISET|MAP|ROW)\b\s*(?P<bracket><?)", re.IGNORECASE)
_EXAMPLES = {
    TypeRoot.ARRAY: "ARRAY<INT>",
    TypeRoot.MULTISET: "MULTISET<STRING>",
    TypeRoot.MAP: "MAP<STRING, INT>",
    TypeRoot.ROW: "ROW<city STRING, zip INT>",
}
_PARTS = {TypeRoot.ARRAY: 1, TypeRoot.MULTISET: 1, TypeRoot.MAP: 2}


def read_type(value: str | Mapping[str, Any]) -> DataType:
    """A type from its text, or from the object that stands for it in schema files. Members of ROWs get no ids.

    Raises:
        InvalidInputError: It is no Paimon type.
    """
    if not isinstance(value, str):
        return parse_type(value)
    match = _NESTED.fullmatch(value)
    if match is None:
        _check_brackets(value)
        return parse_type_text(value)
    root = TypeRoot(match["word"].upper())
    nullable = (match["null"] or "NULL").upper() == "NULL"
    parts = list(_parts(match["inner"], value))
    if root is TypeRoot.ROW:
        return DataType(root=root, nullable=nullable, fields=tuple(_member(part, value) for part in parts))
    if len(parts) != _PARTS[root]:
        raise _bad(value, f"{_PARTS[root]} types between the brackets of {root}, not {len(parts)}")
    inner = [read_type(part) for part in parts]
    if root is TypeRoot.MAP:
        return DataType(root=root, nullable=nullable, key=inner[0], value=inner[1])
    return DataType(root=root, nullable=nullable, element=inner[0])


def _check_brackets(text: str) -> None:
    """Refuse a nested type of which the brackets are missing, or do not close."""
    begun = _BEGUN.match(text)
    if begun is None:
        return
    example = _EXAMPLES[TypeRoot(begun["word"].upper())]
    if begun["bracket"] and ">" not in text[text.rindex("<") :]:
        raise _bad(text, f"a '>' for every '<', as in {example}")
    raise _bad(text, f"what it holds between '<' and '>', and nothing behind but NOT NULL, as in {example}")


def _member(text: str, whole: str) -> Field:
    match = _MEMBER.fullmatch(text)
    if match is None:
        raise _bad(whole, f"a name and a type where it says {text.strip()!r}")
    name = match["bare"] or match["quoted"].replace("``", "`")
    comment = _COMMENT.fullmatch(match["rest"])
    if comment is None:
        return Field(id=-1, name=name, type=read_type(match["rest"]))
    return Field(id=-1, name=name, type=read_type(comment["type"]), description=comment["text"].replace("''", "'"))


def _parts(text: str, whole: str) -> Iterator[str]:
    """What stands between the commas that are in no brackets and no quotes."""
    open_brackets: list[str] = []
    part = ""
    for piece in _PIECE.findall(text):
        if piece in "<(":
            open_brackets.append(">" if piece == "<" else ")")
        elif piece in ">)" and (not open_brackets or open_brackets.pop() != piece):
            raise _bad(whole, "brackets in pairs")
        elif piece == "," and not open_brackets:
            yield part
            part = ""
            continue
        part += piece
    if open_brackets:
        raise _bad(whole, "brackets in pairs")
    yield part


def _bad(text: str, expected: str) -> InvalidInputError:
    return InvalidInputError(f"type {text!r} is not a Paimon type: expected {expected}", kind=ErrorKind.INVALID_TYPE)
