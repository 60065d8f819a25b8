"""Reading is reading after compaction of any runs that may be compacted, under every merge engine.

The runs go through the very code that compacts tables. What a table must hold is worked out in plain Python, run by
run; where an engine promises that merging twice is merging once, the rows must not change at all.
"""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lakestore as ls
from lakestore.core.levels import Levels
from lakestore.core.pick import CompactUnit, drops_deletes
from lakestore.data.rewrite import BucketFilesAt
from lakestore.maintain.compact_pick import Bucket
from lakestore.maintain.compact_run import CompactRun
from lakestore.meta.scan import snapshot_entries
from tests.laws.oracles_merge import RETRACTS
from tests.laws.table_model import TableModel
from tests.laws.test_table_engine_laws import COLUMNS, COLUMNS_PROMISED, PROMISED, ROWS, SHORTS, TABLES, arrow

NAMES = itertools.count()


class RunModel(TableModel):
    """The table in plain Python, run by run."""

    def __init__(self, options):
        super().__init__(COLUMNS, options)
        self.runs = []

    def flush(self, rows):
        known = {key: len(versions) for key, versions in self.versions.items()}
        super().flush(rows)
        fresh = {key: own[-1] for key, own in self.versions.items() if len(own) > known.get(key, 0)}
        self.runs += [fresh] if fresh else []

    def compact_newest(self, count, *, drop):
        taken = self.runs[-count:]
        keys = sorted({key for run in taken for key in run})
        states = {key: self.merge([run[key] for run in taken if key in run]) for key in keys}
        kept = {key: row for key, row in states.items() if not drop or row["kind"] not in RETRACTS}
        self.runs[-count:] = [kept] if kept else []
        self.versions = {}
        for run in self.runs:
            for key, row in run.items():
                self.versions.setdefault(key, []).append(row)


class Compacted:
    """A table of one bucket in which the test says what is compacted."""

    def __init__(self, name):
        tuning = {"bucket": "1", "write-only": "true", "lakestore.row-group-rows": "2"}
        self.table = ls.connect(f"memory://compacted-{next(NAMES)}").create_table(
            "db.t", schema=COLUMNS, primary_key=["id"], options={**TABLES[name], **tuning}
        )
        self.model = RunModel(TABLES[name])

    def write(self, rows):
        taken = [row for row in rows if not self.model.refused(row)]
        data, kinds = arrow(taken)
        self.table.write(data, row_kind=kinds)
        self.model.flush(taken)

    def compact(self, draw):
        """Compact some of the newest runs; all of level 0 are among them."""
        parts = self.table._context.compact_parts()
        snapshot = parts.snapshots.latest()
        entries = [] if snapshot is None else list(snapshot_entries(parts.manifests, snapshot))
        levels = Levels.of([entry.file for entry in entries], num_levels=6)
        runs = levels.runs
        assert len(runs) == len(self.model.runs)
        choices = [
            (count, level)
            for count in range(max(1, sum(run.level == 0 for run in runs)), len(runs) + 1)
            for level in range(
                max(1, runs[count - 1].level), runs[count].level if count < len(runs) else levels.max_level + 1
            )
            if count > 1 or level > runs[0].level
        ]
        if not choices:
            return
        count, level = draw(st.sampled_from(choices))
        files = tuple(file for run in runs[:count] for file in run.files)
        # A file that only moves up keeps its retract rows, but for the top level.
        drop = drops_deletes(levels, level) and (count > 1 or level == levels.max_level)
        place = BucketFilesAt(partition=entries[0].partition, bucket=0, files=tuple(levels.files), top=levels.max_level)
        bucket = Bucket(
            place=place, total_buckets=1, unit=CompactUnit(level, files, "the law says so"), drop_deletes=drop
        )
        outcome = CompactRun(parts=parts, user="law", base_snapshot=snapshot.id).run([bucket])
        assert len(outcome.landed) == 1
        self.model.compact_newest(count, drop=drop)

    def read(self):
        return self.table.scan().to_arrow().sort_by("id").to_pylist()


HISTORIES = {"commits": st.lists(ROWS, min_size=2, max_size=5), "data": st.data()}
QUICK = settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(QUICK, max_examples=15)


def any_runs_may_be_compacted(name, commits, data):
    compacted = Compacted(name)
    for rows in commits:
        compacted.write(rows)
        if data.draw(st.booleans()):
            compacted.compact(data.draw)
            assert compacted.read() == compacted.model.read()
    compacted.compact(data.draw)
    assert compacted.read() == compacted.model.read()
    assert compacted.table.check(deep=True).ok


def reading_is_reading_after_any_runs_are_compacted(name, commits, data):
    kinds = [SHORTS.index(kind) for kind in PROMISED[name]]
    promised = COLUMNS_PROMISED.get(name, list(COLUMNS))
    compacted = Compacted(name)
    for rows in commits:
        compacted.write([row if row["kind"] in kinds else {**row, "kind": 0} for row in rows])
        before = compacted.table.to_arrow().sort_by("id").select(promised)
        compacted.compact(data.draw)
        assert compacted.table.to_arrow().sort_by("id").select(promised).equals(before)


@pytest.mark.parametrize("name", TABLES)
@given(**HISTORIES)
@QUICK
def test_any_runs_may_be_compacted(name, commits, data):
    any_runs_may_be_compacted(name, commits, data)


@pytest.mark.parametrize("name", PROMISED)
@given(**HISTORIES)
@QUICK
def test_reading_is_reading_after_any_runs_are_compacted(name, commits, data):
    reading_is_reading_after_any_runs_are_compacted(name, commits, data)


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
@given(**HISTORIES)
@LONG
def test_any_runs_may_be_compacted_at_length(name, commits, data):
    any_runs_may_be_compacted(name, commits, data)
    if name in PROMISED:
        reading_is_reading_after_any_runs_are_compacted(name, commits, data)
