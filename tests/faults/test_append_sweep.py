"""Append tables against a failing store: whatever call fails, crashes or loses its answer, each row is there once."""

from contextlib import suppress

import pytest

import lakestore as ls
from lakestore.testing.faulty import Crash, FaultKind, NthCall
from tests.faults.test_compaction_sweep import faulty_table

CALLS_MAX = 300
COLUMNS = {"id": "INT", "q": "INT", "text": "STRING"}
BEFORE = [{"id": 10 * write + at, "q": at, "text": str(write)} for write in range(3) for at in range(4)]
AFTER_DELETE = [row for row in BEFORE if row["q"] != 1]
AFTER_UPDATE = [row | {"text": "new"} if row["q"] == 2 else row for row in BEFORE]
MORE = [{"id": 100, "q": 9, "text": "more"}]

OPERATIONS = {
    "compact": (lambda table: table.compact(full=True), BEFORE),
    "cluster": (lambda table: table.cluster_by("q", "text"), BEFORE),
    "delete": (lambda table: table.delete("q = 1"), AFTER_DELETE),
    "update": (lambda table: table.update("q = 2", {"text": "new"}), AFTER_UPDATE),
    "insert": (lambda table: table.insert(MORE), BEFORE + MORE),
}


def rows(table):
    return sorted(table.to_arrow().to_pylist(), key=lambda row: row["id"])


@pytest.mark.parametrize("kind", list(FaultKind))
@pytest.mark.parametrize("name", [pytest.param(each, marks=pytest.mark.slow) for each in OPERATIONS])
def test_each_call_may_fail(tmp_path, kind, name):
    operate, after = OPERATIONS[name]
    for number in range(1, CALLS_MAX):
        table = ls.connect(tmp_path / str(number)).create_table(
            "db.t",
            schema=COLUMNS,
            options={"compaction.min.file-num": "4", "row-tracking.enabled": "true"},
        )
        for start in range(0, 12, 4):
            table.insert(BEFORE[start : start + 4])
        plan = NthCall(n=number, kind=kind)
        returned = False
        with suppress(Crash, ls.StorageError, ls.CommitUnknownError):
            operate(faulty_table(tmp_path / str(number), plan))
            returned = True
        found = rows(table)
        assert found == after or (not returned and found == BEFORE), (number, found)
        report = table.check(deep=True)
        assert report.ok, (number, report.findings)
        operate(ls.open_table(table.path)) if found == BEFORE else table.compact(full=True)
        assert rows(table) == after, number
        if not plan.fired:
            assert number > 5, "the sweep saw too few calls to mean anything"
            return
    raise AssertionError("the sweep did not end")
