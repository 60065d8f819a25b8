"""Which rows are past their time."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakestore.core.record_expire import LEAST_MILLIS, expired_mask, is_expired
from lakestore.errors import InvalidInputError
from lakestore.model.options import CompactOptions
from lakestore.model.types import parse_type_text

HOUR = CompactOptions(expire_ms=3_600_000, expire_field="t")
NOW = 1_800_000_000_000
LIMIT = NOW // 1000 - 3600
"""The oldest second that stays."""


def mask(array, now_ms=NOW, options=HOUR):
    return expired_mask(pa.table({"other": pa.nulls(len(array)), "t": array}), options, now_ms).to_pylist()


def test_seconds_in_an_int():
    assert mask(pa.array([LIMIT - 1, LIMIT, LIMIT + 1, None, 0], pa.int32())) == [True, False, False, False, True]


def test_seconds_or_milliseconds_in_a_bigint():
    values = [LIMIT - 1, LIMIT, None, LIMIT * 1000, LIMIT * 1000 - 1, LEAST_MILLIS, LEAST_MILLIS - 1, -5]
    assert mask(pa.array(values, pa.int64())) == [True, False, False, False, True, True, False, True]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC"])
def test_timestamps(unit, zone):
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    ticks = [LIMIT * per_second - 1, LIMIT * per_second, None, 0]
    assert mask(pa.array(ticks, pa.timestamp(unit, zone))) == [True, False, False, True]


def test_parts_of_a_second_of_now_do_not_count():
    row = pa.array([LIMIT], pa.int64())
    assert mask(row, now_ms=NOW + 999) == [False]
    assert mask(row, now_ms=NOW + 1000) == [True]


def test_parts_of_a_second_of_the_expire_time_do_not_count():
    row = pa.array([LIMIT - 1], pa.int64())
    assert mask(row, options=CompactOptions(expire_ms=3_600_999, expire_field="t")) == [True]


def test_without_an_expire_time_nothing_expires():
    rows = pa.table({"t": pa.array([0], pa.int64())})
    assert expired_mask(rows, CompactOptions(), NOW) is None
    assert not is_expired(0, parse_type_text("BIGINT"), CompactOptions(), NOW)


def test_a_column_that_tells_no_time_is_refused():
    with pytest.raises(InvalidInputError, match="'t': the column is of Arrow type string, which tells no time"):
        mask(pa.array(["2026-01-01"]))


def test_record_batches_are_fine_too():
    batch = pa.record_batch({"t": pa.array([0, LIMIT], pa.int64())})
    assert expired_mask(batch, HOUR, NOW).to_pylist() == [True, False]


@pytest.mark.parametrize(
    ("kind", "per_second"),
    [("INT", 1), ("BIGINT", 1), ("TIMESTAMP(6)", 10**9), ("TIMESTAMP(3) WITH LOCAL TIME ZONE", 10**9)],
)
def test_the_least_time_of_a_file(kind, per_second):
    assert is_expired((LIMIT - 1) * per_second, parse_type_text(kind), HOUR, NOW)
    assert not is_expired(LIMIT * per_second, parse_type_text(kind), HOUR, NOW)
    assert not is_expired(None, parse_type_text(kind), HOUR, NOW)


@given(st.lists(st.integers(-(2**62), 2**62), max_size=5), st.integers(0, 2**41), st.integers(0, 2**41))
def test_what_is_expired_stays_expired(values, now, later):
    rows = pa.array(values, pa.int64())
    assert all(b for a, b in zip(mask(rows, now), mask(rows, now + later), strict=True) if a)


@given(st.integers(-(2**62), 2**62), st.integers(0, 2**41), st.integers(0, 2**41))
def test_times_in_nanoseconds_agree_with_a_plain_division(nanos, now, expire):
    millis = nanos // 1_000_000
    seconds = abs(millis) // 1000 * (1 if millis >= 0 else -1)
    options = CompactOptions(expire_ms=expire, expire_field="t")
    expected = now // 1000 > seconds + expire // 1000
    assert mask(pa.array([nanos], pa.timestamp("ns")), now, options) == [expected]
