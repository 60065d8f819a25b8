"""Rollback as a new snapshot: the files of an old snapshot become live again, and the history stays.

1. Compare the files of the target with those of the latest snapshot.
2. Copy the files that come back, under fresh names. Expiry, ours and that of other engines, removes what an expired
   snapshot had deleted without looking whether a later one brought it back; a copy is a file of its own.
3. Commit: the files that the target lacks go, the copies come. It is an OVERWRITE, so that readers of changes do not
   take old rows for new ones.
4. When the files changed meanwhile, remove the copies and begin again.

Invariant: a file that another snapshot names is never named by the new one unless the latest names it too.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from lakestore.data.copy import copied
from lakestore.data.file_writer import BucketNames, WriteParts
from lakestore.errors import (
    CommitUnknownError,
    ConflictError,
    ErrorKind,
    LakestoreError,
    StorageError,
    UnsupportedFormatError,
)
from lakestore.maintain.cleaning import CleanParts
from lakestore.meta.commit import Committer
from lakestore.meta.scan import snapshot_entries
from lakestore.model.datafile import DataFile
from lakestore.model.manifest import ManifestEntry
from lakestore.model.message import CommitMessage, CommitRequest
from lakestore.model.snapshot import Snapshot

TRIES = 5
"""How often it begins again because files changed meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollForwardReport:
    """What a rollback as a new snapshot did, or would.

    Attributes:
        target: The snapshot whose rows come back.
        snapshot_id: The latest snapshot now; the one before when nothing had to change.
        removed: Data files that are no longer live, by name.
        restored: Data files of the target that were copied, by name.
        bytes: Bytes copied.
        dry_run: Nothing was changed.
    """

    target: int
    snapshot_id: int
    removed: tuple[str, ...]
    restored: tuple[str, ...]
    bytes: int
    dry_run: bool = False

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "target": self.target,
            "snapshot": self.snapshot_id,
            "files_removed": list(self.removed),
            "files_restored": list(self.restored),
            "bytes_copied": self.bytes,
            "dry_run": self.dry_run,
        }


def rollback_as_new(
    parts: CleanParts, write: WriteParts, committer: Committer, target: Snapshot, *, dry_run: bool = False
) -> RollForwardReport:
    """Bring back the files of a snapshot in a new one.

    Args:
        parts: The open table or branch.
        write: The same, for writing files.
        committer: Makes its snapshots.
        target: The snapshot whose rows come back.
        dry_run: Only say what would change.

    Raises:
        ConflictError: Others change files faster than this does; nothing was committed.
        CommitUnknownError: Nobody can know whether it landed; the copies are left where they are.
        UnsupportedFormatError: Index files would have to come back too.
    """
    for _ in range(TRIES):
        latest = parts.snapshots.latest() or target
        _refuse_index_files(parts, latest, target)
        now = {entry.id: entry for entry in snapshot_entries(parts.manifests, latest)}
        then = {entry.id: entry for entry in snapshot_entries(parts.manifests, target)}
        gone = [entry for key, entry in now.items() if key not in then]
        back = [entry for key, entry in then.items() if key not in now]
        report = RollForwardReport(
            target=target.id,
            snapshot_id=latest.id,
            removed=tuple(entry.file.name for entry in gone),
            restored=tuple(entry.file.name for entry in back),
            bytes=sum(entry.file.size for entry in back),
            dry_run=dry_run,
        )
        if dry_run or not (gone or back):
            return report
        copies = _Copies(write)
        try:
            messages = copies.messages(gone, back)
            request = CommitRequest(
                user=parts.env.new_id(), messages=messages, schema_id=write.schema.id, replaces_files=True
            )
            return replace(report, snapshot_id=committer.commit(request).snapshot_ids[-1])
        except CommitUnknownError:
            raise
        except LakestoreError as error:
            copies.remove()
            if error.kind is not ErrorKind.FILE_GONE:
                raise
    raise ConflictError(
        f"{parts.name}: its files changed {TRIES} times while those of snapshot {target.id} were being copied; nothing"
        " was committed: try again when less is written",
        kind=ErrorKind.RETRIES_EXHAUSTED,
    )


def _refuse_index_files(parts: CleanParts, latest: Snapshot, target: Snapshot) -> None:
    if latest.index_manifest == target.index_manifest:
        return
    raise UnsupportedFormatError(
        f"{parts.name}: snapshots {target.id} and {latest.id} have different index files (deletion vectors, hash"
        " indexes), which this release does not bring back; roll back without a new snapshot, or with another engine"
    )


class _Copies:
    """Copies of data files, and how to be rid of them.

    Args:
        write: The table.
    """

    def __init__(self, write: WriteParts) -> None:
        self._write = write
        self._made: list[tuple[BucketNames, DataFile]] = []

    def messages(self, gone: Iterable[ManifestEntry], back: Iterable[ManifestEntry]) -> tuple[CommitMessage, ...]:
        """One message for each bucket, and for each bucket count that its files were written under."""
        groups: dict[tuple[bytes, int, int], tuple[list[DataFile], list[DataFile]]] = {}
        for side, entries in enumerate((gone, back)):
            for entry in entries:
                groups.setdefault((entry.partition, entry.bucket, entry.total_buckets), ([], []))[side].append(
                    entry.file
                )
        return tuple(
            CommitMessage(
                partition=partition,
                bucket=bucket,
                total_buckets=total,
                deleted_files=tuple(old),
                new_files=self._copied(partition, bucket, new),
            )
            for (partition, bucket, total), (old, new) in groups.items()
        )

    def remove(self) -> None:
        """Remove them all; what a failing store keeps are orphans, no damage."""
        for names, file in self._made:
            for name in (file.name, *file.extra_files):
                with suppress(StorageError):
                    self._write.store.delete(names.path(name))
        self._made.clear()

    def _copied(self, partition: bytes, bucket: int, files: Iterable[DataFile]) -> tuple[DataFile, ...]:
        names = BucketNames(self._write, partition, bucket)
        copies = []
        for file in files:
            copies.append(copied(self._write, names, file))
            self._made.append((names, copies[-1]))
        return tuple(copies)
