"""Merging sections window by window: bounded, exact at every cut, and unforgiving of disorder."""

import pyarrow as pa
import pytest

from lakestore.data import merge_reader, windows
from lakestore.errors import CorruptTableError, NotFoundError
from lakestore.format.binary_row import encode_row
from lakestore.model.options import MergeOptions
from tests.reading import HandMade, a_schema, rows_of


def merged(table, *, window=4, options=None, columns=None):
    bucket = table.parts.files(table.schema, table.options, 7).bucket(encode_row((), ()), 0)
    fields = table.schema.fields if columns is None else table.schema.select(columns)
    return merge_reader.read_merged(
        bucket, table.section(), fields, options=options or MergeOptions(), window_rows=window
    )


def rows(tables):
    return sorted(row for table in tables for row in rows_of(table))


def runs_of(*keys_of_runs, window_rows=4, **written):
    table = HandMade(a_schema({"k": "INT", "v": "STRING"}, key=["k"]), window_rows=window_rows)
    start = 0
    for number, keys in enumerate(keys_of_runs):
        sequences = list(range(start, start + len(keys)))
        table.add([(key, f"r{number}") for key in keys], sequences=sequences, **written)
        start += len(keys)
    return table


@pytest.mark.parametrize("window", [1, 2, 3, 5, 64])
def test_windows_never_show(window):
    old, new, tail = range(0, 40, 2), range(0, 40, 3), [39, 39 * 2]
    table = runs_of(old, new, tail, window_rows=window)
    state = {**dict.fromkeys(old, "r0"), **dict.fromkeys(new, "r1"), **dict.fromkeys(tail, "r2")}
    assert rows(merged(table, window=window)) == sorted(state.items())


def test_columns_not_asked_for_are_not_handed_out():
    table = runs_of([1, 2], [2, 3])
    found = list(merged(table, columns=["v"]))
    assert {one.column_names[0] for one in found} == {"v"}
    assert rows(found) == [("r0",), ("r1",), ("r1",)]


def test_the_sequence_settles_where_runs_do_not():
    table = HandMade(a_schema({"k": "INT", "v": "INT"}, key=["k"]))
    table.add([(1, 10), (2, 20), (3, 30)], sequences=[5, 1, 9])
    table.add([(1, 11), (2, 21), (3, 31)], sequences=[4, 6, 9], kinds=[0, 0, 3])
    assert rows(merged(table)) == [(1, 10), (2, 21), (3, 30)]


def test_a_key_twice_in_a_file_comes_out_once():
    """Some writers do not merge what they flush; the later row has the greater sequence number."""
    table = HandMade(a_schema({"k": "INT", "v": "INT"}, key=["k"]), window_rows=2)
    table.add([(1, 1), (1, 2), (1, 3), (1, 4), (2, 1)], row_group_size=1)
    table.add([(1, 5)], sequences=[9])
    table.add([(2, 0), (2, 9)], sequences=[10, 11])
    for window in (1, 2, 100):
        assert rows(merged(table, window=window)) == [(1, 5), (2, 9)]


def test_memory_is_runs_times_window():
    count, window = 200_000, 4096
    table = runs_of(range(0, count, 2), range(0, count, 3), range(0, count, 5), window_rows=window)
    buffered = 0
    highest = 0
    round_of = windows.Rounds.next_window

    def watched(self, cursors):
        nonlocal buffered
        buffered = max(buffered, *(cursor.rows for cursor in cursors))
        return round_of(self, cursors)

    before = pa.total_allocated_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows.Rounds, "next_window", watched)
        found = 0
        for one in merged(table, window=window):
            highest = max(highest, pa.total_allocated_bytes() - before)
            found += one.num_rows
    assert found == len({*range(0, count, 2), *range(0, count, 3), *range(0, count, 5)})
    assert buffered <= window
    assert highest < 8 * 2**20


def test_wide_rows_make_narrow_windows(monkeypatch):
    monkeypatch.setattr("lakestore.data.file_reader.BATCH_BYTES", 1000)
    monkeypatch.setattr(windows, "WINDOW_BYTES", 2000)
    table = HandMade(a_schema({"k": "INT", "v": "STRING"}, key=["k"]), window_rows=10_000)
    for first in (0, 1):
        table.add([(k, f"{k:0100}") for k in range(first, 1000, 2)], sequences=range(500 * first, 500 * first + 500))
    table.add([(5, "x")], sequences=[5000])
    tables = list(merged(table, window=10_000))
    assert max(one.num_rows for one in tables) < 50
    assert len(rows(tables)) == 1000


def test_one_key_may_outgrow_the_window():
    table = HandMade(a_schema({"k": "INT", "v": "INT"}, key=["k"]))
    table.add([(1, i) for i in range(50)] + [(2, 0)], row_group_size=3)
    table.add([(1, 99), (3, 3)], sequences=[70, 71])
    assert rows(merged(table, window=2)) == [(1, 99), (2, 0), (3, 3)]


def test_keys_out_of_order_are_an_error():
    table = runs_of([1, 2, 5], [1, 4, 2, 5])
    with pytest.raises(CorruptTableError, match=r"data-1\.parquet are not in the order of the key \(k\)"):
        list(merged(table))


def test_keys_out_of_order_between_windows_are_an_error():
    table = runs_of([1, 2, 3, 4, 5, 6, 7, 8], [3, 4, 5, 6, 1, 2, 7, 9], row_group_size=4)
    for window in (2, 4, 8):
        with pytest.raises(CorruptTableError, match="not in the order of the key"):
            list(merged(table, window=window))


def test_a_run_reads_its_files_one_after_another():
    table = runs_of(range(10), range(10, 20), range(5, 15), window_rows=2)
    assert len(table.section().runs) == 2
    assert rows(merged(table, window=2)) == [(k, "r2" if 5 <= k < 15 else "r0" if k < 10 else "r1") for k in range(20)]


def test_files_are_closed_when_the_reader_stops_early(monkeypatch):
    table = runs_of(range(100), range(100), window_rows=4)
    open_files = set()
    opening = windows.BucketFiles.open

    def watched(self, file, *arguments, **named):
        source = opening(self, file, *arguments, **named)
        open_files.add(file.name)
        close = source.close
        object.__setattr__(source, "close", lambda: (close(), open_files.discard(file.name)))
        return source

    monkeypatch.setattr(windows.BucketFiles, "open", watched)
    found = merged(table)
    next(found)
    assert len(open_files) == 2
    found.close()
    assert not open_files


def test_a_file_that_goes_while_reading_is_named():
    table = runs_of(range(10), range(5, 15))
    table.store.delete(table.path("data-1.parquet"))
    with pytest.raises(NotFoundError, match=r"data-1\.parquet of table db\.t at snapshot 7 is gone"):
        list(merged(table))
