"""Command ``alter``: columns, options and comments of a table that is there."""

import re
import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from lakestore.api import changes
from lakestore.cli.render import print_json, stderr
from lakestore.cli.table import AsJson, StorageOptions, TableName, Warehouse
from lakestore.cli.target import find_table, key_values
from lakestore.errors import InvalidInputError
from lakestore.model.changes import SchemaChange

_PLACE = re.compile(r"\s+(?:(?P<side>FIRST|LAST)|(?P<next>AFTER|BEFORE)\s+(?P<neighbour>\S+))\s*$", re.IGNORECASE)

Words = list[str] | None
Drop = Annotated[Words, typer.Option("--drop", metavar="COLUMN", help="Drop a column; repeatable.")]
Rename = Annotated[Words, typer.Option("--rename", metavar="OLD=NEW", help="Give a column another name; repeatable.")]
Retype = Annotated[
    Words, typer.Option("--type", metavar='"COLUMN TYPE"', help="Give a column another type; repeatable.")
]
Add = Annotated[
    Words,
    typer.Option(
        "--add",
        metavar='"COLUMN TYPE [PLACE]"',
        help="Add a column; PLACE is FIRST, AFTER column or BEFORE column; repeatable.",
    ),
]
Move = Annotated[
    Words,
    typer.Option("--move", metavar='"COLUMN PLACE"', help="Move a column; PLACE as for --add, or LAST; repeatable."),
]
Nullable = Annotated[Words, typer.Option("--nullable", metavar="COLUMN", help="Let a column be null; repeatable.")]
NotNull = Annotated[
    Words, typer.Option("--not-null", metavar="COLUMN", help="Let a column be null no longer; repeatable.")
]
ColumnComment = Annotated[
    Words, typer.Option("--column-comment", metavar="COLUMN=TEXT", help="Comment on a column; repeatable.")
]
Default = Annotated[
    Words, typer.Option("--default", metavar="COLUMN=TEXT", help="What is written for null; repeatable.")
]
NoDefault = Annotated[Words, typer.Option("--no-default", metavar="COLUMN", help="Drop a default; repeatable.")]
SetOptions = Annotated[Words, typer.Option("--set", metavar="KEY=VALUE", help="Set a table option; repeatable.")]
Unset = Annotated[
    Words, typer.Option("--unset", metavar="KEY", help="Put a table option back to its default; repeatable.")
]
Comment = Annotated[str | None, typer.Option("--comment", help="Comment on the table; empty removes it.")]


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(alter)


def alter(
    table: TableName,
    drop: Drop = None,
    rename: Rename = None,
    change_type: Retype = None,
    add: Add = None,
    move: Move = None,
    nullable: Nullable = None,
    not_null: NotNull = None,
    column_comment: ColumnComment = None,
    default: Default = None,
    no_default: NoDefault = None,
    set_option: SetOptions = None,
    unset: Unset = None,
    comment: Comment = None,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Change columns, options or comments. No data file is touched; old rows are read under the new schema.

    Everything is one new schema. Changes apply in this order: options, drop, rename, type, add, move, the rest.

    Example: lakestore alter wh/shop.db/orders --add "color STRING AFTER id" --rename qty=quantity
    """
    wanted: list[SchemaChange] = [changes.remove_option(key) for key in unset or ()]
    wanted += [changes.set_option(*pair) for pair in _pairs(set_option, "--set")]
    wanted += [changes.drop_column(name) for name in drop or ()]
    wanted += [changes.rename_column(*pair) for pair in _pairs(rename, "--rename")]
    wanted += [changes.change_type(*_name_and_type(text, "--type")) for text in change_type or ()]
    wanted += [_addition(text) for text in add or ()]
    wanted += [_move(text) for text in move or ()]
    wanted += [changes.set_nullable(name) for name in nullable or ()]
    wanted += [changes.set_nullable(name, False) for name in not_null or ()]
    wanted += [
        changes.set_comment(text or None, column=name) for name, text in _pairs(column_comment, "--column-comment")
    ]
    wanted += [changes.set_default(*pair) for pair in _pairs(default, "--default")]
    wanted += [changes.set_default(name, None) for name in no_default or ()]
    if comment is not None:
        wanted.append(changes.set_comment(comment or None))
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    altered = found.alter(*wanted)
    for note in altered.notes:
        stderr().print(f"note: {note}")
    if as_json:
        print_json({"table": altered.name, "schema_id": altered.schema_id, "notes": list(altered.notes)})
    elif altered.schema_id == found.schema_id:
        sys.stdout.write(f"nothing to change in {altered.name}\n")
    else:
        sys.stdout.write(f"altered {altered.name}: schema {altered.schema_id}\n")


def _pairs(words: Words, flag: str) -> Iterable[tuple[str, str]]:
    return key_values(words or [], flag).items()


def _name_and_type(text: str, flag: str) -> tuple[str, str]:
    name, _, kind = text.strip().partition(" ")
    if not kind.strip():
        raise InvalidInputError(f'{flag} {text!r}: expected "column TYPE", e.g. "qty BIGINT"')
    return name, kind.strip()


def _split_place(text: str) -> tuple[str, dict[str, str | bool]]:
    match = _PLACE.search(text)
    if match is None:
        return text, {}
    side = match["side"] or match["next"]
    return text[: match.start()], {side.lower(): match["neighbour"] or True}


def _addition(text: str) -> SchemaChange:
    column, place = _split_place(text)
    if place.pop("last", False):
        place = {}
    return changes.add_column(*_name_and_type(column, "--add"), **place)  # type: ignore[arg-type]  # by the pattern


def _move(text: str) -> SchemaChange:
    column, place = _split_place(text)
    if not place:
        raise InvalidInputError(f'--move {text!r}: expected "column FIRST", LAST, AFTER column or BEFORE column')
    return changes.move_column(column.strip(), **place)  # type: ignore[arg-type]  # by the pattern
