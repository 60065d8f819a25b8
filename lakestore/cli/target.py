"""What TABLE means on the command line: a path or URL of a table folder, or ``db.table`` with ``--warehouse``."""

import json
from collections.abc import Sequence

from lakestore.api.catalog import Lake, connect, open_table
from lakestore.api.table import Table
from lakestore.errors import InvalidInputError


def storage_options(pairs: Sequence[str]) -> dict[str, object]:
    """``key=value`` words as fsspec storage options; a value that is JSON is taken as such.

    Raises:
        InvalidInputError: A word has no ``=``.
    """
    found: dict[str, object] = {}
    for key, text in key_values(pairs, "--storage-option").items():
        try:
            found[key] = json.loads(text)
        except json.JSONDecodeError:
            found[key] = text
    return found


def key_values(pairs: Sequence[str], flag: str) -> dict[str, str]:
    """``key=value`` words as a mapping.

    Raises:
        InvalidInputError: A word has no ``=``.
    """
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise InvalidInputError(f"{flag} {pair!r}: expected key=value")
        found[key.strip()] = value.strip()
    return found


def find_table(name: str, *, warehouse: str | None, options: Sequence[str]) -> Table:
    """Open the table that the words name.

    Raises:
        NotFoundError: There is none.
    """
    storage = storage_options(options)
    if warehouse is not None:
        return connect(warehouse, storage_options=storage).table(name)
    return open_table(name, storage_options=storage)


def split_target(name: str, *, warehouse: str | None, options: Sequence[str]) -> tuple[Lake, str]:
    """The lake and the ``db.table`` name for a table that may not exist yet.

    Raises:
        InvalidInputError: A bare path is not of the form ``WAREHOUSE/DATABASE.db/TABLE``.
    """
    storage = storage_options(options)
    if warehouse is not None:
        return connect(warehouse, storage_options=storage), name
    parts = name.rstrip("/").rsplit("/", 2)
    if len(parts) == 2:
        parts = [".", *parts]
    if len(parts) != 3 or not parts[1].endswith(".db"):
        raise InvalidInputError(
            f"table path {name!r}: expected WAREHOUSE/DATABASE.db/TABLE, or db.table with --warehouse"
        )
    database = parts[1].removesuffix(".db")
    return connect(parts[0] or "/", storage_options=storage), f"{database}.{parts[2]}"
