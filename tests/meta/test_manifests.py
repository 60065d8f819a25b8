"""Manifests: cache, writing, description, merging."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakestore.core.fold import scan_merge
from lakestore.env import Env
from lakestore.errors import CorruptTableError, NotFoundError
from lakestore.format.binary_row import decode_row
from lakestore.format.manifest_file import write_manifest, write_manifest_list
from lakestore.meta.cache import BoundedCache, ManifestCache
from lakestore.meta.manifests import Manifests
from lakestore.model.manifest import EntryKind
from lakestore.model.options import CommitOptions
from lakestore.model.stats import EMPTY_ROW, ColumnStats
from lakestore.storage.paths import TablePaths
from lakestore.testing.recording import RecordingStore
from tests.entries import STRING, add, an_entry, delete, memory_store, partition

PATHS = TablePaths("/db.db/t")


def manifests(store, *, types=(), cache=None, **options):
    return Manifests(
        store,
        PATHS,
        CommitOptions(**options),
        partition_types=types,
        env=Env(),
        cache=ManifestCache() if cache is None else cache,
        workers=3,
    )


def all_entries(store, metas):
    """The entries of all manifests, read afresh by somebody else."""
    return [entry for part in manifests(store).read_all(metas) for entry in part]


def test_what_is_written_is_read_by_others():
    store = memory_store()
    entries = [
        add("a", part=partition("x"), bucket=2),
        delete("b", part=partition("y"), level=3),
        add("c", part=partition("y")),
    ]
    (meta,) = manifests(store, types=[STRING]).write(entries)
    assert all_entries(store, [meta]) == entries
    assert meta.size == store.info(PATHS.manifest(meta.name)).size
    assert (meta.added_files, meta.deleted_files, meta.min_bucket, meta.max_bucket) == (2, 1, 0, 2)
    stats = meta.partition_stats
    assert decode_row(stats.min_values, [STRING]) == ("x",)
    assert decode_row(stats.max_values, [STRING]) == ("y",)
    assert stats.null_counts == (0,)


def test_an_unpartitioned_manifest_has_empty_bounds():
    (meta,) = manifests(memory_store()).write([add("a")])
    assert meta.partition_stats == ColumnStats(min_values=EMPTY_ROW, max_values=EMPTY_ROW, null_counts=())


def test_nothing_makes_no_manifest_but_an_empty_list():
    store = memory_store()
    mine = manifests(store)
    assert mine.write([]) == []
    name, size = mine.write_list([])
    assert size == store.info(PATHS.manifest(name)).size
    assert manifests(store).read_list(name, size=size) == ()


def test_names_are_never_given_twice():
    """Also not by two processes that were forked with the same object in hand: each call draws its own uuid."""
    drawn = []

    def new_id():
        drawn.append(f"u{len(drawn)}")
        return drawn[-1]

    store = memory_store()
    mine = Manifests(store, PATHS, CommitOptions(manifest_target_bytes=1), partition_types=(), env=Env(new_id=new_id))
    names = [meta.name for _ in range(2) for meta in mine.write([an_entry(str(n)) for n in range(600)])]
    names += [mine.write_list([])[0] for _ in range(3)]
    assert names[:4] == ["manifest-u0-0", "manifest-u0-1", "manifest-u0-2", "manifest-u1-0"]
    assert names[-1] == "manifest-list-u4-0"
    assert len(set(names)) == len(names)


def test_a_file_is_read_once_and_not_at_all_after_it_was_written():
    store = RecordingStore(memory_store())
    writer = manifests(store)
    metas = writer.write([add("a")])
    name, _ = writer.write_list(metas)
    store.forget()
    assert writer.read_list(name) == tuple(metas)
    assert writer.read(metas[0].name) == (add("a"),)
    assert store.log == []
    reader = manifests(store)
    for _ in range(3):
        assert reader.read_list(name) == tuple(metas)
        assert list(reader.read_all(metas)) == [(add("a"),)]
    assert store.counts() == {"get": 2}
    assert list(reader.uncached().read_all(metas)) == [(add("a"),)]
    assert store.counts() == {"get": 3}


def test_damage_is_named():
    store = memory_store()
    (meta,) = manifests(store).write([add(str(number)) for number in range(300)])
    name, size = manifests(store).write_list([meta])
    path = PATHS.manifest(meta.name)
    data = store.get(path)
    with pytest.raises(CorruptTableError, match=f"{name}: the snapshot says 7 bytes, the file has {size}"):
        manifests(store).read_list(name, size=7)
    with pytest.raises(CorruptTableError, match=f"{meta.name}: 300 entries, .* 301 added and 0 deleted"):
        list(manifests(store).read_all([replace(meta, added_files=301)]))
    sync = data[-16:]
    store.put(path, data[: data.index(sync, data.index(sync) + 16) + 16])
    with pytest.raises(CorruptTableError, match=f"{meta.name}: 256 entries, .* 300 added"):
        list(manifests(store).read_all([meta]))
    store.delete(path)
    with pytest.raises(NotFoundError, match=meta.name):
        list(manifests(store).read_all([meta]))


@pytest.mark.parametrize("name", ["../../x", "a/b", "", "..", "/etc/passwd"])
def test_names_that_lead_out_of_the_table_are_refused(name):
    for read in (manifests(memory_store()).read, manifests(memory_store()).read_list):
        with pytest.raises(CorruptTableError):
            read(name)


def test_partitions_that_a_manifest_may_hold():
    mine = manifests(memory_store(), types=[STRING])
    (meta,) = mine.write([add("a", part=partition("c")), add("b", part=partition("f"))])
    assert [mine.may_hold(meta, [partition(text)]) for text in "bcdfg"] == [False, True, True, True, False]
    assert mine.may_hold(meta, [partition("a"), partition("e")])
    assert not mine.may_hold(meta, [partition(None)])
    assert not mine.may_hold(meta, [])
    unknown = replace(meta, partition_stats=ColumnStats())
    assert mine.may_hold(unknown, [partition("b")])
    assert not manifests(memory_store()).may_hold(meta, [])
    assert manifests(memory_store()).may_hold(meta, [EMPTY_ROW])


def written(store, groups, **options):
    """One manifest per group of entries."""
    mine = manifests(store, types=[STRING], **options)
    return mine, [meta for group in groups for meta in mine.write(group)]


P, Q, R = partition("p"), partition("q"), partition("r")


def test_a_minor_merge_keeps_deletes_whose_adds_lie_elsewhere():
    store = memory_store()
    big = [add(f"big-{number}", part=P) for number in range(2000)]
    mine, metas = written(
        store,
        [big, [add("a", part=P)], [delete("a", part=P), delete("big-7", part=P)], [add("b", part=P)]],
        manifest_target_bytes=10_000,
        manifest_merge_min_count=3,
    )
    assert metas[0].size >= 10_000
    merged = mine.merge_manifests(metas)
    assert merged[0] == metas[0]
    assert len(merged) == 2
    assert list(all_entries(store, merged[1:])) == [delete("big-7", part=P), add("b", part=P)]
    assert (merged[1].added_files, merged[1].deleted_files) == (1, 1)
    assert scan_merge(all_entries(store, merged)) == scan_merge(all_entries(store, metas))


def test_a_batch_in_which_all_cancels_leaves_nothing():
    store = memory_store()
    mine, metas = written(store, [[add("a", part=P)], [delete("a", part=P)]], manifest_merge_min_count=2)
    assert mine.merge_manifests(metas) == []


def test_too_few_manifests_are_left_alone():
    store = RecordingStore(memory_store())
    mine, metas = written(store, [[add("a", part=P)], [delete("a", part=P)]])
    store.forget()
    assert mine.merge_manifests(metas) == metas
    assert store.log == []


def full_options():
    return {"manifest_target_bytes": 1, "manifest_full_compaction_bytes": 1}


def test_a_full_merge_drops_deletes_and_leaves_other_manifests_alone():
    store = RecordingStore(memory_store())
    mine, metas = written(
        store,
        [
            [add("a", part=P), add("b", part=P)],
            [add("c", part=Q)],
            [add("d", part=R)],
            [delete("a", part=P), add("a", part=P, level=1)],
        ],
        **full_options(),
    )
    store.forget()
    merged = mine.merge_manifests(metas)
    assert merged[:2] == metas[1:3]
    entries = all_entries(store, merged)
    assert all(entry.kind is EntryKind.ADD for entry in entries)
    assert {(entry.file.name, entry.file.level) for entry in entries} == {
        ("data-a.parquet", 1),
        ("data-b.parquet", 0),
        ("data-c.parquet", 0),
        ("data-d.parquet", 0),
    }
    for meta in metas:
        assert store.info(PATHS.manifest(meta.name)), "manifests of older snapshots stay"


def test_a_full_merge_does_not_read_what_cannot_matter():
    store = RecordingStore(memory_store())
    _, metas = written(
        store, [[add("a", part=P)], [add("c", part=Q)], [add("d", part=P)], [delete("a", part=P)]], **full_options()
    )
    store.forget()
    merged = manifests(store, types=[STRING], **full_options()).merge_manifests(metas)
    read = {path.rpartition("/")[2] for path in store.paths("get")}
    assert read == {metas[0].name, metas[2].name, metas[3].name}
    assert metas[1] in merged
    assert metas[2] in merged, "it was read, but nothing of it was deleted"


def test_wrong_partition_bounds_of_another_writer_do_not_bring_a_file_back():
    store = memory_store()
    mine, metas = written(store, [[add("a", part=P)], [add("c", part=Q)], [delete("a", part=P)]], **full_options())
    lying = replace(metas[0], partition_stats=metas[1].partition_stats)
    honest = replace(metas[1], partition_stats=metas[0].partition_stats)
    merged = mine.merge_manifests([lying, honest, metas[2]])
    assert {entry.file.name for entry in scan_merge(all_entries(store, merged))} == {"data-c.parquet"}


def test_a_delete_that_finds_no_add_is_kept():
    store = memory_store()
    mine, metas = written(store, [[add("a", part=P)], [delete("x", part=P)]], **full_options())
    entries = all_entries(store, mine.merge_manifests(metas))
    assert sorted(entry.file.name for entry in entries if entry.kind is EntryKind.DELETE) == ["data-x.parquet"]
    assert [entry.file.name for entry in scan_merge(entries)] == ["data-a.parquet"]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1 << 30),
    groups=st.integers(1, 12),
    target=st.sampled_from([1, 1500, 3000, 1 << 20]),
    count=st.sampled_from([1, 2, 4, 30]),
    full=st.sampled_from([1, 4000, 1 << 24]),
)
def test_merging_never_changes_what_is_live(seed, groups, target, count, full):
    dice = random.Random(seed)
    live, history = [], []
    for group in range(groups):
        entries = []
        for number in range(dice.randrange(1, 6)):
            if live and dice.random() < 0.45:
                name, part, level = live.pop(dice.randrange(len(live)))
                entries.append(delete(name, part=part, level=level))
                if dice.random() < 0.3:
                    live.append((name, part, level + 1))
                    entries.append(add(name, part=part, level=level + 1))
            else:
                live.append((f"{group}-{number}", dice.choice([P, Q, R, partition(None)]), 0))
                entries.append(add(live[-1][0], part=live[-1][1]))
        history.append(entries)
    store = memory_store()
    mine, metas = written(
        store,
        history,
        manifest_target_bytes=target,
        manifest_merge_min_count=count,
        manifest_full_compaction_bytes=full,
    )
    expected = {(f"data-{name}.parquet", part, level) for name, part, level in live}
    merged = metas
    for _ in range(2):
        merged = mine.merge_manifests(merged)
        entries = all_entries(store, merged)
        left = scan_merge(entries)
        assert {(entry.file.name, entry.partition, entry.file.level) for entry in left} == expected
        assert len(left) == len(expected)
        assert sum(meta.added_files for meta in merged) == sum(entry.kind is EntryKind.ADD for entry in entries)
        assert all(meta.added_files + meta.deleted_files for meta in merged)


def test_foreign_files_of_the_same_names_are_read_from_their_own_store():
    """The shared cache knows stores apart by url, endpoint and path; here two of one kind have caches of their own."""
    one, two = memory_store(), memory_store()
    one.put(PATHS.manifest("m"), write_manifest([add("a")], "zstd"))
    two.put(PATHS.manifest("m"), write_manifest([add("b")], "zstd"))
    two.put(PATHS.manifest("l"), write_manifest_list([], "zstd"))
    assert manifests(one).read("m") == (add("a"),)
    assert manifests(two).read("m") == (add("b"),)
    assert manifests(two).read_list("l") == ()


def test_the_cache_keeps_to_its_bytes_and_drops_what_was_not_used():
    cache = BoundedCache(10)
    for name in "abc":
        cache.put(("", "", name), name, cost=4)
    assert [cache.get(("", "", name)) for name in "abc"] == [None, "b", "c"]
    assert cache.get(("", "", "b")) == "b"
    cache.put(("", "", "d"), "d", cost=4)
    assert [cache.get(("", "", name)) for name in "bcd"] == ["b", None, "d"]
    cache.put(("", "", "b"), "B", cost=1)
    assert (cache.get(("", "", "b")), cache.bytes) == ("B", 5)
    cache.put(("", "", "huge"), "huge", cost=11)
    assert cache.get(("", "", "huge")) is None
    cache.put(("", "", "b"), "huge", cost=11)
    assert cache.get(("", "", "b")) is None, "a value that is not kept must not leave an older one"
    cache.drop(("", "", "d"))
    cache.drop(("", "", "d"))
    assert cache.bytes == 0
    cache.put(("", "", "x"), "x", cost=3)
    cache.clear()
    assert (cache.get(("", "", "x")), cache.bytes) == (None, 0)
