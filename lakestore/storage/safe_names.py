"""Names and paths that cannot leave their folder.

Every path of a table is ``root/part/part/…``, and every part passes one of the checks here before it is joined.
Invariant: a part that passes is one plain path segment, so a path joined from a root and parts that passed lies
inside that root on every store.
"""

import re

from lakestore.errors import CorruptTableError, ErrorKind, InvalidInputError

_NOT_IN_NAMES = re.compile(r"[/\\\x00-\x1f\x7f]")
_LONGEST = 1024
"""Characters of the longest name; more than any store takes for one segment."""


def unsafe_reason(name: str) -> str | None:
    """Why the name is not one plain path segment; None when it is."""
    if not name:
        return "it is empty"
    if len(name) > _LONGEST:
        return f"it has {len(name)} characters, more than {_LONGEST}"
    if name in {".", ".."}:
        return "it names a folder relative to its own"
    found = _NOT_IN_NAMES.search(name)
    if found is not None:
        return "it holds a path separator" if found[0] in "/\\" else "it holds a control character"
    return None


def check_stored_name(name: str, *, what: str, directory: str) -> str:
    """The name itself, when it is safe.

    Args:
        name: A name that was read from metadata.
        what: What it names, for the message.
        directory: Folder it should lie in, for the message.

    Raises:
        CorruptTableError: The name would lead out of its folder (kind PATH_ESCAPE).
    """
    reason = unsafe_reason(name)
    if reason is None:
        return name
    raise CorruptTableError(
        f"{what} {_shown(name)} is refused: {reason}; expected one plain file name in {directory}. The metadata"
        " is damaged or was made to reach files outside the table; nothing was read from that path",
        kind=ErrorKind.PATH_ESCAPE,
    )


def check_given_name(name: str, *, what: str) -> str:
    """The name itself, when it is safe.

    Args:
        name: A name that the user chose.
        what: What it names, for the message.

    Raises:
        InvalidInputError: The name would lead out of its folder (kind PATH_ESCAPE), or cannot be kept on every
            store.
    """
    reason = unsafe_reason(name)
    if reason is not None:
        raise InvalidInputError(
            f"{what} {_shown(name)} is refused: {reason}; choose a name without '/', '\\' and control"
            " characters that is not '.' or '..'",
            kind=ErrorKind.PATH_ESCAPE,
        )
    if name != name.strip():
        raise InvalidInputError(f"{what} {_shown(name)} begins or ends with a blank; take the blank away")
    return name


def check_identifier(name: str, *, what: str) -> str:
    """A database's or table's name itself, when it can be one on every engine.

    Raises:
        InvalidInputError: The name is unsafe, or holds a character that has a meaning in table names.
    """
    check_given_name(name, what=what)
    for char, meaning in ((".", "parts database and table"), ("$", "names system tables and branches")):
        if char in name:
            raise InvalidInputError(f"{what} {_shown(name)} is refused: {char!r} {meaning}; leave it out")
    return name


def _shown(name: str) -> str:
    return repr(name if len(name) <= 80 else name[:77] + "...")
