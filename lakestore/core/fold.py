"""Folding manifest entries: which files are live after a series of ADDs and DELETEs.

Two merges, for two uses (Paimon ``FileEntry``):

- Scan merge, for readers. Collect the identities of all DELETEs, keep the ADDs that are not among them. Order does
  not matter, since an identity is never added again after it was deleted.
- Merge of entries, for rewriting some of the manifests. A DELETE and its ADD vanish together; a DELETE whose ADD
  is not among the entries is kept, for that lies in a manifest which is not being rewritten.

Invariant: for any cut of a history into parts, merging the entries of any of the parts leaves the scan merge of the
whole as it was.
"""

from collections.abc import Collection, Iterable, Sequence

from lakestore.errors import CorruptTableError
from lakestore.model.manifest import EntryKind, FileId, ManifestEntry, ManifestMeta
from lakestore.model.stats import ColumnStats


def deleted_ids(entries: Iterable[ManifestEntry]) -> set[FileId]:
    """Identities of the files that some entry deletes."""
    return {entry.id for entry in entries if entry.kind is EntryKind.DELETE}


def scan_merge(entries: Iterable[ManifestEntry], deleted: Collection[FileId] | None = None) -> list[ManifestEntry]:
    """The live files: ADDs whose identity nothing deletes, in the order of the entries.

    Args:
        entries: Entries of all manifests, in any order.
        deleted: From ``deleted_ids``, if it is known already.

    Raises:
        CorruptTableError: A live file was added twice: its rows would be read twice.
    """
    todo = entries if isinstance(entries, Sequence) else list(entries)
    gone = deleted_ids(todo) if deleted is None else deleted
    live: dict[FileId, ManifestEntry] = {}
    for entry in todo:
        if entry.kind is EntryKind.DELETE:
            continue
        identity = entry.id
        if identity in gone:
            continue
        if identity in live:
            raise _added_twice(entry)
        live[identity] = entry
    return list(live.values())


def merge_entries(entries: Sequence[ManifestEntry]) -> list[ManifestEntry]:
    """What is left of some of the manifests' entries when each DELETE has cancelled the ADD among them.

    Raises:
        CorruptTableError: A file was added twice.
    """
    gone = deleted_ids(entries)
    added = {entry.id for entry in entries if entry.kind is EntryKind.ADD} if gone else set()
    left: dict[FileId, ManifestEntry] = {}
    for entry in entries:
        identity = entry.id
        if entry.kind is EntryKind.DELETE:
            if identity not in added:
                left.setdefault(identity, entry)
        elif identity not in gone:
            if identity in left:
                raise _added_twice(entry)
            left[identity] = entry
    return list(left.values())


def _added_twice(entry: ManifestEntry) -> CorruptTableError:
    return CorruptTableError(
        f"file {entry.file.name} (level {entry.file.level}, bucket {entry.bucket}, partition"
        f" {entry.partition.hex()}) is added by two manifest entries, so its rows would count twice; `check` lists"
        " the damage"
    )


def describe_manifest(
    name: str, size: int, entries: Sequence[ManifestEntry], partition_stats: ColumnStats
) -> ManifestMeta:
    """What a manifest list says of a manifest.

    Args:
        name: Its bare file name.
        size: Its bytes.
        entries: All its entries, at least one.
        partition_stats: Bounds of their partitions.
    """
    buckets = [entry.bucket for entry in entries]
    levels = [entry.file.level for entry in entries]
    deleted = sum(entry.kind is EntryKind.DELETE for entry in entries)
    rows = _row_ids(entries)
    return ManifestMeta(
        name=name,
        size=size,
        added_files=len(entries) - deleted,
        deleted_files=deleted,
        partition_stats=partition_stats,
        schema_id=max(entry.file.schema_id for entry in entries),
        min_bucket=min(buckets),
        max_bucket=max(buckets),
        min_level=min(levels),
        max_level=max(levels),
        min_row_id=None if rows is None else rows[0],
        max_row_id=None if rows is None else rows[1],
    )


def _row_ids(entries: Sequence[ManifestEntry]) -> tuple[int, int] | None:
    """Least and greatest row id, None unless every file has row ids."""
    low, high = [], []
    for entry in entries:
        first = entry.file.first_row_id
        if first is None:
            return None
        low.append(first)
        high.append(first + max(entry.file.row_count, 1) - 1)
    return min(low), max(high)
