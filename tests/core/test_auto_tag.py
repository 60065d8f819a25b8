"""Automatic tags: which are due at which time, and how they are called, as Paimon's own tests establish."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakestore.core.auto_tag import TagCalendar, batch_name, is_over
from lakestore.errors import InvalidInputError
from lakestore.model.snapshot import CommitKind, Snapshot
from lakestore.model.tag import Tag
from lakestore.model.tag_options import DAY_MS, HOUR_MS, TagFormatter, TagOptions, TagPeriod

HOURLY = TagOptions(period=TagPeriod.HOURLY)
MINUTE_MS = 60_000


def at(text):
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1)) // (
        datetime(1970, 1, 1, 0, 0, 0, 1000) - datetime(1970, 1, 1)
    )


def run(options, times, names=()):
    """The tags that snapshots of those times make, one after another."""
    calendar = TagCalendar(options)
    following = calendar.next_period(names)
    made = []
    for time in times:
        due = calendar.decide(at(time), following)
        if due is not None:
            made.append(due.name)
            following = due.following
    return made


def test_hourly():
    times = ["2023-07-18 12:12:00", "2023-07-18 12:59:00", "2023-07-18 13:00:00", "2023-07-18 14:00:00"]
    assert run(HOURLY, times) == ["2023-07-18 11", "2023-07-18 12", "2023-07-18 13"]


def test_a_period_that_was_missed_is_left_out():
    assert run(HOURLY, ["2023-07-18 12:12:00", "2023-07-18 14:00:00"]) == ["2023-07-18 11", "2023-07-18 13"]


def test_the_first_tag_is_made_whatever_the_delay_and_others_wait_for_it():
    options = TagOptions(period=TagPeriod.HOURLY, delay_ms=10_000)
    assert run(options, ["2023-07-18 12:00:09"]) == ["2023-07-18 11"]
    assert run(options, ["2023-07-18 12:00:09", "2023-07-18 13:00:09"]) == ["2023-07-18 11"]
    assert run(options, ["2023-07-18 12:00:09", "2023-07-18 13:00:10"]) == ["2023-07-18 11", "2023-07-18 12"]


def test_a_delay_as_long_as_the_period_is_refused():
    with pytest.raises(InvalidInputError, match=r"tag\.creation-delay"):
        TagCalendar(TagOptions(period=TagPeriod.HOURLY, delay_ms=HOUR_MS))


def test_two_hours():
    times = ["2023-07-18 12:00:01", "2023-07-18 13:00:01", "2023-07-18 14:00:09"]
    assert run(TagOptions(period=TagPeriod.TWO_HOURS), times) == ["2023-07-18 10", "2023-07-18 12"]


def test_daily():
    times = ["2023-07-18 12:00:01", "2023-07-19 12:00:01", "2023-07-20 12:00:01"]
    assert run(TagOptions(), times) == ["2023-07-17", "2023-07-18", "2023-07-19"]


def test_any_duration():
    options = TagOptions(period_duration_ms=10 * MINUTE_MS)
    assert run(options, ["2023-07-18 12:05:00", "2023-07-18 12:11:00"]) == ["202307181150", "202307181200"]


def test_completion_makes_missed_tags_one_a_snapshot():
    options = TagOptions(period=TagPeriod.HOURLY, completion=True)
    times = ["2024-06-26 16:12:00", "2024-06-26 18:05:00", "2024-06-26 18:10:00", "2024-06-26 18:15:00"]
    assert run(options, times) == ["2024-06-26 15", "2024-06-26 16", "2024-06-26 17"]


def test_going_on_from_tags_that_are_there():
    assert run(HOURLY, ["2023-07-18 12:59:00"], ["savepoint-11", "2023-07-18 11"]) == []
    assert run(HOURLY, ["2023-07-18 14:01:00"], ["2023-07-18 11", "2023-07-18 10"]) == ["2023-07-18 13"]


def test_a_change_from_hours_to_days_counts_the_tags_of_hours():
    calendar = TagCalendar(TagOptions())
    assert calendar.period_of("2023-07-18 11") == at("2023-07-18")
    assert run(TagOptions(), ["2023-07-20 12:00:01"], ["2023-07-18 11"]) == ["2023-07-19"]


@pytest.mark.parametrize(
    ("period", "formatter", "name"),
    [
        (TagPeriod.DAILY, TagFormatter.WITHOUT_DASHES, "20230717"),
        (TagPeriod.DAILY, TagFormatter.WITHOUT_DASHES_AND_SPACES, "20230717"),
        (TagPeriod.HOURLY, TagFormatter.WITHOUT_DASHES, "20230718 11"),
        (TagPeriod.HOURLY, TagFormatter.WITHOUT_DASHES_AND_SPACES, "2023071811"),
        (TagPeriod.TWO_HOURS, TagFormatter.WITHOUT_DASHES, "2023-07-18 10"),
    ],
)
def test_names(period, formatter, name):
    options = TagOptions(period=period, formatter=formatter)
    assert run(options, ["2023-07-18 12:12:00"]) == [name]


@pytest.mark.parametrize(
    "name", ["", "savepoint-11", "2023-7-18 11", "2023-07-18 24", "2023-02-30 01", "2023-07-18", "x2023-07-18 11"]
)
def test_what_is_no_automatic_tag(name):
    assert TagCalendar(HOURLY).period_of(name) is None


@given(
    st.integers(min_value=0, max_value=at("9999-01-01")),
    st.sampled_from([TagOptions(), HOURLY, TagOptions(period_duration_ms=7 * MINUTE_MS)]),
    st.sampled_from(TagFormatter),
)
def test_names_and_periods_go_back_and_forth(time, options, formatter):
    options = TagOptions(period=options.period, period_duration_ms=options.period_duration_ms, formatter=formatter)
    calendar = TagCalendar(options)
    made = calendar.decide(time, None)
    period = calendar.period_of(made.name)
    assert calendar.name_of(period) == made.name
    assert period + options.period_ms == made.following <= time < made.following + options.period_ms
    assert calendar.decide(time, made.following) is None


def tag(name, snapshot_id, **times):
    snapshot = Snapshot(
        id=snapshot_id,
        schema_id=0,
        base_manifest_list="b",
        delta_manifest_list="d",
        commit_user="u",
        commit_identifier=snapshot_id,
        commit_kind=CommitKind.APPEND,
        time_millis=0,
    )
    return Tag(name, snapshot, **times)


def test_only_automatic_tags_are_too_many():
    tags = [tag("2023-07-18 11", 1), tag("savepoint", 1), tag("2023-07-18 12", 2), tag("2023-07-18 13", 3)]
    assert TagCalendar(TagOptions(period=TagPeriod.HOURLY, num_retained_max=2)).surplus(tags) == ["2023-07-18 11"]
    assert TagCalendar(TagOptions(period=TagPeriod.HOURLY, num_retained_max=9)).surplus(tags) == []
    assert TagCalendar(HOURLY).surplus(tags) == []


def test_batch_names():
    assert batch_name(TagOptions(), at("2023-07-18 23:59:59")) == "batch-write-2023-07-18"
    assert batch_name(TagOptions(batch_name="nightly"), 0) == "nightly"


def test_a_tag_is_over_when_more_than_its_time_has_passed():
    kept = tag("t", 1, create_time_ms=1000, time_retained_ms=DAY_MS)
    assert not is_over(kept, 1000 + DAY_MS)
    assert is_over(kept, 1001 + DAY_MS)
    assert not is_over(tag("t", 1), 10 * DAY_MS)
