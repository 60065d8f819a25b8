"""File indexes as users meet them: what is skipped, in exact figures, and that nothing else ever is."""

import json
import random
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

import lakestore as ls
from lakestore.api.catalog import Lake
from lakestore.cli.main import main
from lakestore.core.bind import bind
from lakestore.core.filter import keep
from lakestore.core.where import parse_where
from lakestore.env import Env
from lakestore.errors import CorruptTableError, InvalidInputError, NotFoundError
from lakestore.meta.cache import SHARED_CACHE
from lakestore.meta.scan import snapshot_entries
from lakestore.model.arrow import fields_from_arrow
from lakestore.model.message import CommitMessage, CommitRequest
from lakestore.storage.fsspec_store import open_store
from lakestore.testing.recording import RecordingStore

NO_STATS = {"metadata.stats-mode": "none", "write-only": "true"}
BLOOM = {"file-index.bloom-filter.columns": "v", "file-index.bloom-filter.v.items": "20"}


def listed(table, where=None):
    return sorted(map(tuple, (row.values() for row in table.scan(where=where).to_arrow().to_pylist())), key=str)


def filtered(table, where):
    """The rows that meet a predicate, by reading them all."""
    everything = table.scan().to_arrow()
    kept = keep(bind(parse_where(where), fields_from_arrow(everything.schema)), everything)
    return sorted(map(tuple, (row.values() for row in kept.to_pylist())), key=str)


def report(table, where):
    return table.scan(where=where).plan().report


# A point query on a column that is no key.

FILES = 1000
MISSES = FILES // 100


def test_a_point_query_opens_one_file_in_a_hundred_at_most(tmp_path):
    """Of 1,000 files two hold the value; besides them at most 1 % are opened, and the rest is not even asked for."""
    made = ls.connect(tmp_path).create_table(
        "d.t",
        schema={"p": "INT", "v": "STRING"},
        partition_by=["p"],
        options={
            **NO_STATS,
            "file-index.bloom-filter.columns": "v",
            "file-index.bloom-filter.v.items": "30",
            "file-index.bloom-filter.v.fpp": "0.001",
        },
    )
    places = np.repeat(np.arange(FILES, dtype=np.int32), 20)
    words = np.array([f"user-{number}" for number in range(len(places))], object)
    words[[20 * 17, 20 * 900 + 3]] = "somebody"
    made.insert(pa.table({"p": places, "v": pa.array(words, pa.string())}))
    SHARED_CACHE.entries.clear()
    SHARED_CACHE.lists.clear()
    store, root = open_store(tmp_path)
    recording = RecordingStore(store)
    table = Lake(recording, root, Env()).table("d.t")
    found = table.scan(where="v = 'somebody'").to_arrow()
    assert sorted(found["p"].to_pylist()) == [17, 900]
    opened = [path for path in recording.paths("open_input") if path.endswith(".parquet")]
    assert len(opened) == len(set(opened)) <= MISSES + 2
    assert not [path for _, path in recording.log if path.endswith(".index")]
    assert report(table, "v = 'somebody'").files_by_index == FILES - len(opened)


# Nothing else is skipped: older versions, deletes, changes of the schema.


def keyed(tmp_path, engine="deduplicate", **options):
    return ls.connect(tmp_path).create_table(
        f"d.{engine.replace('-', '_')}",
        schema={"k": "INT", "v": "STRING", "n": "INT"},
        primary_key=["k"],
        options={
            "merge-engine": engine,
            "file-index.bloom-filter.columns": "v,n",
            "file-index.bloom-filter.v.items": "20",
            "file-index.bloom-filter.n.items": "20",
            "file-index.bitmap.columns": "v,n",
            "file-index.range-bitmap.columns": "v,n",
            "file-index.bsi.columns": "n",
            **NO_STATS,
            **options,
        },
    )


def test_a_file_that_hides_older_versions_stays(tmp_path):
    table = keyed(tmp_path)
    table.upsert([{"k": 1, "v": "old", "n": 1}, {"k": 9, "v": "old", "n": 9}])
    table.upsert([{"k": 1, "v": "new", "n": 2}, {"k": 5, "v": "new", "n": 5}])
    table.delete([{"k": 9}])
    assert listed(table, "v = 'old'") == []
    assert listed(table, "n = 1 or n = 9") == []
    assert listed(table, "v = 'new'") == [(1, "new", 2), (5, "new", 5)]
    assert report(table, "v = 'nobody'").files_by_index == 3
    assert report(table, "v = 'old'").files_by_index == 0
    table.compact(full=True)
    assert report(table, "v = 'old'").files_by_index == 1
    assert listed(table) == [(1, "new", 2), (5, "new", 5)]


def test_a_row_made_of_several_versions_is_found(tmp_path):
    table = keyed(tmp_path, "partial-update")
    table.upsert([{"k": 1, "v": "a", "n": None}])
    table.upsert([{"k": 1, "v": None, "n": 7}])
    assert listed(table, "v = 'a' and n = 7") == [(1, "a", 7)]
    told = report(table, "v = 'a' and n = 7")
    assert (told.files_by_index, told.indexes_asked) == (0, 0)


ENGINES = ["deduplicate", "partial-update", "first-row", "aggregation"]
WHERES = [
    "v = 'a'",
    "v <> 'a'",
    "not (v = 'b')",
    "v in ('a', 'c') and n > 3",
    "n < 3 or v is null",
    "n between 2 and 4",
    "not (n >= 3)",
    "v is not null and n is null",
    "k = 3 and v = 'b'",
    "not (v in ('a', 'b') or n = 1)",
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", range(3))
def test_filtered_reads_are_reads_filtered(tmp_path, engine, seed):
    """Random commits of a key table; each predicate gives what it gives on all rows, before and after compaction."""
    chance = random.Random(seed)
    more = {"fields.n.aggregate-function": "sum"} if engine == "aggregation" else {}
    table = keyed(tmp_path, engine, **more)
    for _ in range(5):
        keys = chance.sample(range(12), chance.randint(1, 5))
        table.upsert(
            [
                {"k": key, "v": chance.choice(["a", "b", "c", None]), "n": chance.choice([None, *range(6)])}
                for key in keys
            ]
        )
        if engine == "deduplicate" and chance.random() < 0.5:
            table.delete([{"k": chance.randrange(12)}])
        if chance.random() < 0.2:
            table.compact(full=chance.random() < 0.5)
    for _ in range(2):
        for where in WHERES:
            assert listed(table, where) == filtered(table, where), where
        table.compact(full=True)


def test_indexes_are_asked_only_about_the_column_they_were_made_of(tmp_path):
    """Renamed, dropped and added anew, and of another type: by field id, and never across types."""
    lake = ls.connect(tmp_path)
    table = lake.create_table(
        "d.t",
        schema={"v": "INT", "w": "INT"},
        options={**NO_STATS, "file-index.bitmap.columns": "v,w", "file-index.bsi.columns": "v"},
    )
    table.insert([{"v": 1, "w": 10}])
    table = table.alter(ls.rename_column("v", "u"))
    assert table.options["file-index.bitmap.columns"] == "u,w"
    table.insert([{"u": 2, "w": 20}])
    assert (report(table, "u = 1").files_by_index, listed(table, "u = 1")) == (1, [(1, 10)])
    assert listed(table, "u = 2") == [(2, 20)]
    table = table.alter(ls.change_type("u", "BIGINT"))
    table.insert([{"u": 1 << 40, "w": 30}])
    assert report(table, "u = 1").files_by_index == 1  # the two files of the older type are read
    assert listed(table, "u = 1") == [(1, 10)]
    table = table.alter(ls.set_option("file-index.bitmap.columns", "u")).alter(ls.drop_column("w"))
    table = table.alter(ls.add_column("w", "INT")).alter(ls.set_option("file-index.bitmap.columns", "u,w"))
    table.insert([{"u": 5, "w": 10}])
    assert listed(table, "w = 10") == [(5, 10)]
    assert listed(table, "w is null") == [(1, None), (1 << 40, None), (2, None)]


def test_zeros_nan_and_text_bounds(tmp_path):
    table = ls.connect(tmp_path).create_table(
        "d.t",
        schema={"d": "DOUBLE", "s": "STRING"},
        options={
            **NO_STATS,
            **{f"file-index.{kind}.columns": "d,s" for kind in ("bloom-filter", "bitmap", "range-bitmap")},
            **{f"file-index.bloom-filter.{name}.items": "9" for name in "ds"},
        },
    )
    for value, word in ((0.0, ""), (-0.0, "z" * 40), (float("nan"), None), (None, "z" * 39)):
        table.insert([{"d": value, "s": word}])
    for where in ("d = 0", "d = -0.0", "d <> 0", "d < 0", "not (d < 5)", "d >= 0.0", "s = ''", "s > 'z'", "d is null"):
        assert str(listed(table, where)) == str(filtered(table, where)), where
    assert report(table, "d = 0").files_by_index == 2


# Files that get an index: all that are written, and those that are there.


def test_compaction_and_clustering_write_indexes(tmp_path):
    lake = ls.connect(tmp_path)
    append = lake.create_table("d.a", schema={"v": "INT"}, options={**NO_STATS, "file-index.bitmap.columns": "v"})
    for value in range(4):
        append.insert([{"v": value}])
    append.cluster_by("v")
    rows = append.system("file_indexes").to_pylist()
    assert [(row["column_name"], row["index_type"], row["storage_type"]) for row in rows] == [
        ("v", "bitmap", "EMBEDDED")
    ]
    assert report(append, "v = 9").files_by_index == 1
    table = keyed(tmp_path)
    for value in range(4):
        table.upsert([{"k": value, "v": "x", "n": value}])
    table.compact(full=True)
    assert table.system("file_indexes").num_rows == 7
    assert report(table, "n = 9").files_by_index == 1


def test_indexes_for_files_that_are_there(tmp_path, capsys):
    lake = ls.connect(tmp_path)
    table = lake.create_table("d.t", schema={"p": "INT", "v": "INT"}, partition_by=["p"], options=NO_STATS)
    for value in range(6):
        table.insert([{"p": value % 2, "v": value}])
    assert "'file-index.bloom-filter.columns' = 'v'" in str(table.scan(where="v = 3").explain())
    table = table.alter(
        ls.set_option("file-index.bloom-filter.columns", "v"), ls.set_option("file-index.bsi.columns", "v")
    )
    table = table.alter(ls.set_option("file-index.bloom-filter.v.items", "5"))
    assert "6 of the files left have no file index yet" in str(table.scan(where="v = 3").explain())
    before, names = listed(table), sorted(path.name for path in tmp_path.rglob("*.parquet"))
    assert table.rewrite_file_index(dry_run=True).indexed == 6
    some = table.rewrite_file_index("p = 1")
    assert (some.files, some.indexed, len(some.snapshot_ids)) == (3, 3, 1)
    assert table.snapshots.latest().commit_kind == "COMPACT"
    assert main(["index", "rewrite", f"{tmp_path}/d.db/t"]) == 0
    assert "6 files: 3 indexed, 0 freed of indexes" in capsys.readouterr().out
    assert report(table, "v = 3").files_by_index == 5
    assert table.rewrite_file_index().snapshot_ids == ()
    assert main(["index", "list", f"{tmp_path}/d.db/t", "--json"]) == 0
    kinds = [json.loads(line)["index_type"] for line in capsys.readouterr().out.splitlines()]
    assert sorted(set(kinds)) == ["bloom-filter", "bsi"]
    assert listed(table) == before
    assert sorted(path.name for path in tmp_path.rglob("*.parquet")) == names
    assert not list(table.changes(between=(6, table.snapshots.latest().id)).to_arrow().to_pylist())


def test_what_is_not_asked_for_any_more_goes(tmp_path):
    lake = ls.connect(tmp_path)
    options = {**NO_STATS, "file-index.bitmap.columns": "v", "file-index.in-manifest-threshold": "1 b"}
    table = lake.create_table("d.t", schema={"v": "INT"}, options=options)
    table.insert([{"v": 1}])
    assert len(list(tmp_path.rglob("*.index"))) == 1
    table = table.alter(ls.set_option("file-index.bitmap.v.version", "1"))
    assert table.rewrite_file_index().indexed == 0
    assert table.rewrite_file_index(all_files=True).indexed == 1
    assert sorted(path.name.rpartition(".parquet")[2] for path in tmp_path.rglob("*.index")) == ["-1.index", ".index"]
    assert report(table, "v = 2").files_by_index == 1
    table.snapshots.expire(retain_max=1, retain_min=1)
    table.remove_orphans(older_than=timedelta(0))
    assert [path.name.rpartition(".parquet")[2] for path in tmp_path.rglob("*.index")] == ["-1.index"]
    table = table.alter(ls.remove_option("file-index.bitmap.v.version")).alter(
        ls.remove_option("file-index.bitmap.columns")
    )
    assert table.rewrite_file_index().removed == 1
    assert report(table, "v = 2").files_by_index == 0
    assert listed(table) == [(1,)]


def test_expiry_keeps_files_that_only_got_an_index(tmp_path):
    table = ls.connect(tmp_path).create_table("d.t", schema={"v": "INT"}, options=NO_STATS)
    table.insert([{"v": 1}])
    table = table.alter(
        ls.set_option("file-index.bitmap.columns", "v"), ls.set_option("file-index.in-manifest-threshold", "1 b")
    )
    table.rewrite_file_index()
    table.insert([{"v": 2}])
    table.snapshots.expire(retain_max=1, retain_min=1)
    assert listed(table) == [(1,), (2,)]
    assert table.check(deep=True).ok
    table.rewrite_file_index(all_files=True)
    table.truncate()
    table.snapshots.expire(retain_max=1, retain_min=1)
    assert not list(tmp_path.rglob("*.parquet"))


def test_an_aborted_writer_leaves_no_index_behind(tmp_path):
    options = {**NO_STATS, "file-index.bitmap.columns": "v", "file-index.in-manifest-threshold": "1 b"}
    table = ls.connect(tmp_path).create_table("d.t", schema={"v": "INT"}, options=options)
    with pytest.raises(KeyError), table.writer() as writer:
        writer.write([{"v": 1}])
        raise KeyError
    assert not list(tmp_path.rglob("*.index"))


def test_a_damaged_index_is_named_and_can_be_passed_by(tmp_path):
    options = {**NO_STATS, "file-index.bitmap.columns": "v", "file-index.in-manifest-threshold": "1 b"}
    table = ls.connect(tmp_path).create_table("d.t", schema={"v": "INT"}, options=options)
    table.insert([{"v": 1}])
    (path,) = tmp_path.rglob("*.index")
    path.write_bytes(b"nonsense" * 9)
    with pytest.raises(CorruptTableError, match=r"\.index: .*file-index\.read\.enabled = false"):
        listed(table, "v = 1")
    assert [one.rule for one in table.check(deep=True).findings] == ["index-readable"]
    path.unlink()
    with pytest.raises(NotFoundError, match="rewrite_file_index"):
        listed(table, "v = 1")
    assert [one.rule for one in table.check().findings] == ["index-file"]
    off = table.alter(ls.set_option("file-index.read.enabled", "false"))
    assert listed(off, "v = 1") == [(1,)]


# What Paimon refuses is refused.

REFUSED = [
    ({"file-index.bloom-filter.columns": "b"}, "does not take BOOLEAN"),
    ({"file-index.bloom-filter.columns": "n"}, "does not take DECIMAL"),
    ({"file-index.bitmap.columns": "n"}, "does not take DECIMAL"),
    ({"file-index.bitmap.columns": "x"}, "does not take"),
    ({"file-index.bsi.columns": "s"}, "does not take"),
    ({"file-index.range-bitmap.columns": "n"}, "does not take DECIMAL"),
    ({"file-index.range-bitmap.columns": "t"}, "does not take TIMESTAMP"),
    ({"file-index.btree.columns": "s"}, "there is no index 'btree'"),
    ({"file-index.bitmap.columns": "s,,b"}, "a column name is empty"),
    ({"file-index.bitmap.columns": "nope"}, "there is no column 'nope'"),
    ({"file-index.bitmap.columns": "s[k]"}, "only a MAP"),
    ({"file-index.bitmap.s.version": "1"}, "has no such index"),
    ({"file-index.bitmap.columns": "s", "file-index.bitmap.s.version": "3"}, "expected 1 or 2"),
    ({"file-index.bloom-filter.columns": "s", "file-index.bloom-filter.s.fpp": "1"}, "between 0 and 1"),
    ({"file-index.bloom-filter.columns": "s", "file-index.bloom-filter.s.items": "many"}, "number"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_refused(tmp_path, options, message):
    schema = {"s": "STRING", "b": "BOOLEAN", "n": "DECIMAL(20, 2)", "x": "BYTES", "t": "TIMESTAMP(9)"}
    with pytest.raises(InvalidInputError, match=message):
        ls.connect(tmp_path).create_table("d.t", schema=schema, options=options)


def test_refused_later_too(tmp_path):
    table = ls.connect(tmp_path).create_table("d.t", schema={"v": "INT", "x": "BYTES"}, options=BLOOM)
    with pytest.raises(InvalidInputError, match="does not take"):
        table.alter(ls.set_option("file-index.bitmap.columns", "x"))
    with pytest.raises(InvalidInputError, match="does not take"):
        table.alter(ls.change_type("v", "DECIMAL(12, 0)"))
    renamed = table.alter(ls.rename_column("v", "w"))
    assert renamed.options["file-index.bloom-filter.w.items"] == "20"


def test_keys_of_a_map_are_indexed(tmp_path):
    """Other engines ask such indexes; LakeStore has no predicate on keys of maps."""
    kind = {"type": "MAP", "key": "STRING", "value": "INT"}
    options = {"file-index.bitmap.columns": "m[a]", "file-index.bitmap.m.version": "1"}
    table = ls.connect(tmp_path).create_table("d.t", schema={"m": kind}, options=options)
    table.insert(pa.table({"m": pa.array([[("a", 1)], [("b", 2)], None], pa.map_(pa.string(), pa.int32()))}))
    (row,) = table.system("file_indexes").to_pylist()
    assert (row["column_name"], row["index_type"]) == ("m[a]", "bitmap")


def test_files_of_one_name_in_two_places(tmp_path):
    """Tables taken over from elsewhere have them: the answer of one index is not the other's."""
    table = ls.connect(tmp_path).create_table(
        "d.t",
        schema={"p": "INT", "v": "INT"},
        partition_by=["p"],
        options={**NO_STATS, "file-index.bitmap.columns": "v"},
    )
    table.insert({"p": [1, 2], "v": [10, 20]})
    context = table._context
    snapshot = table.snapshots.latest()
    entries = snapshot_entries(context.manifests, snapshot)
    for entry in entries:
        (path,) = tmp_path.rglob(entry.file.name)
        path.rename(path.with_name("part-0.parquet"))
    context.committer().commit(
        CommitRequest(
            user="u",
            messages=tuple(
                CommitMessage(
                    partition=entry.partition,
                    bucket=entry.bucket,
                    total_buckets=entry.total_buckets,
                    compact_before=(entry.file,),
                    compact_after=(replace(entry.file, name="part-0.parquet"),),
                )
                for entry in entries
            ),
        )
    )
    assert listed(table, "v = 10") == [(1, 10)]
    assert listed(table, "v = 20") == [(2, 20)]
