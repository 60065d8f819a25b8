"""Compaction against a failing store: whatever call fails, crashes or loses its answer, every row is still there."""

from contextlib import suppress

import pytest

import lakestore as ls
from lakestore.api.catalog import Lake
from lakestore.env import Env
from lakestore.storage.fsspec_store import open_store
from lakestore.testing.faulty import Crash, FaultKind, FaultyStore, NthCall
from tests.compacting import Ledger, changes_in, compact, snapshots_of

CALLS_MAX = 300
COLUMNS = {"id": "INT", "text": "STRING"}
WRITES = [[{"id": number, "text": f"{write}-{number}"} for number in range(write, 8, write + 1)] for write in range(3)]
AGAIN = [{"id": 3, "text": "again"}, {"id": 9, "text": "new"}]


def state(*writes):
    rows = {row["id"]: row for write in writes for row in write}
    return [rows[key] for key in sorted(rows)]


def rows(table):
    return sorted(table.to_arrow().to_pylist(), key=lambda row: row["id"])


def made(folder, **options):
    table = ls.connect(folder).create_table(
        "db.t", schema=COLUMNS, primary_key=["id"], options={"bucket": 1, "write-only": "true", **options}
    )
    for write in WRITES:
        table.upsert(write)
    return table


def faulty_table(path, plan):
    """The table behind a store that fails as planned; opening it is spared."""
    store, root = open_store(str(path))
    plan_n, plan.n = plan.n, 0
    table = Lake(FaultyStore(store, plan), root, Env()).table("db.t")
    plan.n, plan.seen = plan_n, 0
    return table


def sweep(tmp_path, kind, operate, options):
    """Fail each call in turn; hands out the number, the plan and the folder after the operation."""
    for number in range(1, CALLS_MAX):
        folder = tmp_path / str(number)
        made(folder, **options)
        plan = NthCall(n=number, kind=kind)
        with suppress(Crash, ls.StorageError, ls.CommitUnknownError):
            operate(faulty_table(folder, plan))
        yield number, ls.connect(folder).table("db.t")
        if not plan.fired:
            assert number > 5, "the sweep saw too few calls to mean anything"
            return
    raise AssertionError("the sweep did not end")


@pytest.mark.parametrize("kind", list(FaultKind))
@pytest.mark.parametrize("producer", ["none", "lookup"])
def test_the_job(tmp_path, kind, producer):
    options = {"changelog-producer": producer}
    for number, table in sweep(tmp_path, kind, lambda faulty: compact(faulty, full=True), options):
        assert rows(table) == state(*WRITES), number
        report = table.check(deep=True)
        assert report.ok, (number, report.findings)
        compact(table, full=True)
        assert rows(table) == state(*WRITES), number
        if producer == "lookup":
            ledger = Ledger(["id"])
            for snapshot in snapshots_of(table):
                ledger.take_all(changes_in(table, snapshot))
            assert sorted(ledger.rows.values(), key=lambda row: row["id"]) == state(*WRITES)


@pytest.mark.parametrize("kind", list(FaultKind))
def test_a_failed_compaction_after_a_commit_costs_no_row(tmp_path, kind):
    """The rows are there whenever the call returned, and the call returns whenever they are there for certain."""
    acknowledged = set()

    def upsert(faulty):
        acknowledged.add(faulty.upsert(AGAIN).snapshot_ids[0])

    options = {"write-only": "false", "num-sorted-run.compaction-trigger": 3}
    for number, table in sweep(tmp_path, kind, upsert, options):
        found = rows(table)
        allowed = [state(*WRITES, AGAIN)] if acknowledged else [state(*WRITES), state(*WRITES, AGAIN)]
        acknowledged.clear()
        assert found in allowed, number
        report = table.check(deep=True)
        assert report.ok, (number, report.findings)
        table.upsert(AGAIN)
        assert rows(table) == state(*WRITES, AGAIN), number
