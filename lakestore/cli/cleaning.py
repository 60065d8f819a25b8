"""Commands that remove what is no longer needed. Each has --dry-run, which lists exactly what the run would remove."""

import re
import sys
from datetime import datetime, timedelta
from typing import Annotated

import typer

from lakestore.cli.cleaned import print_cleaned
from lakestore.cli.render import print_json, print_table
from lakestore.cli.table import AsJson, StorageOptions, TableName, Warehouse
from lakestore.cli.target import find_table, split_target
from lakestore.core.options_values import parse_duration
from lakestore.errors import InvalidInputError

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only list what would go.")]
OlderThan = Annotated[
    str | None, typer.Option("--older-than", help='Age such as "2 d" or "1 h", or a time as ISO text.')
]
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall-clock times of writers have no zone
PartitionWhere = Annotated[str, typer.Option("--where", help="SQL predicate on partition columns.")]

orphan_app = typer.Typer(help="Files that nothing names.", no_args_is_help=True)
partition_app = typer.Typer(help="List, drop, expire and mark partitions.", no_args_is_help=True)


def register(app: typer.Typer, snapshot_app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(orphan_app, name="orphan")
    app.add_typer(partition_app, name="partition")
    snapshot_app.command("expire")(expire)
    for command in (drop, truncate, purge, repair, analyze):
        app.command()(command)


def expire(
    table: TableName,
    retain_max: Annotated[int | None, typer.Option("--retain-max", help="Snapshots kept at most.")] = None,
    retain_min: Annotated[int | None, typer.Option("--retain-min", help="Snapshots kept at least.")] = None,
    older_than: OlderThan = None,
    limit: Annotated[int | None, typer.Option("--limit", help="Snapshots that go at most.")] = None,
    dry_run: DryRun = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Expire snapshots with the files that nothing else needs: tags, branches and consumers keep theirs.

    Example: lakestore snapshot expire wh/shop.db/orders --retain-max 10 --dry-run
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    report = found.snapshots.expire(
        retain_max=retain_max, retain_min=retain_min, older_than=_age(older_than), limit=limit, dry_run=dry_run
    )
    print_cleaned(report, as_json=as_json)


@orphan_app.command("remove")
def remove_orphans(
    table: TableName,
    older_than: OlderThan = None,
    dry_run: DryRun = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Remove files older than a day that no snapshot, changelog, tag or branch names.

    Example: lakestore orphan remove wh/shop.db/orders --older-than "3 d" --dry-run
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    age = _age(older_than)
    report = (
        found.remove_orphans(dry_run=dry_run) if age is None else found.remove_orphans(older_than=age, dry_run=dry_run)
    )
    print_cleaned(report, as_json=as_json)


@partition_app.command("list")
def list_partitions(
    table: TableName, warehouse: Warehouse = None, storage_option: StorageOptions = None, as_json: AsJson = False
) -> None:
    """List the partitions that have rows.

    Example: lakestore partition list wh/shop.db/orders
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or []).partitions()
    rows = [[each.text, each.files, each.rows, each.newest_ms] for each in found]
    columns = ["partition", "files", "rows", "newest"]
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        newest = [None if each.newest_ms is None else EPOCH + timedelta(milliseconds=each.newest_ms) for each in found]
        print_table(columns, [[*row[:-1], time] for row, time in zip(rows, newest, strict=True)])


@partition_app.command("drop")
def drop_partitions(
    table: TableName,
    where: PartitionWhere,
    dry_run: DryRun = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Drop whole partitions, in one commit.

    Example: lakestore partition drop wh/shop.db/orders --where "day < '2026-01-01'"
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    print_cleaned(found.drop_partitions(where, dry_run=dry_run), as_json=as_json)


@partition_app.command("expire")
def expire_partitions(
    table: TableName,
    dry_run: DryRun = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Drop the partitions that the table's options partition.expiration-* do not keep.

    Example: lakestore partition expire wh/shop.db/orders --dry-run
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    print_cleaned(found.expire_partitions(dry_run=dry_run), as_json=as_json)


@partition_app.command("mark-done")
def mark_done(
    table: TableName,
    where: PartitionWhere,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Write a success file into the folder of each partition.

    Example: lakestore partition mark-done wh/shop.db/orders --where "day = '2026-01-01'"
    """
    paths = find_table(table, warehouse=warehouse, options=storage_option or []).mark_partitions_done(where)
    if as_json:
        print_json({"files": list(paths)})
    else:
        sys.stdout.write("".join(f"{path}\n" for path in paths))


def drop(
    table: TableName,
    dry_run: DryRun = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Delete a table with all its files.

    Example: lakestore drop wh/shop.db/orders --dry-run
    """
    try:
        lake, name = split_target(table, warehouse=warehouse, options=storage_option or [])
    except InvalidInputError:
        find_table(
            table, warehouse=warehouse, options=storage_option or []
        )  # Most likely there is nothing of that name.
        raise
    print_cleaned(lake.drop_table(name, dry_run=dry_run), as_json=as_json)


def truncate(
    table: TableName,
    dry_run: DryRun = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Remove all rows, in one commit; older snapshots keep them until they expire.

    Example: lakestore truncate wh/shop.db/orders
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    rows, partitions = found.count(), [each.text for each in found.partitions() if each.text]
    made = () if dry_run else found.truncate().snapshot_ids
    if as_json:
        print_json({"rows": rows, "partitions": partitions, "snapshots": list(made), "dry_run": dry_run})
        return
    sys.stdout.write("".join(f"{text}\n" for text in partitions))
    done = f" with snapshot {', '.join(map(str, made))}" if made else ""
    sys.stdout.write(f"{'would remove' if dry_run else 'removed'} {rows:,} rows{done}\n")


def purge(
    table: TableName,
    dry_run: DryRun = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Empty a table for good: rows, history, branches, tags, consumers, changelogs.

    Example: lakestore purge wh/shop.db/orders --dry-run
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    print_cleaned(found.purge(dry_run=dry_run), as_json=as_json)


def repair(
    table: TableName,
    dry_run: DryRun = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Take data files that are missing out of the table, so that the rest can be read again.

    Example: lakestore repair wh/shop.db/orders --dry-run
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    print_cleaned(found.remove_missing_files(dry_run=dry_run), as_json=as_json)


def analyze(
    table: TableName,
    columns: Annotated[str | None, typer.Option("--columns", help="Columns, comma separated; all by default.")] = None,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Compute statistics and store them with a new snapshot, for the optimizers of other engines.

    Example: lakestore analyze wh/shop.db/orders --columns id,qty
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    names = None if columns is None else [name.strip() for name in columns.split(",") if name.strip()]
    statistics = found.analyze(names)
    summaries = [
        [name, each.distinct, each.nulls, each.low, each.high, each.average_bytes, each.most_bytes]
        for name, each in statistics.columns.items()
    ]
    heads = ["column", "distinct", "nulls", "min", "max", "mean bytes", "most bytes"]
    if as_json:
        rows = [dict(zip(heads, row, strict=True)) for row in summaries]
        print_json(
            {"snapshot": statistics.snapshot_id, "rows": statistics.rows, "bytes": statistics.size, "columns": rows}
        )
        return
    sys.stdout.write(f"snapshot {statistics.snapshot_id}: {statistics.rows:,} rows, {statistics.size:,} bytes\n")
    print_table(heads, summaries)


def _age(text: str | None) -> "timedelta | str | None":
    """An age, or a time when it is no duration."""
    if text is None:
        return None
    try:
        return timedelta(milliseconds=parse_duration(text))
    except ValueError:
        if re.match(r"\d{4}-", text):
            return text
        raise InvalidInputError(
            f'--older-than {text!r}: expected an age such as "2 d", or a time as ISO text'
        ) from None
