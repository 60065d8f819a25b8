"""Whole writes against a failing store: every storage call of an upsert, a delete and an overwrite fails once."""

import pytest

import lakestore as ls
from lakestore.api.catalog import Lake
from lakestore.env import Env
from lakestore.storage.fsspec_store import open_store
from lakestore.testing.faulty import Crash, FaultKind, FaultyStore, NthCall

OLD = [{"id": 1, "text": "one"}, {"id": 2, "text": "two"}]
NEW = [{"id": 2, "text": "zwei"}, {"id": 3, "text": "drei"}]
CALLS_MAX = 200


def upsert(table):
    table.upsert(NEW)


def delete(table):
    table.delete("id = 1")


def overwrite(table):
    table.overwrite(NEW)


OPERATIONS = {
    upsert: [{"id": 1, "text": "one"}, *NEW],
    delete: [{"id": 2, "text": "two"}],
    overwrite: NEW,
}


def rows(table):
    return sorted(table.scan().to_pylist(), key=lambda row: row["id"])


def faulty_table(path, plan):
    """The table behind a store that fails as planned; opening it is spared."""
    store, root = open_store(path)
    plan_n, plan.n = plan.n, 0
    table = Lake(FaultyStore(store, plan), root, Env()).table("db.t")
    plan.n, plan.seen = plan_n, 0
    return table


@pytest.mark.parametrize("kind", list(FaultKind))
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
def test_every_call_fails_once(tmp_path, operation, kind):
    for n in range(1, CALLS_MAX):
        folder = tmp_path / str(n)
        ls.connect(folder).create_table(
            "db.t", schema={"id": "INT", "text": "STRING"}, primary_key=["id"], options={"bucket": 1}
        ).upsert(OLD)
        plan = NthCall(n=n, kind=kind)
        acknowledged = False
        try:
            operation(faulty_table(folder, plan))
            acknowledged = True
        except (Crash, ls.StorageError, ls.CommitUnknownError):
            pass
        again = ls.connect(folder).table("db.t")
        found = rows(again)
        allowed = [OPERATIONS[operation]] if acknowledged else [OLD, OPERATIONS[operation]]
        assert found in allowed, f"call {n} {kind}: {found}"
        report = again.check(deep=True)
        assert report.ok, (n, report.findings)
        assert rows(again.at(snapshot=1)) == OLD
        operation(again)
        assert rows(again) == OPERATIONS[operation]
        if not plan.fired:
            assert n > 5, "the sweep saw too few calls to mean anything"
            return
    raise AssertionError("the sweep did not end")
