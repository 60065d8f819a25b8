"""The second table of ``lakestore demo``: three streams of the same flights widen one row each, by partial-update.

1. The schedule, the departures and the arrivals each know some columns of a flight, and upsert just these.
2. What one stream does not have stays as another one left it; nobody pads with nulls and nobody joins.
3. The widened rows are read back and compared with the flights that the streams were cut from.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from lakestore.api.catalog import connect
from lakestore.api.table import Table
from lakestore.cli.flights import FLIGHT_TYPES, KEY, by_month
from lakestore.errors import InvariantError

STREAMS = {
    "departures": ("dep_time", "dep_delay"),
    "schedule": ("origin", "dest", "tailnum", "sched_dep_time", "sched_arr_time", "distance"),
    "arrivals": ("arr_time", "arr_delay", "air_time"),
}
"""What each stream says of a flight, besides its key."""


def create_widened(folder: Path) -> Table:
    """Make the table in the demo's warehouse."""
    return connect(folder).create_table(
        "demo.flight_status",
        schema=FLIGHT_TYPES,
        primary_key=KEY,
        partition_by=["month"],
        options={"bucket": 1, "merge-engine": "partial-update"},
        comment="Flights that left New York in 2013, widened by three streams",
    )


def batches_of(flights: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """What the streams bring, month by month: the stream's name and its rows."""
    for month in by_month(flights):
        for stream, columns in STREAMS.items():
            yield stream, _known(month.select([*KEY, *columns]), columns)


def check_widened(table: Table, flights: pa.Table) -> int:
    """Compare the widened rows with the whole; how many there are.

    Raises:
        InvariantError: They differ.
    """
    widened = table.scan(select=flights.column_names).to_arrow()
    order = [(name, "ascending") for name in KEY]
    if widened.sort_by(order).equals(flights.cast(widened.schema).sort_by(order)):
        return int(widened.num_rows)
    raise InvariantError("the rows widened by three streams differ from the flights that the streams were cut from")


def _known(rows: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Flights that the stream knows something of: one that was cancelled never departs."""
    known = pc.is_valid(rows[columns[0]])
    for name in columns[1:]:
        known = pc.or_(known, pc.is_valid(rows[name]))
    return rows.filter(known)
