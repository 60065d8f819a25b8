"""What LakeStore tells a listener while it works: typed records, one class per happening."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFinished(Event):
    """A commit made a snapshot, or found that it had made it before."""

    table: str
    snapshot_id: int
    attempts: int
    files_added: int
    files_deleted: int
    rows_added: int
    milliseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitRetried(Event):
    """A commit lost the race for a snapshot number, or the store stumbled, and goes again."""

    table: str
    snapshot_id: int
    attempt: int
    reason: str
    wait_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWritten(Event):
    """A data file was closed."""

    path: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketCompacted(Event):
    """Files of a bucket were compacted; a commit has yet to make it visible."""

    table: str
    bucket: int
    reason: str
    output_level: int
    files_before: int
    files_after: int
    bytes_written: int
    milliseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactionFailed(Event):
    """The compaction after a commit failed; the rows of the commit are all there without it."""

    table: str
    snapshot_id: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotsExpired(Event):
    """Snapshots ``first`` to ``last`` expired after a commit, with the files that nothing else needed."""

    table: str
    first: int
    last: int
    files_deleted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CleaningFailed(Event):
    """What should have expired after a commit did not, or not all of it; the commit stands, and the next one tries."""

    table: str
    snapshot_id: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanPlanned(Event):
    """A scan was planned."""

    table: str
    snapshot_id: int
    manifests_read: int
    manifests_skipped: int
    files_read: int
    files_skipped: int
    milliseconds: float


def ignore_event(event: Event) -> None:
    """Drop the event."""
    del event
