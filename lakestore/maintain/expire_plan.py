"""Which files go when snapshots expire (Paimon ``SnapshotDeletion``). Reads, decides, deletes nothing.

1. Data files: what the deltas from the second expiring snapshot to the first that stays delete, and do not add again.
   Spared is what the nearest tag before the delete holds, what a rollback brought back later, what other branches hold,
   and, where changelogs outlive snapshots, what such a changelog has its changes in.
2. Changelog files of the expiring snapshots, unless changelogs outlive them.
3. Manifests, lists, index files and statistics of the expiring snapshots that neither the first snapshot that stays,
   nor a tag in between, nor another branch names.

Invariants: what cannot be read is an error and nothing is deleted, except what another expiry has deleted already,
which is passed over with a note. A file outside the table's folder is never on the list.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lakestore.core.retain import covering, deleted_files, previous
from lakestore.errors import NotFoundError
from lakestore.maintain.cleaning import CleanParts, Deletion, FileRole
from lakestore.maintain.expire_reach import OtherLines, brought_back, metadata_names, nearest_live
from lakestore.model.datafile import FileSource
from lakestore.model.manifest import EntryKind, ManifestEntry, ManifestMeta
from lakestore.model.rows import ChangelogProducer
from lakestore.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlan:
    """Files that go, in order: data first, then metadata.

    Attributes:
        data: Data and changelog files, and files beside them.
        metadata: Manifests, lists, index files, statistics.
        folders: Bucket folders that lose files.
        notes: What was left alone, and why.
    """

    data: tuple[Deletion, ...] = ()
    metadata: tuple[Deletion, ...] = ()
    folders: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class SnapshotFiles:
    """Makes the list for one expiry; one use.

    Attributes:
        parts: The table.
        expiring: The snapshots that go, ascending.
        stays: The first that stays.
        tags: Snapshots of all tags.
        others: The other lines.
        latest: Number of the latest snapshot.
        decoupled: Changelogs outlive their snapshots.
    """

    parts: CleanParts
    expiring: Sequence[Snapshot]
    stays: Snapshot
    tags: Sequence[Snapshot]
    others: OtherLines
    latest: int
    decoupled: bool
    _notes: list[str] = field(default_factory=list)
    _folders: dict[str, None] = field(default_factory=dict)

    def plan(self) -> FilePlan:
        """The list.

        Raises:
            CorruptTableError: Something that decides what is needed is damaged.
            StorageError: Something could not be read.
        """
        tagged = {snapshot.id: snapshot for snapshot in self.tags}
        data = [*self._data(tagged), *self._changelog_data()]
        metadata = list(self._metadata(tagged))
        return FilePlan(
            data=tuple(data), metadata=tuple(metadata), folders=tuple(self._folders), notes=tuple(self._notes)
        )

    # Data files.

    def _data(self, tagged: Mapping[int, Snapshot]) -> Iterator[Deletion]:
        dead = deleted_files(self._deltas())
        if self._deltas_are_changes:
            dead = {key: each for key, each in dead.items() if each.entry.file.source is FileSource.COMPACT}
        if not dead:
            return
        numbers = sorted(tagged)
        held = nearest_live(
            self.parts, tagged, {key: previous(numbers, each.snapshot_id) for key, each in dead.items()}
        )
        left = dead.keys() - held
        left -= brought_back(self.parts, left, after=self.stays.id, latest=self.latest)
        left -= self.others.keys(left)
        for key, garbage in dead.items():
            if key in left:
                yield from file_deletions(self.parts, garbage.entry, self._folders, self._notes)

    @property
    def _deltas_are_changes(self) -> bool:
        """Whether the fresh files in deltas are the changelog, and are kept for as long as that."""
        return self.decoupled and self.parts.options.merge.changelog_producer is ChangelogProducer.NONE

    def _deltas(self) -> Iterator[tuple[int, Sequence[ManifestEntry]]]:
        seen_delete = False
        for snapshot in [*self.expiring[1:], self.stays]:
            try:
                metas = self.parts.manifests.read_list(
                    snapshot.delta_manifest_list, size=snapshot.delta_manifest_list_size
                )
                # Until a DELETE is met, an ADD cancels nothing, so appends are not read at all.
                seen_delete = seen_delete or any(meta.deleted_files for meta in metas)
                if seen_delete:
                    yield snapshot.id, [entry for part in self.parts.manifests.read_all(metas) for entry in part]
            except NotFoundError as error:
                self._notes.append(f"data files that snapshot {snapshot.id} deleted are left: {error.message}")

    def _changelog_data(self) -> Iterator[Deletion]:
        if self.decoupled:
            return
        named = {each.changelog_manifest_list for line in self.others.parts for each in line.snapshots.list()}
        for snapshot in self.expiring:
            name = snapshot.changelog_manifest_list
            if name is None or name in named:
                continue
            yield from changelog_deletions(self.parts, snapshot, self._folders, self._notes)

    # Metadata.

    def _metadata(self, tagged: Mapping[int, Snapshot]) -> Iterator[Deletion]:
        first, end = self.expiring[0].id, self.stays.id
        skip = metadata_names(self.parts, self.stays)
        for number in covering(sorted(tagged), first, end):
            skip |= metadata_names(self.parts, tagged[number])
        skip |= self.others.names()
        for snapshot in self.expiring:
            lists: list[str] = []
            if not self._deltas_are_changes:
                lists += [snapshot.base_manifest_list, snapshot.delta_manifest_list]
            if not self.decoupled and snapshot.changelog_manifest_list is not None:
                lists.append(snapshot.changelog_manifest_list)
            yield from list_deletions(self.parts, lists, skip, self._notes)
            yield from index_deletions(self.parts, snapshot, skip, self._notes)


def file_deletions(
    parts: CleanParts, entry: ManifestEntry, folders: "dict[str, None]", notes: "list[str]"
) -> Iterator[Deletion]:
    """The entry's data file and the files beside it; their folder is noted."""
    path = parts.path_of(entry)
    if path is None:
        notes.append(f"{entry.file.external_path} lies outside the table's folder and is left")
        return
    folder = path.rpartition("/")[0]
    folders.setdefault(folder)
    yield Deletion(path, FileRole.DATA, entry.file.size)
    for name in entry.file.extra_files:
        yield Deletion(f"{folder}/{parts.checked(entry, name)}", FileRole.DATA)


def changelog_deletions(
    parts: CleanParts, snapshot: Snapshot, folders: "dict[str, None]", notes: "list[str]"
) -> Iterator[Deletion]:
    """The changelog files of a snapshot."""
    for meta in _metas(parts, snapshot.changelog_manifest_list or "", notes) or ():
        try:
            entries = parts.manifests.read(meta.name)
        except NotFoundError as error:
            notes.append(f"changelog files of snapshot {snapshot.id} are left: {error.message}")
            continue
        for entry in entries:
            if entry.kind is EntryKind.ADD:
                yield from file_deletions(parts, entry, folders, notes)


def list_deletions(parts: CleanParts, lists: Sequence[str], skip: "set[str]", notes: "list[str]") -> Iterator[Deletion]:
    """Those lists and their manifests, each once; what goes is added to ``skip``."""
    for name in lists:
        metas = _metas(parts, name, notes)
        if metas is None:
            continue
        for meta in metas:
            if meta.name not in skip:
                skip.add(meta.name)
                yield Deletion(parts.paths.manifest(meta.name), FileRole.MANIFEST, meta.size)
        if name not in skip:
            skip.add(name)
            yield Deletion(parts.paths.manifest(name), FileRole.MANIFEST_LIST)


def index_deletions(parts: CleanParts, snapshot: Snapshot, skip: "set[str]", notes: "list[str]") -> Iterator[Deletion]:
    """Index files, index manifest and statistics of a snapshot, each once; what goes is added to ``skip``."""
    name = snapshot.index_manifest
    if name is not None and name not in skip:
        try:
            entries = parts.manifests.read_index(name)
        except NotFoundError as error:
            notes.append(f"index files of snapshot {snapshot.id} are left: {error.message}")
        else:
            for entry in entries:
                if entry.name not in skip and entry.external_path is None:
                    skip.add(entry.name)
                    yield Deletion(parts.paths.index(entry.name), FileRole.INDEX, entry.size)
            skip.add(name)
            yield Deletion(parts.paths.manifest(name), FileRole.INDEX_MANIFEST)
    if snapshot.statistics is not None and snapshot.statistics not in skip:
        skip.add(snapshot.statistics)
        yield Deletion(parts.paths.statistics(snapshot.statistics), FileRole.STATISTICS)


def _metas(parts: CleanParts, name: str, notes: "list[str]") -> Sequence[ManifestMeta] | None:
    """The manifests of a list; None when it is gone."""
    try:
        return parts.manifests.read_list(name)
    except NotFoundError as error:
        notes.append(f"manifests are left: {error.message}")
        return None
