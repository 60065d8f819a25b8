"""``lakestore snapshot``: list and show snapshots, and roll back to one."""

import sys
from typing import Annotated, cast

import typer

from lakestore.cli.render import print_json, print_listing, print_table
from lakestore.cli.table import AsJson, StorageOptions, TableName, Warehouse
from lakestore.cli.target import find_table

snapshot_app = typer.Typer(help="List and show snapshots, and roll back to one.", no_args_is_help=True)


@snapshot_app.command("list")
def list_snapshots(
    table: TableName, warehouse: Warehouse = None, storage_option: StorageOptions = None, as_json: AsJson = False
) -> None:
    """List the snapshots there are, oldest first.

    Example: lakestore snapshot list wh/shop.db/orders
    """
    rows = find_table(table, warehouse=warehouse, options=storage_option or []).snapshots.list()
    print_listing(rows, as_json=as_json)


@snapshot_app.command("show")
def show_snapshot(
    table: TableName,
    snapshot: Annotated[int, typer.Argument(metavar="SNAPSHOT", help="Snapshot number.")],
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Show one snapshot: what its file says, and the files it added and deleted.

    Example: lakestore snapshot show wh/shop.db/orders 3
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    details = found.snapshots.show(snapshot)
    if as_json:
        print_json(details)
        return
    changes = cast("list[dict[str, object]]", details.pop("changes"))
    print_table(["key", "value"], [[key, value] for key, value in details.items()])
    columns = ["change", "partition", "bucket", "level", "rows", "bytes", "file"]
    print_table(columns, [[change[name] for name in columns] for change in changes], title="\nchanges")


@snapshot_app.command("rollback")
def rollback(
    table: TableName,
    snapshot: Annotated[int | None, typer.Option("--snapshot", help="Go back to this snapshot.")] = None,
    tag: Annotated[str | None, typer.Option("--tag", help="Go back to this tag.")] = None,
    timestamp: Annotated[
        str | None, typer.Option("--timestamp", help="Go back to the newest snapshot of that time or before.")
    ] = None,
    watermark: Annotated[
        int | None, typer.Option("--watermark", help="Go back to the oldest snapshot whose watermark has reached that.")
    ] = None,
    as_new: Annotated[
        bool, typer.Option("--as-new", help="Bring its rows back in a new snapshot; the history stays.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Go back to a snapshot: later snapshots and the tags on them are gone for good, unless --as-new.

    Example: lakestore snapshot rollback wh/shop.db/orders --snapshot 3 --dry-run
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    undo = found.rollback_as_new if as_new else found.rollback
    report = undo(snapshot=snapshot, tag=tag, timestamp=timestamp, watermark=watermark, dry_run=dry_run).to_dict()
    if as_json:
        print_json(report)
        return
    print_table(["what", "which"], [[key, value] for key, value in report.items() if key != "dry_run"])
    sys.stdout.write("nothing was changed\n" if dry_run else f"{found.name} is at snapshot {report['snapshot']}\n")
