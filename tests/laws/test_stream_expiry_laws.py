"""The law of streams while snapshots expire: what a consumer has not read stays, and nothing comes twice.

A consumer reads a few changes at a time, is thrown away and opened again, while the table is written, compacted and
expired as far as the consumer lets go; also with changelogs that outlive their snapshots, and a reader behind them.
"""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import lakestore as ls
from tests.laws.test_stream_laws import COMBINATIONS, Fold, new_table, play, rows, steps

LAW = settings(max_examples=3, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
SWEEP = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

moves = st.one_of(
    st.tuples(st.just("play"), steps),
    st.tuples(st.just("play"), steps),
    st.tuples(st.just("read"), st.integers(1, 4)),
    st.tuples(st.just("expire"), st.none()),
)
histories = st.lists(moves, min_size=4, max_size=14)


def expire(table, **options):
    return table.snapshots.expire(retain_max=1, retain_min=1, older_than=0, **options)


class Reader:
    """A consumer that lives in short lives; its changes are folded."""

    def __init__(self, table, engine, producer, start):
        self.table, self.start, self.fold = table, start, Fold(engine, producer)

    def read(self, changes=None):
        with self.table.stream(self.start, consumer="me", until="latest") as stream:
            for number, change in enumerate(stream, 1):
                for row in change.batch.to_pylist():
                    self.fold.add(row.pop("_row_kind"), row, full=change.full)
                change.ack()
                if number == changes:
                    return


def check(engine, producer, history, start):
    table = new_table(engine, producer)
    play(table, engine, [("write", [{"id": 0, "v": 1, "w": "a"}]), ("write", [{"id": 1, "v": 1, "w": None}])])
    reader = Reader(table, engine, producer, start)
    reader.read(1)
    expired = 0
    for verb, what in history:
        if verb == "play":
            play(table, engine, [what])
        elif verb == "read":
            reader.read(what)
        else:
            expired += len(expire(table).snapshots)
    if producer != "input" and (engine == "first-row" or producer == "full-compaction"):
        table.compact(full=True)
    expired += len(expire(table).snapshots)
    reader.read()
    assert reader.fold.state == {row["id"]: row for row in table.to_arrow().to_pylist()}
    assert not table.check(deep=True).findings
    return expired


@pytest.mark.parametrize(("engine", "producer"), COMBINATIONS)
@LAW
@given(history=histories, start=st.sampled_from(["latest-full", "earliest", "from-snapshot-full=1"]))
def test_a_consumer_misses_nothing_while_snapshots_expire(engine, producer, history, start):
    check(engine, producer, history, start)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("engine", "producer"), COMBINATIONS)
@SWEEP
@given(history=histories, start=st.sampled_from(["latest-full", "earliest", "from-snapshot-full=1"]))
def test_a_consumer_misses_nothing_in_many_histories(engine, producer, history, start):
    check(engine, producer, history, start)


@pytest.mark.parametrize("producer", ["input", "lookup", "full-compaction", "none"])
@LAW
@given(history=st.lists(steps, min_size=2, max_size=8), expiries=st.sets(st.integers(0, 7), max_size=3))
def test_changelogs_that_outlive_their_snapshots_tell_the_same(producer, history, expiries):
    """Two tables with one history; of one the snapshots expire and its changelogs stay."""
    told = []
    for kept in (False, True):
        table = new_table("deduplicate", producer)
        if kept:
            table = table.alter(
                ls.set_option("changelog.num-retained.min", "100"),
                ls.set_option("changelog.num-retained.max", "1000"),
                ls.set_option("changelog.time-retained", "10 d"),
            )
        for number, step in enumerate(history):
            play(table, "deduplicate", [step])
            if kept and number in expiries:
                expire(table)
        found = {}
        for change in table.stream("earliest", until="latest"):
            found.setdefault(change.snapshot_id, []).extend(str(row) for row in change.batch.to_pylist())
        # Of one snapshot the buckets come in whatever order they were compacted.
        told.append({number: sorted(rows_told) for number, rows_told in found.items()})
    assert told[1] == told[0]


@LAW
@given(overwritten=st.lists(st.booleans(), min_size=2, max_size=6), data=st.data())
def test_a_consumer_that_is_told_overwrites_keeps_what_they_replaced(overwritten, data):
    table = new_table("deduplicate", "none")
    table.upsert([{"id": 0, "v": 0, "w": "a"}])
    fold = Fold("deduplicate", "none")
    table.stream("earliest", consumer="me", overwrites="emit", until="latest").close()
    for number, overwrites in enumerate(overwritten):
        (table.overwrite if overwrites else table.upsert)(data.draw(rows))
        expire(table)
        with table.stream("earliest", consumer="me", overwrites="emit", until="latest") as stream:
            for change in stream:
                for row in change.batch.to_pylist():
                    fold.add(row.pop("_row_kind"), row, full=change.full)
                change.ack()
                if number % 2:
                    break
    with table.stream("earliest", consumer="me", overwrites="emit", until="latest") as stream:
        for change in stream:
            for row in change.batch.to_pylist():
                fold.add(row.pop("_row_kind"), row, full=change.full)
            change.ack()
    assert fold.state == {row["id"]: row for row in table.to_arrow().to_pylist()}
