"""Rows of recent files kept in memory: never more than allowed, and never anything else than the file says."""

import random
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakestore as ls
from lakestore.core.file_formats import FORMATS
from lakestore.data.recent_rows import SHARE, RecentRows
from lakestore.env import Env
from lakestore.model.arrow import arrow_schema
from lakestore.model.rows import KIND_FIELD, SEQUENCE_FIELD
from lakestore.model.types import Field
from tests.api.test_types import rows_of, types_of
from tests.compacting import live_files
from tests.laws.story_values import SCALARS, column, plain, some_type, some_value


def table_of(rows):
    return pa.table({"n": pa.array(range(rows), pa.int64())})


def test_those_go_that_nobody_asked_for_longest():
    recent = RecentRows(8 * 30)
    for name in "abc":
        recent.keep(name, table_of(10))
    assert recent.find("a").num_rows == 10
    recent.keep("d", table_of(10))
    assert [name for name in "abcd" if recent.find(name) is not None] == ["a", "c", "d"]
    assert recent.size == 8 * 30


def test_what_is_compacted_goes_at_once():
    recent = RecentRows(1000)
    recent.keep("a", table_of(10))
    recent.drop(["a", "unknown"])
    assert recent.find("a") is None
    assert recent.size == 0


def test_a_name_is_kept_once():
    recent = RecentRows(1000)
    recent.keep("a", table_of(10))
    recent.keep("a", table_of(20))
    assert recent.size == 8 * 20


def test_a_file_that_is_too_large_is_not_kept():
    recent = RecentRows(8 * 10 * SHARE)
    for pieces, kept in ((2, True), (3, False)):
        recording = recent.recording(copy=False)
        for _ in range(pieces):
            recording.add(table_of(5))
        recording.finish("a")
        assert (recent.find("a") is not None) is kept
        recent.drop("a")


def test_a_budget_may_shrink_to_nothing():
    recent = RecentRows(1000)
    recent.keep("a", table_of(10))
    recent.limit(0)
    assert recent.size == 0
    recording = recent.recording(copy=False)
    recording.add(table_of(1))
    recording.finish("b")
    assert recent.find("b") is None


def keyed(tmp_path, schema, form, **options):
    lake = ls.connect(tmp_path, env=Env(background=True))
    chosen = {"bucket": 1, "file.format": form} | options
    return lake.create_table("d.t", schema=schema, primary_key=["n"], options=chosen)


def check_kept(table):
    """All live files are kept, as they read."""
    context = table._context
    recent = context.beside.recent_of(context.options)
    columns = (*context.schema.fields, SEQUENCE_FIELD, KIND_FIELD)
    files = [(place, file) for place, files in live_files(table).items() for file in files]
    assert files
    for (partition, bucket), file in files:
        parts = context.compact_parts()
        opened = replace(parts, recent=recent)
        reader = opened.rewriting(1).files(runs=1).bucket(partition, bucket)
        kept = pa.Table.from_batches(reader.recent(file, columns))
        assert kept.schema == arrow_schema(columns)
        with reader.open(file, columns) as source:
            read = pa.Table.from_batches(source.batches())
        for name in read.column_names:
            assert kept[name].type == read[name].type
            assert plain(kept[name]) == plain(read[name]), name


@pytest.mark.parametrize("form", FORMATS)
def test_kept_rows_are_what_reading_gives(tmp_path, form):
    rows = rows_of(form, types_of(form))
    kinds = {"n": "INT"} | {f"c{place}": text for place, text in enumerate(types_of(form))}
    table = keyed(tmp_path, kinds, form)
    table.upsert(rows)
    table.delete("n = 0")
    check_kept(table)


@pytest.mark.parametrize("seed", range(12))
def test_kept_nested_rows_are_what_reading_gives(tmp_path, seed):
    dice = random.Random(seed)
    form = FORMATS[seed % len(FORMATS)]
    ids = iter(range(2, 1000))
    kinds = [some_type(dice, list(SCALARS), ids, 2) for _ in range(3)]
    fields = [Field(id=next(ids), name=f"c{place}", type=kind) for place, kind in enumerate(kinds)]
    arrays = {
        field.name: column([some_value(dice, field.type, SCALARS) for _ in range(20)], field.type) for field in fields
    }
    rows = pa.table({"n": pa.array(range(20), pa.int32())} | arrays)
    table = keyed(tmp_path, rows.schema, form)
    table.upsert(rows)
    check_kept(table)


def test_a_write_only_writer_keeps_nothing(tmp_path):
    table = keyed(tmp_path, {"n": "INT"}, "parquet", **{"write-only": True})
    table.upsert([{"n": 1}])
    assert table._context.beside.recent.size == 0


def test_what_was_compacted_is_let_go(tmp_path):
    table = keyed(tmp_path, {"n": "INT", "v": "INT"}, "parquet")
    for version in range(12):
        table.upsert([{"n": key, "v": version} for key in range(50)])
    assert table.wait_for_compaction(60)
    check_kept(table)
    (names,) = [[file.name for file in files] for files in live_files(table).values()]
    assert list(table._context.beside.recent._tables) == names


def test_another_schema_is_read_from_the_file(tmp_path):
    table = keyed(tmp_path, {"n": "INT", "v": "INT"}, "parquet", **{"changelog-producer": "lookup"})
    table.upsert([{"n": key, "v": key} for key in range(50)])
    table.alter(ls.rename_column("v", "w"))
    table = ls.open_table(table.path, env=Env(background=True))
    table.upsert([{"n": key, "w": 2 * key} for key in range(25, 75)])
    assert table.wait_for_compaction(60)
    found = {row["n"]: row["w"] for row in table.to_arrow().to_pylist()}
    assert found == {key: key if key < 25 else 2 * key for key in range(75)}


@pytest.mark.parametrize("keyed_table", [True, False], ids=["keyed", "append"])
def test_a_user_may_fill_the_same_memory_again(tmp_path, keyed_table):
    """Arrow arrays lie in the user's memory, which is the user's again once the commit has returned."""
    lake = ls.connect(tmp_path, env=Env(background=True))
    table = lake.create_table(
        "d.t",
        schema={"n": "BIGINT", "v": "DOUBLE"},
        primary_key=["n"] if keyed_table else [],
        options={"bucket": 1 if keyed_table else -1},
    )
    keys, values = np.arange(100), np.zeros(100)
    expected = []
    for version in range(11):
        keys[:] = np.arange(100) + 100 * version
        values[:] = version
        table.insert(pa.table({"n": pa.array(keys), "v": pa.array(values)}))
        expected += [version] * 100
        keys[:], values[:] = -1, -1
    assert table.wait_for_compaction(60)
    assert len([file for files in live_files(table).values() for file in files]) < 11
    rows = table.to_arrow().sort_by("n")
    assert rows["n"].to_pylist() == list(range(1100))
    assert rows["v"].to_pylist() == expected


def test_changelogs_are_encoded_as_the_files_that_make_them(tmp_path):
    """The file just written tells which columns repeat themselves; without it, or in another format, the rows do."""
    for form in FORMATS:
        table = keyed(
            tmp_path / form,
            {"n": "BIGINT", "word": "STRING", "number": "DOUBLE"},
            form,
            **{"changelog-producer": "lookup", "changelog-file.format": "parquet"},
        )
        for version in range(2):
            words = [{"n": key, "word": f"w{key % 5}", "number": key + version / 7} for key in range(2000)]
            table.upsert(words)
        changelogs = sorted((tmp_path / form).rglob("changelog-*.parquet"))
        assert len(changelogs) == 2
        for path in changelogs:
            group = pq.ParquetFile(path).metadata.row_group(0)
            columns = [group.column(index) for index in range(group.num_columns)]
            coded = {one.path_in_schema for one in columns if one.has_dictionary_page}
            assert {"word", "_VALUE_KIND"} <= coded
            assert "_SEQUENCE_NUMBER" not in coded
