"""``lakestore demo``: a real table from real input, step by step, with the figures of each step.

1. Load a year of New York flights, month by month, one upsert commit each.
2. Correct some rows, delete the cancelled flights.
3. Read it back with filters, and as it was before the corrections.
4. Let three streams widen the rows of a second table by partial-update, and compare them with the whole.
5. Show the files, the levels and the figures; say where the table is and what to try next.
"""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc
import typer
from rich.progress import track

from lakestore.api.catalog import connect
from lakestore.api.table import Table
from lakestore.cli.demo_streams import STREAMS, batches_of, check_widened, create_widened
from lakestore.cli.flights import FLIGHT_TYPES, KEY, by_month, load_flights
from lakestore.cli.levels import print_levels
from lakestore.cli.render import human_bytes, print_rows, stderr
from lakestore.env import SystemClock
from lakestore.errors import AlreadyExistsError, InvariantError

CLOCK = SystemClock()
STORM_DAY = ("2013-02-08T05:00:00+00:00", "2013-02-10T04:59:59+00:00")
"""8 and 9 February 2013, New York time: the days of a great snow storm."""


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(demo)


def demo(
    folder: Annotated[Path, typer.Argument(metavar="[WAREHOUSE]", help="Folder for the demo's warehouse.")] = Path(
        "lakestore-demo"
    ),
    replace: Annotated[bool, typer.Option("--replace", help="Remove an earlier demo there first.")] = False,
) -> None:
    """Make a real table from a year of New York flights and show what can be done with it.

    Example: lakestore demo
    """
    if replace and (folder / "demo.db").is_dir():
        shutil.rmtree(folder / "demo.db")
    started = CLOCK.monotonic()
    _say("1. A year of flights out of New York, loaded month by month: 12 upsert commits")
    flights = load_flights()
    table = _create(folder)
    seconds = _load(table, flights)
    rate = flights.num_rows / seconds
    _tell(f"{flights.num_rows:,} rows committed in {seconds:.2f} s ({rate:,.0f} rows/s)")
    loaded = table.snapshots.latest()
    if loaded is None:
        raise InvariantError("twelve commits left no snapshot")
    _correct(table)
    _read_back(table, loaded.id, flights)
    _widen(folder, flights)
    _say("6. On disk: every bucket is a log-structured merge tree, every file plain Parquet")
    print_levels(table.levels())
    _finish(table, folder, CLOCK.monotonic() - started)


def _say(text: str) -> None:
    sys.stdout.write(f"\n{text}\n")
    sys.stdout.flush()


def _tell(text: str) -> None:
    sys.stdout.write(f"   {text}\n")
    sys.stdout.flush()


def _create(folder: Path) -> Table:
    try:
        return connect(folder).create_table(
            "demo.flights",
            schema=FLIGHT_TYPES,
            primary_key=KEY,
            partition_by=["month"],
            options={"bucket": 1},
            comment="Flights that left New York in 2013",
        )
    except AlreadyExistsError as error:
        raise AlreadyExistsError(
            f"{folder}/demo.db/flights is there already: pass --replace to make it anew, or another folder"
        ) from error


def _load(table: Table, flights: pa.Table) -> float:
    started = CLOCK.monotonic()
    months = by_month(flights)
    for month in track(months, "loading", console=stderr(), transient=True, disable=not sys.stderr.isatty()):
        table.upsert(month)
    return CLOCK.monotonic() - started


def _correct(table: Table) -> None:
    _say("2. A correction, made up: the planes of Hawaiian Airlines get new tail numbers (an upsert of whole rows)")
    affected = table.scan("month = 7 and carrier = 'HA'").to_arrow()
    position = affected.column_names.index("tailnum")
    renamed = pc.binary_join_element_wise("HA-", affected["tailnum"], "")
    table.upsert(affected.set_column(position, "tailnum", renamed))
    _tell(f"{affected.num_rows} rows of Hawaiian Airlines in July updated, one commit")
    _say("3. Cancellations: flights that never left (dep_time is null) are deleted by predicate")
    started = CLOCK.monotonic()
    cancelled = table.count("dep_time is null")
    table.delete("dep_time is null")
    _tell(f"{cancelled:,} rows deleted in {CLOCK.monotonic() - started:.2f} s, one commit")


def _read_back(table: Table, before: int, flights: pa.Table) -> None:
    _say("4. Read it back, merged on the fly")
    started = CLOCK.monotonic()
    rows = table.to_arrow()
    seconds = CLOCK.monotonic() - started
    _tell(f"now: {rows.num_rows:,} flights in {seconds:.2f} s ({human_bytes(rows.nbytes)} of Arrow)")
    _tell(f"at snapshot {before}, before the corrections: {table.at(snapshot=before).count():,} flights")
    if table.at(snapshot=before).count() != flights.num_rows:
        raise InvariantError("time travel did not give back what was loaded")
    low, high = STORM_DAY
    storm = f"month = 2 and time_hour between '{low}' and '{high}'"
    left = table.count(storm)
    planned = table.at(snapshot=before).count(storm)
    _tell(f"8 and 9 February 2013, a snow storm: {planned:,} flights were planned, {left:,} left")
    late = table.scan("month = 12 and arr_delay > 300", select=["time_hour", "carrier", "flight", "dest", "arr_delay"])
    _tell("the latest arrivals of December:\n")
    print_rows(late.to_arrow().sort_by([("arr_delay", "descending")]).slice(0, 5))
    _tell("\n   what that read had to open:\n")
    sys.stdout.write("\n".join(f"   {line}" for line in str(late.explain()).splitlines()) + "\n")


def _widen(folder: Path, flights: pa.Table) -> None:
    _say(
        "5. A second table, widened by partial-update: schedule, departures and arrivals each upsert their own columns"
    )
    started = CLOCK.monotonic()
    table = create_widened(folder)
    counts = dict.fromkeys(STREAMS, 0)
    batches = list(batches_of(flights))
    for stream, rows in track(batches, "widening", console=stderr(), transient=True, disable=not sys.stderr.isatty()):
        counts[stream] += rows.num_rows
        table.upsert(rows)
    for stream, rows in counts.items():
        _tell(f"{stream}: {rows:,} rows with {', '.join(STREAMS[stream])}")
    seconds = CLOCK.monotonic() - started
    _tell(f"{len(batches)} upsert commits in {seconds:.2f} s ({sum(counts.values()) / seconds:,.0f} rows/s)")
    started = CLOCK.monotonic()
    rows = check_widened(table, flights)
    seconds = CLOCK.monotonic() - started
    _tell(f"checked: the {rows:,} widened rows equal the whole flights (read and compared in {seconds:.2f} s)")


def _finish(table: Table, folder: Path, seconds: float) -> None:
    where = folder / "demo.db" / "flights"
    _say(f"Done in {seconds:.1f} s. The table is an ordinary Paimon table in {table.path}")
    _tell("Flink, Spark, Trino, StarRocks and Doris read and write that very folder. Try next:\n")
    for command in (
        f"lakestore read {where} --where \"carrier = 'HA'\" -n 5",
        f"lakestore snapshot list {where}",
        f"lakestore describe {where}",
        f"lakestore check {where} --deep",
    ):
        _tell(f"  {command}")
    _tell("")
    _tell(f"  python -c \"import lakestore as ls; print(ls.open_table('{where}').scan('month = 1').count())\"")
