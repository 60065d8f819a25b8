"""Keys that take more than one machine word, as UUIDs do: old rows are found by them in every engine."""

import uuid

import pytest

import lakestore as ls
from lakestore.env import Env
from tests.maintain.beside import changelog_folds

KEYS = [str(uuid.UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128))) for number in range(1, 301)]
COLUMNS = {"id": "STRING", "a": "BIGINT", "b": "STRING"}
COMMITS = 5


def added(old, row):
    return {"id": row["id"], "a": row["a"] + (old["a"] if old else 0), "b": row["b"] or (old["b"] if old else None)}


def filled(old, row):
    return row if old is None else {name: old[name] if value is None else value for name, value in row.items()}


ENGINES = {
    "deduplicate": ({"changelog-producer": "lookup"}, lambda old, row: row),
    "ordered": ({"changelog-producer": "lookup", "sequence.field": "a"}, lambda old, row: row),
    "sum": (
        {"changelog-producer": "lookup", "merge-engine": "aggregation", "fields.a.aggregate-function": "sum"},
        added,
    ),
    "forced": ({"force-lookup": "true", "merge-engine": "aggregation", "fields.a.aggregate-function": "sum"}, added),
    "partial": ({"changelog-producer": "lookup", "merge-engine": "partial-update"}, filled),
    "first": ({"merge-engine": "first-row"}, lambda old, row: old or row),
}


def rows_of(commit):
    """Most of the keys, each with something that is not there next time."""
    return [
        {"id": key, "a": commit + 1, "b": f"{commit}" if (at + commit) % 3 else None}
        for at, key in enumerate(KEYS)
        if (at + commit) % 4
    ]


@pytest.mark.parametrize("background", [True, False])
@pytest.mark.parametrize("bucket", [1, 2])
@pytest.mark.parametrize("engine", ENGINES)
def test_old_rows_are_found(tmp_path, engine, bucket, background):
    options, merged = ENGINES[engine]
    lake = ls.connect(tmp_path, env=Env(background=background))
    table = lake.create_table(
        "d.t",
        schema=COLUMNS,
        primary_key=["id"],
        options={"bucket": bucket, "lakestore.merge-window-rows": 64} | options,
    )
    expected = {}
    for commit in range(COMMITS):
        for row in rows_of(commit):
            expected[row["id"]] = merged(expected.get(row["id"]), row)
        assert table.upsert(rows_of(commit)).compact_error is None
        assert {row["id"]: row for row in table.to_arrow().to_pylist()} == expected
    table.wait_for_compaction(20)
    table.compact(full=True)
    assert {row["id"]: row for row in table.to_arrow().to_pylist()} == expected
    assert engine in {"forced", "first"} or changelog_folds(table)
    assert table.check(deep=True).ok
