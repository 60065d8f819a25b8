"""SQL text of a predicate as tokens, and the one way of pointing at a place in it.

Text literals take single quotes (doubled inside), names take none, double quotes or backticks (doubled
inside), binaries are ``X'0aff'``. A number without dot and exponent is an int of any size, with a dot an exact
Decimal, with an exponent a float.
"""

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto

from lakestore.errors import ErrorKind, InvalidInputError

MAX_NUMBER_DIGITS = 1000
"""Longest number read; far beyond every column type."""

SHOWN_BEFORE = 60
SHOWN_AFTER = 40
"""How much of a long line an error shows around its place."""


class TokenKind(Enum):
    """What a token is."""

    WORD = auto()
    QUOTED = auto()
    TEXT = auto()
    NUMBER = auto()
    BINARY = auto()
    SYMBOL = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        kind: What it is.
        source: As written.
        start: Where it begins in the text.
        value: Of a literal its value, of a name the name without quotes.
    """

    kind: TokenKind
    source: str
    start: int
    value: str | int | float | Decimal | bytes = ""

    @property
    def keyword(self) -> str:
        """The word in capitals; empty unless it is a bare word."""
        return self.source.upper() if self.kind is TokenKind.WORD else ""


_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
    | [xX]'(?P<binary>[^']*)'
    | '(?P<text>(?:[^']|'')*)'
    | "(?P<double>(?:[^"]|"")*)"
    | `(?P<back>(?:[^`]|``)*)`
    | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<word>[^\W\d]\w*)
    | (?P<symbol><=|>=|<>|!=|==|[=<>(),.+\-*/%])
    """,
    re.VERBOSE,
)


def tokenize(text: str) -> list[Token]:
    """Cut the text into tokens; the last one is END.

    Raises:
        InvalidInputError: Something in it is no token; the message points at it.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise where_error(text, position, _unreadable(text[position]))
        if match.lastgroup != "space":
            tokens.append(_token(text, match))
        position = match.end()
    return [*tokens, Token(TokenKind.END, "", len(text))]


def where_error(text: str, position: int, message: str) -> InvalidInputError:
    """An error that shows the line and puts a caret under the place."""
    line_start = text.rfind("\n", 0, position) + 1
    line_end = text.find("\n", position)
    line_end = len(text) if line_end < 0 else line_end
    start = max(line_start, position - SHOWN_BEFORE)
    shown = text[start : min(line_end, position + SHOWN_AFTER)].replace("\t", " ").rstrip("\r")
    caret = " " * (position - start) + "^"
    return InvalidInputError(
        f"cannot read the predicate: {message}\n    {shown}\n    {caret}", kind=ErrorKind.INVALID_PREDICATE
    )


def _unreadable(character: str) -> str:
    if character in "'\"`":
        return f"the quote {character} is not closed"
    return f"unexpected character {character!r}"


def _token(text: str, match: re.Match[str]) -> Token:
    group = match.lastgroup or ""
    source, start, inner = match.group(), match.start(), match[group]
    if group == "binary":
        return Token(TokenKind.BINARY, source, start, _binary(text, start, inner))
    if group == "text":
        return Token(TokenKind.TEXT, source, start, inner.replace("''", "'"))
    if group == "double":
        return Token(TokenKind.QUOTED, source, start, _name(text, start, inner.replace('""', '"')))
    if group == "back":
        return Token(TokenKind.QUOTED, source, start, _name(text, start, inner.replace("``", "`")))
    if group == "number":
        following = text[match.end() : match.end() + 1]
        if following.isalnum() or following in ("_", "."):
            raise where_error(text, start, "a number runs into what follows it")
        return Token(TokenKind.NUMBER, source, start, _number(text, start, source))
    if group == "word":
        return Token(TokenKind.WORD, source, start, source)
    return Token(TokenKind.SYMBOL, source, start)


def _name(text: str, start: int, name: str) -> str:
    if not name:
        raise where_error(text, start, "a column name cannot be empty")
    return name


def _binary(text: str, start: int, digits: str) -> bytes:
    if not re.fullmatch(r"(?:[0-9a-fA-F]{2})*", digits):
        raise where_error(text, start, "X'…' takes pairs of hexadecimal digits")
    return bytes.fromhex(digits)


def _number(text: str, start: int, source: str) -> int | float | Decimal:
    if len(source) > MAX_NUMBER_DIGITS:
        raise where_error(text, start, f"a number has at most {MAX_NUMBER_DIGITS} digits")
    if "e" in source.lower():
        value = float(source)
        if math.isinf(value):
            raise where_error(text, start, "the number is too large for a double")
        return value
    return Decimal(source) if "." in source else int(source)
