"""Rollback: the table goes back to a snapshot, and all that came after it is gone (Paimon ``RollbackHelper``).

1. The hint at the latest snapshot goes first: a hint at a snapshot that is gone makes other engines fail.
2. Snapshots go from the latest down to the one after the target; the list is looked at until none is left.
3. A target whose own file has expired is written again from its tag, before the last of the later snapshots goes.
4. Changelogs and tags of later snapshots go, the latest first.
5. The hints are written.

Invariant: after every step the latest snapshot is one that was committed, with all files that it names. Schemas stay as
they are. Data files and manifests are not removed: nothing reaches them any more, and cleaning of orphans takes them.

Nobody should write meanwhile: a commit that lands between the steps is rolled back with the others.
"""

from dataclasses import dataclass

from lakestore.errors import CommitUnknownError, ConflictError, ErrorKind, InvalidInputError
from lakestore.format.snapshot_file import snapshot_to_json
from lakestore.maintain.cleaning import CleanParts
from lakestore.meta.claim import claim
from lakestore.model.snapshot import Snapshot

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
        ConflictError: Others commit faster than it goes.
    """
    restored = _is_gone(parts, target)
    later = [number for number in parts.snapshots.ids() if number > target.id]
    changelogs = tuple(number for number in reversed(parts.changelogs.ids()) if number > target.id)
    tags = tuple(tag.name for tag in reversed(parts.tags.list()) if tag.snapshot.id > target.id)
    snapshots = tuple(reversed(later))
    if not dry_run:
        removed = []
        if restored:
            # One later snapshot stays until the target is there, so that the table is never without any.
            removed = remove_snapshots(parts, after=later[0]) if later else []
            _restore(parts, target)
        removed += remove_snapshots(parts, after=target.id)
        snapshots = tuple(sorted({*removed, *snapshots}, reverse=True))
        _remove_changelogs(parts, changelogs)
        for name in tags:
            parts.tags.delete(name)
        parts.snapshots.write_latest_hint(target.id)
        if restored:
            parts.snapshots.write_earliest_hint(target.id)
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


def same_state(one: Snapshot, other: Snapshot) -> bool:
    """Whether two files say the same of a table: copies by other engines may lack keys, but name the same lists."""
    names = (one.base_manifest_list, one.delta_manifest_list)
    return names == (other.base_manifest_list, other.delta_manifest_list)


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


def _restore(parts: CleanParts, target: Snapshot) -> None:
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
