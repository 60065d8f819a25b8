"""Tables that LakeStore compacted, before other engines: they read the same rows, write on, and compact in turn."""

import pytest

import lakestore as ls
from tests.compacting import compact, live_files
from tests.compat.test_judges import NEWER_JAVA, ours
from tests.golden import canon

COLUMNS = {"id": "INT", "n": "BIGINT", "s": "STRING"}
TABLES = {
    "levels": {"num-sorted-run.compaction-trigger": 3},
    "two_buckets": {"bucket": 2, "target-file-size": "10 kb", "lakestore.row-group-rows": 100},
    "sequence": {"sequence.field": "n", "num-sorted-run.compaction-trigger": 2},
    "lookup": {"changelog-producer": "lookup"},
    "full": {"changelog-producer": "full-compaction"},
    "sums": {"merge-engine": "aggregation", "fields.n.aggregate-function": "sum"},
    "sums_lookup": {
        "merge-engine": "aggregation",
        "fields.n.aggregate-function": "sum",
        "changelog-producer": "lookup",
    },
    "partial": {"merge-engine": "partial-update", "num-sorted-run.compaction-trigger": 2},
    "first_row": {"merge-engine": "first-row"},
}
RUST_MISREADS = {
    "sums_lookup": "pypaimon-rust merges the records of all levels, where each above level 0 is a whole result already"
}
"""Tables that Java and LakeStore read alike and pypaimon-rust otherwise, with the reason."""

SHORT = {"levels", "sums_lookup", "first_row"}
CASES = [
    pytest.param(name, java, marks=[] if name in SHORT and java == "java" else pytest.mark.slow)
    for name in TABLES
    for java in ["java", *NEWER_JAVA]
]


def batch(number, *, rows=400):
    """Rows of a commit; every third key comes again in the next one."""
    return [
        {
            "id": (number + 3 * index) % 997,
            "n": number * 1000 + index % 7,
            "s": f"{number}-{index}" if index % 5 else None,
        }
        for index in range(rows)
    ]


def written(folder, name):
    """A table of several commits, compacted as its options say."""
    table = ls.connect(folder).create_table(
        "db.t", schema=COLUMNS, primary_key=["id"], options={"bucket": 1} | TABLES[name]
    )
    for number in range(6):
        assert table.upsert(batch(number)).compact_error is None
        if "merge-engine" not in TABLES[name]:
            table.delete([{"id": number}])
    return table


def agree(judges, folder, expected):
    for judge in judges:
        assert canon.difference(expected, judge.read(folder)) is None, judge.name


@pytest.mark.parametrize(("name", "java"), CASES)
def test_taking_turns_at_compacting(name, java, engines, tmp_path):
    judge = engines(java)
    judges = [judge] if name in RUST_MISREADS else [judge, engines("rust")]
    table = written(tmp_path, name)
    folder = tmp_path / "db.db" / "t"
    before = ours(folder)
    agree(judges, folder, before)
    compact(table, full=True)
    assert {file.level for files in live_files(table).values() for file in files} <= set(range(1, 6))
    assert canon.difference(before, ours(folder)) is None
    agree(judges, folder, before)
    theirs = [
        {"kind": "+I", "row": {key: None if value is None else str(value) for key, value in row.items()}}
        for row in batch(50, rows=60)
    ]
    judge.write(folder, theirs)
    judge.compact(folder)
    after = ours(folder)
    agree(judges, folder, after)
    again = ls.open_table(folder)
    assert again.upsert(batch(60)).compact_error is None
    compact(again, full=True)
    agree(judges, folder, ours(folder))
    report = ls.open_table(folder).check(deep=True)
    assert report.ok, report.findings
