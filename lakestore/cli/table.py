"""Commands on a table's data: create, describe, write, delete, read, explain, check."""

import sys
from collections.abc import Iterator, Sequence
from typing import Annotated

import pyarrow as pa
import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from lakestore.api.system import system_result
from lakestore.cli.describe import print_description
from lakestore.cli.inputs import InputFormat, read_input
from lakestore.cli.render import print_json, print_json_lines, print_rows, print_table, stderr
from lakestore.cli.target import find_table, find_table_or_system, key_values, split_target, view_at
from lakestore.errors import InvalidInputError
from lakestore.model.message import CommitResult
from lakestore.read.explain import Explanation
from lakestore.write.kinds import SHORTS

TableName = Annotated[
    str, typer.Argument(metavar="TABLE", help="Path or URL of a table, or db.table with --warehouse.")
]
Warehouse = Annotated[str | None, typer.Option("--warehouse", "-w", help="Path or URL of the warehouse folder.")]
StorageOptions = Annotated[
    list[str] | None,
    typer.Option("--storage-option", metavar="KEY=VALUE", help="Option of the filesystem; repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Where = Annotated[str | None, typer.Option("--where", help='SQL predicate, e.g. "qty > 3 and day is not null".')]
AtSnapshot = Annotated[int | None, typer.Option("--snapshot", help="Read as of this snapshot.")]
AtTag = Annotated[str | None, typer.Option("--tag", help="Read as of this tag.")]
AtWatermark = Annotated[
    int | None, typer.Option("--watermark", help="Read the oldest snapshot whose watermark has reached that.")
]
AtTimestamp = Annotated[
    str | None, typer.Option("--timestamp", help="Read as of this time, ISO text or epoch milliseconds.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (create, describe, write, delete, read, explain, check):
        app.command()(command)


def create(
    table: TableName,
    column: Annotated[
        list[str] | None,
        typer.Option("--column", "-c", help='"name TYPE [NOT NULL]", e.g. "id BIGINT"; repeatable.'),
    ] = None,
    like: Annotated[str | None, typer.Option("--like", help="Take the columns of this data file.")] = None,
    primary_key: Annotated[
        str | None, typer.Option("--primary-key", "-k", help="Key columns, comma separated.")
    ] = None,
    partition_by: Annotated[
        str | None, typer.Option("--partition-by", "-p", help="Partition columns, comma separated.")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", "-o", metavar="KEY=VALUE", help="Table option; repeatable.")
    ] = None,
    comment: Annotated[str | None, typer.Option("--comment", help="Table comment.")] = None,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    r"""Create a table.

    Example: lakestore create wh/shop.db/orders -c "id BIGINT" -c "qty INT" -k id -o bucket=4
    """
    lake, name = split_target(table, warehouse=warehouse, options=storage_option or [])
    made = lake.create_table(
        name,
        schema=_columns(column or [], like),
        primary_key=_words(primary_key),
        partition_by=_words(partition_by),
        options=key_values(option or [], "--option"),
        comment=comment,
    )
    for note in made.notes:
        stderr().print(f"note: {note}")
    if as_json:
        print_json({"table": made.name, "path": made.path, "notes": list(made.notes)})
    else:
        sys.stdout.write(f"created {made.name} at {made.path}\n")


def _columns(columns: list[str], like: str | None) -> object:
    if like is not None and not columns:
        first = next(iter(read_input(like, InputFormat.AUTO, None)), None)
        if first is None:
            raise InvalidInputError(f"--like {like}: the file has no rows to take columns from")
        return first.schema
    if not columns or like is not None:
        raise InvalidInputError('give the columns with --column "name TYPE", or with --like FILE')
    found = {}
    for text in columns:
        name, _, kind = text.strip().partition(" ")
        if not kind:
            raise InvalidInputError(f'--column {text!r}: expected "name TYPE", e.g. "id BIGINT NOT NULL"')
        found[name] = kind.strip()
    return found


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def describe(
    table: TableName, warehouse: Warehouse = None, storage_option: StorageOptions = None, as_json: AsJson = False
) -> None:
    """Show columns, keys, options and what the latest snapshot holds.

    Example: lakestore describe wh/shop.db/orders
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    description = found.describe()
    if as_json:
        print_json(description.to_dict())
    else:
        print_description(found.name, found.path, description, found.levels())


def write(
    table: TableName,
    source: Annotated[str, typer.Argument(metavar="FILE", help="Data file, or - for standard input.")],
    input_format: Annotated[InputFormat, typer.Option("--format", help="Format of FILE.")] = InputFormat.AUTO,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the partitions touched, or the whole table.")
    ] = False,
    where: Annotated[str | None, typer.Option("--where", help="With --overwrite: the partitions that go.")] = None,
    evolve: Annotated[
        bool, typer.Option("--evolve", help="Add columns that the table lacks, and widen types that are too narrow.")
    ] = False,
    row_kind: Annotated[str | None, typer.Option("--row-kind", help="Kind of all rows: +I, -U, +U or -D.")] = None,
    row_kind_column: Annotated[
        str | None,
        typer.Option("--row-kind-column", metavar="NAME", help="Column of FILE that holds the kinds; not stored."),
    ] = None,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Write the rows of a CSV, JSON-lines, Parquet or Arrow file: by key where the table has one. One commit.

    Example: lakestore write wh/shop.db/orders orders.csv
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    if where is not None and not overwrite:
        raise InvalidInputError("--where belongs to --overwrite")
    kinds = _row_kind(row_kind, row_kind_column, overwrite=overwrite)
    with _progress(f"writing {found.name}") as progress:
        batches = _counted(read_input(source, input_format, found.schema), progress)
        result = (
            found.overwrite(batches, where=where, evolve=evolve)
            if overwrite
            else found.write(batches, row_kind=kinds, evolve=evolve)
        )
    _report(result, as_json=as_json)


def _row_kind(kind: str | None, column: str | None, *, overwrite: bool) -> str | None:
    """What ``Table.write`` takes as ``row_kind``."""
    if kind is not None and column is not None:
        raise InvalidInputError("--row-kind says the kind of all rows, --row-kind-column of each: give one of them")
    if overwrite and (kind or column):
        raise InvalidInputError("--overwrite replaces rows by new ones, so they have no kinds; leave --row-kind out")
    if kind is not None and kind not in SHORTS:
        raise InvalidInputError(f"--row-kind {kind!r}: expected one of {', '.join(SHORTS)}")
    return kind or column


def delete(
    table: TableName,
    where: Annotated[str, typer.Option("--where", help="SQL predicate for the rows that go.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the rows.")] = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Delete the rows that meet a predicate. One commit.

    Example: lakestore delete wh/shop.db/orders --where "id in (1, 2)"
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    made = () if dry_run else found.delete(where).snapshot_ids
    rows = found.count(where) if dry_run else 0
    if made:  # One row of kind -D for each row that goes, or so many fewer in the files of a table without key.
        rows = abs(found.snapshots.get(made[0]).delta_record_count or 0)
    print_changed("delete", rows, made, dry_run=dry_run, as_json=as_json)


def print_changed(verb: str, rows: int, made: Sequence[int], *, dry_run: bool, as_json: bool) -> None:
    """Say how many rows a command changed, or would change.

    Args:
        verb: What it does to them; with a ``d`` behind, what it did.
        rows: How many.
        made: The snapshots made.
        dry_run: Whether it only looked.
        as_json: For programs.
    """
    if as_json:
        print_json({"rows": rows, "snapshots": list(made), "dry_run": dry_run})
        return
    done = f" with snapshot {', '.join(map(str, made))}" if made else ""
    sys.stdout.write(f"{f'would {verb}' if dry_run else f'{verb}d'} {rows:,} rows{done}\n")


def _report(result: CommitResult, *, as_json: bool) -> None:
    if as_json:
        print_json({"snapshots": list(result.snapshot_ids), "attempts": result.attempts})
    elif result.snapshot_ids:
        sys.stdout.write(f"committed snapshot {', '.join(map(str, result.snapshot_ids))}\n")
    else:
        sys.stdout.write("nothing to commit\n")


def read(
    table: TableName,
    where: Where = None,
    select: Annotated[str | None, typer.Option("--select", help="Columns, comma separated.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", help="Rows at most.")] = None,
    snapshot: AtSnapshot = None,
    tag: AtTag = None,
    timestamp: AtTimestamp = None,
    watermark: AtWatermark = None,
    arrow: Annotated[bool, typer.Option("--arrow", help="Write an Arrow stream, for pipes.")] = False,
    explained: Annotated[
        bool, typer.Option("--explain", help="Show what would be opened and what is skipped, and read nothing.")
    ] = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a row.")] = False,
) -> None:
    """Print rows. TABLE$branch_NAME reads a branch, TABLE$files and the like a system table.

    Example: lakestore read wh/shop.db/orders --where "qty > 3" --select id,qty -n 10
    """
    found, system = find_table_or_system(table, warehouse=warehouse, options=storage_option or [])
    view = view_at(found, snapshot=snapshot, tag=tag, timestamp=timestamp, watermark=watermark)
    words = _words(select) or None
    if explained and system is None:
        _print_explanation(view.scan(where, words, limit).explain(), as_json=as_json)
        return
    scan = view.scan(where, words, limit) if system is None else system_result(view.system(system), where, words, limit)
    if arrow:
        with pa.ipc.new_stream(sys.stdout.buffer, scan.schema) as sink:
            for batch in scan.to_batches():
                sink.write_batch(batch)
    elif as_json:
        print_json_lines(scan.to_batches())
    else:
        print_rows(scan.to_arrow())


def explain(
    table: TableName,
    where: Where = None,
    select: Annotated[str | None, typer.Option("--select", help="Columns, comma separated.")] = None,
    snapshot: AtSnapshot = None,
    tag: AtTag = None,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Show what a read would open, and what each rule skips.

    Example: lakestore explain wh/shop.db/orders --where "id = 7"
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    explanation = view_at(found, snapshot=snapshot, tag=tag).scan(where, _words(select) or None).explain()
    _print_explanation(explanation, as_json=as_json)


def _print_explanation(explanation: Explanation, *, as_json: bool) -> None:
    if as_json:
        print_json(explanation.to_dict())
    else:
        sys.stdout.write(f"{explanation}\n")


def check(
    table: TableName,
    deep: Annotated[bool, typer.Option("--deep", help="Decode every data file too.")] = False,
    latest: Annotated[bool, typer.Option("--latest", help="Only the latest snapshot.")] = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> int:
    """Verify every invariant that can be seen. Exit code 3 when there is damage.

    Example: lakestore check wh/shop.db/orders --deep
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    ids = None
    if latest:
        newest = found.snapshots.latest()
        ids = [] if newest is None else [newest.id]
    with _progress(f"checking {found.name}"):
        report = found.check(deep=deep, snapshots=ids)
    if as_json:
        print_json(report.to_dict())
    else:
        columns = ["severity", "rule", "snapshot", "path", "message"]
        if report.findings:
            print_table(
                columns,
                [[item.severity, item.rule, item.snapshot_id, item.path, item.message] for item in report.findings],
            )
        verdict = "whole" if report.ok else f"DAMAGED; newest whole snapshot: {report.newest_whole_snapshot}"
        rows = f", {report.rows:,} rows decoded" if deep else ""
        sys.stdout.write(f"{report.snapshots} snapshots, {report.files} data files{rows}: {verdict}\n")
    return 0 if report.ok else 3


def _progress(text: str) -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=stderr(), transient=True, disable=not sys.stderr.isatty())
    progress.add_task(text, total=None)
    return progress


def _counted(batches: Iterator[pa.RecordBatch], progress: Progress) -> Iterator[pa.RecordBatch]:
    rows = 0
    task = progress.task_ids[0]
    text = progress.tasks[0].description
    for batch in batches:
        rows += batch.num_rows
        progress.update(task, description=f"{text}: {rows:,} rows")
        yield batch
