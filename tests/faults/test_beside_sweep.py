"""A stream of commits with compaction beside them, against a failing store: nothing acknowledged is lost, nothing doubled.

Calls of the background come in between those of the commits as they may, so that the same number is another call each
time; what must hold does not depend on it.
"""

from contextlib import suppress

import pytest

import lakestore as ls
from lakestore.api.catalog import Lake
from lakestore.env import Env
from lakestore.storage.fsspec_store import open_store
from lakestore.testing.faulty import FaultKind, FaultyStore, NthCall
from tests.maintain.beside import changelog_folds

COMMITS = 9
STEP = 8
STRIDE = 41
CALLS_MAX = 2000
TABLES = {
    "keyed": {"primary_key": ["id"], "options": {"bucket": 1, "num-sorted-run.compaction-trigger": 3}},
    "lookup": {"primary_key": ["id"], "options": {"bucket": 1, "changelog-producer": "lookup"}},
    "first-row": {"primary_key": ["id"], "options": {"bucket": 1, "merge-engine": "first-row"}},
    "append": {"options": {"compaction.min.file-num": 2}},
}
CRASHES = {FaultKind.CRASH, FaultKind.CRASH_AFTER, FaultKind.TORN}
KINDS = [kind for kind in FaultKind if kind not in CRASHES]
"""A crash is one of the whole process, which ``tests/faults/test_race_processes.py`` and others do for real."""


def stream(folder, plan):
    """Commit through the failing store; the numbers of the commits that were acknowledged."""
    store, root = open_store(str(folder))
    plan_n, plan.n = plan.n, 0
    table = Lake(FaultyStore(store, plan), root, Env(background=True)).table("db.t")
    plan.n, plan.seen = plan_n, 0
    acknowledged = []
    for number in range(COMMITS):
        with suppress(ls.StorageError, ls.CommitUnknownError):
            table.insert([{"id": 100 + number, "v": number}, {"id": 200 + number // 3, "v": number}])
            acknowledged.append(number)
    table._context.beside.wait(60)
    return acknowledged


def sweep(tmp_path, name, kind, numbers):
    """Fail those calls, each in a life of its own, until there are fewer calls than that."""
    for number in numbers:
        folder = tmp_path / str(number)
        ls.connect(folder).create_table("db.t", schema={"id": "INT", "v": "INT"}, **TABLES[name])
        plan = NthCall(n=number, kind=kind)
        acknowledged = stream(folder, plan)
        table = ls.connect(folder).table("db.t")
        if name == "first-row":
            table.compact()  # Rows on level 0, where a failure may have left them, are not read.
        found = table.to_arrow().to_pylist()
        ids = [row["id"] for row in found if row["id"] < 200]
        assert len(ids) == len(set(ids)), number
        assert {100 + each for each in acknowledged} <= set(ids), number
        assert set(ids) <= {100 + each for each in range(COMMITS)}
        report = table.check(deep=True)
        assert report.ok, (number, report.findings)
        if name == "lookup":
            table.compact(full=True)
            assert changelog_folds(table), number
        if not plan.fired:
            assert number > COMMITS, "the sweep saw too few calls to mean anything"
            return
    raise AssertionError("the sweep did not end")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", TABLES)
def test_some_calls(tmp_path, name, kind):
    sweep(tmp_path, name, kind, range(3, CALLS_MAX, STRIDE))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(STEP))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", TABLES)
def test_every_call(tmp_path, name, kind, first):
    sweep(tmp_path, name, kind, range(1 + first, CALLS_MAX, STEP))
