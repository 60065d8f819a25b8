"""Two writers that start from one snapshot and write the same keys: one winner, the same in every engine.

The writers number their rows alike, so that the files of the second would tie with those of the first if the second
were not numbered anew when it commits.
"""

from pathlib import Path

import pytest

import lakestore as ls
from tests.compat.test_judges import JAVAS, copied, ours, slow_unless
from tests.golden import canon

TABLES = {
    "deduplicate": {},
    "sequence_ties": {"sequence.field": "g"},
    "partial_update": {"merge-engine": "partial-update"},
    "group_ties": {"merge-engine": "partial-update", "fields.g.sequence-group": "a,b"},
    "last_value": {"merge-engine": "aggregation", "fields.default-aggregate-function": "last_value"},
    "first_value": {"merge-engine": "aggregation", "fields.default-aggregate-function": "first_value"},
    "listagg": {"merge-engine": "aggregation", "fields.b.aggregate-function": "listagg"},
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("java", slow_unless(["java"], JAVAS))
def test_two_writers_have_one_winner(name, java, engines, tmp_path):
    # A buffer that holds nothing: rows are numbered and written as they come, before the other writer commits.
    options = {"bucket": "2", "write-only": "true", "write-buffer-size": "1 b", **TABLES[name]}
    table = ls.connect(tmp_path / "w").create_table(
        "db.t", schema={"id": "INT", "g": "INT", "a": "INT", "b": "STRING"}, primary_key=["id"], options=options
    )
    table.upsert([{"id": key, "g": 1, "a": 0, "b": "old"} for key in range(6)])
    first, second = table.writer(), ls.open_table(table.path).writer()
    first.upsert([{"id": key, "g": 2, "a": 1, "b": "first"} for key in range(6)])
    second.upsert([{"id": key, "g": 2, "a": 2, "b": "second"} for key in range(3)])
    second.commit()
    first.commit()
    expected = ours(Path(table.path))
    both = {row["id"]: row["b"] for row in expected}
    assert both["0"] == {"first_value": "old", "listagg": "old,second,first"}.get(name, "first")
    assert both["5"] == {"first_value": "old", "listagg": "old,first"}.get(name, "first")
    table = table.alter(ls.set_option("write-buffer-size", "64 mb"))  # Java needs one to compact
    copy = copied(Path(table.path), tmp_path / "copy")
    for compacted in (False, True):
        if compacted:
            engines(java).compact(copy)
        for reader in (java, "rust"):
            assert canon.difference(expected, engines(reader).read(copy)) is None, reader
        assert canon.difference(expected, ours(copy)) is None
    table.compact(full=True)
    assert canon.difference(expected, ours(Path(table.path))) is None
