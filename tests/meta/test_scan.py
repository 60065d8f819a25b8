"""Live files of snapshots, against what Java said of the golden tables."""

import json
from datetime import UTC, datetime

import pytest

from lakestore.env import Env
from lakestore.errors import CorruptTableError
from lakestore.format.binary_row import decode_row
from lakestore.meta.cache import ManifestCache
from lakestore.meta.manifests import Manifests
from lakestore.meta.scan import live_entries, live_entries_of, snapshot_entries
from lakestore.meta.schemas import Schemas
from lakestore.meta.snapshots import Snapshots
from lakestore.model.options import CommitOptions
from lakestore.storage.paths import TablePaths
from lakestore.testing.recording import RecordingStore
from tests.entries import STRING, TABLES, add, delete, memory_store, partition

PATHS = TablePaths("/db.db/t")
STORIES = sorted(TABLES.glob("*/files.jsonl"))


def manifests(store, types=(), **options):
    return Manifests(
        store, PATHS, CommitOptions(**options), partition_types=types, env=Env(), cache=ManifestCache(), workers=2
    )


def story(path):
    """What Java said of a table's latest snapshot, by kind of line."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        node = json.loads(line)
        found.setdefault(node["type"], []).append(node)
    return found


def described(entry, partition_keys, partition_types):
    """An entry in the words of the golden files; partition values of other types than text are left to their names."""
    file = entry.file
    created = datetime.fromtimestamp(file.creation_time / 1000, UTC).replace(tzinfo=None)
    values = decode_row(entry.partition, partition_types)
    return {
        "entry": entry.kind.name,
        "partition": {
            key: None if value is None else value if isinstance(value, str) else ...
            for key, value in zip(partition_keys, values, strict=True)
        },
        "bucket": entry.bucket,
        "totalBuckets": entry.total_buckets,
        "level": file.level,
        "file": file.name,
        "size": file.size,
        "rows": file.row_count,
        "deleteRows": file.delete_row_count,
        "minSeq": file.min_sequence,
        "maxSeq": file.max_sequence,
        "schemaId": file.schema_id,
        "source": None if file.source is None else file.source.name,
        "extraFiles": list(file.extra_files),
        "created": created.isoformat(sep=" ", timespec="milliseconds"),
    }


def told(node, keys):
    """The same part of a line of the golden files."""
    return {
        **{key: node.get(key) for key in keys},
        "partition": dict(node["partition"]),
    }


def same(ours, theirs):
    """Whether two lists of descriptions agree, not counting order or how partition values are spelt."""

    def key(node):
        return (node["entry"], node["file"], node["level"])

    ours, theirs = sorted(ours, key=key), sorted(theirs, key=key)
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        spelt = {
            name: other["partition"][name] if value is ... and other["partition"][name] is not None else value
            for name, value in mine["partition"].items()
        }
        created = [mine.pop("created"), other.pop("created")]
        assert {**mine, "partition": spelt} == other
        assert created[1] is None or created[0].rstrip("0") == created[1].rstrip("0")
    return True


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.parent.name)
def test_golden_tables_have_the_live_files_that_java_says(path):
    said = story(path)
    store = memory_store(path.parent / "golden.db" / "t")
    snapshot = Snapshots(store, PATHS).latest()
    schema = Schemas(store, PATHS).get(snapshot.schema_id)
    reader = manifests(store, schema.partition_types)
    (about,) = said["snapshot"]
    assert (snapshot.id, snapshot.total_record_count) == (about["id"], about["totalRecordCount"])

    def ours(entries):
        return [described(entry, schema.partition_keys, schema.partition_types) for entry in entries]

    def theirs(kind):
        return [
            told(node, described(one, schema.partition_keys, schema.partition_types)) for node in said.get(kind, [])
        ]

    live = snapshot_entries(reader, snapshot)
    one = live[0]
    assert same(ours(live), theirs("file"))
    delta = [entry for part in reader.read_all(reader.read_list(snapshot.delta_manifest_list)) for entry in part]
    assert [entry.file.name for entry in delta] == [node["file"] for node in said.get("delta-entry", [])]
    assert same(ours(delta), theirs("delta-entry"))
    metas = reader.read_snapshot_lists(snapshot)
    assert [(meta.name, meta.size, meta.added_files, meta.deleted_files) for meta in metas] == [
        (node["file"], node["size"], node["added"], node["deleted"])
        for node in said["manifest"]
        if node["list"] in {"base", "delta"}
    ]
    if snapshot.changelog_manifest_list is not None:
        lists = reader.read_list(snapshot.changelog_manifest_list)
        assert same(ours(entry for part in reader.read_all(lists) for entry in part), theirs("changelog-entry"))
    if snapshot.index_manifest is not None:
        found = [
            (e.index_type, e.bucket, e.name, e.size, e.row_count) for e in reader.read_index(snapshot.index_manifest)
        ]
        assert found == [
            (node["indexType"], node["bucket"], node["file"], node["size"], node["rows"]) for node in said["index"]
        ]


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.parent.name)
def test_golden_manifests_may_be_merged_and_rewritten_in_any_way(path):
    """Also those of mixed writers: what is live stays live, and bounds of partitions written by us agree with Java's."""
    store = memory_store(path.parent / "golden.db" / "t")
    schema = Schemas(store, PATHS).latest()
    for snapshot in Snapshots(store, PATHS).list():
        for target, full in ((1 << 20, 1 << 30), (1 << 20, 1), (1, 1)):
            reader = manifests(
                store,
                schema.partition_types,
                manifest_target_bytes=target,
                manifest_full_compaction_bytes=full,
                manifest_merge_min_count=1,
            )
            metas = reader.read_snapshot_lists(snapshot)
            before, _ = live_entries_of(reader, metas)
            merged = reader.merge_manifests(metas)
            after, counters = live_entries_of(manifests(store), merged)
            assert sorted(after, key=lambda entry: entry.id[:4]) == sorted(before, key=lambda entry: entry.id[:4])
            assert counters.files == len(before)
            if full == 1:
                assert not any(meta.deleted_files for meta in merged) or len(metas) == 1
        for meta, part in zip(metas, reader.read_all(metas), strict=True):
            stats = reader.write(part)[0].partition_stats
            if any("pypaimon" in name or "rust" in name for name in path.parts):
                continue
            assert stats == meta.partition_stats


def test_the_total_count_of_golden_snapshots_is_the_sum_of_live_rows():
    for path in STORIES:
        store = memory_store(path.parent / "golden.db" / "t")
        for snapshot in Snapshots(store, PATHS).list():
            rows = sum(entry.file.row_count for entry in snapshot_entries(manifests(store), snapshot))
            assert rows == snapshot.total_record_count, f"{path.parent.name} {snapshot.id}"


P, Q = partition("p"), partition("q")


def test_a_filter_never_hides_a_delete():
    store = memory_store()
    mine = manifests(store)
    base, _ = mine.write_list(mine.write([add("a", row_count=99), add("b")]))
    delta, _ = mine.write_list(mine.write([delete("a", row_count=1)]))
    kept, counters = live_entries(mine, base, delta, keep_entry=lambda entry: entry.file.row_count > 50)
    assert kept == []
    assert (counters.files, counters.files_skipped, counters.entries) == (1, 1, 3)


def test_manifests_are_skipped_without_being_read():
    store = RecordingStore(memory_store())
    writer = manifests(store)
    metas = [meta for entry in (add("a", bucket=0), add("b", bucket=3)) for meta in writer.write([entry])]
    base, _ = writer.write_list(metas)
    store.forget()
    kept, counters = live_entries(manifests(store), base, None, keep_manifest=lambda meta: meta.max_bucket >= 3)
    assert [entry.file.name for entry in kept] == ["data-b.parquet"]
    assert (counters.manifests, counters.manifests_skipped) == (2, 1)
    assert store.paths("get") == [PATHS.manifest(base), PATHS.manifest(metas[1].name)]


def test_a_file_that_is_live_twice_is_damage():
    mine = manifests(memory_store())
    base, _ = mine.write_list(mine.write([add("a")]))
    delta, _ = mine.write_list(mine.write([add("a")]))
    with pytest.raises(CorruptTableError, match=r"data-a\.parquet .*two manifest entries"):
        live_entries(mine, base, delta)


def test_partitions_prune_manifests_alike_for_add_and_delete():
    mine = manifests(memory_store(), [STRING])
    base, _ = mine.write_list([*mine.write([add("a", part=P)]), *mine.write([add("b", part=Q)])])
    delta, _ = mine.write_list(mine.write([delete("b", part=Q)]))
    for wanted, names in ((P, ["data-a.parquet"]), (Q, [])):
        kept, _ = live_entries(
            mine, base, delta, keep_manifest=lambda meta, wanted=wanted: mine.may_hold(meta, [wanted])
        )
        assert [entry.file.name for entry in kept] == names
