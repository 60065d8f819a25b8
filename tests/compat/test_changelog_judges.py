"""The same operations through LakeStore and through Java: the same changes in the same snapshots, and both read both's."""

import random
import shutil
from pathlib import Path

import pytest

import lakestore as ls
from tests.compacting import Ledger, changes_in, compact, snapshots_of
from tests.compat.test_judges import NEWER_JAVA, ours
from tests.golden import canon

COLUMNS = {"id": "INT", "n": "BIGINT", "s": "STRING"}
SUM = {"merge-engine": "aggregation", "fields.n.aggregate-function": "sum"}
TABLES = {
    "lookup": {"changelog-producer": "lookup"},
    "lookup_two_runs": {"changelog-producer": "lookup", "num-sorted-run.compaction-trigger": 2},
    "lookup_same": {"changelog-producer": "lookup", "changelog-producer.row-deduplicate": True},
    "lookup_ignoring": {
        "changelog-producer": "lookup",
        "changelog-producer.row-deduplicate": True,
        "changelog-producer.row-deduplicate-ignore-fields": "s",
    },
    "lookup_sequence": {"changelog-producer": "lookup", "sequence.field": "n"},
    "lookup_sums": SUM | {"changelog-producer": "lookup"},
    "lookup_partial": {"merge-engine": "partial-update", "changelog-producer": "lookup"},
    "first_row": {"merge-engine": "first-row", "changelog-producer": "lookup"},
    "full": {"changelog-producer": "full-compaction", "write-only": True},
    "full_sums": SUM | {"changelog-producer": "full-compaction", "write-only": True},
    "input": {"changelog-producer": "input"},
}
NOT_IN_THE_OLDEST = {"lookup_ignoring"}
"""Tables with an option that came after that release."""

SHORT = {"lookup_two_runs", "lookup_sums", "full", "first_row"}
CASES = [
    pytest.param(name, java, marks=[] if name in SHORT and java == "java" else pytest.mark.slow)
    for name in TABLES
    for java in ["java", *NEWER_JAVA]
    if java != "java" or name not in NOT_IN_THE_OLDEST
]
COMMITS = 8


def operations(name):
    """Rows of each commit with their kinds; keys come again, also in one commit."""
    rng = random.Random(name)
    deletes = "merge-engine" not in TABLES[name]
    for _ in range(COMMITS):
        yield [
            {
                "kind": "-D" if deletes and rng.random() < 0.2 else "+I",
                "row": {
                    "id": rng.randrange(25),
                    "n": rng.choice([None, rng.randrange(4)]) if name != "lookup_sequence" else rng.randrange(9),
                    "s": rng.choice([None, "x", "y"]),
                },
            }
            for _ in range(12)
        ]


def by_us(table, rows):
    with table.writer() as writer:
        for each in rows:
            writer.write([each["row"]], row_kind=each["kind"])
        assert writer.commit().compact_error is None


def words(rows):
    """Rows as the judge takes them: numbers as text."""
    return [
        {
            "kind": each["kind"],
            "row": {key: None if value is None else str(value) for key, value in each["row"].items()},
        }
        for each in rows
    ]


def told(table):
    """What each snapshot is, and its changes: for each key those of that key, in their order."""
    found = []
    for snapshot in snapshots_of(table):
        keys = {}
        for kind, row, _ in changes_in(table, snapshot):
            keys.setdefault(row["id"], []).append((kind, row["n"], row["s"]))
        found.append((snapshot.commit_kind.value, keys))
    return found


@pytest.mark.parametrize(("name", "java"), CASES)
def test_the_same_operations_make_the_same_changelog(name, java, engines, tmp_path):
    judge = engines(java)
    mine = ls.connect(tmp_path / "ours").create_table(
        "db.t", schema=COLUMNS, primary_key=["id"], options={"bucket": 1} | TABLES[name]
    )
    theirs = Path(shutil.copytree(mine.path, tmp_path / "theirs" / "db.db" / "t"))
    for number, rows in enumerate(operations(name)):
        by_us(mine, rows)
        judge.write(theirs, words(rows))
        if name.startswith("full") and number % 3 == 2:
            compact(mine, full=True)
            judge.compact(theirs)
    java_made = ls.open_table(theirs)
    assert told(mine) == told(java_made)
    assert any(changes for _, changes in told(mine))
    assert canon.difference(ours(theirs), ours(Path(mine.path))) is None
    assert canon.difference(ours(theirs), judge.read(Path(mine.path))) is None
    from_start = {"scan.mode": "from-snapshot", "scan.snapshot-id": "1"}
    streamed = [
        sorted(map(canon.line, judge.ask("stream", Path(one.path), options=from_start))) for one in (mine, java_made)
    ]
    assert streamed[0] == streamed[1]
    assert streamed[0]


@pytest.mark.parametrize(("name", "java"), [case for case in CASES if case.values[0].startswith("lookup")])
def test_changelogs_made_in_turns_fold_to_the_table(name, java, engines, tmp_path):
    """Odd commits are ours, even ones Java's, each compacting what the other left."""
    judge = engines(java)
    table = ls.connect(tmp_path).create_table(
        "db.t", schema=COLUMNS, primary_key=["id"], options={"bucket": 1} | TABLES[name]
    )
    for number, rows in enumerate(operations(name)):
        if number % 2:
            by_us(table, rows)
        else:
            judge.write(Path(table.path), words(rows))
    compared = name not in {"lookup_same", "lookup_ignoring"}
    ledger = Ledger(["id"])
    for snapshot in snapshots_of(table):
        changes = changes_in(table, snapshot)
        if compared:
            ledger.take_all(changes)
    expected = {(row["id"],): row for row in table.to_arrow().to_pylist()}
    assert not compared or ledger.rows == expected
    assert canon.difference(judge.read(Path(table.path)), ours(Path(table.path))) is None
    assert table.check(deep=True).ok
