"""Expiry of changelogs that outlive their snapshots (Paimon ``ExpireChangelogImpl``).

1. Decide which go (``core.retain``); the newest always stays.
2. Make the list: with changelog files, these; without, the fresh data files that the snapshot deleted and that were
   kept as changes. Then lists and manifests. Spared is what the earliest snapshot, the first changelog that stays, the
   tags and the other branches name.
3. Delete the changelogs' own files, oldest first, then the EARLIEST hint, then the list.

Invariant: as for snapshots, a crash leaves files that nobody names, and never a changelog with holes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lakestore.core.retain import ExpiryRange, covering, deleted_files, expiring_changelogs, previous
from lakestore.errors import NotFoundError
from lakestore.maintain.cleaning import CleaningReport, CleanParts, Deletion, FileRole
from lakestore.maintain.expire import expire_snapshots, held_from, time_of
from lakestore.maintain.expire_folders import remove_empty
from lakestore.maintain.expire_plan import changelog_deletions, file_deletions, list_deletions
from lakestore.maintain.expire_reach import (
    OtherLines,
    brought_back,
    delta_entries,
    list_names,
    metadata_names,
    nearest_live,
)
from lakestore.model.manifest import ManifestEntry
from lakestore.model.retain import RetainOptions
from lakestore.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Supposed:
    """What a dry run takes for done: an expiry of snapshots.

    Attributes:
        changelogs: Snapshots that would have become changelogs, by number.
        gone: Paths of the files that would be gone.
        earliest: The snapshot that would be the earliest; None as it is.
    """

    changelogs: Mapping[int, Snapshot] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    earliest: int | None = None


_AS_IT_IS = Supposed()


def expire_snapshots_and_changelogs(
    parts: CleanParts, retain: RetainOptions, *, dry_run: bool = False
) -> CleaningReport:
    """Expire snapshots, then changelogs, those included that just outlived their snapshots; raises as both."""
    report = expire_snapshots(parts, retain, dry_run=dry_run)
    supposed = _AS_IT_IS
    if dry_run and retain.decoupled and report.snapshots:
        supposed = Supposed(
            changelogs={number: found for number in report.snapshots if (found := parts.snapshots.find(number))},
            gone=frozenset(report.paths),
            earliest=report.snapshots[-1] + 1,
        )
    return report + expire_changelogs(parts, retain, dry_run=dry_run, supposed=supposed)


def expire_changelogs(
    parts: CleanParts, retain: RetainOptions, *, dry_run: bool = False, supposed: Supposed = _AS_IT_IS
) -> CleaningReport:
    """Expire changelogs that outlived their snapshots; the newest one stays.

    Args:
        parts: The table.
        retain: Its retention.
        dry_run: Only list what would go.
        supposed: What a dry run takes for done.

    Raises:
        InvalidInputError: The retention contradicts itself.
        CorruptTableError: Something that decides what is needed is damaged; nothing was deleted.
        StorageError: The store failed. What was deleted until then is in no reader's way.
    """
    ids = sorted({*parts.changelogs.ids(), *supposed.changelogs})
    latest = parts.snapshots.latest_id() if ids else None
    if latest is None:
        return CleaningReport(dry_run=dry_run)
    going = expiring_changelogs(
        retain.changelogs,
        earliest=ids[0],
        newest=ids[-1],
        latest=latest,
        held_from=held_from(parts),
        now_ms=parts.env.clock.now_ms(),
        time_of=lambda number: time_of(_find(parts, number, supposed)),
    )
    if not going:
        return CleaningReport(dry_run=dry_run)
    clean = retain.clean_directories
    return _remove(
        parts, going, stays=_find(parts, going.end, supposed), clean=clean, dry_run=dry_run, supposed=supposed
    )


def _find(parts: CleanParts, number: int, supposed: Supposed) -> Snapshot | None:
    return supposed.changelogs.get(number) or parts.changelogs.find(number)


def expire_all_changelogs(parts: CleanParts, *, dry_run: bool = False) -> CleaningReport:
    """Remove all changelogs that outlived their snapshots, and the hints at them. Raises as ``expire_changelogs``."""
    ids = parts.changelogs.ids()
    if not ids:
        return CleaningReport(dry_run=dry_run)
    report = _remove(parts, ExpiryRange(ids[0], ids[-1] + 1), stays=None, clean=True, dry_run=dry_run)
    if not dry_run:
        parts.changelogs.delete_hints()
    return report


def _remove(
    parts: CleanParts,
    going: ExpiryRange,
    *,
    stays: Snapshot | None,
    clean: bool,
    dry_run: bool,
    supposed: Supposed = _AS_IT_IS,
) -> CleaningReport:
    expiring = [found for number in range(going.start, going.end) if (found := _find(parts, number, supposed))]
    files = ChangelogFiles(parts=parts, expiring=expiring, stays=stays, supposed=supposed)
    deletions = files.plan()
    if not dry_run:
        for changelog in expiring:
            parts.changelogs.delete(changelog.id)
        if stays is not None:
            parts.changelogs.write_earliest_hint(going.end)
        parts.delete_all(deletions)
        if clean:
            remove_empty(parts, tuple(files.folders))
    own = [Deletion(parts.paths.changelog(each.id), FileRole.CHANGELOG) for each in expiring]
    return CleaningReport(
        deletions=(*own, *deletions),
        dry_run=dry_run,
        changelogs=tuple(each.id for each in expiring),
        notes=tuple(files.notes),
    )


@dataclass(slots=True, kw_only=True)
class ChangelogFiles:
    """Makes the list for one expiry of changelogs; one use.

    Attributes:
        parts: The table.
        expiring: The changelogs that go, ascending.
        stays: The first changelog that stays, None when none does.
        supposed: What a dry run takes for done.
        folders: Bucket folders that lose files.
        notes: What was left alone, and why.
    """

    parts: CleanParts
    expiring: Sequence[Snapshot]
    stays: Snapshot | None
    supposed: Supposed = _AS_IT_IS
    folders: "dict[str, None]" = field(default_factory=dict)
    notes: "list[str]" = field(default_factory=list)

    def plan(self) -> tuple[Deletion, ...]:
        """The list; raises what reading what is still needed raises."""
        tagged = {tag.snapshot.id: tag.snapshot for tag in self.parts.tags.list()}
        others = OtherLines(tuple(self.parts.other_lines()))
        earliest = self.supposed.earliest or self.parts.snapshots.earliest_id()
        return (*self._data(tagged, others, earliest), *self._metadata(tagged, others, earliest))

    def _data(self, tagged: "dict[int, Snapshot]", others: OtherLines, earliest: int | None) -> Iterator[Deletion]:
        named = {each.changelog_manifest_list for line in others.parts for each in line.snapshots.list()}
        for changelog in self.expiring:
            if changelog.changelog_manifest_list is not None and changelog.changelog_manifest_list not in named:
                yield from changelog_deletions(self.parts, changelog, self.folders, self.notes)
        dead = deleted_files(self._deltas())
        if not dead:
            return
        numbers = sorted(tagged)
        left = dead.keys() - nearest_live(
            self.parts, tagged, {key: previous(numbers, each.snapshot_id) for key, each in dead.items()}
        )
        if earliest is not None:
            latest = self.parts.snapshots.latest_id() or earliest
            left -= brought_back(self.parts, left, after=self.expiring[-1].id, latest=latest)
        left -= others.keys(left)
        for key, garbage in dead.items():
            if key in left:
                yield from file_deletions(self.parts, garbage.entry, self.folders, self.notes)

    def _deltas(self) -> Iterator[tuple[int, Sequence[ManifestEntry]]]:
        for changelog in self.expiring:
            if changelog.changelog_manifest_list is None and not self._is_gone(changelog.delta_manifest_list):
                try:
                    yield changelog.id, list(delta_entries(self.parts, changelog))
                except NotFoundError as error:
                    self.notes.append(f"data files that changelog {changelog.id} deleted are left: {error.message}")

    def _metadata(self, tagged: "dict[int, Snapshot]", others: OtherLines, earliest: int | None) -> Iterator[Deletion]:
        skip = others.names()
        first, end = self.expiring[0].id, self.expiring[-1].id + 1
        for number in covering(sorted(tagged), first, end):
            skip |= metadata_names(self.parts, tagged[number])
        snapshot = None if earliest is None else self.parts.snapshots.find(earliest)
        for each in (self.stays, snapshot):
            if each is not None:
                skip |= list_names(self.parts, each.base_manifest_list)
                skip |= list_names(self.parts, each.delta_manifest_list)
        for changelog in self.expiring:
            own = changelog.changelog_manifest_list
            lists = [changelog.base_manifest_list, changelog.delta_manifest_list] if own is None else [own]
            there = [name for name in lists if not self._is_gone(name)]
            yield from list_deletions(self.parts, there, skip, self.notes)

    def _is_gone(self, name: str) -> bool:
        """Whether a manifest list would be gone by now."""
        return self.parts.paths.manifest(name) in self.supposed.gone
