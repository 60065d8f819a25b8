"""A whole table against a dict: random commits under several option sets; every snapshot keeps reading as it was."""

import shutil
import tempfile

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import lakestore as ls

SCHEMA = {"part": "STRING", "id": "INT", "seq": "BIGINT", "text": "STRING", "number": "DOUBLE"}
OPTION_SETS = {
    "plain": {"bucket": "1"},
    "buckets": {"bucket": "3"},
    "tiny-buffer": {"bucket": "2", "write-buffer-size": "1 kb"},
    "small-files": {"bucket": "1", "target-file-size": "1 kb"},
    "sequence": {"bucket": "2", "sequence.field": "seq"},
    "descending": {"bucket": "1", "sequence.field": "seq", "sequence.field.sort-order": "descending"},
    "manifests": {"bucket": "1", "manifest.merge-min-count": "2"},
    "thin": {"bucket": "2", "data-file.thin-mode": "true"},
    "windows": {"bucket": "1", "lakestore.merge-window-rows": "3", "lakestore.row-group-rows": "2"},
}
PARTITIONS = [None, "", "a", "b/c=%", "ü"]

rows_of_a_batch = st.lists(
    st.fixed_dictionaries(
        {
            "part": st.sampled_from(PARTITIONS),
            "id": st.integers(0, 12),
            "seq": st.one_of(st.none(), st.integers(0, 5)),
            "text": st.one_of(st.none(), st.text(max_size=12)),
            "number": st.one_of(st.none(), st.floats(allow_nan=False, width=64)),
        }
    ),
    max_size=12,
)


def sequence_rank(value, *, descending):
    """Null is lowest whatever the order."""
    if value is None:
        return (0, 0)
    return (1, -value if descending else value)


def canonical(rows):
    """Rows in an order that does not depend on their order, nor on that of their columns."""
    return sorted(repr(sorted(row.items())) for row in rows)


class Machine(RuleBasedStateMachine):
    """Random commits against ``model``: (partition, id) -> row."""

    options: dict[str, str] = {}
    partitioned = False

    snapshots = Bundle("snapshots")

    @initialize()
    def create(self):
        self.folder = tempfile.mkdtemp()
        key = ["part", "id"] if self.partitioned else ["id"]
        self.table = ls.connect(self.folder).create_table(
            "db.t",
            schema=SCHEMA,
            primary_key=key,
            partition_by=["part"] if self.partitioned else [],
            options=self.options,
        )
        self.model = {}
        self.history = {}
        self.newest = 0

    def teardown(self):
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def key(self, row):
        return (row["part"], row["id"]) if self.partitioned else row["id"]

    def apply(self, row, *, delete=False):
        """One version of a key onto the model; a late sequence loses."""
        field = self.options.get("sequence.field")
        if field:
            descending = self.options.get("sequence.field.sort-order") == "descending"
            known = self.ranks.get(self.key(row))
            rank = sequence_rank(row[field], descending=descending)
            if known is not None and rank < known:
                return
            self.ranks[self.key(row)] = rank
        if delete:
            self.model.pop(self.key(row), None)
        else:
            self.model[self.key(row)] = row

    @property
    def ranks(self):
        return self.__dict__.setdefault("_ranks", {})

    def committed(self, result):
        if result.snapshot_ids:
            self.newest = result.snapshot_ids[-1]
            self.history[self.newest] = dict(self.model)

    def clean(self, rows):
        """A partition column of a primary-key table is part of the key, and a key is never null."""
        if self.partitioned:
            return [{**row, "part": row["part"] or "none"} for row in rows]
        return rows

    @rule(rows=rows_of_a_batch)
    def upsert(self, rows):
        rows = self.clean(rows)
        result = self.table.upsert(pa.Table.from_pylist(rows, self.table.schema))
        for row in rows:
            self.apply(row)
        self.committed(result)

    @rule(rows=rows_of_a_batch)
    def delete_by_key(self, rows):
        rows = self.clean(rows)
        keys = [{name: row[name] for name in self.table.primary_key} for row in rows]
        present = {self.key(row) for row in rows} & set(self.model)
        result = self.table.delete(keys) if keys else self.table.delete("false")
        for key in present:
            self.apply(self.model[key], delete=True)
        self.committed(result)

    @rule(low=st.integers(0, 12), width=st.integers(0, 4))
    def delete_by_predicate(self, low, width):
        result = self.table.delete(f"id between {low} and {low + width}")
        for row in list(self.model.values()):
            if low <= row["id"] <= low + width:
                self.apply(row, delete=True)
        self.committed(result)

    @rule(rows=rows_of_a_batch)
    def overwrite(self, rows):
        rows = self.clean(rows)
        result = self.table.overwrite(pa.Table.from_pylist(rows, self.table.schema))
        touched = {row["part"] for row in rows}
        gone = [key for key, row in self.model.items() if not self.partitioned or row["part"] in touched]
        for key in gone:
            self.model.pop(key)
        for key in list(self.ranks):
            if not self.partitioned or key[0] in touched:
                self.ranks.pop(key)
        for row in rows:
            self.apply(row)
        self.committed(result)

    @rule()
    def reopen(self):
        self.table = ls.open_table(self.table.path)

    @rule(data=st.data())
    def look_back(self, data):
        if self.history:
            snapshot = data.draw(st.sampled_from(sorted(self.history)))
            self.same(self.table.at(snapshot=snapshot).scan().to_pylist(), self.history[snapshot])

    @rule(low=st.integers(0, 12))
    def filtered(self, low):
        found = self.table.scan(f"id >= {low} and text is not null", select=["id", "text"]).to_pylist()
        wanted = [
            {"id": row["id"], "text": row["text"]}
            for row in self.model.values()
            if row["id"] >= low and row["text"] is not None
        ]
        assert canonical(found) == canonical(wanted)

    def same(self, rows, model):
        assert canonical(rows) == canonical(model.values())

    @invariant()
    def reads_as_the_model(self):
        if hasattr(self, "table"):
            self.same(self.table.scan().to_pylist(), self.model)

    def check(self):
        report = self.table.check(deep=True)
        assert report.ok, report.findings


@pytest.mark.parametrize("partitioned", [False, True], ids=["flat", "partitioned"])
@pytest.mark.parametrize("name", OPTION_SETS)
def test_table_machine(name, partitioned):
    class Configured(Machine):
        pass

    Configured.options = OPTION_SETS[name]
    Configured.partitioned = partitioned

    def teardown(self):
        try:
            if hasattr(self, "table"):
                self.check()
        finally:
            Machine.teardown(self)

    Configured.teardown = teardown
    run_state_machine_as_test(
        Configured,
        settings=settings(
            max_examples=6,
            stateful_step_count=10,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
