"""Manifests and manifest lists: read through a cache and in parallel, written, merged.

What is read is held against what the list says of it: a file that was cut off behind a whole block would otherwise
lose entries without a word. Whatever is written has a fresh uuid in its name, so nothing is ever written over, and
processes that were forked from one another do not meet.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache

from lakestore.core.fold import describe_manifest, merge_entries, scan_merge
from lakestore.core.pack_manifests import may_hold, minor_batches, must_rewrite, wants_full_merge
from lakestore.env import Env
from lakestore.errors import CorruptTableError
from lakestore.format.binary_row import decode_row
from lakestore.format.column_stats import partition_stats
from lakestore.format.index_manifest import read_index_manifest
from lakestore.format.manifest_file import (
    encode_manifests,
    read_manifest,
    read_manifest_list,
    write_manifest_list,
)
from lakestore.meta.cache import SHARED_CACHE, Key, ManifestCache
from lakestore.model.manifest import EntryKind, IndexEntry, ManifestEntry, ManifestMeta
from lakestore.model.options import CommitOptions
from lakestore.model.predicate import Value
from lakestore.model.snapshot import Snapshot
from lakestore.model.types import DataType
from lakestore.storage.local_store import LocalStore
from lakestore.storage.parallel import map_ordered
from lakestore.storage.paths import TablePaths, manifest_list_name, manifest_name
from lakestore.storage.store import Store

READ_WORKERS = 8
"""Manifests read at a time."""

FEW = 8
"""Up to so many files of a local disk are read one after another: threads would cost more than the files."""

_ENTRY_COST = 2048
"""Bytes that an entry takes in memory, roughly."""
_META_COST = 1024
"""Bytes that the description of a manifest takes in memory, roughly."""


class Manifests:
    """Manifests of one table.

    Args:
        store: Where the table is.
        paths: How its files are called.
        options: Compression, sizes and when to merge.
        partition_types: Types of the partition columns, for the bounds in manifest lists.
        env: Gives the uuids in the names of what is written.
        cache: Keeps what was read or written.
        workers: Manifests read at a time.
    """

    def __init__(
        self,
        store: Store,
        paths: TablePaths,
        options: CommitOptions,
        *,
        partition_types: Sequence[DataType],
        env: Env,
        cache: ManifestCache = SHARED_CACHE,
        workers: int = READ_WORKERS,
    ) -> None:
        self._store = store
        self._paths = paths
        self._options = options
        self._partition_types = tuple(partition_types)
        self._env = env
        self._cache = cache
        self._workers = workers

    def uncached(self) -> "Manifests":
        """The same manifests, read from storage again: for whoever looks for damage."""
        return Manifests(
            self._store,
            self._paths,
            self._options,
            partition_types=self._partition_types,
            env=self._env,
            cache=ManifestCache(),
            workers=self._workers,
        )

    # Reading.

    def read_list(self, name: str, *, size: int | None = None) -> tuple[ManifestMeta, ...]:
        """The manifests that a list names, in order.

        Args:
            name: Bare name of the list.
            size: Its bytes, if the snapshot says so.

        Raises:
            NotFoundError: The file is gone.
            CorruptTableError: It is damaged, or not of that size.
        """
        path = self._paths.manifest(name)
        held = self._cache.lists.get(self._key(path))
        if held is not None:
            return held
        data = self._store.get(path)
        if size is not None and len(data) != size:
            raise CorruptTableError(f"the snapshot says {size} bytes, the file has {len(data)}", path=path)
        metas = tuple(read_manifest_list(data, path))
        self._cache.lists.put(self._key(path), metas, cost=_META_COST * len(metas))
        return metas

    def read_snapshot_lists(self, snapshot: Snapshot) -> tuple[ManifestMeta, ...]:
        """The manifests of a snapshot: those of its base list, then those of its delta list."""
        lists = (
            (snapshot.base_manifest_list, snapshot.base_manifest_list_size),
            (snapshot.delta_manifest_list, snapshot.delta_manifest_list_size),
        )
        found = map_ordered(
            lambda each: self.read_list(each[0], size=each[1]), lists, workers=self._workers_for(len(lists))
        )
        return tuple(meta for metas in found for meta in metas)

    def read(self, name: str) -> tuple[ManifestEntry, ...]:
        """The entries of one manifest, in order.

        Raises:
            NotFoundError: The file is gone.
            CorruptTableError: It is damaged.
        """
        path = self._paths.manifest(name)
        held = self._cache.entries.get(self._key(path))
        if held is not None:
            return held
        entries = tuple(read_manifest(self._store.get(path), path))
        self._cache.entries.put(self._key(path), entries, cost=_ENTRY_COST * len(entries))
        return entries

    def read_all(self, metas: Iterable[ManifestMeta]) -> Iterator[tuple[ManifestEntry, ...]]:
        """The entries of several manifests, one tuple for each, in order; read in parallel.

        Raises:
            NotFoundError: A file is gone.
            CorruptTableError: One is damaged, or has fewer or more entries than its list says.
        """
        wanted = list(metas)
        yield from map_ordered(self._read_checked, wanted, workers=self._workers_for(len(wanted)))

    def read_index(self, name: str) -> list[IndexEntry]:
        """The entries of an index manifest."""
        path = self._paths.manifest(name)
        return read_index_manifest(self._store.get(path), path)

    def may_hold(self, meta: ManifestMeta, partitions: Collection[bytes]) -> bool:
        """Whether a manifest may have entries of one of those partitions, by its partition bounds."""
        if not self._partition_types:
            return bool(partitions)
        stats = meta.partition_stats
        try:
            low = decode_row(stats.min_values, self._partition_types)
            high = decode_row(stats.max_values, self._partition_types)
        except CorruptTableError:
            return True
        values = (_partition_values(partition, self._partition_types) for partition in partitions)
        return any(may_hold(value, low, high, stats.null_counts) for value in values)

    def _workers_for(self, files: int) -> int:
        return 1 if files <= FEW and isinstance(self._store, LocalStore) else self._workers

    def _read_checked(self, meta: ManifestMeta) -> tuple[ManifestEntry, ...]:
        entries = self.read(meta.name)
        if len(entries) != meta.added_files + meta.deleted_files:
            raise CorruptTableError(
                f"{len(entries)} entries, but the manifest list says {meta.added_files} added and"
                f" {meta.deleted_files} deleted files",
                path=self._paths.manifest(meta.name),
            )
        return entries

    # Writing.

    def write(self, entries: Iterable[ManifestEntry]) -> list[ManifestMeta]:
        """Write entries into manifests of about the target size; none make no manifest."""
        uuid = self._env.new_id()
        options = self._options
        metas: list[ManifestMeta] = []
        for part, data in encode_manifests(
            entries, options.manifest_compression, target_bytes=options.manifest_target_bytes
        ):
            name = manifest_name(uuid, len(metas))
            path = self._paths.manifest(name)
            self._store.put(path, data)
            stats = partition_stats((entry.partition for entry in part), self._partition_types)
            metas.append(describe_manifest(name, len(data), part, stats))
            self._cache.entries.put(self._key(path), tuple(part), cost=_ENTRY_COST * len(part))
        return metas

    def write_list(self, metas: Sequence[ManifestMeta]) -> tuple[str, int]:
        """Write a manifest list, which may be empty; its name and size."""
        name = manifest_list_name(self._env.new_id(), 0)
        path = self._paths.manifest(name)
        data = write_manifest_list(metas, self._options.manifest_compression)
        self._store.put(path, data)
        self._cache.lists.put(self._key(path), tuple(metas), cost=_META_COST * len(metas))
        return name, len(data)

    # Merging.

    def merge_manifests(self, metas: Sequence[ManifestMeta], *, everything: bool = False) -> list[ManifestMeta]:
        """Rewrite manifests where ``core.pack_manifests`` says so; the list that takes the place of this one.

        With ``everything``, all that are small or hold DELETEs are rewritten, however few and small they are.

        Manifests of the old list are left alone: older snapshots need them.
        """
        if everything or wants_full_merge(metas, self._options):
            merged = self._merge_fully(metas, least=1 if everything else 2)
            if merged is not None:
                return merged
        result: list[ManifestMeta] = []
        for batch in minor_batches(metas, self._options):
            if len(batch) == 1:
                result.extend(batch)
                continue
            result += self.write(merge_entries([entry for part in self.read_all(batch) for entry in part]))
        return result

    def _merge_fully(self, metas: Sequence[ManifestMeta], *, least: int = 2) -> list[ManifestMeta] | None:
        """Drop what was deleted, with the DELETEs; None when there are fewer than ``least`` manifests to rewrite.

        The bounds of partitions tell which manifests need not be read. They were written by anybody, so when a
        DELETE finds no ADD, the rest is read after all; a DELETE that still finds none is kept.
        """
        deletes = {
            entry.id: entry
            for part in self.read_all(meta for meta in metas if meta.deleted_files)
            for entry in part
            if entry.kind is EntryKind.DELETE
        }
        partitions = {entry.partition for entry in deletes.values()}
        near: list[ManifestMeta] = []
        far: list[ManifestMeta] = []
        for meta in metas:
            asks = must_rewrite(meta, self._options)
            (near if asks or self.may_hold(meta, partitions) else far).append(meta)
        if len(near) < least:
            return None
        untouched: list[ManifestMeta] = []
        kept: list[ManifestEntry] = []
        missing = set(deletes)
        for group in (near, far):
            if group is far and not missing:
                untouched += far
                break
            for meta, entries in zip(group, self.read_all(group), strict=True):
                adds = [entry for entry in entries if entry.kind is EntryKind.ADD]
                missing.difference_update(entry.id for entry in adds)
                left = [entry for entry in adds if entry.id not in deletes]
                if len(left) == len(adds) and not must_rewrite(meta, self._options):
                    untouched.append(meta)
                else:
                    kept += left
        unmatched = [entry for identity, entry in deletes.items() if identity in missing]
        return untouched + self.write([*scan_merge(kept), *unmatched])

    def _key(self, path: str) -> Key:
        return (self._store.url, self._store.endpoint, path)


@lru_cache(maxsize=16_384)
def _partition_values(partition: bytes, types: tuple[DataType, ...]) -> tuple[Value, ...]:
    return decode_row(partition, types)
