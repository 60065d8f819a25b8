"""The demo's second table: three streams widen one row, whatever their order."""

import pyarrow as pa
import pytest

from lakestore.cli.demo_streams import STREAMS, batches_of, check_widened, create_widened
from lakestore.cli.flights import FLIGHT_TYPES, KEY
from lakestore.errors import InvariantError

NUMBERS = [name for name in FLIGHT_TYPES if name not in {"carrier", "origin", "dest", "tailnum", "time_hour"}]


@pytest.fixture
def flights():
    """Thirty flights of January and February; every fifth was cancelled, every seventh never came in."""
    count = range(30)
    columns = {name: [each % 2 + 1 if name == "month" else each for each in count] for name in NUMBERS}
    columns |= {"carrier": ["UA"] * 30, "origin": ["JFK"] * 30, "dest": ["SFO"] * 30, "tailnum": ["N1"] * 30}
    columns["time_hour"] = pa.array([each * 3600 for each in count], pa.timestamp("s", "UTC"))
    for name in STREAMS["departures"]:
        columns[name] = [None if each % 5 == 0 else each for each in count]
    for name in STREAMS["arrivals"]:
        columns[name] = [None if each % 5 == 0 or each % 7 == 0 else each for each in count]
    return pa.table({name: columns[name] for name in FLIGHT_TYPES})


@pytest.mark.parametrize("backwards", [False, True])
def test_widened_rows_equal_the_whole(tmp_path, flights, backwards):
    table = create_widened(tmp_path)
    batches = [(stream, rows) for stream, rows in batches_of(flights) if rows.num_rows]
    for _, rows in reversed(batches) if backwards else batches:
        table.upsert(rows)
    assert check_widened(table, flights) == 30


def test_every_column_has_a_stream_and_cancelled_flights_have_one_only(flights):
    assert {*KEY, *(name for columns in STREAMS.values() for name in columns)} == set(FLIGHT_TYPES)
    counts = dict.fromkeys(STREAMS, 0)
    for stream, rows in batches_of(flights):
        counts[stream] += rows.num_rows
    assert counts == {"departures": 24, "schedule": 30, "arrivals": 20}


def test_a_row_that_was_not_widened_shows(tmp_path, flights):
    table = create_widened(tmp_path)
    for stream, rows in batches_of(flights):
        if stream != "arrivals":
            table.upsert(rows)
    with pytest.raises(InvariantError, match="differ"):
        check_widened(table, flights)
