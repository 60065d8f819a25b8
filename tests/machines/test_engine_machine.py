"""Tables of every merge engine, compacted now and then, against plain Python: reading is reading after compaction.

The histories are such that the engine promises it: adds only where merging early is not exact for retracts.
"""

import itertools

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import lakestore as ls
from tests.laws.table_model import TableModel

COLUMNS = {"id": "INT", "g": "INT", "a": "INT", "b": "STRING", "c": "BIGINT"}
SHORTS = ["+I", "-U", "+U", "-D"]
FOLDERS = itertools.count()
GROUPS = {"merge-engine": "partial-update", "fields.g.sequence-group": "a,b"}
SUMS = {"merge-engine": "aggregation", "fields.c.aggregate-function": "sum", "fields.a.aggregate-function": "max"}
TABLES = {
    "deduplicate": ({}, SHORTS),
    "deduplicate-lookup": ({"changelog-producer": "lookup"}, SHORTS),
    "partial-update": ({"merge-engine": "partial-update"}, ["+I", "+U"]),
    "partial-update-input": ({"merge-engine": "partial-update", "changelog-producer": "input"}, ["+I", "+U"]),
    "sequence-groups": (GROUPS, ["+I", "+U"]),
    "sequence-groups-ignore": ({**GROUPS, "ignore-delete": "true"}, SHORTS),
    "sequence-groups-lookup": ({**GROUPS, "changelog-producer": "lookup"}, ["+I", "+U"]),
    "aggregation": (SUMS, ["+I", "+U"]),
    "aggregation-lookup": ({**SUMS, "changelog-producer": "lookup"}, ["+I", "+U"]),
    "aggregation-full": ({**SUMS, "changelog-producer": "full-compaction"}, ["+I", "+U"]),
    "aggregation-ignore": ({**SUMS, "ignore-delete": "true"}, SHORTS),
}
"""Options, and the kinds of rows that are written."""

small = st.none() | st.integers(-3, 3)


class Machine(RuleBasedStateMachine):
    """Random writes and compactions."""

    options: dict[str, str] = {}
    kinds: list[str] = []

    @initialize(buckets=st.sampled_from(["1", "2"]), eager=st.booleans())
    def create(self, buckets, eager):
        trigger = {"num-sorted-run.compaction-trigger": "2"} if eager else {"write-only": "true"}
        self.table = ls.connect(f"memory://engine-machine-{next(FOLDERS)}").create_table(
            "db.t", schema=COLUMNS, primary_key=["id"], options={**self.options, **trigger, "bucket": buckets}
        )
        self.model = TableModel(COLUMNS, self.options)

    @rule(data=st.data(), size=st.integers(1, 8))
    def write(self, data, size):
        row = st.fixed_dictionaries(
            {
                "id": st.integers(0, 6),
                "g": st.none() | st.integers(0, 3),
                "a": small,
                "b": st.none() | st.sampled_from(["x", "y"]),
                "c": small,
                "kind": st.sampled_from(self.kinds),
            }
        )
        rows = data.draw(st.lists(row, min_size=size, max_size=size))
        table = pa.Table.from_pylist([{name: row[name] for name in COLUMNS} for row in rows], self.table.schema)
        self.table.write(table, row_kind=[row["kind"] for row in rows])
        self.model.flush([{**row, "kind": SHORTS.index(row["kind"])} for row in rows])

    @rule(full=st.booleans())
    def compact(self, full):
        self.table.compact(full=full)

    @invariant()
    def reads_as_the_model(self):
        if hasattr(self, "table"):
            assert self.table.to_arrow().sort_by("id").to_pylist() == self.model.read()

    def teardown(self):
        if hasattr(self, "table"):
            assert self.table.check(deep=True).ok


@pytest.mark.parametrize("name", TABLES)
def test_engine_machine(name):
    class Configured(Machine):
        pass

    Configured.options, Configured.kinds = TABLES[name]
    run_state_machine_as_test(
        Configured,
        settings=settings(
            max_examples=5,
            stateful_step_count=8,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
