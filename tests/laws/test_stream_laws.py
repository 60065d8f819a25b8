"""The law of streams: the state at the start, with the changes folded in, is the table, snapshot by snapshot.

For every merge engine and changelog producer that go together, every way to begin, and with the reader thrown away and
begun anew from a saved position, or as a consumer, at random changes. The oracle folds changes in plain Python; where a
producer tells complete changes it also checks that each fits the state it meets.
"""

import json
import uuid
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lakestore as ls

COMBINATIONS = [
    ("deduplicate", "none"),
    ("deduplicate", "input"),
    ("deduplicate", "lookup"),
    ("deduplicate", "full-compaction"),
    ("partial-update", "none"),
    ("partial-update", "input"),
    ("partial-update", "lookup"),
    ("partial-update", "full-compaction"),
    ("aggregation", "none"),
    ("aggregation", "input"),
    ("aggregation", "lookup"),
    ("aggregation", "full-compaction"),
    ("first-row", "none"),
    ("first-row", "lookup"),
]
STARTS = ["latest-full", "earliest", "compacted-full", "from-snapshot-full=1", "from-snapshot-full=2"]
LAW = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))

rows = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(0, 7), "v": st.none() | st.integers(0, 99), "w": st.none() | st.sampled_from("abc")}
    ),
    min_size=1,
    max_size=12,
)
steps = st.one_of(
    st.tuples(st.just("write"), rows),
    st.tuples(st.just("write"), rows),
    st.tuples(st.just("delete"), st.lists(st.integers(0, 7), min_size=1, max_size=3, unique=True)),
    st.tuples(st.just("compact"), st.none()),
)


def new_table(engine, producer):
    options = {
        "bucket": "2",
        "merge-engine": engine,
        "changelog-producer": producer,
        "lakestore.merge-window-rows": "4",
    }
    if engine == "aggregation":
        options |= {"fields.v.aggregate-function": "sum", "fields.w.aggregate-function": "last_non_null_value"}
    lake = ls.connect(f"memory://laws-{uuid.uuid4()}")
    return lake.create_table(
        "db.t", schema={"id": "INT NOT NULL", "v": "INT", "w": "STRING"}, primary_key=["id"], options=options
    )


def play(table, engine, history):
    for verb, what in history:
        if verb == "write":
            table.upsert(what)
        elif verb == "compact":
            table.compact(full=True)
        elif engine == "deduplicate":
            table.delete([{"id": key, "v": None, "w": None} for key in what])


class Fold:
    """The state that changes come to."""

    def __init__(self, engine, producer):
        self.engine = engine
        self.complete = producer in {"lookup", "full-compaction"}
        self.state = {}
        self.taken_back = None

    def add(self, kind, row, *, full):
        old = self.state.get(row["id"])
        if full:
            assert kind == "+I"
            assert old is None, "a key twice in one state"
            self.state[row["id"]] = row
        elif self.complete:
            self._fits(kind, row, old)
        elif kind in {"-D", "-U"}:
            self.state.pop(row["id"], None)
        else:
            self.state[row["id"]] = row if old is None else self._merged(old, row)

    def _merged(self, old, new):
        if self.engine == "first-row":
            return old
        if self.engine == "deduplicate":
            return new
        merged = {name: old[name] if new[name] is None else new[name] for name in old}
        if self.engine == "aggregation" and old["v"] is not None and new["v"] is not None:
            merged["v"] = old["v"] + new["v"]
        return merged

    def _fits(self, kind, row, old):
        assert self.taken_back is None or (kind == "+U" and self.taken_back == row["id"]), "-U without its +U"
        self.taken_back = None
        if kind == "+I":
            assert old is None, f"+I of a key that is there: {row}"
        elif kind == "+U":
            assert old is None, "+U without its -U"
        else:
            assert old == row, f"{kind} {row} takes back another row than {old}"
            self.state.pop(row["id"])
            self.taken_back = row["id"] if kind == "-U" else None
            return
        self.state[row["id"]] = row


def batch_state(table, snapshot_id):
    return {row["id"]: row for row in table.at(snapshot=snapshot_id).scan().to_pylist()}


def told_in_full(table, engine, producer):
    """Snapshots at which the changes so far have told every row."""
    kinds = {one["snapshot_id"]: one["commit_kind"] for one in table.snapshots.list().to_pylist()}
    if producer in {"none", "input"} and engine != "first-row":
        return set(kinds)
    return {number for number, kind in kinds.items() if kind == "COMPACT"}


def check_stream(table, engine, producer, open_stream, stops):
    """Read to the end, begun anew after each of the numbers of changes, and judge at each snapshot."""
    fold = Fold(engine, producer)
    comparable = told_in_full(table, engine, producer)
    position, seen = None, 0
    for stop in [*stops, None]:
        with open_stream(position) as stream:
            for change in stream:
                for row in change.batch.to_pylist():
                    kind = row.pop("_row_kind")
                    fold.add(kind, row, full=change.full)
                change.ack()
                position = json.loads(json.dumps(change.position))
                seen += 1
                if change.last and change.snapshot_id in comparable:
                    assert fold.state == batch_state(table, change.snapshot_id)
                if stop is not None and seen >= stop:
                    break
    return fold.state


@pytest.mark.parametrize(("engine", "producer"), COMBINATIONS)
@LAW
@given(
    history=st.lists(steps, min_size=2, max_size=7),
    start=st.sampled_from(STARTS),
    stops=st.lists(st.integers(1, 12), max_size=3).map(sorted),
    by_consumer=st.booleans(),
)
def test_state_and_changes_come_to_the_table(engine, producer, history, start, stops, by_consumer):
    table = new_table(engine, producer)
    play(table, engine, [("write", [{"id": 0, "v": 1, "w": "a"}]), ("write", [{"id": 1, "v": 1, "w": None}]), *history])
    if producer != "input" and (engine == "first-row" or producer == "full-compaction"):
        table.compact(full=True)
    names = count()

    def open_stream(position):
        if by_consumer:
            next(names)
            return table.stream(start, consumer="me", until="latest")
        return table.stream(start if position is None else position, until="latest")

    state = check_stream(table, engine, producer, open_stream, stops)
    assert state == {row["id"]: row for row in table.to_arrow().to_pylist()}


@LAW
@given(
    history=st.lists(
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=9), min_size=1, max_size=6
    ),
    overwritten=st.integers(0, 5),
    stops=st.lists(st.integers(1, 8), max_size=3).map(sorted),
    keyed=st.booleans(),
)
def test_overwrites_that_are_emitted_come_to_the_table(history, overwritten, stops, keyed):
    """Also of an append table, as a bag of rows, and of the partitions that an overwrite replaces."""
    lake = ls.connect(f"memory://laws-{uuid.uuid4()}")
    table = lake.create_table(
        "db.t",
        schema={"p": "INT", "id": "INT NOT NULL", "v": "INT"},
        partition_by=["p"],
        primary_key=["p", "id"] if keyed else [],
        options={"bucket": "1" if keyed else "-1", "lakestore.merge-window-rows": "4"},
    )
    for number, pairs in enumerate(history):
        batch = [{"p": key % 2, "id": key, "v": value} for key, value in pairs]
        (table.overwrite if number == overwritten else table.insert)(batch)
    bag, position, seen = [], None, 0
    for stop in [*stops, None]:
        with table.stream(position or "earliest", until="latest", overwrites="emit") as stream:
            for change in stream:
                for row in change.batch.to_pylist():
                    kind = row.pop("_row_kind")
                    if keyed:
                        bag = [one for one in bag if one["id"] != row["id"]]
                    if kind in {"-D", "-U"} and not keyed:
                        bag.remove(row)
                    elif kind in {"+I", "+U"}:
                        bag.append(row)
                position = json.loads(json.dumps(change.position))
                seen += 1
                if stop is not None and seen >= stop:
                    break
    assert sorted(map(str, bag)) == sorted(map(str, table.to_arrow().to_pylist()))
