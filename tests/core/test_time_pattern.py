"""Times in partition values, as Java's patterns read them."""

from datetime import datetime

import pytest

from lakestore.core.time_pattern import TimePattern, fill_pattern
from lakestore.errors import InvalidInputError


def ms(*parts):
    return (datetime(*parts) - datetime(1970, 1, 1)).total_seconds() * 1000


@pytest.mark.parametrize(
    ("pattern", "text", "time"),
    [
        (None, "2026-11-20", ms(2026, 11, 20)),
        (None, "2026-1-5", ms(2026, 1, 5)),
        (None, "2026-01-05 13:04:05", ms(2026, 1, 5, 13, 4, 5)),
        (None, "2026-01-05 13:04:05.25", ms(2026, 1, 5, 13, 4, 5, 250_000)),
        (None, "2026-13-01", ms(2027, 1, 1)),
        (None, "2026-02-30", ms(2026, 3, 2)),
        (None, "2026-01-05T13:04:05", None),
        (None, "20260105", None),
        (None, "__DEFAULT_PARTITION__", None),
        ("yyyyMMdd", "20260105", ms(2026, 1, 5)),
        ("yyyyMMdd", "20260230", None),
        ("yyyyMMdd", "2026-01-05", None),
        ("yyyyMMdd HH", "20260105 13", ms(2026, 1, 5, 13)),
        ("yyyyMMdd HH", "20260105 24", None),
        ("yyyy-MM-dd'T'HH:mm:ss.SSS", "2026-01-05T13:04:05.250", ms(2026, 1, 5, 13, 4, 5, 250_000)),
        ("yyyy-M-d", "2026-11-5", ms(2026, 11, 5)),
        ("dd/MM/yy", "05/01/26", ms(2026, 1, 5)),
        ("yyyy-MM-dd HH:mm", "2026-01-05 13:60", None),
    ],
)
def test_texts(pattern, text, time):
    assert TimePattern.of(pattern).wall_ms(text) == time


@pytest.mark.parametrize("pattern", ["yyyy-MM-dd E", "yyyyMMdd yyyy", "QQ"])
def test_letters_that_are_not_known_are_refused(pattern):
    with pytest.raises(InvalidInputError, match="not understood"):
        TimePattern.of(pattern)


@pytest.mark.parametrize(
    ("pattern", "filled"),
    [(None, "a"), ("$dt", "a"), ("$dt1-$dt", "b-a"), ("$dt $hour:00:00", "a c:00:00"), ("cost $5", "cost $5")],
)
def test_columns_are_filled_in_longest_name_first(pattern, filled):
    assert fill_pattern(pattern, ["dt", "dt1", "hour"], ["a", "b", "c"]) == filled
