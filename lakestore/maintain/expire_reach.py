"""What the snapshots, tags and branches that stay still need. The other half of every decision to delete.

A file that one line of history lets go may be held by another: branches share data files and manifests with the line
they came from, and a rollback that makes a new snapshot brings files back that were deleted before.

Invariant: an unreadable file is an error for the caller, never an empty answer.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from lakestore.core.retain import FileKey, file_key
from lakestore.errors import NotFoundError
from lakestore.maintain.cleaning import CleanParts
from lakestore.meta.scan import live_entries_of
from lakestore.model.manifest import EntryKind, ManifestEntry, ManifestMeta
from lakestore.model.rows import ChangelogProducer
from lakestore.model.snapshot import CommitKind, Snapshot
from lakestore.storage.parallel import map_ordered

READ_WORKERS = 8
"""Snapshot files read at a time."""


def metadata_names(parts: CleanParts, snapshot: Snapshot, *, changelog: bool = False) -> set[str]:
    """Bare names of all metadata that a snapshot names: lists, manifests, index manifest, index files, statistics.

    Args:
        parts: The table.
        snapshot: The snapshot.
        changelog: Its changelog's list and manifests too.

    Raises:
        NotFoundError: One of them is gone.
    """
    names = {snapshot.base_manifest_list, snapshot.delta_manifest_list}
    names.update(meta.name for meta in parts.manifests.read_snapshot_lists(snapshot))
    if changelog and snapshot.changelog_manifest_list is not None:
        names.add(snapshot.changelog_manifest_list)
        names.update(meta.name for meta in parts.manifests.read_list(snapshot.changelog_manifest_list))
    if snapshot.index_manifest is not None:
        names.add(snapshot.index_manifest)
        names.update(entry.name for entry in parts.manifests.read_index(snapshot.index_manifest))
    if snapshot.statistics is not None:
        names.add(snapshot.statistics)
    return names


def live_keys(parts: CleanParts, snapshot: Snapshot, wanted: Collection[FileKey]) -> set[FileKey]:
    """Those of the wanted files that are live in a snapshot."""
    metas = parts.manifests.read_snapshot_lists(snapshot)
    return _live_of(parts, metas, wanted)


def added_keys(parts: CleanParts, snapshot: Snapshot, wanted: Collection[FileKey]) -> set[FileKey]:
    """Those of the wanted files that a snapshot's delta adds."""
    return {key for key, kind in _wanted(delta_entries(parts, snapshot), wanted) if kind is EntryKind.ADD}


def delta_entries(parts: CleanParts, snapshot: Snapshot) -> Iterator[ManifestEntry]:
    """Entries of a snapshot's delta, in order."""
    metas = parts.manifests.read_list(snapshot.delta_manifest_list, size=snapshot.delta_manifest_list_size)
    return (entry for part in parts.manifests.read_all(metas) for entry in part)


def brought_back(parts: CleanParts, wanted: Collection[FileKey], *, after: int, latest: int) -> set[FileKey]:
    """Those of the wanted files that an overwrite after that snapshot added again.

    Only a rollback that makes a new snapshot does, and that is an OVERWRITE.
    """
    if not wanted:
        return set()
    later = map_ordered(parts.snapshots.find, range(after + 1, latest + 1), workers=READ_WORKERS)
    found: set[FileKey] = set()
    for snapshot in later:
        if snapshot is not None and snapshot.commit_kind is CommitKind.OVERWRITE:
            found |= added_keys(parts, snapshot, wanted)
    return found


@dataclass(frozen=True, slots=True)
class OtherLines:
    """What branches hold, or, seen from a branch, the table and the other branches.

    Attributes:
        parts: The lines.
    """

    parts: tuple[CleanParts, ...]

    def keys(self, wanted: Collection[FileKey]) -> set[FileKey]:
        """Those of the wanted data files that they hold: in any snapshot or tag of theirs."""
        found: set[FileKey] = set()
        if not wanted:
            return found
        for line in self.parts:
            snapshots = line.snapshots.list()
            for number, snapshot in enumerate(snapshots):
                found |= (added_keys if number else live_keys)(line, snapshot, wanted)
            for tag in line.tags.list():
                found |= live_keys(line, tag.snapshot, wanted)
        return found

    def names(self) -> set[str]:
        """Bare names of the metadata, changelogs included, that their snapshots and tags name."""
        found: set[str] = set()
        for line in self.parts:
            for snapshot in line.snapshots.list():
                found |= metadata_names(line, snapshot, changelog=True)
            for tag in line.tags.list():
                found |= metadata_names(line, tag.snapshot)
        return found


@dataclass(frozen=True, slots=True)
class HeldByChangelogs:
    """What changelogs hold that outlive their snapshots and have no changelog files: the deltas are their changes.

    Where a producer writes changelog files, the deltas of the other snapshots, which compacted, went with them.

    Attributes:
        parts: The table.
        changelogs: These changelogs.
    """

    parts: CleanParts
    changelogs: tuple[Snapshot, ...]

    @classmethod
    def of(cls, parts: CleanParts) -> "HeldByChangelogs":
        """All that there are."""
        without = [each for each in parts.changelogs.list() if each.changelog_manifest_list is None]
        return cls(parts, tuple(each for each in without if not has_no_changes(parts, each)))

    def keys(self, wanted: Collection[FileKey]) -> set[FileKey]:
        """Those of the wanted data files that they name."""
        found: set[FileKey] = set()
        if wanted:
            for changelog in self.changelogs:
                if list_names(self.parts, changelog.delta_manifest_list):
                    found |= {key for key, _ in _wanted(delta_entries(self.parts, changelog), wanted)}
        return found

    def names(self) -> set[str]:
        """Bare names of their lists and manifests."""
        found: set[str] = set()
        for changelog in self.changelogs:
            found |= list_names(self.parts, changelog.base_manifest_list)
            found |= list_names(self.parts, changelog.delta_manifest_list)
        return found


def has_no_changes(parts: CleanParts, changelog: Snapshot) -> bool:
    """Whether a changelog without changelog files is of a commit that changed no row, and its lists are not needed.

    Where no producer writes changelog files, the lists stay for the readers of other engines.
    """
    quiet = changelog.commit_kind in {CommitKind.COMPACT, CommitKind.ANALYZE}
    return quiet and parts.options.merge.changelog_producer is not ChangelogProducer.NONE


def list_names(parts: CleanParts, name: str) -> set[str]:
    """A manifest list and the manifests it names; nothing when the list is gone (proven)."""
    try:
        return {name, *(meta.name for meta in parts.manifests.read_list(name))}
    except NotFoundError:
        return set()


def _live_of(parts: CleanParts, metas: Iterable[ManifestMeta], wanted: Collection[FileKey]) -> set[FileKey]:
    partitions = {partition for partition, _, _ in wanted}
    entries, _ = live_entries_of(
        parts.manifests,
        list(metas),
        keep_manifest=lambda meta: parts.manifests.may_hold(meta, partitions),
        keep_entry=lambda entry: file_key(entry) in wanted,
    )
    return {file_key(entry) for entry in entries}


def _wanted(entries: Iterable[ManifestEntry], wanted: Collection[FileKey]) -> "Iterator[tuple[FileKey, EntryKind]]":
    for entry in entries:
        key = file_key(entry)
        if key in wanted:
            yield key, entry.kind


def nearest_live(
    parts: CleanParts, tagged: Mapping[int, Snapshot], tag_of: Mapping[FileKey, int | None]
) -> set[FileKey]:
    """The files that the tag looked up for each of them holds.

    Args:
        parts: The table.
        tagged: Snapshots of tags, by number.
        tag_of: Number of the tag that may hold a file, None for none.
    """
    groups: dict[int, set[FileKey]] = {}
    for key, number in tag_of.items():
        if number is not None:
            groups.setdefault(number, set()).add(key)
    return set().union(*(live_keys(parts, tagged[number], keys) for number, keys in groups.items()))
