"""Commands on consumers: named reading positions that hold back expiry."""

import sys
from typing import Annotated

import typer

from lakestore.cli.render import print_json, print_listing
from lakestore.cli.table import AsJson, StorageOptions, TableName, Warehouse
from lakestore.cli.target import find_table

consumer_app = typer.Typer(help="List, reset and delete the positions of readers.", no_args_is_help=True)

ConsumerId = Annotated[str, typer.Argument(metavar="CONSUMER", help="Name of the consumer.")]


@consumer_app.command("list")
def list_consumers(
    table: TableName, warehouse: Warehouse = None, storage_option: StorageOptions = None, as_json: AsJson = False
) -> None:
    """List the consumers, with the snapshot that each reads next.

    Example: lakestore consumer list wh/shop.db/orders
    """
    rows = find_table(table, warehouse=warehouse, options=storage_option or []).consumers.list()
    print_listing(rows, as_json=as_json)


@consumer_app.command("reset")
def reset_consumer(
    table: TableName,
    consumer: ConsumerId,
    snapshot: Annotated[int, typer.Argument(metavar="SNAPSHOT", help="Snapshot that it reads next.")],
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Let a consumer go on at another snapshot; makes it when there is none of that name, and says so.

    Example: lakestore consumer reset wh/shop.db/orders dashboard 7
    """
    consumers = find_table(table, warehouse=warehouse, options=storage_option or []).consumers
    made = consumer not in consumers.list()["consumer_id"].to_pylist()
    moved = consumers.reset(consumer, snapshot)
    if as_json:
        print_json({"consumer": moved.id, "next_snapshot": moved.next_snapshot, "created": made})
        return
    new = f"there was no consumer {moved.id}: made it, and snapshots from {snapshot} on stay for it; " if made else ""
    sys.stdout.write(f"{new}consumer {moved.id} reads snapshot {moved.next_snapshot} next\n")


@consumer_app.command("delete")
def delete_consumer(
    table: TableName,
    consumer: ConsumerId,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say where it stands.")] = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Forget a consumer; what it held back may expire.

    Example: lakestore consumer delete wh/shop.db/orders dashboard
    """
    consumers = find_table(table, warehouse=warehouse, options=storage_option or []).consumers
    found = consumers.get(consumer)
    if not dry_run:
        consumers.delete(consumer)
    if as_json:
        print_json({"consumers": [found.id], "next_snapshot": found.next_snapshot, "dry_run": dry_run})
        return
    verb = "would forget" if dry_run else "forgot"
    sys.stdout.write(f"{verb} consumer {found.id}, which read snapshot {found.next_snapshot} next\n")


@consumer_app.command("expire")
def expire_consumers(
    table: TableName,
    idle_hours: Annotated[float, typer.Option("--idle-hours", min=0, help="Hours since a consumer last moved.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which.")] = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Forget the consumers that have not moved for so long.

    Example: lakestore consumer expire wh/shop.db/orders --idle-hours 72
    """
    consumers = find_table(table, warehouse=warehouse, options=storage_option or []).consumers
    gone = consumers.expire(idle_seconds=idle_hours * 3600, dry_run=dry_run)
    if as_json:
        print_json({"consumers": list(gone), "dry_run": dry_run})
        return
    verb = "would forget" if dry_run else "forgot"
    sys.stdout.write(f"{verb} {len(gone)} consumers{': ' if gone else ''}{', '.join(gone)}\n")
