r"""SQL LIKE patterns: ``%`` is any text, ``_`` any one character, a backslash takes the next one literally."""

import re

from lakestore.errors import ErrorKind, InvalidInputError

_PIECE = re.compile(r"\\.|.", re.DOTALL)
_WELL_FORMED = re.compile(r"(?:[^\\]|\\[%_\\])*", re.DOTALL)
_WILD = {"%": ".*", "_": "."}


def check_pattern(pattern: str) -> None:
    r"""Check that a pattern escapes only ``%``, ``_`` and ``\``.

    Raises:
        InvalidInputError: It escapes something else or nothing, or is no text.
    """
    if not isinstance(pattern, str):
        raise InvalidInputError(f"LIKE takes a pattern as text, not {pattern!r}", kind=ErrorKind.INVALID_PREDICATE)
    if _WELL_FORMED.fullmatch(pattern) is None:
        raise InvalidInputError(
            f"LIKE pattern {pattern!r}: a backslash stands only before %, _ or another backslash",
            kind=ErrorKind.INVALID_PREDICATE,
        )


def like_expression(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression for ``fullmatch``."""
    pieces: list[str] = _PIECE.findall(pattern)
    return re.compile("".join(_WILD.get(piece) or re.escape(piece[-1]) for piece in pieces), re.DOTALL)


def like_prefix(pattern: str) -> tuple[str, bool]:
    """The text that every match begins with, and whether it is the whole pattern."""
    prefix = ""
    for piece in _PIECE.findall(pattern):
        if piece in _WILD:
            return prefix, False
        prefix += piece[-1]
    return prefix, True
