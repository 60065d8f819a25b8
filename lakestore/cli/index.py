"""Commands on file indexes: ``index rewrite`` and ``index list``."""

import sys
from typing import Annotated

import typer

from lakestore.api.system import SystemRows
from lakestore.cli.render import print_json, print_json_lines, print_rows
from lakestore.cli.table import AsJson, StorageOptions, TableName, Warehouse
from lakestore.cli.target import find_table

index_app = typer.Typer(name="index", help="Indexes that let scans skip files.", no_args_is_help=True)

Where = Annotated[str | None, typer.Option("--where", help="Predicate on partition columns: only those partitions.")]
AllFiles = Annotated[bool, typer.Option("--all", help="Also files whose indexes are of the kinds asked for already.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count the files.")]


@index_app.command("rewrite")
def rewrite(
    table: TableName,
    where: Where = None,
    all_files: AllFiles = False,
    dry_run: DryRun = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Make the indexes that the file-index options ask for, of files that are there already. One commit.

    Example: lakestore index rewrite wh/shop.db/orders
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    report = found.rewrite_file_index(where, all_files=all_files, dry_run=dry_run)
    if as_json:
        print_json(report.to_dict())
        return
    would = "would be " if dry_run else ""
    sys.stdout.write(
        f"{report.files:,} files: {report.indexed:,} {would}indexed, {report.removed:,} {would}freed of indexes\n"
    )
    if report.lost:
        sys.stdout.write(f"{report.lost:,} were replaced by others meanwhile\n")
    if report.snapshot_ids:
        sys.stdout.write(f"snapshot {report.snapshot_ids[-1]}, {report.index_bytes:,} bytes of indexes\n")


@index_app.command("list")
def list_indexes(
    table: TableName, warehouse: Warehouse = None, storage_option: StorageOptions = None, as_json: AsJson = False
) -> None:
    """List the indexes of all live files: the system table file_indexes.

    Example: lakestore index list wh/shop.db/orders
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    rows = SystemRows(found.system("file_indexes"))
    if as_json:
        print_json_lines(rows.to_batches())
    else:
        print_rows(rows.to_arrow())
