"""Executing a compaction: what is merged, what only moves up, what becomes of sequence numbers, deletes and memory."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakestore as ls
from lakestore.core.levels import Levels
from lakestore.core.pick import CompactUnit, full
from lakestore.data import compact_merge, rewrite, windows
from lakestore.data.rewrite import BucketFilesAt
from lakestore.errors import CorruptTableError, NotFoundError
from lakestore.model.datafile import FileSource
from lakestore.model.rows import SEQUENCE_NUMBER, VALUE_KIND
from tests.compacting import live_files

COLUMNS = {"id": "INT", "a": "INT", "s": "STRING"}


class Table:
    """A table of one bucket that nobody compacts but the test."""

    def __init__(self, folder, **options):
        self.table = ls.connect(folder).create_table(
            "db.t",
            schema=COLUMNS,
            primary_key=["id"],
            options={"bucket": 1, "write-only": "true", **{key.replace("_", "-"): v for key, v in options.items()}},
        )
        self.folder = folder / "db.db" / "t" / "bucket-0"

    def write(self, ids, value, *, delete=()):
        with self.table.writer() as writer:
            writer.write([{"id": key, "a": value, "s": f"{value}-{key}"} for key in ids])
            if delete:
                writer.delete([{"id": key} for key in delete])
            writer.commit()
        return self

    @property
    def files(self):
        return next(iter(live_files(self.table).values()))

    def rewrite(self, unit=None, *, drop_deletes=True, files=None, top=5):
        parts = self.table._context.compact_parts().rewriting(1)
        files = self.files if files is None else files
        unit = unit or full(Levels.of(files, num_levels=6))
        place = BucketFilesAt(partition=b"\0\0\0\0" + b"\0" * 8, bucket=0, files=tuple(files), top=top)
        return rewrite.rewrite(parts, place, unit, drop_deletes=drop_deletes)

    def rows(self, files):
        parts = [pq.read_table(self.folder / file.name) for file in files]
        table = pa.concat_tables(parts).select(["id", "a", SEQUENCE_NUMBER, VALUE_KIND])
        return [tuple(row.values()) for row in table.to_pylist()]


def unit(level, files):
    return CompactUnit(level, tuple(files), "the test asks for it")


def test_the_newest_rows_stay_with_their_numbers_and_kinds(tmp_path):
    table = Table(tmp_path).write(range(4), 0).write([1, 2], 1, delete=[0]).write([9], 2)
    result = table.rewrite()
    assert table.rows(result.after) == [(1, 1, 4, 0), (2, 1, 5, 0), (3, 0, 3, 0), (9, 2, 7, 0)]
    (file,) = result.after
    assert (file.level, file.source, file.delete_row_count, file.row_count) == (5, FileSource.COMPACT, 0, 4)
    assert (file.min_sequence, file.max_sequence) == (3, 7)
    assert sorted(one.name for one in result.before) == sorted(one.name for one in table.files)
    assert result.changelog == []


def test_retract_rows_stay_unless_nothing_older_can_be_there(tmp_path):
    table = Table(tmp_path).write(range(3), 0).write([1], 1, delete=[0]).write([2], 2)
    newer = [file for file in table.files if file.min_sequence > 0]
    result = table.rewrite(unit(3, newer), drop_deletes=False)
    assert table.rows(result.after) == [(0, None, 4, 3), (1, 1, 3, 0), (2, 2, 5, 0)]
    assert [(file.level, file.delete_row_count) for file in result.after] == [(3, 1)]


def test_files_of_the_target_size_in_key_order(tmp_path):
    table = Table(tmp_path, target_file_size="20 kb")
    for number in range(3):
        table.write(range(number, 6000, 2), number)
    result = table.rewrite()
    assert len(result.after) > 1
    ids = [row[0] for row in table.rows(result.after)]
    assert ids == sorted(set(ids)) == list(range(6000))
    assert [file.level for file in result.after] == [5] * len(result.after)


def test_a_large_file_that_overlaps_none_moves_up_untouched(tmp_path):
    table = Table(tmp_path, **{"compaction.small-file-ratio": "0"})
    table.write(range(10), 0).write(range(5, 15), 1).write(range(100, 110), 2)
    alone = max(table.files, key=lambda file: file.min_sequence)
    result = table.rewrite()
    moved = next(file for file in result.after if file.name == alone.name)
    assert (moved.level, moved.source, moved.creation_time) == (5, FileSource.APPEND, alone.creation_time)
    assert len(result.after) == 2
    assert result.written == [file for file in result.after if file.name != alone.name]


def test_small_files_side_by_side_become_one(tmp_path):
    table = Table(tmp_path).write(range(10), 0).write(range(10, 20), 1).write(range(20, 30), 2)
    result = table.rewrite()
    assert [file.row_count for file in result.after] == [30]


def test_a_row_that_is_older_than_those_above_changes_nothing(tmp_path):
    """Where another engine's writer numbers its rows late, a file of level 0 may hold older rows than one above."""
    table = Table(tmp_path, changelog_producer="lookup").write([1, 2], 0).write([1, 2], 1).write([2], 2)
    oldest, late, newest = sorted(table.files, key=lambda file: file.min_sequence)
    files = [replace(oldest, level=5), late, replace(newest, level=4)]
    result = table.rewrite(unit(3, [late]), files=files, drop_deletes=False)
    changes = table.rows(result.changelog)
    assert [(key, value, kind) for key, value, _, kind in changes] == [(1, 0, 1), (1, 1, 2), (2, 2, 1), (2, 2, 2)]


def test_one_small_file_moves_up(tmp_path):
    table = Table(tmp_path).write(range(10), 0)
    result = table.rewrite()
    assert [(file.name, file.level) for file in result.after] == [(table.files[0].name, 5)]


def test_a_file_with_deletes_does_not_reach_the_top_as_it_is(tmp_path):
    table = Table(tmp_path).write(range(3), 0, delete=[1])
    assert table.rows(table.rewrite(unit(4, table.files), drop_deletes=False).after)[1] == (1, None, 3, 3)
    result = table.rewrite()
    assert [row[0] for row in table.rows(result.after)] == [0, 2]
    assert result.after[0].name != table.files[0].name


def test_nothing_is_left_behind_by_a_failure(tmp_path):
    table = Table(tmp_path).write(range(10), 0).write(range(5, 15), 1)
    before = sorted(path.name for path in table.folder.iterdir())
    (table.folder / table.files[1].name).rename(tmp_path / "away")
    with pytest.raises(NotFoundError, match="is gone"):
        table.rewrite()
    (tmp_path / "away").rename(table.folder / table.files[1].name)
    assert sorted(path.name for path in table.folder.iterdir()) == before


def test_a_row_that_went_missing_on_the_way_is_not_committed(tmp_path, monkeypatch):
    table = Table(tmp_path).write(range(10), 0).write(range(5, 15), 1)
    fill = windows.Cursor.fill
    monkeypatch.setattr(windows.Cursor, "fill", lambda self: self.number > 0 and fill(self))
    with pytest.raises(ls.LakestoreError, match="10 rows were merged, but the files have 20"):
        table.rewrite()


def test_damage_is_named(tmp_path):
    table = Table(tmp_path).write(range(1000), 0).write(range(5, 15), 1)
    path = table.folder / table.files[0].name
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 20] = bytes(20)
    path.write_bytes(data)
    with pytest.raises(CorruptTableError, match=table.files[0].name):
        table.rewrite()


def test_expired_rows_go(tmp_path):
    table = Table(tmp_path, **{"record-level.expire-time": "1 h", "record-level.time-field": "a", "num-levels": 6})
    now = table.table._context.env.clock.now_ms() // 1000
    table.write([1, 2], now).write([2, 3], now - 7200).write([4], now)
    assert [row[0] for row in table.rows(table.rewrite().after)] == [1, 2, 4]


def test_memory_is_runs_times_window(tmp_path, monkeypatch):
    """Twenty runs of rows far larger than the windows together: what is held follows the windows, not the bucket."""
    budget = 2 * 2**20
    monkeypatch.setattr(compact_merge, "WINDOWS_BYTES", budget)
    monkeypatch.setattr(rewrite, "WINDOWS_BYTES", budget)
    table = Table(tmp_path, **{"lakestore.row-group-rows": 2000})
    runs, rows = 20, 10_000
    for number in range(runs):
        ids = range(number, runs * rows, runs)
        with table.table.writer() as writer:
            text = pa.array([f"{number:04}{key:060}" for key in ids])
            writer.write(pa.table({"id": pa.array(ids, pa.int32()), "a": pa.array(ids, pa.int32()), "s": text}))
            writer.commit()
    held, next_window = [], windows.Rounds.next_window

    def watched(self, cursors):
        held.append(sum(cursor.buffer.nbytes for cursor in cursors))
        return next_window(self, cursors)

    monkeypatch.setattr(windows.Rounds, "next_window", watched)
    result = table.rewrite()
    assert sum(file.row_count for file in result.after) == runs * rows
    assert len(held) > 5
    assert max(held) < 2 * budget
