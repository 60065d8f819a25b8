"""Literals of a predicate's SQL text: dates and times in words, and comparing one literal with another."""

import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from lakestore.core.where_lexer import Token, where_error
from lakestore.model.predicate import CompareOp, Value

TYPED_LITERALS = {
    "DATE": "'2026-03-07'",
    "TIME": "'23:59:01.5'",
    "TIMESTAMP": "'2026-03-07 23:59:01.5', with a zone such as Z or +02:00 for zoned columns",
    "DOUBLE": "'1.5', 'NaN' or 'Infinity'",
}
"""Words that make the text after them a typed literal, each with an example."""

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.(?P<fraction>[0-9]{1,9}))?)?"
_PATTERNS = {
    "DATE": re.compile(_DATE),
    "TIME": re.compile(_TIME),
    "TIMESTAMP": re.compile(rf"{_DATE}(?:[ T]{_TIME})?(?:\s*(?:Z|UTC|[+-][0-9]{{2}}:?[0-9]{{2}}))?"),
    "DOUBLE": re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|Infinity)|NaN", re.IGNORECASE),
}


def typed_literal(text: str, word: str, token: Token) -> date | datetime | time | float:
    """The value of ``DATE '…'``, ``TIME '…'``, ``TIMESTAMP '…'`` or ``DOUBLE '…'``.

    Raises:
        InvalidInputError: The quoted text is no such value.
    """
    written = str(token.value).strip()
    match = _PATTERNS[word].fullmatch(written)
    if match is None:
        raise where_error(text, token.start, f"expected {word} {TYPED_LITERALS[word]}")
    if word == "DOUBLE":
        return float(written)
    fraction = match["fraction"] if word != "DATE" and match["fraction"] else ""
    if fraction[6:].strip("0"):
        raise where_error(
            text,
            token.start,
            f"{word} literals hold microseconds; write plain text in quotes to compare with nanoseconds",
        )
    # fromisoformat knows neither blanks before a zone nor more than six digits.
    iso = re.sub(r"\s+(?=Z|UTC|[+-][0-9]{2}:?[0-9]{2}$)", "", written).replace("UTC", "Z")
    iso = iso.replace("." + fraction, "." + fraction[:6].ljust(6, "0")) if fraction else iso
    try:
        if word == "DATE":
            return date.fromisoformat(iso)
        return time.fromisoformat(iso) if word == "TIME" else datetime.fromisoformat(iso)
    except ValueError as error:
        raise where_error(text, token.start, f"{written!r} is no {word}: {error}") from error


def compare_literals(left: Value, op: CompareOp, right: Value) -> Any:  # noqa: ANN401 - NotImplemented
    """Settle a comparison without a column: None is unknown, NotImplemented means that they do not compare."""
    if left is None or right is None:
        return None
    kinds = [_kind(left), _kind(right)]
    if kinds[0] is not kinds[1]:
        return NotImplemented
    if isinstance(left, datetime) and isinstance(right, datetime) and (left.tzinfo is None) != (right.tzinfo is None):
        return NotImplemented
    return op.holds(left, right)


def _kind(value: Value) -> type:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return float
    return type(value)
