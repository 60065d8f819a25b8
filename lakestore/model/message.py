"""What writers hand to the committer."""

from collections.abc import Mapping
from dataclasses import dataclass

from lakestore.errors import LakestoreError
from lakestore.model.datafile import DataFile
from lakestore.model.predicate import Predicate
from lakestore.model.snapshot import BATCH_COMMIT_IDENTIFIER, CommitKind


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitMessage:
    """Files that one writer made, and took away, in one bucket.

    Attributes:
        partition: Serialized BinaryRow of the partition columns.
        bucket: Bucket number.
        total_buckets: Bucket count, -1 without fixed buckets.
        new_files: Files of fresh rows.
        deleted_files: Live files that this write replaces (copy-on-write).
        changelog_files: Files of fresh row changes.
        compact_before: Files that a compaction read.
        compact_after: Files that it wrote or moved up.
        compact_changelog: Row changes that it found.
    """

    partition: bytes
    bucket: int
    total_buckets: int
    new_files: tuple[DataFile, ...] = ()
    deleted_files: tuple[DataFile, ...] = ()
    changelog_files: tuple[DataFile, ...] = ()
    compact_before: tuple[DataFile, ...] = ()
    compact_after: tuple[DataFile, ...] = ()
    compact_changelog: tuple[DataFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Overwrite:
    """Which live files an overwrite replaces.

    Attributes:
        where: Bound predicate on partition columns; files of matching partitions go. None: see ``dynamic``.
        dynamic: True: exactly the partitions that the new files touch. False without ``where``: the whole
            table.
        partitions: Exactly these partitions go, as serialized BinaryRows; the other two are not asked then.
    """

    where: Predicate | None = None
    dynamic: bool = False
    partitions: frozenset[bytes] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitRequest:
    """Everything one commit is to make visible.

    Attributes:
        user: Commit user; identifiers of one user must rise.
        identifier: The caller's number for this commit.
        messages: What the writers made.
        overwrite: Makes it an OVERWRITE commit.
        watermark: Event time reached, epoch milliseconds.
        properties: Text pairs to keep in the snapshot.
        operation: Word for ``Snapshot.operation``, e.g. ``WRITE``.
        schema_id: Schema that the files were written with; the commit re-checks it against the latest.
        base_snapshot: Snapshot the job planned on, 0 for none yet; conflict messages name it. When others have
            committed since, the sequence numbers of fresh primary-key files must all be above theirs. None: the
            caller does not say, and that is not checked.
        allow_empty: Make a snapshot although nothing changed.
        kind: Kind of a snapshot that changes no file: ANALYZE, or COMPACT for manifests; None for any other.
        statistics: Name of a statistics file that the snapshot carries from now on.
        merge_manifests: Merge all manifests that are small or hold DELETEs, however few.
        replaces_files: Makes it an OVERWRITE commit even if it deletes nothing: its files hold no new rows.
        rivals_since: No snapshot after this one may be the same user's, compactions aside, or the commit is refused
            as ``identifier-taken``: so of two processes under one user one is shut out, whatever the timing. None
            asks of the snapshots that it meets only that none has its identifier.
    """

    user: str
    identifier: int = BATCH_COMMIT_IDENTIFIER
    messages: tuple[CommitMessage, ...] = ()
    overwrite: Overwrite | None = None
    watermark: int | None = None
    properties: Mapping[str, str] | None = None
    operation: str | None = None
    schema_id: int = 0
    base_snapshot: int | None = None
    allow_empty: bool = False
    kind: CommitKind | None = None
    statistics: str | None = None
    merge_manifests: bool = False
    replaces_files: bool = False
    rivals_since: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitResult:
    """What a commit came to.

    Attributes:
        snapshot_ids: Snapshots made, in order: APPEND or OVERWRITE, then COMPACT; empty when nothing changed.
        attempts: How many times the number was tried.
        already_committed: The identifier was found committed before, so nothing was done.
        compact_error: Why the compact part was not committed, or may not have been, although the append part was.
            Its rows are all there without it. Its files may be deleted unless it is a ``CommitUnknownError``.
    """

    snapshot_ids: tuple[int, ...]
    attempts: int = 1
    already_committed: bool = False
    compact_error: LakestoreError | None = None
