"""Tables that look old values up: commits empty level 0, and what lies above is merged beside them."""

import pyarrow as pa
import pytest

from lakestore.events import CompactionFailed
from tests.compacting import live_files
from tests.maintain.beside import changelog_folds, create, levels_of, rows, runs, upsert_in_threads, versions


@pytest.mark.parametrize("engine", ["deduplicate", "first-row", "partial-update"])
def test_lookups_wait_for_level_0_only(tmp_path, listener, engine):
    """While the rest is merged beside them, commits go on, each with its changelog."""
    table = create(tmp_path, listener, **{"changelog-producer": "lookup", "merge-engine": engine})
    listener.held = "lakestore-background"
    listener.go.clear()
    for version in range(9):
        result = table.upsert(rows(version, 20 + version))
        assert len(result.snapshot_ids) == 2
        assert result.compact_error is None
        assert 0 not in levels_of(table)
        assert table.count() == 20 + version
        assert changelog_folds(table)
    assert listener.reached.wait(10)
    assert levels_of(table) == [1, 2, 3, 4, 5], "what is held up keeps its levels"
    listener.go.set()
    table.upsert(rows(9, 40))
    assert changelog_folds(table)
    assert table.wait_for_compaction(20)
    assert runs(table) == 1
    assert changelog_folds(table)
    assert table.check(deep=True).ok
    assert listener.of(CompactionFailed) == []


def test_lookups_move_older_runs_up_without_writing_them(tmp_path, listener):
    table = create(
        tmp_path, listener, **{"changelog-producer": "lookup", "num-sorted-run.compaction-trigger": 3, "num-levels": 4}
    )
    listener.held = "lakestore-background"
    listener.go.clear()
    for version in range(3):
        table.upsert(rows(version))
    assert levels_of(table) == [1, 2, 3]
    (first,) = [file for files in live_files(table).values() for file in files if file.level == 1]
    listener.go.set()
    assert table._context.beside._lane.wait(20, afterthoughts=False)
    assert levels_of(table) == [1, 3]
    listener.go.clear()
    table.upsert(rows(3))
    assert levels_of(table) == [1, 2, 3]
    assert [file.name for files in live_files(table).values() for file in files if file.level == 2] == [first.name]
    assert changelog_folds(table)


@pytest.mark.parametrize("failure", [pa.ArrowInvalid("no"), OSError("disk")])
def test_a_failure_beside_lookups_never_fails_a_commit(tmp_path, listener, failure):
    table = create(tmp_path, listener, **{"changelog-producer": "lookup"})
    listener.held, listener.failure = "lakestore-background", failure
    for version in range(12):
        assert len(table.upsert(rows(version)).snapshot_ids) == 2
        assert versions(table) == {version}
        assert changelog_folds(table)
    table._context.beside.stop()
    assert listener.of(CompactionFailed)
    listener.failure = None
    assert table.upsert(rows(12)).compact_error is not None
    assert table.wait_for_compaction(20)
    assert runs(table) == 1
    assert versions(table) == {12}
    assert table.check(deep=True).ok


def test_writers_in_threads(tmp_path, listener):
    create(tmp_path, listener, **{"changelog-producer": "lookup"})
    assert changelog_folds(upsert_in_threads(tmp_path, commits=12))
