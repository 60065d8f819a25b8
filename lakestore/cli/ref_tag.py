"""``lakestore tag``: snapshots under names that keep them."""

import sys
from typing import Annotated

import typer

from lakestore.cli.cleaned import print_cleaned
from lakestore.cli.render import print_json, print_listing, print_table
from lakestore.cli.table import AsJson, StorageOptions, TableName, Warehouse
from lakestore.cli.target import find_table
from lakestore.model.tag import Tag

tag_app = typer.Typer(help="Name snapshots, so that they are kept.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the tag.")]
OfSnapshot = Annotated[int | None, typer.Option("--snapshot", help="This snapshot; the latest by default.")]
OfTimestamp = Annotated[
    str | None, typer.Option("--timestamp", help="The oldest snapshot of that time or later: ISO text or milliseconds.")
]
OfWatermark = Annotated[
    int | None, typer.Option("--watermark", help="The oldest snapshot whose watermark has reached that: milliseconds.")
]
Retained = Annotated[str | None, typer.Option("--time-retained", help="How long to keep it, e.g. 7d or 12h.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")]


@tag_app.command("create")
def create_tag(
    table: TableName,
    name: Name,
    snapshot: OfSnapshot = None,
    timestamp: OfTimestamp = None,
    watermark: OfWatermark = None,
    time_retained: Retained = None,
    exists_ok: Annotated[bool, typer.Option("--exists-ok", help="Leave a tag of that name as it is.")] = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Give a snapshot a name; it and its files are kept while the tag is there.

    Example: lakestore tag create wh/shop.db/orders v1 --snapshot 3 --time-retained 7d
    """
    tags = find_table(table, warehouse=warehouse, options=storage_option or []).tags
    made = tags.create(
        name,
        snapshot=snapshot,
        timestamp=timestamp,
        watermark=watermark,
        time_retained=time_retained,
        exists_ok=exists_ok,
    )
    _report("tagged", made, as_json=as_json)


@tag_app.command("replace")
def replace_tag(
    table: TableName,
    name: Name,
    snapshot: OfSnapshot = None,
    timestamp: OfTimestamp = None,
    watermark: OfWatermark = None,
    time_retained: Retained = None,
    dry_run: DryRun = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Let a tag name another snapshot; what only it had kept is removed.

    Example: lakestore tag replace wh/shop.db/orders v1 --snapshot 4
    """
    tags = find_table(table, warehouse=warehouse, options=storage_option or []).tags
    made = tags.replace(
        name,
        snapshot=snapshot,
        timestamp=timestamp,
        watermark=watermark,
        time_retained=time_retained,
        dry_run=dry_run,
    )
    if as_json:
        print_json({**made.tag.to_dict(), **made.cleaned.to_dict()})
        return
    print_cleaned(made.cleaned, as_json=False)
    _report("would tag" if dry_run else "tagged", made.tag, as_json=False)


@tag_app.command("list")
def list_tags(
    table: TableName, warehouse: Warehouse = None, storage_option: StorageOptions = None, as_json: AsJson = False
) -> None:
    """List the tags, by snapshot.

    Example: lakestore tag list wh/shop.db/orders
    """
    rows = find_table(table, warehouse=warehouse, options=storage_option or []).tags.list()
    print_listing(rows, as_json=as_json)


@tag_app.command("show")
def show_tag(
    table: TableName,
    name: Name,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Show one tag and the snapshot that it holds.

    Example: lakestore tag show wh/shop.db/orders v1
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or []).tags.get(name)
    if as_json:
        print_json(found.to_dict())
    else:
        print_table(["key", "value"], [[key, value] for key, value in found.to_dict().items()])


@tag_app.command("rename")
def rename_tag(
    table: TableName,
    name: Name,
    new_name: Annotated[str, typer.Argument(metavar="NEW_NAME", help="The name it gets.")],
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Give a tag another name.

    Example: lakestore tag rename wh/shop.db/orders v1 release-1
    """
    tags = find_table(table, warehouse=warehouse, options=storage_option or []).tags
    tags.rename(name, new_name)
    _report("renamed", tags.get(new_name), as_json=as_json)


@tag_app.command("delete")
def delete_tag(
    table: TableName,
    name: Name,
    dry_run: DryRun = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Remove a tag, and the files that only it kept.

    Example: lakestore tag delete wh/shop.db/orders v1 --dry-run
    """
    tags = find_table(table, warehouse=warehouse, options=storage_option or []).tags
    print_cleaned(tags.delete(name, dry_run=dry_run), as_json=as_json)


@tag_app.command("expire")
def expire_tags(
    table: TableName,
    older_than: Annotated[
        str | None, typer.Option("--older-than", help="Also tags made before that: ISO text or milliseconds.")
    ] = None,
    dry_run: DryRun = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Remove the tags whose time is over, and the files that only they kept.

    Example: lakestore tag expire wh/shop.db/orders --dry-run
    """
    tags = find_table(table, warehouse=warehouse, options=storage_option or []).tags
    print_cleaned(tags.expire(older_than=older_than, dry_run=dry_run), as_json=as_json)


def _report(done: str, tag: Tag, *, as_json: bool) -> None:
    if as_json:
        print_json(tag.to_dict())
    else:
        sys.stdout.write(f"{done} snapshot {tag.snapshot.id} as {tag.name}\n")
