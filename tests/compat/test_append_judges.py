"""Append tables that LakeStore compacted, laid out and changed, before other engines: same rows, and they go on."""

import pytest

import lakestore as ls
from tests.compacting import live_files
from tests.compat.test_compaction_judges import agree
from tests.compat.test_judges import NEWER_JAVA, ours

COLUMNS = {"id": "INT", "n": "BIGINT", "s": "STRING"}
TABLES = {
    "unaware": {},
    "ordered": {"bucket": 2, "bucket-key": "id", "compaction.min.file-num": 3},
    "unordered": {"bucket": 2, "bucket-key": "id", "bucket-append-ordered": "false"},
    "layers": {
        "clustering.incremental": "true",
        "clustering.columns": "n,s",
        "num-sorted-run.compaction-trigger": 3,
        "clustering.incremental.optimize-write": "true",
    },
    "small": {"target-file-size": "6 kb", "lakestore.row-group-rows": 50},
}
SHORT = {"unaware", "ordered", "layers"}
CASES = [
    pytest.param(name, java, marks=[] if name in SHORT and java == "java" else pytest.mark.slow)
    for name in TABLES
    for java in ["java", *NEWER_JAVA]
]


def batch(number, *, rows=300):
    return [
        {"id": number * 1000 + at, "n": (at * 7919) % 1009, "s": f"{number}-{at % 37}" if at % 5 else None}
        for at in range(rows)
    ]


def texts(rows):
    return [
        {"kind": "+I", "row": {key: None if value is None else str(value) for key, value in row.items()}}
        for row in rows
    ]


@pytest.mark.parametrize(("name", "java"), CASES)
def test_taking_turns(name, java, engines, tmp_path):
    judge = engines(java)
    judges = [judge, engines("rust")]
    table = ls.connect(tmp_path).create_table("db.t", schema=COLUMNS, options=TABLES[name])
    folder = tmp_path / "db.db" / "t"
    for number in range(7):
        assert table.insert(batch(number)).compact_error is None
    table.compact()
    agree(judges, folder, ours(folder))
    table.delete("n < 200 or id = 5")
    table.update("n > 900", {"s": "changed"})
    agree(judges, folder, ours(folder))
    if "bucket" not in TABLES[name]:
        table.cluster_by("n", "s")
        agree(judges, folder, ours(folder))
    count = table.count()
    judge.write(folder, texts(batch(50, rows=60)))
    if name != "layers":
        judge.compact(folder)
    after = ours(folder)
    assert len(after) == count + 60
    agree(judges, folder, after)
    again = ls.open_table(folder)
    for number in range(60, 64):
        assert again.insert(batch(number, rows=20)).compact_error is None
    again.compact(full=True)
    assert again.count() == count + 60 + 80
    assert max(map(len, live_files(again).values())) < 8
    agree(judges, folder, ours(folder))
    assert again.check(deep=True).ok


def ids_of(folder):
    rows = ls.open_table(folder).scan(select=["id", "_ROW_ID", "_SEQUENCE_NUMBER"]).to_arrow().to_pylist()
    found = {row["id"]: (row["_ROW_ID"], row["_SEQUENCE_NUMBER"]) for row in rows}
    assert None not in {row_id for row_id, _ in found.values()}
    assert len({row_id for row_id, _ in found.values()}) == len(rows) == len(found)
    return found


@pytest.mark.parametrize("java", NEWER_JAVA)
def test_row_ids_go_on(java, engines, tmp_path):
    """Not asked once files are written again: pypaimon-rust, which wants every file to have a first id, as Java's
    files that were written again have not either."""
    judge = engines(java)
    judges = [judge, engines("pypaimon")]
    table = ls.connect(tmp_path).create_table("db.t", schema=COLUMNS, options={"row-tracking.enabled": "true"})
    folder = tmp_path / "db.db" / "t"
    for number in range(7):
        assert table.insert(batch(number, rows=40)).compact_error is None
    table.delete("n < 100")
    table.update("s = '3-7'", {"n": 1})
    agree(judges, folder, ours(folder))
    before = ids_of(folder)
    judge.write(folder, texts(batch(50, rows=30)))
    theirs = ids_of(folder)
    assert before.items() <= theirs.items()
    assert sorted(theirs[one][0] for one in theirs if one >= 50000) == list(range(280, 310))
    agree(judges, folder, ours(folder))
    again = ls.open_table(folder)
    again.compact(full=True)
    assert again.insert(batch(60, rows=10)).compact_error is None
    after = ids_of(folder)
    assert theirs.items() <= after.items()
    assert sorted(after[one][0] for one in after if one >= 60000) == list(range(310, 320))
    agree(judges, folder, ours(folder))
    assert again.check(deep=True).ok
