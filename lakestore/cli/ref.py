"""Commands on references: snapshots now; tags, branches and consumers when they come."""

from typing import Annotated, cast

import typer

from lakestore.cli.render import print_json, print_rows, print_table
from lakestore.cli.table import AsJson, StorageOptions, TableName, Warehouse
from lakestore.cli.target import find_table

snapshot_app = typer.Typer(help="List and show snapshots.", no_args_is_help=True)


@snapshot_app.command("list")
def list_snapshots(
    table: TableName, warehouse: Warehouse = None, storage_option: StorageOptions = None, as_json: AsJson = False
) -> None:
    """List the snapshots there are, oldest first.

    Example: lakestore snapshot list wh/shop.db/orders
    """
    rows = find_table(table, warehouse=warehouse, options=storage_option or []).snapshots.list()
    if as_json:
        print_json(rows.to_pylist())
    else:
        print_rows(rows)


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
