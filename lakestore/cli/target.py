"""What TABLE means on the command line: a path or URL of a table folder, or ``db.table`` with ``--warehouse``."""

import json
from collections.abc import Sequence

from lakestore.api.catalog import Lake, connect, open_table
from lakestore.api.names import parse_name
from lakestore.api.table import Table, TableAt
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


def key_values(pairs: Sequence[str], flag: str, *, strip: bool = True) -> dict[str, str]:
    """``key=value`` words as a mapping.

    Args:
        pairs: The words.
        flag: The option that they are of, for the message.
        strip: Leave out the blanks around values.

    Raises:
        InvalidInputError: A word has no ``=``.
    """
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise InvalidInputError(f"{flag} {pair!r}: expected key=value")
        found[key.strip()] = value.strip() if strip else value
    return found


def find_table(name: str, *, warehouse: str | None, options: Sequence[str]) -> Table:
    """Open the table that the words name; ``TABLE$branch_NAME`` names a branch, also after a path.

    Raises:
        NotFoundError: There is none.
    """
    table, system = find_table_or_system(name, warehouse=warehouse, options=options)
    if system is not None:
        raise InvalidInputError(f"{name!r} is a system table, which only `lakestore read` reads")
    return table


def find_table_or_system(name: str, *, warehouse: str | None, options: Sequence[str]) -> tuple[Table, str | None]:
    """As ``find_table``, with the name of the system table that ``TABLE$NAME`` means; None for the table itself.

    Raises:
        NotFoundError: There is no such table or branch.
    """
    storage = storage_options(options)
    folder, slash, last = name.rstrip("/").rpartition("/")
    parsed = parse_name(last)
    plain = f"{folder}{slash}{parsed.table}"
    if warehouse is not None:
        table = connect(warehouse, storage_options=storage).table(plain)
        return (table if parsed.branch is None else table.at(branch=parsed.branch)), parsed.system
    return open_table(plain, storage_options=storage, branch=parsed.branch), parsed.system


def view_at(
    table: Table,
    *,
    snapshot: int | None = None,
    tag: str | None = None,
    timestamp: str | None = None,
    watermark: int | None = None,
) -> Table | TableAt:
    """The table at the point that options name, the latest for none."""
    if snapshot is None and tag is None and timestamp is None and watermark is None:
        return table
    return table.at(snapshot=snapshot, tag=tag, timestamp=timestamp, watermark=watermark)


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
