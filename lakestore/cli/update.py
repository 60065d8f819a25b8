"""Command ``update``: new values for rows of an append table."""

from typing import Annotated

import pyarrow as pa
import typer

from lakestore.cli.table import AsJson, StorageOptions, TableName, Warehouse, print_changed
from lakestore.cli.target import find_table, key_values
from lakestore.core.value_text import parse_text
from lakestore.core.values import array_of
from lakestore.errors import ErrorKind, InvalidInputError, LakestoreError, NotFoundError
from lakestore.model.arrow import fields_from_arrow
from lakestore.model.types import NESTED

Words = list[str] | None


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(update)


def update(
    table: TableName,
    where: Annotated[str, typer.Option("--where", help="SQL predicate for the rows that change.")],
    new: Annotated[Words, typer.Option("--set", metavar="COLUMN=VALUE", help="New value, as text; repeatable.")] = None,
    null: Annotated[Words, typer.Option("--set-null", metavar="COLUMN", help="Make it null; repeatable.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the rows.")] = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Give rows of an append table new values. One commit.

    A value is taken as it stands, without quotes: a number, true or false, text, a date or time in ISO text, the hex
    digits of a binary. Columns of nested types are updated from Python.

    Example: lakestore update wh/shop.db/events --set kind=tap --set-null size --where "id in (1, 2)"
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    values = _values(found.schema, key_values(new or [], "--set", strip=False), null or [])
    rows = found.count(where)
    made = found.update(where, values, dry_run=dry_run).snapshot_ids
    print_changed("update", rows if made or dry_run else 0, made, dry_run=dry_run, as_json=as_json)


def _values(schema: pa.Schema, texts: dict[str, str], nulls: list[str]) -> dict[str, pa.Scalar | None]:
    """What ``Table.update`` takes."""
    if not texts and not nulls:
        raise InvalidInputError("update got no values: give --set COLUMN=VALUE or --set-null COLUMN at least once")
    twice = sorted(set(texts) & set(nulls))
    if twice:
        raise InvalidInputError(f"--set and --set-null both name {', '.join(twice)}: give one of them")
    fields = {field.name: field for field in fields_from_arrow(schema)}
    missing = [name for name in (*texts, *nulls) if name not in fields]
    if missing:
        raise NotFoundError(
            f"no column {', '.join(missing)}; there are: {', '.join(fields)}", kind=ErrorKind.COLUMN_NOT_FOUND
        )
    values: dict[str, pa.Scalar | None] = dict.fromkeys(nulls)
    for name, text in texts.items():
        kind = fields[name].type
        if kind.root in NESTED:
            raise InvalidInputError(f"--set {name}: {kind} cannot be said as text; update the column from Python")
        try:
            values[name] = array_of([parse_text(text, kind)], kind)[0]
        except LakestoreError as error:
            raise type(error)(f"--set {name}={text}: {error.message}", kind=error.kind) from error
    return values
