"""Commands ``files``, which draws the LSM, and ``compact``: once or as a service, one table or many."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from lakestore.api.catalog import connect
from lakestore.api.maintaining_lakes import TableCompaction
from lakestore.api.table import Table
from lakestore.cli.compact_report import print_compaction, print_manifests, report_dict
from lakestore.cli.levels import print_files, print_levels
from lakestore.cli.render import print_json, print_json_line, stderr
from lakestore.cli.signals import stop_on_signals
from lakestore.cli.table import AsJson, StorageOptions, TableName, Warehouse
from lakestore.cli.target import find_table, storage_options
from lakestore.core.options_values import parse_duration
from lakestore.env import SystemClock
from lakestore.errors import CommitUnknownError, ConflictError, InvalidInputError, LakestoreError, StorageError
from lakestore.maintain.compact import CompactProgress, CompactReport
from lakestore.maintain.rounds import run_rounds

Where = Annotated[str | None, typer.Option("--where", help="Only those partitions: a predicate on partition columns.")]
Tables = Annotated[
    str,
    typer.Argument(
        metavar="TABLE", help="Path or URL of a table, or with --warehouse db.table, db.* or *.*; see --database."
    ),
]
Database = Annotated[
    bool, typer.Option("--database", help="TABLE is a database, by path (wh/shop.db) or name: compact all its tables.")
]
Budget = Annotated[str | None, typer.Option("--budget", metavar="SIZE", help='Read at most that much: "2 gb".')]
BudgetFiles = Annotated[int | None, typer.Option("--budget-files", help="Read at most so many files.")]
Every = Annotated[
    str | None,
    typer.Option("--every", metavar="TIME", help='Go on, a round every "30 s", until SIGTERM or Ctrl-C.'),
]

Compact = Callable[[Table], CompactReport]
Each = Callable[[TableCompaction], None]
Run = Callable[[Compact, Each], None]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(compact)
    app.command()(files)


def files(
    table: TableName,
    where: Where = None,
    names: Annotated[bool, typer.Option("--names", help="One line a file, with its name.")] = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Draw the LSM: sorted runs by bucket and level, where their keys lie, and what is compacted next and why.

    Example: lakestore files wh/shop.db/orders
    """
    picture = find_table(table, warehouse=warehouse, options=storage_option or []).levels(where)
    if as_json:
        print_json(picture.to_dict())
    elif names:
        print_files(picture)
    else:
        print_levels(picture)


def compact(
    table: Tables,
    full: Annotated[bool, typer.Option("--full", help="Merge every bucket into one run.")] = False,
    strategy: Annotated[str | None, typer.Option("--strategy", help="universal (as minor) or full.")] = None,
    where: Where = None,
    idle: Annotated[
        str | None, typer.Option("--idle", metavar="TIME", help='Only partitions not written to for "1 h".')
    ] = None,
    budget: Budget = None,
    budget_files: BudgetFiles = None,
    manifests: Annotated[
        bool, typer.Option("--manifests", help="Merge the table's manifests instead; no data file is touched.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    database: Database = False,
    every: Every = None,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> int:
    """Merge sorted runs into fewer, or small files of an append table: what is due, or everything with --full.

    Example: lakestore compact wh/shop.db/orders --full --dry-run
    """
    if manifests:
        if full or strategy or where or idle or budget or budget_files or database or every:
            raise InvalidInputError("compact --manifests merges the manifests of one table and takes only --dry-run")
        found = find_table(table, warehouse=warehouse, options=storage_option or [])
        print_manifests(found.compact_manifests(dry_run=dry_run), as_json=as_json)
        return 0

    def how(found: Table) -> CompactReport:
        with _progress(found.name) as progress:
            return found.compact(
                full=full,
                strategy=strategy,
                where=where,
                idle=idle,
                budget_bytes=budget,
                budget_files=budget_files,
                dry_run=dry_run,
                progress=progress,
            )

    run = _runner(table, database=database, warehouse=warehouse, options=storage_option or [])
    if every is not None:
        return _serve(partial(run, how), every, dry_run=dry_run, as_json=as_json)
    outcomes: list[TableCompaction] = []

    def each(outcome: TableCompaction) -> None:
        outcomes.append(outcome)
        if not as_json:
            print_compaction(outcome, dry_run=dry_run)

    run(how, each)
    if as_json:
        print_json([report_dict(outcome) for outcome in outcomes])
    return int(any(outcome.error is not None for outcome in outcomes))


def _runner(table: str, *, database: bool, warehouse: str | None, options: Sequence[str]) -> Run:
    """What compacts the tables that the words name, looking them up anew each time."""
    if not database and (warehouse is None or "*" not in table):

        def one(how: Compact, each: Each) -> None:
            found = find_table(table, warehouse=warehouse, options=options)
            each(TableCompaction(table=found.name, report=how(found)))

        return one
    folder, pattern = _tables_of(table, warehouse) if database else (warehouse or "", table)

    def many(how: Compact, each: Each) -> None:
        connect(folder, storage_options=storage_options(options)).compact(pattern, how=how, each=each)

    return many


def _tables_of(database: str, warehouse: str | None) -> tuple[str, str]:
    """Warehouse and pattern for all tables of a database."""
    if warehouse is not None:
        return warehouse, f"{database.removesuffix('.db')}.*"
    folder, _, name = database.rstrip("/").rpartition("/")
    if not name.endswith(".db"):
        raise InvalidInputError(f"--database {database!r}: expected WAREHOUSE/NAME.db, or NAME with --warehouse")
    return folder or ("/" if database.startswith("/") else "."), f"{name.removesuffix('.db')}.*"


def _serve(run: Callable[[Each], None], every: str, *, dry_run: bool, as_json: bool) -> int:
    """Rounds until a signal. What is wrong from the start ends it; what goes wrong later is told, and tried again."""
    try:
        millis = parse_duration(every)
    except ValueError as error:
        raise InvalidInputError(f"--every {every!r}: {error}") from error
    if millis < 1:
        raise InvalidInputError(f"--every {every!r}: expected at least a millisecond between rounds")

    def each(outcome: TableCompaction) -> None:
        if outcome.error is not None or (outcome.report is not None and outcome.report.buckets):
            if as_json:
                print_json_line(report_dict(outcome))
            else:
                print_compaction(outcome, dry_run=dry_run, brief=True)
            sys.stdout.flush()

    def job(number: int) -> None:
        try:
            run(each)
        except LakestoreError as error:
            if number == 1 and not isinstance(error, ConflictError | CommitUnknownError | StorageError):
                raise
            stderr().print(f"round {number}: {escape(error.message)} [bold]\\[{error.kind}][/bold]")

    with stop_on_signals() as stopped:
        rounds = run_rounds(job, every_ms=millis, clock=SystemClock(), stopped=stopped)
    stderr().print(f"stopped after {rounds} rounds")
    return 0


@contextmanager
def _progress(name: str) -> Iterator[Callable[[CompactProgress], None]]:
    """A bar of bytes read, on a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(binary_units=True), TimeElapsedColumn())
    with Progress(*columns, console=stderr(), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(f"compacting {name}", total=None)

        def progress(state: CompactProgress) -> None:
            text = f"compacting {name}, bucket {state.buckets_done} of {state.buckets}"
            bar.update(task, total=state.bytes, completed=state.bytes_done, description=text)

        yield progress
