"""Snapshots and hints: hints that lie, requests that a good one costs, time travel."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakestore.errors import CorruptTableError, ErrorKind, NotFoundError
from lakestore.format.snapshot_file import snapshot_to_json
from lakestore.meta.snapshots import LOOKUPS_MAX, Snapshots
from lakestore.model.snapshot import CommitKind, Snapshot
from lakestore.storage.paths import TablePaths
from lakestore.testing.recording import RecordingStore
from tests.entries import TABLES, memory_store

PATHS = TablePaths("/db.db/t")


def a_snapshot(number, **overrides):
    fields = {
        "id": number,
        "schema_id": 0,
        "base_manifest_list": f"base-{number}",
        "delta_manifest_list": f"delta-{number}",
        "commit_user": "me",
        "commit_identifier": number,
        "commit_kind": CommitKind.APPEND,
        "time_millis": 1000 * number,
    }
    return Snapshot(**{**fields, **overrides})


def put(store, *numbers, **overrides):
    for number in numbers:
        store.put(PATHS.snapshot(number), snapshot_to_json(a_snapshot(number, **overrides)))


def table(numbers, *, latest=None, earliest=None):
    store = RecordingStore(memory_store())
    put(store, *numbers)
    for hint, path in ((latest, PATHS.latest_hint()), (earliest, PATHS.earliest_hint())):
        if hint is not None:
            store.put(path, hint if isinstance(hint, bytes) else str(hint).encode())
    store.forget()
    return store


def test_a_good_hint_costs_three_reads():
    store = table([3, 4, 5], latest=5)
    assert Snapshots(store, PATHS).latest() == a_snapshot(5)
    assert store.log == [
        ("get", PATHS.latest_hint()),
        ("get", PATHS.snapshot(6)),
        ("get", PATHS.snapshot(5)),
    ]


def test_a_table_without_snapshots_has_none():
    for latest in (None, 1, 7):
        store = table([], latest=latest)
        assert Snapshots(store, PATHS).latest() is None
        assert Snapshots(store, PATHS).latest_id() is None
        assert Snapshots(store, PATHS).earliest_id() is None
        assert Snapshots(store, PATHS).list() == []


hints = st.one_of(
    st.none(),
    st.integers(-3, 40),
    st.sampled_from([b"", b"5\n", b" 5", b"5 ", b"\xff", b"05", b"+5", b"5.0", b"1" * 40, b"9223372036854775807"]),
    st.binary(max_size=6),
)


@given(first=st.integers(1, 20), count=st.integers(0, 8), latest=hints, earliest=hints)
def test_whatever_the_hints_say_the_truth_is_found(first, count, latest, earliest):
    numbers = range(first, first + count)
    snapshots = Snapshots(table(numbers, latest=latest, earliest=earliest), PATHS)
    assert snapshots.ids() == list(numbers)
    assert snapshots.latest() == (a_snapshot(numbers[-1]) if count else None)
    assert snapshots.latest_id() == (numbers[-1] if count else None)
    assert snapshots.earliest_id() == (numbers[0] if count else None)


def test_hints_are_plain_numbers_again():
    store = table([1, 2])
    snapshots = Snapshots(store, PATHS)
    assert (snapshots.latest_hint(), snapshots.earliest_hint()) == (None, None)
    snapshots.write_latest_hint(2)
    snapshots.write_earliest_hint(1)
    assert (store.get(PATHS.latest_hint()), store.get(PATHS.earliest_hint())) == (b"2", b"1")
    assert (snapshots.latest_hint(), snapshots.earliest_hint()) == (2, 1)


@pytest.mark.parametrize("hint", [None, 2, 9])
@pytest.mark.parametrize("content", [b"", b'{"version" : 3, "id"', snapshot_to_json(a_snapshot(7))])
def test_an_unreadable_latest_snapshot_is_an_error_not_an_older_one(hint, content):
    store = table([1], latest=hint)
    store.put(PATHS.snapshot(2), content)
    with pytest.raises(CorruptTableError, match="/t/snapshot/snapshot-2: "):
        Snapshots(store, PATHS).latest()


def test_temporary_and_foreign_names_are_passed_over():
    store = table([1, 2])
    for name in (".snapshot-9.6f.tmp", "snapshot-97c1.tmp", "snapshot--1", "snapshot-0", "snapshot-007", "tag-3"):
        store.put(f"{PATHS.snapshot_dir()}/{name}", b"x")
    assert Snapshots(store, PATHS).ids() == [1, 2]
    assert Snapshots(store, PATHS).latest().id == 2


@pytest.mark.parametrize("number", [-1, 0, 2, 6, 1 << 62])
def test_a_missing_snapshot_is_refused_with_those_that_exist(number):
    with pytest.raises(NotFoundError, match=rf"snapshot {number} not found in .*; there are 3 to 5$") as caught:
        Snapshots(table([3, 4, 5], latest=9), PATHS).get(number)
    assert caught.value.kind is ErrorKind.SNAPSHOT_NOT_FOUND
    with pytest.raises(NotFoundError, match="there are none"):
        Snapshots(table([]), PATHS).get(1)


def test_walking_back_ends_at_the_earliest():
    snapshots = Snapshots(table([3, 4, 5]), PATHS)
    assert [snapshot.id for snapshot in snapshots.walk_back(5)] == [5, 4, 3]
    assert [snapshot.id for snapshot in snapshots.walk_back(3)] == [3]
    assert list(snapshots.walk_back(2)) == []
    assert [snapshot.id for snapshot in snapshots.list()] == [3, 4, 5]


@given(
    first=st.integers(1, 9),
    steps=st.lists(st.integers(0, 3), min_size=1, max_size=12),
    asked=st.integers(0, 40),
)
def test_time_travel_finds_the_latest_at_or_before(first, steps, asked):
    store = memory_store()
    times, now = {}, 5
    for number, step in enumerate(steps, start=first):
        now += step
        times[number] = now
        put(store, number, time_millis=now)
    expected = max((number for number, time in times.items() if time <= asked), default=None)
    snapshots = Snapshots(store, PATHS)
    if expected is None:
        text = f"no snapshot at or before {asked} .* the earliest is {first} of {times[first]}"
        with pytest.raises(NotFoundError, match=text) as caught:
            snapshots.at_timestamp(asked)
        assert caught.value.kind is ErrorKind.SNAPSHOT_NOT_FOUND
    else:
        assert snapshots.at_timestamp(asked).id == expected


def test_time_travel_reads_few_snapshots():
    store = table(range(100, 1124))
    assert Snapshots(store, PATHS).at_timestamp(1_000_000).id == 1000
    assert store.counts()["list"] == 1
    assert store.counts()["get"] <= 11


def test_time_travel_in_an_empty_table_says_so():
    with pytest.raises(NotFoundError, match="there is none"):
        Snapshots(table([]), PATHS).at_timestamp(5)


class Vanishing(RecordingStore):
    """Loses the snapshots it is asked for, as a rollback or an expiry running meanwhile would."""

    def __init__(self, inner, numbers, times):
        super().__init__(inner)
        self.doomed = {PATHS.snapshot(number) for number in numbers}
        self.left = times

    def get_or_none(self, path):
        if path in self.doomed and self.left:
            self.left -= 1
            self.delete(path)
        return super().get_or_none(path)


def test_a_latest_snapshot_that_is_rolled_back_meanwhile():
    store = Vanishing(table([1, 2, 3]), [3, 2], times=9)
    assert Snapshots(store, PATHS).latest() == a_snapshot(1)


def test_a_snapshot_that_expires_during_time_travel():
    store = Vanishing(table(range(1, 9)), [5, 3], times=9)
    assert Snapshots(store, PATHS).at_timestamp(5500) == a_snapshot(4)


def test_a_table_that_never_rests_is_given_up_by_name():
    store = Vanishing(table(range(1, 40)), range(1, 40), times=39)
    for look in (Snapshots(store, PATHS).latest, lambda: Snapshots(store, PATHS).at_timestamp(1)):
        with pytest.raises(NotFoundError, match=f"{LOOKUPS_MAX} times"):
            look()


@pytest.mark.parametrize("path", sorted(TABLES.glob("*/golden.db/t")), ids=lambda path: path.parts[-3])
def test_golden_tables_open_at_their_latest_snapshot_with_and_without_hints(path):
    store = memory_store(path)
    snapshots = Snapshots(store, PATHS)
    latest = snapshots.latest()
    assert latest.id == snapshots.latest_hint() == snapshots.latest_id() == snapshots.ids()[-1]
    assert snapshots.earliest_id() == snapshots.ids()[0]
    store.delete(PATHS.latest_hint())
    store.delete(PATHS.earliest_hint())
    assert snapshots.latest() == latest
    assert snapshots.at_timestamp(latest.time_millis) == latest
    assert [replace(each, id=1) for each in snapshots.walk_back(latest.id)] == [
        replace(each, id=1) for each in reversed(snapshots.list())
    ]
