"""Command ``cluster``: lay the rows of an append table out along a curve."""

import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from lakestore.cli.render import human_bytes, print_json, print_table, stderr
from lakestore.cli.table import AsJson, StorageOptions, TableName, Warehouse
from lakestore.cli.target import find_table
from lakestore.data.cluster_rewrite import DEFAULT_MEMORY
from lakestore.maintain.cluster import ClusterReport

Columns = Annotated[
    list[str] | None, typer.Option("--by", metavar="COLUMN", help="Column that queries filter by; repeatable.")
]
CurveName = Annotated[str | None, typer.Option("--curve", help="zorder, hilbert or order; by default as Paimon picks.")]
Where = Annotated[str | None, typer.Option("--where", help="Predicate on partition columns: only those partitions.")]
Memory = Annotated[int, typer.Option("--memory-mb", help="Decoded megabytes held at a time.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(cluster)


def cluster(
    table: TableName,
    by: Columns = None,
    curve: CurveName = None,
    where: Where = None,
    memory_mb: Memory = DEFAULT_MEMORY // 2**20,
    dry_run: DryRun = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Lay the rows of an append table out so that queries on some columns skip most of it.

    Example: lakestore cluster wh/geo.db/points --by lon --by lat --curve hilbert
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=stderr(), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("rows", total=None)

        def progress(partition: str, rows: int) -> None:
            bar.update(task, advance=rows, description=partition or found.name)

        report = found.cluster_by(
            *(by or ()), curve=curve, where=where, memory=memory_mb * 2**20, dry_run=dry_run, progress=progress
        )
    if as_json:
        print_json(asdict(report))
    else:
        _print(report, dry_run=dry_run)


def _print(report: ClusterReport, *, dry_run: bool) -> None:
    if not report.partitions:
        sys.stdout.write("nothing to lay out: the table has no files there\n")
        return
    names = ["partition", "rows", "files", "bytes"] + ([] if dry_run else ["files after", "bytes after"])
    rows: list[list[object]] = []
    for one in report.partitions:
        after = [] if dry_run else [one.files_after, human_bytes(one.bytes_after)]
        rows.append([one.partition or "(all)", one.rows, one.files_before, human_bytes(one.bytes_before), *after])
    verb = "would lay out" if dry_run else "laid out"
    print_table(names, rows, title=f"{verb} by {', '.join(report.columns)} along {report.curve}")
    if report.snapshot_id is not None:
        sys.stdout.write(f"snapshot {report.snapshot_id}, {report.milliseconds / 1000:.1f} s\n")
