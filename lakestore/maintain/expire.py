"""Expiry of snapshots (Paimon ``ExpireSnapshotsImpl``).

1. Decide which snapshots go (``core.retain``) and make the list of files (``expire_plan``). Any failure ends it here.
2. Where changelogs outlive snapshots: write their files.
3. Delete the snapshot files, oldest first, then write the EARLIEST hint. From now on nobody can start to read them.
4. Look again who holds files (``protectors``): a tag or branch that was made meanwhile from a snapshot that is now
   gone still needs its files, so the list is made anew.
5. Delete data files, then metadata, then folders that became empty.

Invariant: at every moment each snapshot, tag and branch that can be found has all its files. A crash leaves files that
nobody names, for the orphan job, and never a hole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lakestore.core.retain import ExpiryRange, expiring_snapshots
from lakestore.maintain.cleaning import CleaningReport, CleanParts, Deletion, FileRole
from lakestore.maintain.expire_folders import remove_empty
from lakestore.maintain.expire_plan import FilePlan, SnapshotFiles
from lakestore.maintain.protectors import Protectors, same_state
from lakestore.model.retain import Keep, RetainOptions
from lakestore.model.snapshot import Snapshot
from lakestore.storage.parallel import map_ordered

READ_WORKERS = 8
"""Snapshot files read at a time."""


def expire_snapshots(parts: CleanParts, retain: RetainOptions, *, dry_run: bool = False) -> CleaningReport:
    """Expire what the retention does not keep.

    Raises:
        InvalidInputError: The retention contradicts itself.
        CorruptTableError: Something that decides what is needed is damaged; nothing was deleted.
        StorageError: The store failed. What was deleted until then is on no reader's way.
    """
    latest, earliest = parts.snapshots.latest_id(), parts.snapshots.earliest_id()
    if latest is None or earliest is None:
        return CleaningReport(dry_run=dry_run)
    held = None if retain.consumer_changelog_only and retain.decoupled else held_from(parts)
    seen: dict[int, Snapshot | None] = {}

    def made(number: int) -> int | None:
        seen[number] = parts.snapshots.find(number)
        return time_of(seen[number])

    going = expiring_snapshots(
        retain.snapshots,
        earliest=earliest,
        latest=latest,
        held_from=held,
        now_ms=parts.env.clock.now_ms(),
        time_of=made,
    )
    if not going:
        if not dry_run and parts.snapshots.earliest_hint() is None:
            parts.snapshots.write_earliest_hint(earliest)
        return CleaningReport(dry_run=dry_run)
    return _Run(parts, retain, going, latest, seen).run(dry_run=dry_run)


def held_from(parts: CleanParts) -> int | None:
    """The least number that a consumer reads next, None without consumers."""
    return min((consumer.next_snapshot for consumer in parts.consumers.list()), default=None)


@dataclass(frozen=True, slots=True)
class _Run:
    """One expiry.

    Attributes:
        parts: The table.
        retain: Its retention.
        going: The snapshots that go.
        latest: Number of the latest.
        seen: Snapshots that were read on the way.
    """

    parts: CleanParts
    retain: RetainOptions
    going: ExpiryRange
    latest: int
    seen: Mapping[int, Snapshot | None]

    def run(self, *, dry_run: bool) -> CleaningReport:
        numbers = range(self.going.start, self.going.end + 1)
        unread = [number for number in numbers if number not in self.seen]
        read = map_ordered(self.parts.snapshots.find, unread, workers=READ_WORKERS)
        known_now = {**self.seen, **dict(zip(unread, read, strict=True))}
        found = [each for number in numbers if (each := known_now[number]) is not None]
        if len(found) < 2 or found[-1].id != self.going.end:
            return CleaningReport(dry_run=dry_run, notes=("another expiry or a rollback is under way",))
        expiring, stays = found[:-1], found[-1]
        known = Protectors.of(self.parts)
        files = self._files(expiring, stays, known)
        if not dry_run:
            self._remove_snapshots(expiring)
            files = self._looked_again(files, expiring, stays, known)
            self.parts.delete_all(files.data)
            self.parts.delete_all(files.metadata)
            if self.retain.clean_directories:
                remove_empty(self.parts, files.folders)
        own = tuple(Deletion(self.parts.paths.snapshot(each.id), FileRole.SNAPSHOT) for each in expiring)
        return CleaningReport(
            deletions=(*own, *files.data, *files.metadata),
            dry_run=dry_run,
            snapshots=tuple(each.id for each in expiring),
            notes=files.notes,
        )

    def _looked_again(
        self, files: FilePlan, expiring: Sequence[Snapshot], stays: Snapshot, known: Protectors
    ) -> FilePlan:
        """The list, made anew when names came or went meanwhile; empty when the table itself was rolled back."""
        snapshots = self.parts.snapshots
        there = snapshots.find(stays.id)
        gone = there is None and (snapshots.latest_id() or 0) < stays.id
        if gone or (there is not None and not same_state(there, stays)):
            return FilePlan(notes=("a rollback or another expiry is under way: files are left to the orphan job",))
        if not known.changed(self.parts):
            return files
        return self._files(expiring, stays, Protectors.of(self.parts))

    def _files(self, expiring: Sequence[Snapshot], stays: Snapshot, protectors: Protectors) -> FilePlan:
        return SnapshotFiles(
            parts=self.parts,
            expiring=expiring,
            stays=stays,
            tags=protectors.tags,
            others=protectors.others,
            latest=self.latest,
            decoupled=self.retain.decoupled,
        ).plan()

    def _remove_snapshots(self, expiring: Sequence[Snapshot]) -> None:
        parts = self.parts
        if self.retain.decoupled:
            first = parts.changelogs.earliest_id()
            for snapshot in expiring:
                parts.changelogs.put(snapshot)
            if first is None:
                parts.changelogs.write_earliest_hint(expiring[0].id)
            parts.changelogs.write_latest_hint(expiring[-1].id)
        for snapshot in expiring:
            parts.store.delete(parts.paths.snapshot(snapshot.id))
        parts.snapshots.write_earliest_hint(self.going.end)


def with_overrides(
    retain: RetainOptions,
    *,
    retain_max: int | None = None,
    retain_min: int | None = None,
    time_ms: int | None = None,
    limit: int | None = None,
) -> RetainOptions:
    """The retention of one run: what is given wins over the table's options.

    With only ``retain_max`` given, ``retain_min`` is at most that.
    """
    keep = retain.snapshots
    least = keep.at_least if retain_min is None else retain_min
    if retain_min is None and retain_max is not None:
        least = min(least, retain_max)
    most = keep.at_most if retain_max is None else retain_max
    own = Keep(
        at_least=least,
        at_most=most,
        time_ms=keep.time_ms if time_ms is None else time_ms,
        limit=keep.limit if limit is None else limit,
    )
    return replace(retain, snapshots=own)


def time_of(snapshot: Snapshot | None) -> int | None:
    """When a snapshot was made, None for one that is not there."""
    return None if snapshot is None else snapshot.time_millis
