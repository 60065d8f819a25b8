"""Rollback: the table goes back to a snapshot, and all that came after it is gone (Paimon ``RollbackHelper``).

1. A tag keeps the target for as long as it takes, and then it is looked whether the target is still there: expiry that
   runs at the same time then sees the tag, or has been seen (``protectors``).
2. The hint at the latest snapshot goes: a hint at a snapshot that is gone makes other engines fail.
3. Snapshots go from the latest down to the one after the target; the list is looked at until none is left.
4. A target whose own file has expired is written again, before the last of the later snapshots goes.
5. Changelogs and tags of later snapshots go, the latest first.
6. The hints are written, commits that landed meanwhile go as well, and the tag of the first step goes.

Invariant: after every step the latest snapshot is one that was committed, with all files that it names. Schemas stay as
they are. Data files and manifests are not removed: nothing reaches them any more, and cleaning of orphans takes them.

Nobody should write meanwhile: a commit that lands between the steps is rolled back with the others.
"""

from dataclasses import dataclass

from lakestore.errors import CommitUnknownError, ConflictError, ErrorKind, InvalidInputError
from lakestore.format.snapshot_file import snapshot_to_json
from lakestore.maintain.cleaning import CleanParts
from lakestore.maintain.protectors import is_held, same_state
from lakestore.meta.claim import claim
from lakestore.model.snapshot import Snapshot
from lakestore.model.tag import Tag

GUARD_PREFIX = "rollback-to-"
"""Beginning of the tag that keeps the target while a rollback is under way."""

ROUNDS = 100
"""How often commits that land meanwhile are rolled back too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackReport:
    """What a rollback removed, or would.

    Attributes:
        snapshot_id: The latest snapshot now.
        snapshots: Numbers of the snapshots that went, latest first.
        changelogs: Numbers of the changelogs that went, latest first.
        tags: Names of the tags that went.
        restored: The target's own file had expired and was written again.
        dry_run: Nothing was changed.
    """

    snapshot_id: int
    snapshots: tuple[int, ...]
    changelogs: tuple[int, ...]
    tags: tuple[str, ...]
    restored: bool = False
    dry_run: bool = False

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "snapshot": self.snapshot_id,
            "snapshots_removed": list(self.snapshots),
            "changelogs_removed": list(self.changelogs),
            "tags_removed": list(self.tags),
            "restored": self.restored,
            "dry_run": self.dry_run,
        }


def rollback(parts: CleanParts, target: Snapshot, *, dry_run: bool = False) -> RollbackReport:
    """Go back to a snapshot.

    Args:
        parts: The open table or branch.
        target: The snapshot that becomes the latest.
        dry_run: Only say what would go.

    Raises:
        InvalidInputError: The target is of a history that was rolled back before.
        ConflictError: Others commit faster than it goes, or the target expired meanwhile.
    """
    restored = _is_gone(parts, target)
    guard = Tag(f"{GUARD_PREFIX}{target.id}", target)
    if not dry_run:
        _keep(parts, guard)
    later = [number for number in parts.snapshots.ids() if number > target.id]
    changelogs = tuple(number for number in reversed(parts.changelogs.ids()) if number > target.id)
    tags = tuple(tag.name for tag in reversed(parts.tags.list()) if tag.snapshot.id > target.id)
    snapshots = tuple(reversed(later))
    if not dry_run:
        removed = []
        if later:
            # One later snapshot stays until the target is there for certain, so that the table is never without any.
            removed = remove_snapshots(parts, after=later[0])
        _restore(parts, target)
        removed += remove_snapshots(parts, after=target.id)
        snapshots = tuple(sorted({*removed, *snapshots}, reverse=True))
        _remove_changelogs(parts, changelogs)
        for name in tags:
            parts.tags.delete(name)
        parts.snapshots.write_latest_hint(target.id)
        if restored:
            parts.snapshots.write_earliest_hint(target.id)
        if remove_snapshots(parts, after=target.id):
            parts.snapshots.write_latest_hint(target.id)
        parts.tags.delete(guard.name)
    return RollbackReport(
        snapshot_id=target.id, snapshots=snapshots, changelogs=changelogs, tags=tags, restored=restored, dry_run=dry_run
    )


def remove_snapshots(parts: CleanParts, *, after: int) -> list[int]:
    """Remove the snapshots above a number, from the latest down; those that land meanwhile too.

    Args:
        parts: The open table or branch.
        after: The number.

    Returns:
        The numbers removed.

    Raises:
        ConflictError: Others commit faster than it goes.
    """
    removed: list[int] = []
    for _ in range(ROUNDS):
        later = [number for number in parts.snapshots.ids() if number > after]
        if not later:
            return removed
        parts.store.delete(parts.paths.latest_hint())
        for number in reversed(later):
            parts.store.delete(parts.paths.snapshot(number))
            removed.append(number)
    raise ConflictError(
        f"{parts.name}: commits land faster than they are rolled back; stop the writers and roll back again",
        kind=ErrorKind.RETRIES_EXHAUSTED,
    )


def _is_gone(parts: CleanParts, target: Snapshot) -> bool:
    """Whether the target's own file has expired.

    Raises:
        InvalidInputError: Another snapshot has its number now.
    """
    there = parts.snapshots.find(target.id)
    if there is None:
        return True
    if not same_state(there, target):
        raise InvalidInputError(
            f"{parts.name}: the tag names snapshot {target.id} of a history that was rolled back; there is another"
            f" snapshot {target.id} now. Bring its rows back with a rollback as a new snapshot"
        )
    return False


def _keep(parts: CleanParts, guard: Tag) -> None:
    """Make the tag that keeps the target; one that a rollback before left behind will do.

    Raises:
        ConflictError: The target is gone.
    """
    there = parts.tags.get_or_none(guard.name)
    if there is None or not same_state(there.snapshot, guard.snapshot):
        parts.tags.replace(guard)
    if not is_held(parts, guard.snapshot, beside=guard.name):
        parts.tags.delete(guard.name)
        raise ConflictError(
            f"{parts.name}: snapshot {guard.snapshot.id} expired while the rollback began; nothing was changed",
            kind=ErrorKind.SNAPSHOT_NOT_FOUND,
        )


def _restore(parts: CleanParts, target: Snapshot) -> None:
    """Make sure that the target's own file is there: it may have expired, before or just now."""
    there = parts.snapshots.find(target.id)
    if there is not None and same_state(there, target):
        return
    path = parts.paths.snapshot(target.id)

    def unknown() -> CommitUnknownError:
        return CommitUnknownError(
            f"{parts.store.url}{path}: the store does not say whether the snapshot was written again; roll back again"
        )

    if not claim(parts.store, path, snapshot_to_json(target), unknown=unknown):
        raise ConflictError(
            f"{parts.name}: another snapshot {target.id} appeared during the rollback; look at the table before you try"
            " again",
            kind=ErrorKind.FILE_EXISTS,
        )


def _remove_changelogs(parts: CleanParts, numbers: tuple[int, ...]) -> None:
    if not numbers:
        return
    changelogs = parts.changelogs
    left = [number for number in changelogs.ids() if number not in set(numbers)]
    if left:
        changelogs.write_latest_hint(left[-1])
    else:
        changelogs.delete_hints()
    for number in numbers:
        changelogs.delete(number)
