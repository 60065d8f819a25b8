"""The files that only a tag held, and tags whose time is over (Paimon ``TagDeletion``, ``TagTimeExpire``).

When a tag goes, its snapshot's data files and metadata go with it, unless they are still needed: all of them while the
snapshot itself or another tag of it is there; else those that the tag before, the tag after or the earliest snapshot
hold, a rollback brought back, another line holds, or a changelog has its changes in.

Invariants: the tag's own file goes first, so that a crash leaves files that nobody names and never a tag with holes;
then it is looked again who holds the files (``protectors``). Changelog files are not a tag's; they go with the
snapshot.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from lakestore.core.auto_tag import is_over
from lakestore.core.retain import FileKey, file_key
from lakestore.maintain.cleaning import CleaningReport, CleanParts, Deletion, FileRole
from lakestore.maintain.expire_folders import remove_empty
from lakestore.maintain.expire_plan import file_deletions, index_deletions, list_deletions
from lakestore.maintain.expire_reach import HeldByChangelogs, OtherLines, brought_back, live_keys, metadata_names
from lakestore.maintain.protectors import same_state
from lakestore.meta.scan import snapshot_entries
from lakestore.model.manifest import ManifestEntry
from lakestore.model.snapshot import Snapshot
from lakestore.model.tag import Tag


def delete_tags(parts: CleanParts, tags: Iterable[Tag], *, dry_run: bool = False) -> CleaningReport:
    """Delete tags, one after another, with the files that only they held.

    The list of each is made before its own file goes, so that damage found on the way leaves the tag alone. A dry run
    looks at each tag as if those before it were gone.

    Raises:
        CorruptTableError: Something that decides what is needed is damaged; that tag and all after it stay.
        StorageError: The store failed.
    """
    report = CleaningReport(dry_run=dry_run)
    gone: set[str] = set()
    for tag in tags:
        files = TagFiles(parts=parts, tag=tag, gone=frozenset(gone))
        deletions = files.plan()
        gone.add(tag.name)
        if not dry_run:
            parts.tags.delete(tag.name)
            deletions = files.delete(deletions)
        own = Deletion(parts.paths.tag(tag.name), FileRole.TAG)
        report += CleaningReport(
            deletions=(own, *deletions), dry_run=dry_run, tags=(tag.name,), notes=tuple(files.notes)
        )
    return report


def expire_tags(parts: CleanParts, *, dry_run: bool = False) -> CleaningReport:
    """Delete the tags whose retention is over; raises as ``delete_tags``."""
    now = parts.env.clock.now_ms()
    wall = now + parts.env.clock.local_offset_ms(now)
    return delete_tags(parts, [tag for tag in parts.tags.list() if is_over(tag, wall)], dry_run=dry_run)


def delete_tag_files(
    parts: CleanParts, tag: Tag, *, instead: Snapshot | None = None, dry_run: bool = False
) -> CleaningReport:
    """Delete the files that only this tag held. Its own file must name another snapshot by now, unless it is a dry run.

    Args:
        parts: The table.
        tag: The tag as it was.
        instead: The snapshot that the tag names now, or would.
        dry_run: Only list what would go.

    Raises:
        CorruptTableError: Something that decides what is needed is damaged; nothing was deleted.
        StorageError: The store failed; what is left over is for the orphan job.
    """
    files = TagFiles(parts=parts, tag=tag, instead=instead)
    deletions = files.plan()
    if not dry_run:
        deletions = files.delete(deletions)
    return CleaningReport(deletions=deletions, dry_run=dry_run, notes=tuple(files.notes))


@dataclass(slots=True, kw_only=True)
class TagFiles:
    """Makes the list for one tag; one use.

    Attributes:
        parts: The table.
        tag: The tag that goes.
        gone: Names of tags that count as gone.
        instead: The snapshot that a tag of that name holds from now on.
        folders: Bucket folders that lose files.
        notes: What was left alone, and why.
    """

    parts: CleanParts
    tag: Tag
    gone: frozenset[str] = frozenset()
    instead: Snapshot | None = None
    folders: "dict[str, None]" = field(default_factory=dict)
    notes: "list[str]" = field(default_factory=list)

    def plan(self) -> tuple[Deletion, ...]:
        """The list; empty while something else stands for the whole snapshot."""
        parts, snapshot = self.parts, self.tag.snapshot
        tagged = [tag.snapshot for tag in parts.tags.list() if tag.name not in {self.tag.name, *self.gone}]
        tagged += [] if self.instead is None else [self.instead]
        twins = [parts.snapshots.find(snapshot.id), *tagged]
        if any(twin is not None and twin.id == snapshot.id and same_state(twin, snapshot) for twin in twins):
            return ()
        neighbours = self._neighbours(tagged)
        others = OtherLines(tuple(parts.other_lines()))
        changelogs = HeldByChangelogs.of(parts)
        return (*self._data(neighbours, others, changelogs), *self._metadata(neighbours, others, changelogs))

    def delete(self, deletions: Sequence[Deletion]) -> tuple[Deletion, ...]:
        """Delete what is on the list and still held by nobody, and folders that became empty where the table asks so.

        Returns:
            What was deleted.
        """
        if deletions:
            again = TagFiles(parts=self.parts, tag=self.tag, gone=self.gone, instead=self.instead)
            free = {each.path for each in again.plan()}
            deletions = [each for each in deletions if each.path in free]
        self.parts.delete_all(deletions)
        if self.parts.options.retain.clean_directories:
            remove_empty(self.parts, tuple(self.folders))
        return tuple(deletions)

    def _neighbours(self, tagged: Sequence[Snapshot]) -> list[Snapshot]:
        number = self.tag.snapshot.id
        before = max((each for each in tagged if each.id <= number), key=lambda each: each.id, default=None)
        after = min((each for each in tagged if each.id > number), key=lambda each: each.id, default=None)
        earliest_id = self.parts.snapshots.earliest_id()
        earliest = None if earliest_id is None else self.parts.snapshots.get(earliest_id)
        return [each for each in (before, after, earliest) if each is not None]

    def _data(
        self, neighbours: Sequence[Snapshot], others: OtherLines, changelogs: HeldByChangelogs
    ) -> Iterator[Deletion]:
        parts = self.parts
        entries: dict[FileKey, ManifestEntry] = {
            file_key(entry): entry for entry in snapshot_entries(parts.manifests, self.tag.snapshot)
        }
        left = set(entries)
        for snapshot in neighbours:
            left -= live_keys(parts, snapshot, left)
        latest = parts.snapshots.latest_id()
        if latest is not None:
            first = parts.snapshots.earliest_id() or latest
            left -= brought_back(parts, left, after=first - 1, latest=latest)
        left -= others.keys(left)
        left -= changelogs.keys(left)
        for key, entry in entries.items():
            if key in left:
                yield from file_deletions(parts, entry, self.folders, self.notes)

    def _metadata(
        self, neighbours: Sequence[Snapshot], others: OtherLines, changelogs: HeldByChangelogs
    ) -> Iterator[Deletion]:
        snapshot = self.tag.snapshot
        skip = others.names() | changelogs.names()
        for each in neighbours:
            skip |= metadata_names(self.parts, each)
        lists = [snapshot.base_manifest_list, snapshot.delta_manifest_list]
        yield from list_deletions(self.parts, lists, skip, self.notes)
        yield from index_deletions(self.parts, snapshot, skip, self.notes)
