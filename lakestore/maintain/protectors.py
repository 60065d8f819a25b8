"""Who holds files that a job is about to delete, and the rule by which they and the job never miss each other.

Whoever makes a name for a snapshot (a tag, a branch, a rollback, a fast-forward) and whoever removes one (expiry, the
end of a tag) may run at the same time. So each does two steps, in this order:

1. The maker makes the name, then looks whether what it was made from is still there; if not, it takes the name back.
2. The remover removes the name, then looks again who holds the files; then it deletes what nobody holds.

Invariant: of a maker and a remover of one snapshot, at least one sees the other. Both may; then files stay that nobody
names, for the orphan job.
"""

from dataclasses import dataclass

from lakestore.maintain.cleaning import CleanParts
from lakestore.maintain.expire_reach import OtherLines
from lakestore.model.snapshot import Snapshot
from lakestore.storage.paths import TablePaths
from lakestore.storage.store import FileInfo

Files = tuple[FileInfo, ...]
Fingerprint = tuple[Files, tuple[tuple[TablePaths, Files, Files], ...]]


@dataclass(frozen=True, slots=True)
class Protectors:
    """The tags of a line, and the other lines, as they were at some time.

    Attributes:
        fingerprint: Which files these are.
        tags: Snapshots of all tags.
        others: The other lines.
    """

    fingerprint: Fingerprint
    tags: tuple[Snapshot, ...]
    others: OtherLines

    @classmethod
    def of(cls, parts: CleanParts) -> "Protectors":
        """As they are now; the fingerprint is taken first, so that what changes meanwhile is noticed."""
        fingerprint = _fingerprint(parts)
        tags = parts.tags.list() if fingerprint[0] else []
        return cls(fingerprint, tuple(tag.snapshot for tag in tags), OtherLines(tuple(parts.other_lines())))

    def changed(self, parts: CleanParts) -> bool:
        """Whether any came, went or was replaced since."""
        return _fingerprint(parts) != self.fingerprint


def is_held(parts: CleanParts, snapshot: Snapshot, *, beside: str = "") -> bool:
    """Whether a snapshot is there, as itself or under a tag.

    Args:
        parts: The table or branch.
        snapshot: The snapshot.
        beside: Name of a tag that does not count.
    """
    there = parts.snapshots.find(snapshot.id)
    if there is not None and same_state(there, snapshot):
        return True
    return any(same_state(tag.snapshot, snapshot) for tag in parts.tags.list() if tag.name != beside)


def same_state(one: Snapshot, other: Snapshot) -> bool:
    """Whether two files say the same of a table: copies by other engines may lack keys, but name the same lists."""
    names = (one.base_manifest_list, one.delta_manifest_list)
    return names == (other.base_manifest_list, other.delta_manifest_list)


def _fingerprint(parts: CleanParts) -> Fingerprint:
    lines = []
    for line in parts.other_lines():
        snapshots = tuple(line.store.list(line.paths.snapshot_dir()))
        lines.append((line.paths, snapshots, tuple(line.tags.files())))
    return tuple(parts.tags.files()), tuple(lines)
